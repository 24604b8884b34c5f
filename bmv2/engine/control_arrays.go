package engine

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/telltale-net/telltale/bmv2/device"
)

// cell checks an index into an array of size cells.
func cell(what, name string, index, size int, direct bool) error {
	if direct {
		return fmt.Errorf("%s %q is the direct one of a table: %w", what, name, device.ErrInvalid)
	}
	if index < 0 || index >= size {
		return fmt.Errorf("index %d of %s %q; want 0 to %d: %w", index, what, name, size-1, device.ErrInvalid)
	}
	return nil
}

func (s *Switch) counter(name string, index int) (*device.CounterValue, error) {
	i, err := s.prog.lookup(s.prog.byName.counters, "counter", name)
	if err != nil {
		return nil, err
	}
	if err := cell("counter", name, index, len(s.counters[i]), s.prog.spec.Counters[i].Direct); err != nil {
		return nil, err
	}
	return &s.counters[i][index], nil
}

// CounterSize implements [device.Device]; a direct counter has size 0.
func (c Control) CounterSize(name string) (int, error) {
	s := c.sw
	i, err := s.prog.lookup(s.prog.byName.counters, "counter", name)
	if err != nil {
		return 0, err
	}
	return len(s.counters[i]), nil
}

// ReadCounter implements [device.Device].
func (c Control) ReadCounter(name string, index int) (device.CounterValue, error) {
	s := c.begin()
	defer c.end()
	cell, err := s.counter(name, index)
	if err != nil {
		return device.CounterValue{}, fmt.Errorf("cannot read: %w", err)
	}
	return get(s, cell, func() device.CounterValue { return *cell }), nil
}

// WriteCounter implements [device.Device].
func (c Control) WriteCounter(name string, index int, v device.CounterValue) error {
	s := c.begin()
	defer c.end()
	cell, err := s.counter(name, index)
	if err != nil {
		return fmt.Errorf("cannot write: %w", err)
	}
	s.set(cell, v, func() { *cell = v })
	return nil
}

func (s *Switch) meter(name string, index int) (*meter, error) {
	i, err := s.prog.lookup(s.prog.byName.meters, "meter", name)
	if err != nil {
		return nil, err
	}
	if err := cell("meter", name, index, len(s.meters[i]), s.prog.spec.Meters[i].Direct); err != nil {
		return nil, err
	}
	return &s.meters[i][index], nil
}

// MeterSize implements [device.Device]; a direct meter has size 0.
func (c Control) MeterSize(name string) (int, error) {
	s := c.sw
	i, err := s.prog.lookup(s.prog.byName.meters, "meter", name)
	if err != nil {
		return 0, err
	}
	return len(s.meters[i]), nil
}

// ReadMeter implements [device.Device].
func (c Control) ReadMeter(name string, index int) (*device.MeterConfig, error) {
	s := c.begin()
	defer c.end()
	m, err := s.meter(name, index)
	if err != nil {
		return nil, fmt.Errorf("cannot read: %w", err)
	}
	is := get(s, m, func() meter { return *m })
	if !is.configured {
		return nil, nil
	}
	return &is.config, nil
}

// WriteMeter implements [device.Device].
func (c Control) WriteMeter(name string, index int, to *device.MeterConfig) error {
	s := c.begin()
	defer c.end()
	m, err := s.meter(name, index)
	if err == nil && to != nil {
		err = checkMeter(*to)
	}
	if err != nil {
		return fmt.Errorf("cannot write: %w", err)
	}
	var fresh meter
	if to != nil {
		fresh.configure(*to)
	}
	s.set(m, fresh, func() { *m = fresh })
	return nil
}

func checkMeter(c device.MeterConfig) error {
	if min(c.CIR, c.CBurst, c.PIR, c.PBurst) < 0 || c.CIR > c.PIR {
		return fmt.Errorf("got meter rates %+v; want none negative and CIR ≤ PIR: %w", c, device.ErrInvalid)
	}
	return nil
}

func (s *Switch) register(name string, index int) (*register, []uint64, error) {
	i, err := s.prog.lookup(s.prog.byName.registers, "register", name)
	if err != nil {
		return nil, nil, err
	}
	r := &s.registers[i]
	if err := cell("register", name, index, len(r.cells)/r.words, false); err != nil {
		return nil, nil, err
	}
	return r, r.cells[index*r.words : (index+1)*r.words], nil
}

// RegisterSize implements [device.Device].
func (c Control) RegisterSize(name string) (int, error) {
	s := c.sw
	i, err := s.prog.lookup(s.prog.byName.registers, "register", name)
	if err != nil {
		return 0, err
	}
	return s.prog.spec.Registers[i].Size, nil
}

// ReadRegister implements [device.Device].
func (c Control) ReadRegister(name string, index int) ([]byte, error) {
	s := c.begin()
	defer c.end()
	r, words, err := s.register(name, index)
	if err != nil {
		return nil, fmt.Errorf("cannot read: %w", err)
	}
	is := get(s, &words[0], func() []uint64 { return slices.Clone(words) })
	return fieldBytes(is, &field{width: uint32(r.width)}), nil
}

// WriteRegister implements [device.Device].
func (c Control) WriteRegister(name string, index int, v []byte) error {
	s := c.begin()
	defer c.end()
	r, words, err := s.register(name, index)
	if err == nil {
		err = fits(v, r.width)
	}
	if err != nil {
		return fmt.Errorf("cannot write register %q: %w", name, err)
	}
	fresh := make([]uint64, r.words)
	for i, b := range v {
		bit := 8 * (len(v) - 1 - i)
		fresh[bit/64] |= uint64(b) << (bit % 64)
	}
	s.set(&words[0], fresh, func() { copy(words, fresh) })
	return nil
}

func checkReplicas(replicas []device.Replica) error {
	seen := map[device.Replica]bool{}
	for _, r := range replicas {
		if r.Port > math.MaxUint16 || r.Instance > math.MaxUint16 {
			return fmt.Errorf("replica to port %d, instance %d; want 16 bits each: %w", r.Port, r.Instance, device.ErrInvalid)
		}
		if seen[r] {
			return fmt.Errorf("port %d, instance %d is named twice: %w", r.Port, r.Instance, device.ErrInvalid)
		}
		seen[r] = true
	}
	return nil
}

// SetMulticastGroup implements [device.Device].
func (c Control) SetMulticastGroup(g device.MulticastGroup) error {
	err := checkReplicas(g.Replicas)
	if g.ID == 0 || g.ID > math.MaxUint16 {
		err = fmt.Errorf("want 1 to 65535: %w", device.ErrInvalid)
	}
	if err != nil {
		return fmt.Errorf("cannot set multicast group %d: %w", g.ID, err)
	}
	g.Replicas = slices.Clone(g.Replicas)
	s := c.begin()
	defer c.end()
	s.change(func(view uint32) { s.groups[view][g.ID] = &g })
	return nil
}

// DeleteMulticastGroup implements [device.Device].
func (c Control) DeleteMulticastGroup(id uint32) error {
	s := c.begin()
	defer c.end()
	if s.groups[s.back()][id] == nil {
		return fmt.Errorf("cannot delete multicast group %d: %w", id, device.ErrNotFound)
	}
	s.change(func(view uint32) { delete(s.groups[view], id) })
	return nil
}

// MulticastGroups implements [device.Device].
func (c Control) MulticastGroups() (out []device.MulticastGroup) {
	s := c.begin()
	defer c.end()
	groups := s.groups[s.back()]
	for _, id := range slices.Sorted(maps.Keys(groups)) {
		g := *groups[id]
		g.Replicas = slices.Clone(g.Replicas)
		out = append(out, g)
	}
	return out
}

// SetCloneSession implements [device.Device].
func (c Control) SetCloneSession(to device.CloneSession) error {
	err := checkReplicas(to.Replicas)
	if to.ID > math.MaxInt16 {
		err = fmt.Errorf("want 0 to 32767: %w", device.ErrInvalid)
	}
	if to.PacketLength < 0 {
		err = fmt.Errorf("got packet length %d: %w", to.PacketLength, device.ErrInvalid)
	}
	if err != nil {
		return fmt.Errorf("cannot set clone session %d: %w", to.ID, err)
	}
	to.Replicas = slices.Clone(to.Replicas)
	s := c.begin()
	defer c.end()
	s.change(func(view uint32) { s.clones[view][uint16(to.ID)] = &to })
	return nil
}

// DeleteCloneSession implements [device.Device].
func (c Control) DeleteCloneSession(id uint32) error {
	s := c.begin()
	defer c.end()
	if id > math.MaxInt16 || s.clones[s.back()][uint16(id)] == nil {
		return fmt.Errorf("cannot delete clone session %d: %w", id, device.ErrNotFound)
	}
	s.change(func(view uint32) { delete(s.clones[view], uint16(id)) })
	return nil
}

// CloneSessions implements [device.Device].
func (c Control) CloneSessions() (out []device.CloneSession) {
	s := c.begin()
	defer c.end()
	sessions := s.clones[s.back()]
	for _, id := range slices.Sorted(maps.Keys(sessions)) {
		to := *sessions[id]
		to.Replicas = slices.Clone(to.Replicas)
		out = append(out, to)
	}
	return out
}
