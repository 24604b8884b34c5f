package decode

import "sync/atomic"

// joint guesses the packets of flows that no switch has counted, as if nothing were lost
// between switches: the cells of all tables then are equations of the same unknowns,
// and a cell with one unknown left gives it to all tables. What the guesses are worth the
// cells say afterwards (believe). It runs where everything else is stuck, in one thread.
func (n *network) joint() (pivots [][]bool) {
	g := guesser{n: n, aux: make([][]aux, len(n.s)), left: make([][]int64, len(n.s)), pivot: make([][]bool, len(n.s))}
	for i, s := range n.s {
		if s.unknown == 0 {
			continue
		}
		g.aux[i] = append([]aux(nil), s.aux...)
		g.left[i] = make([]int64, len(s.cells))
		g.pivot[i] = make([]bool, len(s.cells))
		for c := range s.cells {
			g.left[i][c] = s.cells[c].Packets
		}
	}
	first := make([][]int64, len(n.s)) // what neighbours counted
	for i, s := range n.s {
		if s.unknown == 0 {
			continue
		}
		first[i] = append(first[i], s.guess...)
		for f := range s.guess {
			s.guess[f] = noGuess
		}
	}
	for i, s := range n.s {
		if s.unknown == 0 {
			continue
		}
		for f, x := range first[i] {
			if x > 0 {
				g.put(i, f, x)
			}
		}
		for c := range g.aux[i] {
			if g.aux[i][c].flows == 1 {
				g.work = append(g.work, ref{int32(i), int32(c)})
			}
		}
	}
	for len(g.work) > 0 {
		r := g.work[len(g.work)-1]
		g.work = g.work[:len(g.work)-1]
		i, c := int(r.table), uint32(r.flow)
		if x := &g.aux[i][c]; x.flows == 1 && g.left[i][c] > 0 && n.s[i].settled(c) && n.s[i].state[x.xor] != rejected {
			g.pivot[i][c] = true
			g.put(i, int(x.xor), g.left[i][c])
		}
	}
	return g.pivot
}

// guesser is the state of joint.
type guesser struct {
	n    *network
	aux  [][]aux
	left [][]int64
	// pivot are cells that gave a guess: they agree with it whatever it is worth.
	pivot [][]bool
	work  []ref // cells
}

// put guesses that flow f of table i has x packets there and wherever else it is.
func (g *guesser) put(i, f int, x int64) {
	s := g.n.s[i]
	if s.packets[f] != unknownPackets || s.guess[f] > 0 || s.state[f] == rejected {
		return // known, guessed, or not among the cells' flows
	}
	s.guess[f] = x
	for _, c := range s.at[f*s.k : (f+1)*s.k] {
		g.left[i][c] -= x
		a := &g.aux[i][c]
		a.flows--
		a.xor ^= uint32(f)
		if a.flows == 1 {
			g.work = append(g.work, ref{int32(i), int32(c)})
		}
	}
	for _, r := range s.peer[f] {
		if r.table >= 0 && g.n.s[r.table].unknown > 0 {
			g.put(int(r.table), int(r.flow), x)
		}
	}
}

// judges reports whether a table has cells enough to tell wrong guesses: with more flows
// than 1.3 a cell, too few are left that gave none of them.
func (s *solver) judges() bool { return 10*len(s.keys.A) <= 13*len(s.cells) }

// lastResorts guesses where neighbours' counts do not help on: jointly, and by least
// squares where packets were lost. It reports whether any cell confirmed a guess.
func (n *network) lastResorts() bool {
	pivots := n.joint()
	progress := n.believed(func(i int) {
		if s := n.s[i]; s.judges() && !s.place.Copies() && !s.contradicts() {
			s.believe(pivots[i])
		}
	})
	if progress {
		return true
	}
	n.each(func(i int) { n.ask(i) })
	return n.fit()
}

// fit guesses by least squares. It reports whether any cell confirmed a guess.
func (n *network) fit() bool {
	n.squares()
	return n.believed(func(i int) {
		if s := n.s[i]; s.unknown > 0 && !s.place.Copies() {
			s.correct()
			s.believe(nil)
		}
	})
}

// believed runs fn for all tables and reports whether there are fewer flows without packets
// then.
func (n *network) believed(fn func(i int)) bool {
	var less atomic.Bool
	n.each(func(i int) {
		before := n.s[i].unknown
		if fn(i); n.s[i].unknown < before {
			less.Store(true)
		}
	})
	return less.Load()
}
