package capture

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// Ethernet appends a made-up Ethernet header before a packet of a protocol to b.
func Ethernet(b []byte, protocol uint16) []byte {
	return binary.BigEndian.AppendUint16(append(b, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1), protocol)
}

// UDP appends a frame with a datagram in it to b: Ethernet, IPv4 (DF) or IPv6, UDP, with
// right checksums.
func UDP(b []byte, src, dst netip.AddrPort, data []byte) ([]byte, error) {
	s, d := src.Addr().Unmap(), dst.Addr().Unmap()
	if !s.IsValid() || !d.IsValid() || s.Is4() != d.Is4() {
		return b, fmt.Errorf("cannot write a frame from %v to %v: want two addresses of one kind", src, dst)
	}
	const udpHeader = 8
	size := udpHeader + len(data)
	if size+20 > 0xffff {
		return b, fmt.Errorf("cannot write a frame: got %d bytes of UDP payload, want at most 65507", len(data))
	}
	o := binary.BigEndian
	at := len(b)
	if s.Is4() {
		b = append(Ethernet(b, 0x0800), 0x45, 0)
		b = o.AppendUint16(b, uint16(20+size))
		b = append(b, 0, 0, 0x40, 0, 64, 17, 0, 0)
	} else {
		b = append(Ethernet(b, 0x86dd), 0x60, 0, 0, 0)
		b = o.AppendUint16(b, uint16(size))
		b = append(b, 17, 64)
	}
	addresses := len(b)
	b = append(append(b, s.AsSlice()...), d.AsSlice()...)
	if s.Is4() {
		o.PutUint16(b[at+24:], ^sum(0, b[at+14:at+34]))
	}
	pseudo := uint32(sum(17+uint32(size), b[addresses:]))
	at = len(b)
	b = o.AppendUint16(o.AppendUint16(b, src.Port()), dst.Port())
	b = append(o.AppendUint16(b, uint16(size)), 0, 0)
	b = append(b, data...)
	c := ^sum(pseudo, b[at:])
	if c == 0 {
		c = 0xffff
	}
	o.PutUint16(b[at+6:], c)
	return b, nil
}

// sum adds up 16-bit words in ones' complement.
func sum(start uint32, b []byte) uint16 {
	n := uint64(start)
	for ; len(b) > 1; b = b[2:] {
		n += uint64(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		n += uint64(b[0]) << 8
	}
	for n > 0xffff {
		n = n>>16 + n&0xffff
	}
	return uint16(n)
}
