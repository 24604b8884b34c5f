package blame

import "math"

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
