package journal

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
)

// serverLog passes on what the NATS server in this process says. The server takes it
// that a process ends after Fatalf; here Open fails.
type serverLog struct {
	log *slog.Logger

	mu   sync.Mutex
	dead error
}

func (l *serverLog) say(level slog.Level, format string, v []any) {
	if l.log != nil {
		l.log.Log(context.Background(), level, "log: "+fmt.Sprintf(format, v...))
	}
}

func (l *serverLog) fatal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dead
}

func (l *serverLog) Noticef(format string, v ...any) { l.say(slog.LevelDebug, format, v) }
func (l *serverLog) Warnf(format string, v ...any)   { l.say(slog.LevelWarn, format, v) }
func (l *serverLog) Errorf(format string, v ...any)  { l.say(slog.LevelError, format, v) }
func (l *serverLog) Debugf(format string, v ...any)  {}
func (l *serverLog) Tracef(format string, v ...any)  {}

func (l *serverLog) Fatalf(format string, v ...any) {
	l.say(slog.LevelError, format, v)
	l.mu.Lock()
	l.dead = fmt.Errorf(format, v...)
	l.mu.Unlock()
}
