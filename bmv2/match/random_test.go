package match

import (
	"fmt"
	"math/rand/v2"

	"github.com/telltale-net/telltale/bmv2/device"
)

// random makes layouts, entries and keys that meet: values from a small pool of
// bits, keys derived from entries.
type random struct{ *rand.Rand }

func newRandom(seed uint64) random { return random{rand.New(rand.NewPCG(seed, 7))} }

func (r random) pick(n int) bool { return r.IntN(n) == 0 }

func (r random) layout(kinds []device.MatchKind, widths []int, most int) []Field {
	fields := make([]Field, 1+r.IntN(most))
	for i := range fields {
		f := Field{Name: fmt.Sprintf("f%d", i), Kind: kinds[r.IntN(len(kinds))], Width: widths[r.IntN(len(widths))]}
		if f.Kind == device.Valid {
			f.Width = 1
		}
		if (f.Kind == device.Exact || f.Kind == device.Ternary) && r.pick(4) {
			f.Mask = r.bytes(f.Width)
		}
		fields[i] = f
	}
	return fields
}

// bytes is a value with few distinct bytes, so that values collide.
func (r random) bytes(width int) []byte {
	v := make([]byte, (width+7)/8)
	for i := range v {
		v[i] = []byte{0, 0, 1, 0x80, 0x7f, 0xff, byte(r.Uint32())}[r.IntN(7)]
	}
	v[0] &= onesBytes(width)[0]
	return v
}

func (r random) match(f Field) device.Match {
	m := device.Match{Kind: f.Kind, Value: r.bytes(f.Width)}
	switch f.Kind {
	case device.Ternary:
		switch r.IntN(4) {
		case 0:
			m.Mask = r.bytes(f.Width)
		case 1:
			m.Mask = onesBytes(f.Width)
		default:
			m.Mask = prefixBytes(f.Width, r.IntN(f.Width+1))
		}
	case device.LPM:
		m.PrefixLen = r.IntN(f.Width + 1)
	case device.Range:
		m.High = r.bytes(f.Width)
		switch r.IntN(4) {
		case 0:
			m.High = m.Value
		case 1:
			m.Value, m.High = make([]byte, len(m.Value)), onesBytes(f.Width)
		}
		if string(m.Value) > string(m.High) {
			m.Value, m.High = m.High, m.Value
		}
	}
	return m
}

func (r random) matches(fields []Field) []device.Match {
	ms := make([]device.Match, len(fields))
	for i, f := range fields {
		ms[i] = r.match(f)
	}
	return Canonical(ms, fields)
}

// key is a key near an entry.
func (r random) key(fields []Field, ms []device.Match) []uint64 {
	var key []uint64
	for i, f := range fields {
		v := r.bytes(f.Width)
		if !r.pick(4) {
			m := ms[i]
			mask := m.Mask
			switch m.Kind {
			case device.LPM:
				mask = prefixBytes(f.Width, m.PrefixLen)
			case device.Range:
				mask = onesBytes(f.Width)
				if r.pick(2) {
					m.Value = m.High
				}
			case device.Exact, device.Valid:
				mask = onesBytes(f.Width)
			}
			for j := range v {
				v[j] = v[j]&^mask[j] | m.Value[j]
			}
			if r.pick(8) {
				v[len(v)-1] ^= 1
			}
		}
		key = appendWords(key, v)
	}
	return key
}
