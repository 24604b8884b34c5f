package worlds

import (
	"math"
	"slices"
)

// oracle knows the truth but for one fault, and says whether the data tell of that one.
//
// It has the loss rates of all links. The evidence for a fault is how much likelier the
// data are with it than without, or than with a healthy link in its place, whichever is
// less. Where losses come in runs or are counted wrongly, data are only which flows lost
// something.
type oracle struct {
	w       *world
	any     bool      // flows lost something or nothing; how much does not count
	on      [][]int32 // flows that tell that they crossed a link, and did
	theta   []float64 // of links: -log of the share of packets that get through
	flowSum []float64 // theta of flows, with what is no link's
}

func newOracle(w *world) *oracle {
	o := &oracle{w: w, on: make([][]int32, len(w.net.links)), theta: make([]float64, len(w.net.links))}
	o.any = w.style.over > 0 || w.style.spurious > 0 || w.style.flags
	for _, f := range w.faults {
		o.any = o.any || f.run > 1
	}
	for l := range o.theta {
		o.theta[l] = w.noise[l] + 1e-9
		if w.noisePerFlow {
			o.theta[l] = w.noiseMost/2 + 1e-9
		}
	}
	inside := map[int]float64{}
	for i := range w.faults {
		f := &w.faults[i]
		if f.device >= 0 {
			inside[f.device] += o.rate(f)
			continue
		}
		for _, l := range f.links {
			o.theta[l] += o.rate(f)
		}
	}
	o.flowSum = make([]float64, len(w.flows))
	for i := range w.flows {
		f := &w.flows[i]
		sum := -math.Log1p(-w.style.spurious) / float64(max(1, f.packets))
		for h, l := range f.path {
			sum += o.theta[l]
			if h > 0 {
				sum += inside[w.net.links[l].from]
			}
			if f.told != nil && !f.wrong {
				o.on[l] = append(o.on[l], int32(i))
			}
		}
		o.flowSum[i] = sum
	}
	return o
}

// rate is theta of a fault, over all flows.
func (o *oracle) rate(f *fault) float64 {
	rate := f.rate
	if f.run > 1 {
		rate /= f.run
	}
	if f.hits != nil {
		hit, all := 0.0, 1e-9
		for i := range o.w.flows {
			if x := &o.w.flows[i]; slices.Contains(x.path, f.links[0]) {
				all += float64(x.packets)
				if f.hits(x) {
					hit += float64(x.packets)
				}
			}
		}
		rate *= hit / all
	}
	return -math.Log1p(-min(rate, 1-1e-6))
}

// likelihood is the log of a flow's.
func (o *oracle) likelihood(i int32, theta float64) float64 {
	f := &o.w.flows[i]
	theta = max(theta, 1e-12)
	n, k := float64(f.packets), float64(min(f.count, f.packets))
	if k == 0 {
		return -n * theta
	}
	if o.any {
		return math.Log(-math.Expm1(-n * theta))
	}
	return k*math.Log(-math.Expm1(-theta)) - (n-k)*theta
}

// gain is how much likelier the data become if links have other rates.
func (o *oracle) gain(links []int, theta []float64) float64 {
	sum, seen := 0.0, map[int32]bool{}
	for _, l := range links {
		for _, i := range o.on[l] {
			if seen[i] {
				continue
			}
			if len(links) > 1 {
				seen[i] = true
			}
			change := 0.0
			for j, x := range links {
				if x == l || slices.Contains(o.w.flows[i].path, x) {
					change += theta[j] - o.theta[x]
				}
			}
			sum += o.likelihood(i, o.flowSum[i]+change) - o.likelihood(i, o.flowSum[i])
		}
	}
	return sum
}

// best is how much likelier the data become if a link has the rate that suits them best,
// and another, if it is not negative, the rate given.
func (o *oracle) best(l, other int, theta float64) float64 {
	links, rates := []int{l}, []float64{0}
	if other >= 0 {
		links, rates = []int{l, other}, []float64{0, theta}
	}
	at := func(x float64) float64 {
		rates[0] = math.Exp(x)
		return o.gain(links, rates)
	}
	lo, hi := math.Log(1e-9), math.Log(15)
	const golden = 0.6180339887498949
	a, b := hi-golden*(hi-lo), lo+golden*(hi-lo)
	ya, yb := at(a), at(b)
	for hi-lo > 0.003 {
		if ya > yb {
			hi, b, yb = b, a, ya
			a = hi - golden*(hi-lo)
			ya = at(a)
		} else {
			lo, a, ya = a, b, yb
			b = lo + golden*(hi-lo)
			yb = at(b)
		}
	}
	return max(ya, yb)
}

// evidence is for fault i on one of its links, and which link is nearest to be taken for it
// (-1 = none).
func (o *oracle) evidence(i, l int) (evidence float64, instead int) {
	healthy := max(1e-9, o.theta[l]-o.rate(&o.w.faults[i]))
	best := o.best(l, -1, 0)
	evidence, instead = best-o.gain([]int{l}, []float64{healthy}), -1
	for _, g := range o.company(l) {
		if e := best - o.best(g, l, healthy); e < evidence {
			evidence, instead = e, g
		}
	}
	return evidence, instead
}

// company lists the links that a third of the flows cross that lost something on a link.
func (o *oracle) company(l int) (links []int) {
	shared, losing := make([]int, len(o.on)), 0
	for _, i := range o.on[l] {
		if x := &o.w.flows[i]; x.count > 0 {
			losing++
			for _, g := range x.path {
				shared[g]++
			}
		}
	}
	for g, n := range shared {
		if g != l && n > 0 && 3*n >= losing {
			links = append(links, g)
		}
	}
	return links
}

// device is the evidence for a faulty device as a whole.
func (o *oracle) device(i int) float64 {
	f := &o.w.faults[i]
	own, sum := o.rate(f), 0.0
	seen := map[int32]bool{}
	for _, l := range f.links {
		for _, i := range o.on[l] {
			if seen[i] {
				continue
			}
			seen[i] = true
			times := 0.0
			for h, x := range o.w.flows[i].path {
				if f.device < 0 && slices.Contains(f.links, x) || f.device >= 0 && h > 0 && o.w.net.links[x].from == f.device {
					times++
				}
			}
			sum += o.likelihood(i, o.flowSum[i]) - o.likelihood(i, o.flowSum[i]-times*own)
		}
	}
	return sum
}

// support is how much a healthy link looks like a faulty one.
func (o *oracle) support(l int) float64 { return o.best(l, -1, 0) }

// resembles says whether the data would do with a link instead of some fault.
func (o *oracle) resembles(l int) bool {
	for i := range o.w.faults {
		f := &o.w.faults[i]
		if f.kind == "device" {
			continue
		}
		for _, x := range f.links {
			if !slices.Contains(o.company(x), l) {
				continue
			}
			if o.best(x, -1, 0)-o.best(l, x, max(1e-9, o.theta[x]-o.rate(f))) < 3 {
				return true
			}
		}
	}
	return false
}
