package decode

// correct mends guesses where packets were lost: what is left in a table's cells is then
// the same in all cells of the flow that lost them elsewhere, and no other flow has these
// cells. Where two such flows share a cell, two equal cells are enough. Ambiguous ones
// stay as they are.
func (s *solver) correct() {
	left := make([]int64, len(s.cells))
	open := make([]uint32, len(s.cells)) // flows without packets that have no guess
	for c := range s.cells {
		left[c] = s.cells[c].Packets
		open[c] = s.aux[c].flows
		if !s.settled(uint32(c)) {
			open[c]++
		}
	}
	var flows []int
	for f, p := range s.packets {
		switch {
		case p != unknownPackets || s.state[f] == rejected && !s.recounted:
			continue // known, or not among the cells' flows
		case s.state[f] == rejected:
			s.guess[f] = 0 // until its cells say otherwise
		case s.guess[f] <= 0:
			continue
		}
		flows = append(flows, f)
		for _, c := range s.cellsOf(f) {
			left[c] -= s.guess[f]
			open[c]--
		}
	}
	suits := make([]uint8, len(s.cells)) // flows whose change would mend the cell
	for _, equal := range []int{s.k, s.k - 1} {
		if equal < 2 {
			continue
		}
		for {
			var some []int
			var by []int64
			for _, f := range flows {
				if v := s.change(f, equal, left, open); v != 0 {
					some, by = append(some, f), append(by, v)
					for _, c := range s.cellsOf(f) {
						suits[c] = min(2, suits[c]+1)
					}
				}
			}
			changed := false
			for x, f := range some {
				alone := 0
				for _, c := range s.cellsOf(f) {
					if suits[c] == 1 && open[c] == 0 && left[c] == by[x] {
						alone++
					}
				}
				if alone < 2 {
					continue
				}
				changed = true
				s.guess[f] += by[x]
				for _, c := range s.cellsOf(f) {
					left[c] -= by[x]
				}
			}
			for _, f := range some {
				for _, c := range s.cellsOf(f) {
					suits[c] = 0
				}
			}
			if !changed {
				break
			}
		}
	}
}

// change returns by how much a flow's guess would have to change to mend so many of its
// cells; 0 if it would not.
func (s *solver) change(f, equal int, left []int64, open []uint32) int64 {
	cells := s.cellsOf(f)
	for x, c := range cells {
		v := left[c]
		if open[c] > 0 || v == 0 {
			continue
		}
		n := 1
		for _, d := range cells[x+1:] {
			if open[d] == 0 && left[d] == v {
				n++
			}
		}
		least := int64(1)
		if s.state[f] == rejected {
			least = 0
		}
		if n >= equal && s.guess[f]+v >= least {
			return v
		}
	}
	return 0
}
