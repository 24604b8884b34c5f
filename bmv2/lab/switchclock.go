package lab

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/telltale-net/telltale/topology"
)

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

// Skewed gives every switch of a fabric a clock of its own, to rehearse a fabric that
// nobody synchronises: offsets up to the one given, drifts within ± so many ppb, drawn
// from the seed.
func Skewed(f topology.Fabric, seed uint64, offset time.Duration, driftPPB int64) map[string]SwitchClock {
	rng := rand.New(rand.NewPCG(seed, clockStream))
	clocks := map[string]SwitchClock{}
	for _, n := range f.Nodes {
		if n.Role != topology.Collector {
			clocks[n.Name] = SwitchClock{
				Offset:   time.Duration(rng.Int64N(int64(max(offset, 0)) + 1)),
				DriftPPB: rng.Int64N(2*max(driftPPB, 0)+1) - max(driftPPB, 0),
			}
		}
	}
	return clocks
}

// SwitchClock returns a switch's clock as the lab was configured.
func (l *Lab) SwitchClock(node string) (SwitchClock, error) {
	n, err := l.switchNode(node)
	if err != nil {
		return SwitchClock{}, fmt.Errorf("no clock: %w", err)
	}
	return n.clock, nil
}

// At returns what the switch's clock shows at the lab's instant t. It never goes back.
// Timestamps in the switch's reports are this, rounded down to microseconds.
func (c SwitchClock) At(t Time) Time {
	const second = Time(time.Second)
	d := Time(c.DriftPPB)
	return Time(c.Offset) + t + t/second*d + t%second*d/second
}

// When returns the first instant of the lab at which the switch's clock has reached t.
func (c SwitchClock) When(t Time) Time {
	g := t - Time(c.Offset)
	if c.DriftPPB == 0 {
		return g
	}
	for {
		miss := t - c.At(g)
		if -2 <= miss && miss <= 2 {
			break
		}
		g += miss
	}
	for c.At(g) < t {
		g++
	}
	for c.At(g-1) >= t {
		g--
	}
	return g
}
