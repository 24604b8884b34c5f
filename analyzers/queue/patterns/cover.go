package patterns

import (
	"cmp"
	"slices"
)

// cluster is a reported cluster: where it is and the points that it covers.
type cluster struct {
	bits   [dims]int
	at     [dims]key
	points []int32
	mass   int64
}

// cover reports the clusters of the points, as the package comment defines them, in the
// order in which they are defined. step is the resolution at which enumeration kept to
// its budget.
func cover(s *space, p points, least int64, budget, workers int) (clusters []cluster, step int) {
	c := newCovering(s, p, least, workers)
	for _, step := range [...]int{1, 4} {
		if rest, ok := c.at(inSteps(step), budget); ok {
			return append(c.single, rest...), step
		}
		budget = max(1, budget/4)
	}
	step = 8
	rest, _ := c.at(inSteps(step), 0)
	return append(c.single, rest...), step
}

// covering is what all resolutions have in common.
type covering struct {
	least  int64
	single []cluster // points above the threshold by themselves, known in all dimensions
	rest   points    // the others
	index  []int32   // of rest in all points
	column [dims]column
}

func newCovering(s *space, p points, least int64, workers int) *covering {
	c := &covering{least: least}
	for i, m := range p.mass {
		if m >= least {
			if b := s.point(p.side[i]); !slices.Contains(b.bits[:], 0) {
				c.single = append(c.single, cluster{at: b.at, bits: width, points: []int32{int32(i)}, mass: m})
				continue
			}
		}
		c.rest.side, c.rest.mass, c.index = append(c.rest.side, p.side[i]), append(c.rest.mass, m), append(c.index, int32(i))
	}
	slices.SortFunc(c.single, func(a, b cluster) int {
		return cmp.Or(cmp.Compare(b.mass, a.mass), comparePlaces(&a.at, &b.at))
	})
	each(dims, workers, func(d int) { c.column[d] = newColumn(s, c.rest, d) })
	return c
}

// at reports the clusters of more than one point, at levels of which the last of each
// dimension is its whole width. ok is false where the budget (0 = none) does not allow it.
func (c *covering) at(at levels, budget int) (clusters []cluster, ok bool) {
	l := newLattice(c, at)
	l.budget = budget
	if !l.enumerate() {
		return nil, false
	}
	clusters = l.take()
	for _, x := range clusters {
		for k, i := range x.points {
			x.points[k] = c.index[i]
		}
	}
	return clusters, true
}

func comparePlaces(a, b *[dims]key) int {
	for d := range dims {
		if c := a[d].compare(b[d]); c != 0 {
			return c
		}
	}
	return 0
}
