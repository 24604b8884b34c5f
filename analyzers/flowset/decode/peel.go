package decode

import (
	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/hash"
)

// single is the paper's SingleDecode: it takes out flows that are alone in a cell until
// there are none.
func (s *solver) single() {
	for n := range s.cells {
		if s.cells[n].Flows == 1 {
			s.pure(uint32(n))
			s.drain()
		}
	}
}

func (s *solver) drain() {
	for len(s.work) > 0 {
		n := s.work[len(s.work)-1]
		s.work = s.work[:len(s.work)-1]
		switch s.cells[n].Flows {
		case 1:
			s.pure(n)
		case -1:
			s.surplus(n)
		}
	}
}

// verify finds the cells of the key that is cell n's xor; ok is false where n is none of them,
// or the check is not the key's.
func (s *solver) verify(n uint32, d uint64, at *[flowset.MaxSubtables]uint32) (check uint32, ok bool) {
	c := &s.cells[n]
	check = s.place.Place(c.A, c.B, s.wideAt(n), d, at)
	if check != c.Check {
		return 0, false
	}
	for _, m := range at[:s.k] {
		if m == n {
			return check, true
		}
	}
	return 0, false
}

func (s *solver) wideAt(n uint32) *[3]uint64 {
	if s.wide == nil {
		return nil
	}
	return &s.wide[n]
}

func (s *solver) digestAt(n uint32) uint64 {
	c := &s.cells[n]
	if s.wide == nil {
		return hash.Digest(c.A, c.B)
	}
	return hash.WideDigest(c.A, c.B, &s.wide[n], s.t.KeyBytes)
}

// digestOf returns a decoded flow's digest.
func (s *solver) digestOf(f int) uint64 {
	if s.wide == nil {
		return hash.Digest(s.keys.A[f], s.keys.B[f])
	}
	return hash.WideDigest(s.keys.A[f], s.keys.B[f], &s.keys.Wide[f], s.t.KeyBytes)
}

// pure decodes the flow that is alone in cell n, if the cell holds one flow indeed: its
// key must belong there, and have its check.
func (s *solver) pure(n uint32) {
	var at [flowset.MaxSubtables]uint32
	d := s.digestAt(n)
	check, ok := s.verify(n, d, &at)
	if !ok {
		return
	}
	c := &s.cells[n]
	f := -1
	if s.set.slots != nil {
		f = s.find(c.A, c.B, s.wideAt(n), d)
	}
	if f >= 0 {
		if s.state[f] != rejected {
			return // taken out already: the cell contradicts the others
		}
		s.state[f] = banned // it is there after all; not to be given back again
	} else if s.offered != nil && !s.plausible(c.A, c.B, s.wideAt(n), d) {
		return
	} else {
		f = s.add(c.A, c.B, s.wideAt(n), d, at[:s.k], pure)
	}
	if s.aux == nil || s.aux[n].flows == 0 {
		if c.Packets < 1 {
			s.odd++ // packets of other flows went wrong before; see repair
		}
		s.takeOut(f, check, c.Packets, true)
		return
	}
	s.takeOut(f, check, unknownPackets, false)
}

// add appends a flow.
func (s *solver) add(a, b uint64, w *[3]uint64, d uint64, at []uint32, st state) int {
	f := len(s.keys.A)
	if s.set.slots != nil {
		s.grow()
	}
	s.keys.A, s.keys.B = append(s.keys.A, a), append(s.keys.B, b)
	if s.wide != nil {
		s.keys.Wide = append(s.keys.Wide, *w)
	}
	s.at = append(s.at, at...)
	s.packets = append(s.packets, unknownPackets)
	s.state = append(s.state, st)
	if s.set.slots != nil {
		s.peer = append(s.peer, [2]ref{{table: -1}, {table: -1}})
		s.set.add(d, uint32(f))
	}
	return f
}

// takeOut takes a flow out of its cells, with its packets where they are known.
func (s *solver) takeOut(f int, check uint32, packets int64, known bool) {
	a, b := s.keys.A[f], s.keys.B[f]
	s.packets[f] = packets
	if !known {
		s.unknown++
		if s.aux == nil {
			s.aux = make([]aux, len(s.cells))
		}
	}
	for _, n := range s.at[f*s.k : (f+1)*s.k] {
		c := &s.cells[n]
		c.A ^= a
		c.B ^= b
		c.Check ^= check
		c.Flows--
		if s.wide != nil {
			xorWide(&s.wide[n], &s.keys.Wide[f])
		}
		if known {
			c.Packets -= packets
		} else {
			s.aux[n].flows++
			s.aux[n].xor ^= uint32(f)
		}
		if c.Flows == 1 || c.Flows == -1 {
			s.work = append(s.work, n)
		}
	}
}

// surplus looks whether what a cell lacks is a flow that was taken and is not here.
func (s *solver) surplus(n uint32) {
	if s.set.slots == nil {
		return
	}
	var at [flowset.MaxSubtables]uint32
	d := s.digestAt(n)
	check, ok := s.verify(n, d, &at)
	if !ok {
		return
	}
	c := &s.cells[n]
	f := s.find(c.A, c.B, s.wideAt(n), d)
	if f < 0 || s.state[f] > taken {
		return
	}
	s.state[f] = rejected
	s.undone++
	a, b, packets := s.keys.A[f], s.keys.B[f], s.packets[f]
	s.packets[f] = unknownPackets
	if packets == unknownPackets {
		s.unknown--
	}
	for _, n := range s.at[f*s.k : (f+1)*s.k] {
		c := &s.cells[n]
		c.A ^= a
		c.B ^= b
		c.Check ^= check
		c.Flows++
		if s.wide != nil {
			xorWide(&s.wide[n], &s.keys.Wide[f])
		}
		if packets != unknownPackets {
			c.Packets += packets
		} else {
			s.aux[n].flows--
			s.aux[n].xor ^= uint32(f)
		}
		if c.Flows == 1 || c.Flows == -1 {
			s.work = append(s.work, n)
		}
	}
}

func xorWide(x, y *[3]uint64) {
	x[0] ^= y[0]
	x[1] ^= y[1]
	x[2] ^= y[2]
}
