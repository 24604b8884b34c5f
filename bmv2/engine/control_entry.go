package engine

import (
	"fmt"
	"reflect"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/match"
	"github.com/telltale-net/telltale/bmv2/spec"
)

// draft is an entry made ready as far as that can be done without the switch's
// lock: what takes time and memory, packets do not wait for.
type draft struct {
	rule    match.Rule
	deed    *deed // without member, group and history
	counter device.CounterValue
}

func (s *Switch) draft(t *table, e device.Entry) (d draft, err error) {
	src := t.prog.spec
	if e.IdleTimeout != 0 && !src.SupportTimeout || e.IdleTimeout < 0 {
		return d, fmt.Errorf("idle timeout of %d ns in a table that supports %t: %w", e.IdleTimeout, src.SupportTimeout, device.ErrInvalid)
	}
	if e.Counter != (device.CounterValue{}) && !src.WithCounters {
		return d, fmt.Errorf("a counter in a table without direct counters: %w", device.ErrInvalid)
	}
	if e.Meter != nil {
		if src.DirectMeter < 0 {
			return d, fmt.Errorf("a meter in a table without direct meters: %w", device.ErrInvalid)
		}
		if err := checkMeter(*e.Meter); err != nil {
			return d, err
		}
	}
	c, err := s.draftTarget(t, e.Target)
	if err != nil {
		return d, err
	}
	d.deed, d.counter = &deed{call: c, dev: cloneEntry(e)}, e.Counter
	if src.DirectMeter >= 0 {
		d.deed.meter = &meter{}
		if e.Meter != nil {
			d.deed.meter.configure(*e.Meter)
		}
	}
	d.rule, err = t.rule(d.deed.dev)
	return d, err
}

// rule makes what an entry matches ready.
func (t *table) rule(e device.Entry) (match.Rule, error) {
	return t.views[0].index.Rule(e.Matches, e.Priority)
}

// insertDraft adds an entry that the control plane wants.
func (s *Switch) insertDraft(t *table, d *draft) error {
	if most := t.prog.spec.MaxSize; most > 0 && t.views[s.back()].count >= most {
		// Which of the two it is matters to the caller.
		if _, err := t.views[s.back()].index.Find(d.rule); err == nil {
			return fmt.Errorf("the entry is there: %w", device.ErrExists)
		}
		return fmt.Errorf("it holds %d entries and no more: %w", most, device.ErrExhausted)
	}
	return s.insert(t, d)
}

// insert adds an entry to a table that may take it.
func (s *Switch) insert(t *table, d *draft) (err error) {
	fresh := d.deed
	if fresh.member, fresh.group, err = s.resolve(t, fresh.dev.Target); err != nil {
		return err
	}
	i, back := t.entries.vacant(), s.back()
	if err := t.views[back].index.Insert(d.rule, i); err != nil {
		return err
	}
	e := t.entries.take()
	t.orders++
	fresh.order, e.counter, e.lastHit = t.orders, d.counter, s.now()
	fresh.hold(1)
	blocks, does := t.entries.blocks, t.prog.reply(fresh, true)
	s.change(func(view uint32) {
		v := &t.views[view]
		if view != back {
			mustAgree(v.index.Insert(d.rule, i))
		}
		e.does[view], v.blocks = does, blocks
		v.count++
	})
	return nil
}

// mustAgree is for what went well in the other view.
func mustAgree(err error) {
	if err != nil {
		panic("BUG: the views of a table differ: " + err.Error())
	}
}

// target checks a target and resolves it.
func (s *Switch) target(t *table, to device.Target) (c call, m *member, g *group, err error) {
	if c, err = s.draftTarget(t, to); err == nil {
		m, g, err = s.resolve(t, to)
	}
	return c, m, g, err
}

// draftTarget checks a target as far as the program decides it, and binds an action.
func (s *Switch) draftTarget(t *table, to device.Target) (c call, err error) {
	src := t.prog.spec
	given := 0
	for _, there := range []bool{to.Action != nil, to.Member != nil, to.Group != nil} {
		if there {
			given++
		}
	}
	switch {
	case given != 1:
		return c, fmt.Errorf("got %d of action, member and group; want one: %w", given, device.ErrInvalid)
	case src.Kind == spec.Simple && to.Action == nil:
		return c, fmt.Errorf("got a member or group; want an action: %w", device.ErrInvalid)
	case src.Kind == spec.Simple:
		return s.checkedCall(*to.Action, src.Actions)
	case to.Action != nil:
		return c, fmt.Errorf("got an action; want a member or group of action profile %q: %w", s.prog.spec.Profiles[src.Profile].Name, device.ErrInvalid)
	case to.Group != nil && src.Kind != spec.IndirectWS:
		return c, fmt.Errorf("got a group; its action profile has no selector: %w", device.ErrInvalid)
	}
	return c, nil
}

// resolve finds the member or group of a target that was checked.
func (s *Switch) resolve(t *table, to device.Target) (m *member, g *group, err error) {
	switch {
	case to.Member != nil:
		if m = s.profiles[t.prog.spec.Profile].members[*to.Member]; m == nil {
			return nil, nil, fmt.Errorf("member %d: %w", *to.Member, device.ErrNotFound)
		}
	case to.Group != nil:
		if g = s.profiles[t.prog.spec.Profile].groups[*to.Group]; g == nil {
			return nil, nil, fmt.Errorf("group %d: %w", *to.Group, device.ErrNotFound)
		}
	}
	return m, g, nil
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

func (s *Switch) modify(t *table, d *draft) error {
	i, err := t.views[s.back()].index.Find(d.rule)
	if err != nil {
		return err
	}
	e, fresh := t.entries.at(i), d.deed
	old := e.does[s.back()].deed
	if t.prog.spec.Immutable && !sameTarget(old.dev.Target, fresh.dev.Target) {
		return errConstEntries
	}
	if fresh.member, fresh.group, err = s.resolve(t, fresh.dev.Target); err != nil {
		return err
	}
	fresh.order, fresh.dev.Const = old.order, old.dev.Const
	fresh.hold(1)
	old.hold(-1)
	does := t.prog.reply(fresh, true)
	s.change(func(view uint32) { e.does[view] = does })
	if d.counter != (device.CounterValue{}) {
		s.setCounter(e, d.counter)
	}
	return nil
}

// setCounter sets the counter of an entry.
func (s *Switch) setCounter(e *entry, v device.CounterValue) {
	s.set(&e.counter, v, func() { e.counter = v })
}

func (s *Switch) delete(t *table, rule match.Rule) error {
	back := s.back()
	i, err := t.views[back].index.Delete(rule)
	if err != nil {
		return err
	}
	e := t.entries.at(i)
	e.does[back].deed.hold(-1)
	s.change(func(view uint32) {
		v := &t.views[view]
		if view != back {
			_, err := v.index.Delete(rule)
			mustAgree(err)
		}
		e.does[view] = reply{}
		v.count--
	})
	s.vacate(freed{t, rule, i})
	return nil
}

var errConstEntries = fmt.Errorf("its entries are declared in the program: %w", device.ErrConst)

func sameTarget(a, b device.Target) bool { return reflect.DeepEqual(a, b) }
