package entity

import (
	"fmt"

	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"

	"github.com/telltale-net/telltale/bmv2/device"
)

// New indexes a P4Info and holds it against the BMv2 JSON it came with (see
// check). It refuses a P4Info that contradicts itself or the JSON, and one that
// asks for what this server has not: match types other than the five of the
// specification, and what P4Runtime 1.5 lets a program ask for beyond that
// (newer.go).
func New(info *p4configv1.P4Info, deviceConfig []byte) (*Schema, error) {
	if info == nil {
		return nil, invalid("P4Info is missing")
	}
	if err := checkPlatform(info); err != nil {
		return nil, err
	}
	b := &builder{
		Schema: &Schema{
			info:      info,
			tables:    map[uint32]*Table{},
			actions:   map[uint32]*Action{},
			byName:    map[string]*Action{},
			profiles:  map[uint32]*Profile{},
			counters:  map[uint32]*Array{},
			meters:    map[uint32]*Array{},
			registers: map[uint32]*Array{},
			digests:   map[uint32]*Digest{},
			valueSets: map[uint32]*ValueSet{},
		},
		seen: map[uint32]string{},
	}
	for _, step := range []func() error{
		b.addActions, b.addProfiles, b.addTables, b.addArrays, b.addDigests, b.addValueSets, b.addHeaders,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	if err := check(b.Schema, deviceConfig); err != nil {
		return nil, err
	}
	return b.Schema, nil
}

type builder struct {
	*Schema
	seen map[uint32]string // every id, and whose it is
}

// claim checks a preamble: ids are non-zero and unique in the whole P4Info.
func (b *builder) claim(kind string, i int, p *p4configv1.Preamble) error {
	switch {
	case p.GetId() == 0:
		return invalid("P4Info: %s[%d] %q has id 0", kind, i, p.GetName())
	case p.GetName() == "":
		return invalid("P4Info: %s[%d] has no name", kind, i)
	}
	who := fmt.Sprintf("%s %s", kind, p.GetName())
	if other, ok := b.seen[p.GetId()]; ok {
		return invalid("P4Info: id %d belongs to %s and to %s", p.GetId(), other, who)
	}
	b.seen[p.GetId()] = who
	return nil
}

func (b *builder) addActions() error {
	for i, a := range b.info.GetActions() {
		if err := b.claim("actions", i, a.GetPreamble()); err != nil {
			return err
		}
		out := &Action{ID: a.GetPreamble().GetId(), Name: a.GetPreamble().GetName()}
		ids := map[uint32]bool{}
		for _, p := range a.GetParams() {
			where := fmt.Sprintf("action %s, parameter %s", out.Name, p.GetName())
			sdn, width, err := b.checkType(where, p.GetBitwidth(), p.GetTypeName())
			if err != nil {
				return err
			}
			if p.GetId() == 0 || ids[p.GetId()] {
				return invalid("P4Info: %s: id %d is zero or used twice", where, p.GetId())
			}
			ids[p.GetId()] = true
			out.Params = append(out.Params, Param{ID: p.GetId(), Name: p.GetName(), Width: width, sdn: sdn})
		}
		if b.byName[out.Name] != nil {
			return invalid("P4Info: two actions are named %s", out.Name)
		}
		b.actions[out.ID], b.byName[out.Name] = out, out
	}
	return nil
}

// maxWidth bounds bit<W> so that a hostile P4Info cannot ask for gigabytes.
const maxWidth = 1 << 16

func (b *builder) addProfiles() error {
	for i, p := range b.info.GetActionProfiles() {
		if err := b.claim("action_profiles", i, p.GetPreamble()); err != nil {
			return err
		}
		if err := checkNewerProfile(p); err != nil {
			return err
		}
		out := &Profile{
			ID: p.GetPreamble().GetId(), Name: p.GetPreamble().GetName(),
			Selector: p.GetWithSelector(), MaxGroup: p.GetMaxGroupSize(), Size: int(max(p.GetSize(), 0)),
			actions: map[uint32]p4configv1.ActionRef_Scope{},
		}
		b.profiles[out.ID] = out
		b.Profiles = append(b.Profiles, out)
	}
	return nil
}

func (b *builder) addTables() error {
	counters, meters := map[uint32]bool{}, map[uint32]MeterKind{}
	for i, c := range b.info.GetDirectCounters() {
		if err := b.claim("direct_counters", i, c.GetPreamble()); err != nil {
			return err
		}
		counters[c.GetPreamble().GetId()] = true
	}
	for i, m := range b.info.GetDirectMeters() {
		if err := b.claim("direct_meters", i, m.GetPreamble()); err != nil {
			return err
		}
		var err error
		if meters[m.GetPreamble().GetId()], err = meterKind("direct meter "+m.GetPreamble().GetName(), m.GetSpec()); err != nil {
			return err
		}
	}
	for i, t := range b.info.GetTables() {
		if err := b.claim("tables", i, t.GetPreamble()); err != nil {
			return err
		}
		out := &Table{
			ID: t.GetPreamble().GetId(), Name: t.GetPreamble().GetName(),
			Const:        t.GetIsConstTable(),
			ConstDefault: t.GetConstDefaultActionId() != 0,
			IdleTimeout:  t.GetIdleTimeoutBehavior() == p4configv1.Table_NOTIFY_CONTROL,
			actions:      map[uint32]p4configv1.ActionRef_Scope{},
		}
		var err error
		if out.Fields, err = b.fields("table "+out.Name, t.GetMatchFields()); err != nil {
			return err
		}
		for _, f := range out.Fields {
			switch f.Match {
			case p4configv1.MatchField_TERNARY, p4configv1.MatchField_RANGE, p4configv1.MatchField_OPTIONAL:
				out.priority = true
			}
		}
		if id := t.GetImplementationId(); id != 0 {
			if out.Profile = b.profiles[id]; out.Profile == nil {
				return invalid("P4Info: table %s: implementation_id %d is no action profile", out.Name, id)
			}
		}
		for _, r := range t.GetActionRefs() {
			if b.actions[r.GetId()] == nil {
				return invalid("P4Info: table %s: action_refs name %d, which is no action", out.Name, r.GetId())
			}
			out.actions[r.GetId()] = r.GetScope()
			out.order = append(out.order, r.GetId())
			if out.Profile != nil {
				out.Profile.actions[r.GetId()] = r.GetScope()
			}
		}
		for _, id := range t.GetDirectResourceIds() {
			kind, isMeter := meters[id]
			switch {
			case counters[id]:
				out.DirectCounter = true
			case isMeter:
				out.DirectMeter, out.MeterKind = true, kind
			default:
				return invalid("P4Info: table %s: direct_resource_ids name %d, which is no direct counter or meter", out.Name, id)
			}
		}
		b.tables[out.ID] = out
		b.Tables = append(b.Tables, out)
	}
	return nil
}

func (b *builder) fields(where string, in []*p4configv1.MatchField) ([]Field, error) {
	var out []Field
	ids := map[uint32]bool{}
	for _, f := range in {
		at := fmt.Sprintf("%s, field %s", where, f.GetName())
		// p4c gives no width for a key of type error; the JSON has it.
		o := Field{ID: f.GetId(), Name: f.GetName(), Match: f.GetMatchType()}
		if f.GetBitwidth() != 0 || f.GetTypeName() != nil {
			var err error
			if o.sdn, o.Width, err = b.checkType(at, f.GetBitwidth(), f.GetTypeName()); err != nil {
				return nil, err
			}
		}
		if f.GetId() == 0 || ids[f.GetId()] {
			return nil, invalid("P4Info: %s: id %d is zero or used twice", at, f.GetId())
		}
		ids[f.GetId()] = true
		switch f.GetMatchType() {
		case p4configv1.MatchField_EXACT:
			o.kind = device.Exact
		case p4configv1.MatchField_LPM:
			o.kind = device.LPM
		case p4configv1.MatchField_TERNARY, p4configv1.MatchField_OPTIONAL:
			o.kind = device.Ternary // p4c lowers optional to ternary
		case p4configv1.MatchField_RANGE:
			o.kind = device.Range
		default:
			return nil, invalid("P4Info: %s: match type %q %v is not offered", at, f.GetOtherMatchType(), f.GetMatchType())
		}
		if o.sdn == decimal && o.Match != p4configv1.MatchField_EXACT && o.Match != p4configv1.MatchField_OPTIONAL {
			return nil, invalid("P4Info: %s: type %s is translated to a string, which cannot be matched %v", at, f.GetTypeName().GetName(), o.Match)
		}
		out = append(out, o)
	}
	return out, nil
}
