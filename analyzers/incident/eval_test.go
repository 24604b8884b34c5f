package incident

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/telltale-net/telltale/analyzers"
)

var (
	seeds     = flag.Int("seeds", 3, "seeds per scenario and regime in TestEval")
	firstSeed = flag.Uint64("first-seed", 1, "the first of them")
)

// verdicts of one run against its truth.
type verdicts struct {
	right, wrong, missed bool
	opened               []analyzers.Finding
	delay                int64 // from the fault to the right verdict
	confidence           float64
}

// play runs a world through an analyzer, Advance every 20 ms.
func play(t testing.TB, w *world) (*Analyzer, []Event) {
	a, err := New(w.fabric, Config{})
	if err != nil {
		t.Fatal(err)
	}
	var evs []Event
	next := int64(0)
	for i := range w.run() {
		r := &w.records[i]
		for r.Received >= next {
			evs = append(evs, a.Advance(next)...)
			next += 20 * ms
		}
		a.Observe(r)
	}
	for ; next < worldEnd+3000*ms; next += 20 * ms {
		evs = append(evs, a.Advance(next)...)
	}
	return a, evs
}

func judge(evs []Event, tr truth) (v verdicts) {
	for _, e := range evs {
		if e.Type != Opened {
			continue
		}
		v.opened = append(v.opened, e.Finding)
	}
	// The place may be refined: the last word counts.
	final := map[uint64]Event{}
	var order []uint64
	for _, e := range evs {
		if e.Type == Opened {
			order = append(order, e.ID)
		}
		final[e.ID] = e
	}
	for _, id := range order {
		f := final[id].Finding
		if tr.kind != "" && f.Kind == tr.kind && tr.place(f.Place) && f.Since >= faultFrom-100*ms && f.Since < faultTo+500*ms {
			if !v.right {
				v.delay = f.Decided - faultFrom
				v.confidence = f.Confidence
			}
			v.right = true
		} else {
			v.wrong = true
		}
	}
	v.missed = tr.kind != "" && !v.right
	return v
}

// checkEvents holds the life of findings: opened once, updated, closed last, in order of
// time, and their times and shares make sense.
func checkEvents(t *testing.T, evs []Event) {
	t.Helper()
	last := map[uint64]Event{}
	at := int64(0)
	for _, e := range evs {
		p, known := last[e.ID]
		f := &e.Finding
		switch {
		case e.At < at, known == (e.Type == Opened), known && p.Type == Closed:
			t.Errorf("event %s of finding %d at %d after %s at %d", e.Type, e.ID, e.At, p.Type, at)
		case f.Since > f.Until, f.Since > f.Decided, f.Decided > e.At, f.Packets == 0, f.Confidence <= 0 || f.Confidence > 0.99, len(f.Evidence) == 0, f.Place.Node == "":
			t.Errorf("event %s of finding %d makes no sense: %+v", e.Type, e.ID, f)
		case known && (f.Since > p.Finding.Since || f.Packets < p.Finding.Packets || f.Decided != p.Finding.Decided):
			t.Errorf("finding %d shrank: %+v after %+v", e.ID, f, p.Finding)
		}
		last[e.ID] = e
		at = e.At
	}
	for id, e := range last {
		if e.Type != Closed {
			t.Errorf("finding %d is still open: %+v", id, e.Finding)
		}
	}
}

// TestEval injects every fault into every regime and prints precision and recall.
// Healthy runs must raise nothing and the demo's faults must all be found, where they
// hurt enough packets to show: the column faint counts missed faults that did not, and
// recall leaves them out. Thresholds were chosen while looking at seeds 1 to 60; for
// figures, take others (-first-seed 1001 -seeds 50).
func TestEval(t *testing.T) {
	n := *seeds
	if testing.Short() {
		n = 2
	}
	var table strings.Builder
	fmt.Fprintf(&table, "\n%-9s %-13s %5s %5s %6s %6s %9s %7s %10s %10s\n", "regime", "fault", "runs", "faint", "right", "wrong", "precision", "recall", "verdict ms", "confidence")
	for _, r := range regimes {
		for _, s := range scenarios {
			var runs, faint, right, wrong int
			var delay int64
			var conf float64
			for seed := *firstSeed; seed < *firstSeed+uint64(n); seed++ {
				w := healthy(t, seed, r)
				tr := s.build(w, r)
				_, evs := play(t, w)
				v := judge(evs, tr)
				checkEvents(t, evs)
				runs++
				if v.missed && w.faint() {
					faint++
					v.missed = false
				}
				if v.right {
					right++
					delay += v.delay
					conf += v.confidence
				}
				if v.wrong {
					wrong++
				}
				if v.wrong || v.missed {
					var got []string
					for _, f := range v.opened {
						got = append(got, fmt.Sprintf("%s at %s since %.3fs decided %.3fs (%d)", f.Kind, Place(f.Place), float64(f.Since)/1e9, float64(f.Decided)/1e9, f.Packets))
					}
					msg := fmt.Sprintf("%s %s seed %d: want %s %q, got %q", r.name, s.name, seed, tr.kind, tr.text, got)
					if s.demo {
						t.Error(msg)
					} else {
						t.Log(msg)
					}
				}
			}
			precision, recall := "-", "-"
			if right+wrong > 0 {
				precision = fmt.Sprintf("%.3f", float64(right)/float64(right+wrong))
			}
			if n := s.name; n != "healthy" && n != "silent-node" {
				recall = fmt.Sprintf("%.3f", float64(right)/float64(runs-faint))
			}
			fmt.Fprintf(&table, "%-9s %-13s %5d %5d %6d %6d %9s %7s %10.0f %10.2f\n", r.name, s.name, runs, faint, right, wrong, precision, recall,
				float64(delay)/float64(max(right, 1))/1e6, conf/float64(max(right, 1)))
		}
	}
	t.Log(table.String())
}
