package worlds

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	worlds     = flag.Int("worlds", 2, "how many worlds of each kind")
	firstWorld = flag.Uint64("worlds.first", 1, "the first one")
	onlyKind   = flag.String("worlds.kind", "", "only this kind")
	keepWorlds = flag.String("worlds.keep", "", "folder to write the data sets to")
)

// keep writes a data set and the truth about it.
func (w *world) keep(t *testing.T, folder string, data []byte) {
	name := filepath.Join(folder, fmt.Sprintf("%s%d", strings.NewReplacer(" ", "_", ",", "", "'", "").Replace(w.kind), w.seed))
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d links, %d flows told, noise up to %.2g, style %+v\n", w.net.kind, len(w.net.links), len(w.flows), w.noiseMost, w.style)
	tr := newTruth(w)
	for i, list := range [][]finding{tr.find, tr.hidden} {
		for _, x := range list {
			f := &w.faults[x.fault]
			instead, sent, lost := "", 0, 0
			if x.instead >= 0 {
				instead = ", else " + w.net.links[x.instead].name
			}
			for j := range w.flows {
				if g := &w.flows[j]; x.link >= 0 && slices.Contains(g.path, x.link) {
					sent += g.packets
					if g.culprit == x.link {
						lost++
					}
				}
			}
			fmt.Fprintf(&b, "%s: %s, runs of %.1f, evidence %.1f of %.1f%s; %d packets sent, %d flows lost some\n", []string{"to be found", "hidden"}[i], f.describe(w.net), f.run, x.evidence, tr.enough, instead, sent, lost)
		}
	}
	for file, data := range map[string][]byte{name + ".jsonl": data, name + ".truth": []byte(b.String())} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWorlds: in networks of any make the likelihood finds what there is evidence for, and
// blames nothing else.
func TestWorlds(t *testing.T) {
	row := func(name string, ours, votes *score, spent time.Duration) {
		if testing.Verbose() {
			line := fmt.Sprintf("%-18s %5d %6d | %4d", name, ours.right+ours.missed, ours.hidden, ours.excused)
			for _, s := range []*score{ours, votes} {
				line += fmt.Sprintf(" | %.3f %.3f  %.3f %.3f  %.3f %.3f", s.precision(), s.recall(), s.blunt()[0], s.blunt()[1], s.cause(), s.calm())
			}
			fmt.Println(line, "|", spent.Milliseconds())
		}
	}
	if testing.Verbose() {
		fmt.Println("kind               to find hidden | excused | likelihood: precision recall, of all links with 3 losses, causes of flows by faults, by noise | votes: the same | ms")
	}
	var all, allVotes score
	var stated calibration
	for _, k := range kinds {
		if *onlyKind != "" && k.name != *onlyKind {
			continue
		}
		var ours, votes score
		var spent time.Duration
		var lines []string
		n := *worlds
		if large[k.name] {
			n = (n + 3) / 4
		}
		for seed := *firstWorld; seed < *firstWorld+uint64(n); seed++ {
			w := newWorld(k, seed)
			data := w.write()
			if *keepWorlds != "" {
				w.keep(t, *keepWorlds, data)
			}
			tr := newTruth(w)
			for _, method := range []bool{false, true} {
				start := time.Now()
				a, err := ask(data, method)
				if !method {
					spent += time.Since(start)
				}
				if err != nil {
					t.Fatalf("%s %d: %v", k.name, seed, err)
				}
				if err := w.contract(a, method); err != nil {
					t.Errorf("%s %d: %v", k.name, seed, err)
				}
				s := w.judge(tr, a)
				if method {
					votes.add(s)
					continue
				}
				ours.add(s)
				stated.links(w, tr, a)
				if s.cause() < 0.5 && s.flows >= 10 {
					s.misses = append(s.misses, fmt.Sprintf("causes of %d flows of %d right", s.flowsRight, s.flows))
				}
				for _, m := range s.misses {
					lines = append(lines, fmt.Sprintf("%s %d (%s, %d links, %d flows, noise %.1g, %d faults): %s", k.name, seed, w.net.kind, len(w.net.links), len(w.flows), w.noiseMost, len(w.faults), m))
				}
			}
		}
		row(k.name, &ours, &votes, spent/time.Duration(n))
		for _, l := range lines {
			t.Log(l)
		}
		all.add(ours)
		allVotes.add(votes)
		if *firstWorld != 1 { // one that is looked at
			continue
		}
		if ours.precision() < k.floor.precision || ours.recall() < k.floor.recall || ours.cause() < k.floor.flows {
			t.Errorf("%s: precision %.3f, recall %.3f, causes of flows %.3f; want at least %v", k.name, ours.precision(), ours.recall(), ours.cause(), k.floor)
		}
	}
	row("all", &all, &allVotes, 0)
	t.Logf("links, by stated probability:\n%v", &stated)
}
