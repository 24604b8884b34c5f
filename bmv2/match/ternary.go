package match

import (
	"slices"

	"github.com/telltale-net/telltale/bmv2/device"
)

// ternary is a table with a ternary or range field: of the rules a key hits, the
// one of greatest priority, and of these the oldest.
//
// Up to [fewRules] rules are tried one after the other. Beyond that a [cache] holds
// the answers to recent keys, and behind it rules with the same mask form a group.
// A group that is large has a hash table of its masked values (tuple space search:
// one probe, whatever its size); the rules of all small groups share a [pool] of
// bitmaps, which finds the best of 64 rules in a few words. Both are visited in
// order of the greatest priority they hold and left as soon as nothing better can
// follow.
//
// Ranges that are prefixes count as masks; rules with any other range always
// live in the pool. So a lookup costs, with N rules, at most N/256 probes of large
// groups and N/16 words per 8-bit slice of the key for the pool (four slices are
// combined at a time, and the first four usually leave nothing), and a comparison
// with each rule that survives and could be better.
//
// A write changes at most a few blocks: a group that turns large or small moves
// step by step, a few rules with every later write, being looked up in both
// places meanwhile.
type ternary[K words] struct {
	layout  layout
	packing packing
	rules   []ternaryRule[K]
	free    []int32
	byID    map[identity[K]]int32
	groups  map[K]*group[K]
	tuples  []*group[K] // those with a hash table, by top, greatest first
	moving  []*group[K] // those with rules that are not where they belong
	pool    pool
	few     []few[K] // all rules, if they are few
	cache   cache[K]
	seq     uint64

	growAt, shrinkAt int
}

// identity is a packed rule. For range fields a and b hold low and high end.
type identity[K words] struct {
	a, b     K
	priority int32
}

type ternaryRule[K words] struct {
	value, mask K // ranges that are no prefixes have zeros here
	spans       []rangeSpan
	id          identity[K]
	seq         uint64 // age
	priority    int32
	result      int32
	next        int32 // in a large group: the next best with the same value, -1 = none
	place       int32 // in the group's members
	bit         int32 // in the pool, or inGroup, or nowhere
}

const (
	inGroup = -1 // in its group's heads
	nowhere = -2
)

// rangeSpan is a range over the words from…to of a key.
type rangeSpan struct {
	from, to int
	low, top []uint64
}

// group is the rules of one mask without spans.
type group[K words] struct {
	mask    K
	members []int32
	large   bool    // members belong into heads, else into the pool
	moved   int     // members from here on are where they belong, if moving
	listed  bool    // in tuples
	heads   hmap[K] // masked value to the best rule
	top     int32   // no member in heads has a greater priority
	stale   int     // members at top removed from heads since top was computed
}

// A group becomes large when it reaches growAt and small again when it falls to
// shrinkAt. Measured: a probe costs as much as about eight blocks of the pool,
// and a block holds 45 rules on average.
const (
	growAt   = 512
	shrinkAt = 256
)

// movesPerWrite bounds how many rules of moving groups one write moves.
const movesPerWrite = 4

func newTernary[K words](l layout, p packing) *ternary[K] {
	return &ternary[K]{layout: l, packing: p, byID: map[identity[K]]int32{}, groups: map[K]*group[K]{}, pool: newPool(l), growAt: growAt, shrinkAt: shrinkAt}
}

func (s *ternary[K]) len() int { return len(s.byID) }

func (s *ternary[K]) identify(r rule) identity[K] {
	id := identity[K]{priority: r.priority}
	pack(&s.packing, r.a, &id.a)
	pack(&s.packing, r.b, &id.b)
	return id
}

func (s *ternary[K]) find(r rule) (int32, bool) {
	h, ok := s.byID[s.identify(r)]
	if !ok {
		return 0, false
	}
	return s.rules[h].result, true
}

func (s *ternary[K]) set(r rule, value int32) { s.rules[s.byID[s.identify(r)]].result = value }

// better says whether rule a goes before rule b.
func (s *ternary[K]) better(a, b int32) bool {
	x, y := &s.rules[a], &s.rules[b]
	return x.priority > y.priority || x.priority == y.priority && x.seq < y.seq
}

func (s *ternary[K]) lookup(key []uint64) (int32, bool) {
	if len(s.byID) == 0 {
		return 0, false
	}
	var k K
	pack(&s.packing, key, &k)
	var best int32
	if len(s.few) > 0 {
		best = s.scan(&k, key)
	} else if rule, ok := s.cache.get(&k); ok {
		best = rule
	} else {
		best = s.search(&k, key)
		s.cache.put(&k, best)
	}
	if best < 0 {
		return 0, false
	}
	return s.rules[best].result, true
}

// search returns the rule that key, packed k, hits; -1 if there is none.
func (s *ternary[K]) search(k *K, key []uint64) int32 {
	best := int32(-1)
	for _, g := range s.tuples {
		if best >= 0 && g.top < s.rules[best].priority {
			break
		}
		masked := and(k, &g.mask)
		if h, ok := g.heads.get(&masked); ok && (best < 0 || s.better(h, best)) {
			best = h
		}
	}
	if s.pool.n > 0 {
		best = s.lookupPool(k, key, best)
	}
	return best
}

// hits says whether a rule of the pool is hit.
func (r *ternaryRule[K]) hits(k *K, key []uint64) bool {
	if !under(k, &r.mask, &r.value) {
		return false
	}
	for i := range r.spans {
		w := &r.spans[i]
		v := key[w.from:w.to]
		if slices.Compare(v, w.low) < 0 || slices.Compare(v, w.top) > 0 {
			return false
		}
	}
	return true
}

func (s *ternary[K]) insert(r rule, value int32) {
	id := s.identify(r)
	h := int32(len(s.rules))
	if n := len(s.free); n > 0 {
		h, s.free = s.free[n-1], s.free[:n-1]
	} else {
		s.rules = append(s.rules, ternaryRule[K]{})
	}
	s.seq++
	n := &s.rules[h]
	*n = ternaryRule[K]{id: id, seq: s.seq, priority: r.priority, result: value, next: -1, bit: nowhere}
	s.byID[id] = h

	a, b := slices.Clone(r.a), slices.Clone(r.b)
	for i, f := range s.layout.fields {
		if f.Kind != device.Range {
			continue
		}
		from, to := s.layout.start[i], s.layout.start[i]+f.Words()
		low, top := slices.Clone(a[from:to]), slices.Clone(b[from:to])
		if mask, ok := prefixOf(low, top); ok {
			for j, m := range mask {
				b[from+j] = m & s.layout.mask[from+j]
				a[from+j] &= m
			}
			continue
		}
		clear(a[from:to])
		clear(b[from:to])
		n.spans = append(n.spans, rangeSpan{from, to, low, top})
	}
	pack(&s.packing, a, &n.value)
	pack(&s.packing, b, &n.mask)
	if n.spans != nil {
		s.poolAdd(h)
	} else {
		s.enter(h)
	}
	s.move()
	s.cache.changed(len(s.byID))
	s.recount()
}

// enter puts a rule without spans into its group.
func (s *ternary[K]) enter(h int32) {
	n := &s.rules[h]
	g := s.groups[n.mask]
	if g == nil {
		g = &group[K]{mask: n.mask}
		s.groups[n.mask] = g
	}
	n.place = int32(len(g.members))
	g.members = append(g.members, h)
	if g.large {
		s.chain(g, h)
		return
	}
	s.poolAdd(h)
	if len(g.members) >= s.growAt {
		s.turn(g)
	}
}

func (s *ternary[K]) remove(r rule) {
	id := s.identify(r)
	h := s.byID[id]
	delete(s.byID, id)
	n := &s.rules[h]
	if n.bit >= 0 {
		s.poolRemove(h)
	}
	if n.spans == nil {
		g := s.groups[n.mask]
		if n.bit == inGroup {
			s.unchain(g, h)
		}
		last := g.members[len(g.members)-1]
		g.members[n.place] = last
		s.rules[last].place = n.place
		g.members = g.members[:len(g.members)-1]
		g.moved = min(g.moved, len(g.members))
		if g.large && len(g.members) <= s.shrinkAt {
			s.turn(g)
		}
		if len(g.members) == 0 {
			s.forget(g)
		}
	}
	*n = ternaryRule[K]{}
	s.free = append(s.free, h)
	s.move()
	s.cache.changed(len(s.byID))
	s.recount()
}

// prefixOf returns the mask of the range low…top if that is all values with a
// common prefix.
func prefixOf(low, top []uint64) (mask []uint64, ok bool) {
	mask = make([]uint64, len(low))
	below := false // in the part where low is all zeros and top all ones
	for i := range low {
		x := low[i] ^ top[i]
		if below {
			if low[i] != 0 || ^top[i] != 0 {
				return nil, false
			}
			continue
		}
		if x&(x+1) != 0 || low[i]&x != 0 {
			return nil, false
		}
		mask[i] = ^x
		below = x != 0
	}
	return mask, true
}
