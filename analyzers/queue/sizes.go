package queue

import (
	"math"
	"slices"

	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// sizeFit is a time of service that goes by the packet's length.
type sizeFit struct {
	base, perByte float64 // ns, ns per byte
	sigma         float64 // how much the service of one packet still varies, ns
	least, most   float64 // bytes per packet of the groups
}

const (
	// leastSized is how many groups a fit needs.
	leastSized = 32
	// sizesExplain is down to which share lengths must bring the variation.
	sizesExplain = 0.8
)

// fitSizes finds base and cost per byte of a server from groups it served back to back:
// the least sum of absolute deviations, which a minority of groups that took much longer
// does not move. ok is false where lengths are not known of most groups, do not vary, or
// do not explain at least a fifth of how much service varies, sigma.
func fitSizes(samples []sample, sigma float64) (fit sizeFit, ok bool) {
	known := make([]sample, 0, len(samples))
	fit.least = math.Inf(1)
	for _, x := range samples {
		if x.bytes > 0 {
			known = append(known, x)
			each := x.bytes / float64(x.n)
			fit.least, fit.most = min(fit.least, each), max(fit.most, each)
		}
	}
	if len(known) < leastSized || 2*len(known) < len(samples) || fit.most < 1.01*fit.least {
		return fit, false
	}
	fit.base, fit.perByte = leastDeviations(known)
	if fit.base < 0 { // all goes by length
		fit.base, fit.perByte = 0, medianPer(known, func(x *sample) float64 { return x.bytes })
	}
	if fit.perByte <= 0 {
		return fit, false
	}
	fit.sigma = deviation(known, func(x *sample) float64 { return fit.base*float64(x.n) + fit.perByte*x.bytes })
	return fit, fit.sigma < sizesExplain*sigma
}

// leastDeviations returns a and b for which Σ|ns − a·n − b·bytes|/√n is least: weighted
// least squares, again and again, each group counting the less the further it is off.
func leastDeviations(samples []sample) (a, b float64) {
	weights := make([]float64, len(samples))
	for i := range samples {
		weights[i] = 1 / float64(samples[i].n)
	}
	floor := medianPer(samples, func(x *sample) float64 { return float64(x.n) }) * 1e-3
	for range 40 {
		var nn, nb, bb, ny, by float64
		for i := range samples {
			x, w := &samples[i], weights[i]
			n := float64(x.n)
			nn += w * n * n
			nb += w * n * x.bytes
			bb += w * x.bytes * x.bytes
			ny += w * n * x.ns
			by += w * x.bytes * x.ns
		}
		det := nn*bb - nb*nb
		if !(det > 1e-9*nn*bb) { // the same length everywhere
			return ny / nn, 0
		}
		lastA, lastB := a, b
		a, b = (ny*bb-by*nb)/det, (by*nn-ny*nb)/det
		for i := range samples {
			x := &samples[i]
			root := math.Sqrt(float64(x.n))
			off := math.Abs(x.ns-a*float64(x.n)-b*x.bytes) / root
			weights[i] = 1 / (float64(x.n) * max(off, floor))
		}
		if math.Abs(a-lastA) < floor && math.Abs(b-lastB)*64 < floor {
			break
		}
	}
	return a, b
}

// medianPer returns the median of the time of service per what by counts.
func medianPer(samples []sample, by func(*sample) float64) float64 {
	all := make([]float64, len(samples))
	for i := range samples {
		all[i] = samples[i].ns / by(&samples[i])
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// meanBytes returns the mean length of packets, 0 where none is known.
func meanBytes(q *records.Queue) float64 {
	if !q.Sized() {
		return 0
	}
	bytes, n := 0.0, 0
	for i := 0; i < q.Len(); i += 1 + q.Len()/maxSamples {
		if b := q.Bytes(i); b > 0 {
			bytes += float64(b)
			n++
		}
	}
	return bytes / float64(max(n, 1))
}
