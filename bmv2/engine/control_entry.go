package engine

import (
	"fmt"
	"reflect"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/spec"
)

func (s *Switch) insertChecked(t *table, e device.Entry) error {
	src := t.prog.spec
	if src.Immutable {
		return fmt.Errorf("its entries are declared in the program: %w", device.ErrConst)
	}
	if t.prog.keyless {
		return fmt.Errorf("it has no key: %w", device.ErrInvalid)
	}
	if src.MaxSize > 0 && t.count >= src.MaxSize {
		// Which of the two it is matters to the caller.
		if _, err := t.index.Find(e.Matches, e.Priority); err == nil {
			return fmt.Errorf("the entry is there: %w", device.ErrExists)
		}
		return fmt.Errorf("it holds %d entries and no more: %w", src.MaxSize, device.ErrExhausted)
	}
	return s.insert(t, e)
}

// insert adds an entry to a table that may take it.
func (s *Switch) insert(t *table, e device.Entry) error {
	var fresh entry
	if err := s.fill(t, &fresh, e); err != nil {
		return err
	}
	i := int32(len(t.entries))
	if last := len(t.free) - 1; last >= 0 {
		i = t.free[last]
	}
	if err := t.index.Insert(e.Matches, e.Priority, i); err != nil {
		return err
	}
	if int(i) == len(t.entries) {
		t.entries = append(t.entries, entry{})
	} else {
		t.free = t.free[:len(t.free)-1]
	}
	t.orders++
	fresh.order, fresh.lastHit, fresh.counter = t.orders, s.now(), e.Counter
	t.entries[i] = fresh
	t.count++
	fresh.hold(1)
	return nil
}

// fill checks what an entry does and puts it into dst.
func (s *Switch) fill(t *table, dst *entry, e device.Entry) error {
	src := t.prog.spec
	if e.IdleTimeout != 0 && !src.SupportTimeout || e.IdleTimeout < 0 {
		return fmt.Errorf("idle timeout of %d ns in a table that supports %t: %w", e.IdleTimeout, src.SupportTimeout, device.ErrInvalid)
	}
	if e.Counter != (device.CounterValue{}) && !src.WithCounters {
		return fmt.Errorf("a counter in a table without direct counters: %w", device.ErrInvalid)
	}
	if e.Meter != nil {
		if src.DirectMeter < 0 {
			return fmt.Errorf("a meter in a table without direct meters: %w", device.ErrInvalid)
		}
		if err := checkMeter(*e.Meter); err != nil {
			return err
		}
	}
	c, m, g, err := s.target(t, e.Target)
	if err != nil {
		return err
	}
	if c.act != nil {
		c.next = t.prog.after(c.act.index, true)
	}
	dst.used, dst.call, dst.member, dst.group = true, c, m, g
	dst.meter = meter{}
	if e.Meter != nil {
		dst.meter.configure(*e.Meter)
	}
	dst.dev = cloneEntry(e)
	return nil
}

// hold counts the references an entry makes.
func (e *entry) hold(n int) {
	if e.member != nil {
		e.member.refs += n
	}
	if e.group != nil {
		e.group.refs += n
	}
}

// target checks a target and resolves it.
func (s *Switch) target(t *table, to device.Target) (c call, m *member, g *group, err error) {
	src := t.prog.spec
	given := 0
	for _, there := range []bool{to.Action != nil, to.Member != nil, to.Group != nil} {
		if there {
			given++
		}
	}
	if given != 1 {
		return c, nil, nil, fmt.Errorf("got %d of action, member and group; want one: %w", given, device.ErrInvalid)
	}
	if to.Action != nil {
		if src.Kind != spec.Simple {
			return c, nil, nil, fmt.Errorf("got an action; want a member or group of action profile %q: %w", s.prog.spec.Profiles[src.Profile].Name, device.ErrInvalid)
		}
		c, err = s.checkedCall(*to.Action, src.Actions)
		return c, nil, nil, err
	}
	if src.Kind == spec.Simple {
		return c, nil, nil, fmt.Errorf("got a member or group; want an action: %w", device.ErrInvalid)
	}
	pr := s.profiles[src.Profile]
	if to.Member != nil {
		if m = pr.members[*to.Member]; m == nil {
			return c, nil, nil, fmt.Errorf("member %d: %w", *to.Member, device.ErrNotFound)
		}
		return c, m, nil, nil
	}
	if src.Kind != spec.IndirectWS {
		return c, nil, nil, fmt.Errorf("got a group; its action profile has no selector: %w", device.ErrInvalid)
	}
	if g = pr.groups[*to.Group]; g == nil {
		return c, nil, nil, fmt.Errorf("group %d: %w", *to.Group, device.ErrNotFound)
	}
	return c, nil, g, nil
}

// checkedCall binds an action that must be one of those allowed.
func (s *Switch) checkedCall(a device.Action, allowed []int) (call, error) {
	for _, i := range allowed {
		act := s.prog.actions[i]
		if act.name != a.Name {
			continue
		}
		if len(a.Args) != len(act.params) {
			return call{}, fmt.Errorf("action %q: got %d arguments; want %d: %w", a.Name, len(a.Args), len(act.params), device.ErrInvalid)
		}
		for j, v := range a.Args {
			if err := fits(v, act.params[j].Width); err != nil {
				return call{}, fmt.Errorf("action %q: argument %q: %w", a.Name, act.params[j].Name, err)
			}
		}
		return bind(act, a.Args), nil
	}
	return call{}, fmt.Errorf("action %q is not one of the table's: %w", a.Name, device.ErrInvalid)
}

func (s *Switch) modify(t *table, e device.Entry) error {
	i, err := t.index.Find(e.Matches, e.Priority)
	if err != nil {
		return err
	}
	old := &t.entries[i]
	if t.prog.spec.Immutable && !sameTarget(old.dev.Target, e.Target) {
		return fmt.Errorf("its entries are declared in the program: %w", device.ErrConst)
	}
	fresh := *old
	if err := s.fill(t, &fresh, e); err != nil {
		return err
	}
	if e.Counter != (device.CounterValue{}) {
		fresh.counter = e.Counter
	}
	fresh.dev.Const = old.dev.Const
	fresh.hold(1)
	old.hold(-1)
	*old = fresh
	return nil
}

func (s *Switch) delete(t *table, e device.Entry) error {
	if t.prog.spec.Immutable {
		return fmt.Errorf("its entries are declared in the program: %w", device.ErrConst)
	}
	i, err := t.index.Delete(e.Matches, e.Priority)
	if err != nil {
		return err
	}
	t.entries[i].hold(-1)
	t.entries[i] = entry{}
	t.free = append(t.free, i)
	t.count--
	return nil
}

func sameTarget(a, b device.Target) bool { return reflect.DeepEqual(a, b) }
