package p4src_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"net"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// The packets of the tests are built by gopacket, and what is expected of a switch is
// written down from the specifications, never from what a switch did.

func mac(s string) net.HardwareAddr {
	m, err := net.ParseMAC(s)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return m
}

func ip4(s string) net.IP { return net.IP(netip.MustParseAddr(s).AsSlice()) }

func u32(s string) uint32 { return binary.BigEndian.Uint32(ip4(s)) }

// MAC addresses of the tests: a packet comes from hostMAC to gatewayMAC.
const (
	hostMAC    = "02:00:00:00:00:01"
	gatewayMAC = "02:00:00:00:00:fe"
	ourMAC     = "02:aa:00:00:00:01"
	peerMAC    = "02:bb:00:00:00:02"
)

// A flow is a five-tuple; ports are left out where the protocol has none.
type flow struct {
	src, dst     string
	proto        layers.IPProtocol
	sport, dport uint16
}

func (f flow) hash(vni uint32) uint32 {
	var b [16]byte
	binary.BigEndian.PutUint32(b[0:], vni<<8)
	binary.BigEndian.PutUint32(b[3:], u32(f.src))
	binary.BigEndian.PutUint32(b[7:], u32(f.dst))
	b[11] = uint8(f.proto)
	binary.BigEndian.PutUint16(b[12:], f.sport)
	binary.BigEndian.PutUint16(b[14:], f.dport)
	return crc32.ChecksumIEEE(b[:])
}

// ipv4Opt changes the IPv4 header of a packet before it is serialised.
type ipv4Opt func(*layers.IPv4)

func ttl(n uint8) ipv4Opt         { return func(ip *layers.IPv4) { ip.TTL = n } }
func ident(n uint16) ipv4Opt      { return func(ip *layers.IPv4) { ip.Id = n } }
func tos(n uint8) ipv4Opt         { return func(ip *layers.IPv4) { ip.TOS = n } }
func fragment(off uint16) ipv4Opt { return func(ip *layers.IPv4) { ip.FragOffset = off } }
func options(data ...byte) ipv4Opt {
	return func(ip *layers.IPv4) {
		ip.Options = []layers.IPv4Option{{OptionType: 0x82, OptionLength: uint8(len(data) + 2), OptionData: data}}
	}
}

// serialize puts layers together with right lengths and checksums.
func serialize(l ...gopacket.SerializableLayer) []byte {
	buf := gopacket.NewSerializeBuffer()
	opts := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(buf, opts, l...); err != nil {
		panic("BUG: " + err.Error())
	}
	return buf.Bytes()
}

// packet is an Ethernet frame of the flow with that many payload bytes, which count up.
func packet(f flow, payload int, opts ...ipv4Opt) []byte {
	eth := &layers.Ethernet{SrcMAC: mac(hostMAC), DstMAC: mac(gatewayMAC), EthernetType: layers.EthernetTypeIPv4}
	ip := &layers.IPv4{Version: 4, TTL: 64, Id: 7, Protocol: f.proto, SrcIP: ip4(f.src), DstIP: ip4(f.dst)}
	for _, o := range opts {
		o(ip)
	}
	data := make([]byte, payload)
	for i := range data {
		data[i] = byte(i)
	}
	switch {
	case ip.FragOffset != 0:
		return serialize(eth, ip, gopacket.Payload(data))
	case f.proto == layers.IPProtocolUDP:
		udp := &layers.UDP{SrcPort: layers.UDPPort(f.sport), DstPort: layers.UDPPort(f.dport)}
		if err := udp.SetNetworkLayerForChecksum(ip); err != nil {
			panic("BUG: " + err.Error())
		}
		return serialize(eth, ip, udp, gopacket.Payload(data))
	case f.proto == layers.IPProtocolTCP:
		tcp := &layers.TCP{SrcPort: layers.TCPPort(f.sport), DstPort: layers.TCPPort(f.dport), Seq: 1, SYN: true, Window: 1000}
		if err := tcp.SetNetworkLayerForChecksum(ip); err != nil {
			panic("BUG: " + err.Error())
		}
		return serialize(eth, ip, tcp, gopacket.Payload(data))
	}
	return serialize(eth, ip, gopacket.Payload(data))
}

// vxlan is the overlay of the tests: what stands in front of a tenant's frame.
type vxlan struct {
	smac, dmac string
	src, dst   string // PAs
	id         uint16
	ttl, tos   uint8
	hash       uint32 // of the flow inside
	vni        uint32
	epoch      uint8
	colour     uint8
	flags      uint8 // of VXLAN, 0 = the VNI flag
}

func (v vxlan) wrap(inner []byte) []byte {
	eth := &layers.Ethernet{SrcMAC: mac(v.smac), DstMAC: mac(v.dmac), EthernetType: layers.EthernetTypeIPv4}
	ip := &layers.IPv4{Version: 4, TTL: v.ttl, TOS: v.tos, Id: v.id, Flags: layers.IPv4DontFragment,
		Protocol: layers.IPProtocolUDP, SrcIP: ip4(v.src), DstIP: ip4(v.dst)}
	if v.flags == 0 {
		v.flags = 8
	}
	var h [16]byte
	binary.BigEndian.PutUint16(h[0:], 0xC000|uint16(v.hash))
	binary.BigEndian.PutUint16(h[2:], 4789)
	binary.BigEndian.PutUint16(h[4:], uint16(16+len(inner)))
	// h[6:8] is the UDP checksum, 0 as RFC 7348 asks for.
	h[8] = v.flags
	binary.BigEndian.PutUint32(h[12:], v.vni<<8|uint32(v.epoch)<<7|uint32(v.colour)<<5)
	return serialize(eth, ip, gopacket.Payload(append(h[:], inner...)))
}

// destination is where the reports of the tests go, as report_target says.
type destination struct {
	smac, dmac, src, dst string
	dport                uint16
	hwID                 uint8
}

var collector = destination{ourMAC, "02:cc:00:00:00:09", "192.0.2.1", "192.0.2.99", 9555, 3}

const collectorEntry = "report_target = set_report_target(02:aa:00:00:00:01, 02:cc:00:00:00:09, 192.0.2.1, 192.0.2.99, 9555, 3)\n"

// A report is a Telemetry Report v2.0 as a test expects it. Pointers are metadata that
// may be absent.
type report struct {
	node, seq     uint32
	d, q, f       bool
	in, out       uint16
	hop           *hop   // what is known after the queue
	ingress       uint64 // ns
	reason        *uint8 // with the queue
	packetID      uint16
	epoch, colour uint8
	hash          *uint32
	vni           uint32 // 0 = absent
	enqueued      *uint32
	rule          uint32 // 0 = absent
	packet        []byte // the reported packet, whole
}

type hop struct {
	occupancy uint32
	egress    uint64 // ns
}

func ptr[T any](v T) *T { return &v }

func bit(b bool, v uint8) uint8 {
	if b {
		return v
	}
	return 0
}

// frame encodes the report, word by word as the specification lists them.
func (r report) frame(to destination) []byte {
	var bits, ds uint16
	var md []byte
	word := func(v uint32) { md = binary.BigEndian.AppendUint32(md, v) }

	bits |= 0x4000
	word(uint32(r.in)<<16 | uint32(r.out))
	if r.hop != nil {
		bits |= 0x2000 | 0x1000
		word(uint32(r.hop.egress - r.ingress))
		word(0<<24 | r.hop.occupancy)
	}
	bits |= 0x0800
	md = binary.BigEndian.AppendUint64(md, r.ingress)
	if r.hop != nil {
		bits |= 0x0400
		md = binary.BigEndian.AppendUint64(md, r.hop.egress)
	}
	if r.reason != nil {
		bits |= 0x0001
		word(0<<24 | uint32(*r.reason)<<16)
	}

	ds |= 0x8000
	stage := uint32(1)
	if r.hop == nil {
		stage = 0
	}
	word(uint32(r.packetID)<<16 | uint32(r.epoch)<<15 | uint32(r.colour)<<13 | stage)
	if r.hash != nil {
		ds |= 0x4000
		word(*r.hash)
	}
	if r.vni != 0 {
		ds |= 0x2000
		word(r.vni << 8)
	}
	ds |= 0x1000
	word(uint32(len(r.packet)) << 16)
	if r.enqueued != nil {
		ds |= 0x0800
		word(*r.enqueued)
	}
	if r.rule != 0 {
		ds |= 0x0400
		word(r.rule)
	}

	captured := r.packet[:min(len(r.packet), 128)&^3]
	var b []byte
	b = binary.BigEndian.AppendUint32(b, 2<<28|uint32(to.hwID)<<22|r.seq)
	b = binary.BigEndian.AppendUint32(b, r.node)
	b = append(b, 1<<4|3, uint8(2+len(md)/4+len(captured)/4), uint8(len(md)/4), bit(r.d, 0x80)|bit(r.q, 0x40)|bit(r.f, 0x20))
	b = binary.BigEndian.AppendUint16(b, bits)
	b = binary.BigEndian.AppendUint16(b, 0x7474)
	b = binary.BigEndian.AppendUint16(b, ds)
	b = binary.BigEndian.AppendUint16(b, 0)
	b = append(b, md...)
	b = append(b, captured...)

	var udp []byte
	var sport uint16
	if r.hash != nil {
		sport = uint16(*r.hash)
	}
	udp = binary.BigEndian.AppendUint16(udp, sport)
	udp = binary.BigEndian.AppendUint16(udp, to.dport)
	udp = binary.BigEndian.AppendUint16(udp, uint16(8+len(b)))
	udp = binary.BigEndian.AppendUint16(udp, 0)
	eth := &layers.Ethernet{SrcMAC: mac(to.smac), DstMAC: mac(to.dmac), EthernetType: layers.EthernetTypeIPv4}
	ip := &layers.IPv4{Version: 4, TTL: 64, Flags: layers.IPv4DontFragment, Protocol: layers.IPProtocolUDP,
		SrcIP: ip4(to.src), DstIP: ip4(to.dst)}
	return serialize(eth, ip, gopacket.Payload(append(udp, b...)))
}

// wantFrames compares what left a switch with port and bytes, in any order of ports but
// in order within a port.
func wantFrames(tb testing.TB, got []frame, want ...frame) {
	tb.Helper()
	dump := func(fs []frame) map[uint16][]string {
		m := make(map[uint16][]string)
		for _, f := range fs {
			data := f.data
			if *targetName != "embedded" {
				data = withoutTimes(f)
			}
			m[f.port] = append(m[f.port], hex.Dump(data))
		}
		return m
	}
	if diff := cmp.Diff(dump(want), dump(got)); diff != "" {
		tb.Errorf("what left the switch differs (-want, +got):\n%s", diff)
	}
}

// withoutTimes blanks what a real switch's clock decides: times, latency and the epoch
// bit, which is also in the VXLAN header of host A's frames.
func withoutTimes(f frame) []byte {
	const (
		fixed = 14 + 20 + 8 + 8 + 12 // bytes before the metadata of a report
		epoch = 14 + 20 + 8 + 7      // byte of VXLAN with the epoch bit
	)
	p := bytes.Clone(f.data)
	inner := p
	if f.port == collectorPort && len(p) > fixed {
		bits := binary.BigEndian.Uint16(p[54:])
		at := fixed
		for _, m := range []struct {
			bit   uint16
			bytes int
			time  bool
		}{{0x4000, 4, false}, {0x2000, 4, true}, {0x1000, 4, false}, {0x0800, 8, true}, {0x0400, 8, true}, {0x0001, 4, false}} {
			if bits&m.bit == 0 {
				continue
			}
			if m.time {
				clear(p[at : at+m.bytes])
			}
			at += m.bytes
		}
		p[at+2] &^= 0x80
		inner = p[fixed+4*int(p[52]):]
	}
	if len(inner) > epoch && inner[23] == 17 && binary.BigEndian.Uint16(inner[36:]) == 4789 {
		inner[epoch] &^= 0x80
	}
	return p
}
