package pipeline

import (
	"context"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/telltale-net/telltale/collector/block"
	"github.com/telltale-net/telltale/collector/clocks"
	"github.com/telltale-net/telltale/collector/journal"
	"github.com/telltale-net/telltale/collector/ledger"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/report/send"
	"github.com/telltale-net/telltale/topology"
)

// running is a pipeline on a port of its own.
type running struct {
	*Pipeline
	addr netip.AddrPort
	stop func() error
}

func configFor(tb testing.TB) Config {
	cfg := DefaultConfig()
	cfg.Collector.Listen = "127.0.0.1:0"
	cfg.Journal.Dir, cfg.Journal.Reserve, cfg.Journal.BlockAge = tb.TempDir(), 0, 20*time.Millisecond
	return cfg
}

func start(tb testing.TB, cfg Config) *running {
	tb.Helper()
	ready := make(chan netip.AddrPort, 1)
	p, err := Open(context.Background(), cfg, func(a netip.AddrPort) { ready <- a })
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	r := &running{Pipeline: p}
	stopped := false
	var result error
	r.stop = func() error {
		if !stopped {
			cancel()
			result, stopped = <-done, true
		}
		return result
	}
	tb.Cleanup(func() { r.stop() })
	select {
	case r.addr = <-ready:
	case err := <-done:
		tb.Fatal(err)
	}
	return r
}

// settled waits until every datagram that was sent has arrived, or the kernel has told
// that it gave it up.
func (r *running) settled(tb testing.TB, sent uint64) {
	tb.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		s := r.Snapshot()
		if s.Datagrams+s.KernelDrops >= sent {
			return
		}
		if time.Now().After(end) {
			tb.Fatalf("after a minute: %d datagrams of %d, %d dropped by the kernel", s.Datagrams, sent, s.KernelDrops)
		}
	}
}

func load(tb testing.TB, cfg send.Config) send.Result {
	tb.Helper()
	res, err := send.Run(context.Background(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return res
}

func read(tb testing.TB, dir string) (records int, stats journal.ReadStats) {
	tb.Helper()
	cfg := journal.DefaultConfig()
	cfg.Dir, cfg.ReadOnly = dir, true
	j, err := journal.Open(context.Background(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	defer j.Close(context.Background())
	stats, err = j.Read(context.Background(), block.Query{}, func(b []postcard.Record) error {
		records += len(b)
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return records, stats
}

// lossIn returns what the log says of the loss of all time.
func lossIn(tb testing.TB, dir string) ledger.Loss {
	tb.Helper()
	cfg := journal.DefaultConfig()
	cfg.Dir, cfg.ReadOnly = dir, true
	j, err := journal.Open(context.Background(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	defer j.Close(context.Background())
	sum := ledger.NewSum(0, 0)
	stats, err := j.Pages(context.Background(), 0, 0, func(p *ledger.Page) error {
		sum.Add(p)
		return nil
	})
	if err != nil || stats.Damaged != 0 {
		tb.Fatalf("reading the ledger: %v, %+v", err, stats)
	}
	return sum.Loss()
}

// check holds an account after the end against what was sent and what the log holds.
func check(tb testing.TB, s *Snapshot, sent *send.Result, inLog int) {
	tb.Helper()
	a := &s.Account
	if a.InFlight != 0 || a.Records != a.Stored+a.ShedQueue+a.ShedLog {
		tb.Errorf("%d records decoded, %d stored, %d + %d shed, %d in flight", a.Records, a.Stored, a.ShedQueue, a.ShedLog, a.InFlight)
	}
	if a.Stored != uint64(inLog) {
		tb.Errorf("%d stored, %d in the log", a.Stored, inLog)
	}
	if a.Datagrams+a.KernelDrops != sent.Datagrams {
		tb.Errorf("%d datagrams sent, %d received, %d dropped by the kernel", sent.Datagrams, a.Datagrams, a.KernelDrops)
	}
	if a.Rejected != 0 || a.Malformed != 0 {
		tb.Errorf("%d rejected, %d malformed", a.Rejected, a.Malformed)
	}
}

func TestLoopbackToLog(t *testing.T) {
	cfg := configFor(t)
	cfg.Ledger = 20 * time.Millisecond
	r := start(t, cfg)
	if err := r.Ready(); err != nil {
		t.Errorf("not ready: %v", err)
	}
	sent := load(t, send.Config{To: r.addr, Rate: 100_000, Sources: 3, Coalesce: 15, Count: 20_000, FirstNode: 7})
	r.settled(t, sent.Datagrams)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	s := r.Snapshot()
	n, _ := read(t, cfg.Journal.Dir)
	check(t, &s, &sent, n)
	if s.KernelDrops == 0 && uint64(n) != sent.Reports {
		t.Errorf("%d reports sent, %d in the log", sent.Reports, n)
	}
	if err := r.Ready(); err == nil {
		t.Error("ready after the end")
	}
	l := lossIn(t, cfg.Journal.Dir)
	if l.Total.Received != s.Datagrams || l.Total.Records != s.Records || l.Total.Shed != s.ShedQueue || l.Kernel != s.KernelDrops || l.Uncovered != 0 || len(l.Streams) != 3 {
		t.Errorf("the ledger says %+v, the account %+v", l, s.Account)
	}
	if l.Total.Lost > int64(s.KernelDrops) { // those behind the last to arrive cannot be seen
		t.Errorf("the ledger says %d datagrams lost, the kernel dropped %d", l.Total.Lost, s.KernelDrops)
	}
}

// A disk without room: the log sheds, says so, and is not ready.
func TestLogSheds(t *testing.T) {
	cfg := configFor(t)
	cfg.Journal.Reserve = 1 << 62
	r := start(t, cfg)
	sent := load(t, send.Config{To: r.addr, Rate: 50_000, Sources: 1, Coalesce: 15, Count: 1500})
	for end := time.Now().Add(20 * time.Second); r.Snapshot().ShedLog == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing is shed")
		}
	}
	if err := r.Ready(); err == nil || !strings.Contains(err.Error(), "no room left") {
		t.Errorf("ready: got %v", err)
	}
	r.settled(t, sent.Datagrams)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	s := r.Snapshot()
	check(t, &s, &sent, 0)
	var b strings.Builder
	if err := s.WriteMetrics(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"telltale_account_records_decoded_total 1500\n", "telltale_account_records_stored_total 0\n",
		"telltale_account_records_shed_total{where=\"log\"} 1500\n", "telltale_account_records_in_flight 0\n", "telltale_log_alarm 1\n",
		"telltale_collector_source_restarts_total{source=\"127.0.0.1\",node=\"0\"",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("metrics: %q is missing", want)
		}
	}
}

// Every tap sees every record that the log takes, in the same order, and nothing after
// Run has returned.
func TestTaps(t *testing.T) {
	cfg := configFor(t)
	type name struct {
		node postcard.NodeID
		seq  uint32
	}
	var seen [2][]name
	for i := range seen {
		cfg.Taps = append(cfg.Taps, func(batch []postcard.Record) {
			for j := range batch {
				seen[i] = append(seen[i], name{batch[j].Node, batch[j].Seq})
			}
		})
	}
	r := start(t, cfg)
	sent := load(t, send.Config{To: r.addr, Rate: 100_000, Sources: 2, Coalesce: 5, Count: 5000})
	r.settled(t, sent.Datagrams)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	s := r.Snapshot()
	if sent.Reports != s.Records+s.KernelDrops*5 {
		t.Errorf("%d sent, %d arrived", sent.Reports, s.Records)
	}
	if uint64(len(seen[0])) != s.Stored || !slices.Equal(seen[0], seen[1]) {
		t.Errorf("%d records stored, taps saw %d and %d", s.Stored, len(seen[0]), len(seen[1]))
	}
	if n, _ := read(t, cfg.Journal.Dir); n != len(seen[0]) {
		t.Errorf("%d records in the log, a tap saw %d", n, len(seen[0]))
	}
}

// A log that takes nothing, and answers nothing, does not keep Run from ending, and all
// is accounted for.
func TestEndsInTime(t *testing.T) {
	ns, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	ns.Start()
	if !ns.ReadyForConnections(30 * time.Second) {
		t.Fatal("the NATS server did not start")
	}
	cfg := configFor(t)
	cfg.Journal.Dir, cfg.Journal.URL, cfg.Journal.Patience, cfg.Journal.Pending, cfg.Journal.BlockRecords = "", ns.ClientURL(), time.Hour, 1, 100
	cfg.Drain = 50 * time.Millisecond
	cfg.Collector.Queue, cfg.Collector.Batch = 2, 100
	r := start(t, cfg)
	ns.Shutdown()
	ns.WaitForShutdown()
	sent := load(t, send.Config{To: r.addr, Rate: 50_000, Sources: 1, Coalesce: 15, Count: 3000})
	r.settled(t, sent.Datagrams)
	if err := r.stop(); err == nil {
		t.Error("ended in order, want that records were given up")
	}
	s := r.Snapshot()
	check(t, &s, &sent, 0)
	if s.ShedQueue == 0 || s.ShedLog == 0 {
		t.Errorf("%d shed by the queue, %d by the log, want both", s.ShedQueue, s.ShedLog)
	}
}

// Clocks of two neighbours half a second apart: aligned by the packets of paths, after
// which transits are measured and none is negative.
func TestClocksAreAligned(t *testing.T) {
	f, err := topology.LeafSpine(topology.DefaultLeafSpine())
	if err != nil {
		t.Fatal(err)
	}
	const leaf, spine = 2002, 1001 // leaf2 port 1 leads to spine1 port 2
	ix, err := topology.NewIndex(f)
	if err != nil {
		t.Fatal(err)
	}
	cfg := configFor(t)
	cfg.Topology = ix
	p := newPaths(&cfg)
	const apart = 500_000_000
	feed := func(first int) {
		for i := first; i < first+2000; i++ {
			at := uint64(1_000_000_000 + i*1_000_000)
			flow := postcard.Flow{Src: postcard.Addr{15: byte(i % 2)}, SrcPort: uint16(i), Proto: 17}
			hop := func(node postcard.NodeID, in, out uint32, arrive, leave uint64) postcard.Record {
				return postcard.Record{
					Received: int64(at), Node: node, InPort: in, OutPort: out, Ingress: arrive, Egress: leave, PacketID: uint16(i), Inner: flow,
					Has: postcard.HasPorts | postcard.HasIngress | postcard.HasEgress | postcard.HasPacketID | postcard.HasInner,
				}
			}
			wire := uint64(5000 + i%7*300)
			if i%2 == 0 { // up
				p.observe([]postcard.Record{hop(leaf, 9, 1, at, at+2000), hop(spine, 2, 3, at+2000+wire+apart, at+9000+apart)})
			} else {
				p.observe([]postcard.Record{hop(spine, 3, 2, at+apart, at+2000+apart), hop(leaf, 1, 9, at+2000+wire, at+9000)})
			}
		}
		p.finish()
	}
	feed(0)
	p.align()
	feed(2000)
	s, aligned := p.snapshot()
	for _, c := range aligned.Clocks() {
		want := 0.0
		if c.Node != aligned.Reference {
			want = apart
			if c.Node == leaf {
				want = -apart
			}
		}
		if d := c.Offset - want; !c.Aligned || d < -1000 || d > 1000 {
			t.Errorf("clock of node %d: got %+v, want an offset of %v", c.Node, c, want)
		}
	}
	if s.Transits[clocks.Unaligned] != 2000 || s.Transits[clocks.Impossible] != 0 || s.Transits[clocks.Measured]+s.Transits[clocks.Small] != 2000 || s.Negative != 0 {
		t.Errorf("transits: got %v", s.Transits)
	}
	var b strings.Builder
	if err := (&Snapshot{Paths: s, Aligned: aligned}).WriteMetrics(&b); err != nil || !strings.Contains(b.String(), `telltale_clock_aligned{node="1001",`) {
		t.Errorf("metrics: %v\n%s", err, b.String())
	}
}

// However many records come, only as many as the rate allows are put together, and of a
// packet all hops or none.
func TestPathsAreSampled(t *testing.T) {
	cfg := configFor(t)
	cfg.PathRate = 1000
	p := newPaths(&cfg)
	for second := range 5 {
		for i := range 50_000 {
			r := postcard.Record{Received: int64(second)*1e9 + int64(i), PacketID: uint16(i), Has: postcard.HasPacketID | postcard.HasInner, Inner: postcard.Flow{SrcPort: uint16(i >> 10), Proto: 6}}
			r.Node = 1
			other := r
			other.Node = 2
			p.observe([]postcard.Record{r, other})
		}
	}
	p.finish()
	s, _ := p.snapshot()
	if s.Seen != 500_000 || s.Chosen > 5*2*1000 || s.Chosen < 1000 {
		t.Errorf("got %d of %d records chosen, want about 1000 for each of 5 seconds", s.Chosen, s.Seen)
	}
	if s.Hops.Paths*2 > s.Chosen+20 {
		t.Errorf("got %d paths of %d records, want two records for each", s.Hops.Paths, s.Chosen)
	}
}

func TestCheckSaysEverything(t *testing.T) {
	cfg := DefaultConfig()
	cfg.PathWindow, cfg.Collector.Sockets = 0, 0
	err := cfg.Check()
	for _, want := range []string{"sockets: got 0", "want one of them", "path window: got 0"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
	if _, err := Open(t.Context(), cfg, nil); err == nil {
		t.Error("opened all the same")
	}
	var s Snapshot
	if err := s.WriteMetrics(io.Discard); err != nil {
		t.Error(err)
	}
}
