package tree

import "sync/atomic"

// Unit is what changes as one: a leaf, or an atomic container.
type Unit struct {
	Path   Path // of the leaf or the container
	Atomic bool

	counters bool   // all its leaves are counters
	round    uint64 // of the last Sync that named it; guarded by the tree's lock
	watches  []*watch
	state    atomic.Pointer[State]
	memo     atomic.Pointer[any]
}

// State is what a unit holds at a moment. It is immutable.
type State struct {
	Unit    *Unit
	Time    int64  // ns: when the values were collected, or the unit deleted
	Version uint64 // counts changes of the values
	Leaves  []Leaf // of a deleted unit: those it had
	Deleted bool

	memo [Memos]atomic.Pointer[any]
}

// Memos is how many things [State.Memo] can keep.
const Memos = 3

// Leaf is a leaf and its path below its unit; a unit that is a leaf has one, without
// a path.
type Leaf struct {
	Path  []Elem
	Value Value
}

// Memo returns what build made of s when it was first asked for slot i: many
// subscribers send the same value.
func (s *State) Memo(i int, build func(*State) any) any { return remember(&s.memo[i], s, build) }

// Memo is [State.Memo] for what depends on the unit alone.
func (u *Unit) Memo(build func(*Unit) any) any { return remember(&u.memo, u, build) }

func remember[T any](p *atomic.Pointer[any], of T, build func(T) any) any {
	if v := p.Load(); v != nil {
		return *v
	}
	v := build(of)
	p.Store(&v)
	return v
}
