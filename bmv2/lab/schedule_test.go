package lab

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/telltale-net/telltale/bmv2/lab/traffic"
	"github.com/telltale-net/telltale/topology"
)

// Paper runs a lab's schedule on processors that exist on paper only: a packet that
// a switch takes in costs Hop, another event Other, coming back with a part and
// choosing the next Handover. Nothing but the schedule itself decides who does what, so
// that the speed-up is what it and the causality of the lab leave possible.
type Paper struct {
	Hop, Other, Handover time.Duration
}

// Run lets a lab reach an instant and returns the time that took.
func (m Paper) Run(l *Lab, end Time) (took time.Duration) {
	type stay struct {
		until time.Duration
		part  *part
	}
	s := &l.schedule
	s.begin(max(l.now, l.next()), end, len(s.workers) == 1)
	workers := make([]stay, len(s.workers))
	now := time.Duration(0)
	for !s.over {
		for i := range workers { // whoever is idle looks for work
			if x := &workers[i]; x.part == nil {
				if p, bound := s.choose(s.workers[i]); p != nil {
					*x = stay{now + m.Handover + m.drive(s.workers[i], p, bound), p}
				}
			}
		}
		first := -1
		for i, x := range workers {
			if x.part != nil && (first < 0 || x.until < workers[first].until) {
				first = i
			}
		}
		if first >= 0 {
			now = workers[first].until
			s.publish(s.workers[first], workers[first].part)
			workers[first].part = nil
		}
	}
	s.rest()
	l.reach(end)
	return now
}

func (m Paper) drive(w *worker, p *part, bound Time) time.Duration {
	events, hops := p.events, p.hops()
	w.drive(p, bound)
	hops = p.hops() - hops
	return time.Duration(hops)*m.Hop + time.Duration(p.events-events-hops)*m.Other
}

// hops counts what the part's switches have taken in.
func (p *part) hops() (n uint64) {
	for _, x := range p.lab.nodes {
		if x.part == p {
			n += x.stats.Received
		}
	}
	return n
}

// bench is the fabric of BenchmarkLab with plain routers: 4 spines, 4 leaves, 8
// vswitches, 24 hosts.
func bench(tb testing.TB, trunk time.Duration, workers int) *Lab {
	l := fakes(tb, Config{Workers: workers, Fabric: small(tb, func(c *topology.LeafSpineConfig) {
		c.Spines, c.HostsPerVNET, c.Host.RateBps, c.Trunk.Delay = 4, 24, 1e9, trunk
	})})
	addMix(tb, l, traffic.Mix{Seed: 1, PPS: 100000})
	return l
}

// No part ever gets an event before the bound it was given, whoever drives which part
// in which order, and whoever is at it for how long.
func TestBoundsHold(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 3))
		l := bench(t, time.Duration(r.IntN(20))*time.Microsecond, 4)
		s := &l.schedule
		end := Time(4 * time.Millisecond)
		s.begin(l.next(), end, false)
		type turn struct {
			worker *worker
			part   *part
			bound  Time
		}
		var turns []turn
		idle := slices.Clone(s.workers)
		for !s.over {
			if len(turns) > 0 && (len(idle) == 0 || r.IntN(3) == 0) {
				i := r.IntN(len(turns))
				x := turns[i]
				turns = slices.Delete(turns, i, i+1)
				before := min(x.part.queue.top(), end+1)
				for _, e := range x.part.inbox {
					if e.at < x.bound && x.part.id != s.collector() {
						t.Fatalf("seed %d: an event at %d came to part %d, which was to go to %d", seed, e.at, x.part.id, x.bound)
					}
				}
				seen := s.published.Load()
				s.publish(x.worker, x.part)
				if next := min(x.part.queue.top(), x.part.first); next < min(before, x.bound) {
					t.Fatalf("seed %d: part %d has to go back to %d", seed, x.part.id, next)
				}
				s.idle = 0
				useful := false
				for _, w := range idle {
					s.idle |= 1 << w.id
					id, _ := s.find(w)
					useful = useful || id >= 0
				}
				s.needed()
				s.tell()
				if told := s.published.Load() != seen; told != useful { // what await compares before it sleeps
					t.Fatalf("seed %d: that part %d is back is useful to others (%v), who are told (%v)", seed, x.part.id, useful, told)
				}
				idle = append(idle, x.worker)
				continue
			}
			if len(idle) == 0 {
				continue
			}
			i := r.IntN(len(idle))
			w := idle[i]
			p, bound := s.choose(w)
			if p == nil {
				able := s.over || len(turns) > 0
				for _, w := range s.workers {
					id, _ := s.find(w)
					able = able || id >= 0
				}
				if !able {
					t.Fatalf("seed %d: nobody can go on", seed)
				}
				continue
			}
			idle = slices.Delete(idle, i, i+1)
			w.drive(p, bound)
			turns = append(turns, turn{w, p, bound})
		}
		s.rest()
		l.reach(end)
		if l.next() <= end {
			t.Fatalf("seed %d: something is left at %d", seed, l.next())
		}
	}
}

// Distances are those of the shortest paths, the diagonal's of the shortest ways round.
func TestDistances(t *testing.T) {
	l := fakes(t, Config{Workers: 2, Fabric: small(t, func(c *topology.LeafSpineConfig) { c.Trunk.Delay = 10 * time.Microsecond })})
	f := func(from, to string, want uint32) {
		t.Helper()
		if got := l.schedule.distance[l.nodesByName[to].part.id][l.nodesByName[from].part.id]; got != want {
			t.Errorf("from %s to %s: %d, want %d", from, to, got, want)
		}
	}
	const access, trunk, report = 2480, 10480, 10480
	f("vs1", "leaf1", access)
	f("vs1", "vs1", 2*access)
	f("leaf1", "leaf1", 2*access)
	f("spine1", "spine1", 2*trunk)
	f("vs1", "vs2", access+min(access, 2*trunk+access))
	f("vs1", "spine2", access+trunk)
	f("leaf1", "collector", report)
	f("collector", "leaf1", farOff)
}

// Groups are as many as wanted, of about one size, and never part what no time
// separates.
func TestGroup(t *testing.T) {
	f := func(most, least, greatest int, change func(*topology.LeafSpineConfig)) {
		t.Helper()
		l := fakes(t, Config{Fabric: small(t, change), Workers: 1})
		owner := l.group(most, 0)
		size := map[int]int{}
		for i, n := range l.nodes {
			if n.Role != topology.Collector {
				size[owner[i]]++
			}
		}
		sizes := []int{}
		for i := range len(size) {
			sizes = append(sizes, size[i])
		}
		if len(sizes) > most || slices.Min(sizes) < least || slices.Max(sizes) > greatest {
			t.Errorf("groups of %v, want at most %d of %d to %d", sizes, most, least, greatest)
		}
		for _, w := range l.wires {
			if w.from.kind == atSwitch && w.to.kind == atSwitch && w.lookahead() == 0 && owner[w.from.ref] != owner[w.to.ref] {
				t.Errorf("%s and %s are not in one group", w.from.name, w.to.name)
			}
		}
	}
	f(maxParts, 1, 1, func(*topology.LeafSpineConfig) {})
	f(5, 1, 4, func(*topology.LeafSpineConfig) {})
	f(maxParts, 1, 4, func(c *topology.LeafSpineConfig) { c.Leaves, c.VSwitches = 40, 3 })
	f(maxParts, 1, 3, func(c *topology.LeafSpineConfig) { c.Access = topology.Line{} })
	f(2, 14, 14, func(c *topology.LeafSpineConfig) { c.Access, c.Trunk = topology.Line{}, topology.Line{} })
}

// Packets go round: a worker that only receives does not keep them.
func TestSupply(t *testing.T) {
	var s schedule
	var sender, receiver pool
	made := map[*packet]bool{}
	for range 100 * plenty {
		s.supply(&sender)
		p := sender.get()
		made[p] = true
		receiver.put(p)
		s.supply(&receiver)
	}
	if len(made) > 2*plenty {
		t.Errorf("%d packets were made, want at most %d", len(made), 2*plenty)
	}
}

// Workers sleep while there is nothing for them and are woken, more of them than
// processors or not.
func TestManyWorkers(t *testing.T) {
	want := fmt.Sprint(quiet(t, 1).Stats())
	for _, workers := range []int{2, 7, 64, 100} {
		if got := fmt.Sprint(quiet(t, workers).Stats()); got != want {
			t.Errorf("%d workers: %s, want %s", workers, got, want)
		}
	}
}

// quiet is a lab in which little happens at a time.
func quiet(t *testing.T, workers int) *Lab {
	l := fakes(t, Config{Fabric: small(t), Workers: workers})
	l.plan.always = true
	addMix(t, l, traffic.Mix{Seed: 1, PPS: 3000})
	runUntil(t, l, 200*time.Millisecond)
	if s := &l.schedule; s.idle|s.asleep != 0 || s.busy != 0 || s.pending != 0 {
		t.Errorf("left behind: idle %b, asleep %b, busy %b, pending %b", s.idle, s.asleep, s.busy, s.pending)
	}
	return l
}
