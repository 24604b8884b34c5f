package engine

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/spec"
)

func (s *Switch) table(name string) (*table, error) {
	i, err := s.prog.lookup(s.prog.byName.tables, "table", name)
	if err != nil {
		return nil, err
	}
	return s.tables[i], nil
}

// Insert implements [device.Device].
func (s *Switch) Insert(name string, e device.Entry) error {
	return s.onTable("insert an entry into", name, func(t *table) (func() error, error) {
		if t.prog.spec.Immutable {
			return nil, errConstEntries
		}
		if t.prog.keyless {
			return nil, fmt.Errorf("it has no key: %w", device.ErrInvalid)
		}
		d, err := s.draft(t, e)
		return func() error { return s.insertDraft(t, &d) }, err
	})
}

// Modify implements [device.Device]. Of an entry declared in the program only the
// direct counter and meter may change.
func (s *Switch) Modify(name string, e device.Entry) error {
	return s.onTable("modify an entry of", name, func(t *table) (func() error, error) {
		d, err := s.draft(t, e)
		return func() error { return s.modify(t, &d) }, err
	})
}

// Delete implements [device.Device].
func (s *Switch) Delete(name string, e device.Entry) error {
	return s.onTable("delete an entry of", name, func(t *table) (func() error, error) {
		if t.prog.spec.Immutable {
			return nil, errConstEntries
		}
		r, err := t.index.Rule(e.Matches, e.Priority)
		return func() error { return s.delete(t, r) }, err
	})
}

// onTable makes something ready without the lock, and then does it.
func (s *Switch) onTable(what, name string, prepare func(*table) (do func() error, err error)) error {
	t, err := s.table(name)
	if err == nil {
		var do func() error
		if do, err = prepare(t); err == nil {
			s.mu.Lock()
			err = do()
			s.mu.Unlock()
		}
	}
	if err != nil {
		return fmt.Errorf("cannot %s table %q: %w", what, name, err)
	}
	return nil
}

// snapshot is what an entry was at one moment. What dev points to is never
// changed, only replaced.
type snapshot struct {
	order uint64
	dev   device.Entry
}

// Entries implements [device.Device]. Packets wait only while a few entries at a
// time are noted. Each is as it was at one moment; of what others change meanwhile,
// some may be seen and some not.
func (s *Switch) Entries(name string) ([]device.Entry, error) {
	t, err := s.table(name)
	if err != nil {
		return nil, fmt.Errorf("cannot list the entries: %w", err)
	}
	var live []snapshot
	for b, more := 0, true; more; b++ {
		live = slices.Grow(live, blockSize)
		live, more = s.snapshots(t, b, live)
	}
	slices.SortFunc(live, func(a, b snapshot) int { return cmp.Compare(a.order, b.order) })
	out := make([]device.Entry, len(live))
	for i := range live {
		out[i] = cloneEntry(live[i].dev)
	}
	return out, nil
}

// snapshots appends the entries of a block; more is false behind the last one.
func (s *Switch) snapshots(t *table, block int, live []snapshot) (_ []snapshot, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if block >= len(t.entries.blocks) {
		return live, false
	}
	for i := range t.entries.blocks[block] {
		if e := &t.entries.blocks[block][i]; e.used {
			live = append(live, snapshot{e.order, s.view(t, e)})
		}
	}
	return live, true
}

// Entry implements [device.Finder].
func (s *Switch) Entry(name string, e device.Entry) (out device.Entry, err error) {
	err = s.onTable("read an entry of", name, func(t *table) (func() error, error) {
		r, err := t.index.Rule(e.Matches, e.Priority)
		return func() error {
			i, err := t.index.Find(r)
			if err == nil {
				out = s.view(t, t.entries.at(i))
			}
			return err
		}, err
	})
	return cloneEntry(out), err
}

// view is an entry as the control plane sees it; it shares memory with the entry.
func (s *Switch) view(t *table, e *entry) device.Entry {
	v := e.dev
	v.Counter = device.CounterValue{}
	if t.prog.spec.WithCounters {
		v.Counter = e.counter
	}
	v.IdleFor, v.LastHit = int64(s.now()-e.lastHit), int64(e.lastHit)
	return v
}

// Default implements [device.Device].
func (s *Switch) Default(name string) (device.Target, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.table(name)
	if err != nil {
		return device.Target{}, fmt.Errorf("cannot read the default: %w", err)
	}
	return cloneTarget(t.defTarget), nil
}

// SetDefault implements [device.Device].
func (s *Switch) SetDefault(name string, to *device.Target) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.table(name)
	if err == nil {
		err = s.setDefault(t, to)
	}
	if err != nil {
		return fmt.Errorf("cannot set the default of table %q: %w", name, err)
	}
	return nil
}

func (s *Switch) setDefault(t *table, to *device.Target) error {
	if to == nil {
		t.holdDefault(-1)
		s.resetDefault(t)
		return nil
	}
	c, m, g, err := s.target(t, *to)
	if err != nil && t.prog.spec.Kind != spec.Simple && to.Action != nil && to.Member == nil && to.Group == nil {
		c, err = s.checkedCall(*to.Action, t.prog.spec.Actions) // a miss needs no member
	}
	if err != nil {
		return err
	}
	if d := t.prog.spec.Default; d != nil {
		if d.ConstEntry && !sameTarget(t.defTarget, *to) {
			return fmt.Errorf("the program fixes it: %w", device.ErrConst)
		}
		if d.ConstAction && c.act != nil && c.act.index != d.Action {
			return fmt.Errorf("the program fixes its action %q: %w", s.prog.actions[d.Action].name, device.ErrConst)
		}
	}
	if c.act != nil {
		c.next = t.prog.after(c.act.index, false)
	}
	t.holdDefault(-1)
	t.def, t.defMember, t.defGroup, t.defTarget = c, m, g, cloneTarget(*to)
	t.holdDefault(1)
	return nil
}

func (t *table) holdDefault(n int) {
	e := entry{member: t.defMember, group: t.defGroup}
	e.hold(n)
}

// WriteDirectCounter implements [device.Device].
func (s *Switch) WriteDirectCounter(name string, e device.Entry, v device.CounterValue) error {
	return s.onTable("write the counter of an entry of", name, func(t *table) (func() error, error) {
		if !t.prog.spec.WithCounters {
			return nil, fmt.Errorf("it has no direct counter: %w", device.ErrInvalid)
		}
		r, err := t.index.Rule(e.Matches, e.Priority)
		return func() error {
			i, err := t.index.Find(r)
			if err == nil {
				t.entries.at(i).counter = v
			}
			return err
		}, err
	})
}
