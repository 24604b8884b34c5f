package match

import "math/bits"

// words are the sizes of a packed key. A key of n words uses the smallest that
// holds it; words beyond n are zero.
type words interface {
	[1]uint64 | [2]uint64 | [3]uint64 | [4]uint64 | [8]uint64 | [64]uint64 | [1024]uint64
}

// packing squeezes keys, where every field has words of its own, into as few
// words as they need, so that hashing and masking have less to do:
//
//	key     000000000000vvvvvv  00000000ssssssss  00000000dddddddd  000000000000pp
//	packed  ddddddddvvvvvvpp(0)  00000000ssssssss        (for example)
//
// No word of a key is torn, so packing is one AND, shift and OR per word.
type packing struct {
	pieces []piece
	words  int
}

type piece struct {
	mask  uint64
	to    int32
	shift int32
}

func newPacking(l layout) packing {
	var p packing
	var used []int // bits of each packed word
	for i, f := range l.fields {
		for j := range f.Words() {
			width := 64
			if j == 0 && f.Width%64 != 0 {
				width = f.Width % 64
			}
			to := 0
			for to < len(used) && used[to]+width > 64 {
				to++
			}
			if to == len(used) {
				used = append(used, 0)
			}
			p.pieces = append(p.pieces, piece{mask: l.mask[l.start[i]+j], to: int32(to), shift: int32(used[to])})
			used[to] += width
		}
	}
	p.words = len(used)
	return p
}

// pack packs key, which is laid out as the packing's fields are.
func pack[K words](p *packing, key []uint64, out *K) {
	_ = key[:len(p.pieces)]
	for i := range p.pieces {
		q := &p.pieces[i]
		(*out)[q.to] |= (key[i] & q.mask) << (q.shift & 63)
	}
}

// hashKey mixes a key well enough for its low and high bits to be used alone.
func hashKey[K words](k *K) uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	for i := 0; i < len(*k); i++ {
		hi, lo := bits.Mul64(h^(*k)[i], 0xd1342543de82ef95)
		h = hi ^ lo
	}
	return h
}

func and[K words](k, mask *K) (out K) {
	for i := 0; i < len(*k); i++ {
		out[i] = (*k)[i] & (*mask)[i]
	}
	return out
}

// under says whether k, masked, is value.
func under[K words](k, mask, value *K) bool {
	for i := 0; i < len(*k); i++ {
		if (*k)[i]&(*mask)[i] != (*value)[i] {
			return false
		}
	}
	return true
}
