package match

import (
	"math/bits"
	"slices"
	"sort"
)

// poolAdd puts a rule into the pool.
func (s *ternary[K]) poolAdd(h int32) {
	i := s.poolPlace(s.rules[h].priority)
	s.poolPut(h, s.pool.order[i])
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
		p.room(b)
	}
	p.order = slices.Insert(p.order, i, b)
	return b
}

// room makes room for the rows of block b, which is the last.
func (p *pool) room(b int32) {
	switch {
	case b == 0:
		p.stride = 1
		p.tiles = append(p.tiles, make([]uint64, p.rowCount()))
	case b < tile && int(b) >= p.stride: // the first tile grows by doubling
		rows := make([]uint64, p.rowCount()*2*p.stride)
		for r := range p.rowCount() {
			copy(rows[r*2*p.stride:], p.tiles[0][r*p.stride:(r+1)*p.stride])
		}
		p.tiles[0] = rows
		p.stride *= 2
		p.activate()
	case b%tile == 0:
		p.tiles = append(p.tiles, make([]uint64, p.rowCount()*tile))
	}
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
	blk.rules[i], blk.priorities[i] = h, r.priority
	r.bit = b<<6 | int32(i)
	p.n++
	for c := range p.slices {
		sl := &p.slices[c]
		if !r.cares(&s.packing, sl) {
			continue
		}
		for v := range 1 << sl.width {
			if !r.accepts(&s.packing, sl, uint64(v)) {
				*p.word(sl.first+v, b) |= 1 << i
			}
		}
		sl.care++
		if sl.care == 1 {
			p.activate()
		}
	}
	p.changed()
}

// poolTake clears a rule's bits.
func (s *ternary[K]) poolTake(h int32) {
	p := &s.pool
	r := &s.rules[h]
	b, i := r.bit>>6, r.bit&63
	p.blocks[b].used &^= 1 << i
	r.bit = nowhere
	p.n--
	for c := range p.slices {
		sl := &p.slices[c]
		if !r.cares(&s.packing, sl) {
			continue
		}
		for v := range 1 << sl.width {
			*p.word(sl.first+v, b) &^= 1 << i
		}
		sl.care--
		if sl.care == 0 {
			p.activate()
		}
	}
	p.changed()
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
