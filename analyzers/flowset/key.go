package flowset

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"

	"github.com/telltale-net/telltale/analyzers/flowset/hash"
)

// Bytes of the keys that are five-tuples.
const (
	KeyIPv4 = 13          // src 4, dst 4, proto 1, sport 2, dport 2
	KeyIPv6 = 37          // src 16, dst 16, proto 1, sport 2, dport 2
	KeyVNI4 = 16          // IPv4, and the tenant's VNI in 3
	KeyVNI6 = 40          // IPv6, and the tenant's VNI in 3
	MaxKey  = hash.MaxKey // bytes of any key
)

// Key is a flow's key as switches hash it: its bytes as big-endian words, zero at the
// end. How many bytes it has, its table knows. Comparable.
type Key [5]uint64

// MakeKey makes a key of at most MaxKey bytes.
func MakeKey(b []byte) Key {
	var all [MaxKey]byte
	copy(all[:], b)
	var k Key
	for i := range k {
		k[i] = binary.BigEndian.Uint64(all[8*i:])
	}
	return k
}

// Append appends the first n bytes of the key.
func (k Key) Append(b []byte, n int) []byte {
	var all [MaxKey]byte
	for i, w := range k {
		binary.BigEndian.PutUint64(all[8*i:], w)
	}
	return append(b, all[:n]...)
}

// Digest folds a key of n bytes.
func (k Key) Digest(n int) uint64 {
	return hash.WideDigest(k[0], k[1], (*[3]uint64)(k[2:]), n)
}

// Order is the order of a five-tuple's fields in its key.
type Order uint8

// The orders.
const (
	ProtoThird Order = iota // src, dst, proto, sport, dport
	ProtoLast               // src, dst, sport, dport, proto
)

// Flow is a five-tuple. An IPv4 address in a table with keys of 37 bytes is written
// ::ffff:a.b.c.d and comes out as IPv4.
type Flow struct {
	Src, Dst         netip.Addr
	Proto            uint8
	SrcPort, DstPort uint16
	VNI              uint32 // of keys that have one
}

// Key returns the flow's key of n bytes, one of the Key constants.
func (f Flow) Key(n int) (Key, error) {
	var b [MaxKey]byte
	at := 4
	switch {
	case (n == KeyIPv4 || n == KeyVNI4) && f.Src.Is4() && f.Dst.Is4():
		s, d := f.Src.As4(), f.Dst.As4()
		copy(b[:], s[:])
		copy(b[4:], d[:])
	case (n == KeyIPv6 || n == KeyVNI6) && f.Src.IsValid() && f.Dst.IsValid():
		s, d := f.Src.As16(), f.Dst.As16()
		copy(b[:], s[:])
		copy(b[16:], d[:])
		at = 16
	default:
		return Key{}, fmt.Errorf("cannot make a key of %d bytes of flow %s: want %d or, with a VNI, %d for IPv4; %d or %d for any", n, f, KeyIPv4, KeyVNI4, KeyIPv6, KeyVNI6)
	}
	b[2*at] = f.Proto
	binary.BigEndian.PutUint16(b[2*at+1:], f.SrcPort)
	binary.BigEndian.PutUint16(b[2*at+3:], f.DstPort)
	b[2*at+5], b[2*at+6], b[2*at+7] = byte(f.VNI>>16), byte(f.VNI>>8), byte(f.VNI)
	return MakeKey(b[:n]), nil
}

// FlowOf returns the five-tuple of a key of n bytes; ok is false where n bytes are none.
func FlowOf(k Key, n int, order Order) (f Flow, ok bool) {
	var b [MaxKey]byte
	k.Append(b[:0], MaxKey)
	at := 4
	switch n {
	case KeyIPv4, KeyVNI4:
		f.Src, f.Dst = netip.AddrFrom4([4]byte(b[:4])), netip.AddrFrom4([4]byte(b[4:8]))
	case KeyIPv6, KeyVNI6:
		at = 16
		f.Src, f.Dst = netip.AddrFrom16([16]byte(b[:16])).Unmap(), netip.AddrFrom16([16]byte(b[16:32])).Unmap()
	default:
		return Flow{}, false
	}
	rest := b[2*at:]
	if n == KeyVNI4 || n == KeyVNI6 {
		f.VNI = uint32(rest[5])<<16 | uint32(rest[6])<<8 | uint32(rest[7])
	}
	if order == ProtoLast {
		f.Proto = rest[4]
	} else {
		f.Proto = rest[0]
		rest = rest[1:]
	}
	f.SrcPort, f.DstPort = binary.BigEndian.Uint16(rest), binary.BigEndian.Uint16(rest[2:])
	return f, true
}

func (f Flow) String() string {
	return fmt.Sprintf("%s:%d>%s:%d/%d", f.Src, f.SrcPort, f.Dst, f.DstPort, f.Proto)
}

// AppendFlow appends a key of n bytes as the JSON object of a flow: its five-tuple, or
// {"key":"…"} in hex where it is none.
func AppendFlow(b []byte, k Key, n int, order Order) []byte {
	f, ok := FlowOf(k, n, order)
	if !ok {
		var raw [MaxKey]byte
		b = append(b, `{"key":"`...)
		b = hex.AppendEncode(b, k.Append(raw[:0], n))
		return append(b, `"}`...)
	}
	b = append(b, `{"src":"`...)
	b = f.Src.AppendTo(b)
	b = append(b, `","dst":"`...)
	b = f.Dst.AppendTo(b)
	b = fmt.Appendf(b, `","proto":%d,"sport":%d,"dport":%d`, f.Proto, f.SrcPort, f.DstPort)
	if n == KeyVNI4 || n == KeyVNI6 {
		b = fmt.Appendf(b, `,"vni":%d`, f.VNI)
	}
	return append(b, '}')
}
