package collector

import (
	"net/netip"
	"testing"

	"go.uber.org/goleak"

	"github.com/telltale-net/telltale/collector/report"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// frame is a tenant's TCP packet in VXLAN, as a leaf would report it, cut to 128 bytes.
func frame() []byte {
	b := make([]byte, 128)
	copy(b, []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00,
		0x45, 0, 0, 200, 0x12, 0x34, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
		0xc0, 0x01, 0x12, 0xb5, 0, 180, 0, 0,
		8, 0, 0, 0, 0, 0, 7, 0,
		2, 0, 0, 0, 1, 2, 2, 0, 0, 0, 1, 1, 0x08, 0x00,
		0x45, 0, 0, 150, 0, 1, 0, 0, 64, 6, 0, 0, 192, 168, 0, 1, 192, 168, 0, 2,
		0x30, 0x39, 0, 80})
	return b
}

// hop is a hop postcard with all that our switches report.
func hop() *report.Report {
	r := &report.Report{
		RepType: report.INT, InType: report.InEthernet, Flags: report.Tracked,
		MdBits:   report.MdLevel1 | report.MdHopLatency | report.MdQueue | report.MdIngressTime | report.MdEgressTime,
		Level1In: 1, Level1Out: 2, HopLatency: 3000, QueueID: 0, QueueOccupancy: 5,
		IngressTime: 1_000_000, EgressTime: 1_003_000,
		Inner: frame(),
	}
	r.SetExtension(&report.Extension{
		Bits:     report.ExtPacketID | report.ExtFlowHash | report.ExtVNI | report.ExtLength | report.ExtEnqDepth,
		PacketID: 0x1234, Epoch: 1, Colour: 2, Stage: 1, FlowHash: 0xdeadbeef, VNI: 7, Length: 214, EnqDepth: 4,
	}, nil)
	return r
}

// datagram is n hop postcards in one datagram.
func datagram(tb testing.TB, node uint32, seq uint32, n int) []byte {
	tb.Helper()
	var e report.Encoder
	if err := e.Reset(report.Group{NodeID: node, HwID: 3, Sequence: seq}); err != nil {
		tb.Fatal(err)
	}
	for range n {
		if err := e.Add(hop()); err != nil {
			tb.Fatal(err)
		}
	}
	return append([]byte(nil), e.Bytes()...)
}

var source = netip.MustParseAddrPort("10.0.0.9:4242")

func collectorFor(tb testing.TB, change func(*Config), deps Deps) *Collector {
	tb.Helper()
	cfg := DefaultConfig()
	cfg.Listen = "127.0.0.1:0"
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg, deps)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}
