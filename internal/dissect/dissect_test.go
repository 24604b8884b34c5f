package dissect

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// build lays out a packet with another project's code.
func build(t testing.TB, all ...gopacket.SerializableLayer) []byte {
	t.Helper()
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true}, all...); err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(buf.Bytes())
}

// describe gives what is known of a packet on one line.
func describe(p *Packet) string {
	var b strings.Builder
	if p.VLANs > 0 {
		fmt.Fprintf(&b, "vlans %d %v ", p.VLANs, p.VLAN[:min(p.VLANs, 2)])
	}
	if p.MPLS > 0 {
		fmt.Fprintf(&b, "labels %d %d ", p.MPLS, p.Label)
	}
	for i := range p.Depth {
		h := &p.Head[i]
		if h.Tunnel != None {
			fmt.Fprintf(&b, "| %v", h.Tunnel)
			if h.HasID {
				fmt.Fprintf(&b, " %d", h.TunnelID)
			}
			b.WriteString(": ")
		}
		fmt.Fprintf(&b, "%v > %v proto %d ", netip.AddrFrom16(h.Src).Unmap(), netip.AddrFrom16(h.Dst).Unmap(), h.Proto)
		if h.HasPorts {
			fmt.Fprintf(&b, "%d > %d ", h.SrcPort, h.DstPort)
		}
		if h.HasICMP {
			fmt.Fprintf(&b, "icmp %d/%d ", h.ICMPType, h.ICMPCode)
		}
		if h.HasTCPFlags {
			fmt.Fprintf(&b, "flags %#x ", h.TCPFlags)
		}
		if h.Fragment {
			b.WriteString("fragment ")
		}
	}
	return strings.TrimSpace(b.String())
}

func ether(next layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{SrcMAC: []byte{2, 0, 0, 0, 0, 1}, DstMAC: []byte{2, 0, 0, 0, 0, 2}, EthernetType: next}
}

func vlan(id uint16, next layers.EthernetType) *layers.Dot1Q {
	return &layers.Dot1Q{VLANIdentifier: id, Type: next}
}

func ip4(next layers.IPProtocol, n byte) *layers.IPv4 {
	return &layers.IPv4{Version: 4, TTL: 64, TOS: 0x28, Id: 0x1234, Protocol: next, Flags: layers.IPv4DontFragment, SrcIP: []byte{10, 0, 0, n}, DstIP: []byte{10, 0, 1, n}}
}

func ip6(next layers.IPProtocol, n byte) *layers.IPv6 {
	return &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: next, SrcIP: addr6(n), DstIP: addr6(n + 1)}
}

func addr6(n byte) []byte { return append([]byte{0x20, 1, 0xd, 0xb8, 14: 0}, n) }

func udp(dst uint16) *layers.UDP {
	return &layers.UDP{SrcPort: 1000, DstPort: layers.UDPPort(dst)}
}

func tcp() *layers.TCP {
	return &layers.TCP{SrcPort: 2000, DstPort: 80, SYN: true, ACK: true, DataOffset: 5}
}

const (
	eth4  = layers.EthernetTypeIPv4
	eth6  = layers.EthernetTypeIPv6
	flow4 = "10.0.0.1 > 10.0.1.1 proto 6 2000 > 80 flags 0x12"
	flow6 = "2001:db8::1 > 2001:db8::2 proto 6 2000 > 80 flags 0x12"
)

func outer(proto int) string { return fmt.Sprintf("10.0.0.9 > 10.0.1.9 proto %d ", proto) }

// packets is every kind of packet the package knows, with what it should say.
func packets(t testing.TB) []struct {
	name  string
	start Start
	data  []byte
	want  string
} {
	options := ip4(layers.IPProtocolTCP, 1)
	options.Options = []layers.IPv4Option{{OptionType: 148, OptionLength: 4, OptionData: []byte{0, 0}}}
	first, later := ip4(layers.IPProtocolUDP, 1), ip4(layers.IPProtocolUDP, 1)
	first.Flags = layers.IPv4MoreFragments
	later.Flags, later.FragOffset = 0, 100
	icmp := &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(3, 4)}
	raw := func(b ...byte) gopacket.Payload { return b }
	type packet = struct {
		name  string
		start Start
		data  []byte
		want  string
	}
	vx := &layers.VXLAN{ValidIDFlag: true, VNI: 0xabcdef}
	u := outer(17)
	return []packet{
		{"IPv4", Ethernet, build(t, ether(eth4), ip4(6, 1), tcp()), flow4},
		{"IPv6", Ethernet, build(t, ether(eth6), ip6(6, 1), tcp()), flow6},
		{"raw IPv4", IPv4, build(t, ip4(6, 1), tcp()), flow4},
		{"raw IPv6", IPv6, build(t, ip6(6, 1), tcp()), flow6},
		{"VLAN", Ethernet, build(t, ether(layers.EthernetTypeDot1Q), vlan(7, eth4), ip4(6, 1), tcp()), "vlans 1 [7] " + flow4},
		{"QinQ", Ethernet, build(t, ether(layers.EthernetTypeQinQ), vlan(7, layers.EthernetTypeDot1Q), vlan(8, eth6), ip6(6, 1), tcp()), "vlans 2 [7 8] " + flow6},
		{"MPLS", Ethernet, build(t, ether(layers.EthernetTypeMPLSUnicast), &layers.MPLS{Label: 16, TTL: 1}, &layers.MPLS{Label: 17, StackBottom: true}, ip4(6, 1), tcp()), "labels 2 16 " + flow4},
		{"pseudo-wire", Ethernet, build(t, ether(layers.EthernetTypeMPLSUnicast), &layers.MPLS{Label: 16, StackBottom: true}, raw(append([]byte{0, 0, 0, 1}, build(t, ether(eth4), ip4(6, 1), tcp())...)...)), "labels 1 16 " + flow4},
		{"IPv4 options", IPv4, build(t, options, tcp()), flow4},
		{"first fragment", IPv4, build(t, first, udp(53)), "10.0.0.1 > 10.0.1.1 proto 17 1000 > 53 fragment"},
		{"later fragment", IPv4, build(t, later, udp(53)), "10.0.0.1 > 10.0.1.1 proto 17 fragment"},
		{"ICMP", IPv4, build(t, ip4(1, 1), icmp), "10.0.0.1 > 10.0.1.1 proto 1 icmp 3/4"},
		{"SCTP", IPv4, build(t, ip4(132, 1), &layers.SCTP{SrcPort: 5, DstPort: 6}), "10.0.0.1 > 10.0.1.1 proto 132 5 > 6"},
		{"ESP", IPv4, build(t, ip4(50, 1), raw(1, 2, 3, 4)), "10.0.0.1 > 10.0.1.1 proto 50"},
		{"hop-by-hop, destination", IPv6, build(t, ip6(0, 1), raw(60, 0, 1, 4, 0, 0, 0, 0, 6, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), raw(build(t, tcp())...)), flow6},
		{"IPv6 fragment", IPv6, build(t, ip6(44, 1), raw(6, 0, 0, 1, 0, 0, 0, 9), raw(build(t, tcp())...)), flow6 + " fragment"},
		{"IPv6 later fragment", IPv6, build(t, ip6(44, 1), raw(6, 0, 0, 9, 0, 0, 0, 9), raw(build(t, tcp())...)), "2001:db8::1 > 2001:db8::2 proto 6 fragment"},
		{"atomic fragment", IPv6, build(t, ip6(44, 1), raw(6, 0, 0, 0, 0, 0, 0, 9), raw(build(t, tcp())...)), flow6},
		{"AH", IPv6, build(t, ip6(51, 1), raw(6, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), raw(build(t, tcp())...)), flow6},
		{"no next header", IPv6, build(t, ip6(59, 1)), "2001:db8::1 > 2001:db8::2 proto 59"},
		{"IP in IP", IPv4, build(t, ip4(4, 9), ip4(6, 1), tcp()), outer(4) + "| ip_in_ip: " + flow4},
		{"6in4", IPv4, build(t, ip4(41, 9), ip6(6, 1), tcp()), outer(41) + "| ip_in_ip: " + flow6},
		{"GRE", IPv4, build(t, ip4(47, 9), &layers.GRE{Protocol: eth4}, ip4(6, 1), tcp()), outer(47) + "| gre: " + flow4},
		{"GRE, all options", IPv4, build(t, ip4(47, 9), &layers.GRE{ChecksumPresent: true, KeyPresent: true, SeqPresent: true, Key: 77, Protocol: eth6}, ip6(6, 1), tcp()), outer(47) + "| gre 77: " + flow6},
		{"NVGRE", IPv4, build(t, ip4(47, 9), &layers.GRE{KeyPresent: true, Key: 0x700, Protocol: 0x6558}, ether(eth4), ip4(6, 1), tcp()), outer(47) + "| gre 1792: " + flow4},
		{"GRE version 1", IPv4, build(t, ip4(47, 9), raw(0x20, 1, 0x88, 0x0b, 0, 0, 0, 0)), strings.TrimSpace(outer(47))},
		{"VXLAN", Ethernet, build(t, ether(eth4), ip4(17, 9), udp(4789), vx, ether(eth4), ip4(6, 1), tcp()), u + "1000 > 4789 | vxlan 11259375: " + flow4},
		{"VXLAN with VLAN", IPv4, build(t, ip4(17, 9), udp(4789), vx, ether(layers.EthernetTypeDot1Q), vlan(5, eth6), ip6(6, 1), tcp()), u + "1000 > 4789 | vxlan 11259375: " + flow6},
		{"VXLAN-GPE", IPv4, build(t, ip4(17, 9), udp(4790), raw(0x0c, 0, 0, 1, 0, 0, 7, 0), ip4(6, 1), tcp()), u + "1000 > 4790 | vxlan_gpe 7: " + flow4},
		{"VXLAN-GPE, Ethernet", IPv4, build(t, ip4(17, 9), udp(4790), raw(0x08, 0, 0, 0, 0, 0, 7, 0), ether(eth6), ip6(6, 1), tcp()), u + "1000 > 4790 | vxlan_gpe 7: " + flow6},
		{"Geneve", IPv4, build(t, ip4(17, 9), udp(6081), raw(1, 0, 0x65, 0x58, 0, 0, 7, 0, 1, 2, 3, 4), ether(eth4), ip4(6, 1), tcp()), u + "1000 > 6081 | geneve 7: " + flow4},
		{"GTP-U", IPv4, build(t, ip4(17, 9), udp(2152), raw(0x30, 255, 0, 0, 0, 0, 1, 0), ip4(6, 1), tcp()), u + "1000 > 2152 | gtp_u 256: " + flow4},
		{"GTP-U with extension", IPv4, build(t, ip4(17, 9), udp(2152), raw(0x34, 255, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0x85, 1, 0, 9, 0), ip6(6, 1), tcp()), u + "1000 > 2152 | gtp_u 256: " + flow6},
		{"GTP echo", IPv4, build(t, ip4(17, 9), udp(2152), raw(0x32, 1, 0, 4, 0, 0, 0, 0, 0, 1, 0, 0)), u + "1000 > 2152"},
		{"five deep", IPv4, build(t, ip4(4, 5), ip4(4, 4), ip4(4, 3), ip4(4, 2), ip4(6, 1), tcp()),
			"10.0.0.5 > 10.0.1.5 proto 4 | ip_in_ip: 10.0.0.4 > 10.0.1.4 proto 4 | ip_in_ip: 10.0.0.3 > 10.0.1.3 proto 4 | ip_in_ip: 10.0.0.2 > 10.0.1.2 proto 4"},
		{"ARP", Ethernet, build(t, ether(layers.EthernetTypeARP), raw(0, 1, 8, 0)), ""},
		{"IPv4 that is IPv6", Ethernet, build(t, ether(eth4), ip6(6, 1), tcp()), ""},
	}
}

func TestParse(t *testing.T) {
	for _, c := range packets(t) {
		var p Packet
		p.Parse(c.start, c.data)
		if got := describe(&p); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestHeaderFields(t *testing.T) {
	var p Packet
	data := build(t, ether(eth4), ip4(17, 1), udp(53), gopacket.Payload("hello"))
	p.Parse(Ethernet, data)
	h := p.Outermost()
	if h.ID != 0x1234 || h.TTL != 64 || h.TOS != 0x28 || h.Length != 33 || !h.DF || h.Version != 4 || p.EtherType != 0x0800 || string(data[h.Payload:h.Payload+5]) != "hello" {
		t.Errorf("got %+v", *h)
	}
	if p.Encapsulated() != nil {
		t.Error("got an encapsulated header of a plain packet")
	}
}

// A packet cut anywhere says a part of what the whole one says, never something else.
func TestCutAnywhere(t *testing.T) {
	for _, c := range packets(t) {
		var whole Packet
		whole.Parse(c.start, c.data)
		for n := range c.data {
			var p Packet
			p.Parse(c.start, c.data[:n:n])
			if p.Read > n || p.Read > whole.Read || n < whole.Read && p.Cut == Whole {
				t.Fatalf("%s cut to %d: got cut in %v, %d bytes of headers read of %d", c.name, n, p.Cut, p.Read, whole.Read)
			}
			if whole.Cut != Whole && p.Cut == Whole {
				t.Fatalf("%s cut to %d: the whole packet is cut in %v, this is not", c.name, n, whole.Cut)
			}
			if p.Depth > whole.Depth {
				t.Fatalf("%s cut to %d: got %d headers, the whole packet has %d", c.name, n, p.Depth, whole.Depth)
			}
			for i := range p.Depth {
				g, w := p.Head[i], whole.Head[i]
				if g.Src != w.Src || g.Dst != w.Dst || g.TunnelID != w.TunnelID || g.Tunnel != w.Tunnel ||
					g.HasPorts && (g.SrcPort != w.SrcPort || g.DstPort != w.DstPort) || !g.HasPorts && (g.SrcPort != 0 || g.DstPort != 0) {
					t.Fatalf("%s cut to %d: got %+v, want a part of %+v", c.name, n, g, w)
				}
			}
		}
	}
}

func TestDamagedNeverPanics(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	all := packets(t)
	for range 100_000 {
		c := all[rng.IntN(len(all))]
		data := bytes.Clone(c.data)
		for range 1 + rng.IntN(4) {
			data[rng.IntN(len(data))] = byte(rng.Uint32())
		}
		var p Packet
		p.Parse(Start(rng.IntN(3)), data[:rng.IntN(len(data)+1)])
		for i := range p.Depth {
			if p.Head[i].Payload > len(data) {
				t.Fatalf("payload at %d of %d bytes", p.Head[i].Payload, len(data))
			}
		}
	}
}

func TestParseAllocatesNothing(t *testing.T) {
	all := packets(t)
	var p Packet
	if n := testing.AllocsPerRun(100, func() {
		for i := range all {
			p.Parse(all[i].start, all[i].data)
		}
	}); n != 0 {
		t.Errorf("got %v allocations, want none", n)
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range packets(f) {
		f.Add(uint8(c.start), c.data)
	}
	f.Fuzz(func(t *testing.T, start uint8, data []byte) {
		var p, again Packet
		p.Parse(Start(start), data)
		again.Head[0].DstPort = 1 // what was there before must not show
		again.Parse(Start(start), data)
		if describe(&p) != describe(&again) {
			t.Fatalf("got %s and %s", describe(&p), describe(&again))
		}
	})
}

func BenchmarkParseVXLAN(b *testing.B) {
	for _, c := range packets(b) {
		if c.name != "VXLAN" {
			continue
		}
		var p Packet
		b.ReportAllocs()
		for b.Loop() {
			p.Parse(c.start, c.data)
		}
	}
}

// Where a packet ends, by name.
func TestSaysWhereItIsCut(t *testing.T) {
	withOptions := append(build(t, ip4(6, 1)), 0x07, 0xd0, 0, 80, 0, 0, 0, 1, 0, 0, 0, 2, 0x80, 0x12, 0, 0, 0, 0, 0, 0, 2, 4, 5, 0xb4)
	f := func(what string, start Start, data []byte, want Layer, read int) {
		t.Helper()
		var p Packet
		p.Parse(start, data)
		if p.Cut != want || p.Read != read {
			t.Errorf("%s: got cut in %v after %d bytes; want %v, %d", what, p.Cut, p.Read, want, read)
		}
	}
	vx := build(t, ip4(17, 9), udp(4789), &layers.VXLAN{ValidIDFlag: true, VNI: 1}, ether(eth4), ip4(6, 1), tcp())
	f("whole", IPv4, vx, Whole, len(vx)-6) // padding of the short inner frame
	f("nothing", Ethernet, nil, LayerEthernet, 0)
	f("TCP options", IPv4, withOptions, LayerTCPOptions, 40)
	f("TCP flags", IPv4, withOptions[:36], LayerTCP, 34)
	f("inner Ethernet", IPv4, vx[:40], LayerEthernet, 36)
	f("VXLAN", IPv4, vx[:30], LayerVXLAN, 28)
	f("inner IPv4", IPv4, vx[:60], LayerIPv4, 50)
	f("VLAN", Ethernet, build(t, ether(layers.EthernetTypeDot1Q))[:14], LayerVLAN, 14)
	f("MPLS", Ethernet, build(t, ether(layers.EthernetTypeMPLSUnicast))[:14], LayerMPLS, 14)
	f("ESP", IPv4, append(build(t, ip4(50, 1)), 1, 2, 3), LayerESP, 20)
	if got := Layer(200).String(); got != "unknown" || LayerTCPOptions.String() != "tcp_options" {
		t.Errorf("got %q", got)
	}
}

// ESP says its SPI, and AH in IPv4 what is behind it.
func TestSecurityHeaders(t *testing.T) {
	var p Packet
	p.Parse(IPv4, append(build(t, ip4(50, 1)), 0, 0, 1, 2, 0, 0, 0, 9))
	if h := p.Outermost(); !h.HasSPI || h.SPI != 258 || h.Proto != ESP {
		t.Errorf("ESP: got %+v", h)
	}
	ah := []byte{6, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
	p.Parse(IPv4, append(append(build(t, ip4(51, 1)), ah...), build(t, tcp())...))
	if got := describe(&p); got != flow4 {
		t.Errorf("AH: got %s", got)
	}
}
