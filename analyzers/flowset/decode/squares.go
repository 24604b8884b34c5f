package decode

import (
	"math"
	"sync"

	"github.com/telltale-net/telltale/analyzers/flowset/hash"
)

// tables is each for some tables.
func (n *network) tables(some []int, fn func(i int)) {
	n.parallel(len(some), func(x int) { fn(some[x]) })
}

// partSize is how many unknowns are worked on in one piece.
const partSize = 1 << 14

// sum runs fn for parts of the unknowns and adds what it returns.
func (m *system) sum(fn func(from, to int) float64) float64 {
	n := len(m.from) - 1
	m.n.parallel(len(m.end), func(p int) { m.end[p] = fn(p*partSize, min(n, (p+1)*partSize)) })
	total := 0.0
	for _, v := range m.end {
		total += v
	}
	return total
}

// forward sets y to the weighted cells' sums of x; it returns the square.
func (m *system) forward(x []float64) float64 {
	part := make([]float64, len(m.open))
	m.n.parallel(len(m.open), func(o int) {
		i := m.open[o]
		s, y := m.n.s[i], m.y[i]
		clear(y)
		for f, v := range m.column[i] {
			if v >= 0 {
				for _, c := range s.at[f*s.k : (f+1)*s.k] {
					y[c] += x[v]
				}
			}
		}
		for c, w := range m.weight[i] {
			part[o] += w * y[c] * y[c]
		}
	})
	total := m.sum(func(from, to int) (t float64) {
		for v := from; v < to; v++ {
			t += m.sure[v].n * x[v] * x[v]
		}
		return t
	})
	for _, v := range part {
		total += v
	}
	return total
}

// back sets g to the weighted rows' sums by unknown; it returns the square. Tables sum for
// their flows first, in order: what is touched at random is small then.
func (m *system) back(rows [][]float64, sure func(v int) float64, g []float64) float64 {
	m.n.tables(m.open, func(i int) {
		s, y, weight, part := m.n.s[i], m.y[i], m.weight[i], m.part[i]
		for c, w := range weight {
			y[c] = w * rows[i][c]
		}
		for f, v := range m.column[i] {
			if v < 0 {
				continue
			}
			x := 0.0
			for _, c := range s.at[f*s.k : (f+1)*s.k] {
				x += y[c]
			}
			part[f] = x
		}
	})
	return m.sum(func(from, to int) (t float64) {
		for v := from; v < to; v++ {
			x := sure(v)
			for _, r := range m.flows[m.from[v]:m.from[v+1]] {
				x += m.part[r.table][r.flow]
			}
			g[v] = x
			t += x * x
		}
		return t
	})
}

// solve moves x towards the least squares by conjugate gradients on the normal equations;
// zero is for equations whose right sides are all zero.
func (m *system) solve(x []float64, zero bool) {
	left := make([][]float64, len(m.n.s))
	m.forward(x)
	m.n.tables(m.open, func(i int) {
		left[i] = make([]float64, len(m.y[i]))
		for c, y := range m.y[i] {
			if left[i][c] = -y; !zero {
				left[i][c] += m.rows[i][c]
			}
		}
	})
	grad, dir := make([]float64, len(x)), make([]float64, len(x))
	at := func(v int) float64 {
		if zero {
			return -m.sure[v].n * x[v]
		}
		return m.sure[v].sum - m.sure[v].n*x[v]
	}
	norm := m.back(left, at, grad)
	copy(dir, grad)
	for range squareSteps {
		if norm < squareEnd*float64(len(x)) {
			return
		}
		q := m.forward(dir)
		if q == 0 {
			return
		}
		a := norm / q
		m.n.tables(m.open, func(i int) {
			for c, y := range m.y[i] {
				left[i][c] -= a * y
			}
		})
		m.sum(func(from, to int) float64 {
			for v := from; v < to; v++ {
				x[v] += a * dir[v]
			}
			return 0
		})
		was := norm
		norm = m.back(left, at, grad)
		m.sum(func(from, to int) float64 {
			for v := from; v < to; v++ {
				dir[v] = grad[v] + norm/was*dir[v]
			}
			return 0
		})
	}
}

const (
	squareSteps  = 150  // at most
	squareEnd    = 1e-4 // mean square of the gradient at which it ends, packets²
	squareRounds = 4    // at most, each with less weight for cells that do not fit
	mostLoose    = 0.05 // how far an unknown that the cells determine may be from zero if their right sides are
)

// squares guesses by least squares. Values that the cells do not determine stay where they
// began: what zeros for right sides do not bring to zero is not guessed.
func (n *network) squares() {
	m := newSystem(n)
	x := make([]float64, len(m.from)-1)
	for v := range x {
		if x[v] = 1; m.sure[v].n > 0 {
			x[v] = m.sure[v].sum / m.sure[v].n
		}
	}
	for range squareRounds {
		m.solve(x, false)
		if !m.reweigh(x) {
			break
		}
	}
	loose := make([]float64, len(x))
	for v := range loose {
		loose[v] = 1 + float64(hash.Mix64(uint64(v))%64)/16
	}
	m.solve(loose, true)
	n.tables(m.open, func(i int) {
		s := n.s[i]
		if len(s.guess) != len(s.keys.A) {
			s.guess = make([]int64, len(s.keys.A))
		}
		for f, v := range m.column[i] {
			s.guess[f] = noGuess
			if v >= 0 && math.Abs(loose[v]) < mostLoose {
				s.guess[f] = max(1, int64(math.Round(x[v])))
			}
		}
	})
}

// reweigh gives less weight to cells that x does not fit, as the sum of absolute errors
// would, which is little moved by few large ones. It reports whether there are any.
func (m *system) reweigh(x []float64) (any bool) {
	m.forward(x)
	var mu sync.Mutex
	m.n.tables(m.open, func(i int) {
		bad := false
		for c, w := range m.weight[i] {
			if w == 0 {
				continue
			}
			r := math.Abs(m.rows[i][c] - m.y[i][c])
			bad = bad || r > 0.5
			m.weight[i][c] = 1 / max(1, 4*r)
		}
		mu.Lock()
		any = any || bad
		mu.Unlock()
	})
	return any
}
