package blame_test

import (
	"flag"
	"math/rand/v2"
	"testing"

	"github.com/telltale-net/telltale/analyzers/blame"
	"github.com/telltale-net/telltale/analyzers/blame/blametest"
)

var large = flag.Bool("large", false, "benchmark 100,000 links and 10 million flows (1.5 GiB)")

// BenchmarkLarge is 100,000 links and 10 million flows, 30 of the links failed.
func BenchmarkLarge(b *testing.B) {
	if !*large {
		b.Skip("needs -large")
	}
	c := blametest.Paper()
	c.Pods, c.ToRs, c.T1s, c.T2s, c.Hosts, c.Flows = 24, 40, 16, 64, 21, 496
	n := blametest.New(c)
	rng := rand.New(rand.NewPCG(1, 1))
	faults := n.Fail(rng, 30)
	e := n.Epoch(rng, faults)
	b.Logf("%d links, %d flows, %d of them with losses", n.Links.Len(), e.Set.Len(), len(e.Cause))
	b.ReportAllocs()
	for b.Loop() {
		r := blame.Likelihood(e.Set, blame.Config{})
		var s blametest.Score
		s.Add(n, &e, faults, &r)
		b.ReportMetric(s.Precision(), "precision")
		b.ReportMetric(s.Recall(), "recall")
	}
}
