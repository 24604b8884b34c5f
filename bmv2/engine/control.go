package engine

import (
	"slices"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/match"
)

// Control is a switch as its control plane sees it. A [Switch] is one, every call of
// which takes effect by itself; the one that [Switch.Atomically] lends collects what
// it changes.
type Control struct {
	sw    *Switch
	batch bool // the switch's control lock is held
}

// begin takes the control lock, end gives it back.
func (c Control) begin() *Switch {
	if !c.batch {
		c.sw.control.Lock()
	}
	return c.sw
}

func (c Control) end() {
	if !c.batch {
		c.sw.control.Unlock()
	}
}

// batch is what is changed in the back view and not yet in the front one.
type batch struct {
	again   []func(view uint32) // the changes, to be made in the other view too
	freed   []freed
	changed map[any]change // cells of what is there once, by their address
}

// freed is an entry that was deleted; its number cannot be used again before both
// views forget it.
type freed struct {
	t      *table
	rule   match.Rule
	number int32
}

// change is a cell's new value and what writes it.
type change struct {
	value any
	write func()
}

// back is the view that packets do not use. What the control plane reads is there.
func (s *Switch) back() uint32 { return s.gate.front.Load() ^ 1 }

// change makes a change in both views, first in the back one. Between the two
// packets begin to see it, unless there is a batch.
func (s *Switch) change(do func(view uint32)) {
	back := s.back()
	do(back)
	if s.batch != nil {
		s.batch.again = append(s.batch.again, do)
		return
	}
	s.gate.turn()
	do(back ^ 1)
}

// vacate makes the number of a deleted entry vacant.
func (s *Switch) vacate(f freed) {
	if s.batch != nil {
		s.batch.freed = append(s.batch.freed, f)
		return
	}
	f.t.entries.free(f.number)
}

// set gives a cell that packets change too a value; write does it.
func (s *Switch) set(cell, value any, write func()) {
	if s.batch != nil {
		s.batch.changed[cell] = change{value, write}
		return
	}
	s.visit(write)
}

// get is a cell's value; read reads it.
func get[V any](s *Switch, cell any, read func() V) (v V) {
	if s.batch != nil {
		if c, ok := s.batch.changed[cell]; ok {
			return c.value.(V)
		}
	}
	s.visit(func() { v = read() })
	return v
}

// Atomically implements [device.Atomic]. Receive and Run go on meanwhile. Other calls
// of the control plane wait until f returns; f itself must not use the switch but
// what it is given, and not after it has returned.
func (s *Switch) Atomically(f func(device.Device) (keep bool)) {
	s.control.Lock()
	defer s.control.Unlock()
	s.batch = &batch{changed: map[any]change{}}
	keep := false
	defer func() { s.finish(keep) }()
	keep = f(Control{s, true})
}

// finish lets packets see a batch.
func (s *Switch) finish(keep bool) {
	b := s.batch
	s.batch = nil
	back := s.back()
	if keep && len(b.changed) == 0 {
		s.gate.turn()
	} else {
		s.visit(func() {
			if keep {
				for _, c := range b.changed {
					c.write()
				}
			} else {
				b.restore(back)
			}
			s.gate.front.Store(back)
		})
	}
	for _, do := range b.again {
		do(back ^ 1)
	}
	for _, f := range b.freed {
		f.t.entries.free(f.number)
	}
}

// restore gives entries that were deleted and inserted again what packets counted
// for them until now.
func (b *batch) restore(view uint32) {
	for _, f := range slices.Backward(b.freed) { // the first deletion counts
		if i, err := f.t.views[view].index.Find(f.rule); err == nil {
			old, e := f.t.entries.at(f.number), f.t.entries.at(i)
			e.counter, e.lastHit = old.counter, old.lastHit
		}
	}
}

var (
	_ device.ValueSets = Control{}
	_ device.Finder    = Control{}
	_ device.Atomic    = (*Switch)(nil)
)
