package randpkt

import (
	"slices"

	configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
)

// profile is what was made of an action profile.
type profile struct {
	oneShot bool
	refs    []*configv1.ActionRef
	members []uint32
	groups  []uint32
}

func (m *maker) profile(p *configv1.ActionProfile) *profile {
	out := &profile{oneShot: p.GetWithSelector() && m.r.IntN(2) == 0}
	for _, t := range m.info.GetTables() {
		if slices.Contains(p.GetTableIds(), t.GetPreamble().GetId()) {
			out.refs = t.GetActionRefs() // the tables of a profile have the same actions
		}
	}
	if out.oneShot {
		return out
	}
	id := p.GetPreamble().GetId()
	for i := range uint32(m.cfg.Entries) {
		a := m.action(out.refs, false)
		if a == nil {
			return out
		}
		out.members = append(out.members, i+1)
		m.insert(&p4v1.Entity{Entity: &p4v1.Entity_ActionProfileMember{ActionProfileMember: &p4v1.ActionProfileMember{
			ActionProfileId: id, MemberId: i + 1, Action: a,
		}}})
	}
	most := len(out.members) // of the sum of weights in a group
	if p.GetMaxGroupSize() > 0 {
		most = min(most, int(p.GetMaxGroupSize()))
	}
	for i := uint32(0); p.GetWithSelector() && i < uint32(m.cfg.Entries)/2; i++ {
		e := &p4v1.ActionProfileGroup{ActionProfileId: id, GroupId: i + 1, MaxSize: int32(most)}
		for _, k := range m.r.Perm(len(out.members))[:m.r.IntN(min(6, most+1))] { // groups may be empty
			e.Members = append(e.Members, &p4v1.ActionProfileGroup_Member{MemberId: out.members[k], Weight: 1})
		}
		if len(e.Members) > 0 { // BMv2 takes no entry that leads to an empty group
			out.groups = append(out.groups, i+1)
		}
		m.insert(&p4v1.Entity{Entity: &p4v1.Entity_ActionProfileGroup{ActionProfileGroup: e}})
	}
	return out
}
