package p4rt

import (
	"math"
	"slices"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/p4rt/entity"
)

func (s *store) member(p *entity.Profile, id uint32) (device.Member, error) {
	all, err := s.profile(p).Members(p.Name)
	if err != nil {
		return device.Member{}, err
	}
	if i := slices.IndexFunc(all, func(m device.Member) bool { return m.ID == id }); i >= 0 {
		return all[i], nil
	}
	return device.Member{}, entity.Errorf(codes.NotFound, "action profile %s has no member %d", p.Name, id)
}

func (s *store) group(p *entity.Profile, id uint32) (device.Group, error) {
	all, err := s.profile(p).Groups(p.Name)
	if err != nil {
		return device.Group{}, err
	}
	if i := slices.IndexFunc(all, func(g device.Group) bool { return g.ID == id }); i >= 0 {
		return all[i], nil
	}
	return device.Group{}, entity.Errorf(codes.NotFound, "action profile %s has no group %d", p.Name, id)
}

// exclusive refuses members and groups in a profile that one-shots program
// (specification, "One Shot Action Selector Programming").
func (s *store) exclusive(p *entity.Profile) error {
	if s.sets[p.ID].used() {
		return entity.Errorf(codes.InvalidArgument, "action profile %s is programmed with one-shot action sets; members and groups cannot be mixed in", p.Name)
	}
	return nil
}

func (s *store) applyMember(op p4v1.Update_Type, in *p4v1.ActionProfileMember, mode undoMode) (undo, error) {
	p, m, err := s.schema.DecodeMember(op, in)
	if err != nil {
		return nil, err
	}
	if err := s.exclusive(p); err != nil {
		return nil, err
	}
	if op == p4v1.Update_INSERT {
		if err := s.profile(p).InsertMember(p.Name, m); err != nil {
			return nil, err
		}
		return func() error { return s.profile(p).DeleteMember(p.Name, m.ID) }, nil
	}
	var old device.Member
	if mode != noUndo {
		if old, err = s.member(p, m.ID); err != nil {
			return nil, err
		}
	}
	if op == p4v1.Update_MODIFY {
		if err := s.profile(p).ModifyMember(p.Name, m); err != nil {
			return nil, err
		}
		return func() error { return s.profile(p).ModifyMember(p.Name, old) }, nil
	}
	if err := s.profile(p).DeleteMember(p.Name, m.ID); err != nil {
		return nil, err
	}
	return func() error { return s.profile(p).InsertMember(p.Name, old) }, nil
}

func (s *store) applyGroup(op p4v1.Update_Type, in *p4v1.ActionProfileGroup, mode undoMode) (undo, error) {
	p, g, err := s.schema.DecodeGroup(op, in)
	if err != nil {
		return nil, err
	}
	if err := s.exclusive(p); err != nil {
		return nil, err
	}
	var old device.Group
	if op == p4v1.Update_MODIFY || mode != noUndo && op == p4v1.Update_DELETE {
		if old, err = s.group(p, g.ID); err != nil {
			return nil, err
		}
	}
	switch op {
	case p4v1.Update_INSERT:
		if err := s.profile(p).InsertGroup(p.Name, g); err != nil {
			return nil, err
		}
		return func() error { return s.profile(p).DeleteGroup(p.Name, g.ID) }, nil
	case p4v1.Update_MODIFY:
		if g.MaxSize != old.MaxSize {
			return nil, entity.Errorf(codes.InvalidArgument, "action profile %s, group %d: max_size was %d and cannot become %d", p.Name, g.ID, old.MaxSize, g.MaxSize)
		}
		if err := s.profile(p).ModifyGroup(p.Name, g); err != nil {
			return nil, err
		}
		return func() error { return s.profile(p).ModifyGroup(p.Name, old) }, nil
	}
	if err := s.profile(p).DeleteGroup(p.Name, g.ID); err != nil {
		return nil, err
	}
	return func() error { return s.profile(p).InsertGroup(p.Name, old) }, nil
}

// oneShots is what one action profile holds on behalf of one-shot action sets.
// While there is any, the profile belongs to them alone.
type oneShots struct {
	live          int    // one-shots in force
	member, group uint32 // last ids given out
}

func (o *oneShots) used() bool { return o != nil && o.live > 0 }

// oneShot is one action set in force: the group and the members that stand for it.
type oneShot struct {
	profile *entity.Profile
	group   uint32
	members []uint32
	actions []entity.OneShotAction
	proto   *p4v1.ActionProfileActionSet // as the client wrote it
}

// target points an entry at the group.
func (o *oneShot) target() device.Target {
	id := o.group
	return device.Target{Group: &id}
}

func (s *store) makeOneShot(e *entity.Entry) (*oneShot, error) {
	p := e.Table.Profile
	if !s.sets[p.ID].used() {
		ms, err := s.profile(p).Members(p.Name)
		if err != nil {
			return nil, err
		}
		gs, err := s.profile(p).Groups(p.Name)
		if err != nil {
			return nil, err
		}
		if len(ms)+len(gs) > 0 {
			return nil, entity.Errorf(codes.InvalidArgument, "table %s: action profile %s has members or groups of its own; one-shot action sets cannot be mixed in", e.Table.Name, p.Name)
		}
	}
	o := &oneShot{profile: p, actions: e.OneShot, proto: e.OneShotProto}
	if err := s.install(o); err != nil {
		return nil, err
	}
	return o, nil
}

// install inserts the members and the group for o's actions under new ids, and
// notes them in o: whoever holds o, an undo above all, sees the present ids.
func (s *store) install(o *oneShot) error {
	set := s.sets[o.profile.ID]
	if set == nil {
		set = &oneShots{}
		s.sets[o.profile.ID] = set
	}
	o.members = nil
	g := device.Group{ID: nextID(&set.group)}
	for _, a := range o.actions {
		m := device.Member{ID: nextID(&set.member), Action: a.Action}
		if err := s.dev.InsertMember(o.profile.Name, m); err != nil {
			return result(err, s.dropMembers(o))
		}
		o.members = append(o.members, m.ID)
		g.Members = append(g.Members, device.GroupMember{Member: m.ID, Weight: a.Weight, WatchPort: a.WatchPort, HasWatch: a.HasWatch})
	}
	if err := s.dev.InsertGroup(o.profile.Name, g); err != nil {
		return result(err, s.dropMembers(o))
	}
	o.group = g.ID
	set.live++
	return nil
}

// nextID counts up from 1; after 2³²−2 ids it starts again, by when the early
// ones are long free.
func nextID(last *uint32) uint32 {
	if *last == math.MaxUint32 {
		*last = 0
	}
	*last++
	return *last
}

// dropOneShot removes the group and members of a one-shot that nothing points to
// any more; nil is fine.
func (s *store) dropOneShot(o *oneShot) error {
	if o == nil {
		return nil
	}
	if err := s.dev.DeleteGroup(o.profile.Name, o.group); err != nil {
		return err
	}
	s.sets[o.profile.ID].live--
	return s.dropMembers(o)
}

func (s *store) dropMembers(o *oneShot) error {
	for _, id := range o.members {
		if err := s.dev.DeleteMember(o.profile.Name, id); err != nil {
			return err
		}
	}
	return nil
}
