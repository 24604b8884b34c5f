package frame

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/telltale-net/telltale/topology"
)

func sample(r *rand.Rand) Tenant {
	t := Tenant{
		DstMAC: topology.MAC{2, 0, 0, 0, 0, 1}, SrcMAC: topology.MAC{2, 0, 0, 0, 0, byte(r.Uint32())},
		Src: netip.AddrFrom4([4]byte{10, 0, 0, byte(r.Uint32())}), Dst: netip.AddrFrom4([4]byte{10, 0, 1, byte(r.Uint32())}),
		Proto: UDP, SrcPort: uint16(r.Uint32()), DstPort: uint16(r.Uint32()), ID: uint16(r.Uint32()), TTL: 64,
		Length: MinTCP + r.IntN(1500),
		Stamp:  Stamp{Flow: r.Uint32(), Seq: r.Uint64(), Sent: r.Int64()},
	}
	if r.IntN(2) == 0 {
		t.Proto, t.TCPSeq, t.TCPFlags = TCP, r.Uint32(), ACK|PSH
	}
	return t
}

// What is built reads back the same, and gopacket agrees on every field and checksum.
func TestTenantRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		want := sample(r)
		b := AppendTenant([]byte("before")[:0:6], &want)
		got, d := ParseTenant(b)
		if d != OK {
			t.Fatalf("frame %+v: defect %v, want ok", want, d)
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Fatalf("frame did not read back (-want +got):\n%s", diff)
		}
		p := gopacket.NewPacket(b, layers.LayerTypeEthernet, gopacket.Default)
		if err := p.ErrorLayer(); err != nil {
			t.Fatalf("gopacket cannot read the frame: %v", err.Error())
		}
		ip := p.NetworkLayer().(*layers.IPv4)
		if !ip.SrcIP.Equal(want.Src.AsSlice()) || !ip.DstIP.Equal(want.Dst.AsSlice()) || int(ip.Length) != want.Length-etherLen {
			t.Fatalf("gopacket reads %v→%v length %d, want %v→%v length %d", ip.SrcIP, ip.DstIP, ip.Length, want.Src, want.Dst, want.Length-etherLen)
		}
		// Serialise again with computed checksums: the bytes must not change.
		var l4 gopacket.SerializableLayer
		switch x := p.TransportLayer().(type) {
		case *layers.UDP:
			_ = x.SetNetworkLayerForChecksum(ip)
			l4 = x
		case *layers.TCP:
			_ = x.SetNetworkLayerForChecksum(ip)
			l4 = x
		}
		buf := gopacket.NewSerializeBuffer()
		err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{ComputeChecksums: true},
			p.LinkLayer().(*layers.Ethernet), ip, l4, gopacket.Payload(p.ApplicationLayer().Payload()))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(buf.Bytes(), b); diff != "" {
			t.Fatalf("gopacket computes other bytes (-gopacket +ours):\n%s", diff)
		}
	}
}

func TestDefects(t *testing.T) {
	base := sample(rand.New(rand.NewPCG(2, 2)))
	base.Proto = UDP
	f := func(name string, want Defect, change func(b []byte) []byte) {
		t.Helper()
		b := change(AppendTenant(nil, &base))
		if _, got := ParseTenant(b); got != want {
			t.Errorf("%s: defect %v, want %v", name, got, want)
		}
	}
	resum := func(b []byte) []byte {
		binary.BigEndian.PutUint16(b[24:], 0)
		binary.BigEndian.PutUint16(b[24:], ^fold(sum(0, b[14:34])))
		return b
	}
	f("untouched", OK, func(b []byte) []byte { return b })
	f("Ethernet padding", OK, func(b []byte) []byte { return append(b, 0, 0, 0) })
	f("no UDP checksum", OK, func(b []byte) []byte { b[40], b[41] = 0, 0; return b })
	f("empty", Truncated, func(b []byte) []byte { return nil })
	f("half an IP header", Truncated, func(b []byte) []byte { return b[:24] })
	f("cut short", Truncated, func(b []byte) []byte { return b[:len(b)-1] })
	f("IPv6", NotIPv4, func(b []byte) []byte { b[12], b[13] = 0x86, 0xdd; return b })
	f("version 6", NotIPv4, func(b []byte) []byte { b[14] = 0x65; return b })
	f("IHL 4", Truncated, func(b []byte) []byte { b[14] = 0x44; return b })
	f("TTL touched", IPChecksum, func(b []byte) []byte { b[22]--; return b })
	f("more fragments", Fragment, func(b []byte) []byte { b[20] = 0x20; return resum(b) })
	f("ICMP", OtherProtocol, func(b []byte) []byte { b[23] = 1; return resum(b) })
	f("payload touched", L4Checksum, func(b []byte) []byte { b[len(b)-1] ^= 1; return b })
	f("UDP length", Truncated, func(b []byte) []byte { b[38] = 0xff; return b })
	f("no magic", NoStamp, func(b []byte) []byte { b[42], b[40], b[41] = 0, 0, 0; return b })
}

func TestDatagram(t *testing.T) {
	base := sample(rand.New(rand.NewPCG(3, 3)))
	base.Proto = UDP
	b := AppendTenant(nil, &base)
	g, d := ParseDatagram(b)
	if d != OK || g.Src != netip.AddrPortFrom(base.Src, base.SrcPort) || g.Dst != netip.AddrPortFrom(base.Dst, base.DstPort) || len(g.Payload) != base.Length-42 {
		t.Fatalf("datagram = %+v, defect %v", g, d)
	}
	base.Proto = TCP
	if _, d := ParseDatagram(AppendTenant(nil, &base)); d != OtherProtocol {
		t.Fatalf("TCP read as datagram: defect %v, want %v", d, OtherProtocol)
	}
}

func TestNoAllocation(t *testing.T) {
	base := sample(rand.New(rand.NewPCG(4, 4)))
	buf := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() {
		buf = AppendTenant(buf[:0], &base)
		if _, d := ParseTenant(buf); d != OK {
			t.Fatal(d)
		}
	}); n != 0 {
		t.Fatalf("%v allocations per frame built and read, want 0", n)
	}
}

// Whatever arrives, reading it neither panics nor reaches beyond it, and a frame
// read without defect says the same when built again.
func FuzzParse(f *testing.F) {
	r := rand.New(rand.NewPCG(5, 5))
	for range 8 {
		s := sample(r)
		f.Add(AppendTenant(nil, &s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		ParseDatagram(b)
		got, d := ParseTenant(b)
		if d >= Defects {
			t.Fatalf("defect %d is not in the list", d)
		}
		if d != OK || got.Length > MaxLength {
			return
		}
		again, d := ParseTenant(AppendTenant(nil, &got))
		if d != OK || again.Stamp != got.Stamp || again.SrcPort != got.SrcPort || again.Dst != got.Dst {
			t.Fatalf("built again: %+v, defect %v; was %+v", again, d, got)
		}
	})
}

func BenchmarkAppendParse(b *testing.B) {
	s := sample(rand.New(rand.NewPCG(6, 6)))
	s.Length = 1000
	buf := make([]byte, 0, 2048)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendTenant(buf[:0], &s)
		ParseTenant(buf)
	}
}
