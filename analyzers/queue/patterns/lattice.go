package patterns

// lattice holds the product of the dimensions' trees and the points, those alike made
// one cell: no place of any tree tells its points apart.
type lattice struct {
	least int64
	tree  [dims]*tree

	leaf   [dims][]int32 // of cells
	mass   []int64       // of cells
	points [][]int32     // of cells

	budget     int // points that may still be looked at; 0 = no bound
	looked     int
	candidates []candidate
	sum        []int64 // scratch: by tree node
	stack      []int32 // scratch: cells of the clusters being extended
}

// candidate is a closed cluster above the threshold.
type candidate struct {
	node  [dims]int32
	level int32
	mass  int64 // residual, when last computed
}

// maxCandidates bounds memory: 40 bytes each.
const maxCandidates = 1 << 20

func newLattice(c *covering, at levels) *lattice {
	l := &lattice{least: c.least}
	var leaf [dims][]int32
	most := 0
	for d := range dims {
		l.tree[d], leaf[d] = grow(&c.column[d], at[d], c.least)
		most = max(most, len(l.tree[d].level))
	}
	l.sum = make([]int64, most)

	index := make(map[[dims]int32]int32)
	of := make([]int32, len(c.rest.mass))
	var sizes []int32
	for i, m := range c.rest.mass {
		var at [dims]int32
		for d := range dims {
			at[d] = leaf[d][i]
		}
		c, ok := index[at]
		if !ok {
			c = int32(len(l.mass))
			index[at] = c
			for d := range dims {
				l.leaf[d] = append(l.leaf[d], at[d])
			}
			l.mass, sizes = append(l.mass, 0), append(sizes, 0)
		}
		l.mass[c] += m
		sizes[c]++
		of[i] = c
	}
	all := make([]int32, 0, len(of))
	l.points = make([][]int32, len(sizes))
	for c, n := range sizes {
		l.points[c] = all[len(all) : len(all) : len(all)+int(n)]
		all = all[:len(all)+int(n)]
	}
	for i, c := range of {
		l.points[c] = append(l.points[c], int32(i))
	}
	return l
}

// enumerate finds all closed clusters above the threshold. It reports false where the
// budget does not allow that.
func (l *lattice) enumerate() bool {
	var total int64
	for i, m := range l.mass {
		l.stack = append(l.stack, int32(i))
		total += m
	}
	if total < l.least {
		return true
	}
	node, _ := l.below([dims]int32{}, l.stack, 0)
	return l.extend(node, total, 0, 0)
}

// joined returns the deepest node of dimension d that holds the cells, given one that
// does.
func (l *lattice) joined(d int, in int32, cells []int32) int32 {
	t, leaf := l.tree[d], l.leaf[d]
	first := leaf[cells[0]]
	last := first
	kid := int32(-1) // of in, that holds all so far
	if first != in {
		kid = t.path[first*t.height+t.depth[in]+1]
	}
	for _, i := range cells {
		x := leaf[i]
		if kid < 0 || x < kid || x >= t.end[kid] {
			return in
		}
		first, last = min(first, x), max(last, x)
	}
	return t.join(first, last)
}

// extend notes a closed cluster, whose cells are the stack from there on, and goes on to
// the closed clusters below it: those that are reached by one step down in dimension
// core or a later one and whose closure leaves the dimensions before that one alone.
// So each is reached once.
func (l *lattice) extend(node [dims]int32, mass int64, from, core int) bool {
	c := candidate{node: node, mass: mass}
	for d := range dims {
		c.level += l.tree[d].level[node[d]]
	}
	if len(l.candidates) == maxCandidates {
		return false
	}
	l.candidates = append(l.candidates, c)
	to := len(l.stack)
	for d := core; d < dims; d++ {
		t := l.tree[d]
		kids := t.kids[node[d]]
		if len(kids) == 0 {
			continue
		}
		l.looked += to - from
		if l.budget > 0 && l.looked > l.budget {
			return false
		}
		for _, kid := range kids {
			l.sum[kid] = 0
		}
		leaf, path := l.leaf[d], t.path[t.depth[node[d]]+1:]
		for _, i := range l.stack[from:to] {
			if kid := path[leaf[i]*t.height]; kid >= 0 {
				l.sum[kid] += l.mass[i]
			}
		}
		var room [8]int64
		masses := room[:0]
		for _, kid := range kids {
			masses = append(masses, l.sum[kid]) // what is below uses sum, too
		}
		for k, kid := range kids {
			if masses[k] < l.least {
				continue
			}
			l.looked += to - from
			for _, i := range l.stack[from:to] {
				if x := leaf[i]; kid <= x && x < t.end[kid] {
					l.stack = append(l.stack, i)
				}
			}
			step := node
			step[d] = kid
			if below, ok := l.below(step, l.stack[to:], d); ok && !l.extend(below, masses[k], to, d) {
				return false
			}
			l.stack = l.stack[:to]
		}
	}
	return true
}

// below returns the closure of cells in a cluster; ok is false where it changes a
// dimension before d.
func (l *lattice) below(in [dims]int32, cells []int32, d int) (closed [dims]int32, ok bool) {
	for e := range dims {
		if closed[e] = l.joined(e, in[e], cells); e < d && closed[e] != in[e] {
			return closed, false
		}
	}
	return closed, true
}

// place returns where a cluster is.
func (l *lattice) place(node [dims]int32) (c cluster) {
	for d, t := range l.tree {
		c.at[d], c.bits[d] = t.place[node[d]], int(t.bits[node[d]])
	}
	return c
}
