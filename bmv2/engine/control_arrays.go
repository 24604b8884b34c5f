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
func (s *Switch) CounterSize(name string) (int, error) {
	i, err := s.prog.lookup(s.prog.byName.counters, "counter", name)
	if err != nil {
		return 0, err
	}
	return len(s.counters[i]), nil
}

// ReadCounter implements [device.Device].
func (s *Switch) ReadCounter(name string, index int) (device.CounterValue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.counter(name, index)
	if err != nil {
		return device.CounterValue{}, fmt.Errorf("cannot read: %w", err)
	}
	return *c, nil
}

// WriteCounter implements [device.Device].
func (s *Switch) WriteCounter(name string, index int, v device.CounterValue) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.counter(name, index)
	if err != nil {
		return fmt.Errorf("cannot write: %w", err)
	}
	*c = v
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
func (s *Switch) MeterSize(name string) (int, error) {
	i, err := s.prog.lookup(s.prog.byName.meters, "meter", name)
	if err != nil {
		return 0, err
	}
	return len(s.meters[i]), nil
}

// ReadMeter implements [device.Device].
func (s *Switch) ReadMeter(name string, index int) (*device.MeterConfig, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.meter(name, index)
	if err != nil {
		return nil, fmt.Errorf("cannot read: %w", err)
	}
	if !m.configured {
		return nil, nil
	}
	c := m.config
	return &c, nil
}

// WriteMeter implements [device.Device].
func (s *Switch) WriteMeter(name string, index int, c *device.MeterConfig) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.meter(name, index)
	if err == nil && c != nil {
		err = checkMeter(*c)
	}
	if err != nil {
		return fmt.Errorf("cannot write: %w", err)
	}
	if *m = (meter{}); c != nil {
		m.configure(*c)
	}
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
func (s *Switch) RegisterSize(name string) (int, error) {
	i, err := s.prog.lookup(s.prog.byName.registers, "register", name)
	if err != nil {
		return 0, err
	}
	return s.prog.spec.Registers[i].Size, nil
}

// ReadRegister implements [device.Device].
func (s *Switch) ReadRegister(name string, index int) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, words, err := s.register(name, index)
	if err != nil {
		return nil, fmt.Errorf("cannot read: %w", err)
	}
	return fieldBytes(words, &field{width: int32(r.width)}), nil
}

// WriteRegister implements [device.Device].
func (s *Switch) WriteRegister(name string, index int, v []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, words, err := s.register(name, index)
	if err == nil {
		err = fits(v, r.width)
	}
	if err != nil {
		return fmt.Errorf("cannot write register %q: %w", name, err)
	}
	clear(words)
	for i, b := range v {
		bit := 8 * (len(v) - 1 - i)
		words[bit/64] |= uint64(b) << (bit % 64)
	}
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
func (s *Switch) SetMulticastGroup(g device.MulticastGroup) error {
	err := checkReplicas(g.Replicas)
	if g.ID == 0 || g.ID > math.MaxUint16 {
		err = fmt.Errorf("want 1 to 65535: %w", device.ErrInvalid)
	}
	if err != nil {
		return fmt.Errorf("cannot set multicast group %d: %w", g.ID, err)
	}
	g.Replicas = slices.Clone(g.Replicas)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups[g.ID] = &g
	return nil
}

// DeleteMulticastGroup implements [device.Device].
func (s *Switch) DeleteMulticastGroup(id uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.groups[id] == nil {
		return fmt.Errorf("cannot delete multicast group %d: %w", id, device.ErrNotFound)
	}
	delete(s.groups, id)
	return nil
}

// MulticastGroups implements [device.Device].
func (s *Switch) MulticastGroups() (out []device.MulticastGroup) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(s.groups)) {
		g := *s.groups[id]
		g.Replicas = slices.Clone(g.Replicas)
		out = append(out, g)
	}
	return out
}

// SetCloneSession implements [device.Device].
func (s *Switch) SetCloneSession(c device.CloneSession) error {
	err := checkReplicas(c.Replicas)
	if c.ID > math.MaxInt16 {
		err = fmt.Errorf("want 0 to 32767: %w", device.ErrInvalid)
	}
	if c.PacketLength < 0 {
		err = fmt.Errorf("got packet length %d: %w", c.PacketLength, device.ErrInvalid)
	}
	if err != nil {
		return fmt.Errorf("cannot set clone session %d: %w", c.ID, err)
	}
	c.Replicas = slices.Clone(c.Replicas)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clones[uint16(c.ID)] = &c
	return nil
}

// DeleteCloneSession implements [device.Device].
func (s *Switch) DeleteCloneSession(id uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id > math.MaxInt16 || s.clones[uint16(id)] == nil {
		return fmt.Errorf("cannot delete clone session %d: %w", id, device.ErrNotFound)
	}
	delete(s.clones, uint16(id))
	return nil
}

// CloneSessions implements [device.Device].
func (s *Switch) CloneSessions() (out []device.CloneSession) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(s.clones)) {
		c := *s.clones[id]
		c.Replicas = slices.Clone(c.Replicas)
		out = append(out, c)
	}
	return out
}
