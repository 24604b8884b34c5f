package p4src_test

import (
	"bytes"
	"context"
	"fmt"

	configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/p4src"
)

// canonical strips the leading zeros of a P4Runtime byte string.
func canonical(b []byte) []byte {
	b = bytes.TrimLeft(b, "\x00")
	if len(b) == 0 {
		return []byte{0}
	}
	return b
}

func (r *realSwitch) table(name string) *configv1.Table {
	for _, t := range r.info.GetTables() {
		if t.GetPreamble().GetName() == name {
			return t
		}
	}
	r.Fatalf("BUG: no table %s", name)
	return nil
}

func (r *realSwitch) action(a *device.Action) *p4v1.Action {
	for _, info := range r.info.GetActions() {
		if info.GetPreamble().GetName() != a.Name {
			continue
		}
		out := &p4v1.Action{ActionId: info.GetPreamble().GetId()}
		for i, p := range info.GetParams() {
			out.Params = append(out.Params, &p4v1.Action_Param{ParamId: p.GetId(), Value: canonical(a.Args[i])})
		}
		return out
	}
	r.Fatalf("BUG: no action %s", a.Name)
	return nil
}

func (r *realSwitch) Insert(table string, e device.Entry) error {
	t := r.table(table)
	te := &p4v1.TableEntry{TableId: t.GetPreamble().GetId(), Priority: e.Priority}
	for i, f := range t.GetMatchFields() {
		m := e.Matches[i]
		fm := &p4v1.FieldMatch{FieldId: f.GetId()}
		switch m.Kind {
		case device.Exact:
			fm.FieldMatchType = &p4v1.FieldMatch_Exact_{Exact: &p4v1.FieldMatch_Exact{Value: canonical(m.Value)}}
		case device.LPM:
			if m.PrefixLen == 0 {
				continue
			}
			fm.FieldMatchType = &p4v1.FieldMatch_Lpm{Lpm: &p4v1.FieldMatch_LPM{Value: canonical(m.Value), PrefixLen: int32(m.PrefixLen)}}
		case device.Ternary:
			if len(bytes.Trim(m.Mask, "\x00")) == 0 {
				continue
			}
			fm.FieldMatchType = &p4v1.FieldMatch_Ternary_{Ternary: &p4v1.FieldMatch_Ternary{Value: canonical(m.Value), Mask: canonical(m.Mask)}}
		default:
			return fmt.Errorf("BUG: match kind %v", m.Kind)
		}
		te.Match = append(te.Match, fm)
	}
	switch {
	case e.Target.Member != nil:
		te.Action = &p4v1.TableAction{Type: &p4v1.TableAction_ActionProfileMemberId{ActionProfileMemberId: *e.Target.Member}}
	case e.Target.Group != nil:
		te.Action = &p4v1.TableAction{Type: &p4v1.TableAction_ActionProfileGroupId{ActionProfileGroupId: *e.Target.Group}}
	default:
		te.Action = &p4v1.TableAction{Type: &p4v1.TableAction_Action{Action: r.action(e.Target.Action)}}
	}
	return r.write(p4v1.Update_INSERT, &p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: te}})
}

func (r *realSwitch) SetDefault(table string, t *device.Target) error {
	return r.write(p4v1.Update_MODIFY, &p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: &p4v1.TableEntry{
		TableId: r.table(table).GetPreamble().GetId(), IsDefaultAction: true,
		Action: &p4v1.TableAction{Type: &p4v1.TableAction_Action{Action: r.action(t.Action)}},
	}}})
}

func (r *realSwitch) InsertMember(_ string, m device.Member) error {
	return r.write(p4v1.Update_INSERT, &p4v1.Entity{Entity: &p4v1.Entity_ActionProfileMember{ActionProfileMember: &p4v1.ActionProfileMember{
		ActionProfileId: p4src.ProfileECMP, MemberId: m.ID, Action: r.action(&m.Action),
	}}})
}

func (r *realSwitch) InsertGroup(_ string, g device.Group) error {
	group := &p4v1.ActionProfileGroup{ActionProfileId: p4src.ProfileECMP, GroupId: g.ID, MaxSize: g.MaxSize}
	for _, m := range g.Members {
		group.Members = append(group.Members, &p4v1.ActionProfileGroup_Member{MemberId: m.Member, Weight: m.Weight})
	}
	return r.write(p4v1.Update_INSERT, &p4v1.Entity{Entity: &p4v1.Entity_ActionProfileGroup{ActionProfileGroup: group}})
}

func (r *realSwitch) SetCloneSession(c device.CloneSession) error {
	session := &p4v1.CloneSessionEntry{SessionId: c.ID}
	for _, rep := range c.Replicas {
		session.Replicas = append(session.Replicas, &p4v1.Replica{EgressPort: rep.Port, Instance: rep.Instance})
	}
	return r.write(p4v1.Update_INSERT, &p4v1.Entity{Entity: &p4v1.Entity_PacketReplicationEngineEntry{
		PacketReplicationEngineEntry: &p4v1.PacketReplicationEngineEntry{
			Type: &p4v1.PacketReplicationEngineEntry_CloneSessionEntry{CloneSessionEntry: session},
		},
	}})
}

func (r *realSwitch) ReadCounter(name string, index int) (device.CounterValue, error) {
	for _, c := range r.info.GetCounters() {
		if c.GetPreamble().GetName() != name {
			continue
		}
		entities, err := r.controller.Read(context.Background(), &p4v1.Entity{
			Entity: &p4v1.Entity_CounterEntry{CounterEntry: &p4v1.CounterEntry{
				CounterId: c.GetPreamble().GetId(), Index: &p4v1.Index{Index: int64(index)},
			}},
		})
		if err != nil {
			return device.CounterValue{}, err
		}
		if len(entities) != 1 {
			return device.CounterValue{}, fmt.Errorf("counter %s, cell %d: got %d entities, want 1", name, index, len(entities))
		}
		data := entities[0].GetCounterEntry().GetData()
		return device.CounterValue{Packets: uint64(data.GetPacketCount()), Bytes: uint64(data.GetByteCount())}, nil
	}
	return device.CounterValue{}, fmt.Errorf("no counter %s", name)
}
