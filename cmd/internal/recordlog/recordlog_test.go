package recordlog

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/telltale-net/telltale/collector"
	"github.com/telltale-net/telltale/collector/block"
	"github.com/telltale-net/telltale/collector/journal"
	"github.com/telltale-net/telltale/collector/ledger"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/collector/report/profile"
	"github.com/telltale-net/telltale/collector/sequence"
	"github.com/telltale-net/telltale/topology"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// randomRecord is a record as a collector makes them: fields that are not reported are
// zero.
func randomRecord(rng *rand.Rand) postcard.Record {
	const all = postcard.HasInner<<1 - 1
	r := postcard.Record{Node: postcard.NodeID(rng.Uint32()), HwID: uint8(rng.IntN(64)), Flags: postcard.Flags(rng.IntN(16)), Has: postcard.Fields(rng.Uint32()) & all}
	if r.Has&postcard.HasInner == 0 {
		r.Has &^= postcard.HasOuter
	}
	set := func(f postcard.Fields, do func()) {
		if r.Has&f != 0 {
			do()
		}
	}
	address := func(v6 bool) (a postcard.Addr) {
		if v6 {
			a = postcard.AddrFrom(netip.MustParseAddr("2001:db8::1"))
			a[15], a[9] = byte(rng.Uint32()), byte(rng.Uint32())
			return a
		}
		return postcard.AddrFrom(netip.AddrFrom4([4]byte{10, byte(rng.Uint32()), byte(rng.Uint32()), 1}))
	}
	flow := func(proto uint8) postcard.Flow {
		v6 := rng.IntN(2) == 0
		f := postcard.Flow{Src: address(v6), Dst: address(v6), Proto: proto}
		if proto == 6 || proto == 17 {
			f.SrcPort, f.DstPort = uint16(rng.Uint32()), uint16(1+rng.IntN(1000))
		}
		return f
	}
	set(postcard.HasPorts, func() { r.InPort, r.OutPort = rng.Uint32()>>(rng.IntN(2)*16), rng.Uint32()>>16 })
	set(postcard.HasLatency, func() { r.Latency = rng.Uint32() })
	set(postcard.HasDropReason, func() { r.DropReason, r.Queue = uint8(rng.Uint32()), uint8(rng.Uint32()) })
	set(postcard.HasQueue, func() { r.Queue, r.QueueDepth = uint8(rng.Uint32()), rng.Uint32()>>8 })
	set(postcard.HasIngress, func() { r.Ingress = rng.Uint64() })
	set(postcard.HasEgress, func() { r.Egress = rng.Uint64() })
	if both := postcard.HasIngress | postcard.HasEgress; r.Has&both == both {
		r.Egress = r.Ingress + rng.Uint64N(1e9)
		if r.Has&postcard.HasLatency == 0 { // the collector tells it from the times
			r.Has |= postcard.HasLatency
			r.Latency = uint32(r.Egress - r.Ingress)
		}
	}
	set(postcard.HasPacketID, func() {
		r.PacketID, r.Epoch, r.Colour, r.Stage = uint16(rng.Uint32()), uint8(rng.IntN(2)), uint8(rng.IntN(4)), postcard.Stage(rng.IntN(2))
	})
	set(postcard.HasFlowHash, func() { r.FlowHash = rng.Uint32() })
	set(postcard.HasLength, func() { r.Length = uint16(rng.Uint32()) })
	set(postcard.HasEnqDepth, func() { r.EnqDepth = rng.Uint32() })
	set(postcard.HasRule, func() { r.Rule = rng.Uint32() })
	set(postcard.HasInner, func() { r.Inner = flow([]uint8{6, 17, 132}[rng.IntN(2)]) })
	set(postcard.HasOuter, func() {
		r.Outer = flow(17)
		r.Outer.DstPort = []uint16{vxlanPort, genevePort}[rng.IntN(2)]
		r.Has |= postcard.HasVNI
	})
	set(postcard.HasVNI, func() { r.VNI = rng.Uint32() >> 8 })
	if r.DropReason == 131 { // a nested overlay's outer header is the tenant's own, and told as the inner flow
		r.DropReason = 1
	}
	return r
}

// A collector makes the same records of re-encoded ones.
func TestReencode(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	c, err := collector.New(collector.DefaultConfig(), collector.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	var e Reencoder
	var enc report.Encoder
	for i := range 20_000 {
		want := randomRecord(rng)
		if err := enc.Reset(report.Group{NodeID: uint32(want.Node), HwID: want.HwID}); err != nil {
			t.Fatal(err)
		}
		if err := enc.Add(e.Report(&want)); err != nil {
			t.Fatalf("record %d: %v: %+v", i, err, want)
		}
		n := 0
		c.Ingest(0, netip.MustParseAddrPort("10.0.0.1:1"), enc.Bytes(), func(got *postcard.Record) {
			if n++; *got != want {
				t.Fatalf("record %d of %x (-got, +want):\n%s", i, enc.Bytes(), cmp.Diff(*got, want))
			}
		})
		if n != 1 {
			t.Fatalf("record %d: got %d records of %x", i, n, enc.Bytes())
		}
	}
	if e.Simplified != 0 {
		t.Errorf("%d records simplified", e.Simplified)
	}
	// A tunnel that is not known: the outer flow is left out.
	gre := postcard.Record{Has: postcard.HasInner | postcard.HasOuter, Inner: postcard.Flow{Src: postcard.Addr{10: 0xff, 11: 0xff, 15: 1}, Proto: 6}, Outer: postcard.Flow{Proto: 47}}
	if e.Report(&gre); e.Simplified != 1 {
		t.Errorf("got %d simplified, want 1", e.Simplified)
	}
}

// sourceOf is a source of records in memory, a few at a time.
func sourceOf(records []postcard.Record) Source {
	return func(_ context.Context, fn func([]postcard.Record) error) error {
		for len(records) > 0 {
			n := min(7, len(records))
			if err := fn(append([]postcard.Record(nil), records[:n]...)); err != nil {
				return err
			}
			records = records[n:]
		}
		return nil
	}
}

func collectAll(t *testing.T, from Source) (out []postcard.Record) {
	t.Helper()
	err := from(t.Context(), func(b []postcard.Record) error {
		out = append(out, b...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRelay(t *testing.T) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	rng := rand.New(rand.NewPCG(3, 4))
	var want []postcard.Record
	for i := range 200 {
		r := randomRecord(rng)
		r.Node, r.HwID = postcard.NodeID(1+i/5%3), 2
		want = append(want, r)
	}
	sent, err := Relay(t.Context(), sourceOf(want), conn.LocalAddr().(*net.UDPAddr).AddrPort())
	if err != nil || sent.Records != 200 || sent.Nodes != 3 {
		t.Fatalf("got %v, %v", sent, err)
	}
	c, err := collector.New(collector.DefaultConfig(), collector.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[postcard.NodeID][]postcard.Record{}
	buf := make([]byte, 2000)
	for range sent.Datagrams {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			t.Fatal(err)
		}
		c.Ingest(0, from, buf[:n], func(r *postcard.Record) {
			r.Seq = 0
			got[r.Node] = append(got[r.Node], *r)
		})
	}
	byNode := map[postcard.NodeID][]postcard.Record{}
	for _, r := range want {
		byNode[r.Node] = append(byNode[r.Node], r)
	}
	if diff := cmp.Diff(got, byNode); diff != "" {
		t.Errorf("records (-got, +want):\n%s", diff)
	}
	if s := c.Snapshot(); s.Sum.Lost != 0 || s.Sum.Malformed != 0 || s.Datagrams != sent.Datagrams {
		t.Errorf("got %d lost, %d malformed, %d datagrams of %d", s.Sum.Lost, s.Sum.Malformed, s.Datagrams, sent.Datagrams)
	}
}

func TestPaced(t *testing.T) {
	var want []postcard.Record
	for i := range 50 {
		want = append(want, postcard.Record{Received: 1e18 + int64(i)*1_000_000, Seq: uint32(i)})
	}
	began := time.Now()
	got := collectAll(t, Paced(sourceOf(want), 2))
	if took := time.Since(began); took < 24*time.Millisecond {
		t.Errorf("49 ms at twice the speed took %v", took)
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Error(diff)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Paced(sourceOf(want), 1e-3)(ctx, func([]postcard.Record) error { return nil }); err == nil {
		t.Error("went on after the end of its context")
	}
}

func TestQuery(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	f := Filter{From: "15m", To: "2001-09-09T01:46:40Z", Flows: []string{"[2001:db8::1]:1,[2001:db8::2]:2,TCP"}, Addresses: []string{"10.0.0.1"}, Nodes: []uint{7}, VNIs: []uint{9}, Reasons: []uint{71}, MinLatency: time.Millisecond}
	got, err := f.Query(now)
	want := block.Query{
		From: (1_000_000 - 900) * 1e9, To: 1e18, Nodes: []postcard.NodeID{7}, VNIs: []uint32{9}, Reasons: []uint8{71}, MinLatency: 1e6,
		Flows:     []postcard.Flow{{Src: netip.MustParseAddr("2001:db8::1").As16(), Dst: netip.MustParseAddr("2001:db8::2").As16(), SrcPort: 1, DstPort: 2, Proto: 6}},
		Addresses: []postcard.Addr{netip.MustParseAddr("10.0.0.1").As16()},
	}
	if diff := cmp.Diff(got, want); err != nil || diff != "" {
		t.Errorf("%v (-got, +want):\n%s", err, diff)
	}
	for _, bad := range []Filter{
		{From: "yesterday"}, {Flows: []string{"10.0.0.1:1,10.0.0.2:2"}}, {Flows: []string{"10.0.0.1,10.0.0.2:2,6"}}, {Flows: []string{"10.0.0.1:1,10.0.0.2:2,x"}},
		{Addresses: []string{"x"}}, {Nodes: []uint{1 << 32}}, {VNIs: []uint{1 << 24}}, {Reasons: []uint{256}}, {MinLatency: 5 * time.Second},
	} {
		if _, err := bad.Query(now); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

func TestJSON(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		r := randomRecord(rng)
		b := AppendJSON(nil, &r, profile.Telltale.Reasons)
		var v map[string]any
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatalf("%v in %s", err, b)
		}
		if _, ok := v["latency_ns"]; ok != (r.Has&postcard.HasLatency != 0) {
			t.Errorf("latency of %+v: %s", r, b)
		}
		AppendRow(nil, &r, nil)
	}
}

// What is put into a log comes out of it, listed, counted and into the analyzers.
func TestLog(t *testing.T) {
	cfg := journal.DefaultConfig()
	cfg.Dir, cfg.Reserve = t.TempDir(), 0
	j, err := journal.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close(context.Background())
	fabric, err := topology.LeafSpine(topology.DefaultLeafSpine())
	if err != nil {
		t.Fatal(err)
	}
	var in []postcard.Record
	for i := range 3000 {
		r := postcard.Record{
			Received: 1_800_000_000e9 + int64(i)*1_000_000, Node: 2001, Seq: uint32(i), InPort: 3, OutPort: 1, Queue: 0, QueueDepth: 1,
			Ingress: uint64(i) * 1_000_000, Egress: uint64(i)*1_000_000 + 4000, Latency: 4000, VNI: 1001, PacketID: uint16(i), Length: 200,
			Has:   postcard.HasPorts | postcard.HasQueue | postcard.HasIngress | postcard.HasEgress | postcard.HasLatency | postcard.HasVNI | postcard.HasPacketID | postcard.HasLength | postcard.HasInner,
			Inner: postcard.Flow{Src: netip.MustParseAddr("192.168.0.1").As16(), Dst: netip.MustParseAddr("192.168.0.2").As16(), SrcPort: 1, DstPort: 2, Proto: 6},
		}
		if i%3 == 0 {
			r.Flags, r.DropReason = postcard.Dropped, 30
			r.Has |= postcard.HasDropReason
			r.Has &^= postcard.HasEgress | postcard.HasLatency
			r.Egress, r.Latency = 0, 0
		}
		in = append(in, r)
	}
	lost := ledger.Page{From: 1_799_999_990e9, To: 1_800_000_010e9, Lines: []ledger.Line{{Key: sequence.Key{Node: 2001, Version: 2}, Counts: ledger.Counts{Received: 3000, Lost: 1000}}}}
	pages := pages{list: []ledger.Page{lost}}
	if err := Record(t.Context(), sourceOf(in), pages.hand, j); err != nil {
		t.Fatal(err)
	}
	var stats journal.ReadStats
	source := FromLog(j, block.Query{}, &stats)
	if diff := cmp.Diff(collectAll(t, source), in); diff != "" {
		t.Errorf("records (-got, +want):\n%s", diff)
	}
	s, _, err := Count(t.Context(), j, block.Query{}, profile.Telltale.Reasons)
	if err != nil || s.Records != 3000 || s.Drops != 1000 || len(s.Nodes) != 1 || s.Nodes[0].Drops != 1000 || s.Reasons[0].Drops != 1000 || s.LastNS-s.FirstNS != 2999e6 {
		t.Errorf("got %+v, %v", s, err)
	}
	var b bytes.Buffer
	if _, err := List(t.Context(), &b, j, &block.Query{}, Output{JSON: true}); err != nil || strings.Count(b.String(), `"records":`) != s.Blocks {
		t.Errorf("%v: %s", err, b.String())
	}
	b.Reset()
	if _, err := Cat(t.Context(), &b, j, block.Query{Dropped: true}, Output{}); err != nil || strings.Count(b.String(), "\n") != 1001 {
		t.Errorf("%v: %d lines", err, strings.Count(b.String(), "\n"))
	}
	for name, want := range map[string]string{
		"drops":    `"node":"leaf1","port":1,"vni":1001,"packets":1000`,
		"latency":  `"node":"leaf1","port":1,"peer":"spine1","queue":0,"packets":2000`,
		"incident": `"report_loss":0.25`,
		"blame":    `"packets":`,
		"flowset":  `"account":{"postcards":3000,`,
		"queue":    `"node":"leaf1:1"`,
	} {
		b.Reset()
		loss, err := Analyze(t.Context(), &b, Input{Records: source, Losses: LedgerOf(j), Limit: 5000}, name, fabric)
		if err != nil || !strings.Contains(b.String(), want) {
			t.Errorf("%s: %v: want %s in\n%.600s", name, err, want, b.String())
		}
		if loss.Fraction != 0.25 || strings.Contains(b.String(), `{"loss":`) == (name == "queue") {
			t.Errorf("%s: got loss %+v, and in the output\n%s", name, loss, b.String()[max(0, b.Len()-600):])
		}
	}
	if _, err := Analyze(t.Context(), &b, Input{Records: source, Losses: LedgerOf(j), Limit: 100}, "queue", fabric); err == nil {
		t.Error("more records than the limit were taken")
	}
}

// TestCapturePages walks through a capture with a long silence: the pages have every
// datagram once, and leave out only what is longer than anyone would wait.
func TestCapturePages(t *testing.T) {
	c, err := collector.New(collector.DefaultConfig(), collector.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	p := pages{c: c}
	const second = int64(1e9)
	seq := uint32(0)
	for _, at := range []int64{3, 4, 9, 10, 11, 200, 50_000, 50_001} {
		p.at(at * second)
		c.Ingest(at*second, netip.MustParseAddrPort("10.0.0.1:1"), []byte{0x20, 0, 0, byte(seq), 0, 0, 0, 1, 0, 0, 0, 0}, func(*postcard.Record) {})
		seq += 2
	}
	p.finish()
	sum := ledger.NewSum(0, 0)
	for i := range p.list {
		if page := &p.list[i]; page.To-page.From > pageSpan {
			t.Errorf("a page tells of %d ns, want at most %d", page.To-page.From, pageSpan)
		}
		sum.Add(&p.list[i])
	}
	l := sum.Loss()
	if l.Total.Received != 8 || l.Total.Lost != 7 || l.From != 3*second || l.To != 50_001*second+1 || l.Uncovered < 30_000*second || l.Uncovered > 45_000*second {
		t.Errorf("got %+v", l)
	}
}
