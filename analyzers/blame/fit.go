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

// evidence returns the log Bayes factor of a fault at column c (which has none now)
// against none, given the others, and the fault's best rate.
func (m *fit) evidence(c int32) (logBF, theta float64) {
	floor := m.floor()
	if m.uncertain(c) {
		return m.evidenceMixed(c)
	}
	shift, healthy := m.shift(c), m.healthy(c)
	theta = min(max(m.best(c)-shift, floor), maxTheta)
	own := 0.0
	for _, x := range m.of[c] {
		f, part := x.of()
		own += m.lost[f] * part * theta / (m.base(f) + part*(theta+shift))
	}
	if own < fewLost || theta <= floor || theta >= maxTheta {
		return m.integral(c, theta) - healthy, theta
	}
	_, b := m.slope(c, theta+shift)
	return m.gain(c, theta) - healthy + math.Log(2*math.Pi/(theta*theta*b))/2 + m.rates.next()(math.Log(theta)), theta
}

// gain is what a rate of column c, which has no fault, adds to the log-likelihood.
func (m *fit) gain(c int32, theta float64) float64 {
	rate, out := [1]float64{theta}, [1]float64{}
	m.gains(c, rate[:], out[:])
	return out[0]
}

// gains is gain for several rates. What a row that lost one packet says is multiplied up,
// which is faster than a logarithm each.
func (m *fit) gains(c int32, thetas, out []float64) { m.gainsFrom(c, m.shift(c), thetas, out) }

// gainsFrom is gains where the column's noise is another one by a shift.
func (m *fit) gainsFrom(c int32, shift float64, thetas, out []float64) {
	var room [gridSteps]float64
	product, factors := room[:len(thetas)], 0
	flush := func() {
		for i, p := range product {
			out[i] += math.Log(p)
			product[i] = 1
		}
		factors = 0
	}
	for i, theta := range thetas {
		out[i], product[i] = -m.survivors[c]*(theta+shift), 1
	}
	for _, x := range m.of[c] {
		f, part := x.of()
		scale, lost := m.scale[f], m.lost[f]
		base := m.base(f) * scale
		none := 1 / expm1n(base)
		scale *= part
		base += scale * shift
		if lost != 1 {
			for i, theta := range thetas {
				out[i] += lost * math.Log(expm1n(base+scale*theta)*none)
			}
			continue
		}
		for i, theta := range thetas {
			product[i] *= expm1n(base+scale*theta) * none
		}
		if factors++; factors == mostFactors {
			flush()
		}
	}
	flush()
}

// mostFactors are multiplied, each below 1e15, before their product might overflow.
const mostFactors = 20

// fewLost is up to how many lost packets a rate is not taken to be known so well that its
// likelihood is a normal distribution of its logarithm.
const fewLost = 12

// integral is the log of the likelihood of a fault at column c against none, integrated
// over its rate, the best of which is known.
func (m *fit) integral(c int32, best float64) float64 {
	lost := 0.0
	for _, x := range m.of[c] {
		f, _ := x.of()
		lost += m.lost[f]
	}
	most := (lost + 4*math.Sqrt(lost) + 6) / max(m.survivors[c], 1e-9) // a rate that much greater is out of the question
	from, to := math.Log(m.floor()), math.Log(min(maxTheta, max(most, 3*best)))
	var thetas, logs [gridSteps]float64
	step, prior := (to-from)/gridSteps, m.rates.next()
	for i := range thetas {
		thetas[i] = math.Exp(from + (float64(i)+0.5)*step)
	}
	m.gains(c, thetas[:], logs[:])
	top, sum := math.Inf(-1), 0.0
	for i := range logs {
		logs[i] += prior(from + (float64(i)+0.5)*step)
		top = max(top, logs[i])
	}
	for _, x := range logs {
		sum += math.Exp(x - top)
	}
	return top + math.Log(sum*step)
}

// gridSteps is how many rates an integral looks at.
const gridSteps = 16

// evidenceMixed is evidence where paths are uncertain.
func (m *fit) evidenceMixed(c int32) (logBF, theta float64) {
	floor, x := m.floor(), m.curve(c)
	curve := x.at
	theta, value := peak(curve, floor, x.reach(floor))
	span := math.Log(maxTheta / floor)
	width := math.Sqrt(2 * math.Pi / max(curvature(curve, theta), 1e-9))
	if s := (curve(theta) - curve(theta*1.01)) / math.Log(1.01); theta <= floor*1.001 && s > 0 {
		width = min(width/2, 1/s)
	}
	return value + math.Log(min(width, span)) + m.rates.next()(math.Log(theta)), theta
}

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
