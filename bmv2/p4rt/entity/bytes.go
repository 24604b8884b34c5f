package entity

import (
	"bytes"
	"fmt"
	"math/bits"
)

// size is the number of bytes the device uses for a value of width bits.
func size(width int) int { return (width + 7) / 8 }

// Unsigned turns a client's bytestring for bit<width> into exactly ⌈width/8⌉
// bytes. It refuses the empty string and values that need more bits.
func Unsigned(b []byte, width int) ([]byte, error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("empty bytestring for bit<%d>", width)
	}
	v := bytes.TrimLeft(b, "\x00")
	need := 0
	if len(v) > 0 {
		need = (len(v)-1)*8 + bits.Len8(v[0])
	}
	if need > width {
		return nil, fmt.Errorf("value 0x%s needs %d bits, bit<%d> has fewer", head(v), need, width)
	}
	out := make([]byte, size(width))
	copy(out[len(out)-len(v):], v)
	return out, nil
}

// Signed turns a client's two's complement bytestring for int<width> into
// ⌈width/8⌉ bytes whose bits above width are zero, which is what the device keeps.
func Signed(b []byte, width int) ([]byte, error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("empty bytestring for int<%d>", width)
	}
	fill := byte(0)
	if b[0]&0x80 != 0 {
		fill = 0xff
	}
	v := b
	for len(v) > 1 && v[0] == fill && (v[1]^fill)&0x80 == 0 {
		v = v[1:]
	}
	// One sign bit, and the bits below it that differ from it.
	need := (len(v)-1)*8 + bits.Len8(v[0]^fill) + 1
	if need > width {
		return nil, fmt.Errorf("value 0x%s needs %d bits, int<%d> has fewer", head(v), need, width)
	}
	out := bytes.Repeat([]byte{fill}, size(width))
	copy(out[len(out)-len(v):], v)
	out[0] &= topMask(width)
	return out, nil
}

// Canonical is the shortest unsigned bytestring of the same value; it shares
// b's memory.
func Canonical(b []byte) []byte {
	for len(b) > 1 && b[0] == 0 {
		b = b[1:]
	}
	if len(b) == 0 {
		return []byte{0}
	}
	return b
}

// CanonicalSigned is the shortest two's complement bytestring of the device's
// int<width>.
func CanonicalSigned(b []byte, width int) []byte {
	if len(b) == 0 || width <= 0 {
		return []byte{0}
	}
	v := bytes.Clone(b)
	fill := byte(0)
	if v[0]&(1<<(uint(width-1)%8)) != 0 {
		fill = 0xff
		v[0] |= ^topMask(width)
	}
	for len(v) > 1 && v[0] == fill && (v[1]^fill)&0x80 == 0 {
		v = v[1:]
	}
	return v
}

// topMask has the bits that the first byte of a width-bit value may use.
func topMask(width int) byte {
	if r := uint(width) % 8; r != 0 {
		return 1<<r - 1
	}
	return 0xff
}

func allZero(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }

// full is the greatest value of bit<width>.
func full(width int) []byte {
	out := bytes.Repeat([]byte{0xff}, size(width))
	out[0] = topMask(width)
	return out
}

// prefixMask has its first n of width bits set.
func prefixMask(n, width int) []byte {
	out := make([]byte, size(width))
	pad := len(out)*8 - width
	for i := pad; i < pad+n; i++ {
		out[i/8] |= 0x80 >> (i % 8)
	}
	return out
}

// head is a value as hexadecimal, cut where an error message would drown in it.
func head(b []byte) string {
	const most = 20
	if len(b) > most {
		return fmt.Sprintf("%x…", b[:most])
	}
	return fmt.Sprintf("%x", b)
}
