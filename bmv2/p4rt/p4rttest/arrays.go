package p4rttest

import (
	"fmt"

	"github.com/telltale-net/telltale/bmv2/device"
)

// cell finds a cell of one of the arrays.
func cell[T any](m map[string][]T, name string, i int) (*T, error) {
	a, ok := m[name]
	switch {
	case !ok:
		return nil, fmt.Errorf("array %q: %w", name, device.ErrNotFound)
	case i < 0 || i >= len(a):
		return nil, fmt.Errorf("array %s of %d cells, index %d: %w", name, len(a), i, device.ErrInvalid)
	}
	return &a[i], nil
}

func length[T any](m map[string][]T, name string) (int, error) {
	a, ok := m[name]
	if !ok {
		return 0, fmt.Errorf("array %q: %w", name, device.ErrNotFound)
	}
	return len(a), nil
}

func read[T any](d *Device, m map[string][]T, name string, i int) (v T, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := cell(m, name, i)
	if err != nil {
		return v, err
	}
	return *p, nil
}

func write[T any](d *Device, m map[string][]T, name string, i int, v T) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := cell(m, name, i)
	if err != nil {
		return err
	}
	*p = v
	return nil
}

// CounterSize is the number of cells.
func (d *Device) CounterSize(name string) (int, error) { return length(d.counters, name) }

// ReadCounter reads a cell.
func (d *Device) ReadCounter(name string, i int) (device.CounterValue, error) {
	return read(d, d.counters, name, i)
}

// WriteCounter writes a cell.
func (d *Device) WriteCounter(name string, i int, v device.CounterValue) error {
	return write(d, d.counters, name, i, v)
}

// WriteDirectCounter sets the counter of an entry.
func (d *Device) WriteDirectCounter(name string, e device.Entry, v device.CounterValue) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, err := d.table(name)
	if err != nil {
		return err
	}
	i := t.find(e)
	if i < 0 {
		return fmt.Errorf("table %s: entry: %w", name, device.ErrNotFound)
	}
	t.entries[i].Counter = v
	return nil
}

// MeterSize is the number of cells.
func (d *Device) MeterSize(name string) (int, error) { return length(d.meters, name) }

// ReadMeter reads a cell.
func (d *Device) ReadMeter(name string, i int) (*device.MeterConfig, error) {
	return read(d, d.meters, name, i)
}

// WriteMeter writes a cell.
func (d *Device) WriteMeter(name string, i int, c *device.MeterConfig) error {
	return write(d, d.meters, name, i, c)
}

// RegisterSize is the number of cells.
func (d *Device) RegisterSize(name string) (int, error) { return length(d.regs, name) }

// ReadRegister reads a cell.
func (d *Device) ReadRegister(name string, i int) ([]byte, error) { return read(d, d.regs, name, i) }

// WriteRegister writes a cell.
func (d *Device) WriteRegister(name string, i int, v []byte) error {
	return write(d, d.regs, name, i, v)
}

// SetMulticastGroup inserts or replaces a group.
func (d *Device) SetMulticastGroup(g device.MulticastGroup) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.groups[g.ID] = g
	return nil
}

// DeleteMulticastGroup removes a group.
func (d *Device) DeleteMulticastGroup(id uint32) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.groups, id)
	return nil
}

// MulticastGroups returns the groups by id.
func (d *Device) MulticastGroups() []device.MulticastGroup {
	d.mu.Lock()
	defer d.mu.Unlock()
	return sorted(d.groups)
}

// SetCloneSession inserts or replaces a session.
func (d *Device) SetCloneSession(c device.CloneSession) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sessions[c.ID] = c
	return nil
}

// DeleteCloneSession removes a session.
func (d *Device) DeleteCloneSession(id uint32) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.sessions, id)
	return nil
}

// CloneSessions returns the sessions by id.
func (d *Device) CloneSessions() []device.CloneSession {
	d.mu.Lock()
	defer d.mu.Unlock()
	return sorted(d.sessions)
}

// SetValueSet replaces the members of a value set.
func (d *Device) SetValueSet(name string, members []device.ValueSetMember) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sets[name] = members
	return nil
}

// ValueSet returns the members of a value set.
func (d *Device) ValueSet(name string) ([]device.ValueSetMember, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sets[name], nil
}

var (
	_ device.ValueSets = (*Device)(nil)
	_ device.Atomic    = (*Device)(nil)
)
