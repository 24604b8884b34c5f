package entity

import (
	"slices"

	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/spec"
)

// check holds a P4Info against the BMv2 JSON that comes with it and names the
// first object on which they differ: table, key field and its width or match
// type, action and its parameters, action profile, direct resources, counter,
// meter, register, value set. Tables and actions that only the JSON has (p4c makes
// them) are nothing to a control plane.
//
// What only the JSON knows goes into the schema: BMv2's match type "valid", which
// P4Info calls EXACT, the width of keys of type error, and what is behind
// translated types. p4c leaves out of the JSON what no packet can reach, but not
// out of the P4Info: a keyless table that can only do NoAction is dropped from the
// schema too; an action profile of no table is kept as [Profile.Unused]; a digest
// is never sent.
func check(s *Schema, deviceConfig []byte) error {
	p, err := spec.Load(deviceConfig)
	if err != nil {
		return invalid("p4_device_config: %v", err)
	}
	c := newChecker(s, p)
	s.Tables = slices.DeleteFunc(s.Tables, func(t *Table) bool {
		gone := c.tables[t.Name] == nil && len(t.Fields) == 0 &&
			len(t.order) == 1 && s.actions[t.order[0]].Name == "NoAction"
		if gone {
			delete(s.tables, t.ID)
		}
		return gone
	})
	for _, t := range s.Tables {
		if err := c.table(t); err != nil {
			return err
		}
	}
	for _, f := range s.Profiles {
		i := slices.IndexFunc(p.Profiles, func(j spec.Profile) bool { return j.Name == f.Name })
		switch {
		case i < 0:
			c.unused(f)
		case (p.Profiles[i].Selector != nil) != f.Selector:
			return invalid("action profile %s: the P4Info says with_selector %v, the JSON %v", f.Name, f.Selector, !f.Selector)
		}
	}
	if err := c.arrays(); err != nil {
		return err
	}
	for _, v := range s.ValueSets {
		if err := c.valueSet(v); err != nil {
			return err
		}
	}
	for _, h := range []*Header{s.PacketIn, s.PacketOut} {
		if err := c.header(h); err != nil {
			return err
		}
	}
	return nil
}

type checker struct {
	s      *Schema
	p      *spec.Program
	tables map[string]*spec.Table
}

func newChecker(s *Schema, p *spec.Program) *checker {
	c := &checker{s: s, p: p, tables: map[string]*spec.Table{}}
	for i := range p.Tables {
		c.tables[p.Tables[i].Name] = &p.Tables[i]
	}
	return c
}

func (c *checker) table(t *Table) error {
	j := c.tables[t.Name]
	if j == nil {
		return invalid("table %s is in the P4Info but not in the JSON", t.Name)
	}
	if len(j.Key) != len(t.Fields) {
		return invalid("table %s: the P4Info has %d key fields, the JSON %d", t.Name, len(t.Fields), len(j.Key))
	}
	for i := range t.Fields {
		f, k := &t.Fields[i], &j.Key[i]
		switch {
		case k.Kind == device.Valid && f.Match == p4configv1.MatchField_EXACT:
			f.kind, f.Width = device.Valid, 1
			continue // its target is a header
		case k.Kind != f.kind:
			return invalid("table %s, key field %s: the P4Info says %v, the JSON %v", t.Name, f.Name, f.kind, k.Kind)
		}
		if f.Width == 0 { // translated, or of type error
			f.Width = k.Width
		}
		if k.Width != f.Width || k.Width > maxWidth {
			return invalid("table %s, key field %s: the P4Info says %d bits, the JSON %d", t.Name, f.Name, f.Width, k.Width)
		}
	}
	for _, id := range t.order {
		if err := c.action(t, j, c.s.actions[id]); err != nil {
			return err
		}
	}
	profile, has := "", ""
	if t.Profile != nil {
		profile = t.Profile.Name
	}
	if j.Profile >= 0 {
		has = c.p.Profiles[j.Profile].Name
	}
	switch {
	case has != profile:
		return invalid("table %s: the P4Info says action profile %q, the JSON %q", t.Name, profile, has)
	case t.DirectCounter && !j.WithCounters:
		return invalid("table %s: the P4Info has a direct counter, the JSON none", t.Name)
	case t.DirectMeter && j.DirectMeter < 0:
		return invalid("table %s: the P4Info has a direct meter, the JSON none", t.Name)
	case t.IdleTimeout && !j.SupportTimeout:
		return invalid("table %s: the P4Info says idle timeout, the JSON does not", t.Name)
	}
	return nil
}

func (c *checker) action(t *Table, j *spec.Table, a *Action) error {
	for _, i := range j.Actions {
		k := &c.p.Actions[i]
		if k.Name != a.Name {
			continue
		}
		if len(k.Params) != len(a.Params) {
			return invalid("table %s, action %s: the P4Info has %d parameters, the JSON %d", t.Name, a.Name, len(a.Params), len(k.Params))
		}
		for i := range a.Params {
			p, q := &a.Params[i], k.Params[i]
			if p.Width == 0 { // translated
				p.Width = q.Width
			}
			if q.Width != p.Width {
				return invalid("table %s, action %s, parameter %s: the P4Info says %d bits, the JSON %d", t.Name, a.Name, p.Name, p.Width, q.Width)
			}
		}
		return nil
	}
	return invalid("table %s: action %s is in the P4Info but not in the JSON's table", t.Name, a.Name)
}

// unused lets members of a profile that no table uses have any action.
func (c *checker) unused(f *Profile) {
	f.Unused = true
	for id, a := range c.s.actions {
		f.actions[id] = p4configv1.ActionRef_TABLE_AND_DEFAULT
		for i := range a.Params {
			if a.Params[i].Width == 0 { // translated, in an action that no table has either
				a.Params[i].Width = max(a.Params[i].sdn, 64)
			}
		}
	}
}

func (c *checker) arrays() error {
	type cells struct{ size, width int }
	one := func(kind string, have []*Array, in map[string]cells) error {
		for _, a := range have {
			j, ok := in[a.Name]
			if a.Width == 0 { // no register, or a translated one
				a.Width = j.width
			}
			switch {
			case !ok:
				return invalid("%s %s is in the P4Info but not in the JSON", kind, a.Name)
			case j.size != a.Size:
				return invalid("%s %s: the P4Info says %d cells, the JSON %d", kind, a.Name, a.Size, j.size)
			case j.width != a.Width:
				return invalid("%s %s: the P4Info says %d bits, the JSON %d", kind, a.Name, a.Width, j.width)
			}
		}
		return nil
	}
	counters, meters, registers := map[string]cells{}, map[string]cells{}, map[string]cells{}
	for _, j := range c.p.Counters {
		if !j.Direct {
			counters[j.Name] = cells{j.Size, 0}
		}
	}
	for _, j := range c.p.Meters {
		if !j.Direct {
			meters[j.Name] = cells{j.Size, 0}
		}
	}
	for _, j := range c.p.Registers {
		registers[j.Name] = cells{j.Size, j.Width}
	}
	if err := one("counter", c.s.Counters, counters); err != nil {
		return err
	}
	if err := one("meter", c.s.Meters, meters); err != nil {
		return err
	}
	return one("register", c.s.Registers, registers)
}

// valueSet compares widths as a whole: the JSON does not tell fields apart.
func (c *checker) valueSet(v *ValueSet) error {
	i := slices.IndexFunc(c.p.ValueSets, func(j spec.ValueSet) bool { return j.Name == v.Name })
	if i < 0 {
		return invalid("value set %s is in the P4Info but not in the JSON", v.Name)
	}
	for _, f := range v.Fields {
		if f.sdn != 0 {
			return invalid("value set %s: field %s is translated (@p4runtime_translation), and the JSON does not say how wide it is", v.Name, f.Name)
		}
	}
	if w, want := v.width(), c.p.ValueSets[i].Width; w != want {
		return invalid("value set %s: the P4Info says %d bits, the JSON %d", v.Name, w, want)
	}
	return nil
}

// header finds how wide the translated fields of a controller header are. The JSON
// does not say which of its header types is the one, so that it must be known by
// its fields.
func (c *checker) header(h *Header) error {
	if h == nil {
		return nil
	}
	if slices.ContainsFunc(h.fields, Param.translated) {
		found := false
		for i := range c.p.HeaderTypes {
			t := &c.p.HeaderTypes[i]
			if !h.like(t) {
				continue
			}
			for j := range h.fields {
				f := &h.fields[j]
				if found && f.Width != t.Fields[j].Width {
					return invalid("header %s, field %s is translated (@p4runtime_translation), and header types of the JSON with such fields differ in its width: %d and %d bits", h.Name, f.Name, f.Width, t.Fields[j].Width)
				}
			}
			for j := range h.fields {
				h.fields[j].Width = t.Fields[j].Width
			}
			found = true
		}
		if !found {
			return invalid("header %s has translated fields (@p4runtime_translation), and no header type of the JSON has such fields", h.Name)
		}
	}
	for _, f := range h.fields {
		h.bits += f.Width
	}
	if h.bits%8 != 0 {
		return invalid("P4Info: header %s has %d bits, which is no whole number of bytes", h.Name, h.bits)
	}
	return nil
}

// like says whether a header type has the header's fields.
func (h *Header) like(t *spec.HeaderType) bool {
	return slices.EqualFunc(h.fields, t.Fields, func(f Param, g spec.Field) bool {
		return f.Name == g.Name && !g.VarBit && (f.translated() || f.Width == g.Width)
	})
}
