package entity

import (
	"fmt"

	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
)

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
		a, err := add("meters", i, m.GetPreamble(), m.GetSize(), b.meters, &b.Meters)
		if err != nil {
			return err
		}
		if a.Kind, err = meterKind("meter "+a.Name, m.GetSpec()); err != nil {
			return err
		}
	}
	for i, r := range b.info.GetRegisters() {
		a, err := add("registers", i, r.GetPreamble(), int64(r.GetSize()), b.registers, &b.Registers)
		if err != nil {
			return err
		}
		if a.sdn, a.Width, a.Signed, a.Bool, err = b.scalar(r.GetTypeSpec(), 0); err != nil {
			return invalid("P4Info: register %s: %v", a.Name, err)
		}
	}
	return nil
}

// scalar resolves a type that fits one bit string: bit, int, bool, a
// serializable enum, or a new name for one of them, which may be translated; the
// widths are those of checkType.
func (b *builder) scalar(t *p4configv1.P4DataTypeSpec, depth int) (sdn, width int, signed, boolean bool, err error) {
	fail := func(format string, args ...any) (int, int, bool, bool, error) {
		return 0, 0, false, false, fmt.Errorf(format, args...)
	}
	if depth > 8 {
		return fail("type names nest deeper than %d", depth)
	}
	var w int32
	switch s := t.GetTypeSpec().(type) {
	case *p4configv1.P4DataTypeSpec_Bool:
		return 0, 1, false, true, nil
	case *p4configv1.P4DataTypeSpec_Bitstring:
		switch {
		case s.Bitstring.GetBit() != nil:
			w = s.Bitstring.GetBit().GetBitwidth()
		case s.Bitstring.GetInt() != nil:
			w, signed = s.Bitstring.GetInt().GetBitwidth(), true
		default:
			return fail("cells of varbit are not offered")
		}
	case *p4configv1.P4DataTypeSpec_SerializableEnum:
		w = b.info.GetTypeInfo().GetSerializableEnums()[s.SerializableEnum.GetName()].GetUnderlyingType().GetBitwidth()
	case *p4configv1.P4DataTypeSpec_NewType:
		n := b.info.GetTypeInfo().GetNewTypes()[s.NewType.GetName()]
		if as := n.GetTranslatedType(); as != nil {
			sdn, width, err = b.checkType("its type", as.GetSdnBitwidth(), &p4configv1.P4NamedType{Name: s.NewType.GetName()})
			if sdn == decimal {
				return fail("type %s is translated to a string (@p4runtime_translation), which P4Data cannot hold", s.NewType.GetName())
			}
			return sdn, width, false, false, err
		}
		if n.GetOriginalType() == nil {
			return fail("type %s is unknown", s.NewType.GetName())
		}
		return b.scalar(n.GetOriginalType(), depth+1)
	default:
		return fail("cells of %T are not offered, only bit, int, bool and serializable enums", s)
	}
	if w <= 0 || w > maxWidth {
		return fail("bitwidth %d, want 1 to %d", w, maxWidth)
	}
	return 0, int(w), signed, false, nil
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
			if f.sdn == 0 && f.Width == 0 {
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
			sdn, width, err := b.checkType(at, m.GetBitwidth(), m.GetTypeName())
			if err != nil {
				return err
			}
			if m.GetId() == 0 || ids[m.GetId()] {
				return invalid("P4Info: %s: id %d is zero or used twice", at, m.GetId())
			}
			ids[m.GetId()] = true
			out.fields = append(out.fields, Param{ID: m.GetId(), Name: m.GetName(), Width: width, sdn: sdn})
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
