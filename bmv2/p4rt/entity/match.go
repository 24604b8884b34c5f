package entity

import (
	"bytes"
	"encoding/binary"

	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"

	"github.com/telltale-net/telltale/bmv2/device"
)

// Matches decodes the match fields of an entry into the table's key order.
// Fields left out are "don't care"; exact fields cannot be left out
// (specification, "Match Format").
func (t *Table) Matches(in []*p4v1.FieldMatch) ([]device.Match, error) {
	ms, err := decodeMatches(t.Fields, in)
	if err != nil {
		return nil, invalid("table %s: %v", t.Name, err)
	}
	return ms, nil
}

func decodeMatches(fields []Field, in []*p4v1.FieldMatch) ([]device.Match, error) {
	out := make([]device.Match, len(fields))
	set := make([]bool, len(fields))
	for _, m := range in {
		i := fieldIndex(fields, m.GetFieldId())
		if i < 0 {
			return nil, invalid("no match field with id %d", m.GetFieldId())
		}
		f := &fields[i]
		if set[i] {
			return nil, invalid("match field %s comes twice", f.Name)
		}
		set[i] = true
		var err error
		if out[i], err = f.decode(m); err != nil {
			return nil, invalid("match field %s: %v", f.Name, err)
		}
	}
	for i := range fields {
		if set[i] {
			continue
		}
		if fields[i].Match == p4configv1.MatchField_EXACT {
			return nil, invalid("exact match field %s is missing", fields[i].Name)
		}
		out[i] = fields[i].dontCare()
	}
	return out, nil
}

func fieldIndex(fields []Field, id uint32) int {
	for i := range fields {
		if fields[i].ID == id {
			return i
		}
	}
	return -1
}

// dontCare is what leaving the field out means.
func (f *Field) dontCare() device.Match {
	zero := make([]byte, size(f.Width))
	switch f.kind {
	case device.LPM:
		return device.Match{Kind: device.LPM, Value: zero}
	case device.Range:
		return device.Match{Kind: device.Range, Value: zero, High: full(f.Width)}
	}
	return device.Match{Kind: device.Ternary, Value: zero, Mask: make([]byte, size(f.Width))}
}

func (f *Field) decode(m *p4v1.FieldMatch) (device.Match, error) {
	var none device.Match
	switch v := m.GetFieldMatchType().(type) {
	case *p4v1.FieldMatch_Exact_:
		if f.Match != p4configv1.MatchField_EXACT {
			return none, f.wrongKind("exact")
		}
		val, err := number(v.Exact.GetValue(), f.sdn, f.Width)
		return device.Match{Kind: f.kind, Value: val}, err
	case *p4v1.FieldMatch_Optional_:
		if f.Match != p4configv1.MatchField_OPTIONAL {
			return none, f.wrongKind("optional")
		}
		val, err := number(v.Optional.GetValue(), f.sdn, f.Width)
		return device.Match{Kind: device.Ternary, Value: val, Mask: full(f.Width)}, err
	case *p4v1.FieldMatch_Lpm:
		if f.Match != p4configv1.MatchField_LPM {
			return none, f.wrongKind("lpm")
		}
		return f.decodeLPM(v.Lpm)
	case *p4v1.FieldMatch_Ternary_:
		if f.Match != p4configv1.MatchField_TERNARY {
			return none, f.wrongKind("ternary")
		}
		return f.decodeTernary(v.Ternary)
	case *p4v1.FieldMatch_Range_:
		if f.Match != p4configv1.MatchField_RANGE {
			return none, f.wrongKind("range")
		}
		return f.decodeRange(v.Range)
	case nil:
		return none, invalid("no match is set")
	default:
		return none, invalid("matches of type %T are not offered", v)
	}
}

func (f *Field) wrongKind(got string) error {
	return invalid("got an %s match, the P4Info says %v", got, f.Match)
}

func (f *Field) decodeLPM(m *p4v1.FieldMatch_LPM) (device.Match, error) {
	var none device.Match
	v, err := number(m.GetValue(), f.sdn, f.Width)
	if err != nil {
		return none, err
	}
	n := int(m.GetPrefixLen())
	switch {
	case n == 0:
		return none, invalid("prefix length 0 means don't care: leave the field out")
	case n < 0 || n > f.bits():
		return none, invalid("prefix length %d, want 1 to %d", n, f.bits())
	case f.resized() && n != f.bits():
		return none, f.wholly()
	case f.resized():
		n = f.Width
	}
	mask := prefixMask(n, f.Width)
	for i := range v {
		if v[i]&^mask[i] != 0 {
			return none, invalid("value 0x%x has bits set after its prefix of %d", v, n)
		}
	}
	return device.Match{Kind: device.LPM, Value: v, PrefixLen: n}, nil
}

func (f *Field) decodeTernary(m *p4v1.FieldMatch_Ternary) (device.Match, error) {
	var none device.Match
	v, err := number(m.GetValue(), f.sdn, f.Width)
	if err != nil {
		return none, invalid("value: %v", err)
	}
	mask, err := Unsigned(m.GetMask(), f.bits())
	if err != nil {
		return none, invalid("mask: %v", err)
	}
	if allZero(mask) {
		return none, invalid("mask 0 means don't care: leave the field out")
	}
	if f.resized() {
		if !bytes.Equal(mask, full(f.bits())) {
			return none, f.wholly()
		}
		mask = full(f.Width)
	}
	for i := range v {
		if v[i]&^mask[i] != 0 {
			return none, invalid("value 0x%x has bits set outside its mask 0x%x", v, mask)
		}
	}
	return device.Match{Kind: device.Ternary, Value: v, Mask: mask}, nil
}

func (f *Field) decodeRange(m *p4v1.FieldMatch_Range) (device.Match, error) {
	var none device.Match
	lo, err := number(m.GetLow(), f.sdn, f.Width)
	if err != nil {
		return none, invalid("low: %v", err)
	}
	hi, err := number(m.GetHigh(), f.sdn, f.Width)
	if err != nil {
		return none, invalid("high: %v", err)
	}
	if bytes.Compare(lo, hi) > 0 {
		return none, invalid("low 0x%x is above high 0x%x", lo, hi)
	}
	if f.resized() && !bytes.Equal(lo, hi) {
		return none, f.wholly()
	}
	if allZero(lo) && bytes.Equal(hi, full(f.Width)) {
		return none, invalid("the whole range means don't care: leave the field out")
	}
	return device.Match{Kind: device.Range, Value: lo, High: hi}, nil
}

// wholly refuses what the specification allows to refuse of translated fields
// ("Translation of Match Fields").
func (f *Field) wholly() error {
	return invalid("the field is translated from bit<%d> to bit<%d>: match one value, or leave the field out", f.bits(), f.Width)
}

// FieldMatches encodes a device's key; "don't care" fields are left out.
func (t *Table) FieldMatches(ms []device.Match) ([]*p4v1.FieldMatch, error) {
	if len(ms) != len(t.Fields) {
		return nil, invalid("table %s: the device returned %d key fields, want %d", t.Name, len(ms), len(t.Fields))
	}
	var out []*p4v1.FieldMatch
	for i := range t.Fields {
		if m := t.Fields[i].encode(ms[i]); m != nil {
			out = append(out, m)
		}
	}
	return out, nil
}

func (f *Field) encode(m device.Match) *p4v1.FieldMatch {
	fm := &p4v1.FieldMatch{FieldId: f.ID}
	switch f.Match {
	case p4configv1.MatchField_EXACT:
		fm.FieldMatchType = &p4v1.FieldMatch_Exact_{Exact: &p4v1.FieldMatch_Exact{Value: shown(m.Value, f.sdn)}}
	case p4configv1.MatchField_LPM:
		if m.PrefixLen == 0 {
			return nil
		}
		n := max(m.PrefixLen+f.bits()-f.Width, 1) // below that only in entries of the program
		fm.FieldMatchType = &p4v1.FieldMatch_Lpm{Lpm: &p4v1.FieldMatch_LPM{Value: Canonical(m.Value), PrefixLen: int32(n)}}
	case p4configv1.MatchField_RANGE:
		if allZero(m.Value) && bytes.Equal(m.High, full(f.Width)) {
			return nil
		}
		fm.FieldMatchType = &p4v1.FieldMatch_Range_{Range: &p4v1.FieldMatch_Range{Low: Canonical(m.Value), High: Canonical(m.High)}}
	case p4configv1.MatchField_OPTIONAL:
		if allZero(m.Mask) {
			return nil
		}
		fm.FieldMatchType = &p4v1.FieldMatch_Optional_{Optional: &p4v1.FieldMatch_Optional{Value: shown(m.Value, f.sdn)}}
	default: // TERNARY
		if allZero(m.Mask) {
			return nil
		}
		// Entries declared in the program may have value bits outside the mask
		// (p4c keeps them); what is read must be writable again.
		v := bytes.Clone(m.Value)
		for i := range v {
			if i < len(m.Mask) {
				v[i] &= m.Mask[i]
			}
		}
		mask := m.Mask
		if f.resized() && bytes.Equal(mask, full(f.Width)) {
			mask = full(f.bits())
		}
		fm.FieldMatchType = &p4v1.FieldMatch_Ternary_{Ternary: &p4v1.FieldMatch_Ternary{Value: Canonical(v), Mask: Canonical(mask)}}
	}
	return fm
}

// Key is the identity of an entry within the whole program, comparable: two
// entries with the same table, key and priority have the same Key.
func (t *Table) Key(ms []device.Match, priority int32) string {
	b := make([]byte, 0, 16+32*len(ms))
	b = binary.BigEndian.AppendUint32(b, t.ID)
	b = binary.BigEndian.AppendUint32(b, uint32(priority))
	for i, m := range ms {
		b = append(b, m.Value...)
		switch m.Kind {
		case device.Ternary:
			b = append(b, m.Mask...)
		case device.Range:
			b = append(b, m.High...)
		case device.LPM:
			b = binary.BigEndian.AppendUint16(b, uint16(m.PrefixLen))
		}
		b = append(b, byte(i))
	}
	return string(b)
}

// DefaultKey is the Key of the table's default entry.
func (t *Table) DefaultKey() string { return t.Key(nil, -1) }
