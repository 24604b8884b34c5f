package journal

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/telltale-net/telltale/collector/block"
	"github.com/telltale-net/telltale/collector/postcard"
)

var (
	kills    = flag.Int("kills", 50, "how often TestKilled kills a process that writes the log")
	killSeed = flag.Uint64("kill-seed", 1, "seed of the moments at which TestKilled does so")
)

const childEnv = "TELLTALE_JOURNAL_CHILD" // FIRST:FOLDER

// child is the life of the process that TestKilled kills: it records as fast as it
// can, and says which records it was told are stored. It reports whether it was one.
func child() bool {
	first, dir, ok := strings.Cut(os.Getenv(childEnv), ":")
	if !ok {
		return false
	}
	seq, err := strconv.ParseUint(first, 10, 32)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	cfg := DefaultConfig()
	cfg.Dir, cfg.Reserve, cfg.BlockRecords = dir, 0, 200
	cfg.OnStored = func(r []postcard.Record) { // in order: the last one stands for all before
		os.Stdout.WriteString(strconv.FormatUint(uint64(r[len(r)-1].Seq), 10) + "\n")
	}
	j, err := Open(context.Background(), cfg)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for next := uint32(seq); ; next += 50 {
		time.Sleep(time.Millisecond)
		if err := j.Append(numbered(next, 50)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// TestKilled kills a process that writes the log, again and again, at any moment:
// every record it was told is stored must be there, and none twice.
func TestKilled(t *testing.T) {
	n := *kills
	if testing.Short() {
		n = min(n, 5)
	}
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(*killSeed, 0))
	seen := map[uint32]bool{}
	next, acknowledged, lost := uint32(1), 0, 0
	for round := range n {
		last := liveAndDie(t, rng, dir, next)
		j := open(t, func(c *Config) { c.Dir = dir })
		got, stats := seqs(t, j, block.Query{})
		closing(t, j)
		clear(seen)
		highest := uint32(0)
		for _, s := range got {
			if seen[s] {
				t.Fatalf("round %d: record %d is there twice", round, s)
			}
			seen[s] = true
			highest = max(highest, s)
		}
		for s := uint32(1); s <= last; s++ {
			if !seen[s] {
				lost++
			}
		}
		if lost > 0 {
			t.Fatalf("round %d: %d of %d acknowledged records are gone; read %+v", round, lost, last, stats)
		}
		acknowledged = int(last)
		next = highest + 1
	}
	t.Logf("killed %d times: %d records acknowledged, all there, none twice; %d in the log", n, acknowledged, len(seen))
}

// liveAndDie runs a child that records from seq on, kills it after a random while and
// returns the last record that it was told is stored, or seq − 1.
func liveAndDie(t *testing.T, rng *rand.Rand, dir string, seq uint32) uint32 {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d:%s", childEnv, seq, dir))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// Some die while they start, most while they write.
	timer := time.AfterFunc(time.Duration(rng.IntN(250))*time.Millisecond, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	last := seq - 1
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if v, err := strconv.ParseUint(lines.Text(), 10, 32); err == nil {
			last = max(last, uint32(v))
		}
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("the writer ended by itself: %v", err)
	}
	return last
}
