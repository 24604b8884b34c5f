package blame

import (
	"math"
	"slices"
)

// term is what a row says of a column that has no fault: of a stretch, the share a gets
// through, the share b through the column, and the share h through a half of it.
type term struct {
	a, b, h, weight, scale float64
	survive                bool
}

// lost is the share of stretches that a rate θ of the column takes.
func (t *term) lost(theta float64) float64 {
	x := t.b * -math.Expm1(-t.scale*theta)
	if t.h > 0 {
		x += t.h * -math.Expm1(-t.scale*theta/2)
	}
	return x
}

// calm is the terms of a column without any fault: rows that survived and say the same are one.
type calm struct {
	terms []term
	at    []int32 // by row of the column: its term, -1 where it lost packets
}

// calmed returns those of a column.
func (x *mix) calmed(c int32) *calm {
	if x.calm[c] != nil {
		return x.calm[c]
	}
	out := &calm{at: make([]int32, len(x.of[c]))}
	same := map[term]int32{} // but for the weight
	for j, i := range x.of[c] {
		r := &x.rows[i]
		if out.at[j] = -1; !r.survive {
			continue
		}
		b := &x.bundles[r.bundle]
		k, _ := slices.BinarySearch(b.cols, c)
		t := term{a: 1, b: b.share[k] - b.halves[k], h: b.halves[k], scale: r.scale, survive: true}
		at, known := same[t]
		if !known {
			at = int32(len(out.terms))
			same[t] = at
			out.terms = append(out.terms, t)
		}
		out.terms[at].weight += r.weight
		out.at[j] = at
	}
	x.calm[c] = out
	return out
}

// terms returns those of a column.
func (m *fit) terms(c int32) []term {
	calm := m.mix.calmed(c)
	out, same := slices.Clone(calm.terms), map[term]int32{}
	for j, i := range m.mix.of[c] {
		r := &m.mix.rows[i]
		b := &m.mix.bundles[r.bundle]
		if r.survive && len(b.hit) == 0 {
			continue
		}
		all, whole, half := b.through(c, r.scale)
		if r.survive {
			calm := &out[calm.at[j]]
			calm.weight = max(0, calm.weight-r.weight)
			t := term{a: all, b: whole, h: half, scale: r.scale, survive: true}
			at, known := same[t]
			if !known {
				at = int32(len(out))
				same[t] = at
				out = append(out, t)
			}
			out[at].weight += r.weight
			continue
		}
		switch partOf(r.sure, c) { // with the part of the alternatives, at most all of it
		case 1:
			whole, half = all, 0
		case 0.5:
			whole = min(whole+half, all)
			half = all - whole
		}
		x := math.Exp(-r.scale * (r.hops*m.noise + r.rest))
		out = append(out, term{all * x, whole * x, half * x, r.weight, r.scale, false})
	}
	return out
}

// gain is what the terms say for a rate θ rather than none, as log-likelihood.
func gain(terms []term, theta float64) float64 {
	g := 0.0
	for i := range terms {
		t := &terms[i]
		lost := t.lost(theta)
		if t.survive {
			g += t.weight * math.Log1p(-min(lost/t.a, 1-1e-12))
		} else {
			g += t.weight * math.Log1p(lost/max(1-t.a, 1e-15))
		}
	}
	return g
}

// curve is the log-likelihood of a column's rate, of all flows, against none, where the column
// has no fault.
type curve struct {
	m     *fit
	col   int32
	terms []term
}

func (m *fit) curve(c int32) curve { return curve{m, c, m.terms(c)} }

// at is the curve at a rate.
func (x curve) at(theta float64) float64 { return gain(x.terms, theta) + x.m.gain(x.col, theta) }

// reach is a rate above which the curve is lower than at the lowest rate: what arrived speaks the
// more against a rate the higher that is, and what was lost for it at most as for the highest.
func (x curve) reach(lowest float64) float64 {
	var arrived, lost []term
	for _, t := range x.terms {
		if t.survive {
			arrived = append(arrived, t)
		} else {
			lost = append(lost, t)
		}
	}
	survivors := x.m.survivors[x.col]
	most := gain(lost, maxTheta) + x.m.gain(x.col, maxTheta) + survivors*maxTheta - x.at(lowest)
	lo, hi := math.Log(lowest), math.Log(maxTheta)
	for hi-lo > 0.5 {
		mid := (lo + hi) / 2
		if theta := math.Exp(mid); gain(arrived, theta)-survivors*theta+most < 0 {
			hi = mid
		} else {
			lo = mid
		}
	}
	return math.Exp(hi)
}

// peak returns where a curve of a rate is highest between the bounds, and how high.
func peak(curve func(float64) float64, low, high float64) (theta, value float64) {
	const most = 0.7 // of a step, in the logarithm
	lo, hi := math.Log(low), math.Log(high)
	steps := int(max(2, math.Ceil((hi-lo)/most)))
	at, value := 0, math.Inf(-1)
	for i := range steps + 1 {
		if v := curve(math.Exp(lo + float64(i)/float64(steps)*(hi-lo))); v > value {
			at, value = i, v
		}
	}
	a, b := lo+float64(max(at-1, 0))/float64(steps)*(hi-lo), lo+float64(min(at+1, steps))/float64(steps)*(hi-lo)
	const golden = 0.6180339887498949
	x, y := b-golden*(b-a), a+golden*(b-a)
	fx, fy := curve(math.Exp(x)), curve(math.Exp(y))
	for range 14 {
		if fx >= fy {
			b, y, fy = y, x, fx
			x = b - golden*(b-a)
			fx = curve(math.Exp(x))
		} else {
			a, x, fx = x, y, fy
			y = a + golden*(b-a)
			fy = curve(math.Exp(y))
		}
	}
	theta, best := math.Exp((a+b)/2), 0.0
	if best = curve(theta); best < value { // an end of the range
		theta, best = math.Exp(lo+float64(at)/float64(steps)*(hi-lo)), value
	}
	return theta, best
}

// curvature is −d²f/d(log θ)² at a rate.
func curvature(curve func(float64) float64, theta float64) float64 {
	const h = 0.1
	return (2*curve(theta) - curve(theta*math.Exp(h)) - curve(theta*math.Exp(-h))) / (h * h)
}
