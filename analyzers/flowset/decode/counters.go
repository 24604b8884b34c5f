package decode

import (
	"slices"
	"sync/atomic"
)

// counterDecode finds the packets of flows that were decoded by a neighbour's help. Where
// that ends in cells that do not add up, since packets were lost, and counts that were
// believed too early led to others, it begins again with least squares.
func (n *network) counterDecode() {
	n.each(func(i int) { n.s[i].count() })
	if n.opt.OwnClocks {
		return
	}
	n.agree()
	var again atomic.Bool
	n.each(func(i int) {
		if s := n.s[i]; !s.consistent() && s.reconsider() {
			again.Store(true)
		}
	})
	if again.Load() && n.fit() {
		n.agree()
	}
}

// mostGuesses is how often a decode guesses anew where nothing else helps.
const mostGuesses = 3

// agree asks neighbours until that helps nobody.
func (n *network) agree() {
	guesses := 0
	for range maxRounds {
		var left, progress atomic.Int64
		n.each(func(i int) { left.Add(int64(n.ask(i))) })
		if left.Load() == 0 {
			return // nobody lacks packets
		}
		n.each(func(i int) {
			s := n.s[i]
			before := s.unknown
			s.believe(nil)
			progress.Add(int64(before - s.unknown))
		})
		if progress.Load() == 0 {
			if guesses++; guesses > mostGuesses || !n.lastResorts() {
				return
			}
		}
	}
}

// reconsider forgets the counts that rest on neighbours'. It reports whether there are any.
func (s *solver) reconsider() (any bool) {
	from := s.alone
	if s.recounted {
		from = 0
	}
	for f := from; f < len(s.keys.A); f++ {
		if s.packets[f] >= 0 {
			s.forget(f)
			any = true
		}
	}
	s.odd = 0
	return any
}

// count solves what needs no neighbour: a cell all of whose flows are decoded, all but
// one with their packets, gives the packets of that one.
func (s *solver) count() {
	if s.aux == nil {
		return
	}
	for n := range s.aux {
		if s.aux[n].flows == 1 {
			s.solve = append(s.solve, uint32(n))
		}
	}
	s.solveAll()
}

func (s *solver) solveAll() {
	for len(s.solve) > 0 {
		n := s.solve[len(s.solve)-1]
		s.solve = s.solve[:len(s.solve)-1]
		if s.aux[n].flows != 1 || !s.settled(n) {
			continue
		}
		f, x := int(s.aux[n].xor), s.cells[n].Packets
		if x > 0 || x == 0 && s.state[f] == rejected {
			s.know(f, x)
		} else {
			s.odd++
		}
	}
}

// know sets a flow's packets.
func (s *solver) know(f int, packets int64) {
	s.packets[f] = packets
	s.unknown--
	for _, n := range s.at[f*s.k : (f+1)*s.k] {
		s.cells[n].Packets -= packets
		s.aux[n].flows--
		s.aux[n].xor ^= uint32(f)
		if s.aux[n].flows == 1 {
			s.solve = append(s.solve, n)
		}
	}
}

const noGuess, twoGuesses = -1, -2

// ask fills in the guesses: what neighbours counted of the flows without packets here.
// It returns how many flows there are without packets.
func (n *network) ask(i int) int {
	s := n.s[i]
	if s.unknown == 0 {
		return 0
	}
	if len(s.guess) != len(s.keys.A) {
		s.guess = make([]int64, len(s.keys.A))
	}
	for f := range s.guess {
		s.guess[f] = noGuess
		if s.packets[f] != unknownPackets || s.state[f] == rejected {
			continue
		}
		for _, r := range s.peer[f] {
			if r.table < 0 {
				continue
			}
			p := n.s[r.table].packets[r.flow]
			switch {
			case p < 1:
			case s.guess[f] == noGuess:
				s.guess[f] = p
			case s.guess[f] != p: // lost between them: here it may be either
				s.guess[f] = twoGuesses
			}
		}
	}
	return s.unknown
}

// tally sums guesses of a cell's flows.
type tally struct {
	sum   int64
	flows uint32
}

// tallies sums the guesses by cell.
func (s *solver) tallies() []tally {
	sums := make([]tally, len(s.cells))
	for f, g := range s.guess {
		if g <= 0 {
			continue
		}
		for _, n := range s.cellsOf(f) {
			sums[n].sum += g
			sums[n].flows++
		}
	}
	return sums
}

// contradicts reports whether guesses do not add up in some cell.
func (s *solver) contradicts() bool {
	if s.unknown == 0 {
		return false
	}
	for n, t := range s.tallies() {
		if t.flows > 0 && t.flows == s.aux[n].flows && t.sum != s.cells[n].Packets && s.settled(uint32(n)) {
			return true
		}
	}
	return false
}

// believe takes guesses that the cells confirm: where the guesses of all of a cell's flows
// without packets add up to what is left in it, and no other cell of the flow says
// otherwise. A pivot, the cell that a guess is from, confirms nothing. Packets lost in
// between make sums of guesses differ, so that no lost packet is believed away.
func (s *solver) believe(pivots []bool) {
	if s.unknown == 0 {
		return
	}
	sums := s.tallies()
	var sure []int
	for f, g := range s.guess {
		if g <= 0 {
			continue
		}
		yes := false
		for _, n := range s.cellsOf(f) {
			if sums[n].flows != s.aux[n].flows || !s.settled(n) {
				continue
			}
			if sums[n].sum != s.cells[n].Packets {
				yes = false
				break
			}
			yes = yes || pivots == nil || !pivots[n]
		}
		if yes {
			sure = append(sure, f)
		}
	}
	for _, f := range sure {
		s.know(f, s.guess[f])
	}
	s.solveAll()
}

// consistent reports whether the packets of decoded flows add up to the cells'.
func (s *solver) consistent() bool {
	if s.odd > 0 {
		return false
	}
	for n := range s.cells {
		if s.cells[n].Packets != 0 && (s.aux == nil || s.aux[n].flows == 0) && s.settled(uint32(n)) {
			return false
		}
	}
	return true
}

// repair finds flows that a filter hid: a false positive at their first packet kept them
// out of the flow sets, and all their packets are counted. They are among those which
// neighbours have, the filter knows, and the cells do not hold; where packets do not add
// up, all are counted anew with these as further unknowns.
func (n *network) repair() {
	var again atomic.Bool
	n.each(func(i int) {
		s := n.s[i]
		if !s.consistent() && slices.Contains(s.state, rejected) {
			s.recount()
			again.Store(true)
		}
	})
	if !again.Load() {
		return
	}
	n.counterDecode()
	n.each(func(i int) {
		s := n.s[i]
		for f, st := range s.state {
			if st == rejected && s.packets[f] > 0 {
				s.state[f] = hidden
			}
		}
	})
}

// recount forgets the packets of all flows, and counts those as well that were rejected.
func (s *solver) recount() {
	s.aux = make([]aux, len(s.cells))
	s.unknown, s.odd, s.recounted = len(s.keys.A), 0, true
	for n := range s.cells {
		s.cells[n].Packets = s.raw[n].Packets
	}
	for f := range s.keys.A {
		s.packets[f] = unknownPackets
		for _, n := range s.at[f*s.k : (f+1)*s.k] {
			s.aux[n].flows++
			s.aux[n].xor ^= uint32(f)
		}
	}
}
