package flowset

import (
	"fmt"
	"math/bits"

	"github.com/telltale-net/telltale/analyzers/flowset/hash"
)

// MaxFilterBits is how many bits a filter has at most.
const MaxFilterBits = 1 << 32

// Filter is the Bloom filter by which a switch tells whether a flow is new.
type Filter struct {
	Hash     hash.Family
	Bits     uint64
	Hashes   int
	KeyBytes int

	words []uint64
	fn    hash.Functions
}

// NewFilter returns an empty filter.
func NewFilter(h hash.Family, bits uint64, hashes, keyBytes int) (*Filter, error) {
	switch {
	case bits < 1 || bits > MaxFilterBits:
		return nil, fmt.Errorf("cannot make a filter: got %d bits, want 1 to %d", bits, uint64(MaxFilterBits))
	case hashes < 1 || hashes > 64:
		return nil, fmt.Errorf("cannot make a filter: got %d hash functions, want 1 to 64", hashes)
	case keyBytes < 1 || keyBytes > MaxKey:
		return nil, fmt.Errorf("cannot make a filter: got keys of %d bytes, want 1 to %d", keyBytes, MaxKey)
	}
	f := &Filter{Hash: h, Bits: bits, Hashes: hashes, KeyBytes: keyBytes, words: make([]uint64, (bits+63)/64)}
	if h.Double {
		hashes = 2 // functions
	}
	f.fn = h.Functions(hashes, keyBytes)
	return f, nil
}

// Add sets the key's bits and reports whether one of them was clear: the flow is new.
func (f *Filter) Add(k Key) (fresh bool) {
	f.each(k[0], k[1], (*[3]uint64)(k[2:]), k.Digest(f.KeyBytes), func(bit uint64) bool {
		m := uint64(1) << (bit & 63)
		fresh = fresh || f.words[bit>>6]&m == 0
		f.words[bit>>6] |= m
		return true
	})
	return fresh
}

// Has reports whether the key may have been added.
func (f *Filter) Has(k Key) bool {
	return f.Knows(k[0], k[1], (*[3]uint64)(k[2:]), k.Digest(f.KeyBytes))
}

// Knows is Has of a key's first words, those after 16 bytes, and its digest.
func (f *Filter) Knows(a, b uint64, w *[3]uint64, d uint64) bool {
	if f.Hash.Double {
		h, step := f.fn.Double(a, b, w, d)
		for range f.Hashes {
			bit := h % f.Bits
			if f.words[bit>>6]>>(bit&63)&1 == 0 {
				return false
			}
			h += step
		}
		return true
	}
	all := true
	f.each(a, b, w, d, func(bit uint64) bool {
		all = f.words[bit>>6]>>(bit&63)&1 != 0
		return all
	})
	return all
}

// each calls fn with the key's bits until it returns false.
func (f *Filter) each(a, b uint64, w *[3]uint64, d uint64, fn func(bit uint64) bool) {
	if f.Hash.Double {
		h, step := f.fn.Double(a, b, w, d)
		for range f.Hashes {
			if !fn(h % f.Bits) {
				return
			}
			h += step
		}
		return
	}
	var p hash.Prepared
	f.fn.Prepare(&p, a, b, w, d)
	for i := range f.Hashes {
		if !fn(f.fn.Cell(f.fn.Value(i, &p), f.Bits)) {
			return
		}
	}
}

// Filled returns the share of the filter's bits that are set.
func (f *Filter) Filled() float64 {
	n := 0
	for _, w := range f.words {
		n += bits.OnesCount64(w)
	}
	return float64(n) / float64(f.Bits)
}

// Bytes returns the filter's bits: bit i is bit i mod 8, from the least significant, of
// byte i/8.
func (f *Filter) Bytes() []byte {
	b := make([]byte, (f.Bits+7)/8)
	for i := range b {
		b[i] = byte(f.words[i/8] >> (8 * (i % 8)))
	}
	return b
}

// SetBytes sets the filter's bits.
func (f *Filter) SetBytes(b []byte) error {
	if want := (f.Bits + 7) / 8; uint64(len(b)) != want {
		return fmt.Errorf("got %d bytes of filter, want %d for %d bits", len(b), want, f.Bits)
	}
	clear(f.words)
	for i, c := range b {
		f.words[i/8] |= uint64(c) << (8 * (i % 8))
	}
	if rest := f.Bits % 64; rest != 0 {
		f.words[len(f.words)-1] &= 1<<rest - 1
	}
	return nil
}
