package worlds

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/telltale-net/telltale/analyzers/blame"
)

const epochs = 10

// newEpochs makes a network of which a few links lose so little that one epoch may not
// show it, and what happens in ten epochs. Faults begin in the first.
func newEpochs(seed uint64) []*world {
	rng := rand.New(rand.NewPCG(seed, 4))
	net := newNetwork(rng)
	net.baptize(rng.IntN(6))
	most, flows := pick(rng, 1e-7, 1e-6, 1e-5), int(between(rng, 300, 5000))
	who, size := newPairs(net, rng), newSizes(rng)
	var all []*world
	for e := range uint64(epochs) {
		w := &world{kind: "epochs", seed: seed, rng: rand.New(rand.NewPCG(seed, 5+e)), net: net}
		if e == 0 {
			w.quiet(most)
		} else {
			w.noise, w.noiseMost = all[0].noise, most
		}
		w.send(flows, who, size)
		if e == 0 {
			w.breakLinks("link", 4, max(1e-5, 12*most), max(3e-4, 30*most), nil)
		} else {
			w.faults = all[0].faults
		}
		w.happen()
		w.tell()
		all = append(all, w)
	}
	return all
}

// TestEpochs: evidence carried from epoch to epoch finds what one epoch does not show, and
// blames nothing else.
func TestEpochs(t *testing.T) {
	found, missed, late, wrong := 0, 0, 0, 0
	for seed := *firstWorld; seed < *firstWorld+uint64(4**worlds); seed++ {
		all := newEpochs(seed)
		links := blame.NewLinks()
		tracker := blame.NewTracker(links, blame.Config{})
		evidence := make([]float64, len(all[0].faults))
		var last truth
		for e, w := range all {
			reader, set := blame.NewReader(links, 0), blame.NewSet(links)
			if err := reader.Read(set, "epoch", bytes.NewReader(w.write())); err != nil || reader.Stats.Bad > 0 {
				t.Fatal(err, reader.Problems)
			}
			res := tracker.Next(set)
			a, err := decode(&res)
			if err != nil {
				t.Fatal(err)
			}
			tr := newTruth(w)
			last = *tr
			for _, x := range append(tr.find, tr.hidden...) {
				evidence[x.fault] = evidence[x.fault]*0.9 + x.evidence
			}
			bad := map[string]bool{}
			for _, l := range a.Links {
				if l.Verdict == "bad" {
					bad[l.Link] = true
				}
			}
			for l := range w.net.links {
				if name := w.net.links[l].name; bad[name] && !tr.faulty[l] && tr.o.support(l) < tr.excuse && !tr.o.resembles(l) {
					t.Logf("epochs %d: %s blamed in epoch %d (%s, %d links, noise %.1g)", seed, name, e, w.net.kind, len(w.net.links), w.noiseMost)
					wrong++
				}
			}
			if e < epochs-1 {
				continue
			}
			for i := range w.faults {
				f := &w.faults[i]
				switch {
				case evidence[i] < tr.enough+math.Log(epochs):
				case bad[w.net.links[f.links[0]].name]:
					found++
					for _, x := range last.hidden {
						if x.fault == i {
							late++ // its last epoch alone would not do
						}
					}
				default:
					missed++
					t.Logf("epochs %d: missed %s, evidence %.1f of %.1f (%s, %d links, noise %.1g)", seed, f.describe(w.net), evidence[i], tr.enough, w.net.kind, len(w.net.links), w.noiseMost)
				}
			}
		}
	}
	t.Logf("found %d, of them %d that one epoch does not show; missed %d; wrong %d in %d epochs", found, late, missed, wrong, 4**worlds*epochs)
	if share(found, found+missed) < 0.9 || 50*wrong > 4**worlds*epochs {
		t.Errorf("found %d of %d, and %d wrong", found, found+missed, wrong)
	}
}
