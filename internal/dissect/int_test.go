package dissect

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

func words(ws ...uint32) gopacket.Payload {
	var b []byte
	for _, w := range ws {
		b = binary.BigEndian.AppendUint32(b, w)
	}
	return b
}

// A stack of two hops of two words, and what stands in front of it.
const md0, md1 = 0x20000206, 0x90000000

func stack(shim uint32) gopacket.Payload { return words(shim, md0, md1, 0, 2, 22, 1, 11) }

// describeINT gives the INT headers of a packet on one line.
func describeINT(p *Packet) string {
	var b strings.Builder
	for i := range p.INTs {
		x := &p.INT[i]
		fmt.Fprintf(&b, "%v type %d version %d head %d %d+%d", x.Carrier, x.Type, x.Version, x.Head, x.At, x.End-x.At)
		if !x.Sniffed {
			b.WriteString(" marked")
		}
		if x.Flipped {
			b.WriteString(" flipped")
		}
		if x.HasTail {
			b.WriteString(" tail")
		}
		b.WriteString("; ")
	}
	if p.BadINT {
		b.WriteString("bad; ")
	}
	return b.String() + describe(p)
}

func TestINT(t *testing.T) {
	m := Marks{DSCP: 0x0a, DSCPMask: 0x3f, GREProtocol: 0x4569, GPENext: 0x82, GeneveClass: 0x103} // ip4 has TOS 0x28
	looks := DefaultMarks
	none := Marks{}
	gre := words(0x00004569)
	gpe := func(next uint32) gopacket.Payload { return words(0x0c000000|next, 0x700) }
	geneve := func(n uint32) gopacket.Payload { return words(n<<24|0x6558, 0x700) }
	inner := []gopacket.SerializableLayer{ether(eth4), ip4(6, 1), tcp()}
	all := func(first []gopacket.SerializableLayer, more ...gopacket.SerializableLayer) []byte {
		return build(t, append(first, more...)...)
	}
	udpIP := func(port uint16) []gopacket.SerializableLayer {
		return []gopacket.SerializableLayer{ip4(17, 9), udp(port)}
	}
	o, tunnel := outer(17), " | vxlan_gpe 7: "+flow4
	f := func(name string, marks Marks, data []byte, want string) {
		t.Helper()
		var p Packet
		if p.ParseINT(IPv4, data, &marks); describeINT(&p) != want {
			t.Errorf("%s:\n got %s\nwant %s", name, describeINT(&p), want)
		}
	}
	f("UDP, marked", m, all(udpIP(53), stack(0x10070000)), "udp type 1 version 2 head 0 32+28 marked; "+o+"1000 > 53")
	f("UDP, by looks", looks, all(udpIP(53), stack(0x10070000)), "udp type 1 version 2 head 0 32+28; "+o+"1000 > 53")
	f("UDP, not asked", none, all(udpIP(53), stack(0x10070000)), o+"1000 > 53")
	f("UDP, reserved bit, by looks", looks, all(udpIP(53), stack(0x11070000)), o+"1000 > 53")
	f("UDP, marked and bad", m, all(udpIP(53), stack(0x90070000)), "bad; "+o+"1000 > 53")
	f("UDP, Length too short", m, all(udpIP(53), stack(0x10020000)), "bad; "+o+"1000 > 53")
	f("UDP, restored port of a tunnel", looks, all(udpIP(0x1234), append([]gopacket.SerializableLayer{stack(0x140712b5), words(0x08000000, 0x700)}, inner...)...),
		"udp type 1 version 2 head 0 32+28; "+o+"1000 > 4789 | vxlan 7: "+flow4)
	f("UDP, a header of its own", looks, all(udpIP(0x1234), stack(0x18070006), tcp()), "udp type 1 version 2 head 0 32+28; 10.0.0.9 > 10.0.1.9 proto 6 2000 > 80 flags 0x12")
	f("UDP, protocol in the wrong byte", looks, all(udpIP(0x1234), stack(0x18070600), tcp()), "udp type 1 version 2 head 0 32+28 flipped; 10.0.0.9 > 10.0.1.9 proto 6 2000 > 80 flags 0x12")
	f("UDP, IP behind", looks, all(udpIP(0x1234), stack(0x18070004), ip4(6, 1), tcp()), "udp type 1 version 2 head 0 32+28; "+outer(4)+"| ip_in_ip: "+flow4)
	f("UDP, destination header behind", looks, all(udpIP(0x1234), stack(0x14070035), words(0x24010035, 7), words(8)),
		"udp type 1 version 2 head 0 32+28; udp type 2 version 2 head 0 64+4; "+o+"1000 > 53")
	f("UDP, payload like a destination header", looks, all(udpIP(0x1234), stack(0x14070035), words(0x24010036, 7)), "udp type 1 version 2 head 0 32+28; "+o+"1000 > 53")
	f("TCP", m, all([]gopacket.SerializableLayer{ip4(6, 1), tcp()}, stack(0x10070000)), "tcp type 1 version 2 head 0 44+28 marked; "+flow4)
	f("two layers", looks, all(udpIP(0x1234), stack(0x140712b5), words(0x08000000, 0x700), ether(eth4), ip4(17, 1), udp(53), stack(0x10070000)),
		"udp type 1 version 2 head 0 32+28; udp type 1 version 2 head 1 114+28; "+o+"1000 > 4789 | vxlan 7: 10.0.0.1 > 10.0.1.1 proto 17 1000 > 53")
	f("GRE, marked", m, all([]gopacket.SerializableLayer{ip4(47, 9)}, append([]gopacket.SerializableLayer{gre, stack(0x10076558)}, inner...)...), "gre type 1 version 2 head 0 28+28 marked; "+outer(47)+"| gre: "+flow4)
	f("GRE, by looks", looks, all([]gopacket.SerializableLayer{ip4(47, 9)}, append([]gopacket.SerializableLayer{gre, stack(0x10076558)}, inner...)...), "gre type 1 version 2 head 0 28+28; "+outer(47)+"| gre: "+flow4)
	f("GRE, destination behind, marked", m, all([]gopacket.SerializableLayer{ip4(47, 9)}, gre, stack(0x10074569), words(0x20010800, 5), ip4(6, 1), tcp()),
		"gre type 1 version 2 head 0 28+28 marked; gre type 2 version 2 head 0 60+4 marked; "+outer(47)+"| gre: "+flow4)
	f("GRE, destination behind, by looks", looks, all([]gopacket.SerializableLayer{ip4(47, 9)}, gre, stack(0x10074569), words(0x20010800, 5), ip4(6, 1), tcp()),
		"gre type 1 version 2 head 0 28+28; gre type 2 version 2 head 0 60+4; "+outer(47)+"| gre: "+flow4)
	f("GRE, marked and bad", m, all([]gopacket.SerializableLayer{ip4(47, 9)}, gre, stack(0x00076558)), "bad; "+strings.TrimSpace(outer(47)))
	f("VXLAN-GPE", m, all(udpIP(4790), append([]gopacket.SerializableLayer{gpe(0x82), stack(0x10070003)}, inner...)...), "vxlan_gpe type 1 version 2 head 0 40+28 marked; "+o+"1000 > 4790"+tunnel)
	f("VXLAN-GPE, 1.0", looks, all(udpIP(4790), append([]gopacket.SerializableLayer{gpe(8), words(0x01000703, 0x10000206, 0x90000000, 2, 22, 1, 11)}, inner...)...),
		"vxlan_gpe type 1 version 1 head 0 40+24; "+o+"1000 > 4790"+tunnel)
	f("VXLAN-GPE, MPLS is not INT 0.5", looks, all(udpIP(4790), append([]gopacket.SerializableLayer{gpe(5), &layers.MPLS{Label: 0x1000, StackBottom: true}}, ip4(6, 1), tcp())...), o+"1000 > 4790"+tunnel)
	f("Geneve", looks, all(udpIP(6081), append([]gopacket.SerializableLayer{geneve(10), words(0x01020301, 1), words(0x01030107), words(md0, md1, 0, 2, 22, 1, 11)}, inner...)...),
		"geneve type 1 version 2 head 0 48+28 marked; "+o+"1000 > 6081 | geneve 7: "+flow4)
	f("Geneve, beyond the options", looks, all(udpIP(6081), geneve(4), words(0x01030109, md0, md1, 0)), "bad; "+o+"1000 > 6081")
	f("more than there is room for", m, all([]gopacket.SerializableLayer{ip4(47, 9)}, gre, words(0x20004569, 0x20004569, 0x20004569, 0x20004569, 0x20000800)),
		"gre type 2 version 2 head 0 28+0 marked; gre type 2 version 2 head 0 32+0 marked; gre type 2 version 2 head 0 36+0 marked; gre type 2 version 2 head 0 40+0 marked; "+strings.TrimSpace(outer(47)))
}

func TestINTChecksum(t *testing.T) {
	f := func(name string, want Checked, change func([]byte) []byte, all ...gopacket.SerializableLayer) {
		t.Helper()
		buf := gopacket.NewSerializeBuffer()
		if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, all...); err != nil {
			t.Fatal(err)
		}
		data := append([]byte(nil), buf.Bytes()...)
		if change != nil {
			data = change(data)
		}
		start := IPv4
		if data[0]>>4 == 6 {
			start = IPv6
		}
		var p Packet
		p.ParseINT(start, data, &DefaultMarks)
		if p.INTs != 1 {
			t.Fatalf("%s: got %d INT headers", name, p.INTs)
		}
		if got := p.Checksum(data, &p.INT[0]); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	for _, odd := range []gopacket.Payload{{}, {1}, {1, 2, 3}} {
		u4, i4 := udp(53), ip4(17, 1)
		if err := u4.SetNetworkLayerForChecksum(i4); err != nil {
			t.Fatal(err)
		}
		t6, i6 := tcp(), ip6(6, 1)
		if err := t6.SetNetworkLayerForChecksum(i6); err != nil {
			t.Fatal(err)
		}
		payload := append(append(gopacket.Payload{}, stack(0x10070000)...), odd...)
		f("UDP over IPv4", Right, nil, i4, u4, payload)
		f("TCP over IPv6", Right, nil, i6, t6, payload)
		f("a hop's value changed", Wrong, func(b []byte) []byte { b[len(b)-1-len(odd)]++; return b }, i4, u4, payload)
		f("restored port", Right, nil, i4, u4, append(append(gopacket.Payload{}, stack(0x14070007)...), odd...))
		f("no checksum", Unchecked, func(b []byte) []byte { b[26], b[27] = 0, 0; return b }, i4, u4, payload)
		f("cut", Unchecked, func(b []byte) []byte { return b[:len(b)-1] }, i4, u4, payload)
	}
	var p Packet
	if p.Checksum(nil, &INT{L4: 20}) != Unchecked || Right.String() != "right" || Checked(9).String() != "unknown" {
		t.Error("got a checksum of nothing")
	}
}

func FuzzParseINT(f *testing.F) {
	f.Add(uint8(1), build(f, ip4(17, 9), udp(53), stack(0x10070000)))
	f.Add(uint8(1), build(f, ip4(47, 9), words(0x00004569), stack(0x10076558), ether(eth4), ip4(6, 1), tcp()))
	f.Add(uint8(1), build(f, ip4(17, 9), udp(6081), words(0x0a006558, 0x700, 0x01020301, 1, 0x01030107, md0, md1, 0, 2, 22, 1, 11), ether(eth4), ip4(6, 1), tcp()))
	f.Add(uint8(1), build(f, ip4(17, 9), udp(4790), words(0x0c000082, 0x700), stack(0x10070003), ether(eth4), ip4(6, 1), tcp()))
	f.Fuzz(func(t *testing.T, start uint8, data []byte) {
		for _, m := range []Marks{DefaultMarks, {DSCPMask: 1, GREProtocol: 0x4569, GPENext: 0x82, GeneveClass: 0x103, BeforeTCPOptions: true, ShimCounted: true, ProtoFirst: true}} {
			var p, plain Packet
			p.ParseINT(Start(start), data, &m)
			for i := range p.INTs {
				x := &p.INT[i]
				if x.Shim < 0 || x.Shim > len(data) || x.At != x.Shim+4 || x.End < x.At || x.Head >= p.Depth || x.Version > 2 || x.Type < INTMD || x.Type > INTMX {
					t.Fatalf("got %+v in %x", *x, data)
				}
				p.Checksum(data, x)
			}
			if p.Read > len(data) {
				t.Fatalf("read %d bytes of %d", p.Read, len(data))
			}
			// What stands before the first INT header is what it is without looking for any.
			plain.Parse(Start(start), data)
			if p.INTs == 0 && describe(&p) != describe(&plain) {
				t.Fatalf("got %s and %s", describe(&p), describe(&plain))
			}
		}
	})
}
