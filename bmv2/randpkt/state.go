package randpkt

import (
	"math/rand/v2"
	"slices"

	configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"

	"github.com/telltale-net/telltale/bmv2/spec"
)

const (
	meterCells = 16 // of a meter array that are configured, at most
	setMembers = 4  // of a parser value set, at most
)

func (m *maker) modify(e *p4v1.Entity) {
	m.out = append(m.out, &p4v1.Update{Type: p4v1.Update_MODIFY, Entity: e})
}

// meters configures some meters of every array; small indices come first, because that is
// where programs look.
func (m *maker) meters() {
	for _, in := range m.info.GetMeters() {
		for i := range min(int64(meterCells), in.GetSize()) {
			if m.r.IntN(4) == 0 {
				continue
			}
			m.modify(&p4v1.Entity{Entity: &p4v1.Entity_MeterEntry{MeterEntry: &p4v1.MeterEntry{
				MeterId: in.GetPreamble().GetId(), Index: &p4v1.Index{Index: i}, Config: meterConfig(m.r),
			}}})
		}
	}
}

// meterConfig makes meters whose colours mostly do not depend on the clock: those that are
// never refilled, so that packets are green until the burst is used up, and those that
// never run dry. A few do depend on it.
func meterConfig(r *rand.Rand) *p4v1.MeterConfig {
	burst := func() int64 { return 1 + r.Int64N(8)<<r.IntN(12) }
	c, p := burst(), burst()
	switch r.IntN(8) {
	case 0:
		const ample = 1e9
		return &p4v1.MeterConfig{Cir: ample, Cburst: ample, Pir: ample, Pburst: ample}
	case 1:
		cir := 1 + r.Int64N(10_000)
		return &p4v1.MeterConfig{Cir: cir, Cburst: c, Pir: cir + r.Int64N(10_000), Pburst: p}
	}
	return &p4v1.MeterConfig{Cburst: c, Pburst: p}
}

// directMeter is the configuration of an entry's meter; nil if its table has none.
func (m *maker) directMeter(table uint32) *p4v1.MeterConfig {
	has := slices.ContainsFunc(m.info.GetDirectMeters(), func(d *configv1.DirectMeter) bool { return d.GetDirectTableId() == table })
	if !has || m.r.IntN(4) == 0 {
		return nil
	}
	return meterConfig(m.r)
}

// valueSets fills the parser's value sets.
func (m *maker) valueSets() {
	for _, in := range m.info.GetValueSets() {
		e := &p4v1.ValueSetEntry{ValueSetId: in.GetPreamble().GetId()}
		seen := map[string]bool{}
		for range min(1+m.r.IntN(setMembers), int(in.GetSize())) {
			member := &p4v1.ValueSetMember{}
			var value []byte
			for _, f := range in.GetMatch() {
				width := int(f.GetBitwidth())
				if width == 0 || f.GetMatchType() != configv1.MatchField_EXACT {
					return
				}
				v := m.values.value(m.r, width)
				if m.r.IntN(2) == 0 { // the parser itself may select what is known
					v = random(m.r, width)
					m.values.add(width, v)
				}
				value = append(value, v...)
				member.Match = append(member.Match, &p4v1.FieldMatch{FieldId: f.GetId(), FieldMatchType: &p4v1.FieldMatch_Exact_{Exact: &p4v1.FieldMatch_Exact{Value: canonical(v)}}})
			}
			if !seen[string(value)] {
				seen[string(value)] = true
				e.Members = append(e.Members, member)
			}
		}
		m.learnSet(e)
		m.modify(&p4v1.Entity{Entity: &p4v1.Entity_ValueSetEntry{ValueSetEntry: e}})
	}
}

// learnSet remembers what is in a parser value set, so that packets may go that way.
func (g *Generator) learnSet(e *p4v1.ValueSetEntry) {
	for _, in := range g.info.GetValueSets() {
		if in.GetPreamble().GetId() != e.GetValueSetId() {
			continue
		}
		i := slices.IndexFunc(g.spec.ValueSets, func(s spec.ValueSet) bool { return s.Name == in.GetPreamble().GetName() })
		if i < 0 {
			return
		}
		g.sets[i] = nil
		for _, member := range e.GetMembers() {
			var value []byte
			for _, f := range in.GetMatch() {
				k := slices.IndexFunc(member.GetMatch(), func(v *p4v1.FieldMatch) bool { return v.GetFieldId() == f.GetId() })
				var v []byte
				if k >= 0 {
					v = member.GetMatch()[k].GetExact().GetValue()
				}
				value = append(value, fit(v, int(f.GetBitwidth()))...)
			}
			g.sets[i] = append(g.sets[i], value)
		}
	}
}
