package blame_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/telltale-net/telltale/analyzers/blame"
	"github.com/telltale-net/telltale/analyzers/blame/blametest"
)

// TestGuess: of flows that lose a packet, the two that share a link are told it, as
// improbable as it is, and the others noise.
func TestGuess(t *testing.T) {
	c := blametest.Paper()
	c.Noise = 0
	n := blametest.New(c)
	for seed := range uint64(5) {
		rng := rand.New(rand.NewPCG(seed, 5))
		e := n.Epoch(rng, nil)
		losing, taken := map[int]bool{}, map[int32]bool{}
		alone := func(i int, but int32) bool { // crosses nothing else that another one does
			return e.Set.Packets(i) >= 10 && len(e.Set.Path(i)) == 6 && !losing[i] && !slices.ContainsFunc(e.Set.Path(i), func(l int32) bool { return taken[l] && l != but })
		}
		lose := func(i int) {
			losing[i] = true
			for _, l := range e.Set.Path(i) {
				taken[l] = true
			}
		}
		draw := func(ok func(i int) bool) int {
			for {
				if i := rng.IntN(e.Set.Len()); ok(i) {
					return i
				}
			}
		}
		first := draw(func(i int) bool { return alone(i, -1) })
		lose(first)
		shared := e.Set.Path(first)[1]
		second := draw(func(i int) bool { return slices.Contains(e.Set.Path(i), shared) && alone(i, shared) })
		lose(second)
		for range 12 {
			lose(draw(func(i int) bool { return alone(i, -1) }))
		}
		s := blame.NewSet(n.Links)
		for i := range e.Set.Len() {
			lost := uint32(0)
			if losing[i] {
				lost = 1
			}
			if err := s.Add([]byte(e.Set.Name(i)), e.Set.Path(i), e.Set.Packets(i), lost); err != nil {
				t.Fatal(err)
			}
		}
		r := blame.Likelihood(s, blame.Config{})
		if bad := r.BadLinks(); len(bad) > 0 {
			t.Errorf("seed %d: got bad links %v, want none", seed, bad)
		}
		for _, f := range r.Flows {
			if f.Flow != e.Set.Name(first) && f.Flow != e.Set.Name(second) {
				if f.Cause != blame.CauseNoise || f.Noise != 0 || *f.Probability < 0.9 {
					t.Errorf("seed %d: got cause %s (%v, noise %v) of a flow that lost packets where none else did, want noise", seed, f.Cause, *f.Probability, f.Noise)
				}
				continue
			}
			if want := n.Links.Name(shared); f.Cause != want || *f.Probability > 0.05 || f.Noise < 0.9 {
				t.Errorf("seed %d: got cause %s (%v, noise %v), want %s, at most .05, with noise more than .9", seed, f.Cause, *f.Probability, f.Noise, want)
			}
		}
	}
}

// TestNoiseBeside: noise is told of a flow only beside a cause that is less probable.
func TestNoiseBeside(t *testing.T) {
	told := 0
	for seed := range uint64(6) {
		c := blametest.Paper()
		c.Flows, c.Noise = 20, 3e-6
		n := blametest.New(c)
		rng := rand.New(rand.NewPCG(seed, 6))
		e := n.Epoch(rng, n.Fail(rng, 2))
		r := blame.Likelihood(e.Set, blame.Config{})
		for _, f := range r.Flows {
			if f.Noise == 0 {
				continue
			}
			told++
			if f.Cause == blame.CauseNoise || f.Cause == blame.CauseUnknown || f.Noise <= *f.Probability || f.Noise+*f.Probability > 1.000001 {
				t.Errorf("seed %d: got cause %s with %v and noise %v", seed, f.Cause, *f.Probability, f.Noise)
			}
		}
	}
	if told == 0 {
		t.Error("no flow was told noise beside its cause")
	}
}
