package match

import "slices"

// chain puts a rule of a large group into its table, in its place among the
// rules of the same value.
func (s *ternary[K]) chain(g *group[K], h int32) {
	n := &s.rules[h]
	n.bit = -1
	head, ok := g.heads.get(&n.value)
	if !ok || s.better(h, head) {
		n.next = -1
		if ok {
			n.next = head
		}
		g.heads.put(&n.value, h)
	} else {
		at := head
		for s.rules[at].next >= 0 && s.better(s.rules[at].next, h) {
			at = s.rules[at].next
		}
		n.next = s.rules[at].next
		s.rules[at].next = h
	}
	g.top = max(g.top, n.priority)
}

func (s *ternary[K]) unchain(g *group[K], h int32) {
	n := &s.rules[h]
	head, _ := g.heads.get(&n.value)
	switch {
	case head != h:
		at := head
		for s.rules[at].next != h {
			at = s.rules[at].next
		}
		s.rules[at].next = n.next
	case n.next >= 0:
		g.heads.put(&n.value, n.next)
	default:
		g.heads.del(&n.value)
	}
}

// enlarge moves a group from the pool to a table of its own.
func (s *ternary[K]) enlarge(g *group[K]) {
	g.large = true
	g.top = s.rules[g.members[0]].priority
	for _, h := range g.members {
		if s.rules[h].bit >= 0 {
			s.poolRemove(h)
		}
		s.chain(g, h)
	}
	s.tuples = append(s.tuples, g)
	s.raise(g)
}

// reduce moves a group back into the pool.
func (s *ternary[K]) reduce(g *group[K]) {
	i := slices.Index(s.tuples, g)
	s.tuples = slices.Delete(s.tuples, i, i+1)
	g.large, g.heads, g.stale = false, hmap[K]{}, 0
	for _, h := range g.members {
		s.poolAdd(h)
	}
}

// raise moves a group whose top may have risen to its place.
func (s *ternary[K]) raise(g *group[K]) {
	i := slices.Index(s.tuples, g)
	for ; i > 0 && s.tuples[i-1].top < g.top; i-- {
		s.tuples[i] = s.tuples[i-1]
	}
	s.tuples[i] = g
}

// lower is told of the removal of a rule at the group's top. Until an eighth of
// the group has gone that way, top stays too high, which costs lookups a probe
// and keeps deleting cheap.
func (s *ternary[K]) lower(g *group[K]) {
	g.stale++
	if 8*g.stale < len(g.members) {
		return
	}
	g.stale = 0
	g.top = s.rules[g.members[0]].priority
	for _, h := range g.members {
		g.top = max(g.top, s.rules[h].priority)
	}
	i := slices.Index(s.tuples, g)
	for ; i+1 < len(s.tuples) && s.tuples[i+1].top > g.top; i++ {
		s.tuples[i] = s.tuples[i+1]
	}
	s.tuples[i] = g
}
