package queue

import (
	"cmp"
	"slices"
	"sort"

	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// Analyzer is a trace with what has been learned from it. It is immutable and safe for
// concurrent use.
type Analyzer struct {
	t     *records.Trace
	cfg   Config
	serve []Service // by queue
	order []int32   // queues, upstream first
	rank  []int32   // by node: its place in that order
	next  [][]int32 // by node: where packets go, from the header or as seen
	up    [][]int32 // by node: all nodes upstream of it
	first []bool    // by node: no node upstream of it reports
	// sourced: the sources report, so that traffic enters there and nowhere else.
	sourced bool
	// shift is by how much later things happen at a node than at the first of its part
	// of the network, ns: aligned time is a node's time less that. In aligned time, the
	// quickest packets arrive when they left, or before, by uneven at most.
	shift  []int64
	uneven int64
	// slack is how long before the first cause a region begins, ns: packets travel, not
	// all in the same time. clockSlack is by how much a packet may seem to arrive before
	// it left, aligned, and how long it may travel where ids do not tell.
	slack, clockSlack int64

	shared []bool    // by node: one server for all of its queues; nil = nowhere
	joined *Analyzer // of the trace with these queues joined; nil = there are none
}

// New learns from the trace what is usual in it.
func New(t *records.Trace, cfg Config) *Analyzer {
	a := &Analyzer{t: t, serve: make([]Service, len(t.Queues))}
	for i := range t.Queues {
		q := &t.Queues[i]
		node := &t.Network.Nodes[q.Node]
		if node.IsSource() {
			a.sourced = a.sourced || q.Len() > 0
			continue
		}
		a.serve[i] = learn(q, node, max(int(q.Number)+1, len(t.Of(q.Node))))
	}
	scale := a.scale()
	a.cfg = cfg.withDefaults(scale)
	sights := a.sights()
	a.layOut(sights)
	a.align(sights)
	if a.shared = a.sharing(); a.shared != nil {
		if joined, err := t.Join(a.shared); err == nil { // else more records than one queue may have
			a.joined = New(joined, cfg)
		}
	}
	a.slack, a.clockSlack = int64(200_000*scale)+a.uneven, int64(1e6*scale)+a.uneven
	return a
}

// Service returns what was learned about a queue of the trace.
func (a *Analyzer) Service(queue int) Service { return a.serve[queue] }

// layOut orders the queues so that packets go forward, and finds what is upstream of
// each node. Where the network has cycles, the order within one is that of the header.
func (a *Analyzer) layOut(sights []sight) {
	nodes := a.t.Network.Nodes
	next := make([][]int32, len(nodes))
	known := false
	for i := range nodes {
		next[i] = nodes[i].Next
		known = known || len(next[i]) > 0
	}
	if !known {
		next = a.seenEdges(sights)
	}
	rank := make([]int32, len(nodes)) // in order of finishing a depth-first walk, reversed
	state := make([]uint8, len(nodes))
	at := int32(len(nodes))
	type frame struct {
		node int32
		edge int
	}
	var stack []frame
	for root := range nodes {
		if state[root] != 0 {
			continue
		}
		stack = append(stack[:0], frame{int32(root), 0})
		state[root] = 1
		for len(stack) > 0 {
			f := &stack[len(stack)-1]
			if f.edge < len(next[f.node]) {
				to := next[f.node][f.edge]
				f.edge++
				if state[to] == 0 {
					state[to] = 1
					stack = append(stack, frame{to, 0})
				}
				continue
			}
			at--
			rank[f.node] = at
			stack = stack[:len(stack)-1]
		}
	}
	a.order = make([]int32, len(a.t.Queues))
	for i := range a.order {
		a.order[i] = int32(i)
	}
	slices.SortFunc(a.order, func(x, y int32) int {
		return cmp.Or(cmp.Compare(rank[a.t.Queues[x].Node], rank[a.t.Queues[y].Node]), cmp.Compare(x, y))
	})
	a.next, a.rank = next, rank
	prev := make([][]int32, len(nodes))
	for i := range nodes {
		for _, to := range next[i] {
			prev[to] = append(prev[to], int32(i))
		}
	}
	a.up = make([][]int32, len(nodes))
	for i := range nodes {
		seen := make([]bool, len(nodes))
		todo := slices.Clone(prev[i])
		for len(todo) > 0 {
			m := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			if seen[m] || int(m) == i {
				continue
			}
			seen[m] = true
			a.up[i] = append(a.up[i], m)
			todo = append(todo, prev[m]...)
		}
		slices.Sort(a.up[i])
	}
	a.first = make([]bool, len(nodes))
	for i := range nodes {
		a.first[i] = !slices.ContainsFunc(a.up[i], func(m int32) bool { return len(a.t.Of(m)) > 0 })
	}
}

// entersAt reports whether traffic enters at a queue: it is a source, or the sources do
// not report and nothing upstream of it does.
func (a *Analyzer) entersAt(q *records.Queue) bool {
	if a.sourced {
		return a.t.Network.Nodes[q.Node].IsSource()
	}
	return a.first[q.Node]
}

// seenEdges returns who sends to whom as packets' ways show it, for data sets whose
// header does not say.
func (a *Analyzer) seenEdges(all []sight) [][]int32 {
	seen := map[[2]int32]int{}
	for i := 1; i < len(all); i++ {
		if x, y := &all[i-1], &all[i]; x.packet == y.packet && x.node != y.node {
			seen[[2]int32{x.node, y.node}]++
		}
	}
	next := make([][]int32, len(a.t.Network.Nodes))
	for e, n := range seen {
		// Not chance, not the other way round because of the clocks, and not the next
		// packet of the same number.
		if n > 1 && n > 4*seen[[2]int32{e[1], e[0]}] && !a.t.Network.Nodes[e[1]].IsSource() {
			next[e[0]] = append(next[e[0]], e[1])
		}
	}
	for i := range next {
		slices.Sort(next[i])
	}
	return next
}

// Victim returns the victim of a row of one of the trace's queues.
func (a *Analyzer) Victim(queue, row int) diagnosis.Victim {
	q := &a.t.Queues[queue]
	v := diagnosis.Victim{Packet: q.Packet[row], Flow: q.Flow[row], Node: q.Node, Queue: q.Number, Arrive: q.Arrive[row], Lost: q.Lost(row)}
	v.Depth = int32(a.depth(queue, row))
	if !v.Lost {
		v.Wait = q.Depart(row) - q.Arrive[row]
		if s := q.Start(row); s != records.Absent {
			v.Wait = s - q.Arrive[row]
		}
	}
	return v
}

// depth returns how many packets were in the queue when the row arrived: arrived
// before, not yet in service (not yet gone, where the start is not known).
func (a *Analyzer) depth(queue, row int) int {
	q := &a.t.Queues[queue]
	at := q.Arrive[row]
	n := 0
	for i := row - 1; i >= 0; i-- {
		if q.Lost(i) {
			continue
		}
		left := q.Start(i)
		if left == records.Absent {
			left = q.Depart(i)
		}
		if left > at {
			n++
		} else if q.Depart(i) <= at {
			break
		}
	}
	return n
}

// row returns the queue and row of a victim; ok is false where the trace has none.
func (a *Analyzer) row(v *diagnosis.Victim) (queue, row int, ok bool) {
	for k := range a.t.Of(v.Node) {
		q := &a.t.Of(v.Node)[k]
		if q.Number != v.Queue {
			continue
		}
		for i := q.FirstArrival(v.Arrive); i < q.Len() && q.Arrive[i] == v.Arrive; i++ {
			if q.Packet[i] == v.Packet && q.Flow[i] == v.Flow {
				return int(a.t.FirstOf(v.Node)) + k, i, true
			}
		}
	}
	return 0, 0, false
}

// periodStart returns when the queuing period that time t is in began at a queue: the
// arrival of the first packet after the queue was last empty, or as good as empty; t
// where it is now. It does not look before the given time.
func (a *Analyzer) periodStart(queue int, t, notBefore int64) int64 {
	q := &a.t.Queues[queue]
	i := sort.Search(q.Len(), func(i int) bool { return q.Arrive[i] > t }) - 1
	start := t
	for ; i >= 0 && q.Arrive[i] >= notBefore; i-- {
		if q.Lost(i) {
			continue
		}
		d := q.Depart(i)
		if d <= t && start == t {
			return t // gone before: nothing waited
		}
		start = q.Arrive[i]
		if d-q.Arrive[i] <= a.serve[queue].Usual {
			break
		}
	}
	return min(start, t)
}
