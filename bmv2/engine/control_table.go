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
func (c Control) Insert(name string, e device.Entry) error {
	s := c.sw
	return c.onTable("insert an entry into", name, func(t *table) (func() error, error) {
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
func (c Control) Modify(name string, e device.Entry) error {
	s := c.sw
	return c.onTable("modify an entry of", name, func(t *table) (func() error, error) {
		d, err := s.draft(t, e)
		return func() error { return s.modify(t, &d) }, err
	})
}

// Delete implements [device.Device].
func (c Control) Delete(name string, e device.Entry) error {
	s := c.sw
	return c.onTable("delete an entry of", name, func(t *table) (func() error, error) {
		if t.prog.spec.Immutable {
			return nil, errConstEntries
		}
		r, err := t.rule(e)
		return func() error { return s.delete(t, r) }, err
	})
}

// onTable makes something ready without the lock, and then does it.
func (c Control) onTable(what, name string, prepare func(*table) (do func() error, err error)) error {
	t, err := c.sw.table(name)
	if err == nil {
		var do func() error
		if do, err = prepare(t); err == nil {
			c.begin()
			err = do()
			c.end()
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
func (c Control) Entries(name string) ([]device.Entry, error) {
	t, err := c.sw.table(name)
	if err != nil {
		return nil, fmt.Errorf("cannot list the entries: %w", err)
	}
	var live []snapshot
	for b, more := 0, true; more; b++ {
		live = slices.Grow(live, blockSize)
		live, more = c.snapshots(t, b, live)
	}
	slices.SortFunc(live, func(a, b snapshot) int { return cmp.Compare(a.order, b.order) })
	out := make([]device.Entry, len(live))
	for i := range live {
		out[i] = cloneEntry(live[i].dev)
	}
	return out, nil
}

// snapshots appends the entries of a block; more is false behind the last one.
func (c Control) snapshots(t *table, block int, live []snapshot) (_ []snapshot, more bool) {
	s := c.begin()
	defer c.end()
	v := &t.views[s.back()]
	if block >= len(v.blocks) {
		return live, false
	}
	read := func() {
		now := s.now()
		for i := range v.blocks[block] {
			e := &v.blocks[block][i]
			if d := e.does[s.back()].deed; d != nil {
				live = append(live, snapshot{d.order, s.shown(t, e, d, now)})
			}
		}
	}
	s.look(t, read)
	return live, true
}

// Entry implements [device.Finder].
func (c Control) Entry(name string, e device.Entry) (out device.Entry, err error) {
	s := c.sw
	err = c.onTable("read an entry of", name, func(t *table) (func() error, error) {
		r, err := t.rule(e)
		return func() error {
			i, err := t.views[s.back()].index.Find(r)
			if err != nil {
				return err
			}
			e := t.entries.at(i)
			s.look(t, func() { out = s.shown(t, e, e.does[s.back()].deed, s.now()) })
			if s.batch != nil {
				if c, ok := s.batch.changed[&e.counter]; ok {
					out.Counter = c.value.(device.CounterValue)
				}
			}
			return nil
		}, err
	})
	return cloneEntry(out), err
}

// look reads entries: while no packet is inside, if packets change them.
func (s *Switch) look(t *table, read func()) {
	if t.prog.spec.WithCounters || t.prog.ageing {
		s.visit(read)
	} else {
		read()
	}
}

// shown is an entry as the control plane sees it; it shares memory with the entry.
func (s *Switch) shown(t *table, e *entry, d *deed, now Time) device.Entry {
	v := d.dev
	v.Counter = device.CounterValue{}
	if t.prog.spec.WithCounters {
		v.Counter = e.counter
	}
	v.IdleFor, v.LastHit = int64(now-e.lastHit), int64(e.lastHit)
	return v
}

// Default implements [device.Device].
func (c Control) Default(name string) (device.Target, error) {
	s := c.begin()
	defer c.end()
	t, err := s.table(name)
	if err != nil {
		return device.Target{}, fmt.Errorf("cannot read the default: %w", err)
	}
	return cloneTarget(t.views[s.back()].miss.deed.dev.Target), nil
}

// SetDefault implements [device.Device].
func (c Control) SetDefault(name string, to *device.Target) error {
	s := c.begin()
	defer c.end()
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
	old, fresh := t.views[s.back()].miss.deed, s.ownDefault(t.prog)
	if to != nil {
		c, m, g, err := s.target(t, *to)
		if err != nil && t.prog.spec.Kind != spec.Simple && to.Action != nil && to.Member == nil && to.Group == nil {
			c, err = s.checkedCall(*to.Action, t.prog.spec.Actions) // a miss needs no member
		}
		if err != nil {
			return err
		}
		if d := t.prog.spec.Default; d != nil {
			if d.ConstEntry && !sameTarget(old.dev.Target, *to) {
				return fmt.Errorf("the program fixes it: %w", device.ErrConst)
			}
			if d.ConstAction && c.act != nil && c.act.index != d.Action {
				return fmt.Errorf("the program fixes its action %q: %w", s.prog.actions[d.Action].name, device.ErrConst)
			}
		}
		fresh = &deed{call: c, member: m, group: g, dev: device.Entry{Target: cloneTarget(*to)}}
	}
	fresh.hold(1)
	old.hold(-1)
	does := t.prog.reply(fresh, false)
	s.change(func(view uint32) { t.views[view].miss = does })
	return nil
}

// WriteDirectCounter implements [device.Device].
func (c Control) WriteDirectCounter(name string, e device.Entry, v device.CounterValue) error {
	s := c.sw
	return c.onTable("write the counter of an entry of", name, func(t *table) (func() error, error) {
		if !t.prog.spec.WithCounters {
			return nil, fmt.Errorf("it has no direct counter: %w", device.ErrInvalid)
		}
		r, err := t.rule(e)
		return func() error {
			i, err := t.views[s.back()].index.Find(r)
			if err == nil {
				s.setCounter(t.entries.at(i), v)
			}
			return err
		}, err
	})
}
