package dissect

import "encoding/binary"

// Checked says what became of verifying a checksum.
type Checked uint8

// What became of it.
const (
	Unchecked Checked = iota // there is none, or not all of the packet is here
	Right
	Wrong
)

var checkedNames = [...]string{"unchecked", "right", "wrong"}

func (c Checked) String() string {
	if int(c) < len(checkedNames) {
		return checkedNames[c]
	}
	return "unknown"
}

// Checksum verifies the TCP or UDP checksum (RFC 9293, RFC 768, RFC 8200 8.1) that
// covers the INT header x of the packet b that p was parsed from. It is right where
// every node that inserted metadata either updated it or wrote a checksum
// complement that makes up for what it inserted.
func (p *Packet) Checksum(b []byte, x *INT) Checked {
	if x.L4 == 0 || x.Head < 0 || x.Head >= p.Depth {
		return Unchecked
	}
	h := &p.Head[x.Head]
	end := h.At + int(h.Length)
	if h.Fragment || end > len(b) || end < x.L4 {
		return Unchecked
	}
	field, least := x.L4+16, tcpHeader
	if x.Carrier == CarrierUDP {
		field, least = x.L4+6, udpHeader
	}
	if end < x.L4+least || x.Carrier == CarrierUDP && b[field] == 0 && b[field+1] == 0 {
		return Unchecked
	}
	sum := uint64(x.WireProto) + uint64(end-x.L4)
	if h.Version == 4 {
		sum += add16(h.Src[12:]) + add16(h.Dst[12:])
	} else {
		sum += add16(h.Src[:]) + add16(h.Dst[:])
	}
	sum += add16(b[x.L4:end])
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	if sum == 0xffff {
		return Right
	}
	return Wrong
}

// add16 adds up the 16-bit words of b, the last one padded.
func add16(b []byte) (sum uint64) {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint64(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint64(b[0]) << 8
	}
	return sum
}
