package worlds

import (
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

var large = flag.Int("large", 0, "flows of TestLarge, over 12 switches; 400000 make some 100 MB")

// TestLarge tells what a big data set costs: processor time and memory are printed, not judged.
func TestLarge(t *testing.T) {
	if *large == 0 {
		t.Skip("no -large")
	}
	for _, name := range []string{"below", "past", "unknown"} {
		rng := rand.New(rand.NewPCG(*firstSeed, 0x6c61))
		w := newWorld(rng)
		w.net = leafSpine(8, 4)
		w.net.hosts = 250
		w.populate(*large, false)
		w.sendAll(7)
		of := documentedSchemes(rng, 3, 2)
		load := 0.75
		switch name {
		case "past":
			load = 0.95
		case "unknown":
			of = unknown(of)
		}
		w.encodeAll(of, 3, load, 0, 0)
		w.refusable = name == "unknown"
		dir := t.TempDir()
		if *keep != "" {
			dir = filepath.Join(*keep, "large-"+name)
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		files := w.format.write(t, rng, dir, w.tables, nil)
		a := run(t, append([]string{"analyze", "flowset"}, files...)...)
		size := int64(0)
		for _, f := range files {
			if i, err := os.Stat(f); err == nil {
				size += i.Size()
			}
		}
		t.Logf("%s: %d MB, %.1f s of processor time, %d MiB at most; exit status %d: %s", name, size>>20, a.cpu.Seconds(), a.memory>>20, a.code, first(a.stderr))
	}
}

// unknown changes functions into ones that nobody knows.
func unknown(of func(int) *scheme) func(int) *scheme {
	return func(node int) *scheme {
		s := *of(node)
		s.text = "mine"
		known := s.cell
		s.cell = func(n int, key []byte, cells uint64) uint64 {
			return known(n, append([]byte{9, byte(n)}, key...), cells)
		}
		return &s
	}
}
