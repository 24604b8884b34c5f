// Package p4rttest holds what tests of the P4Runtime server and of its clients
// share: a device made of maps, through which no packet flows, and BMv2 JSON that
// fits a P4Info. Only tests import it.
package p4rttest

import (
	"bytes"
	"fmt"
	"slices"
	"sync"

	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"

	"github.com/telltale-net/telltale/bmv2/device"
)

// Device is a device.Device made of maps. It checks names, existence, references
// and sizes, and leaves the meaning of values to its caller.
type Device struct {
	mu       sync.Mutex
	tables   map[string]*table
	profiles map[string]*profile
	counters map[string][]device.CounterValue
	meters   map[string][]*device.MeterConfig
	regs     map[string][][]byte
	groups   map[uint32]device.MulticastGroup
	sessions map[uint32]device.CloneSession
	sets     map[string][]device.ValueSetMember
}

type table struct {
	profile  string
	max      int64
	entries  []device.Entry
	original device.Target
	def      device.Target
}

type profile struct {
	max     int64
	members map[uint32]device.Member
	groups  map[uint32]device.Group
}

// New makes an empty device with the objects of a P4Info. The default action of a
// table is the first of its actions that takes no parameters.
func New(info *p4configv1.P4Info) *Device {
	d := &Device{
		tables: map[string]*table{}, profiles: map[string]*profile{}, counters: map[string][]device.CounterValue{},
		meters: map[string][]*device.MeterConfig{}, regs: map[string][][]byte{},
		groups: map[uint32]device.MulticastGroup{}, sessions: map[uint32]device.CloneSession{},
		sets: map[string][]device.ValueSetMember{},
	}
	actions := map[uint32]*p4configv1.Action{}
	for _, a := range info.GetActions() {
		actions[a.GetPreamble().GetId()] = a
	}
	names := map[uint32]string{}
	for _, p := range info.GetActionProfiles() {
		names[p.GetPreamble().GetId()] = p.GetPreamble().GetName()
		d.profiles[p.GetPreamble().GetName()] = &profile{max: p.GetSize(), members: map[uint32]device.Member{}, groups: map[uint32]device.Group{}}
	}
	for _, t := range info.GetTables() {
		o := &table{profile: names[t.GetImplementationId()], max: t.GetSize()}
		for _, r := range t.GetActionRefs() {
			if a := actions[r.GetId()]; len(a.GetParams()) == 0 && r.GetScope() != p4configv1.ActionRef_TABLE_ONLY {
				o.original.Action = &device.Action{Name: a.GetPreamble().GetName()}
				break
			}
		}
		o.def = o.original
		d.tables[t.GetPreamble().GetName()] = o
	}
	for _, c := range info.GetCounters() {
		d.counters[c.GetPreamble().GetName()] = make([]device.CounterValue, c.GetSize())
	}
	for _, m := range info.GetMeters() {
		d.meters[m.GetPreamble().GetName()] = make([]*device.MeterConfig, m.GetSize())
	}
	for _, r := range info.GetRegisters() {
		width := r.GetTypeSpec().GetBitstring().GetBit().GetBitwidth() + r.GetTypeSpec().GetBitstring().GetInt().GetBitwidth()
		cells := make([][]byte, r.GetSize())
		for i := range cells {
			cells[i] = make([]byte, (width+7)/8)
		}
		d.regs[r.GetPreamble().GetName()] = cells
	}
	return d
}

// Touch changes an entry as packets and time would: its counter, the instant of
// its last hit, and how long ago that is.
func (d *Device) Touch(name string, i int, c device.CounterValue, hit, idle int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := &d.tables[name].entries[i]
	e.Counter, e.LastHit, e.IdleFor = c, hit, idle
}

// Declare adds an entry that the program declared const.
func (d *Device) Declare(name string, e device.Entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e.Const = true
	d.tables[name].entries = append(d.tables[name].entries, e)
}

func (d *Device) table(name string) (*table, error) {
	if t := d.tables[name]; t != nil {
		return t, nil
	}
	return nil, fmt.Errorf("table %q: %w", name, device.ErrNotFound)
}

func (d *Device) profile(name string) (*profile, error) {
	if p := d.profiles[name]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("action profile %q: %w", name, device.ErrNotFound)
}

func (t *table) find(e device.Entry) int {
	return slices.IndexFunc(t.entries, func(o device.Entry) bool {
		return o.Priority == e.Priority && slices.EqualFunc(o.Matches, e.Matches, func(a, b device.Match) bool {
			return a.Kind == b.Kind && a.PrefixLen == b.PrefixLen && bytes.Equal(a.Value, b.Value) && bytes.Equal(a.Mask, b.Mask) && bytes.Equal(a.High, b.High)
		})
	})
}

func (d *Device) checkTarget(t *table, x device.Target) error {
	if x.Action != nil {
		return nil
	}
	p := d.profiles[t.profile]
	if p == nil {
		return fmt.Errorf("target without an action: %w", device.ErrInvalid)
	}
	if x.Member != nil {
		if _, ok := p.members[*x.Member]; !ok {
			return fmt.Errorf("member %d: %w", *x.Member, device.ErrNotFound)
		}
	}
	if x.Group != nil {
		if _, ok := p.groups[*x.Group]; !ok {
			return fmt.Errorf("group %d: %w", *x.Group, device.ErrNotFound)
		}
	}
	return nil
}

// Insert implements device.Device, as do the methods below.
func (d *Device) Insert(name string, e device.Entry) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, err := d.table(name)
	if err != nil {
		return err
	}
	if t.find(e) >= 0 {
		return fmt.Errorf("table %s: entry: %w", name, device.ErrExists)
	}
	if t.max > 0 && int64(len(t.entries)) >= t.max {
		return fmt.Errorf("table %s holds %d entries: %w", name, t.max, device.ErrExhausted)
	}
	if err := d.checkTarget(t, e.Target); err != nil {
		return err
	}
	t.entries = append(t.entries, e)
	return nil
}

// Modify keeps the counter.
func (d *Device) Modify(name string, e device.Entry) error {
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
	if t.entries[i].Const && !e.Const {
		return fmt.Errorf("table %s: entry: %w", name, device.ErrConst)
	}
	if err := d.checkTarget(t, e.Target); err != nil {
		return err
	}
	e.Counter = t.entries[i].Counter
	t.entries[i] = e
	return nil
}

// Delete removes an entry.
func (d *Device) Delete(name string, e device.Entry) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, err := d.table(name)
	if err != nil {
		return err
	}
	i := t.find(e)
	switch {
	case i < 0:
		return fmt.Errorf("table %s: entry: %w", name, device.ErrNotFound)
	case t.entries[i].Const:
		return fmt.Errorf("table %s: entry: %w", name, device.ErrConst)
	}
	t.entries = slices.Delete(t.entries, i, i+1)
	return nil
}

// Entries returns copies.
func (d *Device) Entries(name string) ([]device.Entry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, err := d.table(name)
	if err != nil {
		return nil, err
	}
	return slices.Clone(t.entries), nil
}

// SetDefault replaces the default.
func (d *Device) SetDefault(name string, x *device.Target) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, err := d.table(name)
	if err != nil {
		return err
	}
	if x == nil {
		x = &t.original
	}
	t.def = *x
	return nil
}

// Default returns the default.
func (d *Device) Default(name string) (device.Target, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, err := d.table(name)
	if err != nil {
		return device.Target{}, err
	}
	return t.def, nil
}

// Atomically implements device.Atomic: no packets run through this device.
func (d *Device) Atomically(f func(device.Device) (keep bool)) { f(d) }
