package tree

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// Limits bound a tree.
type Limits struct {
	Leaves      int // in all; an update that would make more is refused
	Subscribers int
	Backlog     int // values that a subscriber may be behind before it is cut
}

// ErrFull is why an update or a subscriber was refused: a limit is reached.
var ErrFull = errors.New("limit reached")

// Tree holds the leaves. It is safe for concurrent use.
type Tree struct {
	schema *Schema
	limits Limits

	mu      sync.RWMutex
	roots   map[rootKey]*node
	leaves  int
	entries []*Entry // that are told of every change
	subs    int
	scratch []byte
	round   uint64 // of Sync
	refused atomic.Uint64
}

type rootKey struct{ target, origin string }

// node is an element of a path in the tree.
type node struct {
	elem     Elem
	children map[string]*node // by the element as it is written
	unit     *Unit
}

// New returns an empty tree.
func New(schema *Schema, limits Limits) *Tree {
	return &Tree{schema: schema, limits: limits, roots: map[rootKey]*node{}}
}

// Schema returns the tree's schema.
func (t *Tree) Schema() *Schema { return t.schema }

// Leaves returns how many leaves there are.
func (t *Tree) Leaves() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.leaves
}

// Refused returns how many leaves were not taken because the tree is full.
func (t *Tree) Refused() uint64 { return t.refused.Load() }

// HasTarget reports whether there is data of a target.
func (t *Tree) HasTarget(target string) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for k := range t.roots {
		if k.target == target {
			return true
		}
	}
	return false
}

// Update sets a leaf. The same value again moves its time and is no change.
func (t *Tree) Update(path Path, value Value, time int64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, err := t.apply(&Change{Path: path, Value: value}, time)
	return err
}

// Atomic sets all leaves of a container at once: those it had and are not among them
// are gone.
func (t *Tree) Atomic(container Path, leaves []Leaf, time int64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, err := t.apply(&Change{Path: container, Leaves: leaves}, time)
	return err
}

// Change is one leaf or, where Leaves is not empty, a container: an atomic one, or, where
// Each is set, one whose leaves stand for themselves, each with a path of one element.
// Leaves of a container at once are found faster than one after the other.
type Change struct {
	Path   Path
	Value  Value
	Leaves []Leaf
	Each   bool
}

// Sync makes what is under each of the prefixes exactly what changes say: it sets what
// they hold and deletes the rest. It takes what it can; the error joins the first few
// refusals and says how many more there were.
func (t *Tree) Sync(prefixes []Path, changes []Change, time int64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.round++
	var errs []error
	more := 0
	refused := func(err error) {
		if len(errs) < maxErrors {
			errs = append(errs, err)
		} else {
			more++
		}
	}
	for i := range changes {
		c := &changes[i]
		if c.Each {
			t.applyEach(c, time, refused)
			continue
		}
		u, err := t.apply(c, time)
		if err != nil {
			refused(err)
			continue
		}
		u.round = t.round
	}
	for _, p := range prefixes {
		t.remove(p, time, func(u *Unit) bool { return u.round != t.round })
	}
	if more > 0 {
		errs = append(errs, fmt.Errorf("and %d more", more))
	}
	return errors.Join(errs...)
}

// applyEach sets the leaves of a container, each by itself.
func (t *Tree) applyEach(c *Change, time int64, refused func(error)) {
	n := t.find(c.Path)
	container := t.schema.node(c.Path.Origin, c.Path.Elems)
	for i := range c.Leaves {
		l := &c.Leaves[i]
		if n != nil && container != nil && len(l.Path) == 1 {
			t.scratch = l.Path[0].append(t.scratch[:0])
			child, leaf := n.children[string(t.scratch)], container.children[l.Path[0].Name]
			if child != nil && child.unit != nil && !child.unit.Atomic && leaf != nil && leaf.kind == l.Value.kind {
				t.set(child.unit, l.Value, time)
				child.unit.round = t.round
				continue
			}
		}
		u, err := t.apply(&Change{Path: c.Path.Join(l.Path...), Value: l.Value}, time)
		if err != nil {
			refused(err)
			continue
		}
		u.round = t.round
		n = t.find(c.Path)
	}
}

// maxErrors is how many refusals the error of [Tree.Sync] holds.
const maxErrors = 8

// Delete removes every unit that the query selects as a whole, and returns how many.
func (t *Tree) Delete(query Path, time int64) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.remove(query, time, func(*Unit) bool { return true })
}

func (t *Tree) apply(c *Change, time int64) (*Unit, error) {
	if err := t.check(c); err != nil {
		return nil, err
	}
	n := t.find(c.Path)
	if n == nil || n.unit == nil {
		return t.create(c, time)
	}
	u := n.unit
	if u.Atomic != (len(c.Leaves) > 0) {
		return nil, fmt.Errorf("cannot set %s: it is a leaf here and an atomic container there", c.Path)
	}
	if !u.Atomic {
		t.set(u, c.Value, time)
		return u, nil
	}
	old := u.state.Load()
	s := &State{Unit: u, Time: time, Version: old.Version, Leaves: old.Leaves}
	if slices.EqualFunc(old.Leaves, c.Leaves, func(a, b Leaf) bool {
		return a.Value.Equal(&b.Value) && equalElems(a.Path, b.Path)
	}) {
		u.state.Store(s)
		return u, nil
	}
	if more := len(c.Leaves) - len(old.Leaves); t.leaves+more > t.limits.Leaves {
		return nil, t.refuse(c, more)
	}
	t.leaves += len(c.Leaves) - len(old.Leaves)
	s.Leaves = slices.Clone(c.Leaves)
	s.Version++
	u.state.Store(s)
	u.changed()
	return u, nil
}

// set gives a leaf that there is a value of its kind.
func (t *Tree) set(u *Unit, v Value, time int64) {
	old := u.state.Load()
	s := &State{Unit: u, Time: time, Version: old.Version, Leaves: old.Leaves}
	same := old.Leaves[0].Value.Equal(&v)
	if !same {
		s.Leaves = []Leaf{{Value: v}}
		s.Version++
	}
	u.state.Store(s)
	if !same {
		u.changed()
	}
}

func (t *Tree) refuse(c *Change, leaves int) error {
	t.refused.Add(uint64(leaves))
	return fmt.Errorf("cannot set %s: %d leaves: %w", c.Path, t.limits.Leaves, ErrFull)
}

func (t *Tree) create(c *Change, time int64) (*Unit, error) {
	u := &Unit{Path: c.Path.Join(), Atomic: len(c.Leaves) > 0, counters: c.Value.kind == Counter64}
	s := &State{Unit: u, Time: time, Version: 1, Leaves: []Leaf{{Value: c.Value}}}
	if u.Atomic {
		s.Leaves = slices.Clone(c.Leaves)
		u.counters = !slices.ContainsFunc(c.Leaves, func(l Leaf) bool { return l.Value.kind != Counter64 })
	}
	if t.leaves+len(s.Leaves) > t.limits.Leaves {
		return nil, t.refuse(c, len(s.Leaves))
	}
	key := rootKey{u.Path.Target, u.Path.Origin}
	n := t.roots[key]
	if n == nil {
		n = &node{}
		t.roots[key] = n
	}
	for _, e := range u.Path.Elems {
		if n.unit != nil {
			panic("BUG: the schema has a leaf above " + u.Path.String())
		}
		name := string(e.append(nil))
		child := n.children[name]
		if child == nil {
			child = &node{elem: e}
			if n.children == nil {
				n.children = map[string]*node{}
			}
			n.children[name] = child
		}
		n = child
	}
	n.unit = u
	t.leaves += len(s.Leaves)
	u.state.Store(s)
	for _, e := range t.entries {
		if e.wants(u) && e.selects(u, s) {
			if w := e.newWatch(u); w != nil {
				u.watches = append(u.watches, w)
				e.watches[u] = w
			}
		}
	}
	u.changed()
	return u, nil
}

// check holds a change against the schema.
func (t *Tree) check(c *Change) error {
	if len(c.Leaves) == 0 {
		return t.checkLeaf(c.Path.Origin, c.Path.Elems, &c.Value)
	}
	for i := range c.Leaves {
		if err := t.checkLeaf(c.Path.Origin, slices.Concat(c.Path.Elems, c.Leaves[i].Path), &c.Leaves[i].Value); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tree) checkLeaf(origin string, elems []Elem, v *Value) error {
	kind := t.schema.Leaf(origin, elems)
	if kind == 0 {
		return fmt.Errorf("cannot set %s: %w", Path{Origin: origin, Elems: elems}, ErrUnknown)
	}
	if kind != v.kind {
		return fmt.Errorf("cannot set %s: got a value of kind %d, the schema wants %d", Path{Origin: origin, Elems: elems}, v.kind, kind)
	}
	return nil
}

// find returns the node at exactly p, or nil.
func (t *Tree) find(p Path) *node {
	n := t.roots[rootKey{p.Target, p.Origin}]
	for i := range p.Elems {
		if n == nil {
			return nil
		}
		t.scratch = p.Elems[i].append(t.scratch[:0])
		n = n.children[string(t.scratch)]
	}
	return n
}

func (t *Tree) remove(query Path, time int64, which func(*Unit) bool) int {
	var gone []*Unit
	t.each(query, func(u *Unit) {
		if !which(u) {
			return
		}
		if _, ok := Match(query.Elems, u.Path.Elems); ok {
			gone = append(gone, u)
		}
	})
	for _, u := range gone {
		old := u.state.Load()
		u.state.Store(&State{Unit: u, Time: time, Version: old.Version + 1, Leaves: old.Leaves, Deleted: true})
		u.changed()
		for _, w := range u.watches {
			delete(w.entry.watches, u)
		}
		t.leaves -= len(old.Leaves)
		key := rootKey{u.Path.Target, u.Path.Origin}
		if t.roots[key].prune(u.Path.Elems) {
			delete(t.roots, key)
		}
	}
	return len(gone)
}

// prune takes the unit at elems out and reports whether nothing is left below n.
func (n *node) prune(elems []Elem) bool {
	if len(elems) == 0 {
		n.unit = nil
	} else {
		name := string(elems[0].append(nil))
		if n.children[name].prune(elems[1:]) {
			delete(n.children, name)
		}
	}
	return n.unit == nil && len(n.children) == 0
}
