package reportsjson

import (
	"encoding/binary"
	"net/netip"

	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/internal/capture"
	"github.com/telltale-net/telltale/internal/dissect"
)

// line takes a line of hex text: a datagram, or a packet as a capture has them.
func (d *decoder) line(dg *capture.Datagram) error {
	start, packet := dissect.Ethernet, true
	switch d.opt.Hex {
	case Datagrams:
		packet = false
	case Frames:
	default:
		start, packet = packetStart(dg.Payload)
	}
	if !packet {
		return d.datagram(dg)
	}
	p := capture.Packet{Datagram: *dg, Known: true, Start: start, Data: dg.Payload}
	p.Datagram.Payload = nil
	p.HasDatagram = datagramOf(&p)
	if !p.HasDatagram {
		d.frames.Datagrams--
		d.frames.NotUDP++
	}
	return d.frame(&p)
}

// packetStart reports whether b is a packet and what it starts with. A datagram of
// reports starts with 0, 1 or 2, its version. What does not, and begins with an
// Ethernet header before an IP header or with an IP header, is a packet; what does
// is one where that Ethernet header stands before an IP header that is right.
func packetStart(b []byte) (dissect.Start, bool) {
	if len(b) == 0 {
		return 0, false
	}
	version := b[0] >> 4
	ip, ok := behindEthernet(b)
	switch {
	case ok && (version > report.Version || isIP(ip)):
		return dissect.Ethernet, true
	case version == 4 && len(b) >= 20:
		return dissect.IPv4, true
	case version == 6 && len(b) >= 40:
		return dissect.IPv6, true
	}
	return 0, false
}

// behindEthernet returns what stands behind an Ethernet header and any VLAN tags, where
// they say that it is IP and it begins so.
func behindEthernet(b []byte) ([]byte, bool) {
	at := 12
	for at+4 < len(b) && (be16(b[at:]) == 0x8100 || be16(b[at:]) == 0x88a8) {
		at += 4
	}
	if at+2 >= len(b) {
		return nil, false
	}
	ip := b[at+2:]
	switch be16(b[at:]) {
	case 0x0800:
		return ip, ip[0]>>4 == 4
	case 0x86dd:
		return ip, ip[0]>>4 == 6
	}
	return nil, false
}

// isIP reports whether an IP header is right: of IPv4 its checksum or its length, of
// IPv6 its length.
func isIP(ip []byte) bool {
	if ip[0]>>4 == 6 {
		return len(ip) >= 40 && int(be16(ip[4:]))+40 >= len(ip)
	}
	size := int(ip[0]&15) * 4
	if size < 20 || size > len(ip) {
		return false
	}
	if int(be16(ip[2:])) == len(ip) {
		return true
	}
	sum := uint32(0)
	for i := 0; i < size; i += 2 {
		sum += uint32(be16(ip[i:]))
	}
	return sum>>16+sum&0xffff == 0xffff
}

func be16(b []byte) uint16 { return binary.BigEndian.Uint16(b) }

// datagramOf finds the UDP datagram in a frame, as package capture does.
func datagramOf(p *capture.Packet) bool {
	var headers dissect.Packet
	headers.Parse(p.Start, p.Data)
	h := headers.Outermost()
	if h == nil || h.Fragment || !h.HasUDP {
		return false
	}
	const udpHeader = 8
	payload := p.Data[h.Payload:]
	if n := int(be16(p.Data[h.Payload-4:])) - udpHeader; n >= 0 {
		p.Datagram.Missing = max(0, n-len(payload))
		payload = payload[:min(n, len(payload))]
	}
	p.Datagram.Payload = payload
	p.Datagram.Src = netip.AddrPortFrom(netip.AddrFrom16(h.Src).Unmap(), h.SrcPort)
	p.Datagram.Dst = netip.AddrPortFrom(netip.AddrFrom16(h.Dst).Unmap(), h.DstPort)
	return true
}
