package lab

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/telltale-net/telltale/bmv2/lab/traffic"
	"github.com/telltale-net/telltale/topology"
)

// together runs a lab of fakes with so many workers, with faults coming and going, and
// returns a line per wire, host, node and flow that tells any difference in what
// passed it.
func together(t *testing.T, fab topology.Fabric, seed uint64, steps, workers int, always bool) (lines []string, parts int) {
	t.Helper()
	l := fakes(t, Config{Fabric: fab, Seed: seed, Workers: workers,
		Clocks: map[string]SwitchClock{"leaf1": {Offset: time.Hour, DriftPPB: 40000}, "spine1": {DriftPPB: -70000}}})
	l.plan.always = always
	sums := make([]hash.Hash, len(l.wires))
	for i := range sums {
		sums[i] = sha256.New()
	}
	l.watch = func(w *wire, at Time, b []byte) {
		fmt.Fprintln(sums[w.id], at, len(b))
		sums[w.id].Write(b)
	}
	addMix(t, l, traffic.Mix{Seed: seed, PPS: 30000, Stop: time.Duration(steps) * 9 * time.Millisecond})
	r := rand.New(rand.NewPCG(seed, 17))
	var active []Fault
	for step := 1; step <= steps; step++ {
		if n := len(active); n > 0 && r.IntN(3) == 0 {
			if err := active[n-1].Revert(l); err != nil {
				t.Fatal(err)
			}
			active = active[:n-1]
		} else if link := fab.Links[r.IntN(len(fab.Links))]; !link.Telemetry {
			f := []Fault{
				SlowPort(link.A.Node, link.A.Port, 0.1), LossyLink(link.B.Node, link.B.Port, 0.3),
				LinkDown(link.A.Node, link.A.Port), QueuePause(link.A.Node, link.A.Port),
			}[r.IntN(4)]
			if err := f.Apply(l); err == nil {
				active = append(active, f)
			}
		}
		runUntil(t, l, time.Duration(step)*11*time.Millisecond)
		balance(t, l)
		parts = len(l.schedule.parts) - 1
	}
	s := l.Stats()
	lines = append(lines, fmt.Sprint("now ", s.Now, " events ", s.Events, " in flight ", s.InFlight, " pending ", pending(l)))
	for i, x := range s.Links {
		lines = append(lines, fmt.Sprintf("wire %d: %x %+v", i, sums[i].Sum(nil), x))
	}
	for _, x := range s.Nodes {
		lines = append(lines, fmt.Sprintf("node: %+v", x))
	}
	for _, x := range s.Hosts {
		lines = append(lines, fmt.Sprintf("host: %+v", x))
	}
	for _, x := range l.Flows() {
		lines = append(lines, fmt.Sprintf("flow: %+v", x))
	}
	return lines, parts
}

// Any number of workers gives the same bytes at the same instants on every wire, and
// the same counters.
func TestWorkersAgree(t *testing.T) {
	for _, f := range []struct {
		name   string
		seeds  uint64
		steps  int
		parts  int
		change func(*topology.LeafSpineConfig)
	}{
		{"as it comes", 3, 6, 14, func(*topology.LeafSpineConfig) {}},
		{"congested", 3, 6, 14, func(c *topology.LeafSpineConfig) { c.Access.RateBps, c.Trunk.RateBps = 20e6, 20e6 }},
		{"one spine, three leaves", 2, 5, 10, func(c *topology.LeafSpineConfig) { c.Spines, c.Leaves = 1, 3 }},
		{"no delay at the edge", 2, 5, 6, func(c *topology.LeafSpineConfig) {
			c.Access.Delay, c.Host.Delay = 0, 0
			c.Access.RateBps, c.Host.RateBps = 0, 0
		}},
		{"rate without delay", 1, 3, 14, func(c *topology.LeafSpineConfig) {
			c.Host.Delay, c.Access.Delay, c.Trunk.Delay, c.Telemetry.Delay = 0, 0, 0, 0
		}},
		{"no delay at all", 1, 5, 1, func(c *topology.LeafSpineConfig) {
			c.Host = topology.Line{}
			c.Access, c.Trunk = c.Host, c.Host
		}},
	} {
		t.Run(f.name, func(t *testing.T) {
			for seed := range f.seeds {
				fab := small(t, f.change)
				want, _ := together(t, fab, seed, f.steps, 1, false)
				for _, workers := range []int{2, 4} {
					for _, always := range []bool{true, false} {
						got, parts := together(t, fab, seed, f.steps, workers, always)
						if !slices.Equal(got, want) {
							t.Fatalf("seed %d: %d workers (always %v) differ from one:\n%s", seed, workers, always, difference(got, want))
						}
						if parts != f.parts {
							t.Errorf("seed %d: %d workers had %d parts, want %d", seed, workers, parts, f.parts)
						}
					}
				}
			}
		})
	}
}

func difference(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("got  %.300s\nwant %.300s", got[i], want[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(got), len(want))
}

// Nodes that short links join are one part where others are much longer, as long as
// there are enough for the workers.
func TestPartition(t *testing.T) {
	f := func(name string, workers, want int, change func(*topology.LeafSpineConfig)) {
		t.Helper()
		l := fakes(t, Config{Fabric: small(t, change), Workers: workers})
		if got := len(l.schedule.parts) - 1; got != want {
			t.Errorf("%s: %d parts for %d workers, want %d", name, got, workers, want)
		}
	}
	long := func(c *topology.LeafSpineConfig) { c.Trunk.Delay = 100 * time.Microsecond }
	f("one worker", 1, 1, func(*topology.LeafSpineConfig) {})
	f("links much alike", 2, 14, func(*topology.LeafSpineConfig) {})
	f("leaves with what hangs on them, and spines", 2, 6, long)
	f("too few of those", 4, 14, long)
	f("a large fabric", 4, 52, func(c *topology.LeafSpineConfig) { c.Spines, c.Leaves = 4, 16 })
	f("larger than can be", 4, maxParts, func(c *topology.LeafSpineConfig) { c.Spines, c.Leaves, c.VSwitches = 4, 40, 3 })
	f("only rates", 2, 14, func(c *topology.LeafSpineConfig) { c.Trunk.Delay, c.Access.Delay = 0, 0 })
	f("no time at all", 2, 1, func(c *topology.LeafSpineConfig) { c.Trunk, c.Access = topology.Line{}, topology.Line{} })
}

// Dividing the lab anew at any time changes nothing.
func TestDivideKeepsEvents(t *testing.T) {
	fab := small(t)
	run := func(workers int) string {
		r := rand.New(rand.NewPCG(5, 6))
		l := fakes(t, Config{Fabric: fab, Seed: 9, Workers: workers})
		addMix(t, l, traffic.Mix{Seed: 9, PPS: 30000, Stop: 20 * time.Millisecond})
		for step := 1; step <= 40; step++ {
			before := pending(l)
			owner := make([]int, len(l.nodes))
			for i := range owner {
				owner[i] = r.IntN(workers)
			}
			l.divide(owner)
			if n := pending(l); n != before {
				t.Fatalf("%d events pending, %d before", n, before)
			}
			runUntil(t, l, time.Duration(step)*time.Millisecond)
			balance(t, l)
		}
		s := l.Stats()
		if s.InFlight != 0 || pending(l) != 0 {
			t.Errorf("%d frames in flight, %d events pending at the end", s.InFlight, pending(l))
		}
		return fmt.Sprint(s, l.Flows())
	}
	want := run(1)
	for _, workers := range []int{2, 3} {
		if got := run(workers); got != want {
			t.Errorf("%d workers differ from one", workers)
		}
	}
}
