package worlds

import (
	"flag"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

var (
	worlds    = flag.Int("worlds", 2, "how many worlds of every kind TestWorlds makes")
	firstSeed = flag.Uint64("first-seed", 1, "the first one's seed")
	keep      = flag.String("keep", "", "folder to leave the data sets in")
	program   = flag.String("telltale", "", "the program to try; empty: it is built")
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(func() int {
		if *program == "" {
			dir, err := os.MkdirTemp("", "telltale")
			if err != nil {
				fmt.Fprintf(os.Stderr, "cannot make a folder for telltale: %v\n", err)
				return 1
			}
			defer os.RemoveAll(dir)
			*program = filepath.Join(dir, "telltale")
			out, err := exec.Command("go", "build", "-o", *program, "github.com/telltale-net/telltale/cmd/telltale").CombinedOutput()
			if err != nil {
				fmt.Fprintf(os.Stderr, "cannot build telltale: %v: %s\n", err, out)
				return 1
			}
		}
		return m.Run()
	}())
}

// seen looks at all files of what is tested, so that a result is not taken from the test
// cache when they have changed: the command is built outside of what the cache knows.
func seen(t *testing.T, dirs ...string) {
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err == nil {
				_, err = os.Stat(path)
			}
			return err
		})
		if err != nil {
			t.Fatalf("cannot look at what is tested: %v", err)
		}
	}
}

// TestWorlds makes worlds of every kind, runs telltale over them, and holds what it tells to
// the kind's floor. Kinds that are not damaged must have no flow and no count that is not
// true, and a last line that says how much there was and how much was told.
func TestWorlds(t *testing.T) {
	seen(t, "..", "../../../cmd/internal/analyzeflowset", "../../../internal/jsonlines")
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			sum := &score{}
			for n := range *worlds {
				seed := *firstSeed + uint64(n)
				one := try(t, kind.name, seed, kind.make(rand.New(rand.NewPCG(seed, uint64(crc32.ChecksumIEEE([]byte(kind.name)))))))
				for _, p := range append(one.faults, one.problems...) {
					t.Logf("%s seed %d: %s", kind.name, seed, p)
				}
				sum.add(one)
			}
			t.Log(sum)
			kind.floor.hold(t, sum)
		})
	}
}

// try writes a world down, has telltale analyze it, and judges.
func try(t *testing.T, kind string, seed uint64, w *world) *score {
	t.Helper()
	dir := t.TempDir()
	if *keep != "" {
		dir = filepath.Join(*keep, fmt.Sprintf("%s-%d", kind, seed))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatalf("cannot keep the data set: %v", err)
		}
	}
	var links []string
	if w.links {
		links = w.linkNames()
	}
	files := w.format.write(t, w.rng, dir, w.tables, links)
	s := &score{worlds: 1}
	w.judgeFlows(t, s, files)
	if w.losses {
		w.judgeLosses(t, s, files)
	}
	if s.behind > 0 || s.refused > 0 {
		s.problem("%s: %d of %d flows told, the slow decoder has %d, and %d that telltale has not", w.kind, s.decoded, s.flows, s.slow, s.behind)
	}
	return s
}

// floor is what a kind must reach, as shares of the truth.
type floor struct {
	decoded, counted float64 // of the flows in all tables
	partial          float64 // of the losses of a part of a flow on a link
	whole            float64 // of those of all that is left of a flow
	anomalies        float64
	behind           float64 // at most: flows that the slow decoder has, and telltale not
	wrong            float64 // at most: counts that are not true
	mistaken         float64 // at most, of the losses: told and not true
	surplus          bool    // packets are added on the way: one direction's loss, or a loop, for all that counts say
	damaged          bool    // tables that are not what a switch counted: what is told of them is not held against the truth
}

func (f *floor) hold(t *testing.T, s *score) {
	t.Helper()
	if s.invented > 0 {
		t.Errorf("%d flows told that are not there", s.invented)
	}
	if !f.damaged && len(s.faults) > 0 {
		t.Errorf("%d faults of the answers, the first: %s", len(s.faults), s.faults[0])
	}
	if float64(s.mistaken) > f.mistaken*float64(s.losses) && !f.surplus {
		t.Errorf("%d losses told that are not true, beside %d that are, want at most %.4g of these", s.mistaken, s.losses, f.mistaken)
	}
	if s.falseAnomalies > 0 && !f.surplus {
		t.Errorf("%d anomalies told that are not true", s.falseAnomalies)
	}
	for _, c := range []struct {
		what      string
		part, all int
		least     float64
	}{
		{"flows told", s.decoded, s.flows, f.decoded},
		{"flows told with their packets", s.counted, s.flows, f.counted},
		{"losses of parts of flows told", s.found - s.vanishedFound, s.losses - s.vanished, f.partial},
		{"losses of whole flows told", s.vanishedFound, s.vanished, f.whole},
		{"anomalies told", s.anomaliesFound, s.anomalies, f.anomalies},
	} {
		if float64(c.part) < c.least*float64(c.all) {
			t.Errorf("%d of %d %s, want %.4g of them", c.part, c.all, c.what, c.least)
		}
	}
	if float64(s.behind) > f.behind*float64(s.flows) {
		t.Errorf("%d of %d flows not told that the slow decoder has, want at most %.4g of them", s.behind, s.flows, f.behind)
	}
	if float64(s.wrong) > f.wrong*float64(s.flows) {
		t.Errorf("%d of %d counts told are not true, want at most %.4g of them", s.wrong, s.flows, f.wrong)
	}
}

func (s *score) String() string {
	text := fmt.Sprintf("%d worlds, %d flows: %d told, %d with packets; slow decoder: %d, %d; behind it %d, invented %d, counts wrong %d",
		s.worlds, s.flows, s.decoded, s.counted, s.slow, s.slowCounted, s.behind, s.invented, s.wrong)
	if s.losses > 0 {
		text += fmt.Sprintf("; losses %d: %d told (%d exactly, %d as gaps), of %d whole flows %d, mistaken %d", s.losses, s.found, s.exact, s.gap, s.vanished, s.vanishedFound, s.mistaken)
	}
	if s.anomalies+s.falseAnomalies > 0 {
		text += fmt.Sprintf("; anomalies %d: %d told, %d false", s.anomalies, s.anomaliesFound, s.falseAnomalies)
	}
	if s.refused > 0 {
		text += fmt.Sprintf("; %d refused", s.refused)
	}
	return text
}
