package blame

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestIndependent: that losses are independent is told from the set, not where they come in
// bursts, nor where too few flows lose any.
func TestIndependent(t *testing.T) {
	for _, x := range []struct {
		name  string
		flows int
		burst float64 // mean packets of one
		want  bool
	}{
		{"one by one", 8000, 1, true},
		{"bursts of two", 4000, 2, false},
		{"one in ten a burst of three", 4000, 1.2, false},
		{"too few", 100, 1, false},
	} {
		for seed := range uint64(10) {
			rng := rand.New(rand.NewPCG(seed, 21))
			s := lossy(t, rng, x.flows, func(size int, loss float64) (lost int) {
				for p := 0; p < size; p++ {
					if rng.Float64() < loss {
						lost++
						for p++; p < size && rng.Float64() < 1-1/x.burst; p++ {
							lost++
						}
					}
				}
				return lost
			})
			tr := NewTracker(s.links, Config{})
			if tr.Next(s); tr.independent != x.want {
				t.Errorf("%s, seed %d: got independent %v, want %v", x.name, seed, tr.independent, x.want)
			}
		}
	}
}

// lossy is flows of a Pareto distribution over three spines, the noise of which takes one packet of
// ten thousand a hop, and t1>s2 one of a hundred.
func lossy(t *testing.T, rng *rand.Rand, flows int, lose func(size int, loss float64) int) *Set {
	s := NewSet(NewLinks())
	for i := range flows {
		src, dst, spine := rng.IntN(16), rng.IntN(16), rng.IntN(3)
		if src/4 == dst/4 {
			continue
		}
		var path []int32
		for _, l := range []string{fmt.Sprintf("h%d>t%d", src, src/4), fmt.Sprintf("t%d>s%d", src/4, spine), fmt.Sprintf("s%d>t%d", spine, dst/4), fmt.Sprintf("t%d>h%d", dst/4, dst)} {
			path = append(path, s.links.ID(l))
		}
		size, loss := int(min(5000, 10*math.Pow(rng.Float64(), -1/1.05))), 4e-4
		if src/4 == 1 && spine == 2 {
			loss += 0.01
		}
		if err := s.Add([]byte(fmt.Sprint(i)), path, uint32(size), uint32(lose(size, loss))); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// TestIndependentFault: a link whose losses lie in two flows is found where losses are
// independent, and is none where all come in bursts of four.
func TestIndependentFault(t *testing.T) {
	for seed := range uint64(10) {
		for _, burst := range []int{1, 4} {
			rng := rand.New(rand.NewPCG(seed, 22))
			s := NewSet(NewLinks())
			add := func(size, lost int, links ...string) {
				var path []int32
				for _, l := range links {
					path = append(path, s.links.ID(l))
				}
				if err := s.Add([]byte(fmt.Sprint(s.Len())), path, uint32(size), uint32(min(lost, size))); err != nil {
					t.Fatal(err)
				}
			}
			for range 6000 {
				lost := 0
				if rng.Float64() < 0.02 {
					lost = burst
				}
				a, b, mid := rng.IntN(40), rng.IntN(40), rng.IntN(4)
				add(100, lost, fmt.Sprintf("a%d>m%d", a, mid), fmt.Sprintf("m%d>b%d", mid, b))
			}
			add(700, 6, "a1>m1", "m1>x")
			add(700, 6, "a2>m1", "m1>x")
			r := Likelihood(s, Config{})
			found := slices.Contains(r.BadLinks(), "m1>x")
			if want := burst == 1; found != want {
				t.Errorf("seed %d, losses of %d at once: got m1>x bad %v, want %v", seed, burst, found, want)
			}
		}
	}
}
