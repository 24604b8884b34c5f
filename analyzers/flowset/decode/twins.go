package decode

import (
	"math"
	"slices"

	"github.com/telltale-net/telltale/analyzers/flowset"
)

// twins returns flows whose counts no cell can confirm: two flows that share all their
// cells have a known sum, however it is split between them. What neighbours counted splits
// it, and if both lost packets, on different links, wrongly. One of them may differ from
// what neighbours have: the other's count and the sum give its own.
func (n *network) twins(i int) (doubtful []int) {
	s := n.s[i]
	flows := len(s.keys.A) - s.alone
	if s.set.slots == nil || flows < 2 {
		return nil
	}
	if pairs := float64(flows) * float64(len(s.keys.A)) / math.Pow(float64(s.t.Cells), float64(s.k)); pairs < fewTwins && !s.place.Linear() {
		return nil
	}
	differs := func(f int) bool {
		var w *[3]uint64
		if s.keys.Wide != nil {
			w = &s.keys.Wide[f]
		}
		return s.packets[f] > 0 && slices.ContainsFunc(n.adj[i], func(j int) bool {
			o := n.s[j]
			if o.t.KeyBytes != s.t.KeyBytes {
				return false
			}
			g := o.find(s.keys.A[f], s.keys.B[f], w, s.digestOf(f))
			return g >= 0 && o.packets[g] > 0 && o.packets[g] != s.packets[f]
		})
	}
	first := make(map[[flowset.MaxSubtables]uint32]int, flows)
	more := map[[flowset.MaxSubtables]uint32][]int{} // of the cells of several flows, those that differ
	for f := s.alone; f < len(s.keys.A); f++ {
		if s.state[f] == rejected {
			continue
		}
		var at [flowset.MaxSubtables]uint32
		copy(at[:], s.cellsOf(f))
		g, ok := first[at]
		if !ok {
			first[at] = f
			continue
		}
		if _, ok := more[at]; !ok {
			more[at] = nil
			if differs(g) {
				more[at] = append(more[at], g)
			}
		}
		if differs(f) {
			more[at] = append(more[at], f)
		}
	}
	for _, some := range more {
		if len(some) > 1 {
			doubtful = append(doubtful, some...)
		}
	}
	slices.Sort(doubtful)
	return doubtful
}

// fewTwins is the number of pairs to be expected in a table below which none are looked for.
const fewTwins = 1e-3

// withhold takes back what rests on a guess alone.
func (n *network) withhold() {
	some := make([][]int, len(n.s))
	n.each(func(i int) { some[i] = n.twins(i) }) // reads what others counted
	n.each(func(i int) {
		for _, f := range some[i] {
			n.s[i].forget(f)
			n.s[i].withheld++
		}
	})
}
