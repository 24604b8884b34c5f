package engine

import (
	"bytes"
	"cmp"
	"fmt"
	"reflect"
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
	return s.write("insert an entry into", name, e, s.insertChecked)
}

// Modify implements [device.Device]. Of an entry declared in the program only the
// direct counter and meter may change.
func (s *Switch) Modify(name string, e device.Entry) error {
	return s.write("modify an entry of", name, e, s.modify)
}

// Delete implements [device.Device].
func (s *Switch) Delete(name string, e device.Entry) error {
	return s.write("delete an entry of", name, e, s.delete)
}

func (s *Switch) write(what, name string, e device.Entry, do func(*table, device.Entry) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.table(name)
	if err == nil {
		err = do(t, e)
	}
	if err != nil {
		return fmt.Errorf("cannot %s table %q: %w", what, name, err)
	}
	return nil
}

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
	fresh.order, fresh.lastHit, fresh.counter = t.orders, s.now, e.Counter
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

// Entries implements [device.Device].
func (s *Switch) Entries(name string) ([]device.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.table(name)
	if err != nil {
		return nil, fmt.Errorf("cannot list the entries: %w", err)
	}
	var live []*entry
	for i := range t.entries {
		if t.entries[i].used {
			live = append(live, &t.entries[i])
		}
	}
	slices.SortFunc(live, func(a, b *entry) int { return cmp.Compare(a.order, b.order) })
	out := make([]device.Entry, len(live))
	for i, e := range live {
		out[i] = s.view(t, e)
	}
	return out, nil
}

// view is an entry as the control plane sees it.
func (s *Switch) view(t *table, e *entry) device.Entry {
	v := cloneEntry(e.dev)
	v.Counter = device.CounterValue{}
	if t.prog.spec.WithCounters {
		v.Counter = e.counter
	}
	v.IdleFor = int64(s.now - e.lastHit)
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
	t.def, t.defMember, t.defGroup, t.defTarget, t.defSet = c, m, g, cloneTarget(*to), true
	t.holdDefault(1)
	return nil
}

func (t *table) holdDefault(n int) {
	e := entry{member: t.defMember, group: t.defGroup}
	e.hold(n)
}

// WriteDirectCounter implements [device.Device].
func (s *Switch) WriteDirectCounter(name string, e device.Entry, v device.CounterValue) error {
	return s.write("write the counter of an entry of", name, e, func(t *table, e device.Entry) error {
		if !t.prog.spec.WithCounters {
			return fmt.Errorf("it has no direct counter: %w", device.ErrInvalid)
		}
		i, err := t.index.Find(e.Matches, e.Priority)
		if err != nil {
			return err
		}
		t.entries[i].counter = v
		return nil
	})
}

// Sweep reports the entries whose idle timeout has passed since their last hit,
// each once until it is hit again or modified. idle must not call the switch.
func (s *Switch) Sweep(now Time, idle func(table string, e device.Entry)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = max(s.now, now)
	for _, t := range s.tables {
		if !t.prog.spec.SupportTimeout {
			continue
		}
		for i := range t.entries {
			e := &t.entries[i]
			if e.used && e.dev.IdleTimeout > 0 && !e.told && int64(now-e.lastHit) >= e.dev.IdleTimeout {
				e.told = true
				idle(t.prog.spec.Name, s.view(t, e))
			}
		}
	}
}

func cloneTarget(t device.Target) device.Target {
	if t.Action != nil {
		a := cloneAction(*t.Action)
		t.Action = &a
	}
	if t.Member != nil {
		m := *t.Member
		t.Member = &m
	}
	if t.Group != nil {
		g := *t.Group
		t.Group = &g
	}
	return t
}

func cloneAction(a device.Action) device.Action {
	args := make([][]byte, len(a.Args))
	for i, v := range a.Args {
		args[i] = bytes.Clone(v)
	}
	a.Args = args
	return a
}

func cloneEntry(e device.Entry) device.Entry {
	e.Target = cloneTarget(e.Target)
	e.Metadata = bytes.Clone(e.Metadata)
	e.Matches = slices.Clone(e.Matches)
	for i := range e.Matches {
		m := &e.Matches[i]
		m.Value, m.Mask, m.High = bytes.Clone(m.Value), bytes.Clone(m.Mask), bytes.Clone(m.High)
	}
	if e.Meter != nil {
		m := *e.Meter
		e.Meter = &m
	}
	return e
}
