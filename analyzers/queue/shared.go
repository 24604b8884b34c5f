package queue

import (
	"cmp"
	"math"
	"slices"

	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// A node's queues may have a server each, as the cores of a network function, or one for
// all, as the port of a switch. The data does not say which. Servers of their own work at
// the same time, as often as chance has it; a common one serves one queue while the
// others wait. Queues of a common server are diagnosed as one: which it serves next,
// priority or turns, is not modelled.

const (
	// togetherLeast is down to which share of the time that chance would have it two
	// queues must be served at the same time to have servers of their own.
	togetherLeast = 0.2
	// sharedSample is how many departures of a node's busiest queue are looked at, and
	// sharedGroups how many services must be among them.
	sharedSample = 4096
	sharedGroups = 64
)

// interval is a time at which a queue was served.
type interval struct {
	from, to int64
	queue    int
}

// sharing returns the nodes whose queues have one server.
func (a *Analyzer) sharing() (nodes []bool) {
	for n := range a.t.Network.Nodes {
		if of := a.t.Of(int32(n)); len(of) > 1 && !a.t.Network.Nodes[n].IsSource() && oneServer(of) {
			if nodes == nil {
				nodes = make([]bool, len(a.t.Network.Nodes))
			}
			nodes[n] = true
		}
	}
	return nodes
}

// oneServer reports whether queues are served one at a time.
func oneServer(of []records.Queue) bool {
	busiest := 0
	for k := range of {
		if of[k].Departures() > of[busiest].Departures() {
			busiest = k
		}
	}
	b := &of[busiest]
	if b.Departures() == 0 {
		return false
	}
	lo := max(0, b.Departures()/2-sharedSample/2)
	hi := min(b.Departures(), lo+sharedSample)
	from, to := b.Depart(b.ByDepart(lo)), b.Depart(b.ByDepart(hi-1))
	var all []interval
	var busy []float64
	for k := range of {
		s := services(&of[k], from, to, k)
		sum := 0.0
		for _, x := range s {
			sum += float64(x.to - x.from)
		}
		all, busy = append(all, s...), append(busy, sum)
	}
	if len(all) < sharedGroups || to <= from {
		return false
	}
	slices.SortFunc(all, func(x, y interval) int { return cmp.Or(cmp.Compare(x.from, y.from), cmp.Compare(x.queue, y.queue)) })
	ends := slices.Repeat([]int64{math.MinInt64}, len(of))
	together := 0.0
	for _, x := range all {
		for k, end := range ends {
			if k != x.queue && end > x.from {
				together += float64(min(end, x.to) - x.from)
			}
		}
		ends[x.queue] = max(ends[x.queue], x.to)
	}
	chance := 0.0
	for i := range busy {
		for j := range i {
			chance += busy[i] * busy[j] / float64(to-from)
		}
	}
	return together < togetherLeast*chance
}

// services returns when a queue was served between two times. Where the start is not
// known, service is taken to be as short as that of the quickest tenth.
func services(q *records.Queue, from, to int64, queue int) []interval {
	lo, hi := q.FirstDeparture(from), q.FirstDeparture(to)
	free := int64(math.MinInt64)
	if lo > 0 {
		free = q.Depart(q.ByDepart(lo - 1))
	}
	var all []interval
	var per []float64
	known := true
	groups(q, lo, hi, free, func(g group) bool {
		known = known && q.Start(q.ByDepart(g.from)) != records.Absent
		all = append(all, interval{g.start, g.end, queue})
		per = append(per, float64(g.end-g.start)/float64(g.to-g.from))
		return true
	})
	if known || len(all) == 0 {
		return all
	}
	quickest := slices.Clone(per)
	slices.Sort(quickest)
	for i := range all {
		x := &all[i]
		if each := quickest[len(per)/10]; per[i] > each {
			x.from = x.to - int64(float64(x.to-x.from)*each/per[i])
		}
	}
	return all
}

// commonly returns the victims as the trace with common servers' queues joined has them.
func (a *Analyzer) commonly(victims []diagnosis.Victim) []diagnosis.Victim {
	victims = slices.Clone(victims)
	for i := range victims {
		if v := &victims[i]; v.Node >= 0 && int(v.Node) < len(a.shared) && a.shared[v.Node] {
			v.Queue = a.t.Of(v.Node)[0].Number
		}
	}
	return victims
}
