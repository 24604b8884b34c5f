package entity

import (
	"encoding/json"
	"slices"
	"strings"

	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"

	"github.com/telltale-net/telltale/bmv2/device"
)

// program is the part of BMv2 JSON that a control plane can see. The loader of
// the model reads the rest and judges it.
type program struct {
	HeaderTypes []struct {
		Name   string              `json:"name"`
		Fields [][]json.RawMessage `json:"fields"`
	} `json:"header_types"`
	Headers []struct {
		Name string `json:"name"`
		Type string `json:"header_type"`
	} `json:"headers"`
	Actions []struct {
		Name string `json:"name"`
		ID   int    `json:"id"`
		Data []struct {
			Name     string `json:"name"`
			Bitwidth int    `json:"bitwidth"`
		} `json:"runtime_data"`
	} `json:"actions"`
	Pipelines []struct {
		Tables   []jsonTable `json:"tables"`
		Profiles []struct {
			Name     string          `json:"name"`
			Selector json.RawMessage `json:"selector"`
		} `json:"action_profiles"`
	} `json:"pipelines"`
	Counters  []jsonArray `json:"counter_arrays"`
	Meters    []jsonArray `json:"meter_arrays"`
	Registers []jsonArray `json:"register_arrays"`
	Learn     []jsonLearn `json:"learn_lists"`
	ValueSets []struct {
		Name  string `json:"name"`
		Width int    `json:"compressed_bitwidth"`
	} `json:"parse_vsets"`
}

type jsonLearn struct {
	Name string `json:"name"`
}

type jsonTable struct {
	Name string `json:"name"`
	Key  []struct {
		Kind   string   `json:"match_type"`
		Target []string `json:"target"`
	} `json:"key"`
	Type      string  `json:"type"`
	Profile   string  `json:"action_profile"`
	Counters  bool    `json:"with_counters"`
	Timeout   bool    `json:"support_timeout"`
	Meters    *string `json:"direct_meters"`
	ActionIDs []int   `json:"action_ids"`
}

type jsonArray struct {
	Name     string `json:"name"`
	Size     int    `json:"size"`
	Bitwidth int    `json:"bitwidth"`
	Direct   bool   `json:"is_direct"`
}

// check holds a P4Info against the BMv2 JSON that comes with it and names the
// first object on which they differ: table, key field and its width or match
// type, action and its parameters, action profile, direct resources, counter,
// meter, register, value set, digest. Tables and actions that only the JSON has (p4c makes
// them) are nothing to a control plane.
//
// What only the JSON knows goes into the schema: BMv2's match type "valid", which
// P4Info calls EXACT, and the width of keys of type error. A keyless table that
// can only do NoAction is in the P4Info but not in the JSON, because p4c drops
// it; it is dropped from the schema too.
func check(s *Schema, deviceConfig []byte) error {
	var p program
	if err := json.Unmarshal(deviceConfig, &p); err != nil {
		return invalid("p4_device_config is no BMv2 JSON: %v", err)
	}
	c := newChecker(s, &p)
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
		sel, ok := c.profiles[f.Name]
		switch {
		case !ok:
			return invalid("action profile %s is in the P4Info but not in the JSON", f.Name)
		case sel != f.Selector:
			return invalid("action profile %s: the P4Info says with_selector %v, the JSON %v", f.Name, f.Selector, sel)
		}
	}
	if err := checkArrays("counter", s.Counters, p.Counters, false); err != nil {
		return err
	}
	if err := checkArrays("meter", s.Meters, p.Meters, false); err != nil {
		return err
	}
	if err := checkArrays("register", s.Registers, p.Registers, true); err != nil {
		return err
	}
	widths := map[string]int{}
	for _, v := range p.ValueSets {
		widths[v.Name] = v.Width
	}
	for _, v := range s.ValueSets {
		switch w, ok := widths[v.Name]; {
		case !ok:
			return invalid("value set %s is in the P4Info but not in the JSON", v.Name)
		case w != v.width():
			return invalid("value set %s: the P4Info says %d bits, the JSON %d", v.Name, v.width(), w)
		}
	}
	for _, d := range s.Digests {
		if !slices.ContainsFunc(p.Learn, func(l jsonLearn) bool { return l.Name == d.Name }) {
			return invalid("digest %s is in the P4Info but not in the JSON", d.Name)
		}
	}
	return nil
}

type checker struct {
	s        *Schema
	tables   map[string]*jsonTable
	widths   map[string]map[string]int // header → field → bits
	actions  map[int]*Action           // by the JSON's id, as the JSON has them
	profiles map[string]bool           // name → has a selector
}

func newChecker(s *Schema, p *program) *checker {
	c := &checker{
		s: s, tables: map[string]*jsonTable{}, widths: map[string]map[string]int{},
		actions: map[int]*Action{}, profiles: map[string]bool{},
	}
	types := map[string]map[string]int{}
	for _, t := range p.HeaderTypes {
		fields := map[string]int{"$valid$": 1}
		for _, f := range t.Fields {
			var name string
			var width int
			// A varbit field has "*" for its width and cannot be a key.
			if len(f) >= 2 && json.Unmarshal(f[0], &name) == nil && json.Unmarshal(f[1], &width) == nil {
				fields[name] = width
			}
		}
		types[t.Name] = fields
	}
	for _, h := range p.Headers {
		c.widths[h.Name] = types[h.Type]
	}
	for _, a := range p.Actions {
		out := &Action{Name: a.Name}
		for _, d := range a.Data {
			out.Params = append(out.Params, Param{Name: d.Name, Width: d.Bitwidth})
		}
		c.actions[a.ID] = out
	}
	for i := range p.Pipelines {
		for j := range p.Pipelines[i].Tables {
			c.tables[p.Pipelines[i].Tables[j].Name] = &p.Pipelines[i].Tables[j]
		}
		for _, f := range p.Pipelines[i].Profiles {
			c.profiles[f.Name] = len(f.Selector) > 0 && string(f.Selector) != "null"
		}
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
		f, k := &t.Fields[i], j.Key[i]
		want := strings.ToLower(f.Match.String())
		switch {
		case k.Kind == "valid" && f.Match == p4configv1.MatchField_EXACT:
			f.kind = device.Valid
			f.Width = 1
			continue // its target is a header
		case k.Kind == "ternary" && f.Match == p4configv1.MatchField_OPTIONAL:
		case k.Kind != want:
			return invalid("table %s, key field %s: the P4Info says %s, the JSON %s", t.Name, f.Name, want, k.Kind)
		}
		if len(k.Target) != 2 {
			return invalid("table %s, key field %s: the JSON gives no header and field as its target", t.Name, f.Name)
		}
		width, ok := c.width(k.Target[0], k.Target[1])
		if !ok {
			return invalid("table %s, key field %s: the JSON has no field %s.%s", t.Name, f.Name, k.Target[0], k.Target[1])
		}
		if f.Width == 0 {
			f.Width = width
		}
		if width != f.Width || width <= 0 || width > maxWidth {
			return invalid("table %s, key field %s: the P4Info says %d bits, the JSON %d", t.Name, f.Name, f.Width, width)
		}
	}
	for _, id := range t.order {
		if err := c.action(t, j, c.s.actions[id]); err != nil {
			return err
		}
	}
	profile := ""
	if t.Profile != nil {
		profile = t.Profile.Name
	}
	switch {
	case j.Profile != profile:
		return invalid("table %s: the P4Info says action profile %q, the JSON %q", t.Name, profile, j.Profile)
	case t.DirectCounter && !j.Counters:
		return invalid("table %s: the P4Info has a direct counter, the JSON none", t.Name)
	case t.DirectMeter && j.Meters == nil:
		return invalid("table %s: the P4Info has a direct meter, the JSON none", t.Name)
	case t.IdleTimeout && !j.Timeout:
		return invalid("table %s: the P4Info says idle timeout, the JSON does not", t.Name)
	}
	return nil
}

// width finds a key's width. A header that is an element of a stack or union is
// a header of its own in the JSON; of a whole union only the validity is a key.
func (c *checker) width(header, field string) (int, bool) {
	if fields, ok := c.widths[header]; ok {
		w, ok := fields[field]
		return w, ok
	}
	return 1, field == "$valid$"
}

func (c *checker) action(t *Table, j *jsonTable, a *Action) error {
	for _, id := range j.ActionIDs {
		k := c.actions[id]
		if k == nil || k.Name != a.Name {
			continue
		}
		if len(k.Params) != len(a.Params) {
			return invalid("table %s, action %s: the P4Info has %d parameters, the JSON %d", t.Name, a.Name, len(a.Params), len(k.Params))
		}
		for i, p := range a.Params {
			if q := k.Params[i]; q.Width != p.Width {
				return invalid("table %s, action %s, parameter %s: the P4Info says %d bits, the JSON %d", t.Name, a.Name, p.Name, p.Width, q.Width)
			}
		}
		return nil
	}
	return invalid("table %s: action %s is in the P4Info but not in the JSON's table", t.Name, a.Name)
}

func checkArrays(kind string, have []*Array, in []jsonArray, width bool) error {
	for _, a := range have {
		i := slices.IndexFunc(in, func(j jsonArray) bool { return j.Name == a.Name && !j.Direct })
		switch {
		case i < 0:
			return invalid("%s %s is in the P4Info but not in the JSON", kind, a.Name)
		case in[i].Size != a.Size:
			return invalid("%s %s: the P4Info says %d cells, the JSON %d", kind, a.Name, a.Size, in[i].Size)
		case width && in[i].Bitwidth != a.Width:
			return invalid("%s %s: the P4Info says %d bits, the JSON %d", kind, a.Name, a.Width, in[i].Bitwidth)
		}
	}
	return nil
}
