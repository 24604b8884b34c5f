package reident

import "slices"

// maxKnot bounds the search within a knot; greater ones stay ambiguous.
const maxKnot = 18

// tied is a pair that is left, and where.
type tied struct {
	pair
	link int32
}

// excludes reports whether at most one of two pairs can be true.
func (a *tied) excludes(b *tied) bool {
	return a.from == b.from || a.to == b.to || a.link == b.link && a.overtakes(b.pair)
}

// untie links the pairs that are in every largest set without a contradiction.
func (m *matcher) untie() {
	var left []tied
	for k := range m.links {
		for _, p := range m.links[k].pairs {
			left = append(left, tied{p, int32(k)})
		}
	}
	for _, knot := range knots(left) {
		for _, p := range certain(knot) {
			m.link([]pair{p.pair})
			m.Stats.Knot++
		}
	}
}

// knots parts pairs so that pairs of different parts do not exclude one another. The pairs
// are by link, and within a link by arrival.
func knots(all []tied) [][]tied {
	root := make([]int32, len(all))
	for i := range root {
		root[i] = int32(i)
	}
	find := func(i int32) int32 {
		for root[i] != i {
			root[i] = root[root[i]]
			i = root[i]
		}
		return i
	}
	from, to := map[int32]int32{}, map[int32]int32{}
	for i := range all {
		for _, side := range [2]struct {
			m map[int32]int32
			k int32
		}{{from, all[i].from}, {to, all[i].to}} {
			if first, ok := side.m[side.k]; ok {
				root[find(int32(i))] = find(first)
			} else {
				side.m[side.k] = int32(i)
			}
		}
	}
	// By arrival, what overtakes what hangs together as far as something earlier left later
	// than something later did.
	for lo, hi := 0, 0; lo < len(all); lo = hi {
		for hi = lo; hi < len(all) && all[hi].link == all[lo].link; hi++ {
		}
		soonest := make([]int64, hi-lo) // departure of this pair or one after it
		for i := hi - 1; i >= lo; i-- {
			soonest[i-lo] = all[i].left
			if i+1 < hi {
				soonest[i-lo] = min(all[i].left, soonest[i-lo+1])
			}
		}
		latest := all[lo].left
		for i := lo + 1; i < hi; i++ {
			if latest > soonest[i-lo] {
				root[find(int32(i))] = find(int32(i - 1))
			}
			latest = max(latest, all[i].left)
		}
	}
	index := map[int32]int{}
	var out [][]tied
	for i := range all {
		r := find(int32(i))
		k, ok := index[r]
		if !ok {
			k = len(out)
			index[r] = k
			out = append(out, nil)
		}
		out[k] = append(out[k], all[i])
	}
	return out
}

// certain returns the pairs that are in all the largest sets without a contradiction.
func certain(knot []tied) []tied {
	if len(knot) > maxKnot {
		return nil
	}
	excluded := make([]uint32, len(knot))
	for i := range knot {
		for j := range knot {
			if i != j && knot[i].excludes(&knot[j]) {
				excluded[i] |= 1 << j
			}
		}
	}
	most, in := 0, uint32(0)
	var search func(i, size int, chosen, out uint32)
	search = func(i, size int, chosen, out uint32) {
		if size+len(knot)-i < most {
			return
		}
		if i == len(knot) {
			if size > most {
				most, in = size, chosen
			} else {
				in &= chosen
			}
			return
		}
		if out>>i&1 == 0 {
			search(i+1, size+1, chosen|1<<i, out|excluded[i])
		}
		search(i+1, size, chosen, out)
	}
	search(0, 0, 0, 0)
	return slices.DeleteFunc(slices.Clone(knot), func(t tied) bool {
		return in>>slices.Index(knot, t)&1 == 0
	})
}
