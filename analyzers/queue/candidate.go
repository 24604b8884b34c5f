package queue

import (
	"cmp"
	"slices"

	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// candidateKind is what may have gone wrong.
type candidateKind uint8

const (
	stall    candidateKind = iota // the server stood still
	slowFlow                      // the server took long over the packets of certain flows
	burst                         // flows sent much more than they usually do
)

// candidate is something that may have gone wrong, and whose absence can be replayed.
type candidate struct {
	kind     candidateKind
	lane     int16 // of the stall, the slow service, or where the burst came in
	from, to int64 // when
	size     float64
	packets  int32
	flows    map[records.FlowID]float64
	touches  []touch
	members  []int16 // the candidates that this one is together; nil = it is one
}

// is reports whether candidate id is x, whose number is own, or a part of it.
func (x *candidate) is(own, id int16) bool { return own == id || slices.Contains(x.members, id) }

// weight returns how much work or idleness a candidate put before a lane, ns: at that
// lane or at one upstream of it, wherever it is most.
func (r *region) weight(c *candidate, lane int) float64 {
	node := r.lanes[lane].q.Node
	most := 0.0
	for i := range c.touches {
		t := &c.touches[i]
		if m := r.lanes[t.lane].q.Node; int(t.lane) == lane || slices.Contains(r.a.up[node], m) {
			most = max(most, t.weight)
		}
	}
	return most
}

// touch is the time in which a candidate changes something in a lane by itself.
type touch struct {
	lane     int16
	from, to int64
	weight   float64 // ns of work or of idleness that it brings there
}

// newCandidate adds a candidate and returns its number.
func (r *region) newCandidate(c candidate) int16 {
	c.from, c.to = notFirst, notFirst
	r.cands = append(r.cands, c)
	return int16(len(r.cands) - 1)
}

func (c *candidate) add(f records.FlowID, weight float64) {
	if c.flows == nil {
		c.flows = map[records.FlowID]float64{}
	}
	c.flows[f] += weight
	c.size += weight
}

func (c *candidate) extend(from, to int64) {
	if c.from == notFirst {
		c.from, c.to = from, to
		return
	}
	c.from, c.to = min(c.from, from), max(c.to, to)
}

func (c *candidate) touch(lane int16, at int64, weight float64) {
	for i := range c.touches {
		if t := &c.touches[i]; t.lane == lane {
			t.from, t.to = min(t.from, at), max(t.to, at)
			t.weight += weight
			return
		}
	}
	c.touches = append(c.touches, touch{lane, at, at, weight})
}

func (c *candidate) reason() diagnosis.Kind {
	if c.kind == burst {
		return diagnosis.Traffic
	}
	return diagnosis.Processing
}

// gather completes the list of candidates, those that brought most trouble, as many as
// may be tried: the slow flows are there already. What is left of a server's standing
// still is one candidate more, at the servers where it is most.
func (r *region) gather() {
	for li := range r.lanes {
		l := &r.lanes[li]
		for row, c := range l.slow {
			if c >= 0 {
				r.cands[c].touch(int16(li), l.arr[row], float64(l.extra[row]))
			}
		}
	}
	stalls, runs := r.stalls(), r.bursts()
	for room := r.a.cfg.MaxCandidates - len(r.cands); room > 0; room-- {
		switch {
		case len(stalls) > 0 && (len(runs) == 0 || float64(stalls[0].size) >= runs[0].work):
			r.addStall(stalls[0])
			stalls = stalls[1:]
		case len(runs) > 0:
			r.addBurst(&runs[0])
			runs = runs[1:]
		default:
			return
		}
	}
	byLane := make([][]standstill, len(r.lanes))
	size := make([]int64, len(r.lanes))
	for _, x := range stalls {
		byLane[x.lane] = append(byLane[x.lane], x)
		size[x.lane] += x.size
	}
	for range maxRemainders {
		lane := 0
		for li := range size {
			if size[li] > size[lane] {
				lane = li
			}
		}
		if size[lane] == 0 {
			return
		}
		r.addStall(byLane[lane]...)
		size[lane] = 0
	}
}

// maxRemainders is at how many servers standing still counts in sum where there is too
// much of it to try each.
const maxRemainders = 2

// standstill is a time at which a server stood still, maybe in several pieces with no
// work done in between.
type standstill struct {
	lane, first, n int // downs of the lane
	size           int64
}

// stalls returns the times the servers stood still, the longest first.
func (r *region) stalls() []standstill {
	var all []standstill
	for li := range r.lanes {
		downs := r.lanes[li].downs
		for i := 0; i < len(downs); {
			x := standstill{li, i, 1, downs[i].to - downs[i].from}
			for i++; i < len(downs) && downs[i].from-downs[i-1].to <= 1+int64(r.lanes[li].s.Norm); i++ {
				x.n++
				x.size += downs[i].to - downs[i].from
			}
			all = append(all, x)
		}
	}
	slices.SortFunc(all, func(a, b standstill) int {
		return cmp.Or(cmp.Compare(b.size, a.size), cmp.Compare(a.lane, b.lane), cmp.Compare(a.first, b.first))
	})
	return all
}

// addStall makes a candidate of times at which one server stood still.
func (r *region) addStall(pieces ...standstill) {
	lane := pieces[0].lane
	l := &r.lanes[lane]
	id := r.newCandidate(candidate{kind: stall, lane: int16(lane)})
	c := &r.cands[id]
	for _, x := range pieces {
		c.size += float64(x.size)
		for i := x.first; i < x.first+x.n; i++ {
			d := &l.downs[i]
			d.cand = id
			c.extend(d.from, d.to)
			c.touch(int16(lane), d.first, float64(d.to-d.from))
			c.touch(int16(lane), d.to, 0)
		}
	}
	for row := l.firstArrival(c.from); row < l.n && l.arr[row] <= c.to; row++ {
		c.packets++
	}
}

// firstArrival returns the first row that arrived at or after t.
func (l *lane) firstArrival(t int64) int {
	return min(max(l.q.FirstArrival(t)-l.first, 0), l.n)
}
