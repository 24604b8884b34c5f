package lab

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// slice is how many events happen before others get a turn at the lab, unless several
// workers are at it.
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
	for _, p := range l.parts {
		p.now = t
	}
	l.now = t
	l.instant.Store(int64(t))
}

// next returns the instant of the next event.
func (l *Lab) next() Time {
	t := forever
	for _, p := range l.parts {
		t = min(t, p.next())
	}
	return t
}

// advance lets events up to and including the instant t happen, not many at a time,
// and reports whether there are more.
func (l *Lab) advance(t Time) bool {
	if l.next() > t {
		return false
	}
	from, events, start := l.now, l.events(), time.Now()
	end, together := min(t, l.plan.stretch(from)), false
	switch {
	case len(l.parts) == 1:
		l.parts[0].run(t, slice)
		l.reach(l.parts[0].now)
	case l.plan.together(end - from):
		l.stretch(max(end, l.next()))
		together = true
	default:
		l.takeTurns(t)
	}
	happened := l.events()
	l.plan.learn(together, l.now-from, happened-events, time.Since(start))
	if happened >= l.plan.due {
		l.replan(happened)
	}
	return l.next() <= t
}

// takeTurns is a slice in which the caller does the work of all parts, one after
// another for as long as none can hear of another.
func (l *Lab) takeTurns(t Time) {
	for n := 0; n < slice; {
		next := l.next()
		if next > t {
			return
		}
		end := min(t, after(next, min(l.plan.lookahead-1, longest)))
		for _, p := range l.parts {
			for p.queue.top() <= end {
				p.happen(p.queue.pop())
				n++
			}
		}
		for _, p := range l.parts {
			for p.last.top() <= end {
				p.conclude(p.last.pop())
				n++
			}
		}
		l.reach(end)
	}
}

func (l *Lab) events() (n uint64) {
	for _, p := range l.parts {
		n += p.events
	}
	return n
}
