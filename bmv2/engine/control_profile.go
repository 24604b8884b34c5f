package engine

import (
	"fmt"
	"maps"
	"slices"

	"github.com/telltale-net/telltale/bmv2/device"
)

// maxWeight bounds the members of a group counted by weight, where the program
// does not say how large a selector is.
const maxWeight = 1 << 16

func (s *Switch) profile(name string) (*profile, error) {
	i, err := s.prog.lookup(s.prog.byName.profiles, "action profile", name)
	if err != nil {
		return nil, err
	}
	return s.profiles[i], nil
}

// profiled runs a write on an action profile.
func (c Control) profiled(what string, id uint32, name string, do func(*Switch, *profile) error) error {
	s := c.begin()
	defer c.end()
	pr, err := s.profile(name)
	if err == nil {
		err = do(s, pr)
	}
	if err != nil {
		return fmt.Errorf("cannot %s %d of action profile %q: %w", what, id, name, err)
	}
	return nil
}

// InsertMember implements [device.Device].
func (c Control) InsertMember(name string, m device.Member) error {
	return c.profiled("insert member", m.ID, name, func(s *Switch, pr *profile) error {
		if pr.members[m.ID] != nil {
			return device.ErrExists
		}
		if most := s.prog.spec.Profiles[pr.index].MaxSize; most > 0 && len(pr.members) >= most {
			return fmt.Errorf("it holds %d members and no more: %w", most, device.ErrExhausted)
		}
		does, err := s.checkedCall(m.Action, s.prog.profileActions[pr.index])
		if err != nil {
			return err
		}
		// No entry names it yet: packets cannot come by.
		r := memberReply(does)
		pr.members[m.ID] = &member{id: m.ID, does: [2]reply{r, r}, dev: cloneMember(m), handles: []int{pr.handles.take()}}
		return nil
	})
}

// ModifyMember implements [device.Device].
func (c Control) ModifyMember(name string, m device.Member) error {
	return c.profiled("modify member", m.ID, name, func(s *Switch, pr *profile) error {
		old := pr.members[m.ID]
		if old == nil {
			return device.ErrNotFound
		}
		does, err := s.checkedCall(m.Action, s.prog.profileActions[pr.index])
		if err != nil {
			return err
		}
		old.dev = cloneMember(m)
		r := memberReply(does)
		s.change(func(view uint32) { old.does[view] = r })
		return nil
	})
}

// DeleteMember implements [device.Device].
func (c Control) DeleteMember(name string, id uint32) error {
	return c.profiled("delete member", id, name, func(s *Switch, pr *profile) error {
		m := pr.members[id]
		if m == nil {
			return device.ErrNotFound
		}
		if m.refs > 0 {
			return fmt.Errorf("%d entries and groups name it: %w", m.refs, device.ErrInUse)
		}
		for _, h := range m.handles {
			pr.handles.give(h)
		}
		delete(pr.members, id)
		return nil
	})
}

// Members implements [device.Device].
func (c Control) Members(name string) ([]device.Member, error) {
	s := c.begin()
	defer c.end()
	pr, err := s.profile(name)
	if err != nil {
		return nil, fmt.Errorf("cannot list the members: %w", err)
	}
	var out []device.Member
	for _, id := range slices.Sorted(maps.Keys(pr.members)) {
		out = append(out, cloneMember(pr.members[id].dev))
	}
	return out, nil
}

// InsertGroup implements [device.Device].
func (c Control) InsertGroup(name string, g device.Group) error {
	return c.profiled("insert group", g.ID, name, func(s *Switch, pr *profile) error {
		if pr.calc == nil {
			return fmt.Errorf("it has no selector: %w", device.ErrInvalid)
		}
		if pr.groups[g.ID] != nil {
			return device.ErrExists
		}
		if err := s.checkGroup(pr, g); err != nil {
			return err
		}
		fresh := &group{id: g.ID, prof: pr}
		pr.groups[g.ID] = fresh
		s.setGroup(fresh, g)
		return nil
	})
}

// ModifyGroup implements [device.Device].
func (c Control) ModifyGroup(name string, g device.Group) error {
	return c.profiled("modify group", g.ID, name, func(s *Switch, pr *profile) error {
		old := pr.groups[g.ID]
		if old == nil {
			return device.ErrNotFound
		}
		if g.MaxSize != old.dev.MaxSize {
			return fmt.Errorf("got maximum size %d; it is %d and cannot change: %w", g.MaxSize, old.dev.MaxSize, device.ErrInvalid)
		}
		if err := s.checkGroup(pr, g); err != nil {
			return err
		}
		s.setGroup(old, g)
		return nil
	})
}

func (s *Switch) checkGroup(pr *profile, g device.Group) error {
	most := s.prog.spec.Profiles[pr.index].MaxSize
	if most <= 0 {
		most = maxWeight
	}
	if g.MaxSize < 0 {
		return fmt.Errorf("got maximum size %d: %w", g.MaxSize, device.ErrInvalid)
	}
	if g.MaxSize > 0 {
		most = min(most, int(g.MaxSize))
	}
	seen, total := map[uint32]bool{}, 0
	for _, b := range g.Members {
		if pr.members[b.Member] == nil {
			return fmt.Errorf("member %d: %w", b.Member, device.ErrNotFound)
		}
		if seen[b.Member] {
			return fmt.Errorf("member %d is named twice: %w", b.Member, device.ErrInvalid)
		}
		seen[b.Member] = true
		if b.Weight < 1 {
			return fmt.Errorf("member %d has weight %d; want at least 1: %w", b.Member, b.Weight, device.ErrInvalid)
		}
		if total += int(b.Weight); total > most {
			return fmt.Errorf("its weights sum up to more than %d: %w", most, device.ErrExhausted)
		}
	}
	return nil
}

// setGroup gives a group its members.
func (s *Switch) setGroup(g *group, to device.Group) {
	pr := g.prof
	touched := map[uint32]bool{}
	for _, b := range g.dev.Members {
		pr.members[b.Member].refs--
		touched[b.Member] = true
	}
	before := g.dev
	to.Members = slices.Clone(to.Members)
	g.dev = to
	for _, b := range to.Members {
		pr.members[b.Member].refs++
		touched[b.Member] = true
	}
	// Handles in the order of ids, so that the outcome does not depend on the map.
	for _, id := range slices.Sorted(maps.Keys(touched)) {
		if m := pr.members[id]; weightIn(before, id) != weightIn(to, id) {
			pr.weigh(m)
		}
	}
	active := g.chosen(s.isUp)
	s.change(func(view uint32) { g.active[view] = active })
}

func weightIn(g device.Group, id uint32) int32 {
	for _, b := range g.Members {
		if b.Member == id {
			return b.Weight
		}
	}
	return 0
}

// DeleteGroup implements [device.Device].
func (c Control) DeleteGroup(name string, id uint32) error {
	return c.profiled("delete group", id, name, func(s *Switch, pr *profile) error {
		g := pr.groups[id]
		if g == nil {
			return device.ErrNotFound
		}
		if g.refs > 0 {
			return fmt.Errorf("%d entries name it: %w", g.refs, device.ErrInUse)
		}
		s.setGroup(g, device.Group{ID: id})
		delete(pr.groups, id)
		return nil
	})
}

// Groups implements [device.Device].
func (c Control) Groups(name string) ([]device.Group, error) {
	s := c.begin()
	defer c.end()
	pr, err := s.profile(name)
	if err != nil {
		return nil, fmt.Errorf("cannot list the groups: %w", err)
	}
	var out []device.Group
	for _, id := range slices.Sorted(maps.Keys(pr.groups)) {
		g := pr.groups[id].dev
		g.Members = slices.Clone(g.Members)
		out = append(out, g)
	}
	return out, nil
}

func cloneMember(m device.Member) device.Member {
	m.Action = cloneAction(m.Action)
	return m
}
