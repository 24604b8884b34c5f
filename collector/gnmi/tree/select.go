package tree

import (
	"slices"
	"strings"
)

// visit calls f for every unit that the query may select, in the order of their paths.
func (t *Tree) visit(query Path, f func(*Unit)) {
	var keys []rootKey
	for k := range t.roots {
		if k.origin == query.Origin && (query.Target == Any || k.target == query.Target) {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b rootKey) int { return strings.Compare(a.target, b.target) })
	for _, k := range keys {
		t.roots[k].visit(query.Elems, f)
	}
}

func (n *node) visit(query []Elem, f func(*Unit)) {
	if n.unit != nil {
		f(n.unit)
		return
	}
	names := make([]string, 0, len(n.children))
	for name, child := range n.children {
		if len(query) == 0 || query[0].Name == Deep || query[0].accepts(&child.elem) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		switch {
		case len(query) == 0 || query[0].Name == Deep:
			n.children[name].visit(query[:min(1, len(query))], f)
		default:
			n.children[name].visit(query[1:], f)
		}
	}
}

// each is visit in no order.
func (t *Tree) each(query Path, f func(*Unit)) {
	for k, n := range t.roots {
		if k.origin == query.Origin && (query.Target == Any || k.target == query.Target) {
			n.each(query.Elems, f)
		}
	}
}

func (n *node) each(query []Elem, f func(*Unit)) {
	if n.unit != nil {
		f(n.unit)
		return
	}
	for _, child := range n.children {
		switch {
		case len(query) == 0 || query[0].Name == Deep:
			child.each(query[:min(1, len(query))], f)
		case query[0].accepts(&child.elem):
			child.each(query[1:], f)
		}
	}
}

// Select returns the states that a query selects something of, in the order of their
// paths.
func (t *Tree) Select(query Path) []*State {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var all []*State
	t.visit(query, func(u *Unit) {
		if s := u.state.Load(); s.Selected(query.Elems) {
			all = append(all, s)
		}
	})
	return all
}

// Selected reports whether a query selects any leaf of the state.
func (s *State) Selected(query []Elem) bool {
	if _, ok := Match(query, s.Unit.Path.Elems); ok {
		return true
	}
	if !s.Unit.Atomic || !reaches(query, s.Unit.Path.Elems) {
		return false
	}
	for i := range s.Leaves {
		if s.LeafSelected(i, query) {
			return true
		}
	}
	return false
}

func equalElems(a, b []Elem) bool {
	return slices.EqualFunc(a, b, func(x, y Elem) bool { return x.Name == y.Name && slices.Equal(x.Keys, y.Keys) })
}

// LeafSelected reports whether a query selects leaf i of the state.
func (s *State) LeafSelected(i int, query []Elem) bool {
	if _, ok := Match(query, s.Unit.Path.Elems); ok {
		return true
	}
	_, ok := Match(query, slices.Concat(s.Unit.Path.Elems, s.Leaves[i].Path))
	return ok
}
