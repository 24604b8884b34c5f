package queue

import (
	"cmp"
	"math"
	"slices"

	"github.com/telltale-net/telltale/analyzers/queue/records"
)

const (
	// leastRun is by how many packets a flow must be ahead of several times its usual
	// rate to count as a burst.
	leastRun = 12
	// runFactor is how many times its usual rate a flow must send to be in a burst.
	runFactor = 4
	// runShare is the rate that no flow is in a burst below, as a share of what the
	// next queue serves.
	runShare = 0.02
)

// run is a stretch of one flow's packets that came much faster than the flow's usual.
type run struct {
	entry    int16 // lane
	flow     records.FlowID
	from, to int64
	rows     []int32 // of the lane
}

// entries reports whether traffic enters at a lane: it is a source, or the sources do
// not report and nothing is upstream of it.
func (r *region) entries(l *lane) bool { return r.a.entersAt(l.q) }

// surge is the runs of several flows that took the same time.
type surge struct {
	runs []run
	work float64 // ns that the queues they met first needed for them
}

// bursts returns what sources sent in bursts, the largest first. Runs that took the same
// time belong together: those of one source, or, where the sources do not report, of
// all nodes where traffic enters.
func (r *region) bursts() []surge {
	var runs []run
	for li := range r.lanes {
		if r.entries(&r.lanes[li]) {
			runs = append(runs, r.runs(li)...)
		}
	}
	slices.SortFunc(runs, func(a, b run) int {
		return cmp.Or(cmp.Compare(len(b.rows), len(a.rows)), cmp.Compare(a.entry, b.entry), cmp.Compare(a.from, b.from), cmp.Compare(a.flow, b.flow))
	})
	var all []surge
	used := make([]bool, len(runs))
	for i := range runs {
		if used[i] {
			continue
		}
		var s surge
		for k := i; k < len(runs); k++ {
			if !used[k] && (runs[k].entry == runs[i].entry || !r.a.sourced) && r.together(&runs[i], &runs[k]) {
				used[k] = true
				s.runs = append(s.runs, runs[k])
				s.work += r.firstWork(&runs[k])
			}
		}
		all = append(all, s)
	}
	slices.SortStableFunc(all, func(a, b surge) int { return cmp.Compare(b.work, a.work) })
	return all
}

// addBurst makes a candidate of a surge, at the place of its largest run.
func (r *region) addBurst(s *surge) {
	id := r.newCandidate(candidate{kind: burst, lane: s.runs[0].entry})
	for i := range s.runs {
		r.enroll(id, &s.runs[i])
	}
}

// together reports whether two runs began and ended at about the same time.
func (r *region) together(a, b *run) bool {
	ahead := r.lanes[b.entry].shift - r.lanes[a.entry].shift
	from, to := b.from-ahead, b.to-ahead
	both := min(a.to, to) - max(a.from, from)
	either := max(a.to, to) - min(a.from, from)
	return both >= either/3
}

// firstWork returns what the queues that a run's packets met first needed for them, ns.
func (r *region) firstWork(x *run) float64 {
	l := &r.lanes[x.entry]
	usual, work := r.nextNorm(l), 0.0
	for _, row := range x.rows {
		switch next := l.next[row]; {
		case !l.source:
			work += float64(l.work[row])
		case next >= 0 && !r.lanes[l.to[row]].source:
			work += float64(r.lanes[l.to[row]].work[next])
		default:
			work += usual
		}
	}
	return work
}

// enroll makes a run's packets part of a candidate, wherever they go.
func (r *region) enroll(id int16, x *run) {
	c := &r.cands[id]
	c.extend(x.from, x.to)
	for _, row := range x.rows {
		c.packets++
		c.add(x.flow, 1)
		for at := (place{x.entry, row}); at.row >= 0; {
			l := &r.lanes[at.lane]
			l.burst[at.row] = id
			if !l.source {
				c.touch(at.lane, l.arr[at.row], float64(l.work[at.row]))
			}
			at = place{l.to[at.row], l.next[at.row]}
		}
	}
}

// runs finds the runs of one lane's flows.
func (r *region) runs(li int) []run {
	l := &r.lanes[li]
	flows := l.flows
	count := newTally(len(flows))
	for _, f := range flows {
		if f != records.NoFlow {
			*count.of(f)++
		}
	}
	// Only flows with enough packets to be in a run matter from here on.
	rows := map[records.FlowID][]int32{}
	for i, f := range flows {
		if f == records.NoFlow {
			continue
		}
		if n := *count.of(f); n >= leastRun {
			of := rows[f]
			if of == nil {
				of = make([]int32, 0, n)
			}
			rows[f] = append(of, int32(i))
		}
	}
	usual := r.history(l, rows)
	least := runShare / r.nextNorm(l)
	var runs []run
	for f, of := range rows {
		runs = dense(runs, l, of, max(runFactor*usual[f], least), run{entry: int16(li), flow: f})
	}
	return runs
}

// tally counts by flow: a hash table of fixed size.
type tally struct {
	keys []records.FlowID
	n    []int32
}

// newTally returns a table for at most so many flows.
func newTally(flows int) *tally {
	size := 16
	for size < 2*flows {
		size *= 2
	}
	return &tally{keys: slices.Repeat([]records.FlowID{records.NoFlow}, size), n: make([]int32, size)}
}

// of returns the count of a flow.
func (t *tally) of(f records.FlowID) *int32 {
	mask := uint32(len(t.keys) - 1)
	for i := uint32(f) * 0x9e3779b1 & mask; ; i = (i + 1) & mask {
		switch t.keys[i] {
		case records.NoFlow:
			t.keys[i] = f
			return &t.n[i]
		case f:
			return &t.n[i]
		}
	}
}

// nextNorm returns the shortest usual service among the queues that the lane's packets
// meet first, ns.
func (r *region) nextNorm(l *lane) float64 {
	least := math.Inf(1)
	see := func(s *Service) {
		if s.Norm > 0 {
			least = min(least, s.Norm)
		}
	}
	if !l.source {
		see(l.s)
	}
	for _, n := range r.a.next[l.q.Node] {
		first := r.a.t.FirstOf(n)
		for k := range r.a.t.Of(n) {
			see(&r.a.serve[int(first)+k])
		}
	}
	if math.IsInf(least, 1) {
		return 1000
	}
	return least
}

// history returns the usual rates of flows, packets/ns, from a sample of what the lane's
// queue saw in the recent history; where there is little, as where the records begin,
// of what it saw after that, too.
func (r *region) history(l *lane, rows map[records.FlowID][]int32) map[records.FlowID]float64 {
	usual := make(map[records.FlowID]float64, len(rows))
	if len(rows) == 0 {
		return usual
	}
	long := int64(r.a.cfg.History)
	first, last := l.q.FirstArrival(l.from-long), l.first
	span := l.from - l.q.Arrive[first]
	if span < long/4 {
		last = l.q.FirstArrival(l.from + long)
		span = l.q.Arrive[last-1] - l.q.Arrive[first]
	}
	step := max(1, (last-first)/maxHistory)
	each := float64(step) / float64(max(span, 1))
	for i := first; i < last; i += step {
		if f := l.q.Flow[i]; rows[f] != nil {
			usual[f] += each
		}
	}
	return usual
}

// maxHistory bounds how many packets the usual rates of flows are counted from.
const maxHistory = 1 << 14

// dense appends the stretches of rows whose rate is above the threshold by so much that
// chance does not make it so: those where packets minus threshold times time rises by at
// least leastRun. A stretch ends where it fell by half of leastRun from its highest.
func dense(runs []run, l *lane, rows []int32, threshold float64, like run) []run {
	sum, top := 0.0, 0.0
	begin, end := 0, 0
	for i := range rows {
		if i > begin {
			sum -= threshold * float64(l.arr[rows[i]]-l.arr[rows[i-1]])
		}
		if sum <= 0 || sum < top-leastRun/2 {
			if top >= leastRun {
				runs = append(runs, cutRun(l, rows[begin:end+1], like))
			}
			begin, sum, top = i, 0, 0
		}
		sum++
		if sum >= top {
			top, end = sum, i
		}
	}
	if top >= leastRun {
		runs = append(runs, cutRun(l, rows[begin:end+1], like))
	}
	return runs
}

func cutRun(l *lane, rows []int32, like run) run {
	like.rows = rows
	like.from, like.to = l.arr[rows[0]], l.arr[rows[len(rows)-1]]
	return like
}
