package lab

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// slice is how many events happen before others get a turn at the lab.
const slice = 256

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
	for l.step(t, slice) {
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
	more := l.step(t, slice)
	l.lag = max(l.lag, t-l.now)
	if more {
		return l.now
	}
	l.reach(max(l.now, t))
	if next, ok := l.queue.peek(); ok {
		return next
	}
	return forever
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
	if t != l.now {
		l.now = t
		l.instant.Store(int64(t))
	}
}

// step lets at most n events up to the instant t happen and reports whether there
// are more.
func (l *Lab) step(t Time, n int) bool {
	for ; n > 0; n-- {
		at, ok := l.queue.peek()
		if !ok || at > t {
			return false
		}
		e := l.queue.pop()
		if e.at < l.now {
			panic(fmt.Sprintf("BUG: lab: event of kind %d at %d, but it is %d already", e.kind, e.at, l.now))
		}
		l.reach(e.at)
		l.events++
		switch e.kind {
		case evArrive:
			l.arrive(l.wires[e.ref], e.pkt)
		case evWake:
			l.wakeUp(l.nodes[e.ref])
		case evSend:
			l.hostSend(e.ref)
		case evPacketOut:
			l.inject(l.nodes[e.ref], e.pkt)
		case evTick:
			l.tick(l.nodes[e.ref])
		}
		if e.pkt != nil {
			l.pool.put(e.pkt)
		}
	}
	at, ok := l.queue.peek()
	return ok && at <= t
}
