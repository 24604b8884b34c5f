package p4rt

import (
	"fmt"
	"strings"

	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// UpdateError is one update that a switch refused.
type UpdateError struct {
	Index   int // among the updates given to Write
	Type    p4v1.Update_Type
	Entity  string // what it was about, by names where the P4Info is known
	Code    codes.Code
	Message string // the switch's words
}

func (e UpdateError) Error() string {
	return fmt.Sprintf("update %d, %v %s: %v: %s", e.Index, e.Type, e.Entity, e.Code, e.Message)
}

// WriteError says which updates of a Write a switch refused. All others were
// carried out.
type WriteError struct {
	Updates int // given to Write
	Failed  []UpdateError
}

func (e *WriteError) Error() string {
	const show = 3
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d updates failed", len(e.Failed), e.Updates)
	for i, f := range e.Failed {
		if i == show {
			fmt.Fprintf(&b, "; and %d more", len(e.Failed)-show)
			break
		}
		fmt.Fprintf(&b, "; %v", f)
	}
	return b.String()
}

// details decodes the p4.v1.Error messages of a status: one per element of the
// batch, in its order. nil if the status has none, because the whole RPC failed.
func details(err error) []*p4v1.Error {
	st, ok := status.FromError(err)
	if !ok {
		return nil
	}
	var out []*p4v1.Error
	for _, d := range st.Details() {
		e, ok := d.(*p4v1.Error)
		if !ok {
			return nil
		}
		out = append(out, e)
	}
	return out
}

// code is the code of an RPC, or of the first element of its batch that failed.
func code(err error) codes.Code {
	for _, d := range details(err) {
		if d.GetCanonicalCode() != int32(codes.OK) {
			return codes.Code(d.GetCanonicalCode())
		}
	}
	return status.Code(err)
}

// Describe names an entity for people, by names where info has them; info may be nil.
func Describe(e *p4v1.Entity, info *p4configv1.P4Info) string {
	switch v := e.GetEntity().(type) {
	case *p4v1.Entity_TableEntry:
		return describeEntry(v.TableEntry, info)
	case *p4v1.Entity_ActionProfileMember:
		return fmt.Sprintf("member %d of %s", v.ActionProfileMember.GetMemberId(), profileName(info, v.ActionProfileMember.GetActionProfileId()))
	case *p4v1.Entity_ActionProfileGroup:
		return fmt.Sprintf("group %d of %s", v.ActionProfileGroup.GetGroupId(), profileName(info, v.ActionProfileGroup.GetActionProfileId()))
	case *p4v1.Entity_CounterEntry:
		return fmt.Sprintf("counter %d index %v", v.CounterEntry.GetCounterId(), v.CounterEntry.GetIndex().GetIndex())
	case *p4v1.Entity_MeterEntry:
		return fmt.Sprintf("meter %d index %v", v.MeterEntry.GetMeterId(), v.MeterEntry.GetIndex().GetIndex())
	case *p4v1.Entity_RegisterEntry:
		return fmt.Sprintf("register %d index %v", v.RegisterEntry.GetRegisterId(), v.RegisterEntry.GetIndex().GetIndex())
	case *p4v1.Entity_DirectCounterEntry:
		return "direct counter of " + describeEntry(v.DirectCounterEntry.GetTableEntry(), info)
	case *p4v1.Entity_DirectMeterEntry:
		return "direct meter of " + describeEntry(v.DirectMeterEntry.GetTableEntry(), info)
	case *p4v1.Entity_PacketReplicationEngineEntry:
		p := v.PacketReplicationEngineEntry
		if g := p.GetMulticastGroupEntry(); g != nil {
			return fmt.Sprintf("multicast group %d", g.GetMulticastGroupId())
		}
		return fmt.Sprintf("clone session %d", p.GetCloneSessionEntry().GetSessionId())
	case *p4v1.Entity_DigestEntry:
		return fmt.Sprintf("digest %d", v.DigestEntry.GetDigestId())
	case *p4v1.Entity_ValueSetEntry:
		return fmt.Sprintf("value set %d", v.ValueSetEntry.GetValueSetId())
	case nil:
		return "nothing"
	}
	return fmt.Sprintf("%T", e.GetEntity())
}

func profileName(info *p4configv1.P4Info, id uint32) string {
	for _, p := range info.GetActionProfiles() {
		if p.GetPreamble().GetId() == id {
			return p.GetPreamble().GetName()
		}
	}
	return fmt.Sprintf("action profile %d", id)
}

func findTable(info *p4configv1.P4Info, id uint32) *p4configv1.Table {
	for _, t := range info.GetTables() {
		if t.GetPreamble().GetId() == id {
			return t
		}
	}
	return nil
}

func describeEntry(te *p4v1.TableEntry, info *p4configv1.P4Info) string {
	t := findTable(info, te.GetTableId())
	var b strings.Builder
	if t == nil {
		fmt.Fprintf(&b, "entry of table %d", te.GetTableId())
	} else {
		fmt.Fprintf(&b, "entry of %s", t.GetPreamble().GetName())
	}
	if te.GetIsDefaultAction() {
		b.WriteString(" (default)")
	}
	for _, m := range te.GetMatch() {
		name := fmt.Sprint(m.GetFieldId())
		for _, f := range t.GetMatchFields() {
			if f.GetId() == m.GetFieldId() {
				name = f.GetName()
			}
		}
		fmt.Fprintf(&b, " %s=", name)
		switch v := m.GetFieldMatchType().(type) {
		case *p4v1.FieldMatch_Exact_:
			fmt.Fprintf(&b, "%x", v.Exact.GetValue())
		case *p4v1.FieldMatch_Optional_:
			fmt.Fprintf(&b, "%x", v.Optional.GetValue())
		case *p4v1.FieldMatch_Lpm:
			fmt.Fprintf(&b, "%x/%d", v.Lpm.GetValue(), v.Lpm.GetPrefixLen())
		case *p4v1.FieldMatch_Ternary_:
			fmt.Fprintf(&b, "%x&%x", v.Ternary.GetValue(), v.Ternary.GetMask())
		case *p4v1.FieldMatch_Range_:
			fmt.Fprintf(&b, "%x..%x", v.Range.GetLow(), v.Range.GetHigh())
		}
	}
	if te.GetPriority() != 0 {
		fmt.Fprintf(&b, " priority=%d", te.GetPriority())
	}
	return b.String()
}
