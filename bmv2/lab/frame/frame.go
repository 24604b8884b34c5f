package frame

import (
	"encoding/binary"
	"net/netip"

	"github.com/telltale-net/telltale/topology"
)

// Protocols that tenants' hosts speak.
const (
	TCP = 6
	UDP = 17
)

// TCP flags.
const (
	FIN = 0x01
	SYN = 0x02
	PSH = 0x08
	ACK = 0x10
)

const (
	etherLen = 14
	ipLen    = 20
	udpLen   = 8
	tcpLen   = 20
	magic    = 0x74656c6c
)

// StampLen is how many bytes of payload a [Stamp] takes.
const StampLen = 24

// The shortest frames that hold a stamp, in bytes without FCS.
const (
	MinUDP = etherLen + ipLen + udpLen + StampLen
	MinTCP = etherLen + ipLen + tcpLen + StampLen
	// MaxLength is the longest frame IPv4 allows.
	MaxLength = etherLen + 0xffff
)

// Stamp is what a payload opens with.
type Stamp struct {
	Flow uint32
	Seq  uint64
	Sent int64 // ns
}

// Tenant is a frame between two hosts of a tenant.
type Tenant struct {
	DstMAC, SrcMAC   topology.MAC
	Src, Dst         netip.Addr // IPv4
	Proto            uint8      // TCP or UDP
	SrcPort, DstPort uint16
	ID               uint16 // IPv4 identification
	TTL              uint8
	TCPSeq           uint32 // TCP only
	TCPFlags         uint8  // TCP only
	Length           int    // of the whole frame without FCS, MinUDP or MinTCP … MaxLength
	Stamp            Stamp
}

// AppendTenant appends the frame's bytes to dst. It panics if t breaks the bounds
// its fields name, because specs are checked where they enter.
func AppendTenant(dst []byte, t *Tenant) []byte {
	l4 := udpLen
	if t.Proto == TCP {
		l4 = tcpLen
	}
	if t.Length < etherLen+ipLen+l4+StampLen || t.Length > MaxLength || (t.Proto != TCP && t.Proto != UDP) {
		panic("BUG: frame: tenant frame out of bounds")
	}
	start := len(dst)
	dst = grow(dst, t.Length)
	b := dst[start:]
	copy(b[0:6], t.DstMAC[:])
	copy(b[6:12], t.SrcMAC[:])
	binary.BigEndian.PutUint16(b[12:], etherIPv4)

	ip := b[etherLen:]
	src, dstAddr := t.Src.As4(), t.Dst.As4()
	total := t.Length - etherLen
	ip[0], ip[1] = 0x45, 0
	binary.BigEndian.PutUint16(ip[2:], uint16(total))
	binary.BigEndian.PutUint16(ip[4:], t.ID)
	binary.BigEndian.PutUint16(ip[6:], 0x4000) // DF
	ip[8], ip[9] = t.TTL, t.Proto
	ip[10], ip[11] = 0, 0
	copy(ip[12:], src[:])
	copy(ip[16:], dstAddr[:])
	binary.BigEndian.PutUint16(ip[10:], ^fold(sum(0, ip[:ipLen])))

	seg := ip[ipLen:]
	binary.BigEndian.PutUint16(seg[0:], t.SrcPort)
	binary.BigEndian.PutUint16(seg[2:], t.DstPort)
	at := 6 // of the checksum
	if t.Proto == TCP {
		binary.BigEndian.PutUint32(seg[4:], t.TCPSeq)
		binary.BigEndian.PutUint32(seg[8:], 0)
		seg[12], seg[13] = tcpLen/4<<4, t.TCPFlags
		binary.BigEndian.PutUint16(seg[14:], 0xffff) // window
		binary.BigEndian.PutUint32(seg[16:], 0)      // checksum, urgent
		at = 16
	} else {
		binary.BigEndian.PutUint16(seg[4:], uint16(len(seg)))
		binary.BigEndian.PutUint16(seg[6:], 0)
	}
	p := seg[l4:]
	binary.BigEndian.PutUint32(p[0:], magic)
	binary.BigEndian.PutUint32(p[4:], t.Stamp.Flow)
	binary.BigEndian.PutUint64(p[8:], t.Stamp.Seq)
	binary.BigEndian.PutUint64(p[16:], uint64(t.Stamp.Sent))
	clear(p[StampLen:])
	// What follows the stamp is zero and adds nothing to the sum.
	c := ^fold(sum(pseudo(ip, len(seg)), seg[:l4+StampLen]))
	if c == 0 && t.Proto == UDP {
		c = 0xffff // RFC 768: zero would say "no checksum"
	}
	binary.BigEndian.PutUint16(seg[at:], c)
	return dst
}

func grow(b []byte, n int) []byte {
	if cap(b)-len(b) >= n {
		return b[:len(b)+n]
	}
	return append(b, make([]byte, n)...)
}

// pseudo sums the pseudo-header of the segment of n bytes in the IPv4 packet ip.
func pseudo(ip []byte, n int) uint64 {
	return sum(uint64(ip[9])+uint64(n), ip[12:20])
}

// sum adds b to the one's-complement sum s, unfolded. RFC 1071: any byte order and
// any word size do, as long as carries are folded in the end.
func sum(s uint64, b []byte) uint64 {
	for len(b) >= 8 {
		v := binary.BigEndian.Uint64(b)
		s += v>>32 + v&0xffffffff
		b = b[8:]
	}
	for len(b) >= 2 {
		s += uint64(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		s += uint64(b[0]) << 8
	}
	return s
}

func fold(s uint64) uint16 {
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}
