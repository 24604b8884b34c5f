package hash

import (
	"encoding/binary"
	"math/bits"
)

// Sum1071 is the ones' complement sum of data as big-endian 16-bit words, an odd
// last byte padded right (RFC 1071), added to an earlier sum. Pass 0 to start.
// Earlier parts must be of even length.
func Sum1071(sum uint64, data []byte) uint64 {
	var carry uint64
	for len(data) >= 8 {
		sum, carry = bits.Add64(sum, binary.BigEndian.Uint64(data), carry)
		data = data[8:]
	}
	if len(data) >= 4 {
		sum, carry = bits.Add64(sum, uint64(binary.BigEndian.Uint32(data)), carry)
		data = data[4:]
	}
	if len(data) >= 2 {
		sum, carry = bits.Add64(sum, uint64(binary.BigEndian.Uint16(data)), carry)
		data = data[2:]
	}
	if len(data) == 1 {
		sum, carry = bits.Add64(sum, uint64(data[0])<<8, carry)
	}
	sum, carry = bits.Add64(sum, 0, carry)
	return sum + carry
}

// Fold1071 folds a sum to 16 bits.
func Fold1071(sum uint64) uint16 {
	sum = sum>>32 + sum&0xffffffff
	sum = sum>>16 + sum&0xffff
	sum = sum>>16 + sum&0xffff
	sum = sum>>16 + sum&0xffff
	return uint16(sum)
}

// Checksum is BMv2's csum16 and cksum16: the Internet checksum (RFC 1071), the
// complement of the folded sum.
func Checksum(data []byte) uint16 { return ^Fold1071(Sum1071(0, data)) }

func xorWords16(data []byte) (x uint16) {
	for len(data) >= 2 {
		x ^= binary.BigEndian.Uint16(data)
		data = data[2:]
	}
	if len(data) == 1 {
		x ^= uint16(data[0]) << 8
	}
	return x
}

func xorWords32(data []byte) (x uint32) {
	for len(data) >= 4 {
		x ^= binary.BigEndian.Uint32(data)
		data = data[4:]
	}
	for i, b := range data {
		x ^= uint32(b) << (24 - 8*i)
	}
	return x
}

// first8 is BMv2's identity: up to eight bytes as a number.
func first8(data []byte) (x uint64) {
	if len(data) >= 8 {
		return binary.BigEndian.Uint64(data)
	}
	for _, b := range data {
		x = x<<8 | uint64(b)
	}
	return x
}

// fnvMix is simple_switch's hash_ex. It reads bytes as C's char, which is signed
// where BMv2 runs.
func fnvMix(data []byte) uint32 {
	h := uint32(2166136261)
	for _, b := range data {
		h = (h ^ uint32(int32(int8(b)))) * 16777619
	}
	h += h << 13
	h ^= h >> 7
	h += h << 3
	h ^= h >> 17
	h += h << 5
	return h
}

// toeplitzSum is the hash of Microsoft's receive side scaling over big-endian
// words, the last padded right. The key repeats when the input is longer.
func toeplitzSum(key []uint32, data []byte) (sum uint32) {
	for i := 0; len(data) > 0; i++ {
		var w uint32
		if len(data) >= 4 {
			w, data = binary.BigEndian.Uint32(data), data[4:]
		} else {
			for j, b := range data {
				w |= uint32(b) << (24 - 8*j)
			}
			data = nil
		}
		window := uint64(key[i%len(key)])<<32 | uint64(key[(i+1)%len(key)])
		for ; w != 0; w &= w - 1 {
			shift := 31 - bits.TrailingZeros32(w)
			sum ^= uint32(window << shift >> 32)
		}
	}
	return sum
}
