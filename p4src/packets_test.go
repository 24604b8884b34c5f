package p4src_test

import (
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
