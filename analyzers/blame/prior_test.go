package blame

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestRates compares the density of rates with the integral over mean and variance, and
// what one says of the next with the ratio of densities.
func TestRates(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 7))
	for n := range 5 {
		var r rates
		var u []float64
		for range n {
			theta := math.Exp(-9 * rng.Float64())
			r.add(theta, 1)
			u = append(u, math.Log(theta)-rateMean)
		}
		sum := 0.0 // over the log of the precision and the mean
		const h = 0.05
		for p := -12.0; p < 5; p += h {
			tau := math.Exp(p)
			for mean := -40.0; mean < 40; mean += h {
				f := rateShape*math.Log(rateScale*tau) - rateScale*tau // Gamma(1) = 1
				f += (math.Log(rateWeight*tau/(2*math.Pi)) - rateWeight*tau*mean*mean) / 2
				for _, x := range u {
					f += (math.Log(tau/(2*math.Pi)) - tau*(x-mean)*(x-mean)) / 2
				}
				sum += math.Exp(f) * h * h
			}
		}
		if got, want := r.joint(), math.Log(sum); math.Abs(got-want) > 0.02 {
			t.Errorf("%d rates: got log density %.4f, want %.4f", n, got, want)
		}
		next, before := r.next()(-7), r.joint()
		r.add(math.Exp(-7), 1)
		if want := r.joint() - before; math.Abs(next-want) > 1e-9 {
			t.Errorf("rate after %d: got log density %g, want %g", n, next, want)
		}
	}
}

// TestPrior: what comes first does not matter, a class that has faults has more of them, and
// an edge is where there is one neighbour.
func TestPrior(t *testing.T) {
	l := NewLinks()
	for _, name := range []string{"h0>a", "a>h0", "h1>b", "a>s", "s>a", "b>s", "s>b", "odd"} {
		l.ID(name)
	}
	m := &fit{links: l.Len(), classes: classify(l.ends, len(l.nodes), l.Len()+len(l.nodes))}
	for i, want := range []int{1, 1, 1, 0, 0, 0, 0, 0} {
		if got := m.classes.of(int32(i)); got != want {
			t.Errorf("%s: got class %d, want %d", l.Name(int32(i)), got, want)
		}
	}
	for name, want := range map[string]int{"h0": 1, "h1": 1, "a": 0, "b": 0, "s": 0} {
		if got := m.classes.of(int32(m.links) + l.byNode[name]); got != want {
			t.Errorf("device %s: got class %d, want %d", name, got, want)
		}
	}
	both := m.prior(0, [2]float64{}) + m.prior(3, [2]float64{0, 1})
	if other := m.prior(3, [2]float64{}) + m.prior(0, [2]float64{1, 0}); math.Abs(both-other) > 1e-12 {
		t.Errorf("got %g in one order and %g in the other", both, other)
	}
	if m.prior(4, [2]float64{2, 0}) < m.prior(4, [2]float64{0, 2})+1 {
		t.Error("a class with two faults does not have more of them")
	}
}
