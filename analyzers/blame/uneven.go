package blame

import (
	"cmp"
	"math"
	"slices"
)

// Healthy links need not lose alike: each may have a noise of its own, ε·g, where g has a Gamma
// distribution of mean 1, the shape a of which the set's own links tell. A link that
// is healthy has g ≤ faultOverNoise, as one at fault loses more. The best g of each link is
// looked for along with all other rates, and integrated out by Laplace's approximation about
// its logarithm u: with x = ε·g and the log-likelihood L,
//
//	log p = L + Σ a·(1 + u − g) − ½·log(1 + x²·B/a)    B = −d²L/dx²
//
// which is exact where nothing was lost. A fault is then weighed against this link's own noise
// being higher.

// What is tried of the shape: a standard deviation of a half, 0.7, 1 and 1.4 of the mean.
var unevenShapes = [...]float64{4, 2, 1, 0.5}

const (
	unevenOdds  = 3    // by how much uneven noise must be better, as log odds
	unevenTries = 3    // sets of weak faults that are taken for noise
	unevenFew   = 0.05 // with fewer packets a link lost to noise, nobody can tell
)

// uneven is what a fit knows of noise that differs from link to link.
type uneven struct {
	shape float64 // 0 = it does not
	g     []float64
}

// own is how many times the usual noise a link has.
func (m *fit) own(l int32) float64 {
	if m.uneven.g == nil || int(l) >= m.links {
		return 1
	}
	return m.uneven.g[l]
}

// setOwn changes it.
func (m *fit) setOwn(l int32, g float64) {
	d := g - m.uneven.g[l]
	if d == 0 {
		return
	}
	m.uneven.g[l] = g
	for _, f := range m.of[l] {
		m.hops[f] += d
	}
	m.hopped += m.survivors[l] * d
}

// roughen sets the shape.
func (m *fit) roughen(shape float64) {
	if m.uneven.shape = shape; shape > 0 {
		if m.uneven.g == nil {
			m.uneven.g = slices.Repeat([]float64{1}, m.links)
		}
		return
	}
	for l := range m.uneven.g {
		m.setOwn(int32(l), 1)
	}
	m.uneven.g = nil
}

// carries reports whether packets cross a link.
func (m *fit) carries(l int32) bool { return m.survivors[l] > 0 || len(m.of[l]) > 0 }

// fitOwn fits the noise of each link, the faults fixed, and returns how much it moved, in
// standard deviations.
func (m *fit) fitOwn() float64 {
	a := m.uneven.shape
	if a == 0 {
		return 0
	}
	moved := 0.0
	for range 3 {
		sum, count, most := 0.0, 0.0, 0.0
		for l := range m.uneven.g {
			c := int32(l)
			switch old := m.uneven.g[l]; {
			case !m.carries(c):
				continue
			case m.theta[c] > 0:
				m.setOwn(c, 1)
				continue
			case len(m.of[c]) == 0:
				m.setOwn(c, a/(a+m.noise*m.survivors[c]))
			default:
				step, _, _ := m.ownStep(c, old)
				m.setOwn(c, min(old*math.Exp(max(-1, min(1, step))), faultOverNoise))
				most = max(most, math.Abs(math.Log(m.uneven.g[l]/old))*math.Sqrt(a+m.noise*m.survivors[c]))
			}
			sum += m.uneven.g[l]
			count++
		}
		if count == 0 {
			return 0
		}
		mean := sum / count // 1 is the likeliest, all products ε·g given
		for l, g := range m.uneven.g {
			if c := int32(l); m.theta[c] == 0 && m.carries(c) {
				m.setOwn(c, min(g/mean, faultOverNoise))
			}
		}
		m.noise *= mean
		moved = max(moved, most)
		if most < 0.1 {
			break
		}
	}
	return moved
}

// ownStep returns Newton's step of u for a link, at another g than it has, and the slope and
// x²·B there.
func (m *fit) ownStep(c int32, g float64) (step, slope, bend float64) {
	x, n := m.noise*g, m.survivors[c]
	a, b := m.slope(c, x-m.noise*m.own(c))
	shape := m.uneven.shape
	slope, bend = x*(a-n)+shape*(1-g), x*x*b
	return slope / max(shape*g+x*(n-a)+bend, (shape*g+bend)/2), slope, bend
}

// unevenness is what links' own noise adds to the objective.
func (m *fit) unevenness() float64 {
	a := m.uneven.shape
	if a == 0 {
		return 0
	}
	bend := make([]float64, m.links)
	for f := range m.end {
		s := m.scale[f]
		e := 1 / expm1(s*m.base(int32(f)))
		b := m.lost[f] * s * s * e * (e + 1)
		for _, x := range m.row(int32(f)) {
			if c, _ := x.of(); int(c) < m.links {
				bend[c] += b
			}
		}
	}
	sum := 0.0
	for l, g := range m.uneven.g {
		if c := int32(l); m.theta[c] == 0 && m.carries(c) {
			x := m.noise * g
			sum += a*(1+math.Log(g)-g) - math.Log1p(x*x*bend[l]/a)/2
		}
	}
	return sum
}

// shift is by how much the noise of a link at fault, which is the usual one, is more than what
// the link has.
func (m *fit) shift(c int32) float64 { return m.noise * (1 - m.own(c)) }

// healthy is the log of the likelihood of column c without a fault, a link's own noise integrated
// out, against that at the noise it has.
func (m *fit) healthy(c int32) float64 {
	a := m.uneven.shape
	if a == 0 || int(c) >= m.links {
		return 0
	}
	g, slope, bend := m.own(c), 0.0, 0.0
	for range 20 {
		var step float64
		step, slope, bend = m.ownStep(c, g)
		next := min(g*math.Exp(max(-1.5, min(1.5, step))), faultOverNoise)
		if math.Abs(math.Log(next/g)) < 0.01 {
			break
		}
		g = next
	}
	var at, out [1]float64
	at[0] = m.noise * (g - m.own(c))
	m.gainsFrom(c, 0, at[:], out[:])
	j := out[0] + a*(1+math.Log(g)-g)
	if g >= faultOverNoise && slope > 0 { // as much as may be: what is left is exponential
		return j + math.Log(a/(2*math.Pi))/2 + math.Log(min(math.Sqrt(math.Pi/2/(a*g+bend)), 1/slope))
	}
	return j - math.Log1p(bend/a)/2
}

// weak returns sets of faults, the weakest first, that may be noise: with what they lose as
// noise, none of them loses more than a healthy link may. They end where the next fault
// loses many times as much, the most first, or where no more may be.
func (m *fit) weak() [][]int32 {
	order := slices.Clone(m.faults)
	slices.SortFunc(order, func(a, b int32) int { return cmp.Or(cmp.Compare(m.theta[a], m.theta[b]), cmp.Compare(a, b)) })
	noise := m.noise
	type set struct {
		faults []int32
		gap    float64
	}
	var sets []set
	for i, c := range order {
		noise += m.survivors[c] * m.theta[c] / max(m.crossed(), 1)
		if m.theta[c] > faultOverNoise*noise {
			continue
		}
		x := set{order[:i+1], math.Inf(1)}
		if i+1 < len(order) {
			x.gap = m.theta[order[i+1]] / m.theta[c]
		}
		sets = append(sets, x)
	}
	if len(sets) > 0 {
		sets[len(sets)-1].gap = math.Inf(1)
	}
	slices.SortStableFunc(sets, func(a, b set) int { return cmp.Compare(b.gap, a.gap) })
	var out [][]int32
	for _, x := range sets[:min(len(sets), unevenTries)] {
		out = append(out, x.faults)
	}
	return out
}

// searchUneven looks whether noise that differs from link to link explains more, besides the
// faults or instead of weak ones: it must need no more of them.
func (m *fit) searchUneven() {
	if m.hopped == 0 || len(m.mix.rows) > 0 {
		return
	}
	tries := m.weak()
	if m.noise*m.crossed() > unevenFew*float64(m.carrying()) {
		tries = append(tries, nil)
	}
	found, back, faults := m.objective(), m.saved(), len(m.faults)
	best, shape, most := back, 0.0, math.Inf(-1)
	for _, weak := range tries {
		for _, c := range weak {
			m.remove(c)
		}
		last := math.Inf(-1)
		for _, a := range unevenShapes {
			m.roughen(a)
			m.settle()
			j := m.objective()
			if j < last {
				break
			}
			if last = j; j > most {
				best, shape, most = m.saved(), a, j
			}
		}
		m.roughen(0)
		back()
	}
	if shape > 0 {
		m.roughen(shape)
		best()
		m.improve()
		if m.objective() >= found+unevenOdds && len(m.faults) <= faults {
			return
		}
		m.roughen(0)
		back()
	}
}
