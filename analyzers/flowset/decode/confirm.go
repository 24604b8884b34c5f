package decode

import "math"

// confirm takes back counts that nothing confirms. A cell is sound if all its flows are
// decoded and counted, and their packets add up to the cell's. A wrong count leaves cells
// that do not add up, or other counts are wrong by as much; so a flow keeps its count if no
// cell contradicts it and two of its cells are sound, one that gave the count and one that
// did not, and as counts go, others lose their sound cells.
//
// Asked are flows that were decoded with neighbours' help, and all flows of a table whose
// packets do not add up, or whose filter hides flows often: their packets are in cells that
// seem to have one flow. Other flows were alone in a cell, which cannot be wrong.
func (s *solver) confirm() {
	s.inconsistent = s.contradictions()
	all := s.inconsistent > 0
	if !all {
		if s.whole() {
			return
		}
		all = s.veils()
	}
	if !all && s.alone == len(s.keys.A) {
		return
	}
	s.withdraw()
	left := make([]int64, len(s.cells))
	sound := make([]bool, len(s.cells))
	blank := make([]bool, len(s.cells)) // not all flows are counted
	for c := range left {
		left[c] = s.raw[c].Packets
	}
	for f, p := range s.packets {
		if s.state[f] == rejected {
			continue
		}
		for _, c := range s.cellsOf(f) {
			if p < 1 {
				blank[c] = true
			} else {
				left[c] -= p
			}
		}
	}
	for c := range sound {
		blank[c] = blank[c] || !s.settled(uint32(c))
		sound[c] = !blank[c] && left[c] == 0
	}
	need := min(2, s.k)
	for again := true; again; {
		again = false
		for f, p := range s.packets {
			if p < 1 || s.state[f] == rejected || !all && f < s.alone {
				continue
			}
			good, bad := 0, false
			for _, c := range s.cellsOf(f) {
				if sound[c] {
					good++
				} else {
					bad = bad || !blank[c]
				}
			}
			if !bad && !(all && s.place.Copies()) && (good == s.k || good >= need && s.state[f] != hidden) {
				continue
			}
			again = true
			s.forget(f)
			s.withheld++
			for _, c := range s.cellsOf(f) {
				sound[c], blank[c] = false, blank[c] || left[c] == 0
			}
		}
	}
}

// cellsOf returns a flow's cells.
func (s *solver) cellsOf(f int) []uint32 { return s.at[f*s.k : (f+1)*s.k] }

// forget takes a flow's count back. One that is only known by its packets is forgotten.
func (s *solver) forget(f int) {
	p := s.packets[f]
	s.packets[f] = unknownPackets
	if s.aux == nil {
		s.aux = make([]aux, len(s.cells))
	}
	for _, c := range s.cellsOf(f) {
		s.cells[c].Packets += p
		s.aux[c].flows++
		s.aux[c].xor ^= uint32(f)
	}
	s.unknown++
	if s.state[f] == hidden {
		s.state[f] = rejected
	}
}

// contradictions counts cells whose flows are all decoded and counted, and whose packets
// do not add up.
func (s *solver) contradictions() int {
	n := 0
	for c := range s.cells {
		if s.cells[c].Packets != 0 && (s.aux == nil || s.aux[c].flows == 0) && s.settled(uint32(c)) {
			n++
		}
	}
	return max(n, min(s.odd, 1))
}

// whole reports whether nothing is left of the table: every cell is sound.
func (s *solver) whole() bool {
	if s.unknown > 0 {
		return false
	}
	for c := range s.cells {
		if s.cells[c].Packets != 0 || !s.settled(uint32(c)) {
			return false
		}
	}
	return true
}

// mostVeiled is the share of cells that may have the packets of a flow which the filter
// hides, if their packets are to be believed without being confirmed.
const mostVeiled = 0.001

// veils reports whether the table's filter hides flows often: how many it has taken for
// known ones while it filled up to what it is now is no secret.
func (s *solver) veils() bool {
	if s.t.Filter == nil {
		return false
	}
	const steps = 64
	clear, hidden := 1-s.t.Filter.Filled(), 0.0
	for i := range steps {
		hidden += math.Pow(1-math.Pow(clear, (float64(i)+0.5)/steps), float64(s.t.Filter.Hashes)) / steps
	}
	flows, _ := s.t.Totals(0)
	return hidden*float64(flows) > mostVeiled*float64(s.t.Cells)
}

// withdraw takes back the counts that rest on neighbours' where they turned out not to add
// up in many cells: too many losses for so few cells, and guesses confirmed one another.
func (s *solver) withdraw() {
	if 100*s.inconsistent <= len(s.cells) || s.inconsistent < 4 {
		return
	}
	for f := s.alone; f < len(s.keys.A); f++ {
		if s.packets[f] > 0 && s.state[f] != rejected {
			s.forget(f)
			s.withheld++
		}
	}
}
