package intent

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"net/netip"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"

	"github.com/telltale-net/telltale/topology"
)

// match is one key of an entry, by name. Keys that match anything are left out.
type match struct {
	key    string
	value  []byte
	mask   []byte // ternary
	length int32  // lpm
}

// call is an action with its arguments in the contract's order.
type call struct {
	action string
	args   [][]byte
}

func do(action string, args ...[]byte) call { return call{action, args} }

// num, addr, hw and bit are P4Runtime's canonical byte strings (specification, section
// "Bytestrings"): big-endian without leading zero bytes, one byte at least.
func num[T ~uint8 | ~uint16 | ~uint32](n T) []byte {
	return canonical(binary.BigEndian.AppendUint32(nil, uint32(n)))
}

func addr(a netip.Addr) []byte { return canonical(a.AsSlice()) }

func hw(m topology.MAC) []byte { return canonical(m[:]) }

func bit(b bool) []byte {
	if b {
		return []byte{1}
	}
	return []byte{0}
}

func canonical(b []byte) []byte {
	for len(b) > 1 && b[0] == 0 {
		b = b[1:]
	}
	return b
}

// ones is the mask of an exact match in a ternary key.
func ones(n int) []byte { return prefixMask(n, n) }

// prefixMask is a mask of n bits with the first set.
func prefixMask(n, set int) []byte {
	m := make([]byte, (n+7)/8)
	for i := n - set; i < n; i++ {
		m[len(m)-1-i/8] |= 1 << (i % 8)
	}
	return canonical(m)
}

// width is the number of bits that a value needs.
func width(b []byte) int {
	b = canonical(b)
	return 8*(len(b)-1) + bits.Len8(b[0])
}

// prefixes and the likes: an absent criterion adds no match.

func addPrefix(ms []match, key string, p netip.Prefix) []match {
	if p.Bits() <= 0 {
		return ms
	}
	return append(ms, match{key: key, value: addr(p.Masked().Addr()), mask: prefixMask(32, p.Bits())})
}

func addNumber[T ~uint8 | ~uint16 | ~uint32](ms []match, key string, bits int, n T) []match {
	if n == 0 {
		return ms
	}
	return append(ms, match{key: key, value: num(n), mask: ones(bits)})
}

// tableOf is for names of our own; what a P4Info lacks NewSchema has refused.
func (s *Schema) tableOf(name string) *table {
	t := s.tables[name]
	if t == nil {
		panic(fmt.Sprintf("BUG: program %s has no table %q in the contract", s.program, name))
	}
	return t
}

func (s *Schema) call(table string, c call) (*p4v1.Action, error) {
	a := s.tableOf(table).actions[c.action]
	if a == nil || len(c.args) != len(a.params) {
		panic(fmt.Sprintf("BUG: table %s: action %s with %d arguments is not in the contract", table, c.action, len(c.args)))
	}
	out := &p4v1.Action{ActionId: a.id}
	for i, arg := range c.args {
		if p := a.want.params[i]; width(arg) > int(p.bits) {
			return nil, fmt.Errorf("program %s: table %s: action %s: parameter %s: got %#x, want at most %d bits", s.program, table, c.action, p.name, arg, p.bits)
		}
		out.Params = append(out.Params, &p4v1.Action_Param{ParamId: a.params[i], Value: arg})
	}
	return out, nil
}

func direct(a *p4v1.Action) *p4v1.TableAction {
	return &p4v1.TableAction{Type: &p4v1.TableAction_Action{Action: a}}
}

// entry makes a table entry with an action of its own.
func (s *Schema) entry(table string, priority int32, ms []match, c call) (*p4v1.Entity, error) {
	a, err := s.call(table, c)
	if err != nil {
		return nil, err
	}
	return s.entryTo(table, priority, ms, direct(a))
}

func (s *Schema) entryTo(table string, priority int32, ms []match, to *p4v1.TableAction) (*p4v1.Entity, error) {
	t := s.tableOf(table)
	e := &p4v1.TableEntry{TableId: t.id, Priority: priority, Action: to}
	for _, m := range ms {
		f, err := s.field(t, m)
		if err != nil {
			return nil, err
		}
		e.Match = append(e.Match, f)
	}
	return &p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: e}}, nil
}

func (s *Schema) field(t *table, m match) (*p4v1.FieldMatch, error) {
	for _, k := range t.want.keys {
		if k.name != m.key {
			continue
		}
		if width(m.value) > int(k.bits) {
			return nil, fmt.Errorf("program %s: table %s: key %s: got %#x, want at most %d bits", s.program, t.want.name, k.name, m.value, k.bits)
		}
		f := &p4v1.FieldMatch{FieldId: t.keys[k.name]}
		switch k.kind {
		case exact:
			f.FieldMatchType = &p4v1.FieldMatch_Exact_{Exact: &p4v1.FieldMatch_Exact{Value: m.value}}
		case lpm:
			f.FieldMatchType = &p4v1.FieldMatch_Lpm{Lpm: &p4v1.FieldMatch_LPM{Value: m.value, PrefixLen: m.length}}
		case ternary:
			f.FieldMatchType = &p4v1.FieldMatch_Ternary_{Ternary: &p4v1.FieldMatch_Ternary{Value: m.value, Mask: m.mask}}
		}
		return f, nil
	}
	panic(fmt.Sprintf("BUG: table %s has no key %q in the contract", t.want.name, m.key))
}

// setDefault makes the default entry of a table.
func (s *Schema) setDefault(table string, c call) (*p4v1.Entity, error) {
	e, err := s.entry(table, 0, nil, c)
	if err == nil {
		e.GetTableEntry().IsDefaultAction = true
	}
	return e, err
}

func (s *Schema) member(table string, id uint32, c call) (*p4v1.Entity, error) {
	a, err := s.call(table, c)
	if err != nil {
		return nil, err
	}
	return &p4v1.Entity{Entity: &p4v1.Entity_ActionProfileMember{ActionProfileMember: &p4v1.ActionProfileMember{
		ActionProfileId: s.tableOf(table).profile, MemberId: id, Action: a,
	}}}, nil
}

// group leaves max_size to the program: it cannot be changed later. Members are named
// by their ports; each watches its own, so that the rest carry on while that is down.
func (s *Schema) group(table string, id uint32, members []uint32) (*p4v1.Entity, error) {
	t := s.tableOf(table)
	if t.maxGroup > 0 && len(members) > int(t.maxGroup) {
		return nil, fmt.Errorf("program %s: action profile %s: group %d: got %d members, want at most %d", s.program, t.want.profile, id, len(members), t.maxGroup)
	}
	g := &p4v1.ActionProfileGroup{ActionProfileId: t.profile, GroupId: id}
	for _, m := range members {
		g.Members = append(g.Members, &p4v1.ActionProfileGroup_Member{
			MemberId: m, Weight: 1,
			WatchKind: &p4v1.ActionProfileGroup_Member_WatchPort{WatchPort: num(m)},
		})
	}
	return &p4v1.Entity{Entity: &p4v1.Entity_ActionProfileGroup{ActionProfileGroup: g}}, nil
}

func cloneSession(id, port uint32) *p4v1.Entity {
	return &p4v1.Entity{Entity: &p4v1.Entity_PacketReplicationEngineEntry{
		PacketReplicationEngineEntry: &p4v1.PacketReplicationEngineEntry{
			Type: &p4v1.PacketReplicationEngineEntry_CloneSessionEntry{CloneSessionEntry: &p4v1.CloneSessionEntry{
				SessionId: id, Replicas: []*p4v1.Replica{{EgressPort: port, Instance: 1}},
			}},
		},
	}}
}
