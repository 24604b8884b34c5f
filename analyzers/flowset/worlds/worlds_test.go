package worlds

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/telltale-net/telltale/internal/testutil"
)

var (
	worlds    = flag.Int("worlds", 3, "how many worlds of every kind TestWorlds makes")
	firstSeed = flag.Uint64("first-seed", 1, "the first one's seed")
	keep      = flag.String("keep", "", "folder to leave the data sets in")
	binary_   = flag.String("telltale", "", "the program to try; empty: it is built")
)

var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "telltale")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "telltale")
	out, err := exec.Command("go", "build", "-o", path, "github.com/telltale-net/telltale/cmd/telltale").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

func tool(t *testing.T) string {
	t.Helper()
	if *binary_ != "" {
		return *binary_
	}
	path, err := build()
	if err != nil {
		t.Fatalf("cannot build telltale: %v", err)
	}
	return path
}

func TestWorlds(t *testing.T) {
	_ = testutil.Root
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			sum := &score{}
			for i := range *worlds {
				seed := *firstSeed + uint64(i)
				rng := rand.New(rand.NewPCG(seed, uint64(len(kind.name))<<32|uint64(kind.name[0])))
				w := kind.make(rng)
				dir := t.TempDir()
				if *keep != "" {
					dir = filepath.Join(*keep, fmt.Sprintf("%s-%d", kind.name, seed))
					os.MkdirAll(dir, 0o755)
				}
				var links []string
				if w.links {
					links = w.linkNames()
				}
				files := w.format.write(t, rng, dir, w.tables, links, w.lines)
				one := &score{}
				w.judgeFlows(t, one, files)
				if w.losses {
					w.judgeLosses(t, one, files)
				}
				if w.kind != "" {
					t.Logf("%s seed %d: %s: flows %d decoded %d slow %d behind %d refused %d", kind.name, seed, w.kind, one.flows, one.decoded, one.slow, one.behind, one.refused)
				}
				if one.behind > 0 && one.refused == 0 {
					one.problem("behind the slow decoder by %d flows (%d of %d against %d) %s", one.behind, one.decoded, one.flows, one.slow, w.kind)
				}
				for _, p := range one.problems {
					t.Logf("%s seed %d: %s", kind.name, seed, p)
				}
				sum.add(one)
			}
			sum.problems = nil
			t.Logf("%+v", *sum)
		})
	}
}
