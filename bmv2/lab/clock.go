package lab

import (
	"context"
	"errors"
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

// SwitchClock is how a switch's own clock differs from the lab's. What the switch
// times by its clock (timestamps, epoch bit, the drain rate of its ports) follows it.
type SwitchClock struct {
	Offset   time.Duration // at the lab's instant 0; not negative
	DriftPPB int64         // gained per second, in ns; within ±1e6
}

var errSwitchClock = errors.New("want an offset of at least 0 and a drift within ±1000000 ppb")

func (c SwitchClock) check() error {
	if c.Offset < 0 || c.DriftPPB < -1e6 || c.DriftPPB > 1e6 {
		return fmt.Errorf("clock with offset %v and drift %d ppb: %w", c.Offset, c.DriftPPB, errSwitchClock)
	}
	return nil
}

// local returns what the switch's clock shows at the lab's instant t. It never goes
// back.
func (c *SwitchClock) local(t Time) Time {
	const second = Time(time.Second)
	d := Time(c.DriftPPB)
	return Time(c.Offset) + t + t/second*d + t%second*d/second
}

// global returns the first instant of the lab at which the switch's clock has reached t.
func (c *SwitchClock) global(t Time) Time {
	g := t - Time(c.Offset)
	if c.DriftPPB == 0 {
		return g
	}
	for {
		miss := t - c.local(g)
		if -2 <= miss && miss <= 2 {
			break
		}
		g += miss
	}
	for c.local(g) < t {
		g++
	}
	for c.local(g-1) >= t {
		g--
	}
	return g
}
