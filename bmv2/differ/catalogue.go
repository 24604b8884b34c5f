package differ

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"

	configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
)

// catalogue lists entities by what identifies them, in one spelling, with what they count.
func (d *differ) catalogue(q question, in []*p4v1.Entity) map[string]*p4v1.CounterData {
	out := map[string]*p4v1.CounterData{}
	for _, e := range in {
		if c := e.GetCounterEntry(); c != nil { // there may be very many
			out[fmt.Sprintf("index %06d", c.GetIndex().GetIndex())] = inUnit(c.GetData(), q.unit)
			continue
		}
		e = proto.CloneOf(e)
		var count *p4v1.CounterData
		switch {
		case e.GetTableEntry() != nil:
			t := e.GetTableEntry()
			count, t.CounterData = t.GetCounterData(), nil
			t.TimeSinceLastHit = nil
			t.ProtoReflect().SetUnknown(nil) // is_const, of which older servers know nothing
			if m := t.GetMeterConfig(); m != nil && proto.Equal(m, &p4v1.MeterConfig{}) {
				t.MeterConfig = nil
			}
			t.MeterCounterData = nil
			d.canonical(t)
			slices.SortFunc(t.Match, func(a, b *p4v1.FieldMatch) int { return cmp.Compare(a.GetFieldId(), b.GetFieldId()) })
			sortParams(t.GetAction().GetAction())
			for _, a := range t.GetAction().GetActionProfileActionSet().GetActionProfileActions() {
				sortParams(a.GetAction())
			}
		case e.GetMeterEntry() != nil:
			m := e.GetMeterEntry()
			m.CounterData = nil
		case e.GetActionProfileMember() != nil:
			sortParams(e.GetActionProfileMember().GetAction())
		case e.GetActionProfileGroup() != nil:
			members := e.GetActionProfileGroup().Members
			slices.SortFunc(members, func(a, b *p4v1.ActionProfileGroup_Member) int {
				return cmp.Compare(a.GetMemberId(), b.GetMemberId())
			})
			if len(members) > 1 { // p4lang's server reads back one member's port for all of them
				for _, m := range members {
					m.WatchKind = nil
				}
			}
		case e.GetPacketReplicationEngineEntry() != nil:
			p := e.GetPacketReplicationEngineEntry()
			for _, list := range [][]*p4v1.Replica{p.GetMulticastGroupEntry().GetReplicas(), p.GetCloneSessionEntry().GetReplicas()} {
				slices.SortFunc(list, func(a, b *p4v1.Replica) int {
					return cmp.Or(cmp.Compare(a.GetInstance(), b.GetInstance()), cmp.Compare(a.GetEgressPort(), b.GetEgressPort()))
				})
			}
		}
		if count != nil {
			count = inUnit(count, q.unit)
		}
		out[prototext.MarshalOptions{}.Format(e)] = count
	}
	return out
}

// canonical clears the bits of keys that do not count, which const entries may have.
func (d *differ) canonical(t *p4v1.TableEntry) {
	for _, in := range d.cfg.Program.Info.GetTables() {
		if in.GetPreamble().GetId() != t.GetTableId() {
			continue
		}
		for _, f := range in.GetMatchFields() {
			for _, m := range t.GetMatch() {
				if m.GetFieldId() != f.GetId() || f.GetBitwidth() == 0 {
					continue
				}
				if lpm := m.GetLpm(); lpm != nil {
					v := new(big.Int).SetBytes(lpm.GetValue())
					free := uint(max(0, f.GetBitwidth()-lpm.GetPrefixLen()))
					lpm.Value = v.Lsh(v.Rsh(v, free), free).Bytes()
				}
				if t := m.GetTernary(); t != nil {
					v := new(big.Int).SetBytes(t.GetValue())
					t.Value = v.And(v, new(big.Int).SetBytes(t.GetMask())).Bytes()
				}
			}
		}
	}
}

// inUnit is a counter without what it is not declared to count.
func inUnit(c *p4v1.CounterData, unit configv1.CounterSpec_Unit) *p4v1.CounterData {
	out := &p4v1.CounterData{PacketCount: c.GetPacketCount(), ByteCount: c.GetByteCount()}
	switch unit {
	case configv1.CounterSpec_BYTES:
		out.PacketCount = 0
	case configv1.CounterSpec_PACKETS:
		out.ByteCount = 0
	}
	return out
}

func sortParams(a *p4v1.Action) {
	slices.SortFunc(a.GetParams(), func(a, b *p4v1.Action_Param) int { return cmp.Compare(a.GetParamId(), b.GetParamId()) })
}
