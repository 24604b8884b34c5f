package send

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/internal/dissect"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// receiver reads datagrams until it is closed.
func receiver(t *testing.T) (netip.AddrPort, <-chan []byte) {
	t.Helper()
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	if err := udp.SetReadBuffer(4 << 20); err != nil {
		t.Fatal(err)
	}
	all := make(chan []byte, 1<<16)
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 65536)
		for {
			n, err := udp.Read(b)
			if err != nil {
				return
			}
			all <- append([]byte(nil), b[:n]...)
		}
	}()
	t.Cleanup(func() { udp.Close(); <-done })
	return udp.LocalAddr().(*net.UDPAddr).AddrPort(), all
}

// What it says that it sent is what arrives, and decodes to what it says of itself.
func TestWhatIsSentIsKnown(t *testing.T) {
	to, all := receiver(t)
	const count, coalesce, sources = 1003, 4, 3
	got, err := Run(context.Background(), Config{To: to, Sources: sources, Coalesce: coalesce, Count: count, FirstNode: 70, Rate: 200_000})
	if err != nil {
		t.Fatal(err)
	}
	if got.Reports != count || got.Datagrams != 251 || got.Bytes != 251*8+1003*reportSize || got.Refused != 0 {
		t.Errorf("got %+v", got)
	}
	type seen struct{ datagrams, reports uint64 }
	by := map[uint32]*seen{}
	for range got.Datagrams {
		var b []byte
		select {
		case b = <-all:
		case <-time.After(10 * time.Second):
			t.Fatal("datagrams are missing")
		}
		g, reports, err := report.Parse(b, report.ExtensionDomain)
		if err != nil {
			t.Fatal(err)
		}
		s := by[g.NodeID]
		if s == nil {
			s = &seen{}
			by[g.NodeID] = s
		}
		if uint64(g.Sequence) != s.datagrams {
			t.Fatalf("node %d: got sequence %d, want %d", g.NodeID, g.Sequence, s.datagrams)
		}
		s.datagrams++
		for i := range reports {
			var rec postcard.Record
			var p dissect.Packet
			reports[i].Record(g, &rec, &p)
			if uint64(rec.PacketID) != s.reports || rec.Inner.SrcPort != uint16(s.reports%flows) || rec.Inner.DstPort != 53 || rec.Egress != rec.Ingress+latency ||
				rec.InPort != 1 || rec.Queue != 3 || rec.VNI != 6 || rec.Rule != 8 {
				t.Fatalf("node %d, report %d: got %+v", g.NodeID, s.reports, rec)
			}
			s.reports++
		}
	}
	for i, src := range got.Sources {
		s := by[src.Node]
		if src.Node != uint32(70+i) || s == nil || src.Datagrams != s.datagrams || src.Reports != s.reports || uint64(src.LastSequence) != s.datagrams-1 {
			t.Errorf("got %+v, received %+v", src, s)
		}
		for _, other := range got.Sources[:i] {
			if other.Port == src.Port {
				t.Errorf("two sources send from port %d", src.Port)
			}
		}
	}
}

func TestSequenceWraps(t *testing.T) {
	b, err := template(1)
	if err != nil {
		t.Fatal(err)
	}
	stamp(b, 7, 1<<22+5, 1<<40+3, 9)
	g, reports, err := report.Parse(b, report.ExtensionDomain)
	if err != nil || g.Sequence != 5 || g.NodeID != 7 || g.HwID != 0 || reports[0].IngressTime != 9 {
		t.Errorf("got %+v, %v, %v", g, reports, err)
	}
	if len(b) != groupSize+reportSize {
		t.Errorf("got %d bytes", len(b))
	}
}

func TestEnds(t *testing.T) {
	to, _ := receiver(t)
	calls := 0
	got, err := Run(context.Background(), Config{To: to, Sources: 300, Coalesce: 1, Duration: 250 * time.Millisecond, Rate: 1000,
		Progress: func(uint64, time.Duration) { calls++ }})
	if err != nil || got.Reports == 0 || got.Reports > 1000 || calls == 0 || calls > 3 {
		t.Errorf("duration: got %d reports, %v", got.Reports, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(20*time.Millisecond, cancel)
	if got, err = Run(ctx, Config{To: to, Sources: 2, Coalesce: 15, Duration: time.Hour}); err != nil || got.Reports == 0 {
		t.Errorf("canceled: got %d reports, %v", got.Reports, err)
	}
}

// Nobody listens: the system says so now and then, and sending goes on.
func TestNobodyListens(t *testing.T) {
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	to := udp.LocalAddr().(*net.UDPAddr).AddrPort()
	udp.Close()
	if got, err := Run(context.Background(), Config{To: to, Sources: 1, Coalesce: 1, Count: 500}); err != nil || got.Reports != 500 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestCheck(t *testing.T) {
	good := Config{To: netip.MustParseAddrPort("127.0.0.1:9555"), Sources: 1, Coalesce: 1, Count: 1}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	f := func(what string, change func(*Config)) {
		t.Helper()
		c := good
		change(&c)
		if c.Check() == nil {
			t.Errorf("%s: got no error", what)
		}
		if _, err := Run(context.Background(), c); err == nil {
			t.Errorf("%s: it ran", what)
		}
	}
	f("no address", func(c *Config) { c.To = netip.AddrPort{} })
	f("any address", func(c *Config) { c.To = netip.MustParseAddrPort("0.0.0.0:1") })
	f("no port", func(c *Config) { c.To = netip.MustParseAddrPort("127.0.0.1:0") })
	f("no end", func(c *Config) { c.Count = 0 })
	f("no source", func(c *Config) { c.Sources = 0 })
	f("many sources", func(c *Config) { c.Sources = MaxSources + 1 })
	f("no report", func(c *Config) { c.Coalesce = 0 })
	f("many reports", func(c *Config) { c.Coalesce = MaxCoalesce + 1 })
	f("rate", func(c *Config) { c.Rate = -1 })
	f("count", func(c *Config) { c.Count = MaxCount + 1 })
	f("duration", func(c *Config) { c.Duration = MaxDuration + 1 })
	most := good
	most.Coalesce = MaxCoalesce
	if b, err := template(MaxCoalesce); err != nil || len(b) > 65507 {
		t.Errorf("the longest datagram: got %d bytes, %v", len(b), err)
	}
}

func BenchmarkStamp(b *testing.B) {
	d, err := template(15)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		stamp(d, 1, 2, 3, 4)
	}
}
