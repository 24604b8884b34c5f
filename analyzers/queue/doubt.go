package queue

import (
	"math"
	"slices"

	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// quality is what the records of a region are worth.
type quality struct {
	loss  float64 // share of the records that are missing
	clock int64   // ns by which the clocks of neighbours seem to differ
}

// qualityStep is how many rows the estimates pass over.
const qualityStep = 3

// quality estimates it, from a sample. A record is missing where a packet turns up at a
// node that is not next to the one it was seen at before, or inside the network without
// having entered it, so long after the region began that it cannot have come to the node
// before earlier than that. Clocks differ where the shortest way between two nodes takes
// much more or less than elsewhere; where it takes less than nothing, they surely do.
func (r *region) quality() quality {
	seen, missing := 0, 0
	shortest := map[[2]int16]int64{}
	for i := range r.lanes {
		l := &r.lanes[i]
		inside := !l.source && !(r.a.first[l.q.Node] && !r.a.sourced)
		entered := l.from + r.transit(l) + r.a.slack
		for row := 0; row < l.n; row += qualityStep {
			at := l.prev[row]
			if at.lane < 0 {
				if !inside {
					seen++
				} else if l.arr[row] > entered && (l.packet(row) != records.NoPacket || l.flow(row) != records.NoFlow) {
					missing++
				}
				continue
			}
			from := &r.lanes[at.lane]
			if !slices.Contains(r.a.next[from.q.Node], l.q.Node) {
				missing++
				continue
			}
			seen++
			travel := l.arr[row] - from.depart(int(at.row))
			key := [2]int16{at.lane, int16(i)}
			if s, ok := shortest[key]; !ok || travel < s {
				shortest[key] = travel
			}
		}
	}
	q := quality{}
	if missing > 0 {
		q.loss = float64(missing) / float64(seen+missing)
	}
	var all []int64
	for _, s := range shortest {
		all = append(all, s)
	}
	if len(all) > 0 {
		slices.Sort(all)
		median := all[len(all)/2]
		q.clock = max(all[len(all)-1]-median, median-all[0], -all[0])
	}
	return q
}

// transit returns the longest time from the arrival at the node before to that at the
// lane, ns.
func (r *region) transit(l *lane) int64 {
	longest := int64(0)
	for row := 0; row < l.n; row += qualityStep {
		if at := l.prev[row]; at.lane >= 0 {
			from := &r.lanes[at.lane]
			longest = max(longest, l.arr[row]-l.shift-(from.arr[at.row]-from.shift))
		}
	}
	return longest
}

// leastDoubt is how far off a score may be where nothing speaks against it.
const leastDoubt = 0.02

// doubt fills in how far the answer may be trusted, and bounds the scores. What makes
// them less sure: the model does not reproduce the victim's stay, records are missing,
// peak rates are not known well, clocks differ.
func (c *comparison) doubt(v *suffering, d *diagnosis.Diagnosis) {
	l := &c.r.lanes[v.lane]
	u := &d.Uncertainty
	u.RecordLoss, u.Clock, u.Rate = c.quality.loss, c.quality.clock, l.s.Spread
	wait := float64(max(v.stay, 1))
	width := leastDoubt + 2*u.RecordLoss + 0.25*u.Rate + 0.1*math.Min(1, float64(u.Clock)/wait)
	if !l.lost(v.row) {
		fact := l.depart(v.row) - l.arr[v.row]
		width += float64(abs(v.stay-fact)) / wait
	}
	width = min(width, 1)
	for i := range d.Causes {
		x := &d.Causes[i]
		x.Low, x.High = x.Score*(1-width), min(1, x.Score*(1+width))
	}
	switch n := len(d.Causes); {
	case n == 0:
		u.Ambiguous = true
	case n > 1 && d.Causes[1].High >= d.Causes[0].Low:
		u.Ambiguous = true
	case u.Unexplained >= d.Causes[0].Low:
		u.Ambiguous = true // what is not known may be more than what is
	}
}
