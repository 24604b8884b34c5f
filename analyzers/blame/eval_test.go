package blame_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/telltale-net/telltale/analyzers/blame"
	"github.com/telltale-net/telltale/analyzers/blame/blametest"
)

var (
	seeds   = flag.Int("seeds", 1, "epochs for each cell of the evaluation")
	healthy = flag.Int("healthy", 10, "epochs without a fault")
)

// reference is 007 as rerun with three seeds elsewhere: per-flow accuracy, precision and
// recall over all failed links.
var reference = map[string]string{
	"0/1": "1.000 1/1", "0/4": "1.000 1/1", "0/10": ".993 1/.73",
	"0.5/1": "1.000 1/1", "0.5/4": ".993 1/1", "0.5/10": ".853 .95/.70",
	"0.8/1": "1.000 .73/1", "0.8/4": ".791 1/.67", "0.8/10": ".648 .81/.43",
}

// TestEval is the paper's setting. Figures: -v -seeds 30.
func TestEval(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates 9 epochs of 96,000 flows a seed")
	}
	var cal calibration
	t.Logf("skew k  method      flow acc  precision recall≥%d recall   (007 elsewhere: accuracy, precision/recall)", blametest.Evidence)
	for _, skew := range []float64{0, 0.5, 0.8} {
		for _, k := range []int{1, 4, 10} {
			c := blametest.Paper()
			c.Skew = skew
			n := blametest.New(c)
			var votes, like blametest.Score
			for seed := range *seeds {
				rng := rand.New(rand.NewPCG(uint64(seed), uint64(k)))
				faults := n.Fail(rng, k)
				e := n.Epoch(rng, faults)
				v, l := blame.Votes(e.Set), blame.Likelihood(e.Set, blame.Config{})
				votes.Add(n, &e, faults, &v)
				like.Add(n, &e, faults, &l)
				cal.add(n, faults, &l)
			}
			key := fmt.Sprintf("%v/%d", skew, k)
			for _, x := range []struct {
				name string
				s    *blametest.Score
			}{{"votes", &votes}, {"likelihood", &like}} {
				t.Logf("%.1f %3d  %-10s  %.4f    %.4f    %.4f   %.4f   %s", skew, k, x.name, x.s.Accuracy(), x.s.Precision(), x.s.RecallFindable(), x.s.Recall(), reference[key])
			}
			if like.Precision() < 0.9 || like.RecallFindable() < 0.9 || like.Accuracy() < 0.95 {
				t.Errorf("skew %v, %d failures: got precision %.3f, recall %.3f, accuracy %.3f", skew, k, like.Precision(), like.RecallFindable(), like.Accuracy())
			}
			if *seeds >= 10 && (like.Accuracy() < votes.Accuracy()-0.002 || like.F1() < votes.F1()) {
				t.Errorf("skew %v, %d failures: worse than 007: accuracy %.4f and %.4f, F1 %.4f and %.4f", skew, k, like.Accuracy(), votes.Accuracy(), like.F1(), votes.F1())
			}
		}
	}
	t.Log("probability stated, links, share that failed\n" + cal.String())
}

// TestHealthy wants no false alarm where nothing is wrong.
func TestHealthy(t *testing.T) {
	n := blametest.New(blametest.Paper())
	var s blametest.Score
	most := 0.0
	for seed := range *healthy {
		rng := rand.New(rand.NewPCG(uint64(seed), 77))
		e := n.Epoch(rng, nil)
		r := blame.Likelihood(e.Set, blame.Config{})
		s.Add(n, &e, nil, &r)
		for _, l := range r.Links {
			most = max(most, *l.Probability)
		}
		for _, d := range r.Devices {
			if d.Verdict == blame.Bad {
				t.Errorf("epoch %d: device %s called bad", seed, d.Device)
			}
		}
	}
	t.Logf("%d healthy epochs, %d with a false alarm; largest probability %.3f", s.Epochs, s.FalseEpochs, most)
	if s.False > 0 {
		t.Errorf("got %d links called bad in %d healthy epochs", s.False, s.Epochs)
	}
}

// calibration counts links by the probability stated of them.
type calibration struct {
	stated [7]struct{ n, bad, sum float64 }
}

var bounds = [...]float64{0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 1.01}

func (c *calibration) add(n *blametest.Network, faults blametest.Faults, r *blame.Result) {
	for _, l := range r.Links {
		for i, b := range bounds {
			if *l.Probability < b {
				c.stated[i].n++
				c.stated[i].sum += *l.Probability
				if _, bad := faults[n.Links.ID(l.Link)]; bad {
					c.stated[i].bad++
				}
				break
			}
		}
	}
}

func (c *calibration) String() string {
	out := ""
	for i, s := range c.stated {
		if s.n > 0 {
			out += fmt.Sprintf("  below %.2f: %6.0f links, stated %.4f, true %.4f\n", bounds[i], s.n, s.sum/s.n, s.bad/s.n)
		}
	}
	return out
}

func BenchmarkLikelihood(b *testing.B) {
	benchmark(b, func(s *blame.Set) { blame.Likelihood(s, blame.Config{}) })
}
func BenchmarkVotes(b *testing.B) { benchmark(b, func(s *blame.Set) { blame.Votes(s) }) }

func benchmark(b *testing.B, f func(*blame.Set)) {
	for _, k := range []int{0, 10} {
		b.Run(fmt.Sprintf("failures=%d", k), func(b *testing.B) {
			c := blametest.Paper()
			c.Skew = 0.8
			n := blametest.New(c)
			rng := rand.New(rand.NewPCG(1, 2))
			e := n.Epoch(rng, n.Fail(rng, k))
			b.ReportAllocs()
			for b.Loop() {
				f(e.Set)
			}
		})
	}
}
