package journal

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// startTimeout is how long the server in this process may take to read what it has.
const startTimeout = time.Minute

const (
	maxStore  = 1 << 60 // bytes: Config.MaxBytes and Config.Reserve limit the log
	maxMemory = 64 << 20
)

// serve starts the server in this process. It listens nowhere.
func (j *Journal) serve(ctx context.Context) (*server.Server, error) {
	s, err := server.NewServer(&server.Options{
		ServerName:         "telltale",
		DontListen:         true,
		JetStream:          true,
		StoreDir:           j.cfg.Dir,
		SyncAlways:         j.cfg.Sync,
		JetStreamMaxStore:  maxStore,
		JetStreamMaxMemory: maxMemory,
		MaxPayload:         maxBlock,
		MaxPending:         8 * maxBlock,
		NoSigs:             true,
	})
	if err != nil {
		return nil, err
	}
	said := &serverLog{log: j.cfg.Log}
	s.SetLoggerV2(said, false, false, false)
	s.Start()
	if err := said.fatal(); err != nil {
		s.Shutdown()
		return nil, err
	}
	for deadline := time.Now().Add(startTimeout); !s.ReadyForConnections(50 * time.Millisecond); {
		switch {
		case ctx.Err() != nil:
			s.Shutdown()
			return nil, ctx.Err()
		case time.Now().After(deadline):
			s.Shutdown()
			return nil, errors.New("the log did not become ready")
		}
	}
	return s, nil
}
