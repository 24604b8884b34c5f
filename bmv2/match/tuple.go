package match

import "slices"

// turn makes a small group large or a large one small and starts moving it.
func (s *ternary[K]) turn(g *group[K]) {
	g.large = !g.large
	g.moved = len(g.members)
	if !slices.Contains(s.moving, g) {
		s.moving = append(s.moving, g)
	}
}

// move takes a few rules of groups that turned to where they belong.
func (s *ternary[K]) move() {
	for steps := 0; len(s.moving) > 0 && steps < movesPerWrite; {
		g := s.moving[0]
		if g.moved == 0 {
			s.moving = slices.Delete(s.moving, 0, 1)
			continue
		}
		g.moved--
		switch h := g.members[g.moved]; {
		case g.large && s.rules[h].bit >= 0:
			s.poolRemove(h)
			s.chain(g, h)
			steps++
		case !g.large && s.rules[h].bit == inGroup:
			s.unchain(g, h)
			s.poolAdd(h)
			steps++
		}
	}
}

// forget drops a group without members.
func (s *ternary[K]) forget(g *group[K]) {
	delete(s.groups, g.mask)
	if i := slices.Index(s.moving, g); i >= 0 {
		s.moving = slices.Delete(s.moving, i, i+1)
	}
}

// chain puts a rule into its group's table, in its place among the rules of the
// same value.
func (s *ternary[K]) chain(g *group[K], h int32) {
	n := &s.rules[h]
	n.bit = inGroup
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
	if !g.listed {
		g.listed, g.top, g.stale = true, n.priority, 0
		s.tuples = append(s.tuples, g)
	}
	g.top = max(g.top, n.priority)
	i := slices.Index(s.tuples, g)
	for ; i > 0 && s.tuples[i-1].top < g.top; i-- {
		s.tuples[i] = s.tuples[i-1]
	}
	s.tuples[i] = g
}

// unchain takes a rule out of its group's table.
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
	n.bit = nowhere
	if g.heads.n == 0 {
		i := slices.Index(s.tuples, g)
		s.tuples = slices.Delete(s.tuples, i, i+1)
		g.listed, g.heads = false, hmap[K]{}
	} else if n.priority == g.top {
		s.lower(g)
	}
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
	first := true
	for _, h := range g.members {
		if r := &s.rules[h]; r.bit == inGroup && (first || r.priority > g.top) {
			g.top, first = r.priority, false
		}
	}
	i := slices.Index(s.tuples, g)
	for ; i+1 < len(s.tuples) && s.tuples[i+1].top > g.top; i++ {
		s.tuples[i] = s.tuples[i+1]
	}
	s.tuples[i] = g
}
