package block

import (
	"encoding/binary"
	"math/bits"

	"github.com/telltale-net/telltale/collector/postcard"
)

// A filter is a Bloom filter with bitsPerKey bits and probes probes a key (about one
// false answer in a hundred), blocked by 64-bit words: all probes of a key fall into
// one word, so that a look costs one cache line.
type filter []uint64

const (
	bitsPerKey = 12
	probes     = 5
	// maxFilter bounds what a header may ask for: MaxRecords records with ten keys each.
	maxFilter = MaxRecords * 10 * bitsPerKey / 64
)

func newFilter(keys int) filter { return make(filter, (keys*bitsPerKey+63)/64) }

// place returns the word of a key and the bits that it sets there.
func (f filter) place(key uint64) (word int, mask uint64) {
	hi, lo := bits.Mul64(key, 0x9e3779b97f4a7c15)
	h := hi ^ lo
	word = int(uint64(uint32(h)) * uint64(len(f)) >> 32)
	h >>= 32
	for range probes {
		mask |= 1 << (h & 63)
		h >>= 6
	}
	return word, mask
}

func (f filter) add(key uint64) {
	w, m := f.place(key)
	f[w] |= m
}

func (f filter) has(key uint64) bool {
	if len(f) == 0 {
		return false
	}
	w, m := f.place(key)
	return f[w]&m == m
}

// The kinds of keys, so that node 7 is not VNI 7.
const (
	kindNode uint64 = iota + 1
	kindVNI
	kindReason
	kindAddress
	kindFlow
)

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0x9e3779b97f4a7c15, b^0xe7037ed1a0b428db)
	return hi ^ lo
}

func numberKey(kind uint64, v uint32) uint64 { return mix(kind<<32|uint64(v), 0xa0761d6478bd642f) }

func addressHash(a *postcard.Addr) uint64 {
	return mix(binary.LittleEndian.Uint64(a[:8])+0x8ebc6af09c88c6e3, binary.LittleEndian.Uint64(a[8:]))
}

func addressKey(a *postcard.Addr) uint64 { return mix(addressHash(a), kindAddress) }

func flowHash(f *postcard.Flow) uint64 {
	h := mix(addressHash(&f.Src), 0x589965cc75374cc3) ^ mix(addressHash(&f.Dst), 0x1d8e4e27c47d124f)
	return mix(h, uint64(f.SrcPort)<<24|uint64(f.DstPort)<<8|uint64(f.Proto))
}

func flowKey(f *postcard.Flow) uint64 { return mix(flowHash(f), kindFlow) }
