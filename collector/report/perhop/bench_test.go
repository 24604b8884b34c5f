//go:build unix

package perhop

import (
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/collector/report/inband"
	"github.com/telltale-net/telltale/collector/report/profile"
	"github.com/telltale-net/telltale/collector/sequence"
	"github.com/telltale-net/telltale/internal/dissect"
)

// worker does with a datagram all that is done in memory: choose the profile of its
// source, decode, convert, account.
type worker struct {
	*Reader
	out      Outcome
	accounts *sequence.Accounts
	emit     Emit
	records  uint64
	sum      uint64
}

func newWorker(tb testing.TB) *worker {
	tb.Helper()
	book, err := profile.NewBook(nil, 1024)
	if err != nil {
		tb.Fatal(err)
	}
	w := &worker{Reader: NewReader(book, nil)}
	w.accounts = sequence.NewAccounts(sequence.Limits{Streams: 1024, Bucket: 1e9, Buckets: 120})
	w.emit = func(r *postcard.Record) { w.records++; w.sum += r.Ingress ^ uint64(r.QueueDepth) }
	return w
}

func (w *worker) ingest(now int64, src netip.AddrPort, b []byte) {
	if err := w.Datagram(now, src, b, &w.out, w.emit); err != nil || w.out.Malformed > 0 {
		panic("BUG: a datagram of the benchmark cannot be read")
	}
	g := &w.out.Group
	_, t := w.accounts.Observe(now, sequence.Key{Source: src.Addr(), Node: g.NodeID, HwID: g.HwID, Version: g.Version}, g.Sequence)
	t.Reports += w.out.Reports
}

// typical are the datagrams that networks send most.
func typical(tb testing.TB) []struct {
	name    string
	data    []byte
	reports int
	records int
	seq     int // offset of the sequence number's low 16 bits
} {
	packet := concat(eth, ipv4(6), tcp, make([]byte, 46))
	var e report.Encoder
	encode := func(n int, r *report.Report) []byte {
		if err := e.Reset(report.Group{NodeID: 1}); err != nil {
			tb.Fatal(err)
		}
		for range n {
			if err := e.Add(r); err != nil {
				tb.Fatal(err)
			}
		}
		return append([]byte(nil), e.Bytes()...)
	}
	hop := &report.Report{RepType: report.INT, InType: report.InEthernet, Flags: report.Tracked, MdBits: 0x7c00, Inner: packet}
	hop.SetExtension(&report.Extension{Bits: 0xf800}, nil)
	plain := *hop
	plain.DomainID, plain.DSMdBits, plain.DSMetadata = 0, 0, nil
	h := inband.Header{Version: 2, Type: dissect.INTMD, Bitmap: 0xfc00, HopML: 8, Remaining: 10}
	h.Where.Carrier = dissect.CarrierUDP
	h.Shim.NPT, h.Shim.Port = 1, 53
	for i := range 5 {
		if err := h.Push(&inband.Hop{NodeID: uint32(i + 1), IngressTime: 1000, EgressTime: 2000}); err != nil {
			tb.Fatal(err)
		}
	}
	stack, err := h.Append(concat(eth, ipv4(17), intTBD))
	if err != nil {
		tb.Fatal(err)
	}
	md := report.Report{RepType: report.InnerOnly, InType: report.InEthernet, Flags: report.Tracked, Inner: append(stack, 0, 0)}
	return []struct {
		name    string
		data    []byte
		reports int
		records int
		seq     int
	}{
		{"0.5", concat(words(0x02200001, 0, 100, 9, 0x00010002, 0x07000010, 300), packet), 1, 1, 6},
		{"1.0", concat(words(0x17000040|0x38<<15, 9, 0, 100, 0x00010002, 200, 0x07000010), packet), 1, 1, 10},
		{"2.0", encode(1, &plain), 1, 1, 2},
		{"2.0 with our domain", encode(1, hop), 1, 1, 2},
		{"2.0, 15 coalesced", encode(15, hop), 15, 15, 2},
		{"stack of 5 hops", encode(1, &md), 1, 5, 2},
	}
}

func TestIngestingAllocatesNothing(t *testing.T) {
	src := netip.MustParseAddrPort("10.0.0.1:32766")
	for _, c := range typical(t) {
		w := newWorker(t)
		w.ingest(1, src, c.data)
		if w.records != uint64(c.records) {
			t.Errorf("%s: got %d records, want %d", c.name, w.records, c.records)
		}
		if n := testing.AllocsPerRun(100, func() { w.ingest(2, src, c.data) }); n != 0 {
			t.Errorf("%s: got %v allocations per datagram, want none", c.name, n)
		}
	}
}

func BenchmarkIngest(b *testing.B) {
	src := netip.MustParseAddrPort("10.0.0.1:32766")
	for _, c := range typical(b) {
		b.Run(c.name, func(b *testing.B) {
			w := newWorker(b)
			b.ReportAllocs()
			b.SetBytes(int64(len(c.data)))
			var seq uint16
			before := cpu(b)
			for b.Loop() {
				seq++
				c.data[c.seq], c.data[c.seq+1] = byte(seq>>8), byte(seq)
				w.ingest(1, src, c.data)
			}
			spent := cpu(b) - before
			b.ReportMetric(float64(b.N*c.reports)/spent.Seconds(), "reports/cpu-s")
			b.ReportMetric(float64(w.records)/spent.Seconds(), "records/cpu-s")
		})
	}
}

// cpu returns the processor time that this process has used: other processes do not
// make it longer.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
