package flowset

import "math"

// twins returns flows whose counts no cell can confirm: two flows that share all their
// cells have a known sum, however it is split between them. What neighbours counted splits
// it, and one packet lost of each flow on different links goes unnoticed; so a count is
// good only if two neighbours have the same.
func (s *solver) twins(n *network) (doubtful []int) {
	flows := len(s.a) - s.alone
	if s.set.slots == nil || flows < 2 {
		return nil
	}
	if pairs := float64(flows) * float64(len(s.a)) / math.Pow(float64(s.t.Cells), float64(s.k)); pairs < fewTwins && !s.t.linear.cells {
		return nil
	}
	first := make(map[[MaxSubtables]uint32]int32, flows)
	ask := func(f int) {
		if p := s.packets[f]; p > 0 && s.state[f] != rejected {
			for _, r := range s.peer[f] {
				if r.table < 0 || n.s[r.table].packets[r.flow] != p {
					doubtful = append(doubtful, f)
					return
				}
			}
		}
	}
	for f := s.alone; f < len(s.a); f++ {
		if s.state[f] == rejected {
			continue
		}
		var at [MaxSubtables]uint32
		copy(at[:], s.cellsOf(f))
		switch g, ok := first[at]; {
		case !ok:
			first[at] = int32(f) + 1
		case g > 0: // the second of them
			ask(int(g) - 1)
			first[at] = 0
			fallthrough
		default:
			ask(f)
		}
	}
	return doubtful
}

// fewTwins is the number of pairs to be expected in a table below which none are looked for.
const fewTwins = 1e-6

// withhold takes back what rests on a guess alone.
func (n *network) withhold() {
	some := make([][]int, len(n.s))
	n.each(func(i int) { some[i] = n.s[i].twins(n) }) // reads what others counted
	n.each(func(i int) {
		for _, f := range some[i] {
			n.s[i].forget(f)
			n.s[i].withheld++
		}
	})
}
