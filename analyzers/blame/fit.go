package blame

import "math"

// fit is the model of one set, with the flows of earlier epochs that are carried: which
// columns (suspects: links, then devices) each losing flow crosses, and the current
// hypothesis.
type fit struct {
	// Losing flows, by row.
	end   []int32    // of the row's columns in cols
	cols  []crossing // each column once a row
	lost  []float64  // stretches of scale packets in which some were lost, weighted by age
	scale []float64
	hops  []float64 // links crossed
	rest  []float64 // Σ θ of the faults that the row crosses

	// Columns.
	of        [][]crossing // rows by column: r, or ^r of which a half is crossed
	survivors []float64    // packets that crossed the column and arrived, weighted by age
	theta     []float64    // 0 = no fault
	sent      []float64    // packets of the set's flows that cross the column, and how many of them were lost
	gone      []float64
	faults    []int32    // columns with a fault, in the order found
	most      int        // of them
	count     [2]float64 // of faults by class
	rates     rates      // of faults
	classes   classes
	sharing   sharing
	few       bool // suspects and rows

	mix mix // of flows whose path is uncertain

	uneven uneven // noise

	links      int        // columns below are links
	ends       [][2]int32 // devices at a link's ends
	noise      float64    // ε
	hopped     float64    // Σ packets that arrived · links crossed
	flows      float64    // that lost nothing, weighted by age
	besides    float64    // see spread
	equal      bool       // see equalTraffic
	unseen     float64    // then: packets that nobody saw, a link
	mostUnseen float64    // … at most
	cfg        Config
}

func (m *fit) row(f int32) []crossing {
	if f == 0 {
		return m.cols[:m.end[0]]
	}
	return m.cols[m.end[f-1]:m.end[f]]
}

// index fills of, once all rows are there.
func (m *fit) index() {
	count := make([]int32, len(m.theta))
	for _, x := range m.cols {
		c, _ := x.of()
		count[c]++
	}
	all := make([]crossing, len(m.cols))
	m.of = make([][]crossing, len(m.theta))
	at := int32(0)
	for c, n := range count {
		m.of[c] = all[at : at : at+n]
		at += n
	}
	for f := range m.end {
		for _, x := range m.row(int32(f)) {
			if x < 0 {
				m.of[^x] = append(m.of[^x], ^crossing(f))
			} else {
				m.of[x] = append(m.of[x], crossing(f))
			}
		}
	}
	m.rest = make([]float64, len(m.end))
	m.mix.index(len(m.theta))
}

// base is Θ of a row under the current hypothesis.
func (m *fit) base(f int32) float64 { return m.hops[f]*m.noise + m.rest[f] }

// maxTheta bounds a fault: where every packet is lost, no rate is the best.
const maxTheta = 7 // 99.9 % of packets

// expm1 is math.Expm1, fast where x is small, which is nearly always.
func expm1(x float64) float64 {
	if x < 1e-3 {
		return x * (1 + x*(0.5+x*(1.0/6+x/24)))
	}
	return math.Expm1(min(x, 500)) // 1/… stays above zero
}

// expm1n is 1−exp(−x), fast where x is small.
func expm1n(x float64) float64 {
	if x < 0.1 {
		return x * (1 - x*(0.5-x*(1.0/6-x*(1.0/24-x/120))))
	}
	return -math.Expm1(-x)
}

// log1mexp is log(1−exp(−x)).
func log1mexp(x float64) float64 { return math.Log(expm1n(x)) }

// slope returns A = Σ k·s/(exp(s·Θ_f)−1) over the rows of column c and −dA/dθ, where the
// column's θ is what it is under the hypothesis plus d.
func (m *fit) slope(c int32, d float64) (a, b float64) {
	for _, x := range m.of[c] {
		f, part := x.of()
		s := part * m.scale[f]
		k, e := m.lost[f]*s, 1/expm1(m.scale[f]*(m.base(f)+part*d))
		a += k * e
		b += k * s * e * (e + 1)
	}
	return a, b
}

// best returns the θ of column c that maximises the likelihood, the others fixed, 0
// where none is better: the root of A(θ) = survivors. Newton on log A, which is convex,
// so that from 0 on it never steps past the root.
func (m *fit) best(c int32) float64 {
	if m.uncertain(c) {
		return m.bestMixed(c)
	}
	have, theta := m.theta[c], 0.0
	for range 60 {
		a, b := m.slope(c, theta-have)
		if m.survivors[c] <= a*1e-12 {
			return maxTheta
		}
		step := a / b * math.Log(a/m.survivors[c])
		if step <= 0 {
			break
		}
		theta += step
		if theta >= maxTheta {
			return maxTheta
		}
		if step < 1e-4*theta {
			break
		}
	}
	return theta
}

// bestMixed is best where paths are uncertain; the likelihood may have several modes.
func (m *fit) bestMixed(c int32) float64 {
	have := m.theta[c]
	m.set(c, 0)
	x, floor := m.curve(c), m.floor()
	theta, value := peak(x.at, floor, x.reach(floor))
	m.set(c, have)
	if value <= 0 {
		return 0
	}
	return theta
}

// set changes the rate of a column in the hypothesis.
func (m *fit) set(c int32, theta float64) {
	d := theta - m.theta[c]
	if d == 0 {
		return
	}
	if m.theta[c] > 0 {
		m.rates.add(m.theta[c], -1)
		m.count[m.classes.of(c)]--
		m.share(c, -1)
	}
	if theta > 0 {
		m.rates.add(theta, 1)
		m.count[m.classes.of(c)]++
		m.share(c, 1)
	}
	m.theta[c] = theta
	for _, x := range m.of[c] {
		f, part := x.of()
		m.rest[f] = max(0, m.rest[f]+part*d)
	}
	m.mix.set(c, d)
}

// fitNoise sets ε to its best, the faults fixed.
func (m *fit) fitNoise() {
	eps, total := max(m.noise, 1e-12), m.crossed()+noiseWeight
	for range 40 {
		a, b := noiseLost/eps, noiseLost/(eps*eps)
		for f := range m.end {
			s := m.scale[f] * m.hops[f]
			e := 1 / expm1(m.scale[f]*(m.hops[f]*eps+m.rest[f]))
			a += m.lost[f] * s * e
			b += m.lost[f] * s * s * e * (e + 1)
		}
		for i := range m.mix.rows {
			r := &m.mix.rows[i]
			if r.survive {
				continue
			}
			all, _, _ := m.mix.bundles[r.bundle].through(-1, r.scale)
			through := all * math.Exp(-r.scale*(r.hops*eps+r.rest))
			s, e := r.scale*r.hops, through/max(1-through, 1e-15)
			a += r.weight * s * e
			b += r.weight * s * s * e * (e + 1)
		}
		next := eps + a/b*math.Log(a/total)
		if next <= 0 {
			next = eps / 10
		}
		done := math.Abs(next-eps) < 1e-3*eps
		eps = min(next, 1)
		if done {
			break
		}
	}
	m.noise = max(eps, 1e-9)
}

// usualNoise is up to where any noise is as probable as any other: one that is too little to
// lose a packet in all the set has is nothing that could be known.
func (m *fit) usualNoise() float64 { return max(usualNoise, noSurprise/m.hopped) }

// settle fits all rates and the noise to the current set of faults.
func (m *fit) settle() {
	for range 30 {
		moved, before := 0.0, m.noise
		m.fitNoise()
		own := m.fitOwn()
		moved = max(math.Abs(math.Log(m.noise/before)), own/100)
		for _, c := range m.faults {
			old := m.theta[c]
			now := min(max(m.best(c), m.floor()), maxTheta)
			m.set(c, now)
			moved = max(moved, math.Abs(math.Log(now/old)))
		}
		if moved < 1e-3 {
			break
		}
	}
}

// floor is the least rate of a fault.
func (m *fit) floor() float64 { return min(max(m.cfg.MinLoss, faultOverNoise*m.noise), 1) }

// objective is the log posterior of the current hypothesis, rates integrated out.
func (m *fit) objective() float64 {
	j := noiseLost*math.Log(m.noise) - (m.crossed()+noiseWeight)*m.noise
	for f := range m.end {
		if x := m.base(int32(f)); x > 0 {
			j += m.lost[f] * log1mexp(m.scale[f]*x)
		}
	}
	j += m.mixed() - noiseDecline*max(0, math.Log(m.noise*m.level()/m.usualNoise()))
	span, n := math.Log(maxTheta/m.floor()), [2]float64{}
	for _, c := range m.faults {
		width := math.Sqrt(2 * math.Pi / max(m.bend(c), 1e-9))
		j += m.prior(c, n) + math.Log(min(width, span)) - m.survivors[c]*m.theta[c]
		n[m.classes.of(c)]++
	}
	return j + m.rates.joint() + m.causes() + m.unevenness()
}

// bend is the curvature of the log-likelihood in log θ at a fault's rate.
func (m *fit) bend(c int32) float64 {
	theta := m.theta[c]
	if !m.uncertain(c) {
		_, b := m.slope(c, 0)
		return theta * theta * b
	}
	m.set(c, 0)
	bend := curvature(m.curve(c).at, theta)
	m.set(c, theta)
	return bend
}
