package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"github.com/telltale-net/telltale/collector/block"
	"github.com/telltale-net/telltale/collector/ledger"
	"github.com/telltale-net/telltale/collector/postcard"
)

func TestMain(m *testing.M) {
	if child() {
		return
	}
	goleak.VerifyTestMain(m)
}

const second = int64(time.Second)

// numbered makes n records that tell themselves apart by Seq, from seq on, a
// millisecond from one to the next.
func numbered(seq uint32, n int) []postcard.Record {
	out := make([]postcard.Record, n)
	for i := range out {
		id := seq + uint32(i)
		out[i] = postcard.Record{
			Received: 1_800_000_000*second + int64(id)*1_000_000,
			Ingress:  uint64(id) * 1_000_000,
			Has:      postcard.HasIngress | postcard.HasInner,
			Node:     postcard.NodeID(1 + id%7),
			Seq:      id,
			Inner:    postcard.Flow{Src: postcard.Addr{15: byte(id % 50)}, SrcPort: uint16(id % 50), Proto: 17},
		}
	}
	return out
}

func open(t *testing.T, change func(*Config)) *Journal {
	t.Helper()
	cfg := DefaultConfig()
	cfg.BlockAge = 50 * time.Millisecond
	cfg.BlockRecords = 500
	cfg.Reserve = 0
	change(&cfg)
	j, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func closing(t *testing.T, j *Journal) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := j.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

// seqs reads what the query wants.
func seqs(t *testing.T, j *Journal, q block.Query) ([]uint32, ReadStats) {
	t.Helper()
	var out []uint32
	stats, err := j.Read(t.Context(), q, func(records []postcard.Record) error {
		for i := range records {
			out = append(out, records[i].Seq)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if stats.Damaged != 0 {
		t.Fatalf("%d blocks damaged: %v", stats.Damaged, stats.Damage)
	}
	return out, stats
}

func wantSeqs(t *testing.T, got []uint32, from, to uint32) {
	t.Helper()
	if !slices.Equal(got, count(from, to)) {
		t.Errorf("got %d records (%v…), want %d to %d", len(got), got[:min(len(got), 5)], from, to)
	}
}

func count(from, to uint32) []uint32 {
	var out []uint32
	for ; from < to; from++ {
		out = append(out, from)
	}
	return out
}

func TestWhatIsStoredIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	var stored int
	j := open(t, func(c *Config) {
		c.Dir = dir
		c.OnStored = func(r []postcard.Record) { stored += len(r) }
	})
	for i := range uint32(30) {
		if err := j.Append(numbered(i*100, 100)); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, _ := seqs(t, j, block.Query{})
	wantSeqs(t, got, 0, 3000)
	if s := j.Stats(); s.Appended != 3000 || s.Stored != 3000 || s.Shed != 0 || s.Alarm != "" || stored != 3000 {
		t.Errorf("got stats %+v and %d records acknowledged, want 3000 appended, stored and acknowledged", s, stored)
	}
	if err := j.Append(numbered(3000, 10)); err != nil { // left to Close
		t.Fatal(err)
	}
	closing(t, j)
	if err := j.Append(numbered(0, 1)); !errors.Is(err, ErrClosed) {
		t.Errorf("append after close: got %v, want ErrClosed", err)
	}

	j = open(t, func(c *Config) { c.Dir = dir })
	defer closing(t, j)
	got, _ = seqs(t, j, block.Query{})
	wantSeqs(t, got, 0, 3010)
}

func TestQueriesOpenLittle(t *testing.T) {
	j := open(t, func(c *Config) { c.Dir = t.TempDir() })
	defer closing(t, j)
	const n = 60_000 // a minute of records: six or seven slots, twenty blocks each
	if err := j.Append(numbered(0, n)); err != nil {
		t.Fatal(err)
	}
	if err := j.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	at := func(id int64) int64 { return 1_800_000_000*second + id*1_000_000 }

	got, stats := seqs(t, j, block.Query{From: at(25_000), To: at(26_000)})
	wantSeqs(t, got, 25_000, 26_000)
	if stats.Blocks > 21 || stats.Opened > 3 {
		t.Errorf("a second: looked at %d blocks and opened %d, want at most 21 and 3", stats.Blocks, stats.Opened)
	}
	got, _ = seqs(t, j, block.Query{From: at(59_990), To: at(99_990)})
	wantSeqs(t, got, 59_990, n)
	got, _ = seqs(t, j, block.Query{From: at(0), To: at(4_000_000)}) // by buckets
	wantSeqs(t, got, 0, n)
	got, _ = seqs(t, j, block.Query{From: at(n)})
	wantSeqs(t, got, 0, 0)

	flow := postcard.Flow{Src: postcard.Addr{15: 3}, SrcPort: 3, Proto: 17}
	got, _ = seqs(t, j, block.Query{Flows: []postcard.Flow{flow}, Nodes: []postcard.NodeID{1}, To: at(10_000)})
	for _, id := range got {
		if id%50 != 3 || id%7 != 0 || id >= 10_000 {
			t.Errorf("got record %d, want those of flow 3 and node 1 before 10000", id)
		}
	}
	if want := 28; len(got) != want {
		t.Errorf("got %d records of flow 3 and node 1, want %d", len(got), want)
	}
	_, stats = seqs(t, j, block.Query{Nodes: []postcard.NodeID{99}})
	if stats.Opened > stats.Blocks/10 {
		t.Errorf("a node that is not there: opened %d of %d blocks", stats.Opened, stats.Blocks)
	}

	blocks, records := 0, 0
	if _, err := j.List(t.Context(), 0, 0, func(e Entry) error {
		blocks++
		records += e.Header.Records
		return nil
	}); err != nil || records != n || uint64(blocks) != j.Stats().Blocks {
		t.Errorf("list: got %d blocks with %d records and error %v, want %d with %d", blocks, records, err, j.Stats().Blocks, n)
	}
}

func TestFollow(t *testing.T) {
	j := open(t, func(c *Config) { c.Dir = t.TempDir() })
	defer closing(t, j)
	if err := j.Append(numbered(0, 100)); err != nil {
		t.Fatal(err)
	}
	if err := j.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	seen := make(chan uint32, 10_000)
	var running sync.WaitGroup
	running.Go(func() {
		if _, err := j.Follow(ctx, block.Query{}, func(records []postcard.Record) error {
			for i := range records {
				seen <- records[i].Seq
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
	next := uint32(100) // Follow starts some time: what comes before is not its
	var first uint32
	for first == 0 {
		if err := j.Append(numbered(next, 100)); err != nil {
			t.Fatal(err)
		}
		next += 100
		select {
		case first = <-seen:
		case <-time.After(100 * time.Millisecond):
		}
	}
	if err := j.Append(numbered(next, 1000)); err != nil {
		t.Fatal(err)
	}
	for want := first + 1; want < next+1000; want++ {
		if got := <-seen; got != want {
			t.Fatalf("got record %d, want %d", got, want)
		}
	}
	cancel()
	running.Wait()
}

func TestRetention(t *testing.T) {
	dir := t.TempDir()
	j := open(t, func(c *Config) {
		c.Dir = dir
		c.MaxBytes = 30_000
	})
	defer closing(t, j)
	for i := range uint32(40) {
		if err := j.Append(numbered(i*500, 500)); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, stats := seqs(t, j, block.Query{})
	if len(got) == 0 || len(got) == 20_000 || stats.Bytes > 30_000 {
		t.Fatalf("got %d records in %d bytes, want some of 20000 in at most 30000", len(got), stats.Bytes)
	}
	wantSeqs(t, got, 20_000-uint32(len(got)), 20_000)
}

func TestOneProcessPerFolder(t *testing.T) {
	dir := t.TempDir()
	j := open(t, func(c *Config) { c.Dir = dir })
	defer closing(t, j)
	cfg := DefaultConfig()
	cfg.Dir = dir
	if _, err := Open(t.Context(), cfg); err == nil {
		t.Error("the folder of an open log was opened again")
	}
}

func TestConfigErrors(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"nowhere":        func(c *Config) { c.Dir = "" },
		"two places":     func(c *Config) { c.URL = "nats://x" },
		"stream":         func(c *Config) { c.Stream = "a.b" },
		"key":            func(c *Config) { c.Key = "k" },
		"block":          func(c *Config) { c.BlockRecords = block.MaxRecords + 1 },
		"age of a block": func(c *Config) { c.BlockAge = 0 },
	} {
		cfg := DefaultConfig()
		cfg.Dir = "x"
		change(&cfg)
		if err := cfg.Check(); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestNoSecretInErrors(t *testing.T) {
	got := redact("nats://user:secret@127.0.0.1:1, nats://token@127.0.0.1:2")
	if want := "nats://%E2%80%A6@127.0.0.1:1,nats://%E2%80%A6@127.0.0.1:2"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func Example() {
	dir := "" // a folder
	cfg := DefaultConfig()
	cfg.Dir = dir
	_, err := Open(context.Background(), cfg)
	fmt.Println(err)
	// Output: journal configuration: got folder "" and URL "", want one of them
}

// A log that is closed before it could take everything counts the rest as shed, also
// where Append waits.
func TestAbandon(t *testing.T) {
	ns, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	ns.Start()
	if !ns.ReadyForConnections(30 * time.Second) {
		t.Fatal("the NATS server did not start")
	}
	shed := 0
	j := open(t, func(c *Config) {
		c.URL, c.Pending, c.Patience = ns.ClientURL(), 1, time.Hour
		c.OnShed = func(r []postcard.Record, _ error) { shed += len(r) }
	})
	ns.Shutdown()
	ns.WaitForShutdown()
	done := make(chan error, 1)
	go func() { done <- j.Append(numbered(1, 3000)) }()
	for j.Stats().Appended < 1500 { // one block is tried, one waits, one is to wait
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := j.Close(ctx); !errors.Is(err, ErrAbandoned) && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close: got %v, want that records were given up", err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if s := j.Stats(); s.Appended != 3000 || s.Stored != 0 || s.Shed != 3000 || shed != 3000 {
		t.Errorf("got %+v and %d told as shed, want 3000 shed", s, shed)
	}
}

func TestReadOnly(t *testing.T) {
	readOnly := DefaultConfig()
	readOnly.Dir, readOnly.ReadOnly, readOnly.MaxBytes = t.TempDir(), true, 1 // a limit that would empty the log
	if _, err := Open(t.Context(), readOnly); err == nil {
		t.Fatal("opened a log that is not there")
	}
	j := open(t, func(c *Config) { c.Dir = readOnly.Dir })
	if err := j.Append(numbered(1, 1000)); err != nil {
		t.Fatal(err)
	}
	closing(t, j)
	j, err := Open(t.Context(), readOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, j)
	if err := j.Append(numbered(1, 1)); !errors.Is(err, ErrReadOnly) {
		t.Errorf("Append: got %v", err)
	}
	got, _ := seqs(t, j, block.Query{})
	wantSeqs(t, got, 1, 1001)
}

// TestPages keeps pages between blocks and asks for those of windows, before and after
// the log was closed.
func TestPages(t *testing.T) {
	dir := t.TempDir()
	j := open(t, func(c *Config) { c.Dir = dir })
	const start = 1_800_000_000 * second
	for i := range int64(30) {
		if err := j.Append(numbered(uint32(i*10_000), 1)); err != nil {
			t.Fatal(err)
		}
		p := ledger.Page{From: start + i*10*second, To: start + (i+1)*10*second, Kernel: uint64(i)}
		if err := j.Keep(t.Context(), &p); err != nil {
			t.Fatal(err)
		}
	}
	asked := func(j *Journal) {
		t.Helper()
		for _, c := range []struct{ from, to, first, last int64 }{
			{0, 0, 0, 29}, {start + 55*second, start + 61*second, 5, 6}, {start + 60*second, start + 70*second, 6, 6},
			{0, start + 1, 0, 0}, {start + 290*second, 0, 29, 29}, {start + 1000*second, start + 2000*second, 0, -1},
		} {
			next := c.first
			stats, err := j.Pages(t.Context(), c.from, c.to, func(p *ledger.Page) error {
				if p.Kernel != uint64(next) {
					t.Errorf("%d to %d: got page %d, want %d", c.from, c.to, p.Kernel, next)
				}
				next++
				return nil
			})
			if err != nil || next != c.last+1 || stats.Damaged != 0 {
				t.Errorf("%d to %d: got pages up to %d, want %d; %+v, %v", c.from, c.to, next-1, c.last, stats, err)
			}
		}
		got, _ := seqs(t, j, block.Query{})
		if len(got) != 30 {
			t.Errorf("got %d records beside the pages, want 30", len(got))
		}
	}
	if err := j.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	asked(j)
	closing(t, j)
	if err := j.Keep(t.Context(), &ledger.Page{}); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: got %v", err)
	}
	j = open(t, func(c *Config) { c.Dir, c.ReadOnly = dir, true })
	asked(j)
	if err := j.Keep(t.Context(), &ledger.Page{}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("read only: got %v", err)
	}
	closing(t, j)
}
