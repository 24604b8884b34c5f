package flowset

import (
	"math"

	"github.com/telltale-net/telltale/analyzers/flowset/hash"
)

// solver decodes one table. Everything is in columns and allocated once where the number
// of flows is right, for it is touched at random.
type solver struct {
	t     *Table
	k     int // subtables
	cells []cell
	wide  [][3]uint64
	aux   []aux // of cells; nil while every decoded flow has its packets

	// Decoded flows.
	a, b    []uint64
	w       [][3]uint64 // keys of more than 16 bytes
	at      []uint32    // k cells of each
	packets []int64     // unknownPackets until found; less than one is a contradiction
	state   []state
	peer    [][2]ref // the same flow elsewhere
	set     set      // of flows, by digest; empty unless there are neighbours

	work      []uint32 // cells to look at
	solve     []uint32 // cells to look at for packets
	alone     int      // flows decoded without neighbours' help: the first ones
	unknown   int      // flows whose packets are not known
	odd       int      // contradictions among the packets
	recounted bool     // all flows' packets were found anew, by neighbours' help
	undone    int      // flows that were taken and given back
	// What was found in the end: cells that do not add up, counts that were taken back.
	inconsistent, withheld int
	pending                []ref            // flows of neighbours that may be here
	offered                map[Key]struct{} // the same, where functions are linear
	guess                  []int64          // by flow
}

// aux is what is known of a cell's flows without packets.
type aux struct{ flows, xor uint32 }

// ref is a flow of another table.
type ref struct{ table, flow int32 }

const unknownPackets = math.MinInt64

type state uint8

const (
	pure     state = iota // decoded from a cell of its own
	taken                 // decoded elsewhere and taken out of the cells here
	rejected              // passes the filter and is not in the cells
	banned                // was rejected, and is there after all
	hidden                // rejected, but its packets are in the cells
)

func newSolver(t *Table) *solver {
	flows, _ := t.totals(0)
	n := int(max(0, min(flows, int64(2*len(t.cells)))))
	n += n/64 + 8 // some that are not there
	s := &solver{t: t, k: t.Subtables, cells: make([]cell, len(t.cells))}
	copy(s.cells, t.cells)
	if t.wide != nil {
		s.wide = make([][3]uint64, len(t.wide))
		copy(s.wide, t.wide)
		s.w = make([][3]uint64, 0, n)
	}
	s.a, s.b = make([]uint64, 0, n), make([]uint64, 0, n)
	s.at = make([]uint32, 0, n*s.k)
	s.packets = make([]int64, 0, n)
	s.state = make([]state, 0, n)
	return s
}

// single is the paper's SingleDecode: it takes out flows that are alone in a cell until
// there are none.
func (s *solver) single() {
	for n := range s.cells {
		if s.cells[n].flows == 1 {
			s.pure(uint32(n))
			s.drain()
		}
	}
}

func (s *solver) drain() {
	for len(s.work) > 0 {
		n := s.work[len(s.work)-1]
		s.work = s.work[:len(s.work)-1]
		switch s.cells[n].flows {
		case 1:
			s.pure(n)
		case -1:
			s.surplus(n)
		}
	}
}

// at returns where a key belongs if that includes cell n, whose xor it is.
func (s *solver) verify(n uint32, d uint64, at *[MaxSubtables]uint32) (check uint32, ok bool) {
	c := &s.cells[n]
	check = s.t.place.Place(c.a, c.b, s.wideAt(n), d, at)
	if check != c.check {
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
		return hash.Digest(c.a, c.b)
	}
	return hash.WideDigest(c.a, c.b, &s.wide[n], s.t.KeyBytes)
}

// digestOf returns a decoded flow's digest.
func (s *solver) digestOf(f int) uint64 {
	if s.wide == nil {
		return hash.Digest(s.a[f], s.b[f])
	}
	return hash.WideDigest(s.a[f], s.b[f], &s.w[f], s.t.KeyBytes)
}

// pure decodes the flow that is alone in cell n, if the cell holds one flow indeed: its
// key must belong there, and have its check.
func (s *solver) pure(n uint32) {
	var at [MaxSubtables]uint32
	d := s.digestAt(n)
	check, ok := s.verify(n, d, &at)
	if !ok {
		return
	}
	c := &s.cells[n]
	f := -1
	if s.set.slots != nil {
		f = s.find(c.a, c.b, s.wideAt(n), d)
	}
	if f >= 0 {
		if s.state[f] != rejected {
			return // taken out already: the cell contradicts the others
		}
		s.state[f] = banned // it is there after all; not to be given back again
	} else if s.offered != nil && !s.plausible(c.a, c.b, s.wideAt(n), d) {
		return
	} else {
		f = s.add(c.a, c.b, s.wideAt(n), d, at[:s.k], pure)
	}
	if s.aux == nil || s.aux[n].flows == 0 {
		if c.packets < 1 {
			s.odd++ // packets of other flows went wrong before; see repair
		}
		s.takeOut(f, check, c.packets, true)
		return
	}
	s.takeOut(f, check, unknownPackets, false)
}

// add appends a flow.
func (s *solver) add(a, b uint64, w *[3]uint64, d uint64, at []uint32, st state) int {
	f := len(s.a)
	if s.set.slots != nil {
		s.grow()
	}
	s.a, s.b = append(s.a, a), append(s.b, b)
	if s.wide != nil {
		s.w = append(s.w, *w)
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
	a, b := s.a[f], s.b[f]
	s.packets[f] = packets
	if !known {
		s.unknown++
		if s.aux == nil {
			s.aux = make([]aux, len(s.cells))
		}
	}
	for _, n := range s.at[f*s.k : (f+1)*s.k] {
		c := &s.cells[n]
		c.a ^= a
		c.b ^= b
		c.check ^= check
		c.flows--
		if s.wide != nil {
			xorWide(&s.wide[n], &s.w[f])
		}
		if known {
			c.packets -= packets
		} else {
			s.aux[n].flows++
			s.aux[n].xor ^= uint32(f)
		}
		if c.flows == 1 || c.flows == -1 {
			s.work = append(s.work, n)
		}
	}
}

// surplus looks whether what a cell lacks is a flow that was taken and is not here.
func (s *solver) surplus(n uint32) {
	if s.set.slots == nil {
		return
	}
	var at [MaxSubtables]uint32
	d := s.digestAt(n)
	check, ok := s.verify(n, d, &at)
	if !ok {
		return
	}
	c := &s.cells[n]
	f := s.find(c.a, c.b, s.wideAt(n), d)
	if f < 0 || s.state[f] > taken {
		return
	}
	s.state[f] = rejected
	s.undone++
	a, b, packets := s.a[f], s.b[f], s.packets[f]
	s.packets[f] = unknownPackets
	if packets == unknownPackets {
		s.unknown--
	}
	for _, n := range s.at[f*s.k : (f+1)*s.k] {
		c := &s.cells[n]
		c.a ^= a
		c.b ^= b
		c.check ^= check
		c.flows++
		if s.wide != nil {
			xorWide(&s.wide[n], &s.w[f])
		}
		if packets != unknownPackets {
			c.packets += packets
		} else {
			s.aux[n].flows--
			s.aux[n].xor ^= uint32(f)
		}
		if c.flows == 1 || c.flows == -1 {
			s.work = append(s.work, n)
		}
	}
}

func xorWide(x, y *[3]uint64) {
	x[0] ^= y[0]
	x[1] ^= y[1]
	x[2] ^= y[2]
}

// settled reports whether all flows of a cell are decoded.
func (s *solver) settled(n uint32) bool {
	c := &s.cells[n]
	return c.flows == 0 && c.a == 0 && c.b == 0 && c.check == 0 && (s.wide == nil || s.wide[n] == [3]uint64{})
}

// in reports whether a flow is decoded: taken out of its cells and either alone in one of
// them once, or in one whose flows are all decoded. Without checks, what was found by
// neighbours' help must be in two such: a wrong flow leaves a wrong one behind in a cell
// with two, and one such in some thousand belongs there.
func (s *solver) in(f int) bool {
	need := 1
	switch s.state[f] {
	case rejected:
		return false
	case hidden:
		return true
	case pure, banned:
		if s.t.place.Vouches() || f < s.alone {
			return true
		}
		need = 2
	case taken:
		if !s.t.place.Vouches() {
			need = 2
		}
	}
	need = min(need, s.k)
	for _, n := range s.cellsOf(f) {
		if s.settled(n) {
			need--
		}
	}
	return need <= 0
}
