package flowset

import (
	"math"
	"sync/atomic"
)

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
			g.left[i][c] = s.cells[c].packets
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

// squares guesses by least squares, the paper's CounterDecode: the packets x of the flows
// without any solve M·x = b, a row per cell, by conjugate gradients on the normal
// equations, from what neighbours counted; it stops when all values have stayed within
// half of an integer.
//
// Values that the cells do not determine stay where they began: it begins twice, and only
// where both ends agree is there a guess.
func (s *solver) squares(steps int) {
	var flows []int
	for f, p := range s.packets {
		if p == unknownPackets && s.state[f] != rejected {
			flows = append(flows, f)
		}
	}
	x, y := make([]float64, len(flows)), make([]float64, len(flows))
	for i, f := range flows {
		x[i] = math.Max(1, float64(s.guess[f]))
		y[i] = x[i] + 3 + float64(s.d[f]%64)/8 // differs by flow
	}
	s.descend(flows, x, steps)
	s.descend(flows, y, steps)
	for i, f := range flows {
		s.guess[f] = noGuess
		if v := math.Round(x[i]); v >= 1 && math.Abs(x[i]-y[i]) < 0.1 {
			s.guess[f] = int64(v)
		}
	}
}

// descend moves x towards the least squares.
func (s *solver) descend(flows []int, x []float64, steps int) {
	// Rows that count flows which are not decoded say nothing.
	b := make([]float64, len(s.cells))
	use := make([]bool, len(s.cells))
	for c := range s.cells {
		if use[c] = s.aux[c].flows > 0 && s.settled(uint32(c)); use[c] {
			b[c] = float64(s.cells[c].packets)
		}
	}
	forward := func(x, y []float64) {
		clear(y)
		for i, f := range flows {
			for _, c := range s.at[f*s.k : (f+1)*s.k] {
				if use[c] {
					y[c] += x[i]
				}
			}
		}
	}
	back := func(y, x []float64) (norm float64) {
		for i, f := range flows {
			x[i] = 0
			for _, c := range s.at[f*s.k : (f+1)*s.k] {
				x[i] += y[c] // 0 where the row is not used
			}
			norm += x[i] * x[i]
		}
		return norm
	}
	r, q := make([]float64, len(b)), make([]float64, len(b))
	forward(x, r)
	for c := range r {
		r[c] = b[c] - r[c]
	}
	grad, dir := make([]float64, len(x)), make([]float64, len(x))
	norm := back(r, grad)
	copy(dir, grad)
	last := make([]float64, len(x))
	for range steps {
		if norm < 1e-9 {
			break
		}
		forward(dir, q)
		qq := 0.0
		for _, v := range q {
			qq += v * v
		}
		if qq == 0 {
			break
		}
		a := norm / qq
		moved := false
		for i := range x {
			x[i] += a * dir[i]
			if v := math.Round(x[i]); v != last[i] {
				last[i], moved = v, true
			}
		}
		for c := range r {
			r[c] -= a * q[c]
		}
		if !moved {
			break
		}
		was := norm
		norm = back(r, grad)
		for i := range dir {
			dir[i] = grad[i] + norm/was*dir[i]
		}
	}
}

// squareSteps bounds the steps of squares.
const squareSteps = 100

// judges reports whether a table has cells enough to tell wrong guesses: with more flows
// than 1.3 a cell, too few are left that gave none of them.
func (s *solver) judges() bool { return 10*len(s.a) <= 13*len(s.cells) }

// lastResorts guesses where neighbours' counts do not help on: jointly, then by least
// squares. It reports whether any cell confirmed a guess.
func (n *network) lastResorts() bool {
	var progress atomic.Int64
	try := func(i int, pivots []bool) {
		s := n.s[i]
		before := s.unknown
		s.believe(pivots)
		progress.Add(int64(before - s.unknown))
	}
	pivots := n.joint()
	n.each(func(i int) {
		if n.s[i].judges() {
			try(i, pivots[i])
		}
	})
	if progress.Load() > 0 {
		return true
	}
	n.each(func(i int) {
		if n.ask(i); n.s[i].unknown > 0 && n.s[i].judges() {
			n.s[i].squares(squareSteps)
			try(i, nil)
		}
	})
	return progress.Load() > 0
}
