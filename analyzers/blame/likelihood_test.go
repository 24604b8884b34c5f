package blame

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// model returns the fit of a set before any search.
func model(s *Set) *fit {
	m := NewTracker(s.links, Config{}).model(s, false)
	m.noise = 1e-6
	return m
}

// few draws flows over five links, some of which fail.
func few(rng *rand.Rand) string {
	var b strings.Builder
	for f := range 60 {
		packets, lost, path := 1+rng.IntN(50), 0, []string{}
		for l := range 5 {
			if rng.IntN(2) == 0 {
				continue
			}
			path = append(path, fmt.Sprintf(`"n%d>m%d"`, l, l))
			if l < 2 {
				for range packets - lost {
					if rng.Float64() < 0.02 {
						lost++
					}
				}
			}
		}
		fmt.Fprintf(&b, `{"flow":"f%d","path":[%s],"packets":%d,"lost":%d}`+"\n", f, strings.Join(path, ","), packets, lost)
	}
	return b.String()
}

// TestEvidence compares the Bayes factor with an integral by brute force.
func TestEvidence(t *testing.T) {
	for seed := range 40 {
		rng := rand.New(rand.NewPCG(uint64(seed), 1))
		s, _ := read(t, few(rng))
		m := model(s)
		if seed%2 == 1 { // another fault explains some
			m.add(0, 0.01)
		}
		for c := range m.of {
			if len(m.of[c]) == 0 || m.theta[c] > 0 {
				continue
			}
			got, _ := m.evidence(int32(c))
			var logs []float64
			const steps = 2000
			lo, hi := math.Log(m.floor()), math.Log(maxTheta)
			most := math.Inf(-1)
			for i := range steps {
				theta := math.Exp(lo + (float64(i)+0.5)/steps*(hi-lo))
				g := -m.survivors[c] * theta
				for _, at := range m.of[c] {
					f, part := at.of()
					x := m.base(f)
					g += m.lost[f] * (math.Log(-math.Expm1(-m.scale[f]*(x+part*theta))) - math.Log(-math.Expm1(-m.scale[f]*x)))
				}
				g += m.rates.next()(math.Log(theta))
				logs, most = append(logs, g), max(most, g)
			}
			sum := 0.0
			for _, g := range logs {
				sum += math.Exp(g - most)
			}
			want := most + math.Log(sum/steps*(hi-lo))
			if math.Abs(got-want) > 0.2 && (got > -3 || want > -3) {
				t.Errorf("seed %d, column %d: got log Bayes factor %.3f, want %.3f", seed, c, got, want)
			}
		}
	}
}

// TestBest compares the best rate with its neighbours.
func TestBest(t *testing.T) {
	for seed := range 50 {
		rng := rand.New(rand.NewPCG(uint64(seed), 2))
		s, _ := read(t, few(rng))
		m := model(s)
		m.noise = math.Exp(-14 * rng.Float64())
		for c := range m.of {
			gain := func(theta float64) float64 {
				g := -m.survivors[c] * theta
				for _, at := range m.of[c] {
					f, part := at.of()
					x := m.base(f)
					g += m.lost[f] * (log1mexp(m.scale[f]*(x+part*theta)) - log1mexp(m.scale[f]*x))
				}
				return g
			}
			best := m.best(int32(c))
			for _, other := range []float64{0, best * 0.99, best * 1.01, best + 1e-5} {
				if gain(other) > gain(best)+1e-6 {
					t.Errorf("seed %d, column %d: rate %g is better than %g", seed, c, other, best)
				}
			}
		}
	}
}

// clos3 writes flows over a small network: 4 ToRs of 4 hosts, 3 spines. lossy says the
// rate of a link.
func clos3(rng *rand.Rand, flows int, lossy func(link string) float64) string {
	var b strings.Builder
	for f := range flows {
		src, dst := rng.IntN(16), rng.IntN(16)
		for src/4 == dst/4 {
			dst = rng.IntN(16)
		}
		spine := rng.IntN(3)
		path := []string{fmt.Sprintf("h%d>t%d", src, src/4), fmt.Sprintf("t%d>s%d", src/4, spine), fmt.Sprintf("s%d>t%d", spine, dst/4), fmt.Sprintf("t%d>h%d", dst/4, dst)}
		packets, lost := 1+rng.IntN(100), 0
		for _, l := range path {
			for range packets - lost {
				if p := lossy(l); p > 0 && rng.Float64() < p {
					lost++
				}
			}
		}
		fmt.Fprintf(&b, `{"flow":"f%d","path":["%s"],"packets":%d,"lost":%d}`+"\n", f, strings.Join(path, `","`), packets, lost)
	}
	return b.String()
}

func TestLikelihoodSmall(t *testing.T) {
	for seed := range 10 {
		rng := rand.New(rand.NewPCG(uint64(seed), 3))
		rates := map[string]float64{"t1>s2": 0.01, "s0>t3": 0.003, "h2>t0": 1}
		s, _ := read(t, clos3(rng, 2000, func(l string) float64 { return rates[l] }))
		r := Likelihood(s, Config{})
		if len(r.BadLinks()) != 3 {
			t.Errorf("seed %d: got %v, want the three", seed, r.BadLinks())
		}
		for _, l := range r.Links[:3] {
			if want := rates[l.Link]; want == 0 || math.Abs(l.LossRate-want) > 0.6*want {
				t.Errorf("seed %d: link %s loses %g, want %g", seed, l.Link, l.LossRate, want)
			}
		}
	}
}

// TestLikelihoodNoise: uniform losses are noise, however many they are.
func TestLikelihoodNoise(t *testing.T) {
	for seed := range 10 {
		for _, noise := range []float64{0, 1e-5, 1e-4, 1e-3, 1e-2} {
			rng := rand.New(rand.NewPCG(uint64(seed), 4))
			s, _ := read(t, clos3(rng, 2000, func(string) float64 { return noise }))
			r := Likelihood(s, Config{})
			if len(r.BadLinks()) > 0 || len(r.Devices) > 0 {
				t.Errorf("seed %d, noise %g: got %v %v, want none", seed, noise, r.BadLinks(), r.Devices)
			}
			if noise >= 1e-4 && math.Abs(r.Noise-noise) > 0.5*noise {
				t.Errorf("seed %d: got noise %g, want %g", seed, r.Noise, noise)
			}
			for _, f := range r.Flows {
				if f.Cause != CauseNoise {
					t.Errorf("seed %d: flow %s: got cause %s, want noise", seed, f.Flow, f.Cause)
				}
			}
		}
	}
}

// TestLikelihoodDevice: a switch all of whose links lose is one fault.
func TestLikelihoodDevice(t *testing.T) {
	for seed := range 10 {
		rng := rand.New(rand.NewPCG(uint64(seed), 5))
		s, _ := read(t, clos3(rng, 2000, func(l string) float64 {
			if strings.Contains(l, "s1") {
				return 0.005
			}
			return 1e-6
		}))
		r := Likelihood(s, Config{})
		if len(r.Devices) != 1 || r.Devices[0].Device != "s1" || r.Devices[0].Verdict != Bad || math.Abs(r.Devices[0].LossRate-0.01) > 0.002 {
			t.Errorf("seed %d: got devices %+v, want s1 at 0.01", seed, r.Devices)
		}
		bad := r.BadLinks()
		for _, l := range bad {
			if !strings.Contains(l, "s1") {
				t.Errorf("seed %d: link %s is not of s1", seed, l)
			}
		}
		if len(bad) != 8 {
			t.Errorf("seed %d: got %d bad links, want all 8", seed, len(bad))
		}
	}
}

// TestLikelihoodTwins: two links that carry the same flows share the blame.
func TestLikelihoodTwins(t *testing.T) {
	var b strings.Builder
	for f := range 200 {
		lost := 0
		if f%5 == 0 {
			lost = 1
		}
		fmt.Fprintf(&b, `{"flow":"f%d","path":["x","y"],"packets":50,"lost":%d}`+"\n", f, lost)
		fmt.Fprintf(&b, `{"flow":"g%d","path":["z"],"packets":50,"lost":0}`+"\n", f)
	}
	s, _ := read(t, b.String())
	r := Likelihood(s, Config{})
	for _, l := range r.Links {
		if math.Abs(*l.Probability-0.5) > 0.05 {
			t.Errorf("link %s: got probability %.3f, want one half", l.Link, *l.Probability)
		}
	}
}

// TestTracker: a link that loses a packet now and then is found in time, and forgotten
// when it is repaired.
func TestTracker(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 6))
	links := NewLinks()
	tr := NewTracker(links, Config{})
	found, forgotten := 0, 0
	for epoch := 1; epoch <= 80; epoch++ {
		rate := 6e-4
		if epoch > 20 {
			rate = 0
		}
		s := NewSet(links)
		in := clos3(rng, 800, func(l string) float64 {
			if l == "t1>s2" {
				return rate
			}
			return 1e-6
		})
		if err := NewReader(links, 0).Read(s, "in", strings.NewReader(in)); err != nil {
			t.Fatal(err)
		}
		r := tr.Next(s)
		bad := r.BadLinks()
		for _, l := range bad {
			if l != "t1>s2" {
				t.Errorf("epoch %d: link %s called bad", epoch, l)
			}
		}
		if found == 0 && len(bad) > 0 {
			found = epoch
		}
		if found > 0 && epoch > 20 && forgotten == 0 && len(bad) == 0 {
			forgotten = epoch
		}
	}
	if found == 0 || found > 10 || forgotten == 0 {
		t.Errorf("found in epoch %d, forgotten in %d; want by 10, and after 20", found, forgotten)
	}
}

func TestTrackerSheds(t *testing.T) {
	links := NewLinks()
	tr := NewTracker(links, Config{MaxCarried: 3})
	for range 3 {
		s := NewSet(links)
		for range 5 {
			if err := s.Add(nil, []int32{links.ID("a>b")}, 10, 1); err != nil {
				t.Fatal(err)
			}
		}
		tr.Next(s)
	}
	if len(tr.carried) != 3 || tr.shed != 12 {
		t.Errorf("got %d carried, %d shed; want 3, 12", len(tr.carried), tr.shed)
	}
}
