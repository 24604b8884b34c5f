package flowset

import (
	"math"
	"slices"
)

// twins returns flows whose counts no cell can confirm: two flows that share all their
// cells have a known sum, however it is split between them. What neighbours counted splits
// it, and if both lost packets, on different links, wrongly. One of them may differ from
// what neighbours have: the other's count and the sum give its own.
func (n *network) twins(i int) (doubtful []int) {
	s := n.s[i]
	flows := len(s.a) - s.alone
	if s.set.slots == nil || flows < 2 {
		return nil
	}
	if pairs := float64(flows) * float64(len(s.a)) / math.Pow(float64(s.t.Cells), float64(s.k)); pairs < fewTwins && !s.t.place.Linear() {
		return nil
	}
	differs := func(f int) bool {
		var w *[3]uint64
		if s.w != nil {
			w = &s.w[f]
		}
		return s.packets[f] > 0 && slices.ContainsFunc(n.adj[i], func(j int) bool {
			o := n.s[j]
			if o.t.KeyBytes != s.t.KeyBytes {
				return false
			}
			g := o.find(s.a[f], s.b[f], w, s.digestOf(f))
			return g >= 0 && o.packets[g] > 0 && o.packets[g] != s.packets[f]
		})
	}
	first := make(map[[MaxSubtables]uint32]int, flows)
	more := map[[MaxSubtables]uint32][]int{} // of the cells of several flows, those that differ
	for f := s.alone; f < len(s.a); f++ {
		if s.state[f] == rejected {
			continue
		}
		var at [MaxSubtables]uint32
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
