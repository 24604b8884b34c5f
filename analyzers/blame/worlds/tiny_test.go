package worlds

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

var tinies = flag.Int("worlds.tiny", 6, "how many worlds TestTiny makes")

// newTiny draws a network of at most ten links, some dozens of flows, and up to two faults.
func newTiny(seed uint64) *world {
	w := &world{kind: "tiny", seed: seed, rng: rand.New(rand.NewPCG(seed, 3))}
	switch w.rng.IntN(3) {
	case 0:
		w.net = chain(3 + w.rng.IntN(3))
	case 1:
		w.net = leafSpine(2, 2, 0)
	default:
		w.net = ring(4+w.rng.IntN(2), 0, 0, w.rng)
	}
	w.net.baptize(0)
	w.quiet(pick(w.rng, 1e-7, 1e-6, 1e-5))
	w.send(20+w.rng.IntN(60), uniform(w.net), upTo(pick(w.rng, 10, 100, 1000)))
	for range w.rng.IntN(3) {
		if l, ok := w.loaded(nil); ok {
			w.link("link", l, between(w.rng, 1e-3, 0.5))
		}
	}
	w.happen()
	w.tell()
	return w
}

// tinyNoise are loss rates that healthy links may have, and how probable they are.
var tinyNoise = [...][2]float64{{1e-7, 0.4}, {1e-6, 0.4}, {1e-5, 0.13}, {1e-4, 0.05}, {1e-3, 0.02}}

// posterior tries all sets of up to three faulty links with all rates of a grid and some
// of noise, and returns the probability of each link. Links are faulty with probability
// prior, rates are log-uniform. Data are which flows lost something.
func (w *world) posterior(prior float64) []float64 {
	var rates []float64
	for x := math.Log(1e-5); x < 2; x += 1.3 {
		rates = append(rates, math.Exp(x))
	}
	n := len(w.net.links)
	crosses := make([][]bool, len(w.flows))
	for i := range w.flows {
		crosses[i] = make([]bool, n)
		for _, l := range w.flows[i].path {
			crosses[i][l] = true
		}
	}
	likelihood := func(set []int, theta []float64, noise float64) float64 {
		sum := 0.0
		for i := range w.flows {
			f := &w.flows[i]
			t := float64(len(f.path)) * noise
			for j, l := range set {
				if crosses[i][l] {
					t += theta[j]
				}
			}
			if t *= float64(f.packets); f.count == 0 {
				sum -= t
			} else {
				sum += math.Log(-math.Expm1(-t))
			}
		}
		return sum
	}
	type weighed struct {
		set []int
		log float64
	}
	var all []weighed
	most := math.Inf(-1)
	var grow func(from int, set []int)
	grow = func(from int, set []int) {
		var terms []float64
		theta := make([]float64, len(set))
		var each func(i int)
		each = func(i int) {
			if i == len(set) {
				for _, x := range tinyNoise {
					terms = append(terms, math.Log(x[1])+likelihood(set, theta, x[0]))
				}
				return
			}
			for _, r := range rates {
				theta[i] = r
				each(i + 1)
			}
		}
		each(0)
		k := float64(len(set))
		x := logSum(terms) - k*math.Log(float64(len(rates))) + k*math.Log(prior) + (float64(n)-k)*math.Log1p(-prior)
		all = append(all, weighed{append([]int(nil), set...), x})
		most = max(most, x)
		for l := from; l < n && len(set) < 3; l++ {
			if w.load[l] > 0 {
				grow(l+1, append(set, l))
			}
		}
	}
	grow(0, nil)
	p, total := make([]float64, n), 0.0
	for _, x := range all {
		weight := math.Exp(x.log - most)
		total += weight
		for _, l := range x.set {
			p[l] += weight
		}
	}
	for l := range p {
		p[l] /= total
	}
	return p
}

func logSum(x []float64) float64 {
	most := math.Inf(-1)
	for _, v := range x {
		most = max(most, v)
	}
	sum := 0.0
	for _, v := range x {
		sum += math.Exp(v - most)
	}
	return most + math.Log(sum)
}

// TestTiny: where trying all sets of faults leaves no doubt, whatever is believed of
// links beforehand, the likelihood says the same.
func TestTiny(t *testing.T) {
	agree, sure := 0, 0
	for seed := uint64(1); seed <= uint64(*tinies); seed++ {
		w := newTiny(seed)
		few, many := w.posterior(1e-4), w.posterior(0.03)
		a, err := ask(w.write(), false)
		if err != nil {
			t.Fatal(err)
		}
		said := map[string]string{}
		for _, l := range a.Links {
			said[l.Link] = fmt.Sprintf("%s %.3f", l.Verdict, *l.Probability)
		}
		for l := range w.net.links {
			got := said[w.net.links[l].name]
			bad := len(got) > 3 && got[:3] == "bad"
			if few[l] > 0.95 && many[l] > 0.95 || few[l] < 0.05 && many[l] < 0.05 && got != "" {
				sure++
				if bad == (few[l] > 0.5) {
					agree++
					continue
				}
				t.Logf("tiny %d (%s, %d links, %d flows, %d faults): %s is %q, and %.4f to %.4f by trying everything", seed, w.net.kind, len(w.net.links), len(w.flows), len(w.faults), w.net.links[l].name, got, few[l], many[l])
			}
		}
	}
	t.Logf("%d of %d links alike", agree, sure)
	if share(agree, sure) < 0.98 {
		t.Errorf("%d of %d links alike, want 98 %%", agree, sure)
	}
}
