package blame_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/telltale-net/telltale/analyzers/blame"
	"github.com/telltale-net/telltale/analyzers/blame/blametest"
)

// TestDoubtfulEpochs: where the paths of most flows are known but for ECMP, the evidence of
// epochs finds a link that no single one shows, with the paths of the others.
func TestDoubtfulEpochs(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates 40 epochs with uncertain paths")
	}
	c := blametest.Paper()
	c.ToRs, c.T1s, c.T2s, c.Hosts, c.Flows = 4, 2, 3, 4, 30
	n := blametest.New(c)
	first, last, wrong := 0, 0, 0
	for seed := range uint64(4) {
		rng := rand.New(rand.NewPCG(seed, 3))
		faults := n.Fail(rng, 1)
		for l := range faults {
			faults[l] = 1e-3
		}
		tr := blame.NewTracker(n.Links, blame.Config{})
		for epoch := range 10 {
			e := n.Epoch(rng, faults)
			s := blame.NewSet(n.Links)
			for i := range e.Set.Len() {
				var err error
				if rng.IntN(5) == 0 {
					err = s.Add([]byte(e.Set.Name(i)), e.Set.Path(i), e.Set.Packets(i), e.Set.Lost(i))
				} else {
					err = s.AddPaths([]byte(e.Set.Name(i)), n.ECMP(e.Set.Path(i)), nil, e.Set.Packets(i), e.Set.Lost(i))
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			r := tr.Next(s)
			for _, l := range r.Links {
				_, failed := faults[n.Links.ID(l.Link)]
				switch p := *l.Probability; { // between two that share most flows it may be a coin's toss, and says so
				case !failed && p > 0.8:
					wrong++
				case failed && p > 0.5 && epoch == 0:
					first++
				case failed && p > 0.5 && epoch == 9:
					last++
				}
			}
			if len(r.Flows) != len(e.Cause) {
				t.Fatalf("got causes of %d flows, want %d", len(r.Flows), len(e.Cause))
			}
			for _, f := range r.Flows {
				if f.Path != nil && (f.PathProbability == nil || *f.PathProbability <= 0 || *f.PathProbability > 1 || slices.Contains(f.Path, "")) {
					t.Fatalf("got %+v", f)
				}
			}
		}
	}
	t.Logf("4 failed links: %d found after one epoch, %d after ten; %d false and sure in 40 epochs", first, last, wrong)
	if last < 4 || last < first || wrong > 0 {
		t.Errorf("got %d found after one epoch, %d after ten, %d false", first, last, wrong)
	}
}
