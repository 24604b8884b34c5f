package chain

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

// What makes a packet a victim: see the package comment.
const (
	LeastDelay = 50 * time.Microsecond
	LeastShare = 0.6
)

// Truth is who suffered from what: the victims of all problems, by time of arrival.
type Truth struct {
	Victims []Victim
}

// Victim is a packet that a problem delayed at a node, or made it lose.
type Victim struct {
	Packet  uint32
	Node    int
	Row     int   // in the node's log
	Problem int   // index into Config.Problems
	Others  []int // further problems that qualify as well
	Delay   int64 // ns that the problem adds there; 0 if Lost
	Wait    int64 // ns from arrival to departure; 0 if Lost
	Lost    bool  // the packet is lost here, and would not be
	Hops    int   // stages from the problem's node to this one; 0 = the same node
}

// Truth compares the run with what it is without each problem.
func (t *Trace) Truth() *Truth {
	var all []Victim
	index := newIndex(len(t.Flow))
	for p := range t.Config.Problems {
		all = append(all, t.victims(p, index)...)
	}
	slices.SortFunc(all, func(a, b Victim) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Row, b.Row), cmp.Compare(b.Delay, a.Delay), cmp.Compare(a.Problem, b.Problem))
	})
	truth := &Truth{}
	for _, v := range all {
		if k := len(truth.Victims) - 1; k >= 0 && truth.Victims[k].Node == v.Node && truth.Victims[k].Row == v.Row {
			truth.Victims[k].Others = append(truth.Victims[k].Others, v.Problem)
			continue
		}
		truth.Victims = append(truth.Victims, v)
	}
	slices.SortFunc(truth.Victims, func(a, b Victim) int {
		return cmp.Or(cmp.Compare(t.Logs[a.Node].Arrive[a.Row], t.Logs[b.Node].Arrive[b.Row]), cmp.Compare(a.Node, b.Node), cmp.Compare(a.Row, b.Row))
	})
	return truth
}

// victims returns the victims of one problem, by node and row. index is as for rows.
func (t *Trace) victims(problem int, index []int32) []Victim {
	w := t.without(problem)
	from := t.Nodes[t.Config.Problems[problem].Node].Stage
	var victims []Victim
	for n := range t.Logs {
		if t.Nodes[n].IsSource() {
			continue
		}
		done := w.rows(n, index)
		all := &t.Logs[n]
		end := w.first[n] + sort.Search(all.Len()-w.first[n], func(i int) bool { return all.Arrive[w.first[n]+i] > w.until })
		for i := w.first[n]; i < end; i++ {
			j := index[all.Packet[i]]
			if j < 0 || !w.decided(n, int(j)) {
				continue
			}
			v := Victim{Packet: all.Packet[i], Node: n, Row: i, Problem: problem, Hops: max(0, t.Nodes[n].Stage-from)}
			lost, without := all.Depart[i] == Lost, &w.logs[n]
			switch {
			case without.Depart[j] == Lost:
				continue // worse off without the problem
			case lost:
				v.Lost = true
			default:
				v.Wait = all.Depart[i] - all.Arrive[i]
				v.Delay = v.Wait - (without.Depart[j] - without.Arrive[j])
				if v.Delay < int64(LeastDelay) || float64(v.Delay) < LeastShare*float64(v.Wait) {
					continue
				}
			}
			victims = append(victims, v)
		}
		done()
	}
	return victims
}
