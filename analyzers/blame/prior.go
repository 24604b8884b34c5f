package blame

import "math"

// What is thought of faults before any packet is looked at. It weighs what a handful of
// observations outweighs, and most of it is learnt from the faults that are found.
const (
	priorFaults = 0.2  // among L links the first fault has odds priorFaults : L, each further one 1 more to the left:
	priorLinks  = 100  // … a beta-binomial prior, by which any number of faults is about as probable as twice as many
	devicePrior = 0.1  // odds of a device fault against a link fault
	classWeight = 1    // a class of links counts as half a fault before any is found
	rateMean    = -5   // log of the usual rate of a fault, 0.7 %,
	rateWeight  = 0.12 // … which counts as so many faults
	rateShape   = 1    // the variance of the logarithms of faults' rates counts as that of so many pairs of faults,
	rateScale   = 1.5  // … with so large a sum of squares, halved
)

// classes divides columns into two: links to a node with one neighbour, and such nodes,
// are at the edge, all others inside. They fail for different reasons.
type classes struct {
	edge  []bool     // by column
	links [2]float64 // inside, at the edge
}

// classify divides columns, the first of which are links; nodes is how many devices there are.
func classify(ends [][2]int32, nodes, columns int) classes {
	const several = -2
	neighbour := make([]int32, nodes)
	for i := range neighbour {
		neighbour[i] = -1
	}
	for _, e := range ends {
		if e[0] < 0 || e[0] == e[1] {
			continue
		}
		for i, n := range e {
			switch other := e[1-i]; neighbour[n] {
			case -1:
				neighbour[n] = other
			case other:
			default:
				neighbour[n] = several
			}
		}
	}
	x := classes{edge: make([]bool, columns)}
	for l, e := range ends {
		x.edge[l] = e[0] >= 0 && (neighbour[e[0]] != several || neighbour[e[1]] != several)
		x.links[x.of(int32(l))]++
	}
	for c := len(ends); c < columns; c++ {
		x.edge[c] = neighbour[c-len(ends)] != several
	}
	return x
}

// of returns the class of a column.
func (x *classes) of(c int32) int {
	if x.edge[c] {
		return 1
	}
	return 0
}

// odds returns the log odds of a fault of a link of a class beside others.
func (x *classes) odds(k int, n [2]float64) float64 {
	all, share := n[0]+n[1], 1.0 // of the class
	if x.links[1-k] > 0 {
		share = 0.5
	}
	return math.Log((priorFaults + all) * (n[k] + classWeight*share) / (all + classWeight) / (x.links[k] + priorLinks*share))
}

// prior returns the log odds of a fault at column c beside others, so many of each class. A
// device at the edge is no suspect: its only neighbour's links to it and from it are.
func (m *fit) prior(c int32, n [2]float64) float64 {
	k := m.classes.of(c)
	if k == 1 && int(c) >= m.links {
		return math.Inf(-1)
	}
	odds := m.classes.odds(k, n)
	if int(c) >= m.links {
		odds += math.Log(devicePrior)
		if m.few { // parts of devices have a share of it
			odds -= math.Ln2
		}
	}
	return odds
}

// rates is the logarithms of the rates of some faults: how many, their sum, and that of
// their squares, as differences from rateMean. They are taken to be normal, with a mean
// and a variance of which little is known before (normal and inverse gamma): what the
// faults of a network lose says what to expect of another one.
type rates struct{ n, sum, square float64 }

// add takes another rate, times = 1, or takes it back, times = -1.
func (r *rates) add(theta, times float64) {
	u := math.Log(theta) - rateMean
	r.n += times
	r.sum += times * u
	r.square += times * u * u
}

// given returns the parameters of what is thought of mean and variance, given the rates.
func (r *rates) given() (mean, weight, shape, scale float64) {
	weight = rateWeight + r.n
	mean = r.sum / weight
	return mean, weight, rateShape + r.n/2, rateScale + max(0, r.square-r.sum*mean)/2
}

// joint is the log density of the rates.
func (r *rates) joint() float64 {
	_, weight, shape, scale := r.given()
	a, _ := math.Lgamma(shape)
	b, _ := math.Lgamma(rateShape)
	return a - b + rateShape*math.Log(rateScale) - shape*math.Log(scale) + math.Log(rateWeight/weight)/2 - r.n/2*math.Log(2*math.Pi)
}

// next returns the log density of another one's logarithm, which is Student's.
func (r *rates) next() func(logTheta float64) float64 {
	mean, weight, shape, scale := r.given()
	spread := scale * (weight + 1) / (weight * shape) // squared
	a, _ := math.Lgamma(shape + 0.5)
	b, _ := math.Lgamma(shape)
	top := a - b - math.Log(2*math.Pi*shape*spread)/2
	return func(u float64) float64 {
		d := u - rateMean - mean
		return top - (shape+0.5)*math.Log1p(d*d/(2*shape*spread))
	}
}
