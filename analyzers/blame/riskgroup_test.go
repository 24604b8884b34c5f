package blame_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/telltale-net/telltale/analyzers/blame"
	"github.com/telltale-net/telltale/analyzers/blame/blametest"
)

// TestRiskGroup: links of one switch that fail at once, each at a rate of its own, are told as
// a group, and as many failures anywhere are not.
func TestRiskGroup(t *testing.T) {
	n := blametest.New(blametest.Paper())
	for seed := range uint64(4) {
		rng := rand.New(rand.NewPCG(seed, 31))
		faults, want := blametest.Faults{}, []string(nil)
		for l := range n.Device("agg3", 1) {
			if name := n.Links.Name(l); strings.HasPrefix(name, "agg3>tor1") {
				want = append(want, name)
			}
		}
		slices.Sort(want)
		want = want[:5]
		for _, name := range want {
			faults[n.Links.ID(name)] = 2e-3 + 8e-3*rng.Float64()
		}
		e := n.Epoch(rng, faults)
		r := blame.Likelihood(e.Set, blame.Config{})
		if len(r.RiskGroups) != 1 {
			t.Fatalf("seed %d: got groups %+v, want one", seed, r.RiskGroups)
		}
		if g := r.RiskGroups[0]; g.Device != "agg3" || !slices.Equal(g.Links, want) || g.Of < 40 || g.Probability < 0.9 {
			t.Errorf("seed %d: got group %+v, want %v of agg3", seed, g, want)
		}
		e = n.Epoch(rng, n.Fail(rng, 10))
		if r := blame.Likelihood(e.Set, blame.Config{}); len(r.RiskGroups) > 0 {
			t.Errorf("seed %d: got groups %+v of 10 failures anywhere", seed, r.RiskGroups)
		}
	}
}
