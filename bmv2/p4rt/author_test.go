//lint:file-ignore SA1019 fields that P4Runtime deprecated are still part of it: kept, or refused by name.

package p4rt

import (
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"
)

// dice takes choices from bytes; when they are used up, everything is 0.
type dice struct{ b []byte }

func (d *dice) n(most int) int {
	if len(d.b) == 0 {
		return 0
	}
	v := int(d.b[0])
	d.b = d.b[1:]
	return v % most
}

func pick[T any](d *dice, from ...T) T { return from[d.n(len(from))] }

// author writes well-formed updates of the test program, all of few keys and
// values, so that they meet one another.
type author struct {
	*dice
	shots bool // programs the selector by one-shots, most of the time; else by members
}

// oneShots says which way the selector is programmed this time.
func (a author) oneShots() bool { return a.shots != (a.n(12) == 11) }

func (a author) value() []byte { return []byte{byte(1 + a.n(3))} }

func (a author) action(id uint32) *p4v1.Action {
	out := &p4v1.Action{ActionId: id}
	if id == 0x01000001 {
		out.Params = []*p4v1.Action_Param{{ParamId: 1, Value: a.value()}, {ParamId: 2, Value: a.value()}}
	}
	return out
}

func direct(a *p4v1.Action) *p4v1.TableAction {
	return &p4v1.TableAction{Type: &p4v1.TableAction_Action{Action: a}}
}

func exactly(v []byte) *p4v1.FieldMatch {
	return &p4v1.FieldMatch{FieldId: 1, FieldMatchType: &p4v1.FieldMatch_Exact_{Exact: &p4v1.FieldMatch_Exact{Value: v}}}
}

// entry is a table entry; op DELETE leaves it as it is: only the key counts.
func (a author) entry(op p4v1.Update_Type) *p4v1.TableEntry {
	te := &p4v1.TableEntry{TableId: pick(a.dice, uint32(0x02000001), 0x02000002, 0x02000003, 0x02000003, 0x02000006, 0x02000007)}
	optional := op == p4v1.Update_MODIFY && a.n(3) == 0 // without an action
	te.ControllerMetadata = uint64(a.n(2))
	te.Metadata = pick(a.dice, nil, []byte("m"))
	switch te.TableId {
	case 0x02000001:
		if n := a.n(3); n > 0 {
			te.Match = []*p4v1.FieldMatch{{FieldId: 1, FieldMatchType: &p4v1.FieldMatch_Lpm{Lpm: &p4v1.FieldMatch_LPM{Value: []byte{byte(9 + n), 0, 0, 0}, PrefixLen: 8}}}}
		}
		if !optional {
			te.Action = direct(a.action(pick(a.dice, uint32(0x01000001), 0x01000002, 0x01000003)))
		}
		if a.n(3) == 0 {
			te.CounterData = &p4v1.CounterData{PacketCount: int64(a.n(5))}
		}
	case 0x02000002:
		te.Match, te.Priority = []*p4v1.FieldMatch{exactly(a.value())}, int32(1+a.n(2))
		if a.n(2) == 0 {
			te.Match = append(te.Match, &p4v1.FieldMatch{FieldId: 2, FieldMatchType: &p4v1.FieldMatch_Ternary_{Ternary: &p4v1.FieldMatch_Ternary{Value: []byte{1}, Mask: []byte{3}}}})
		}
		if a.n(3) == 0 {
			te.Match = append(te.Match, &p4v1.FieldMatch{FieldId: 3, FieldMatchType: &p4v1.FieldMatch_Range_{Range: &p4v1.FieldMatch_Range{Low: []byte{1}, High: a.value()}}})
		}
		if a.n(3) == 0 {
			te.Match = append(te.Match, &p4v1.FieldMatch{FieldId: 7, FieldMatchType: &p4v1.FieldMatch_Optional_{Optional: &p4v1.FieldMatch_Optional{Value: []byte{0}}}})
		}
		if !optional {
			te.Action = direct(a.action(pick(a.dice, uint32(0x01000001), 0x01000003)))
		}
		if a.n(3) == 0 {
			te.MeterConfig = &p4v1.MeterConfig{Cir: 1, Pir: int64(1 + a.n(2))}
		}
		te.IdleTimeoutNs = int64(a.n(2) * 10)
	case 0x02000003:
		te.Match = []*p4v1.FieldMatch{exactly(a.value())}
		by := a.n(2)
		if a.oneShots() {
			by = 2
		}
		switch by {
		case 0:
			te.Action = &p4v1.TableAction{Type: &p4v1.TableAction_ActionProfileMemberId{ActionProfileMemberId: uint32(1 + a.n(3))}}
		case 1:
			te.Action = &p4v1.TableAction{Type: &p4v1.TableAction_ActionProfileGroupId{ActionProfileGroupId: uint32(1 + a.n(2))}}
		default:
			set := &p4v1.ActionProfileActionSet{}
			for range a.n(3) {
				x := &p4v1.ActionProfileAction{Action: a.action(0x01000001), Weight: 1}
				if a.n(2) == 0 {
					x.WatchKind = &p4v1.ActionProfileAction_WatchPort{WatchPort: a.value()}
				}
				set.ActionProfileActions = append(set.ActionProfileActions, x)
			}
			te.Action = &p4v1.TableAction{Type: &p4v1.TableAction_ActionProfileActionSet{ActionProfileActionSet: set}}
		}
		if optional {
			te.Action = nil
		}
	case 0x02000006:
		te.Match = []*p4v1.FieldMatch{exactly(a.value())}
		if !optional {
			te.Action = &p4v1.TableAction{Type: &p4v1.TableAction_ActionProfileMemberId{ActionProfileMemberId: uint32(1 + a.n(3))}}
		}
	case 0x02000007:
		te.Match = []*p4v1.FieldMatch{exactly(a.value())}
		if !optional {
			te.Action = direct(a.action(0x01000002))
		}
	}
	return te
}

func (a author) update() *p4v1.Update {
	u := &p4v1.Update{Type: pick(a.dice, p4v1.Update_INSERT, p4v1.Update_INSERT, p4v1.Update_MODIFY, p4v1.Update_DELETE), Entity: &p4v1.Entity{}}
	index := func(size int) *p4v1.Index {
		if a.n(4) == 0 {
			return nil
		}
		return &p4v1.Index{Index: int64(a.n(size))}
	}
	modify := func(e *p4v1.Entity) {
		u.Type, u.Entity = p4v1.Update_MODIFY, e
	}
	switch a.n(16) {
	default:
		u.Entity.Entity = &p4v1.Entity_TableEntry{TableEntry: a.entry(u.Type)}
	case 6:
		te := &p4v1.TableEntry{TableId: pick(a.dice, uint32(0x02000001), 0x02000004), IsDefaultAction: true}
		if a.n(3) > 0 {
			te.Action, te.Metadata = direct(a.action(pick(a.dice, uint32(0x01000001), 0x01000002))), pick(a.dice, nil, []byte("d"))
		}
		modify(&p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: te}})
	case 7, 8:
		p := uint32(0x11000001)
		if a.oneShots() || a.n(2) == 0 {
			p = 0x11000002
		}
		m := &p4v1.ActionProfileMember{ActionProfileId: p, MemberId: uint32(1 + a.n(3)), Action: a.action(0x01000001)}
		u.Entity.Entity = &p4v1.Entity_ActionProfileMember{ActionProfileMember: m}
	case 9:
		if a.oneShots() {
			u.Entity.Entity = &p4v1.Entity_TableEntry{TableEntry: a.entry(u.Type)}
			break
		}
		g := &p4v1.ActionProfileGroup{ActionProfileId: 0x11000001, GroupId: uint32(1 + a.n(2)), MaxSize: int32(a.n(2) * 3)}
		for id := range uint32(3) {
			if a.n(2) == 0 {
				m := &p4v1.ActionProfileGroup_Member{MemberId: id + 1, Weight: int32(1 + a.n(2))}
				if a.n(2) == 0 {
					m.WatchKind = &p4v1.ActionProfileGroup_Member_WatchPort{WatchPort: a.value()}
				}
				g.Members = append(g.Members, m)
			}
		}
		u.Entity.Entity = &p4v1.Entity_ActionProfileGroup{ActionProfileGroup: g}
	case 10:
		rs := []*p4v1.Replica{}
		for i := range uint32(a.n(3)) {
			rs = append(rs, &p4v1.Replica{EgressPort: uint32(a.n(4)), Instance: i})
		}
		if a.n(2) == 0 {
			u.Entity = pre(&p4v1.MulticastGroupEntry{MulticastGroupId: uint32(1 + a.n(2)), Replicas: rs}, nil)
		} else {
			u.Entity = pre(nil, &p4v1.CloneSessionEntry{SessionId: uint32(1 + a.n(2)), Replicas: rs, ClassOfService: uint32(a.n(8)), PacketLengthBytes: int32(a.n(3))})
		}
	case 11:
		modify(&p4v1.Entity{Entity: &p4v1.Entity_CounterEntry{CounterEntry: &p4v1.CounterEntry{CounterId: 0x12000001, Index: index(4), Data: &p4v1.CounterData{PacketCount: int64(a.n(9))}}}})
	case 12:
		m := &p4v1.MeterEntry{MeterId: 0x14000001, Index: index(3)}
		if a.n(2) == 0 {
			m.Config = &p4v1.MeterConfig{Cir: 1, Cburst: int64(a.n(2)), Pir: 2}
		}
		modify(&p4v1.Entity{Entity: &p4v1.Entity_MeterEntry{MeterEntry: m}})
	case 13:
		v := pick(a.dice, []byte{0}, []byte{1}, []byte{7, 0})
		modify(&p4v1.Entity{Entity: &p4v1.Entity_RegisterEntry{RegisterEntry: &p4v1.RegisterEntry{RegisterId: pick(a.dice, uint32(0x16000001), 0x16000002), Index: index(2), Data: &p4v1.P4Data{Data: &p4v1.P4Data_Bitstring{Bitstring: v}}}}})
	case 14:
		if a.n(2) == 0 {
			u.Entity.Entity = &p4v1.Entity_DigestEntry{DigestEntry: &p4v1.DigestEntry{DigestId: 0x17000001, Config: &p4v1.DigestEntry_Config{MaxListSize: int32(a.n(3))}}}
			break
		}
		v := &p4v1.ValueSetEntry{ValueSetId: 0x03000001}
		for i := range byte(a.n(4)) {
			v.Members = append(v.Members, &p4v1.ValueSetMember{Match: []*p4v1.FieldMatch{exactly([]byte{i + byte(a.n(2))*8})}})
		}
		modify(&p4v1.Entity{Entity: &p4v1.Entity_ValueSetEntry{ValueSetEntry: v}})
	case 15:
		te := a.entry(p4v1.Update_DELETE)
		key := &p4v1.TableEntry{TableId: te.TableId, Match: te.Match, Priority: te.Priority}
		switch te.TableId {
		case 0x02000001:
			modify(&p4v1.Entity{Entity: &p4v1.Entity_DirectCounterEntry{DirectCounterEntry: &p4v1.DirectCounterEntry{TableEntry: key, Data: &p4v1.CounterData{ByteCount: int64(a.n(5))}}}})
		case 0x02000002:
			modify(&p4v1.Entity{Entity: &p4v1.Entity_DirectMeterEntry{DirectMeterEntry: &p4v1.DirectMeterEntry{TableEntry: key, Config: &p4v1.MeterConfig{Cir: 3, Pir: 4}}}})
		default:
			u.Entity.Entity = &p4v1.Entity_TableEntry{TableEntry: te}
		}
	}
	return u
}

// mutate breaks a well-formed update in one place and says what the answer to that
// is; ok is false if the place is not there.
func (a author) mutate(u *p4v1.Update) (want codes.Code, ok bool) {
	te := u.GetEntity().GetTableEntry()
	keyed := te != nil && len(te.Match) > 0
	acted := te.GetAction().GetAction() != nil && u.Type != p4v1.Update_DELETE
	switch a.n(16) {
	case 0:
		u.Type = p4v1.Update_UNSPECIFIED
		return codes.InvalidArgument, true
	case 1:
		u.Entity = &p4v1.Entity{}
		return codes.InvalidArgument, true
	case 2:
		if te == nil {
			return 0, false
		}
		if te.TableId = 0; a.n(2) == 0 {
			return codes.InvalidArgument, true
		}
		te.TableId = 0x02000099
		return codes.NotFound, true
	case 3:
		if !keyed {
			return 0, false
		}
		te.Match[0].FieldId = 77
		return codes.InvalidArgument, true
	case 4:
		if !keyed {
			return 0, false
		}
		te.Match = append(te.Match, te.Match[0])
		return codes.InvalidArgument, true
	case 5:
		if !keyed {
			return 0, false
		}
		te.Match[0].FieldMatchType = nil
		return codes.InvalidArgument, true
	case 6:
		if !keyed || te.Match[0].GetExact() == nil {
			return 0, false
		}
		te.Match[0].GetExact().Value = pick(a.dice, nil, []byte{1, 0, 0, 0, 0})
		return codes.InvalidArgument, true
	case 7:
		if !keyed || te.Match[0].GetLpm() == nil {
			return 0, false
		}
		te.Match[0].GetLpm().PrefixLen = pick(a.dice, int32(0), -1, 33, 4)
		return codes.InvalidArgument, true
	case 8:
		if te == nil || te.IsDefaultAction {
			return 0, false
		}
		if te.Priority > 0 {
			te.Priority = pick(a.dice, int32(0), -1)
		} else {
			te.Priority = 1
		}
		return codes.InvalidArgument, true
	case 9:
		if !acted {
			return 0, false
		}
		te.GetAction().GetAction().ActionId = pick(a.dice, uint32(0), 0x01000004, 0x01000099)
		return codes.InvalidArgument, true
	case 10:
		if !acted {
			return 0, false
		}
		x := te.GetAction().GetAction()
		x.Params = append(x.Params, &p4v1.Action_Param{ParamId: 9, Value: []byte{1}})
		return codes.InvalidArgument, true
	case 11:
		if !acted || len(te.GetAction().GetAction().GetParams()) == 0 {
			return 0, false
		}
		x := te.GetAction().GetAction()
		if a.n(2) == 0 {
			x.Params = x.Params[1:]
		} else {
			x.Params[0].Value = pick(a.dice, nil, []byte{2, 0})
		}
		return codes.InvalidArgument, true
	case 12:
		if te == nil || te.IsDefaultAction || u.Type == p4v1.Update_DELETE {
			return 0, false
		}
		te.TimeSinceLastHit = &p4v1.TableEntry_IdleTimeout{}
		return codes.InvalidArgument, true
	case 13:
		if !acted || te.TableId == 0x02000003 {
			return 0, false
		}
		te.Action = &p4v1.TableAction{Type: &p4v1.TableAction_ActionProfileGroupId{ActionProfileGroupId: 1}}
		return codes.InvalidArgument, true
	case 14:
		g := u.GetEntity().GetActionProfileGroup()
		if len(g.GetMembers()) == 0 || u.Type == p4v1.Update_DELETE {
			return 0, false
		}
		g.Members[0].Weight = pick(a.dice, int32(0), -1)
		return codes.InvalidArgument, true
	default:
		m := u.GetEntity().GetMeterEntry()
		if m.GetIndex() == nil {
			return 0, false
		}
		if m.Index.Index = -1; a.n(2) == 0 {
			return codes.InvalidArgument, true
		}
		m.Index.Index = 3
		return codes.OutOfRange, true
	}
}
