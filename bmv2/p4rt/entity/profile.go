//lint:file-ignore SA1019 fields that P4Runtime deprecated are still part of it: kept, or refused by name.

package entity

import (
	"fmt"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"

	"github.com/telltale-net/telltale/bmv2/device"
)

// DecodeMember checks an action profile member. For DELETE only the ids count
// (specification, "Member Programming").
func (s *Schema) DecodeMember(op p4v1.Update_Type, m *p4v1.ActionProfileMember) (*Profile, device.Member, error) {
	out := device.Member{ID: m.GetMemberId()}
	p, err := s.Profile(m.GetActionProfileId())
	if err != nil {
		return nil, out, err
	}
	if out.ID == 0 {
		return nil, out, invalid("action profile %s: member id is 0", p.Name)
	}
	if op == p4v1.Update_DELETE {
		return p, out, nil
	}
	out.Action, err = s.decodeAction(fmt.Sprintf("action profile %s, member %d", p.Name, out.ID), p.actions, false, m.GetAction())
	return p, out, err
}

// EncodeMember writes a member.
func (s *Schema) EncodeMember(p *Profile, m device.Member) (*p4v1.ActionProfileMember, error) {
	a, err := s.EncodeAction(m.Action)
	if err != nil {
		return nil, err
	}
	return &p4v1.ActionProfileMember{ActionProfileId: p.ID, MemberId: m.ID, Action: a}, nil
}

// DecodeGroup checks an action selector group. For DELETE only the ids count
// (specification, "Group Programming" and "Rules on Setting max_size").
//
// A max_size of 0 stands for the selector's own max_group_size, as p4runtime.proto
// says; the prose of the specification would refuse it where that is not 0.
func (s *Schema) DecodeGroup(op p4v1.Update_Type, g *p4v1.ActionProfileGroup) (*Profile, device.Group, error) {
	out := device.Group{ID: g.GetGroupId(), MaxSize: g.GetMaxSize()}
	p, err := s.Profile(g.GetActionProfileId())
	if err != nil {
		return nil, out, err
	}
	where := fmt.Sprintf("action profile %s, group %d", p.Name, out.ID)
	if !p.Selector {
		return nil, out, invalid("%s: it is no action selector and has no groups", where)
	}
	if out.ID == 0 {
		return nil, out, invalid("action profile %s: group id is 0", p.Name)
	}
	if op == p4v1.Update_DELETE {
		return p, out, nil
	}
	if out.MaxSize < 0 || p.MaxGroup > 0 && out.MaxSize > p.MaxGroup {
		return nil, out, invalid("%s: max_size %d, want 0 to %d", where, out.MaxSize, p.MaxGroup)
	}
	var sum int64
	seen := map[uint32]bool{}
	for _, m := range g.GetMembers() {
		switch {
		case m.GetMemberId() == 0:
			return nil, out, invalid("%s: a member id is 0", where)
		case seen[m.GetMemberId()]:
			return nil, out, invalid("%s: member %d comes twice; use its weight", where, m.GetMemberId())
		case m.GetWeight() <= 0:
			return nil, out, invalid("%s: member %d has weight %d, want at least 1", where, m.GetMemberId(), m.GetWeight())
		}
		seen[m.GetMemberId()] = true
		sum += int64(m.GetWeight())
		o := device.GroupMember{Member: m.GetMemberId(), Weight: m.GetWeight()}
		switch w := m.GetWatchKind().(type) {
		case *p4v1.ActionProfileGroup_Member_WatchPort:
			o.WatchPort, o.HasWatch, err = decodeWatch(w.WatchPort)
		case *p4v1.ActionProfileGroup_Member_Watch:
			o.WatchPort, o.HasWatch, err = decodeOldWatch(w.Watch)
		}
		if err != nil {
			return nil, out, invalid("%s: member %d: %v", where, o.Member, err)
		}
		out.Members = append(out.Members, o)
	}
	limit := int64(out.MaxSize)
	if limit == 0 {
		limit = int64(p.MaxGroup)
	}
	if limit > 0 && sum > limit {
		return nil, out, Errorf(codes.ResourceExhausted, "%s: weights sum to %d, it holds %d", where, sum, limit)
	}
	return p, out, nil
}

// EncodeGroup writes a group.
func (s *Schema) EncodeGroup(p *Profile, g device.Group) *p4v1.ActionProfileGroup {
	out := &p4v1.ActionProfileGroup{ActionProfileId: p.ID, GroupId: g.ID, MaxSize: g.MaxSize}
	for _, m := range g.Members {
		o := &p4v1.ActionProfileGroup_Member{MemberId: m.Member, Weight: m.Weight}
		if m.HasWatch {
			o.WatchKind = &p4v1.ActionProfileGroup_Member_WatchPort{WatchPort: encodePort(m.WatchPort)}
		}
		out.Members = append(out.Members, o)
	}
	return out
}

// decodeWatch reads a watch port; empty means that nothing is watched.
func decodeWatch(b []byte) (port uint32, has bool, err error) {
	if len(b) == 0 {
		return 0, false, nil
	}
	port, err = decodePort(b)
	return port, err == nil, err
}

// decodeOldWatch reads the deprecated integer form.
func decodeOldWatch(v int32) (port uint32, has bool, err error) {
	switch {
	case v == 0:
		return 0, false, nil
	case v < 0 || v > MaxPort:
		return 0, false, invalid("watch port %d, want 0 to %d", v, MaxPort)
	}
	return uint32(v), true, nil
}
