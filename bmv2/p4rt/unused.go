package p4rt

import (
	"fmt"
	"maps"
	"slices"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/p4rt/entity"
)

// members is what a device does for action profiles.
type members interface {
	InsertMember(profile string, m device.Member) error
	ModifyMember(profile string, m device.Member) error
	DeleteMember(profile string, id uint32) error
	Members(profile string) ([]device.Member, error)
	InsertGroup(profile string, g device.Group) error
	ModifyGroup(profile string, g device.Group) error
	DeleteGroup(profile string, id uint32) error
	Groups(profile string) ([]device.Group, error)
}

// profile is who holds the members of an action profile: the device, or a shelf for
// a profile that no table uses and the device's program therefore does not have.
func (s *store) profile(p *entity.Profile) members {
	if !p.Unused {
		return s.dev
	}
	if s.shelves[p.ID] == nil {
		s.shelves[p.ID] = &shelf{most: p.Size, members: map[uint32]device.Member{}, groups: map[uint32]device.Group{}}
	}
	return s.shelves[p.ID]
}

// shelf keeps members and groups that no packet ever meets.
type shelf struct {
	most    int // members, 0 = any number
	members map[uint32]device.Member
	groups  map[uint32]device.Group
}

func refused(what string, id uint32, profile string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot %s %d of action profile %q: %w", what, id, profile, err)
}

func put[T any](m map[uint32]T, id uint32, v T, there bool) error {
	switch _, ok := m[id]; {
	case ok && !there:
		return device.ErrExists
	case !ok && there:
		return device.ErrNotFound
	}
	m[id] = v
	return nil
}

func (s *shelf) InsertMember(profile string, m device.Member) error {
	if _, ok := s.members[m.ID]; !ok && s.most > 0 && len(s.members) >= s.most {
		return refused("insert member", m.ID, profile, device.ErrExhausted)
	}
	return refused("insert member", m.ID, profile, put(s.members, m.ID, m, false))
}

func (s *shelf) ModifyMember(profile string, m device.Member) error {
	return refused("modify member", m.ID, profile, put(s.members, m.ID, m, true))
}

func (s *shelf) DeleteMember(profile string, id uint32) error {
	if _, ok := s.members[id]; !ok {
		return refused("delete member", id, profile, device.ErrNotFound)
	}
	for _, g := range s.groups {
		if slices.ContainsFunc(g.Members, func(m device.GroupMember) bool { return m.Member == id }) {
			return refused("delete member", id, profile, fmt.Errorf("group %d names it: %w", g.ID, device.ErrInUse))
		}
	}
	delete(s.members, id)
	return nil
}

func (s *shelf) Members(string) ([]device.Member, error) { return byID(s.members), nil }

func (s *shelf) check(g device.Group) error {
	sum := 0
	for _, m := range g.Members {
		if _, ok := s.members[m.Member]; !ok {
			return fmt.Errorf("member %d: %w", m.Member, device.ErrNotFound)
		}
		sum += int(m.Weight)
	}
	for _, most := range []int{s.most, int(g.MaxSize)} {
		if most > 0 && sum > most {
			return fmt.Errorf("its weights sum up to %d, more than %d: %w", sum, most, device.ErrExhausted)
		}
	}
	return nil
}

func (s *shelf) InsertGroup(profile string, g device.Group) error {
	if _, ok := s.groups[g.ID]; ok {
		return refused("insert group", g.ID, profile, device.ErrExists)
	}
	if err := s.check(g); err != nil {
		return refused("insert group", g.ID, profile, err)
	}
	return put(s.groups, g.ID, g, false)
}

func (s *shelf) ModifyGroup(profile string, g device.Group) error {
	if _, ok := s.groups[g.ID]; !ok {
		return refused("modify group", g.ID, profile, device.ErrNotFound)
	}
	if err := s.check(g); err != nil {
		return refused("modify group", g.ID, profile, err)
	}
	return put(s.groups, g.ID, g, true)
}

func (s *shelf) DeleteGroup(profile string, id uint32) error {
	if _, ok := s.groups[id]; !ok {
		return refused("delete group", id, profile, device.ErrNotFound)
	}
	delete(s.groups, id)
	return nil
}

func (s *shelf) Groups(string) ([]device.Group, error) { return byID(s.groups), nil }

func byID[T any](m map[uint32]T) []T {
	out := make([]T, 0, len(m))
	for _, id := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[id])
	}
	return out
}
