package blame_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/telltale-net/telltale/analyzers/blame"
	"github.com/telltale-net/telltale/analyzers/blame/blametest"
)

// change rewrites a set: keep says which flows stay, path what is known of their path.
func change(s *blame.Set, keep func(i int) bool, path func(p []int32) []int32) (*blame.Set, []int) {
	out := blame.NewSet(s.Links())
	var kept []int
	for i := range s.Len() {
		if keep(i) {
			if err := out.Add([]byte(s.Name(i)), path(s.Path(i)), s.Packets(i), s.Lost(i)); err != nil {
				panic(err)
			}
			kept = append(kept, i)
		}
	}
	return out, kept
}

// TestScenarios is what the paper's setting leaves out. Figures: -v -seeds 10.
func TestScenarios(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates an epoch of 96,000 flows a scenario and seed")
	}
	all := func(int) bool { return true }
	whole := func(p []int32) []int32 { return p }
	t.Logf("%-44s %-10s flow acc precision recall≥%d recall", "", "method", blametest.Evidence)
	for _, sc := range []struct {
		name      string
		set       func(c *blametest.Clos)
		faults    func(n *blametest.Network, rng *rand.Rand) blametest.Faults
		keep      func(s *blame.Set) func(i int) bool
		path      func(p []int32) []int32
		precision float64 // wanted of likelihood, at least
		recall    float64
	}{
		{name: "4 failures, only flows with losses known", keep: func(s *blame.Set) func(int) bool {
			return func(i int) bool { return s.Lost(i) > 0 }
		}, precision: 0.5, recall: 0.9},
		{name: "4 failures, a tenth of the good flows known", keep: func(s *blame.Set) func(int) bool {
			return func(i int) bool { return s.Lost(i) > 0 || i%10 == 0 }
		}, precision: 0.7, recall: 0.9},
		{name: "4 failures, last link not in the paths", path: func(p []int32) []int32 { return p[:len(p)-1] }, precision: 0.9, recall: 0.9},
		{name: "4 failures of 0.2-2 %, links' noise U(0,1e-4)", set: func(c *blametest.Clos) { c.Steady, c.Noise, c.LossMin, c.LossMax = true, 1e-4, 2e-3, 2e-2 }, precision: 0.9, recall: 0.9},
		{name: "4 failures that lose all", set: func(c *blametest.Clos) { c.LossMin, c.LossMax = 1, 1 }, precision: 0.9, recall: 0.9},
		{name: "30 failures", faults: func(n *blametest.Network, rng *rand.Rand) blametest.Faults { return n.Fail(rng, 30) }, precision: 0.95, recall: 0.9},
		{name: "a T2 switch loses 0.2 % each way", faults: func(n *blametest.Network, _ *rand.Rand) blametest.Faults { return n.Device("spine3", 2e-3) }, precision: 0.95, recall: 0.95},
		{name: "a T1 switch loses 0.2 % each way", faults: func(n *blametest.Network, _ *rand.Rand) blametest.Faults { return n.Device("agg3", 2e-3) }, precision: 0.95, recall: 0.95},
		{name: "a T1 switch, and 4 links elsewhere", faults: func(n *blametest.Network, rng *rand.Rand) blametest.Faults {
			f := n.Device("agg3", 2e-3)
			for l, p := range n.Fail(rng, 4) {
				f[l] = p
			}
			return f
		}, precision: 0.95, recall: 0.9},
	} {
		c := blametest.Paper()
		if sc.set != nil {
			sc.set(&c)
		}
		n := blametest.New(c)
		var votes, like blametest.Score
		for seed := range *seeds {
			rng := rand.New(rand.NewPCG(uint64(seed), 99))
			faults := blametest.Faults(nil)
			if sc.faults != nil {
				faults = sc.faults(n, rng)
			} else {
				faults = n.Fail(rng, 4)
			}
			e := n.Epoch(rng, faults)
			keep, path := all, whole
			if sc.keep != nil {
				keep = sc.keep(e.Set)
			}
			if sc.path != nil {
				path = sc.path
			}
			e.Set, _ = change(e.Set, keep, path) // flows with losses stay, in order
			v, l := blame.Votes(e.Set), blame.Likelihood(e.Set, blame.Config{})
			votes.Add(n, &e, faults, &v)
			like.Add(n, &e, faults, &l)
		}
		for _, x := range []struct {
			name string
			s    *blametest.Score
		}{{"votes", &votes}, {"likelihood", &like}} {
			t.Logf("%-44s %-10s  %.4f   %.4f   %.4f   %.4f", sc.name, x.name, x.s.Accuracy(), x.s.Precision(), x.s.RecallFindable(), x.s.Recall())
		}
		if like.Precision() < sc.precision || like.RecallFindable() < sc.recall {
			t.Errorf("%s: got precision %.3f, recall %.3f; want %.2f, %.2f", sc.name, like.Precision(), like.RecallFindable(), sc.precision, sc.recall)
		}
	}
}

// TestEpochs wants the failed links that one epoch does not show to be found within ten.
func TestEpochs(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates 10 epochs of 96,000 flows a seed")
	}
	c := blametest.Paper()
	c.Skew = 0.8
	n := blametest.New(c)
	first, last, wrong, total := 0, 0, 0, 0
	for seed := range *seeds {
		rng := rand.New(rand.NewPCG(uint64(seed), 10))
		faults := n.Fail(rng, 10)
		total += len(faults)
		tr := blame.NewTracker(n.Links, blame.Config{})
		for epoch := range 10 {
			e := n.Epoch(rng, faults)
			r := tr.Next(e.Set)
			var s blametest.Score
			s.Add(n, &e, faults, &r)
			wrong += s.False
			switch epoch {
			case 0:
				first += s.Found
			case 9:
				last += s.Found
				if missed := len(faults) - s.Found; missed > 0 {
					bad := r.BadLinks()
					for l, p := range faults {
						if !slices.Contains(bad, n.Links.Name(l)) {
							t.Logf("seed %d: %s with a rate of %.2g not found", seed, n.Links.Name(l), p)
						}
					}
				}
			}
		}
	}
	t.Logf("%d failed links: %d found after one epoch, %d after ten; %d false in all epochs", total, first, last, wrong)
	if float64(last) < 0.95*float64(total) || float64(wrong) > 0.01*10*float64(total) {
		t.Errorf("got %d of %d failed links after ten epochs, %d false", last, total, wrong)
	}
}

// TestBursts: noise that takes up to ten packets of a flow at once is no fault.
func TestBursts(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates an epoch of 96,000 flows a case and seed")
	}
	for _, noise := range []float64{1e-6, 1e-5} {
		for _, k := range []int{0, 4} {
			c := blametest.Paper()
			c.Noise = noise
			n := blametest.New(c)
			var votes, like blametest.Score
			for seed := range *seeds {
				rng := rand.New(rand.NewPCG(uint64(seed), 8))
				faults := n.Fail(rng, k)
				e := n.Epoch(rng, faults)
				out, losing := blame.NewSet(n.Links), 0
				for i := range e.Set.Len() {
					lost := e.Set.Lost(i)
					if lost > 0 {
						if _, failed := faults[e.Cause[losing]]; !failed {
							lost = min(lost*uint32(1+rng.IntN(10)), e.Set.Packets(i))
						}
						losing++
					}
					if err := out.Add([]byte(e.Set.Name(i)), e.Set.Path(i), e.Set.Packets(i), lost); err != nil {
						t.Fatal(err)
					}
				}
				e.Set = out
				v, l := blame.Votes(out), blame.Likelihood(out, blame.Config{})
				votes.Add(n, &e, faults, &v)
				like.Add(n, &e, faults, &l)
			}
			t.Logf("noise U(0,%g) in bursts, %d failures: votes %d false, recall %.4f; likelihood %d false, recall %.4f",
				noise, k, votes.False, votes.RecallFindable(), like.False, like.RecallFindable())
			if like.False*50 > like.Found+25 || like.RecallFindable() < 0.8 {
				t.Errorf("noise %g, %d failures: got %d false and %d true links, recall %.3f", noise, k, like.False, like.Found, like.RecallFindable())
			}
		}
	}
}
