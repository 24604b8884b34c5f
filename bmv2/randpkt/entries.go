package randpkt

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strings"

	configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"

	"github.com/telltale-net/telltale/bmv2/spec"
)

// Numbers of replication groups made; programs that take the number from a field find
// them there.
const groups = 8

// Entries makes forwarding state for the whole program: replication groups, clone
// sessions, meters, parser value sets, members and groups of action profiles, entries and
// default entries. The
// order is one in which a switch can take them. Priorities are unique per table, so
// that no two entries are equally good.
func (g *Generator) Entries(r *rand.Rand) []*p4v1.Update {
	m := newMaker(g, r)
	m.replication()
	m.meters()
	m.valueSets()
	profiles := map[uint32]*profile{}
	for _, p := range g.info.GetActionProfiles() {
		profiles[p.GetPreamble().GetId()] = m.profile(p)
	}
	for _, t := range g.info.GetTables() {
		m.table(t, profiles[t.GetImplementationId()])
	}
	return m.out
}

// Learn takes the values of entries that others made into the pool.
func (g *Generator) Learn(updates []*p4v1.Update) {
	for _, u := range updates {
		if s := u.GetEntity().GetValueSetEntry(); s != nil {
			g.learnSet(s)
			continue
		}
		e := u.GetEntity().GetTableEntry()
		i := slices.IndexFunc(g.info.GetTables(), func(t *configv1.Table) bool { return t.GetPreamble().GetId() == e.GetTableId() })
		if e == nil || i < 0 {
			continue
		}
		g.aimAt(g.info.GetTables()[i], e)
		for _, m := range e.GetMatch() {
			for _, f := range g.info.GetTables()[i].GetMatchFields() {
				if f.GetId() == m.GetFieldId() && f.GetBitwidth() > 0 {
					for _, v := range matchValues(m) {
						g.learn(int(f.GetBitwidth()), v)
					}
				}
			}
		}
		a := e.GetAction().GetAction()
		for _, in := range g.info.GetActions() {
			if in.GetPreamble().GetId() != a.GetActionId() {
				continue
			}
			for _, p := range a.GetParams() {
				for _, q := range in.GetParams() {
					if q.GetId() == p.GetParamId() && q.GetBitwidth() > 0 {
						g.learn(int(q.GetBitwidth()), p.GetValue())
					}
				}
			}
		}
	}
}

func (g *Generator) learn(width int, v []byte) {
	g.values.add(width, v)
	const maxPorts = 64
	if width == portBits && len(g.ports) < maxPorts {
		v = fit(v, width)
		if port := binary.BigEndian.Uint16(v); port != 511 && !slices.Contains(g.ports, port) {
			g.ports = append(g.ports, port)
		}
	}
}

func matchValues(m *p4v1.FieldMatch) [][]byte {
	switch {
	case m.GetExact() != nil:
		return [][]byte{m.GetExact().GetValue()}
	case m.GetLpm() != nil:
		return [][]byte{m.GetLpm().GetValue()}
	case m.GetTernary() != nil:
		return [][]byte{m.GetTernary().GetValue()}
	case m.GetRange() != nil:
		return [][]byte{m.GetRange().GetLow(), m.GetRange().GetHigh()}
	case m.GetOptional() != nil:
		return [][]byte{m.GetOptional().GetValue()}
	}
	return nil
}

// maker makes one set of entries.
type maker struct {
	*Generator
	r    *rand.Rand
	byID map[uint32]*configv1.Action
	out  []*p4v1.Update
}

func newMaker(g *Generator, r *rand.Rand) *maker {
	m := &maker{Generator: g, r: r, byID: map[uint32]*configv1.Action{}}
	for _, a := range g.info.GetActions() {
		m.byID[a.GetPreamble().GetId()] = a
	}
	return m
}

func (m *maker) insert(e *p4v1.Entity) {
	m.out = append(m.out, &p4v1.Update{Type: p4v1.Update_INSERT, Entity: e})
}

// replication makes multicast groups, and clone sessions for the numbers that the
// program names.
func (m *maker) replication() {
	replicas := func(most int) (out []*p4v1.Replica) {
		seen := map[[2]uint32]bool{}
		for range 1 + m.r.IntN(most) {
			port := uint32(max(1, m.ports[m.r.IntN(len(m.ports))])) // 0 is no port to p4lang's server
			instance := uint32(m.r.IntN(4))
			if k := [2]uint32{port, instance}; !seen[k] {
				seen[k] = true
				out = append(out, &p4v1.Replica{EgressPort: port, Instance: instance})
			}
		}
		return out
	}
	for id := range uint32(groups) {
		m.insert(&p4v1.Entity{Entity: &p4v1.Entity_PacketReplicationEngineEntry{PacketReplicationEngineEntry: &p4v1.PacketReplicationEngineEntry{
			Type: &p4v1.PacketReplicationEngineEntry_MulticastGroupEntry{MulticastGroupEntry: &p4v1.MulticastGroupEntry{
				MulticastGroupId: id + 1, Replicas: replicas(5),
			}},
		}}})
	}
	for _, id := range m.sessions() {
		m.insert(&p4v1.Entity{Entity: &p4v1.Entity_PacketReplicationEngineEntry{PacketReplicationEngineEntry: &p4v1.PacketReplicationEngineEntry{
			Type: &p4v1.PacketReplicationEngineEntry_CloneSessionEntry{CloneSessionEntry: &p4v1.CloneSessionEntry{
				SessionId: id, Replicas: replicas(3),
			}},
		}}})
	}
}

// sessions lists the clone sessions that actions name by a constant, and a few low numbers
// if an action computes them.
func (m *maker) sessions() (out []uint32) {
	for _, a := range m.spec.Actions {
		for _, p := range a.Primitives {
			if !strings.HasPrefix(p.Op, "clone_") || len(p.Args) == 0 {
				continue
			}
			c, ok := p.Args[0].(spec.Const)
			if !ok {
				for id := range uint32(groups) {
					out = append(out, id+1)
				}
				continue
			}
			if c.Value.IsInt64() && c.Value.Int64() > 0 && c.Value.Int64() < 1<<15 {
				out = append(out, uint32(c.Value.Int64()))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (m *maker) table(t *configv1.Table, p *profile) {
	inProgram := slices.ContainsFunc(m.spec.Tables, func(s spec.Table) bool { return s.Name == t.GetPreamble().GetName() })
	if t.GetIsConstTable() || !inProgram { // p4c leaves tables without effect out of the program, not out of the P4Info
		return
	}
	if t.GetConstDefaultActionId() == 0 && p == nil {
		d := changeable{table: t}
		if a := m.action(t.GetActionRefs(), true); a != nil && m.r.IntN(2) == 0 {
			d.now = &p4v1.TableAction{Type: &p4v1.TableAction_Action{Action: a}}
			m.modify(&p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: &p4v1.TableEntry{
				TableId: t.GetPreamble().GetId(), IsDefaultAction: true, Action: d.now,
			}}})
		}
		m.defaults = append(m.defaults, d)
	}
	if len(t.GetMatchFields()) == 0 {
		return
	}
	seen := map[string]bool{}
	want := min(m.cfg.Entries, int(t.GetSize()))
	for i := 0; len(seen) < want && i < 4*want; i++ {
		e := &p4v1.TableEntry{TableId: t.GetPreamble().GetId()}
		key, prioritised := "", false
		for _, f := range t.GetMatchFields() {
			match, ok := m.match(f)
			if !ok {
				return // translated keys have no width
			}
			switch f.GetMatchType() {
			case configv1.MatchField_TERNARY, configv1.MatchField_RANGE, configv1.MatchField_OPTIONAL:
				prioritised = true
			}
			if match != nil {
				e.Match = append(e.Match, match)
				key += match.String() + ";"
			}
		}
		if prioritised {
			e.Priority = int32(10 + i)
		}
		if seen[key] {
			continue
		}
		seen[key] = true
		if e.Action = m.target(t, p); e.Action != nil {
			m.aimAt(t, e)
			e.MeterConfig = m.directMeter(e.GetTableId())
			m.made = append(m.made, made{t, p, e, true})
			m.insert(&p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: e}})
		}
	}
}

// target is what an entry does, nil if there is nothing it can do.
func (m *maker) target(t *configv1.Table, p *profile) *p4v1.TableAction {
	switch {
	case p == nil:
		if a := m.action(t.GetActionRefs(), false); a != nil {
			return &p4v1.TableAction{Type: &p4v1.TableAction_Action{Action: a}}
		}
	case p.oneShot:
		set := &p4v1.ActionProfileActionSet{}
		for range 1 + m.r.IntN(3) {
			a := m.action(p.refs, false)
			if a == nil {
				return nil
			}
			set.ActionProfileActions = append(set.ActionProfileActions, &p4v1.ActionProfileAction{Action: a, Weight: 1})
		}
		return &p4v1.TableAction{Type: &p4v1.TableAction_ActionProfileActionSet{ActionProfileActionSet: set}}
	case len(p.groups) > 0 && m.r.IntN(2) == 0:
		return &p4v1.TableAction{Type: &p4v1.TableAction_ActionProfileGroupId{ActionProfileGroupId: p.groups[m.r.IntN(len(p.groups))]}}
	case len(p.members) > 0:
		return &p4v1.TableAction{Type: &p4v1.TableAction_ActionProfileMemberId{ActionProfileMemberId: p.members[m.r.IntN(len(p.members))]}}
	}
	return nil
}

// action is a call of one of a table's actions; nil if there is none.
func (m *maker) action(refs []*configv1.ActionRef, isDefault bool) *p4v1.Action {
	unwanted := configv1.ActionRef_DEFAULT_ONLY
	if isDefault {
		unwanted = configv1.ActionRef_TABLE_ONLY
	}
	for _, i := range m.r.Perm(len(refs)) {
		a := m.byID[refs[i].GetId()]
		if refs[i].GetScope() == unwanted || a == nil {
			continue
		}
		call := &p4v1.Action{ActionId: a.GetPreamble().GetId()}
		for _, p := range a.GetParams() {
			if p.GetBitwidth() == 0 {
				call = nil
				break
			}
			call.Params = append(call.Params, &p4v1.Action_Param{ParamId: p.GetId(), Value: canonical(m.values.value(m.r, int(p.GetBitwidth())))})
		}
		if call != nil {
			return call
		}
	}
	return nil
}

// match makes the match of a key field; nil for "don't care". It fails for fields
// without a width.
func (m *maker) match(f *configv1.MatchField) (*p4v1.FieldMatch, bool) {
	width := int(f.GetBitwidth())
	if width == 0 {
		return nil, false
	}
	v := m.values.value(m.r, width)
	out := &p4v1.FieldMatch{FieldId: f.GetId()}
	switch f.GetMatchType() {
	case configv1.MatchField_EXACT:
		out.FieldMatchType = &p4v1.FieldMatch_Exact_{Exact: &p4v1.FieldMatch_Exact{Value: canonical(v)}}
	case configv1.MatchField_LPM:
		n := m.r.IntN(width + 1)
		if m.r.IntN(2) == 0 {
			n = width - m.r.IntN(min(9, width))
		}
		if n == 0 {
			return nil, true
		}
		out.FieldMatchType = &p4v1.FieldMatch_Lpm{Lpm: &p4v1.FieldMatch_LPM{Value: canonical(and(v, prefix(width, n))), PrefixLen: int32(n)}}
	case configv1.MatchField_TERNARY:
		mask := m.mask(width)
		if isZero(mask) {
			return nil, true
		}
		out.FieldMatchType = &p4v1.FieldMatch_Ternary_{Ternary: &p4v1.FieldMatch_Ternary{Value: canonical(and(v, mask)), Mask: canonical(mask)}}
	case configv1.MatchField_RANGE:
		high := m.values.value(m.r, width)
		if string(high) < string(v) {
			v, high = high, v
		}
		if isZero(v) && string(high) == string(ones(width)) {
			return nil, true
		}
		out.FieldMatchType = &p4v1.FieldMatch_Range_{Range: &p4v1.FieldMatch_Range{Low: canonical(v), High: canonical(high)}}
	case configv1.MatchField_OPTIONAL:
		if m.r.IntN(3) == 0 {
			return nil, true
		}
		out.FieldMatchType = &p4v1.FieldMatch_Optional_{Optional: &p4v1.FieldMatch_Optional{Value: canonical(v)}}
	default:
		return nil, false
	}
	return out, true
}

func (m *maker) mask(width int) []byte {
	switch m.r.IntN(4) {
	case 0:
		return fit(nil, width)
	case 1:
		return ones(width)
	case 2:
		return prefix(width, m.r.IntN(width+1))
	}
	return random(m.r, width)
}
