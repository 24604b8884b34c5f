package lab

import (
	"context"
	"errors"
	"fmt"
	"time"
)

var errRunning = errors.New("the lab is running already")

// RunUntil runs in virtual time, as fast as the machine allows, until every event up
// to and including the instant t has happened; then the lab's time is t.
func (l *Lab) RunUntil(t Time) error {
	if err := l.begin(); err != nil {
		return fmt.Errorf("cannot run the lab until %v: %w", time.Duration(t), err)
	}
	defer l.finish()
	l.lock()
	defer l.unlock()
	if t < l.now {
		return fmt.Errorf("cannot run the lab until %v: it is %v already", time.Duration(t), time.Duration(l.now))
	}
	for l.advance(t) {
		l.unlock() // controllers' turn
		l.lock()
	}
	l.reach(t)
	return nil
}

// Run runs the lab by the clock in its configuration until ctx ends, which is the way
// to stop it and no error.
func (l *Lab) Run(ctx context.Context) error {
	if err := l.begin(); err != nil {
		return fmt.Errorf("cannot run the lab: %w", err)
	}
	defer l.finish()
	clock := l.cfg.Clock
	if clock == nil {
		clock = Wall(1)
	}
	clock.Start(l.Now())
	for ctx.Err() == nil {
		clock.Wait(ctx, l.catchUp(clock.Now()), l.poke)
	}
	return nil
}

// catchUp runs one slice of what is due at t and returns when there is more to do.
func (l *Lab) catchUp(t Time) Time {
	l.lock()
	defer l.unlock()
	more := l.advance(t)
	l.lag = max(l.lag, t-l.now)
	if more {
		return l.now
	}
	l.reach(max(l.now, t))
	return l.next()
}

func (l *Lab) begin() error {
	l.lock()
	defer l.unlock()
	if l.running {
		return errRunning
	}
	l.running = true
	return nil
}

func (l *Lab) finish() {
	l.lock()
	defer l.unlock()
	l.running = false
}

// nudge tells a waiting clock that the queue has changed.
func (l *Lab) nudge() {
	select {
	case l.poke <- struct{}{}:
	default:
	}
}

// reach moves the lab's time on.
func (l *Lab) reach(t Time) {
	for _, p := range l.schedule.parts {
		p.now = t
	}
	l.now, l.schedule.end = t, t
	l.instant.Store(int64(t))
}

// next returns the instant of the next event.
func (l *Lab) next() Time {
	t := forever
	for _, p := range l.schedule.parts {
		t = min(t, p.next())
	}
	return t
}

// advance lets events up to and including the instant t happen, not many at a time,
// and reports whether there are more.
func (l *Lab) advance(t Time) bool {
	next := l.next()
	if next > t {
		return false
	}
	from, events, start := max(l.now, next), l.events(), time.Now()
	end := min(t, l.plan.stretch(from))
	together := l.plan.together(end - from)
	if !together {
		end = min(t, l.plan.slice(from))
	}
	l.stretch(from, end, together)
	l.plan.learn(together, end-from+1, l.events()-events, time.Since(start))
	return l.next() <= t
}

// stretch lets everything up to and including the instant end happen, nothing of which
// is before from. The caller is one of the workers, the one that collects reports.
func (l *Lab) stretch(from, end Time, together bool) {
	s := &l.schedule
	s.begin(from, end, !together)
	finished := false
	defer func() {
		if !finished { // OnReport panicked; the others must end
			s.lock()
			s.broken = true
			s.leave()
		}
		s.helpers.Wait()
		s.rest()
		l.reach(end)
	}()
	if together {
		for _, w := range s.workers[1:] {
			s.helpers.Add(1)
			go s.help(w)
		}
	}
	s.work(s.workers[0])
	finished = true
}

func (l *Lab) events() (n uint64) {
	for _, p := range l.schedule.parts {
		n += p.events
	}
	return n
}
