package model

import (
	"strconv"

	"github.com/telltale-net/telltale/collector/gnmi/tree"
)

// Batch is everything there is below some paths.
type Batch struct {
	Below   []tree.Path
	Changes []tree.Change
}

// Apply makes the tree say what the batch says, as of a time (ns since 1970). The error
// joins what the tree refused; the rest is in it.
func (b Batch) Apply(t *tree.Tree, time int64) error { return t.Sync(b.Below, b.Changes, time) }

// at is a place in the tree that leaves are added below.
type at struct {
	b    *Batch
	path tree.Path
}

func (b *Batch) at(target, origin string, elems ...tree.Elem) at {
	return at{b, tree.Path{Target: target, Origin: origin, Elems: elems}}
}

func (a at) below(elems ...tree.Elem) at { return at{a.b, a.path.Join(elems...)} }

// set adds a leaf to the container. Those that are set one after the other are one change.
func (a at) set(name string, v tree.Value) {
	l := tree.Leaf{Path: []tree.Elem{{Name: name}}, Value: v}
	if n := len(a.b.Changes); n > 0 {
		if last := &a.b.Changes[n-1]; last.Each && same(last.Path.Elems, a.path.Elems) {
			last.Leaves = append(last.Leaves, l)
			return
		}
	}
	a.b.Changes = append(a.b.Changes, tree.Change{Path: a.path, Leaves: append(make([]tree.Leaf, 0, 8), l), Each: true})
}

// same reports whether two paths are one in memory.
func same(a, b []tree.Elem) bool {
	return len(a) == len(b) && len(a) > 0 && &a[0] == &b[0]
}

func (a at) count(name string, n uint64) { a.set(name, tree.Count(n)) }

// some sets a counter where there is one.
func (a at) some(name string, n *uint64) {
	if n != nil {
		a.count(name, *n)
	}
}

// fixed sets a decimal, where it is a figure that one can hold.
func (a at) fixed(name string, f float64) {
	if v, ok := tree.Fixed(f); ok {
		a.set(name, v)
	}
}

var state = tree.E("state")

func decimal[T ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~int](n T) string {
	return strconv.FormatUint(uint64(n), 10)
}
