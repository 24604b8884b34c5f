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
	waiting []arrival // scratch: admitted, not yet taken
	ghosts  []ghost   // scratch: would be waiting
}

// ghost is a packet that is not really there, behind so many of waiting.
type ghost struct {
	arrival
	behind int
}

// rerun is what a replay changes in a lane.
type rerun struct {
	stamp   []int32 // rows with another arrival or departure: = epoch
	arr     []int64
	dep     []int64
	saved   map[int32]int32 // epoch in which a lost row is not lost
	changed []arrival       // rows whose arrival differs
	from    int64           // first and last time that something here differs otherwise
	until   int64
}

func newReplay(r *region) *replay {
	p := &replay{r: r, removed: make([]bool, len(r.cands)), lanes: make([]rerun, len(r.lanes))}
	for i := range p.lanes {
		n := r.lanes[i].n
		p.lanes[i] = rerun{stamp: make([]int32, n), arr: make([]int64, n), dep: make([]int64, n), saved: map[int32]int32{}}
	}
	return p
}

// remove removes all candidates, or none.
func (p *replay) remove(all bool) {
	for id := range p.removed {
		p.removed[id] = all
	}
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

// saved reports whether a packet that was lost at the row is not lost in the replay.
func (p *replay) saved(lane, row int) bool {
	return p.epoch > 0 && p.lanes[lane].saved[int32(row)] == p.epoch
}

// gone reports whether the row's packet does not exist in the replay.
func (p *replay) gone(l *lane, row int32) bool {
	return l.burst[row] >= 0 && p.removed[l.burst[row]]
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
	// The batch that the last row before was in; where packets were lost, the one taken
	// last before, because who is lost depends on how many waited then.
	i := sort.Search(l.n, func(i int) bool { return l.arr[i] >= from }) - 1
	for i > 0 && (l.idle[i] == notFirst || l.full != nil && l.idle[i] > from) {
		i--
	}
	t := l.free
	if i >= 0 {
		t = l.idle[i]
	}
	p.serve(li, max(i, 0), t, from, until)
}

// serve runs the server of a lane from row i on, it being free at t, until it does again
// what it did. Nothing is different in what arrives before from and after until.
func (p *replay) serve(li, i int, t, from, until int64) {
	l, c := &p.r.lanes[li], &p.lanes[li]
	k := 0 // in c.changed
	d := sort.Search(len(l.downs), func(d int) bool { return l.downs[d].to > t })
	peek := func() (arrival, bool) {
		for i < l.n && c.stamp[i] == p.epoch && c.arr[i] != l.arr[i] {
			i++ // comes at another time
		}
		switch {
		case k < len(c.changed) && (i == l.n || c.changed[k].at < l.arr[i] || c.changed[k].at == l.arr[i] && c.changed[k].row < int32(i)):
			return c.changed[k], true
		case i < l.n:
			return arrival{int32(i), l.arr[i]}, false
		}
		return arrival{-1, math.MaxInt64}, false
	}
	p.waiting, p.ghosts = p.waiting[:0], p.ghosts[:0]
	head := 0
	for {
		x, moved := peek()
		if head == len(p.waiting) {
			p.waiting, head = p.waiting[:0], 0
			if x.row < 0 {
				return
			}
		}
		next := x
		if head < len(p.waiting) {
			next = p.waiting[head]
		}
		if !moved && k == len(c.changed) && next.at > until && l.idle[next.row] == t && len(p.ghosts) == 0 {
			return // from here on as it was
		}
		begin := p.working(l, &d, max(t, next.at))
		for x.row >= 0 && x.at <= begin {
			admitted := !p.gone(l, x.row)
			if full, lost := l.full[x.row]; lost && admitted {
				if admitted = x.at >= from && len(p.waiting)-head < int(full); admitted {
					c.saved[x.row] = p.epoch
					until = max(until, x.at)
				}
			}
			if admitted {
				p.waiting = append(p.waiting, x)
			} else {
				p.ghosts = append(p.ghosts, ghost{x, len(p.waiting)})
			}
			if moved {
				k++
			} else {
				i++
			}
			x, moved = peek()
		}
		batch := p.waiting[head:min(head+l.s.Batch, len(p.waiting))]
		work := int64(0)
		for _, b := range batch {
			work += p.need(l, b.row)
		}
		end := p.end(l, d, begin, work)
		for _, b := range batch {
			p.leave(li, b, end)
		}
		head += len(batch)
		met := end
		if len(batch) == 0 {
			met = begin + int64(l.s.Norm) // nobody is really there
		} else {
			t = end
		}
		n := 0
		for _, g := range p.ghosts {
			if g.behind <= head {
				p.leave(li, g.arrival, met)
			} else {
				p.ghosts[n] = g
				n++
			}
		}
		p.ghosts = p.ghosts[:n]
		if head > len(p.waiting)/2 && head > 4096 {
			n := copy(p.waiting, p.waiting[head:])
			p.waiting = p.waiting[:n]
			for g := range p.ghosts {
				p.ghosts[g].behind -= head
			}
			head = 0
		}
	}
}

// working returns the first time from t on at which the server works, and moves d to
// the first down after it.
func (p *replay) working(l *lane, d *int, t int64) int64 {
	for ; *d < len(l.downs) && (l.downs[*d].from <= t || p.lifted(&l.downs[*d])); *d++ {
		if !p.lifted(&l.downs[*d]) {
			t = max(t, l.downs[*d].to)
		}
	}
	return t
}

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
// the model and not with the facts, and its error cancels. Packets that were lost are
// lost; how full the queue was then is noted.
func (r *region) baseline(li int) {
	l := &r.lanes[li]
	d := 0
	t := l.free
	in, out := 0, 0 // rows that have arrived, rows that have been taken or were lost
	waiting := 0    // of them, those that are there
	for out < l.n {
		begin := max(t, l.arr[out])
		for ; d < len(l.downs) && l.downs[d].from <= begin; d++ {
			begin = max(begin, l.downs[d].to)
		}
		for ; in < l.n && l.arr[in] <= begin; in++ {
			l.idle[in] = notFirst
			if !l.lost(in) {
				waiting++
				continue
			}
			if l.full == nil {
				l.full = map[int32]int32{}
			}
			l.full[int32(in)] = int32(waiting)
			l.work[in] = int64(l.s.Need(l.bytes(int32(in))))
		}
		first := out
		work, taken := int64(0), 0
		for ; out < in; out++ {
			if l.lost(out) {
				continue
			}
			if taken == l.s.Batch {
				break
			}
			taken++
			work += l.work[out] + l.extra[out]
		}
		waiting -= taken
		l.idle[first] = t
		end := begin + work
		for k := d; k < len(l.downs) && l.downs[k].from < end; k++ {
			end += l.downs[k].to - l.downs[k].from
		}
		met := end
		if taken == 0 {
			met = begin + int64(l.s.Norm)
		} else {
			t = end
		}
		for k := first; k < out; k++ {
			l.dep[k] = met
			if !l.lost(k) {
				l.misfit += abs(met - l.depart(k))
			}
			if next := l.next[k]; next >= 0 {
				l.travel[k] = r.lanes[l.to[k]].arr[next] - met
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
