package lab

import (
	"context"
	"fmt"
	"math"
	"time"
)

// forever is later than any event.
const forever = Time(math.MaxInt64)

// A Clock paces a lab that runs on its own ([Lab.Run]).
type Clock interface {
	// Start sets the clock to t. It is called once, before the others.
	Start(t Time)
	// Now returns the instant up to which events may happen; it never goes back.
	Now() Time
	// Wait returns when Now has reached t, when ctx ends or when poke receives,
	// whichever is first.
	Wait(ctx context.Context, t Time, poke <-chan struct{})
}

// Virtual returns a clock that jumps from event to event.
func Virtual() Clock { return &virtual{} }

type virtual struct{ now Time }

func (c *virtual) Start(t Time) { c.now = t }
func (c *virtual) Now() Time    { return c.now }

func (c *virtual) Wait(ctx context.Context, t Time, poke <-chan struct{}) {
	if t != forever {
		c.now = max(c.now, t)
		return
	}
	select {
	case <-ctx.Done():
	case <-poke:
	}
}

// Wall returns a clock tied to the machine's: speed seconds pass in the lab while one
// passes outside. It panics unless speed is above zero.
func Wall(speed float64) Clock {
	if !(speed > 0) {
		panic(fmt.Sprintf("BUG: lab: a clock of speed %v", speed))
	}
	return &wall{speed: speed}
}

type wall struct {
	speed float64
	base  Time
	start time.Time
}

func (c *wall) Start(t Time) { c.base, c.start = t, time.Now() }

func (c *wall) Now() Time {
	return c.base + Time(float64(time.Since(c.start))*c.speed)
}

func (c *wall) Wait(ctx context.Context, t Time, poke <-chan struct{}) {
	var due <-chan time.Time
	if t != forever {
		// Rounded up, and at least a tick, so that Now has reached t afterwards.
		d := time.Duration(math.Ceil(float64(t-c.Now()) / c.speed))
		if d <= 0 {
			return
		}
		timer := time.NewTimer(d)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
	case <-poke:
	case <-due:
	}
}

// after adds a duration to an instant; the end of time absorbs.
func after(t, d Time) Time {
	if d > forever-t {
		return forever
	}
	return t + d
}
