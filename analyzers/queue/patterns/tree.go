package patterns

import (
	"cmp"
	"slices"
	"sort"
)

// levels says how many bits a place has at each level of each dimension.
type levels [dims][]int

// inSteps returns the levels of prefixes and ranges every step bits, a divisor of 16.
func inSteps(step int) (l levels) {
	for d, w := range width {
		by := step
		switch d {
		case dimNode:
			by = 16
		case dimProto:
			by = 8
		}
		for b := 0; b <= w; b += by {
			l[d] = append(l[d], b)
		}
	}
	return l
}

// column is the places of points in one dimension, in order.
type column struct {
	known   []place // sorted
	unknown int     // points without a place
	sums    []int64 // sums[i] = mass of known[:i]
}

// place is where a point is.
type place struct {
	key
	i int32
}

func newColumn(s *space, p points, d int) (c column) {
	for i, x := range p.side {
		if k, bits := s.key(x, d); bits > 0 {
			c.known = append(c.known, place{k, int32(i)})
		}
	}
	c.unknown = len(p.side) - len(c.known)
	c.known = sortPlaces(c.known)
	c.sums = make([]int64, len(c.known)+1)
	for i, x := range c.known {
		c.sums[i+1] = c.sums[i] + p.mass[x.i]
	}
	return c
}

// sortPlaces sorts by key, equal ones as they were: many by their 16-bit digits, as far as
// these differ.
func sortPlaces(a []place) []place {
	if len(a) < 4096 {
		slices.SortStableFunc(a, func(x, y place) int { return x.compare(y.key) })
		return a
	}
	var or, and key
	and = key{^and.hi, ^and.lo}
	for _, x := range a {
		or, and = key{or.hi | x.hi, or.lo | x.lo}, key{and.hi & x.hi, and.lo & x.lo}
	}
	b := make([]place, len(a))
	var at [1<<16 + 1]int32
	for digit := 7; digit >= 0; digit-- {
		of := func(k key) uint16 {
			if digit < 4 {
				return uint16(k.hi >> (48 - 16*digit))
			}
			return uint16(k.lo >> (48 - 16*(digit-4)))
		}
		if of(or) == of(and) {
			continue
		}
		clear(at[:])
		for _, x := range a {
			at[int(of(x.key))+1]++
		}
		for i := 1; i < len(at); i++ {
			at[i] += at[i-1]
		}
		for _, x := range a {
			k := of(x.key)
			b[at[k]] = x
			at[k]++
		}
		a, b = b, a
	}
	return a
}

// tree is the part of one dimension's hierarchy that clusters can be made of: the
// places with at least the threshold, without those that hold the same points as one
// below them. Nodes are numbered in preorder.
type tree struct {
	level  []int32 // depth in the whole hierarchy
	place  []key
	bits   []int32
	parent []int32
	end    []int32 // the nodes below i are i+1 … end[i]−1
	depth  []int32 // in this tree
	kids   [][]int32

	path   []int32 // path[i*height+k] is the ancestor of i with depth k, −1 below i
	height int32
}

// grow builds the tree of a dimension, whose places have these numbers of bits, over the
// points of a column and returns for each point the deepest node that holds it.
func grow(c *column, bits []int, least int64) (t *tree, leaf []int32) {
	t = &tree{}
	leaf = make([]int32, len(c.known)+c.unknown)
	t.build(c, bits, least, leaf, 0, len(c.known), -1)
	for _, d := range t.depth {
		t.height = max(t.height, d+1)
	}
	t.path = make([]int32, len(t.depth)*int(t.height))
	for i := range t.depth {
		path := t.path[i*int(t.height):][:t.height]
		for k := range path {
			path[k] = -1
		}
		for n := int32(i); n >= 0; n = t.parent[n] {
			path[t.depth[n]] = n
		}
	}
	return t, leaf
}

// build adds the node that holds known[lo:hi] of a column, and all below it.
func (t *tree) build(c *column, bits []int, least int64, leaf []int32, lo, hi int, parent int32) {
	me := int32(len(t.level))
	l, depth, at := 0, int32(0), key{}
	if parent >= 0 {
		depth = t.depth[parent] + 1
		t.kids[parent] = append(t.kids[parent], me)
	}
	if (parent >= 0 || c.unknown == 0) && lo < hi { // the deepest level that holds all of them
		shared := c.known[lo].common(c.known[hi-1].key)
		l = min(sort.SearchInts(bits, shared+1), len(bits)) - 1
		at = c.known[lo].first(bits[l])
	}
	t.level, t.bits, t.place = append(t.level, int32(l)), append(t.bits, int32(bits[l])), append(t.place, at)
	t.parent, t.depth, t.end, t.kids = append(t.parent, parent), append(t.depth, depth), append(t.end, 0), append(t.kids, nil)
	for from := lo; from < hi; {
		to := hi
		if l+1 < len(bits) {
			n := bits[l+1]
			first := c.known[from].first(n)
			to = from + sort.Search(hi-from, func(k int) bool { return c.known[from+k].first(n) != first })
		}
		if l+1 < len(bits) && c.sums[to]-c.sums[from] >= least {
			t.build(c, bits, least, leaf, from, to, me)
		} else {
			for _, x := range c.known[from:to] {
				leaf[x.i] = me
			}
		}
		from = to
	}
	t.end[me] = int32(len(t.level))
}

// up returns the ancestors of node i from the root to i.
func (t *tree) up(i int32) []int32 {
	return t.path[i*t.height:][:t.depth[i]+1]
}

// join returns the deepest node that holds both a and b, a ≤ b.
func (t *tree) join(a, b int32) int32 {
	for t.end[a] <= b {
		a = t.parent[a]
	}
	return a
}

func (k key) compare(o key) int { return cmp.Or(cmp.Compare(k.hi, o.hi), cmp.Compare(k.lo, o.lo)) }
