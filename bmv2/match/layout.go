package match

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/telltale-net/telltale/bmv2/device"
)

// layout is what a table's fields amount to.
type layout struct {
	fields  []Field
	start   []int    // first word of each field
	mask    []uint64 // of every word: the field's width and Mask
	words   int
	ordered bool // any ternary or range field
	ranges  bool // any range field
	lpm     int  // index of the lpm field of an unordered table, -1 = none
}

// rule is an entry's identity in words, laid out like a key. A key k hits when
// for every field k&b == a, or for range fields a ≤ k ≤ b.
type rule struct {
	a, b     []uint64 // value and mask; low and high end
	length   int      // prefix length, if the layout is not ordered and has an lpm field
	priority int32    // 0 unless the layout is ordered
}

func newLayout(fields []Field) (layout, error) {
	l := layout{fields: fields, lpm: -1}
	lpms := 0
	for i, f := range fields {
		fail := func(format string, args ...any) (layout, error) {
			return layout{}, fmt.Errorf("cannot lay out key field %d (%s): %s: %w", i, f.Name, fmt.Sprintf(format, args...), device.ErrInvalid)
		}
		if f.Width < 1 || f.Width > MaxWidth {
			return fail("got %d bits; want 1 to %d", f.Width, MaxWidth)
		}
		switch f.Kind {
		case device.Exact:
		case device.Valid:
			if f.Width != 1 {
				return fail("got a valid field of %d bits; want 1", f.Width)
			}
		case device.LPM:
			lpms++
			l.lpm = i
		case device.Ternary:
			l.ordered = true
		case device.Range:
			l.ordered, l.ranges = true, true
		default:
			return fail("unknown match kind %s", f.Kind)
		}
		ones := onesBytes(f.Width)
		mask := f.Mask
		if mask == nil {
			mask = ones
		}
		if len(mask) != len(ones) || mask[0]&^ones[0] != 0 {
			return fail("got mask %x; want %d bytes for %d bits", mask, len(ones), f.Width)
		}
		if f.Mask != nil && (f.Kind == device.LPM || f.Kind == device.Range) {
			return fail("got a mask on a field matched by %s; want exact or ternary", f.Kind)
		}
		l.start = append(l.start, l.words)
		l.words += f.Words()
		l.mask = appendWords(l.mask, mask)
	}
	if l.ordered {
		l.lpm = -1
	} else if lpms > 1 {
		return layout{}, fmt.Errorf("cannot lay out a key with %d lpm fields and no ternary or range field: want at most one: %w", lpms, device.ErrInvalid)
	}
	return l, nil
}

// rule checks matches against the layout and turns them into words.
func (l *layout) rule(matches []device.Match, priority int32) (rule, error) {
	if len(matches) != len(l.fields) {
		return rule{}, fmt.Errorf("cannot make the key of an entry: got %d matches; want %d, one per key field: %w", len(matches), len(l.fields), device.ErrInvalid)
	}
	w := make([]uint64, 2*l.words)
	r := rule{a: w[:0:l.words], b: w[l.words:l.words]}
	if l.ordered {
		r.priority = priority
	}
	for i, m := range matches {
		if err := l.check(i, m); err != nil {
			return rule{}, fmt.Errorf("cannot make the key of an entry: key field %d (%s): %w", i, l.fields[i].Name, err)
		}
		s := l.start[i]
		fieldMask := l.mask[s : s+l.fields[i].Words()]
		r.a = appendWords(r.a, m.Value)
		switch m.Kind {
		case device.Exact, device.Valid:
			r.b = append(r.b, fieldMask...)
		case device.Ternary:
			r.b = appendWords(r.b, m.Mask)
		case device.LPM:
			r.b = append(r.b, prefixWords(l.fields[i].Width, m.PrefixLen)...)
			if i == l.lpm {
				r.length = m.PrefixLen
			}
		case device.Range:
			r.b = appendWords(r.b, m.High)
			continue
		}
		for j := range fieldMask {
			r.b[s+j] &= fieldMask[j]
			r.a[s+j] &= r.b[s+j]
		}
	}
	return r, nil
}

func (l *layout) check(i int, m device.Match) error {
	f := l.fields[i]
	fail := func(format string, args ...any) error {
		return fmt.Errorf(format+": %w", append(args, device.ErrInvalid)...)
	}
	fits := func(name string, v []byte) error {
		ones := onesBytes(f.Width)
		if len(v) != len(ones) {
			return fail("got a %s of %d bytes; want %d for %d bits", name, len(v), len(ones), f.Width)
		}
		if v[0]&^ones[0] != 0 {
			return fail("got %s %x, which overflows %d bits", name, v, f.Width)
		}
		return nil
	}
	if m.Kind != f.Kind {
		return fail("got a match of kind %s; want %s", m.Kind, f.Kind)
	}
	if err := fits("value", m.Value); err != nil {
		return err
	}
	switch m.Kind {
	case device.Ternary:
		if err := fits("mask", m.Mask); err != nil {
			return err
		}
		for j := range m.Value {
			if m.Value[j]&^m.Mask[j] != 0 {
				return fail("got value %x with bits outside mask %x; want them zero", m.Value, m.Mask)
			}
		}
	case device.LPM:
		if m.PrefixLen < 0 || m.PrefixLen > f.Width {
			return fail("got prefix length %d; want 0 to %d", m.PrefixLen, f.Width)
		}
		mask := prefixBytes(f.Width, m.PrefixLen)
		for j := range m.Value {
			if m.Value[j]&^mask[j] != 0 {
				return fail("got value %x with bits beyond prefix length %d; want them zero", m.Value, m.PrefixLen)
			}
		}
	case device.Range:
		if err := fits("high end", m.High); err != nil {
			return err
		}
		if bytes.Compare(m.Value, m.High) > 0 {
			return fail("got range %x to %x; want the low end not above the high end", m.Value, m.High)
		}
	}
	return nil
}

// Canonical returns a copy of matches with value bits outside a mask or prefix
// cleared, as [Table.Insert] wants them. What does not fit the layout is left for
// Insert to refuse.
func Canonical(matches []device.Match, fields []Field) []device.Match {
	out := make([]device.Match, len(matches))
	for i, m := range matches {
		m.Value = bytes.Clone(m.Value)
		mask := m.Mask
		if m.Kind == device.LPM && i < len(fields) && m.PrefixLen >= 0 && m.PrefixLen <= fields[i].Width {
			mask = prefixBytes(fields[i].Width, m.PrefixLen)
		}
		if (m.Kind == device.LPM || m.Kind == device.Ternary) && len(mask) == len(m.Value) {
			for j := range m.Value {
				m.Value[j] &= mask[j]
			}
		}
		out[i] = m
	}
	return out
}

// format renders an identity for error messages.
func (l *layout) format(matches []device.Match, priority int32) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, m := range matches {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s=%x", l.fields[i].Name, m.Value)
		switch m.Kind {
		case device.Ternary:
			fmt.Fprintf(&b, "&%x", m.Mask)
		case device.LPM:
			fmt.Fprintf(&b, "/%d", m.PrefixLen)
		case device.Range:
			fmt.Fprintf(&b, "..%x", m.High)
		}
	}
	b.WriteByte('}')
	if l.ordered {
		fmt.Fprintf(&b, " priority %d", priority)
	}
	return b.String()
}

// hits says whether key hits r, slowly.
func (l *layout) hits(r rule, key []uint64) bool {
	for i, f := range l.fields {
		from, to := l.start[i], l.start[i]+f.Words()
		k, a, b := key[from:to], r.a[from:to], r.b[from:to]
		if f.Kind == device.Range {
			if slices.Compare(k, a) < 0 || slices.Compare(k, b) > 0 {
				return false
			}
			continue
		}
		for j := range k {
			if k[j]&b[j] != a[j] {
				return false
			}
		}
	}
	return true
}
