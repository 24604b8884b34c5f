package capture

import (
	"encoding/binary"
	"net/netip"

	"github.com/telltale-net/telltale/internal/dissect"
)

// linkType is what frames begin with (the numbers of tcpdump.org/linktypes.html).
type linkType uint16

const (
	linkNull     linkType = 0 // BSD loopback: family 32, in the byte order of the host
	linkEthernet linkType = 1
	linkRawBSD   linkType = 12  // raw IP as DLT_RAW has it
	linkRawOther linkType = 14  // … on OpenBSD
	linkRaw      linkType = 101 // raw IP
	linkLoop     linkType = 108 // OpenBSD loopback: family 32, big-endian
	linkCooked   linkType = 113 // Linux cooked: 14 bytes, then EtherType 16
	linkIPv4     linkType = 228
	linkIPv6     linkType = 229
	linkCooked2  linkType = 276 // Linux cooked v2: EtherType 16, 18 bytes
)

// datagram finds the UDP datagram in the frame at hand. It counts what is none.
func (c *Reader) datagram(d *Datagram) bool {
	var p dissect.Packet
	start, b, ok := network(c.frame.link, c.frame.data)
	if !ok {
		c.stats.Unknown++
		return false
	}
	p.Parse(start, b)
	h := p.Outermost()
	if h == nil || h.Proto != dissect.UDP {
		c.stats.NotUDP++
		return false
	}
	if h.Fragment {
		c.stats.Fragments++
		return false
	}
	if !h.HasUDP {
		c.stats.NotUDP++
		return false
	}
	payload, missing := b[h.Payload:], 0
	// The length of the header trims the padding of short Ethernet frames; 0 is a
	// jumbogram's.
	const udpHeader = 8
	if n := int(binary.BigEndian.Uint16(b[h.Payload-4:])); n >= udpHeader {
		n -= udpHeader
		if n <= len(payload) {
			payload = payload[:n]
		} else {
			missing = n - len(payload)
		}
	}
	*d = Datagram{
		Time:     c.frame.time,
		Src:      netip.AddrPortFrom(netip.AddrFrom16(h.Src).Unmap(), h.SrcPort),
		Dst:      netip.AddrPortFrom(netip.AddrFrom16(h.Dst).Unmap(), h.DstPort),
		Payload:  payload,
		Missing:  missing,
		Position: c.frame.position,
	}
	return true
}

// network strips what stands before a header that the dissector knows.
func network(link linkType, b []byte) (dissect.Start, []byte, bool) {
	switch link {
	case linkEthernet:
		return dissect.Ethernet, b, true
	case linkRaw, linkRawBSD, linkRawOther:
	case linkIPv4, linkIPv6:
	case linkNull, linkLoop:
		b = b[min(4, len(b)):]
	case linkCooked:
		b = b[min(16, len(b)):]
	case linkCooked2:
		b = b[min(20, len(b)):]
	default:
		return 0, nil, false
	}
	if len(b) > 0 && b[0]>>4 == 6 {
		return dissect.IPv6, b, true
	}
	return dissect.IPv4, b, true
}
