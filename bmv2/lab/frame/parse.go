package frame

import (
	"encoding/binary"
	"net/netip"

	"github.com/telltale-net/telltale/topology"
)

const etherIPv4 = 0x0800

// Defect is why a frame that arrived at the edge could not be used. It is a small
// number so that defects can be counted by kind without allocation.
type Defect uint8

// The defects, in the order in which a reader meets them.
const (
	OK            Defect = iota
	Truncated            // a header or a length reaches beyond the frame
	NotIPv4              // EtherType or version is another
	Fragment             // not the whole datagram
	IPChecksum           // header checksum is wrong
	OtherProtocol        // neither UDP nor TCP, or not the one expected
	L4Checksum           // UDP or TCP checksum is wrong
	NoStamp              // the payload is not a lab host's
	WrongMAC             // well formed, for another station
	WrongAddress         // well formed, for another IP address
	WrongPort            // well formed, for another UDP port
	UnknownFlow          // stamped with a flow number nobody sends
	Misdelivered         // stamped with a flow that goes to another host
	Defects              // how many there are
)

var defectNames = [Defects]string{
	"ok", "truncated", "not-ipv4", "fragment", "ip-checksum", "other-protocol", "l4-checksum",
	"no-stamp", "wrong-mac", "wrong-address", "wrong-port", "unknown-flow", "misdelivered",
}

func (d Defect) String() string {
	if d < Defects {
		return defectNames[d]
	}
	return "BUG: unknown defect"
}

// ParseTenant reads a frame that a tenant's host received. With a defect other than
// OK only what was read up to there is set.
func ParseTenant(b []byte) (t Tenant, d Defect) {
	ip, seg, d := network(b, &t)
	if d != OK {
		return t, d
	}
	t.Length = len(b)
	l4 := udpLen
	switch t.Proto {
	case UDP:
		if len(seg) < udpLen {
			return t, Truncated
		}
		n := int(binary.BigEndian.Uint16(seg[4:]))
		if n < udpLen || n > len(seg) {
			return t, Truncated
		}
		seg = seg[:n]
	case TCP:
		if len(seg) < tcpLen {
			return t, Truncated
		}
		l4 = int(seg[12]>>4) * 4
		if l4 < tcpLen || l4 > len(seg) {
			return t, Truncated
		}
		t.TCPSeq, t.TCPFlags = binary.BigEndian.Uint32(seg[4:]), seg[13]
	default:
		return t, OtherProtocol
	}
	t.SrcPort, t.DstPort = binary.BigEndian.Uint16(seg), binary.BigEndian.Uint16(seg[2:])
	if noChecksum := t.Proto == UDP && seg[6]|seg[7] == 0; !noChecksum && fold(sum(pseudo(ip, len(seg)), seg)) != 0xffff {
		return t, L4Checksum
	}
	p := seg[l4:]
	if len(p) < StampLen || binary.BigEndian.Uint32(p) != magic {
		return t, NoStamp
	}
	t.Stamp = Stamp{
		Flow: binary.BigEndian.Uint32(p[4:]),
		Seq:  binary.BigEndian.Uint64(p[8:]),
		Sent: int64(binary.BigEndian.Uint64(p[16:])),
	}
	return t, OK
}

// network reads Ethernet and IPv4 into t and returns the IPv4 packet and its payload.
func network(b []byte, t *Tenant) (ip, seg []byte, d Defect) {
	if len(b) < etherLen {
		return nil, nil, Truncated
	}
	t.DstMAC, t.SrcMAC = topology.MAC(b[0:6]), topology.MAC(b[6:12])
	if binary.BigEndian.Uint16(b[12:]) != etherIPv4 {
		return nil, nil, NotIPv4
	}
	ip = b[etherLen:]
	if len(ip) < ipLen {
		return nil, nil, Truncated
	}
	if ip[0]>>4 != 4 {
		return nil, nil, NotIPv4
	}
	hdr, total := int(ip[0]&0xf)*4, int(binary.BigEndian.Uint16(ip[2:]))
	if hdr < ipLen || total < hdr || total > len(ip) {
		return nil, nil, Truncated
	}
	if fold(sum(0, ip[:hdr])) != 0xffff {
		return nil, nil, IPChecksum
	}
	if binary.BigEndian.Uint16(ip[6:])&0x3fff != 0 { // MF or offset
		return nil, nil, Fragment
	}
	t.ID, t.TTL, t.Proto = binary.BigEndian.Uint16(ip[4:]), ip[8], ip[9]
	t.Src, t.Dst = netip.AddrFrom4([4]byte(ip[12:16])), netip.AddrFrom4([4]byte(ip[16:20]))
	return ip, ip[hdr:total], OK
}

// Datagram is a UDP datagram in an Ethernet frame.
type Datagram struct {
	DstMAC, SrcMAC topology.MAC
	Src, Dst       netip.AddrPort
	Payload        []byte // of the frame, not copied
}

// ParseDatagram reads the UDP datagram in b. A zero UDP checksum means none.
func ParseDatagram(b []byte) (g Datagram, d Defect) {
	var t Tenant
	ip, seg, d := network(b, &t)
	g.DstMAC, g.SrcMAC = t.DstMAC, t.SrcMAC
	if d != OK {
		return g, d
	}
	if t.Proto != UDP {
		return g, OtherProtocol
	}
	if len(seg) < udpLen {
		return g, Truncated
	}
	n := int(binary.BigEndian.Uint16(seg[4:]))
	if n < udpLen || n > len(seg) {
		return g, Truncated
	}
	seg = seg[:n]
	if seg[6]|seg[7] != 0 && fold(sum(pseudo(ip, n), seg)) != 0xffff {
		return g, L4Checksum
	}
	g.Src = netip.AddrPortFrom(t.Src, binary.BigEndian.Uint16(seg))
	g.Dst = netip.AddrPortFrom(t.Dst, binary.BigEndian.Uint16(seg[2:]))
	g.Payload = seg[udpLen:]
	return g, OK
}
