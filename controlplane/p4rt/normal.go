//lint:file-ignore SA1019 fields that P4Runtime deprecated are still part of it: kept, or refused by name.

package p4rt

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// class is the place of an entity in the order of dependencies: what is in a
// later class may refer to what is in an earlier one.
type class uint8

const (
	classBase   class = iota // members, packet replication, digests, meters: refer to nothing
	classGroups              // refer to members
	classTables              // refer to groups and members
)

// identity is what makes an entity the same entity before and after a change.
type identity struct {
	class class
	key   string
}

// identify returns the identity of an entity that can be part of a desired state.
// Counters and registers cannot: packets change them.
func identify(e *p4v1.Entity) (identity, error) {
	id := func(c class, kind byte, parts ...uint32) identity {
		b := []byte{kind}
		for _, p := range parts {
			b = binary.BigEndian.AppendUint32(b, p)
		}
		return identity{c, string(b)}
	}
	switch v := e.GetEntity().(type) {
	case *p4v1.Entity_TableEntry:
		return identifyEntry(v.TableEntry)
	case *p4v1.Entity_ActionProfileMember:
		return id(classBase, 'm', v.ActionProfileMember.GetActionProfileId(), v.ActionProfileMember.GetMemberId()), nil
	case *p4v1.Entity_ActionProfileGroup:
		return id(classGroups, 'g', v.ActionProfileGroup.GetActionProfileId(), v.ActionProfileGroup.GetGroupId()), nil
	case *p4v1.Entity_PacketReplicationEngineEntry:
		switch t := v.PacketReplicationEngineEntry.GetType().(type) {
		case *p4v1.PacketReplicationEngineEntry_MulticastGroupEntry:
			return id(classBase, 'c', t.MulticastGroupEntry.GetMulticastGroupId()), nil
		case *p4v1.PacketReplicationEngineEntry_CloneSessionEntry:
			return id(classBase, 's', t.CloneSessionEntry.GetSessionId()), nil
		}
	case *p4v1.Entity_DigestEntry:
		return id(classBase, 'd', v.DigestEntry.GetDigestId()), nil
	case *p4v1.Entity_MeterEntry:
		if v.MeterEntry.GetIndex() == nil {
			return identity{}, fmt.Errorf("%s has no index", Describe(e, nil))
		}
		return id(classBase, 'r', v.MeterEntry.GetMeterId(), uint32(v.MeterEntry.GetIndex().GetIndex())), nil
	}
	return identity{}, fmt.Errorf("%s cannot be part of a desired state", Describe(e, nil))
}

// identifyEntry: table, match fields in the order of their ids, priority.
func identifyEntry(te *p4v1.TableEntry) (identity, error) {
	b := binary.BigEndian.AppendUint32([]byte{'t'}, te.GetTableId())
	if te.GetIsDefaultAction() {
		return identity{classTables, string(append(b, 'd'))}, nil
	}
	b = binary.BigEndian.AppendUint32(b, uint32(te.GetPriority()))
	value := func(kind byte, vs ...[]byte) {
		b = append(b, kind)
		for _, v := range vs {
			v = canonical(v)
			b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
			b = append(b, v...)
		}
	}
	for _, m := range sortedMatch(te.GetMatch()) {
		b = binary.BigEndian.AppendUint32(b, m.GetFieldId())
		switch v := m.GetFieldMatchType().(type) {
		case *p4v1.FieldMatch_Exact_:
			value('e', v.Exact.GetValue())
		case *p4v1.FieldMatch_Optional_:
			value('o', v.Optional.GetValue())
		case *p4v1.FieldMatch_Lpm:
			value('l', v.Lpm.GetValue())
			b = binary.BigEndian.AppendUint32(b, uint32(v.Lpm.GetPrefixLen()))
		case *p4v1.FieldMatch_Ternary_:
			value('t', v.Ternary.GetValue(), v.Ternary.GetMask())
		case *p4v1.FieldMatch_Range_:
			value('r', v.Range.GetLow(), v.Range.GetHigh())
		default:
			return identity{}, fmt.Errorf("%s: match field %d of type %T", describeEntry(te, nil), m.GetFieldId(), v)
		}
	}
	return identity{classTables, string(b)}, nil
}

func sortedMatch(ms []*p4v1.FieldMatch) []*p4v1.FieldMatch {
	byID := func(a, b *p4v1.FieldMatch) int { return cmp.Compare(a.GetFieldId(), b.GetFieldId()) }
	if slices.IsSortedFunc(ms, byID) {
		return ms
	}
	ms = slices.Clone(ms)
	slices.SortFunc(ms, byID)
	return ms
}

// equal compares the state of two entities of one identity, whatever the order of
// their fields and the padding of their values. What is not state – counters, idle
// times – does not count.
func equal(a, b *p4v1.Entity) bool { return proto.Equal(normal(a), normal(b)) }

func normal(e *p4v1.Entity) *p4v1.Entity {
	e = proto.Clone(e).(*p4v1.Entity)
	switch v := e.GetEntity().(type) {
	case *p4v1.Entity_TableEntry:
		te := v.TableEntry
		te.Match = nil // part of the identity
		if isConst(te) {
			te.ProtoReflect().SetUnknown(nil)
		}
		te.CounterData, te.MeterCounterData, te.TimeSinceLastHit = nil, nil, nil
		normalAction(te.GetAction().GetAction())
		for _, a := range te.GetAction().GetActionProfileActionSet().GetActionProfileActions() {
			normalAction(a.GetAction())
			if w := a.GetWatchPort(); w != nil {
				a.WatchKind = &p4v1.ActionProfileAction_WatchPort{WatchPort: canonical(w)}
			}
		}
	case *p4v1.Entity_ActionProfileMember:
		normalAction(v.ActionProfileMember.GetAction())
	case *p4v1.Entity_ActionProfileGroup:
		ms := v.ActionProfileGroup.Members
		for _, m := range ms {
			if w := m.GetWatchPort(); len(w) > 0 {
				m.WatchKind = &p4v1.ActionProfileGroup_Member_WatchPort{WatchPort: canonical(w)}
			} else if m.GetWatch() == 0 {
				m.WatchKind = nil
			}
		}
		slices.SortFunc(ms, func(a, b *p4v1.ActionProfileGroup_Member) int { return cmp.Compare(a.GetMemberId(), b.GetMemberId()) })
	case *p4v1.Entity_PacketReplicationEngineEntry:
		sortReplicas(v.PacketReplicationEngineEntry.GetMulticastGroupEntry().GetReplicas())
		sortReplicas(v.PacketReplicationEngineEntry.GetCloneSessionEntry().GetReplicas())
	case *p4v1.Entity_MeterEntry:
		v.MeterEntry.CounterData = nil
	}
	return e
}

func normalAction(a *p4v1.Action) {
	if a == nil {
		return
	}
	slices.SortFunc(a.Params, func(x, y *p4v1.Action_Param) int { return cmp.Compare(x.GetParamId(), y.GetParamId()) })
	for _, p := range a.Params {
		p.Value = canonical(p.Value)
	}
}

func sortReplicas(rs []*p4v1.Replica) {
	slices.SortFunc(rs, func(a, b *p4v1.Replica) int {
		return cmp.Or(cmp.Compare(a.GetEgressPort(), b.GetEgressPort()), cmp.Compare(a.GetInstance(), b.GetInstance()))
	})
}

// isConst reads TableEntry.is_const of P4Runtime 1.5, which these stubs are older
// than: the program declared the entry, nobody can take it away.
func isConst(te *p4v1.TableEntry) bool {
	const number = protowire.Number(13)
	set := false
	for rest := te.ProtoReflect().GetUnknown(); len(rest) > 0; {
		num, typ, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return false
		}
		m := protowire.ConsumeFieldValue(num, typ, rest[n:])
		if m < 0 {
			return false
		}
		if num == number && typ == protowire.VarintType {
			v, _ := protowire.ConsumeVarint(rest[n:])
			set = v != 0
		}
		rest = rest[n+m:]
	}
	return set
}
