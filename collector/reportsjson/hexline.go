package reportsjson

import (
	"encoding/binary"
	"net/netip"

	"github.com/telltale-net/telltale/internal/capture"
	"github.com/telltale-net/telltale/internal/dissect"
)

// line takes a line of hex text: a datagram, or a frame as a capture has them.
func (d *decoder) line(dg *capture.Datagram) error {
	if d.opt.Hex == Datagrams || d.opt.Hex != Frames && !isFrame(dg.Payload) {
		return d.datagram(dg)
	}
	p := capture.Packet{Datagram: *dg, Known: true, Start: dissect.Ethernet, Data: dg.Payload}
	p.Datagram.Payload = nil
	p.HasDatagram = datagramOf(&p)
	if !p.HasDatagram {
		d.frames.Datagrams--
		d.frames.NotUDP++
	}
	return d.frame(&p)
}

// isFrame reports whether b begins with an Ethernet header, any VLAN tags, and an IP
// header that is right: of IPv4 its checksum or its length, of IPv6 its length.
func isFrame(b []byte) bool {
	at := 12
	for at+4 < len(b) && (be16(b[at:]) == 0x8100 || be16(b[at:]) == 0x88a8) {
		at += 4
	}
	if at+2+20 > len(b) {
		return false
	}
	ip := b[at+2:]
	switch be16(b[at:]) {
	case 0x0800:
		size := int(ip[0]&15) * 4
		if ip[0]>>4 != 4 || size < 20 || size > len(ip) {
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
	case 0x86dd:
		return ip[0]>>4 == 6 && len(ip) >= 40 && int(be16(ip[4:]))+40 >= len(ip)
	}
	return false
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
