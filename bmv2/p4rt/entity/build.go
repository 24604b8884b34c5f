package entity

import (
	"fmt"

	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"

	"github.com/telltale-net/telltale/bmv2/device"
)

// New indexes a P4Info and holds it against the BMv2 JSON it came with (see
// check). It refuses a P4Info that contradicts itself or the JSON, and one that
// asks for what this server has not: match types other than the five of the
// specification, and types translated by @p4runtime_translation.
func New(info *p4configv1.P4Info, deviceConfig []byte) (*Schema, error) {
	if info == nil {
		return nil, invalid("P4Info is missing")
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
			if err := b.checkType(where, p.GetBitwidth(), p.GetTypeName()); err != nil {
				return err
			}
			if p.GetId() == 0 || ids[p.GetId()] {
				return invalid("P4Info: %s: id %d is zero or used twice", where, p.GetId())
			}
			ids[p.GetId()] = true
			out.Params = append(out.Params, Param{ID: p.GetId(), Name: p.GetName(), Width: int(p.GetBitwidth())})
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

func (b *builder) checkType(where string, width int32, t *p4configv1.P4NamedType) error {
	if t.GetName() != "" {
		if b.info.GetTypeInfo().GetNewTypes()[t.GetName()].GetTranslatedType() != nil {
			return invalid("P4Info: %s: type %s is translated (@p4runtime_translation), which this server does not offer", where, t.GetName())
		}
	}
	if width <= 0 || width > maxWidth {
		return invalid("P4Info: %s: bitwidth %d, want 1 to %d", where, width, maxWidth)
	}
	return nil
}

func (b *builder) addProfiles() error {
	for i, p := range b.info.GetActionProfiles() {
		if err := b.claim("action_profiles", i, p.GetPreamble()); err != nil {
			return err
		}
		out := &Profile{
			ID: p.GetPreamble().GetId(), Name: p.GetPreamble().GetName(),
			Selector: p.GetWithSelector(), MaxGroup: p.GetMaxGroupSize(),
			actions: map[uint32]p4configv1.ActionRef_Scope{},
		}
		b.profiles[out.ID] = out
		b.Profiles = append(b.Profiles, out)
	}
	return nil
}

func (b *builder) addTables() error {
	counters, meters := map[uint32]bool{}, map[uint32]bool{}
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
		meters[m.GetPreamble().GetId()] = true
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
			switch {
			case counters[id]:
				out.DirectCounter = true
			case meters[id]:
				out.DirectMeter = true
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
		if f.GetBitwidth() != 0 || f.GetTypeName() != nil {
			if err := b.checkType(at, f.GetBitwidth(), f.GetTypeName()); err != nil {
				return nil, err
			}
		}
		if f.GetId() == 0 || ids[f.GetId()] {
			return nil, invalid("P4Info: %s: id %d is zero or used twice", at, f.GetId())
		}
		ids[f.GetId()] = true
		o := Field{ID: f.GetId(), Name: f.GetName(), Width: int(f.GetBitwidth()), Match: f.GetMatchType()}
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
		out = append(out, o)
	}
	return out, nil
}

// maxCells bounds the arrays, like maxWidth.
const maxCells = 1 << 24

func (b *builder) addArrays() error {
	add := func(kind string, i int, p *p4configv1.Preamble, size int64, m map[uint32]*Array, list *[]*Array) (*Array, error) {
		if err := b.claim(kind, i, p); err != nil {
			return nil, err
		}
		if size < 0 || size > maxCells {
			return nil, invalid("P4Info: %s %s: size %d, want 0 to %d", kind, p.GetName(), size, maxCells)
		}
		a := &Array{ID: p.GetId(), Name: p.GetName(), Size: int(size)}
		m[a.ID] = a
		*list = append(*list, a)
		return a, nil
	}
	for i, c := range b.info.GetCounters() {
		if _, err := add("counters", i, c.GetPreamble(), c.GetSize(), b.counters, &b.Counters); err != nil {
			return err
		}
	}
	for i, m := range b.info.GetMeters() {
		if _, err := add("meters", i, m.GetPreamble(), m.GetSize(), b.meters, &b.Meters); err != nil {
			return err
		}
	}
	for i, r := range b.info.GetRegisters() {
		a, err := add("registers", i, r.GetPreamble(), int64(r.GetSize()), b.registers, &b.Registers)
		if err != nil {
			return err
		}
		if a.Width, a.Signed, a.Bool, err = b.scalar(r.GetTypeSpec(), 0); err != nil {
			return invalid("P4Info: register %s: %v", a.Name, err)
		}
	}
	return nil
}

// scalar resolves a type that fits one bit string: bit, int, bool, a
// serializable enum, or a new name for one of them.
func (b *builder) scalar(t *p4configv1.P4DataTypeSpec, depth int) (width int, signed, boolean bool, err error) {
	if depth > 8 {
		return 0, false, false, fmt.Errorf("type names nest deeper than %d", depth)
	}
	var w int32
	switch s := t.GetTypeSpec().(type) {
	case *p4configv1.P4DataTypeSpec_Bool:
		return 1, false, true, nil
	case *p4configv1.P4DataTypeSpec_Bitstring:
		switch {
		case s.Bitstring.GetBit() != nil:
			w = s.Bitstring.GetBit().GetBitwidth()
		case s.Bitstring.GetInt() != nil:
			w, signed = s.Bitstring.GetInt().GetBitwidth(), true
		default:
			return 0, false, false, fmt.Errorf("cells of varbit are not offered")
		}
	case *p4configv1.P4DataTypeSpec_SerializableEnum:
		w = b.info.GetTypeInfo().GetSerializableEnums()[s.SerializableEnum.GetName()].GetUnderlyingType().GetBitwidth()
	case *p4configv1.P4DataTypeSpec_NewType:
		n := b.info.GetTypeInfo().GetNewTypes()[s.NewType.GetName()]
		if n.GetOriginalType() == nil {
			return 0, false, false, fmt.Errorf("type %s is unknown or translated", s.NewType.GetName())
		}
		return b.scalar(n.GetOriginalType(), depth+1)
	default:
		return 0, false, false, fmt.Errorf("cells of %T are not offered, only bit, int, bool and serializable enums", s)
	}
	if w <= 0 || w > maxWidth {
		return 0, false, false, fmt.Errorf("bitwidth %d, want 1 to %d", w, maxWidth)
	}
	return int(w), signed, false, nil
}

func (b *builder) addDigests() error {
	for i, d := range b.info.GetDigests() {
		if err := b.claim("digests", i, d.GetPreamble()); err != nil {
			return err
		}
		o := b.newDigest(d)
		b.digests[o.ID] = o
		b.Digests = append(b.Digests, o)
	}
	return nil
}

func (b *builder) addValueSets() error {
	for i, v := range b.info.GetValueSets() {
		if err := b.claim("value_sets", i, v.GetPreamble()); err != nil {
			return err
		}
		fields, err := b.fields("value set "+v.GetPreamble().GetName(), v.GetMatch())
		if err != nil {
			return err
		}
		for _, f := range fields {
			if f.Width == 0 {
				return invalid("P4Info: value set %s, field %s has no bitwidth", v.GetPreamble().GetName(), f.Name)
			}
		}
		o := &ValueSet{ID: v.GetPreamble().GetId(), Name: v.GetPreamble().GetName(), Fields: fields, Size: int(v.GetSize())}
		b.valueSets[o.ID] = o
		b.ValueSets = append(b.ValueSets, o)
	}
	return nil
}

func (b *builder) addHeaders() error {
	for i, h := range b.info.GetControllerPacketMetadata() {
		if err := b.claim("controller_packet_metadata", i, h.GetPreamble()); err != nil {
			return err
		}
		name := h.GetPreamble().GetName()
		out := &Header{Name: name}
		ids := map[uint32]bool{}
		for _, m := range h.GetMetadata() {
			at := fmt.Sprintf("header %s, field %s", name, m.GetName())
			if err := b.checkType(at, m.GetBitwidth(), m.GetTypeName()); err != nil {
				return err
			}
			if m.GetId() == 0 || ids[m.GetId()] {
				return invalid("P4Info: %s: id %d is zero or used twice", at, m.GetId())
			}
			ids[m.GetId()] = true
			out.fields = append(out.fields, Param{ID: m.GetId(), Name: m.GetName(), Width: int(m.GetBitwidth())})
			out.bits += int(m.GetBitwidth())
		}
		if out.bits%8 != 0 {
			return invalid("P4Info: header %s has %d bits, which is no whole number of bytes", name, out.bits)
		}
		switch name {
		case "packet_in":
			b.PacketIn = out
		case "packet_out":
			b.PacketOut = out
		default:
			return invalid("P4Info: controller header %s is neither packet_in nor packet_out", name)
		}
	}
	return nil
}
