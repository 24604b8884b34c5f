package hash

import (
	"encoding/binary"
	"math/bits"
)

// The primes of XXH64 (xxHash fast digest algorithm, revision 0.1.1). Variables,
// because sums of them wrap.
var (
	xxPrime1 uint64 = 0x9e3779b185ebca87
	xxPrime2 uint64 = 0xc2b2ae3d27d4eb4f
	xxPrime3 uint64 = 0x165667b19e3779f9
	xxPrime4 uint64 = 0x85ebca77c2b2ae63
	xxPrime5 uint64 = 0x27d4eb2f165667c5
)

func xxRound(acc, in uint64) uint64 {
	return bits.RotateLeft64(acc+in*xxPrime2, 31) * xxPrime1
}

func xxMerge(h, acc uint64) uint64 {
	return (h^xxRound(0, acc))*xxPrime1 + xxPrime4
}

// XXH64 is BMv2's xxh64 and bmv2_hash: XXH64 with seed 0.
func XXH64(data []byte) uint64 {
	n := uint64(len(data))
	h := xxPrime5
	if n >= 32 {
		a, b, c, d := xxPrime1+xxPrime2, xxPrime2, uint64(0), -xxPrime1
		for len(data) >= 32 {
			a = xxRound(a, binary.LittleEndian.Uint64(data[0:8]))
			b = xxRound(b, binary.LittleEndian.Uint64(data[8:16]))
			c = xxRound(c, binary.LittleEndian.Uint64(data[16:24]))
			d = xxRound(d, binary.LittleEndian.Uint64(data[24:32]))
			data = data[32:]
		}
		h = bits.RotateLeft64(a, 1) + bits.RotateLeft64(b, 7) + bits.RotateLeft64(c, 12) + bits.RotateLeft64(d, 18)
		h = xxMerge(xxMerge(xxMerge(xxMerge(h, a), b), c), d)
	}
	h += n
	for ; len(data) >= 8; data = data[8:] {
		h = bits.RotateLeft64(h^xxRound(0, binary.LittleEndian.Uint64(data)), 27)*xxPrime1 + xxPrime4
	}
	if len(data) >= 4 {
		h = bits.RotateLeft64(h^uint64(binary.LittleEndian.Uint32(data))*xxPrime1, 23)*xxPrime2 + xxPrime3
		data = data[4:]
	}
	for _, b := range data {
		h = bits.RotateLeft64(h^uint64(b)*xxPrime5, 11) * xxPrime1
	}
	h ^= h >> 33
	h *= xxPrime2
	h ^= h >> 29
	h *= xxPrime3
	return h ^ h>>32
}
