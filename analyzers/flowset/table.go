package flowset

import "fmt"

// Limits of a table.
const (
	MaxSubtables = 8
	MaxCells     = 1 << 26 // of all subtables
	MaxCheck     = 8       // bytes; at most 4 of them are compared
)

// Where in a node packets are counted.
const (
	StageIngress = "ingress"
	StageEgress  = "egress"
)

// Shape is what a table is like.
type Shape struct {
	Node       string // digests: the segment, from>to
	Epoch      uint64
	Subtables  int
	Cells      int // per subtable
	KeyBytes   int
	CheckBytes int // 0 = cells have no check
	Hash       Hash
	Order      Order
	Stage      string   // "", or where in the node packets are counted: StageIngress or StageEgress; digests: EndUp or EndDown
	Neighbours []string // nodes that may have seen the same packets; nil = not known
	// Pooled says that there are no subtables: each of Subtables functions may choose any
	// of Cells cells, as in classic invertible Bloom tables.
	Pooled bool
}

// len is how many cells there are in all.
func (s *Shape) len() int {
	if s.Pooled {
		return s.Cells
	}
	return s.Subtables * s.Cells
}

func (s *Shape) check() error {
	switch {
	case s.Subtables < 1 || s.Subtables > MaxSubtables:
		return fmt.Errorf("got %d subtables, want 1 to %d", s.Subtables, MaxSubtables)
	case s.Cells < 1 || s.Cells > MaxCells/s.Subtables:
		return fmt.Errorf("got %d cells in each of %d subtables, want 1 to %d in all", s.Cells, s.Subtables, MaxCells)
	case s.KeyBytes < 1 || s.KeyBytes > MaxKey:
		return fmt.Errorf("got keys of %d bytes, want 1 to %d", s.KeyBytes, MaxKey)
	case s.CheckBytes < 0 || s.CheckBytes > MaxCheck:
		return fmt.Errorf("got checks of %d bytes, want at most %d", s.CheckBytes, MaxCheck)
	}
	return nil
}

// Table is an encoded flow set: what a switch exports of an epoch. It is not safe for
// concurrent writes; decoders only read it.
type Table struct {
	Shape
	Filter *Filter // nil = none

	cells  []cell
	wide   [][3]uint64 // rest of the xor of keys of more than 16 bytes
	fn     functions   // one per subtable, then the check's
	check  checkForm
	checks functions // the check's, where it is not fn's
	mask   uint32    // of a check's bits that are compared
	linear linear

	unknown  bool // nobody knows the functions: see lone
	filtered bool // there was a filter, which nobody can read then
}

// cell is 32 bytes: two to a cache line.
type cell struct {
	a, b    uint64 // first words of the xor
	packets int64
	flows   int32
	check   uint32
}

// NewTable returns an empty table.
func NewTable(s Shape) (*Table, error) {
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("cannot make a flow set: %w", err)
	}
	t := &Table{Shape: s, cells: make([]cell, s.len())}
	if s.KeyBytes > 16 {
		t.wide = make([][3]uint64, len(t.cells))
	}
	t.ready()
	return t, nil
}

// ready makes the functions of the shape's hash.
func (t *Table) ready() {
	t.fn = t.Hash.functions(t.Subtables+1, t.KeyBytes)
	t.mask = uint32(1<<(8*min(t.CheckBytes, 4)) - 1)
	if t.check.none {
		t.mask = 0
	}
	t.checks = functions{}
	if t.Hash.form.take == all {
		t.fn.mod = uint64(t.Cells)
		t.checks = t.Hash.functions(t.Subtables+1, t.KeyBytes)
	}
	if t.check.alg != "" {
		h := Hash{Algorithm: t.check.alg, Seed: t.Hash.Seed, form: t.Hash.form}
		h.form.double = false
		if h.form.take == words {
			h.form.take = firstEight
		}
		if h.form.number == byPage && t.Hash.form == (form{}) {
			h.form.number = byNumber
		}
		if t.check.bare {
			h.Seed, h.form.number, h.form.place = 0, byNumber, nowhere
		}
		t.checks = h.functions(t.check.number+1, t.KeyBytes)
	}
	t.linear = t.linearity()
}

// digest reports whether the table is a segment's digest.
func (t *Table) digest() bool { return t.Stage == EndUp || t.Stage == EndDown }

// Len returns the number of cells of all subtables.
func (t *Table) Len() int { return len(t.cells) }

// Set sets cell i of subtable s.
func (t *Table) Set(s, i int, xor Key, flows int32, packets int64, check uint64) {
	n := s*t.Cells + i
	t.cells[n] = cell{a: xor[0], b: xor[1], flows: flows, packets: packets, check: uint32(check) & t.mask}
	if t.wide != nil {
		t.wide[n] = [3]uint64(xor[2:])
	}
}

// Cell returns cell i of subtable s. Of the check, at most 32 bits are kept.
func (t *Table) Cell(s, i int) (xor Key, flows int32, packets int64, check uint64) {
	n := s*t.Cells + i
	c := &t.cells[n]
	xor[0], xor[1] = c.a, c.b
	if t.wide != nil {
		copy(xor[2:], t.wide[n][:])
	}
	return xor, c.flows, c.packets, uint64(c.check)
}

// place finds a key's cells, one per subtable, and its check.
func (t *Table) place(a, b uint64, w *[3]uint64, d uint64, at *[MaxSubtables]uint32) (check uint32) {
	if t.fn.alg == SplitMix64 && !t.fn.form.scale && !t.fn.form.double && !t.Pooled && t.check == (checkForm{}) { // no calls, nothing on the heap
		k := t.Subtables
		n := uint64(t.Cells)
		base := uint32(0)
		for s, seed := range t.fn.seeds[:k] {
			at[s] = base + uint32(mix64(d^seed)%n)
			base += uint32(n)
		}
		if t.mask == 0 {
			return 0
		}
		return uint32(mix64(d^t.fn.seeds[k])) & t.mask
	}
	return t.placeBy(a, b, w, d, at)
}

// placeBy is place for any algorithm.
func (t *Table) placeBy(a, b uint64, w *[3]uint64, d uint64, at *[MaxSubtables]uint32) (check uint32) {
	var p prepared
	t.fn.prepare(&p, a, b, w, d)
	base := uint32(t.Cells)
	if t.Pooled {
		base = 0
	}
	for s := range t.Subtables {
		at[s] = uint32(s)*base + uint32(t.fn.cell(t.fn.value(s, &p), uint64(t.Cells)))
	}
	return t.checkOf(a, b, w, d, &p)
}

// checkOf returns a key's check as far as it is compared.
func (t *Table) checkOf(a, b uint64, w *[3]uint64, d uint64, p *prepared) uint32 {
	if t.mask == 0 {
		return 0
	}
	v, f := uint64(0), &t.fn
	switch {
	case t.check.sum:
		for i := range t.Subtables {
			v ^= t.fn.value(i, p)
		}
	case t.checks.alg == "":
		v = t.fn.value(t.Subtables, p)
	default:
		var q prepared
		f = &t.checks
		f.prepare(&q, a, b, w, d)
		v = f.value(len(f.seeds)-1, &q)
	}
	if t.check.high {
		v >>= max(0, f.bits()-8*t.CheckBytes)
	}
	return uint32(v) & t.mask
}

// Add counts packets of a flow, what a switch does per packet. first says that they are
// the flow's first in the epoch: then the flow itself is added, too.
func (t *Table) Add(k Key, packets int64, first bool) {
	var at [MaxSubtables]uint32
	check := t.place(k[0], k[1], (*[3]uint64)(k[2:]), k.digest(t.KeyBytes), &at)
	for _, n := range at[:t.Subtables] {
		c := &t.cells[n]
		c.packets += packets
		if !first {
			continue
		}
		c.a ^= k[0]
		c.b ^= k[1]
		c.flows++
		c.check ^= check
		if t.wide != nil {
			for i := range t.wide[n] {
				t.wide[n][i] ^= k[2+i]
			}
		}
	}
}

// Encoder is a switch: a table, and what knows whether a packet is its flow's first.
// Without a filter in the table it remembers the flows, as no switch could.
type Encoder struct {
	Table *Table
	seen  map[Key]struct{}
}

// NewEncoder returns an encoder into an empty table.
func NewEncoder(t *Table) *Encoder {
	e := &Encoder{Table: t}
	if t.Filter == nil {
		e.seen = map[Key]struct{}{}
	}
	return e
}

// Add counts packets of a flow.
func (e *Encoder) Add(k Key, packets int64) {
	var first bool
	if e.seen != nil {
		_, known := e.seen[k]
		first = !known
		e.seen[k] = struct{}{}
	} else {
		first = e.Table.Filter.Add(k)
	}
	e.Table.Add(k, packets, first)
}

// totals returns what subtable s counts, or, where there are none, one function.
func (t *Table) totals(s int) (flows, packets int64) {
	if t.Pooled {
		for i := range t.cells {
			flows += int64(t.cells[i].flows)
			packets += t.cells[i].packets
		}
		return flows / int64(t.Subtables), packets / int64(t.Subtables)
	}
	for i := range t.cells[s*t.Cells : (s+1)*t.Cells] {
		c := &t.cells[s*t.Cells+i]
		flows += int64(c.flows)
		packets += c.packets
	}
	return flows, packets
}
