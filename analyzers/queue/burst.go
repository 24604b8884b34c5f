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
func (r *region) entries(l *lane) bool {
	if r.a.sourced {
		return l.source
	}
	return r.a.first[l.q.Node]
}

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
			if !used[k] && (runs[k].entry == runs[i].entry || !r.a.sourced) && together(&runs[i], &runs[k]) {
				used[k] = true
				s.runs = append(s.runs, runs[k])
				s.work += float64(len(runs[k].rows)) * r.nextNorm(&r.lanes[runs[k].entry])
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
func together(a, b *run) bool {
	both := min(a.to, b.to) - max(a.from, b.from)
	either := max(a.to, b.to) - min(a.from, b.from)
	return both >= either/3
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
	rows := map[records.FlowID][]int32{}
	for i := range l.n {
		if f := l.flow(i); f != records.NoFlow {
			rows[f] = append(rows[f], int32(i))
		}
	}
	usual := r.history(l, rows)
	least := runShare / r.nextNorm(l)
	var runs []run
	for f, of := range rows {
		if len(of) < leastRun {
			continue
		}
		threshold := max(runFactor*usual[f], least)
		runs = dense(runs, l, of, threshold, run{entry: int16(li), flow: f})
	}
	return runs
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

// history returns the usual rates of flows, packets/ns: over what the lane's queue saw
// in the recent history and after it.
func (r *region) history(l *lane, rows map[records.FlowID][]int32) map[records.FlowID]float64 {
	count := map[records.FlowID]int{}
	from := r.from - int64(r.a.cfg.History)
	first := l.q.FirstArrival(from)
	if first < l.q.Len() {
		from = max(from, l.q.Arrive[first])
	}
	for i := first; i < l.first; i++ {
		if f := l.q.Flow[i]; len(rows[f]) >= leastRun {
			count[f]++
		}
	}
	span := float64(max(r.from-from, 1))
	usual := make(map[records.FlowID]float64, len(count))
	for f, n := range count {
		usual[f] = float64(n) / span
	}
	return usual
}

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
