package match

import (
	"math/bits"
	"slices"
	"sort"
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
// rule cares about is skipped, the ones most rules care about come first, and a
// block is done when no bit is left. Blocks hold neighbouring priorities and are
// visited from the greatest, so the first hit ends the search but for ties.
//
// Rows are a superset: long ranges and very wide keys leave bits that a
// comparison with the rule itself decides.
type pool struct {
	slices []keySlice
	active []int32 // slices some rule cares about, most first
	rows   []uint64
	stride int // blocks there is room for
	blocks []block
	order  []int32 // blocks in use, by top, greatest first
	spare  []int32 // blocks not in use
	n      int
	base   []int // scratch: first word of the selected row of each active slice
}

// keySlice is bits shift…shift+width-1 of a word of the key.
type keySlice struct {
	word, shift, width int
	first              int // row of value 0
	care               int // rules that do not accept every value
}

// block is up to 64 rules: bit i of used is rules[i].
type block struct {
	used     uint64
	top, low int32 // greatest and least priority
	rules    [64]int32
}

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
	p.rows = nil
	p.base = make([]int, len(p.slices))
	return p
}

func (p *pool) rowCount() int {
	last := p.slices[len(p.slices)-1]
	return last.first + 1<<last.width
}

// lookupPool returns the best of best and the pool's rules that the key hits.
func (s *ternary[K]) lookupPool(k *K, key []uint64, best int32) int32 {
	p := &s.pool
	base := p.base[:len(p.active)]
	for i, c := range p.active {
		sl := &p.slices[c]
		v := int(key[sl.word]>>(sl.shift&63)) & (1<<sl.width - 1)
		base[i] = (sl.first + v) * p.stride
	}
	for _, b := range p.order {
		blk := &p.blocks[b]
		if best >= 0 && blk.top < s.rules[best].priority {
			break
		}
		left := blk.used
		for _, row := range base {
			left &^= p.rows[row+int(b)]
			if left == 0 {
				break
			}
		}
		for ; left != 0; left &= left - 1 {
			h := blk.rules[bits.TrailingZeros64(left)]
			if (best < 0 || s.better(h, best)) && s.rules[h].hits(k, key) {
				best = h
			}
		}
	}
	return best
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

func (s *ternary[K]) poolAdd(h int32) {
	i := s.poolPlace(s.rules[h].priority)
	b := s.pool.order[i]
	s.poolPut(h, b)
}

// poolPlace returns the place in order of a block with room for a rule of that
// priority, making room if there is none.
func (s *ternary[K]) poolPlace(priority int32) int {
	p := &s.pool
	// The last block whose top is not below the priority, or the first.
	i := sort.Search(len(p.order), func(i int) bool { return p.blocks[p.order[i]].top < priority }) - 1
	if i < 0 {
		if len(p.order) == 0 || p.blocks[p.order[0]].used == ^uint64(0) {
			s.newBlock(0)
		}
		return 0
	}
	blk := &p.blocks[p.order[i]]
	if blk.used != ^uint64(0) {
		return i
	}
	if priority <= blk.low { // goes below all of them
		if i+1 < len(p.order) && p.blocks[p.order[i+1]].used != ^uint64(0) {
			return i + 1
		}
		s.newBlock(i + 1)
		return i + 1
	}
	s.split(i)
	if p.blocks[p.order[i]].low > priority {
		return i + 1
	}
	return i
}

// newBlock makes an empty block at place i of the order.
func (s *ternary[K]) newBlock(i int) int32 {
	p := &s.pool
	var b int32
	if n := len(p.spare); n > 0 {
		b, p.spare = p.spare[n-1], p.spare[:n-1]
	} else {
		b = int32(len(p.blocks))
		p.blocks = append(p.blocks, block{})
		if len(p.blocks) > p.stride {
			p.widen()
		}
	}
	p.order = slices.Insert(p.order, i, b)
	return b
}

// widen doubles the room for blocks.
func (p *pool) widen() {
	stride := max(1, 2*p.stride)
	rows := make([]uint64, p.rowCount()*stride)
	for r := range p.rowCount() {
		copy(rows[r*stride:], p.rows[r*p.stride:(r+1)*p.stride])
	}
	p.rows, p.stride = rows, stride
}

// split moves the worse half of a full block to a new one after it.
func (s *ternary[K]) split(i int) {
	p := &s.pool
	all := p.blocks[p.order[i]].rules
	slices.SortFunc(all[:], func(a, b int32) int {
		if s.better(a, b) {
			return -1
		}
		return 1
	})
	b := s.newBlock(i + 1)
	for _, h := range all[32:] {
		s.poolTake(h)
		s.poolPut(h, b)
	}
	p.blocks[p.order[i]].low = s.rules[all[31]].priority
}

// poolPut sets a rule's bits in block b, which has room.
func (s *ternary[K]) poolPut(h, b int32) {
	p := &s.pool
	r := &s.rules[h]
	blk := &p.blocks[b]
	if blk.used == 0 {
		blk.top, blk.low = r.priority, r.priority
	}
	blk.top, blk.low = max(blk.top, r.priority), min(blk.low, r.priority)
	i := bits.TrailingZeros64(^blk.used)
	blk.used |= 1 << i
	blk.rules[i] = h
	r.bit = b<<6 | int32(i)
	p.n++
	for c := range p.slices {
		sl := &p.slices[c]
		cares := false
		for v := range 1 << sl.width {
			if !r.accepts(&s.packing, sl, uint64(v)) {
				p.rows[(sl.first+v)*p.stride+int(b)] |= 1 << i
				cares = true
			}
		}
		if cares {
			sl.care++
		}
	}
	p.sortActive()
}

// poolTake clears a rule's bits.
func (s *ternary[K]) poolTake(h int32) {
	p := &s.pool
	r := &s.rules[h]
	b, i := int(r.bit>>6), r.bit&63
	p.blocks[b].used &^= 1 << i
	r.bit = -1
	p.n--
	for c := range p.slices {
		sl := &p.slices[c]
		any := uint64(0)
		for v := range 1 << sl.width {
			w := &p.rows[(sl.first+v)*p.stride+b]
			any |= *w
			*w &^= 1 << i
		}
		if any>>i&1 != 0 {
			sl.care--
		}
	}
	p.sortActive()
}

// poolRemove takes a rule out and gives an empty block back, or joins the block
// with a neighbour when half would hold both.
func (s *ternary[K]) poolRemove(h int32) {
	p := &s.pool
	b := s.rules[h].bit >> 6
	s.poolTake(h)
	blk := &p.blocks[b]
	i := slices.Index(p.order, b)
	if blk.used == 0 {
		p.order = slices.Delete(p.order, i, i+1)
		p.spare = append(p.spare, b)
		return
	}
	s.bounds(blk)
	count := func(i int) int {
		if i < 0 || i >= len(p.order) {
			return 64
		}
		return bits.OnesCount64(p.blocks[p.order[i]].used)
	}
	switch n := count(i); {
	case n+count(i+1) <= 32:
		s.join(i)
	case n+count(i-1) <= 32:
		s.join(i - 1)
	}
}

// join moves the rules of the block at place i+1 into the one at i.
func (s *ternary[K]) join(i int) {
	p := &s.pool
	into, from := p.order[i], p.order[i+1]
	for used := p.blocks[from].used; used != 0; used &= used - 1 {
		h := p.blocks[from].rules[bits.TrailingZeros64(used)]
		s.poolTake(h)
		s.poolPut(h, into)
	}
	p.order = slices.Delete(p.order, i+1, i+2)
	p.spare = append(p.spare, from)
}

// bounds recomputes the priorities of a block that is not empty.
func (s *ternary[K]) bounds(blk *block) {
	first := true
	for used := blk.used; used != 0; used &= used - 1 {
		pr := s.rules[blk.rules[bits.TrailingZeros64(used)]].priority
		if first {
			blk.top, blk.low, first = pr, pr, false
		}
		blk.top, blk.low = max(blk.top, pr), min(blk.low, pr)
	}
}

// sortActive brings active up to date after a change of care.
func (p *pool) sortActive() {
	p.active = p.active[:0]
	for c := range p.slices {
		if p.slices[c].care > 0 {
			p.active = append(p.active, int32(c))
		}
	}
	slices.SortStableFunc(p.active, func(a, b int32) int { return p.slices[b].care - p.slices[a].care })
}
