package queue

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// arrival is a row and when it comes.
type arrival struct {
	row int32
	at  int64
}

// replay runs the region again without some of the candidates. Only what differs is
// computed: a lane is run from the first row that is touched until its state is again
// what it was. One replay serves one goroutine.
type replay struct {
	r       *region
	removed []bool // candidates
	epoch   int32
	lanes   []rerun
	batch   []arrival
}

// rerun is what a replay changes in a lane.
type rerun struct {
	stamp   []int32 // rows with another arrival or departure: = epoch
	arr     []int64
	dep     []int64
	changed []arrival // rows whose arrival differs
	from    int64     // first and last time that something here differs otherwise
	until   int64
}

func newReplay(r *region) *replay {
	p := &replay{r: r, removed: make([]bool, len(r.cands)), lanes: make([]rerun, len(r.lanes))}
	for i := range p.lanes {
		n := r.lanes[i].n
		p.lanes[i] = rerun{stamp: make([]int32, n), arr: make([]int64, n), dep: make([]int64, n)}
	}
	return p
}

// run computes the region without the removed candidates.
func (p *replay) run() {
	p.epoch++
	for i := range p.lanes {
		p.lanes[i].changed = p.lanes[i].changed[:0]
		p.lanes[i].from, p.lanes[i].until = math.MaxInt64, math.MinInt64
	}
	for c, gone := range p.removed {
		if !gone {
			continue
		}
		for _, t := range p.r.cands[c].touches {
			l := &p.lanes[t.lane]
			l.from, l.until = min(l.from, t.from), max(l.until, t.to)
		}
	}
	for i := range p.lanes {
		if !p.r.lanes[i].source && (p.lanes[i].from <= p.lanes[i].until || len(p.lanes[i].changed) > 0) {
			p.runLane(i)
		}
	}
}

// stay returns how long the row is at its queue in the replay.
func (p *replay) stay(lane, row int) int64 {
	if l := &p.lanes[lane]; l.stamp[row] == p.epoch {
		return l.dep[row] - l.arr[row]
	}
	l := &p.r.lanes[lane]
	return l.dep[row] - l.arr[row]
}

// gone reports whether the row's packet does not exist in the replay, or is lost: it
// does not hold up others.
func (p *replay) gone(l *lane, row int32) bool {
	return l.burst[row] >= 0 && p.removed[l.burst[row]] || l.lost(int(row))
}

func (p *replay) need(l *lane, row int32) int64 {
	if c := l.slow[row]; c >= 0 && !p.removed[c] {
		return l.work[row] + l.extra[row]
	}
	return l.work[row]
}

func (p *replay) runLane(li int) {
	l, c := &p.r.lanes[li], &p.lanes[li]
	slices.SortFunc(c.changed, func(x, y arrival) int { return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(x.row, y.row)) })
	from, until := c.from, c.until
	for _, x := range c.changed {
		c.stamp[x.row] = p.epoch
		c.arr[x.row] = x.at
		from = min(from, x.at, l.arr[x.row])
		until = max(until, x.at, l.arr[x.row])
	}
	// The batch that the last row before was in.
	i := sort.Search(l.n, func(i int) bool { return l.arr[i] >= from }) - 1
	for i > 0 && l.idle[i] == notFirst {
		i--
	}
	t := l.free
	if i >= 0 {
		t = l.idle[i]
	}
	p.serve(li, max(i, 0), t, until)
}

// serve runs the server of a lane from row i on, it being free at t, until after the
// given time it does again what it did.
func (p *replay) serve(li, i int, t, until int64) {
	l, c := &p.r.lanes[li], &p.lanes[li]
	k := 0 // in c.changed
	d := sort.Search(len(l.downs), func(d int) bool { return l.downs[d].to > t })
	batch := p.batch[:0]
	skip := func() {
		for i < l.n && c.stamp[i] == p.epoch && c.moved(int32(i), l) {
			i++
		}
	}
	peek := func() (arrival, bool) {
		skip()
		switch {
		case k < len(c.changed) && (i == l.n || c.changed[k].at < l.arr[i] || c.changed[k].at == l.arr[i] && c.changed[k].row < int32(i)):
			return c.changed[k], true
		case i < l.n:
			return arrival{int32(i), l.arr[i]}, false
		}
		return arrival{-1, math.MaxInt64}, false
	}
	for {
		x, moved := peek()
		if x.row < 0 {
			break
		}
		if !moved && k == len(c.changed) && x.at > until && l.idle[i] == t {
			break // from here on as it was
		}
		begin := max(t, x.at)
		for ; d < len(l.downs) && (l.downs[d].from <= begin || p.lifted(&l.downs[d])); d++ {
			if !p.lifted(&l.downs[d]) {
				begin = max(begin, l.downs[d].to)
			}
		}
		batch = batch[:0]
		work, real := int64(0), 0
		for x.row >= 0 && x.at <= begin {
			gone := p.gone(l, x.row)
			if !gone {
				if real == l.s.Batch {
					break
				}
				real++
				work += p.need(l, x.row)
			}
			batch = append(batch, x)
			if moved {
				k++
			} else {
				i++
			}
			x, moved = peek()
		}
		end := p.end(l, d, begin, work)
		if real == 0 { // nobody is really there: what a packet would have met
			end = begin + int64(l.s.Norm)
		} else {
			t = end
		}
		for _, b := range batch {
			p.leave(li, b, end)
		}
	}
	p.batch = batch
}

// moved reports whether the row comes at another time than it did.
func (c *rerun) moved(row int32, l *lane) bool { return c.arr[row] != l.arr[row] }

// lifted reports whether the server works all the same.
func (p *replay) lifted(d *down) bool { return d.cand >= 0 && p.removed[d.cand] }

// end returns when work begun at t is done; down d is the first that may matter.
func (p *replay) end(l *lane, d int, t, work int64) int64 {
	t += work
	for ; d < len(l.downs) && l.downs[d].from < t; d++ {
		if x := &l.downs[d]; !p.lifted(x) {
			t += x.to - x.from
		}
	}
	return t
}

// leave notes a departure, and the arrival at the next lane where it differs.
func (p *replay) leave(li int, x arrival, end int64) {
	l, c := &p.r.lanes[li], &p.lanes[li]
	if end == l.dep[x.row] && x.at == l.arr[x.row] {
		c.stamp[x.row] = 0
		return
	}
	c.stamp[x.row], c.arr[x.row], c.dep[x.row] = p.epoch, x.at, end
	if end != l.dep[x.row] && l.next[x.row] >= 0 {
		to := &p.lanes[l.to[x.row]]
		to.changed = append(to.changed, arrival{l.next[x.row], end + l.travel[x.row]})
	}
}

// baseline runs the model of a lane on the facts, so that replays are compared with
// the model and not with the facts, and its error cancels.
func (r *region) baseline(li int) {
	l := &r.lanes[li]
	d := 0
	t := l.free
	for i := 0; i < l.n; {
		begin := max(t, l.arr[i])
		for ; d < len(l.downs) && l.downs[d].from <= begin; d++ {
			begin = max(begin, l.downs[d].to)
		}
		first := i
		work, real := int64(0), 0
		for ; i < l.n && l.arr[i] <= begin; i++ {
			l.idle[i] = notFirst
			if l.lost(i) {
				continue
			}
			if real == l.s.Batch {
				break
			}
			real++
			work += l.work[i] + l.extra[i]
		}
		l.idle[first] = t
		end := begin + work
		for k := d; k < len(l.downs) && l.downs[k].from < end; k++ {
			end += l.downs[k].to - l.downs[k].from
		}
		if real == 0 {
			end = begin + int64(l.s.Norm)
		} else {
			t = end
		}
		for k := first; k < i; k++ {
			l.dep[k] = end
			if !l.lost(k) {
				l.misfit += abs(end - l.depart(k))
			}
			if next := l.next[k]; next >= 0 {
				l.travel[k] = r.lanes[l.to[k]].arr[next] - end
			}
		}
	}
}

func abs(x int64) int64 {
	if x < 0 {
		return -x
	}
	return x
}
