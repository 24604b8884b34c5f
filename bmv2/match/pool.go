package match

import (
	"math"
	"math/bits"
)

// pool is a set of rules kept as bitmaps of mismatches. The key is cut into
// slices of up to eight bits; for every slice and every value v of it, a row has
// one bit per rule, set when the rule cannot be hit by a key with v there:
//
//	               block 0        block 1       …   64 rules each
//	slice 0, v=0   0110…          1000…
//	slice 0, v=1   0100…          1100…
//	…
//	slice 7, v=9   0010…          0000…
//
// The rules hit are the bits clear in all rows the key selects. A slice that no
// rule cares about is skipped, the ones that tell most rules apart come first,
// and a block is done when no bit is left. Blocks hold neighbouring priorities
// and are visited from the greatest, so the first hit ends the search but for
// ties.
//
// Rows are kept in tiles of eight blocks, a cache line per row, so that growing
// copies nothing.
//
// Rows are a superset: long ranges and very wide keys leave bits that a
// comparison with the rule itself decides.
type pool struct {
	slices []keySlice
	active []activeSlice // the slices some rule cares about
	tiles  [][]uint64    // the rows of tile blocks each
	stride int           // words per row in a tile: tile, or less while there is but one
	blocks []block
	order  []int32 // blocks in use, by top, greatest first
	spare  []int32 // blocks not in use
	n      int
	change int   // rules added or removed since active was sorted
	base   []int // scratch: first word of the selected row of each active slice
}

// keySlice is bits shift…shift+width-1 of a word of the key.
type keySlice struct {
	word, shift, width int
	first              int // row of value 0
	care               int // rules that do not accept every value
}

func (sl *keySlice) ones() uint64 { return 1<<sl.width - 1 }

// activeSlice is a keySlice as a lookup wants it.
type activeSlice struct {
	word  int32
	shift int32
	mask  uint64
	first int // word of a tile where the row of value 0 begins
	slice int
}

// block is up to 64 rules: bit i of used is rules[i].
type block struct {
	used       uint64
	top, low   int32 // greatest and least priority
	rules      [64]int32
	priorities [64]int32
}

// tile is how many blocks share an allocation.
const tile = 8

// maxSlices bounds the rows of very wide keys, whose remaining bits are left to
// the comparison; 48 slices cover any 384 bits.
const maxSlices = 48

func newPool(l layout) pool {
	var p pool
	rows := 0
	// From the most significant byte of every field downwards, so that wide
	// fields are cut where they differ first.
	for depth := 0; len(p.slices) < maxSlices; depth++ {
		more := false
		for i, f := range l.fields {
			n := (f.Width + 7) / 8
			if depth >= n || len(p.slices) == maxSlices {
				continue
			}
			more = true
			low := 8 * (n - 1 - depth) // lowest bit of the slice in the field
			width := min(8, f.Width-low)
			p.slices = append(p.slices, keySlice{
				word: l.start[i] + f.Words() - 1 - low/64, shift: low % 64, width: width, first: rows,
			})
			rows += 1 << width
		}
		if !more {
			break
		}
	}
	p.base = make([]int, (len(p.slices)+3)&^3)
	return p
}

// word returns where block b has its bits of a row.
func (p *pool) word(row int, b int32) *uint64 {
	return &p.tiles[b/tile][row*p.stride+int(b%tile)]
}

func (p *pool) rowCount() int {
	last := p.slices[len(p.slices)-1]
	return last.first + 1<<last.width
}

// lookupPool returns the best of best and the pool's rules that the key hits; k is
// the key packed.
func (s *ternary[K]) lookupPool(k *K, key []uint64, best int32) int32 {
	p := &s.pool
	base := p.base[:(len(p.active)+3)&^3]
	for i := range p.active {
		a := &p.active[i]
		base[i] = a.first + int(key[a.word]>>(a.shift&63)&a.mask)*p.stride
	}
	for i := len(p.active); i < len(base); i++ {
		base[i] = base[0] // looking twice changes nothing
	}
	least := int32(math.MinInt32) // priority of interest
	if best >= 0 {
		least = s.rules[best].priority
	}
	for _, b := range p.order {
		blk := &p.blocks[b]
		if blk.top < least {
			break
		}
		left, rows := blk.used, p.tiles[b/tile][b%tile:]
		for r := base; len(r) >= 4 && left != 0; r = r[4:] { // a branch per word would cost more
			left &^= rows[r[0]] | rows[r[1]] | rows[r[2]] | rows[r[3]]
		}
		for ; left != 0; left &= left - 1 {
			i := bits.TrailingZeros64(left) & 63
			if blk.priorities[i] < least {
				continue
			}
			h := blk.rules[i]
			if s.rules[h].hits(k, key) && (best < 0 || s.better(h, best)) {
				best, least = h, blk.priorities[i]
			}
		}
	}
	return best
}

// cares says whether a rule may refuse any value of slice sl.
func (r *ternaryRule[K]) cares(p *packing, sl *keySlice) bool {
	q := &p.pieces[sl.word]
	if r.mask[q.to]>>(q.shift+int32(sl.shift))&sl.ones() != 0 {
		return true
	}
	for i := range r.spans {
		if w := &r.spans[i]; sl.word >= w.from && sl.word < w.to {
			return true
		}
	}
	return false
}

// accepts says whether a rule can be hit by a key with v in slice sl, as far as a
// row knows.
func (r *ternaryRule[K]) accepts(p *packing, sl *keySlice, v uint64) bool {
	q := &p.pieces[sl.word]
	shift := q.shift + int32(sl.shift)
	if (v<<shift^r.value[q.to])&r.mask[q.to]&((1<<sl.width-1)<<shift) != 0 {
		return false
	}
	for i := range r.spans {
		w := &r.spans[i]
		if sl.word < w.from || sl.word >= w.to {
			continue
		}
		for j := range sl.word - w.from {
			if w.low[j] != w.top[j] {
				return true // inside the range, or at an edge; who knows
			}
		}
		return inSlice(w.low[sl.word-w.from], w.top[sl.word-w.from], sl, v)
	}
	return true
}

// inSlice says whether any x with low ≤ x ≤ top has v in the slice.
func inSlice(low, top uint64, sl *keySlice, v uint64) bool {
	above := sl.shift + sl.width
	ones := uint64(1)<<sl.width - 1
	lowAbove, topAbove := low>>above, top>>above // 0 when nothing is above
	l, t := low>>sl.shift&ones, top>>sl.shift&ones
	switch topAbove - lowAbove {
	case 0:
		return l <= v && v <= t
	case 1:
		return v >= l || v <= t
	}
	return true
}
