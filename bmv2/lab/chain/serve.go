package chain

import (
	"math"
	"slices"
)

// Lost is the start and the departure of a packet that was lost.
const Lost = int64(-1)

// interval is a time at which a server stands still.
type interval struct{ from, to int64 }

// server is what decides at one node.
type server struct {
	node   int
	batch  int
	queue  int
	stalls []interval // disjoint, in order
	run    *run

	next int // first stall that may not be over
}

// serve fills l.Start and l.Depart for the arrivals in l, sorted by time. The server has
// nothing to do and is free at the given time. Arrivals before known are lost exactly
// if wasLost says so (nil: none before known), which is how a run goes on in the middle.
func (s *server) serve(l *Log, free, known int64, wasLost []bool) {
	n := len(l.Packet)
	waiting := make([]int32, 0, s.queue)
	head := 0
	i := 0
	t := free
	for {
		if head == len(waiting) {
			waiting, head = waiting[:0], 0
			for i < n && l.Arrive[i] < known && wasLost[i] {
				l.Start[i], l.Depart[i] = Lost, Lost
				i++
			}
			if i == n {
				return
			}
			t = max(t, l.Arrive[i])
		}
		t = s.working(t)
		for ; i < n && l.Arrive[i] <= t; i++ {
			full := len(waiting)-head >= s.queue
			if l.Arrive[i] < known {
				full = wasLost[i]
			}
			if full {
				l.Start[i], l.Depart[i] = Lost, Lost
				continue
			}
			if len(waiting) == cap(waiting) { // room at the front
				waiting = waiting[:copy(waiting, waiting[head:])]
				head = 0
			}
			waiting = append(waiting, int32(i))
		}
		batch := waiting[head:min(head+s.batch, len(waiting))]
		head += len(batch)
		work := int64(0)
		for _, k := range batch {
			l.Start[k] = t
			work += s.run.service(s.node, l.Packet[k])
		}
		t = s.end(t, work)
		for _, k := range batch {
			l.Depart[k] = t
		}
	}
}

// working returns the first time from t on at which the server works.
func (s *server) working(t int64) int64 {
	for s.next < len(s.stalls) && s.stalls[s.next].to <= t {
		s.next++
	}
	if s.next < len(s.stalls) && s.stalls[s.next].from <= t {
		return s.stalls[s.next].to
	}
	return t
}

// end returns when work begun at t is done; the server works at t.
func (s *server) end(t, work int64) int64 {
	t += work
	for k := s.next; k < len(s.stalls) && s.stalls[k].from < t; k++ {
		if s.stalls[k].from >= t-work { // not over when the work began
			t += s.stalls[k].to - s.stalls[k].from
			work += s.stalls[k].to - s.stalls[k].from
		}
	}
	return t
}

// naturalStalls draws the short interrupts of a node.
func naturalStalls(c *Config, node int) []interval {
	n := &c.Noise
	if n.Stalls == 0 {
		return nil
	}
	rng := stream(c.Seed, saltStall, uint64(node))
	var stalls []interval
	for at := 0.0; ; {
		at += rng.ExpFloat64() * 1e9 / n.Stalls
		if at >= float64(c.Duration) {
			return stalls
		}
		length := pareto(rng.Float64(), float64(n.StallMin), float64(n.StallMax), n.StallShape)
		stalls = append(stalls, interval{int64(at), int64(at + length)})
	}
}

// union sorts the intervals and joins those that touch.
func union(all []interval) []interval {
	slices.SortFunc(all, func(a, b interval) int {
		switch {
		case a.from < b.from:
			return -1
		case a.from > b.from:
			return 1
		}
		return 0
	})
	var u []interval
	for _, iv := range all {
		if k := len(u) - 1; k >= 0 && iv.from <= u[k].to {
			u[k].to = max(u[k].to, iv.to)
		} else {
			u = append(u, iv)
		}
	}
	return u
}

const forever = int64(math.MaxInt64)
