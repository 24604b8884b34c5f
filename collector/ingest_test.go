package collector

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/sequence"
)

func TestIngestGivesTheRecordOfAHop(t *testing.T) {
	c := collectorFor(t, nil, Deps{})
	var got []postcard.Record
	c.Ingest(77, source, datagram(t, 5, 9, 2), func(r *postcard.Record) { got = append(got, *r) })
	flow := func(src, dst string, sport, dport uint16, proto uint8) postcard.Flow {
		return postcard.Flow{
			Src: postcard.AddrFrom(netip.MustParseAddr(src)), Dst: postcard.AddrFrom(netip.MustParseAddr(dst)),
			SrcPort: sport, DstPort: dport, Proto: proto,
		}
	}
	want := postcard.Record{
		Received: 77, Ingress: 1_000_000, Egress: 1_003_000,
		Has: postcard.HasPorts | postcard.HasLatency | postcard.HasQueue | postcard.HasIngress | postcard.HasEgress |
			postcard.HasEnqDepth | postcard.HasPacketID | postcard.HasFlowHash | postcard.HasVNI | postcard.HasLength |
			postcard.HasOuter | postcard.HasInner,
		Node: 5, Seq: 9, HwID: 3, InPort: 1, OutPort: 2, Latency: 3000, QueueDepth: 5, EnqDepth: 4,
		VNI: 7, FlowHash: 0xdeadbeef, PacketID: 0x1234, Length: 214, Epoch: 1, Colour: 2, Stage: postcard.Egress,
		Flags: postcard.Tracked,
		Outer: flow("10.0.0.1", "10.0.0.2", 0xc001, 4789, 17),
		Inner: flow("192.168.0.1", "192.168.0.2", 12345, 80, 6),
	}
	if diff := cmp.Diff(got, []postcard.Record{want, want}); diff != "" {
		t.Errorf("records (-got, +want):\n%s", diff)
	}
}

// metricsOf returns the non-zero series whose name has no label "source".
func metricsOf(c *Collector) map[string]string {
	var b strings.Builder
	s := c.Snapshot()
	_ = s.WriteMetrics(&b) // a strings.Builder never fails
	m := map[string]string{}
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "#") || strings.Contains(line, "_source_") || strings.Contains(line, "_socket_") {
			continue
		}
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if value != "0" {
			m[strings.TrimPrefix(name, "telltale_collector_")] = value
		}
	}
	return m
}

func TestIngestCountsEverything(t *testing.T) {
	c := collectorFor(t, nil, Deps{})
	records := 0
	feed := func(b []byte) { c.Ingest(0, source, b, func(*postcard.Record) { records++ }) }
	feed(datagram(t, 1, 10, 3))
	feed(datagram(t, 1, 12, 1))             // one lost
	feed(datagram(t, 1, 12, 1))             // again
	feed(nil)                               // no group header
	feed([]byte{0x30, 0, 0, 0})             // a version nobody knows
	feed(datagram(t, 2, 10, 1)[:60])        // cut within the report
	feed([]byte{0x20, 0, 0, 1, 0, 0, 0, 1}) // no report; the number goes far back
	ioam := []byte{0x20, 0, 0, 5, 0, 0, 0, 7, 0x20, 0, 0, 0, 1, 2}
	feed(ioam)
	want := map[string]string{
		"datagrams_total": "8", "datagrams_rejected_total": "2", "bytes_total": "1306",
		`malformed_total{cause="group_short"}`:     "1",
		`malformed_total{cause="version_unknown"}`: "1",
		`malformed_total{cause="length_beyond"}`:   "1",
		`malformed_total{cause="no_report"}`:       "1",
		"datagrams_guessed_total":                  "6", "records_total": "5",
		"trailing_bytes_total": "2", "reports_total": "5", "reports_skipped_total": "1",
		`sequence_total{kind="first"}`: "4", `sequence_total{kind="gap"}`: "1", `sequence_total{kind="duplicate"}`: "1",
		"streams": "4",
	}
	got := metricsOf(c)
	delete(want, "bytes_total")
	delete(got, "bytes_total")
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("metrics (-got, +want):\n%s", diff)
	}
	if records != 5 {
		t.Errorf("got %d records, want 5", records)
	}
}

func TestLossOfAWindow(t *testing.T) {
	c := collectorFor(t, func(c *Config) { c.LossBuckets = 10 }, Deps{})
	second := int64(time.Second)
	drop := func(*postcard.Record) {}
	seq := uint32(0)
	for at := range int64(8) {
		for range 10 {
			if at == 3 && seq%2 == 0 { // every other one of the fourth second
				seq++
				continue
			}
			c.Ingest(at*second, source, datagram(t, 1, seq, 1), drop)
			seq++
		}
	}
	f := func(node postcard.NodeID, from, to int64, want sequence.Loss) {
		t.Helper()
		if got := c.Loss(node, from, to); got != want {
			t.Errorf("node %d, %d to %d: got %+v, want %+v", node, from, to, got, want)
		}
	}
	f(1, 0, 8*second, sequence.Loss{Received: 75, Lost: 5, Streams: 1})
	f(1, 0, 2*second, sequence.Loss{Received: 30, Streams: 1})
	f(1, 3*second, 3*second+1, sequence.Loss{Received: 5, Lost: 5, Streams: 1})
	f(2, 0, 8*second, sequence.Loss{})
	c.Ingest(60*second, source, datagram(t, 1, seq, 1), drop)
	f(1, 0, 60*second, sequence.Loss{Received: 66, Lost: 5, Streams: 1, Partial: true}) // the first second is gone
}

func TestSourcesAreBounded(t *testing.T) {
	c := collectorFor(t, func(c *Config) { c.Sources = shards }, Deps{})
	for node := range uint32(1000) {
		c.Ingest(0, source, datagram(t, node, 1, 1), func(*postcard.Record) {})
	}
	s := c.Snapshot()
	if len(s.Sources) > shards || int(s.Evicted)+len(s.Sources) != 1000 || s.Sum.Reports != 1000 || s.Datagrams != 1000 {
		t.Errorf("got %d streams, %d evicted, %d reports, %d datagrams", len(s.Sources), s.Evicted, s.Sum.Reports, s.Datagrams)
	}
}

func TestIngestAllocatesNothing(t *testing.T) {
	c := collectorFor(t, nil, Deps{})
	data := datagram(t, 5, 9, 15)
	var seq uint32
	var sum uint64
	emit := func(r *postcard.Record) { sum += uint64(r.Latency) }
	step := func() {
		seq++
		data[1], data[2], data[3] = data[1]&0xc0|byte(seq>>16&0x3f), byte(seq>>8), byte(seq)
		c.Ingest(int64(seq), source, data, emit)
	}
	step()
	if n := testing.AllocsPerRun(1000, step); n > 0 && !raceEnabled {
		t.Errorf("got %v allocations per datagram, want none", n)
	}
}

func TestConfigCheck(t *testing.T) {
	f := func(change func(*Config), want string) {
		t.Helper()
		cfg := DefaultConfig()
		change(&cfg)
		_, err := New(cfg, Deps{})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	f(func(*Config) {}, "")
	f(func(c *Config) { c.Sockets = 0 }, "sockets: got 0")
	f(func(c *Config) { c.MaxDatagram = 70000 }, "largest datagram: got 70000")
	f(func(c *Config) { c.Overload = "?" }, `overload: got "?"`)
}

func BenchmarkIngest(b *testing.B) {
	for _, n := range []int{1, 15} {
		b.Run(map[int]string{1: "single", 15: "coalesced15"}[n], func(b *testing.B) {
			c := collectorFor(b, nil, Deps{})
			data := datagram(b, 5, 9, n)
			var sum uint64
			emit := func(r *postcard.Record) { sum += uint64(r.Latency) }
			var seq uint32
			b.ReportAllocs()
			for b.Loop() {
				seq++
				data[1], data[2], data[3] = data[1]&0xc0|byte(seq>>16&0x3f), byte(seq>>8), byte(seq)
				c.Ingest(int64(seq), source, data, emit)
			}
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "reports/s")
		})
	}
}
