package patterns

import "slices"

// before orders candidates: most specific, greatest, by place.
func (l *lattice) before(a, b *candidate) bool {
	if a.level != b.level {
		return a.level > b.level
	}
	if a.mass != b.mass {
		return a.mass > b.mass
	}
	for d, t := range l.tree {
		x, y := a.node[d], b.node[d]
		if t.level[x] != t.level[y] {
			return t.level[x] > t.level[y]
		}
		if c := t.place[x].compare(t.place[y]); c != 0 {
			return c < 0
		}
	}
	return false
}

// take reports clusters, most specific first.
func (l *lattice) take() (out []cluster) {
	left := l.residual()
	h := candidates{l, l.candidates}
	h.init()
	for len(h.c) > 0 && left.total >= l.least {
		c := &h.c[0]
		mass := left.of(c.node)
		switch {
		case mass < l.least:
			h.pop()
		case mass < c.mass: // its turn may come later
			c.mass = mass
			h.down(0)
		default:
			out = append(out, left.remove(c.node))
			h.pop()
		}
	}
	return out
}

// candidates is a heap, the next to be reported first.
type candidates struct {
	l *lattice
	c []candidate
}

func (h *candidates) init() {
	for i := len(h.c)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
}

func (h *candidates) pop() {
	last := len(h.c) - 1
	h.c[0] = h.c[last]
	h.c = h.c[:last]
	h.down(0)
}

func (h *candidates) down(i int) {
	for {
		k := 2*i + 1
		if k >= len(h.c) {
			return
		}
		if k+1 < len(h.c) && h.l.before(&h.c[k+1], &h.c[k]) {
			k++
		}
		if !h.l.before(&h.c[k], &h.c[i]) {
			return
		}
		h.c[i], h.c[k] = h.c[k], h.c[i]
		i = k
	}
}

// residual is what no cluster has covered yet.
type residual struct {
	*lattice
	total int64
	sums  [dims][]int64   // by tree node
	in    [dims][][]int32 // cells by leaf
	gone  []bool          // by cell
}

func (l *lattice) residual() *residual {
	r := &residual{lattice: l, gone: make([]bool, len(l.mass))}
	for d, t := range l.tree {
		r.sums[d], r.in[d] = make([]int64, len(t.level)), make([][]int32, len(t.level))
		for i, leaf := range l.leaf[d] {
			r.in[d][leaf] = append(r.in[d][leaf], int32(i))
			r.sums[d][leaf] += l.mass[i]
		}
		for n := len(t.level) - 1; n > 0; n-- {
			r.sums[d][t.parent[n]] += r.sums[d][n]
		}
	}
	for _, m := range l.mass {
		r.total += m
	}
	return r
}

// of returns the residual score of a cluster, or something below the threshold.
func (r *residual) of(node [dims]int32) (mass int64) {
	best := 0
	for d := range dims {
		m := r.sums[d][node[d]]
		if m < r.least {
			return 0
		}
		if m < r.sums[best][node[best]] {
			best = d
		}
	}
	r.each(best, node, func(i int32) { mass += r.mass[i] })
	return mass
}

// each calls f with the cells of a cluster that are left, found by dimension d.
func (r *residual) each(d int, node [dims]int32, f func(i int32)) {
	for n := node[d]; n < r.tree[d].end[node[d]]; n++ {
		kept := r.in[d][n][:0]
		for _, i := range r.in[d][n] {
			if r.gone[i] {
				continue
			}
			kept = append(kept, i)
			if r.holds(&node, i) {
				f(i)
			}
		}
		r.in[d][n] = kept
	}
}

func (r *residual) holds(node *[dims]int32, i int32) bool {
	for d, t := range r.tree {
		if leaf := r.leaf[d][i]; leaf < node[d] || leaf >= t.end[node[d]] {
			return false
		}
	}
	return true
}

// remove covers what is left of a cluster.
func (r *residual) remove(node [dims]int32) cluster {
	c := r.place(node)
	r.each(0, node, func(i int32) {
		r.gone[i] = true
		c.points = append(c.points, r.points[i]...)
		c.mass += r.mass[i]
		for d, t := range r.tree {
			for _, n := range t.up(r.leaf[d][i]) {
				r.sums[d][n] -= r.mass[i]
			}
		}
	})
	r.total -= c.mass
	slices.Sort(c.points)
	return c
}
