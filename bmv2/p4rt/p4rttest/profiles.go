package p4rttest

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/telltale-net/telltale/bmv2/device"
)

// used calls has on every target that points into a profile.
func (d *Device) used(name string, has func(device.Target) bool) bool {
	for _, t := range d.tables {
		if t.profile == name && slices.ContainsFunc(t.entries, func(e device.Entry) bool { return has(e.Target) }) {
			return true
		}
	}
	return false
}

// InsertMember adds a member.
func (d *Device) InsertMember(name string, m device.Member) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.profile(name)
	if err != nil {
		return err
	}
	if _, ok := p.members[m.ID]; ok {
		return fmt.Errorf("member %d: %w", m.ID, device.ErrExists)
	}
	if p.max > 0 && int64(len(p.members)) >= p.max {
		return fmt.Errorf("profile %s holds %d members: %w", name, p.max, device.ErrExhausted)
	}
	p.members[m.ID] = m
	return nil
}

// ModifyMember replaces a member's action.
func (d *Device) ModifyMember(name string, m device.Member) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.profile(name)
	if err != nil {
		return err
	}
	if _, ok := p.members[m.ID]; !ok {
		return fmt.Errorf("member %d: %w", m.ID, device.ErrNotFound)
	}
	p.members[m.ID] = m
	return nil
}

// DeleteMember removes a member that nothing uses.
func (d *Device) DeleteMember(name string, id uint32) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.profile(name)
	if err != nil {
		return err
	}
	if _, ok := p.members[id]; !ok {
		return fmt.Errorf("member %d: %w", id, device.ErrNotFound)
	}
	for _, g := range p.groups {
		if slices.ContainsFunc(g.Members, func(m device.GroupMember) bool { return m.Member == id }) {
			return fmt.Errorf("member %d is in group %d: %w", id, g.ID, device.ErrInUse)
		}
	}
	if d.used(name, func(t device.Target) bool { return t.Member != nil && *t.Member == id }) {
		return fmt.Errorf("member %d is in a table: %w", id, device.ErrInUse)
	}
	delete(p.members, id)
	return nil
}

// Members returns the members by id.
func (d *Device) Members(name string) ([]device.Member, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.profile(name)
	if err != nil {
		return nil, err
	}
	return sorted(p.members), nil
}

func sorted[T any](m map[uint32]T) []T {
	ids := make([]uint32, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, cmp.Compare[uint32])
	out := make([]T, 0, len(m))
	for _, id := range ids {
		out = append(out, m[id])
	}
	return out
}

func (p *profile) check(g device.Group) error {
	for _, m := range g.Members {
		if _, ok := p.members[m.Member]; !ok {
			return fmt.Errorf("group %d: member %d: %w", g.ID, m.Member, device.ErrNotFound)
		}
	}
	return nil
}

// InsertGroup adds a group.
func (d *Device) InsertGroup(name string, g device.Group) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.profile(name)
	if err != nil {
		return err
	}
	if _, ok := p.groups[g.ID]; ok {
		return fmt.Errorf("group %d: %w", g.ID, device.ErrExists)
	}
	if err := p.check(g); err != nil {
		return err
	}
	p.groups[g.ID] = g
	return nil
}

// ModifyGroup replaces a group.
func (d *Device) ModifyGroup(name string, g device.Group) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.profile(name)
	if err != nil {
		return err
	}
	if _, ok := p.groups[g.ID]; !ok {
		return fmt.Errorf("group %d: %w", g.ID, device.ErrNotFound)
	}
	if err := p.check(g); err != nil {
		return err
	}
	p.groups[g.ID] = g
	return nil
}

// DeleteGroup removes a group that no entry uses.
func (d *Device) DeleteGroup(name string, id uint32) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.profile(name)
	if err != nil {
		return err
	}
	if _, ok := p.groups[id]; !ok {
		return fmt.Errorf("group %d: %w", id, device.ErrNotFound)
	}
	if d.used(name, func(t device.Target) bool { return t.Group != nil && *t.Group == id }) {
		return fmt.Errorf("group %d is in a table: %w", id, device.ErrInUse)
	}
	delete(p.groups, id)
	return nil
}

// Groups returns the groups by id.
func (d *Device) Groups(name string) ([]device.Group, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.profile(name)
	if err != nil {
		return nil, err
	}
	return sorted(p.groups), nil
}
