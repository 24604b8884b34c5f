package queue

import (
	"cmp"
	"math"
	"slices"

	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// Default times are for servers that take about this long over a packet, ns; where
// packets take longer, everything does.
const usualService = 2000

// scale returns by how many times slower than usual the servers of the trace are, at
// least 1.
func (a *Analyzer) scale() float64 {
	var norms []float64
	for i := range a.serve {
		if s := &a.serve[i]; s.Norm > 0 {
			norms = append(norms, s.Norm)
		}
	}
	if len(norms) == 0 {
		return 1
	}
	slices.Sort(norms)
	return max(1, norms[len(norms)/2]/usualService)
}

// sightings is about how many records are looked at to find ways and travel times.
const sightings = 1 << 16

// align finds how long packets travel between neighbours, and from that by how much
// later than at others things happen at each node: travel times and how far clocks are
// apart, which need not be told apart. Where packets have no ids, it is taken to be
// nothing.
func (a *Analyzer) align(sights []sight) {
	nodes := len(a.t.Network.Nodes)
	a.shift = make([]int64, nodes)
	lags := a.lags(sights)
	type edge struct {
		to  int32
		lag int64
	}
	edges := make([][]edge, nodes)
	for e, lag := range lags {
		edges[e[0]] = append(edges[e[0]], edge{e[1], lag})
		edges[e[1]] = append(edges[e[1]], edge{e[0], -lag})
	}
	seen := make([]bool, nodes)
	for root := range int32(nodes) {
		if seen[root] {
			continue
		}
		seen[root] = true
		for todo := []int32{root}; len(todo) > 0; todo = todo[1:] {
			at := todo[0]
			slices.SortFunc(edges[at], func(x, y edge) int { return cmp.Compare(x.to, y.to) })
			for _, e := range edges[at] {
				if !seen[e.to] {
					seen[e.to] = true
					a.shift[e.to] = a.shift[at] + e.lag
					todo = append(todo, e.to)
				}
			}
		}
	}
	a.separate(lags)
	for e, lag := range lags {
		a.uneven = max(a.uneven, a.shift[e[1]]-a.shift[e[0]]-lag)
	}
}

// separate moves nodes apart until no packet takes longer than nothing in aligned time:
// where two ways to a node are not equally long, what comes by the shorter one seems to
// come before it left. So what made packets late is never before them by more than that
// they waited.
func (a *Analyzer) separate(lags map[[2]int32]int64) {
	order := make([]int32, len(a.rank))
	for node, at := range a.rank {
		order[at] = int32(node)
	}
	for _, node := range order { // as early as may be
		for _, next := range a.next[node] {
			if lag, ok := lags[[2]int32{node, next}]; ok && a.rank[node] < a.rank[next] {
				a.shift[next] = max(a.shift[next], a.shift[node]+lag)
			}
		}
	}
	for _, node := range slices.Backward(order) { // as late as may be
		latest, any := int64(math.MaxInt64), false
		for _, next := range a.next[node] {
			if lag, ok := lags[[2]int32{node, next}]; ok && a.rank[node] < a.rank[next] {
				latest, any = min(latest, a.shift[next]-lag), true
			}
		}
		if any {
			a.shift[node] = latest
		}
	}
}

// sight is a packet at a node.
type sight struct {
	packet         uint64
	arrive, depart int64
	node           int32
}

// sights returns where and when a sample of the packets was seen, by packet and time.
func (a *Analyzer) sights() []sight {
	total := 0
	for i := range a.t.Queues {
		total += a.t.Queues[i].Len()
	}
	mask := uint64(1)
	for mask < uint64(total/sightings) {
		mask *= 2
	}
	mask--
	var all []sight
	for i := range a.t.Queues {
		q := &a.t.Queues[i]
		for row, p := range q.Packet {
			if p*0x9e3779b97f4a7c15>>40&mask == 0 && p != records.NoPacket {
				all = append(all, sight{p, q.Arrive[row], q.Depart(row), q.Node})
			}
		}
	}
	slices.SortFunc(all, func(x, y sight) int {
		return cmp.Or(cmp.Compare(x.packet, y.packet), cmp.Compare(x.arrive, y.arrive), cmp.Compare(x.node, y.node))
	})
	return all
}

// lags returns the time from a departure to the arrival at a neighbour, by both, of the
// quickest packets: the quickest tenth apart, because ids may be mistaken.
func (a *Analyzer) lags(all []sight) map[[2]int32]int64 {
	travel := map[[2]int32][]int64{}
	for lo, hi := 0, 0; lo < len(all); lo = hi {
		for hi = lo; hi < len(all) && all[hi].packet == all[lo].packet; hi++ {
		}
		if hi-lo > maxSights {
			continue // an id that says nothing
		}
		for i := lo; i < hi; i++ {
			for k := lo; k < hi; k++ {
				if x, y := &all[i], &all[k]; x.depart != records.Absent && slices.Contains(a.next[x.node], y.node) {
					key := [2]int32{x.node, y.node}
					travel[key] = append(travel[key], y.arrive-x.depart)
				}
			}
		}
	}
	lags := make(map[[2]int32]int64, len(travel))
	for e, ns := range travel {
		slices.Sort(ns)
		lags[e] = ns[len(ns)/10]
	}
	return lags
}

// maxSights bounds how many records of one packet are compared with one another.
const maxSights = 64
