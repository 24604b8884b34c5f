package pipeline

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/telltale-net/telltale/collector/block"
	"github.com/telltale-net/telltale/collector/journal"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/report/send"
)

var kills = flag.Int("kills", 5, "how often TestKilled kills a collector under load")

const childEnv = "TELLTALE_PIPELINE_CHILD" // FOLDER

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		child(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// child is the life of the collector that TestKilled kills: it says where it listens
// and, after every block, how many records it was told are stored.
func child(dir string) {
	cfg := DefaultConfig()
	cfg.Collector.Listen = "127.0.0.1:0"
	cfg.Journal.Dir, cfg.Journal.Reserve, cfg.Journal.BlockRecords, cfg.Journal.BlockAge = dir, 0, 1000, 20*time.Millisecond
	stored := 0
	cfg.Journal.OnStored = func(r []postcard.Record) {
		stored += len(r)
		fmt.Printf("stored %d\n", stored)
	}
	p, err := Open(context.Background(), cfg, func(a netip.AddrPort) { fmt.Printf("listening %v\n", a) })
	if err == nil {
		err = p.Run(context.Background())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// TestKilled kills a collector under load, again and again: after each time the log
// holds what the collector was told is stored, or more, and nothing twice.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 0))
	acknowledged := map[postcard.NodeID]int{}
	for round := range *kills {
		node := postcard.NodeID(round + 1)
		acknowledged[node] = liveAndDie(t, rng, dir, uint32(node))
		type report struct {
			node   postcard.NodeID
			seq    uint32
			packet uint16
		}
		seen := map[report]bool{}
		got := map[postcard.NodeID]int{}
		cfg := journal.DefaultConfig()
		cfg.Dir, cfg.ReadOnly = dir, true
		j, err := journal.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		stats, err := j.Read(t.Context(), block.Query{}, func(b []postcard.Record) error {
			for i := range b {
				r := report{b[i].Node, b[i].Seq, b[i].PacketID}
				if seen[r] {
					return fmt.Errorf("round %d: %+v is there twice", round, r)
				}
				seen[r] = true
				got[r.node]++
			}
			return nil
		})
		if err != nil || stats.Damaged != 0 {
			t.Fatalf("round %d: %v, %+v", round, err, stats)
		}
		if err := j.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		for n, want := range acknowledged {
			if got[n] < want {
				t.Fatalf("round %d: of node %d %d records are there, %d were acknowledged", round, n, got[n], want)
			}
		}
	}
	t.Logf("acknowledged by round: %v", acknowledged)
}

// liveAndDie runs a child under load, kills it and returns how many records it was told
// are stored.
func liveAndDie(t *testing.T, rng *rand.Rand, dir string, node uint32) (stored int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	sending := make(chan error, 1)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		text := lines.Text()
		if addr, ok := strings.CutPrefix(text, "listening "); ok {
			time.AfterFunc(time.Duration(rng.IntN(400))*time.Millisecond, func() { _ = cmd.Process.Kill() })
			go func() {
				_, err := send.Run(ctx, send.Config{To: netip.MustParseAddrPort(addr), Rate: 100_000, Sources: 1, Coalesce: 15, Duration: time.Minute, FirstNode: node})
				sending <- err
			}()
		}
		_, _ = fmt.Sscanf(text, "stored %d", &stored) // a line that was cut keeps the number before
	}
	cancel()
	if err := <-sending; err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("the collector ended by itself: %v", err)
	}
	return stored
}
