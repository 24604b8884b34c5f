package queue

import (
	"math"

	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
)

// path returns how a candidate's trouble reached a lane: how many packets it concerned
// where it arose and for how long, and, elsewhere, how many of them came to the lane and
// in what time.
func (c *comparison) path(id int16, lane int) []diagnosis.Step {
	key := [2]int{int(id), lane}
	if s, ok := c.paths[key]; ok {
		return s
	}
	x := &c.r.cands[id]
	steps := []diagnosis.Step{{Node: c.r.lanes[x.lane].q.Node, Packets: x.packets, Span: x.to - x.from}}
	if int(x.lane) != lane {
		n, first, last := int32(0), int64(math.MaxInt64), int64(math.MinInt64)
		see := func(row int32) {
			n++
			first, last = min(first, c.r.lanes[lane].arr[row]), max(last, c.r.lanes[lane].arr[row])
		}
		if x.kind == burst {
			for row, b := range c.r.lanes[lane].burst {
				if b >= 0 && x.is(id, b) {
					see(int32(row))
				}
			}
		} else {
			from := &c.r.lanes[x.lane]
			for row := from.firstArrival(x.from); row < from.n && from.arr[row] <= x.to; row++ {
				if to, ok := c.r.follow(place{x.lane, int32(row)}, lane); ok {
					see(to)
				}
			}
		}
		if n > 0 {
			steps = append(steps, diagnosis.Step{Node: c.r.lanes[lane].q.Node, Packets: n, Span: last - first})
		}
	}
	c.paths[key] = steps
	return steps
}

// follow returns the row of a lane that the packet at a place comes to.
func (r *region) follow(at place, lane int) (row int32, ok bool) {
	for at.row >= 0 {
		if int(at.lane) == lane {
			return at.row, true
		}
		l := &r.lanes[at.lane]
		at = place{l.to[at.row], l.next[at.row]}
	}
	return 0, false
}
