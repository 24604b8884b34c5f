package flowset

import (
	"fmt"

	"github.com/telltale-net/telltale/analyzers/flowset/hash"
)

// Limits of a table.
const (
	MaxSubtables = hash.MaxSubtables
	MaxCells     = 1 << 26 // of all subtables
	MaxCheck     = 8       // bytes; at most 4 of them are compared
)

// Where in a node packets are counted.
const (
	StageIngress = "ingress"
	StageEgress  = "egress"
)

// Ends of a segment of which a table is a digest: one that has every packet as a flow of
// its own, by its signature.
const (
	EndUp   = "up"
	EndDown = "down"
)

// Shape is what a table is like.
type Shape struct {
	Node       string // digests: the segment, from>to
	Epoch      uint64
	Subtables  int
	Cells      int // per subtable
	KeyBytes   int
	CheckBytes int // 0 = cells have no check
	Hash       hash.Family
	Check      hash.Check // what the check of a key is; the zero value is the page's
	Order      Order
	Stage      string   // "", or where in the node packets are counted: StageIngress or StageEgress; digests: EndUp or EndDown
	Neighbours []string // nodes that may have seen the same packets; nil = not known
	// Pooled says that there are no subtables: each of Subtables functions may choose any
	// of Cells cells, as in classic invertible Bloom tables.
	Pooled bool
}

// layout is the shape as far as keys' cells depend on it.
func (s *Shape) layout() hash.Layout {
	return hash.Layout{Subtables: s.Subtables, Cells: s.Cells, KeyBytes: s.KeyBytes, CheckBytes: s.CheckBytes, Hash: s.Hash, Check: s.Check, Pooled: s.Pooled}
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
	case s.Cells < 1 || s.Cells > MaxCells || s.len() > MaxCells:
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
	// Blind says that nobody knows the functions, so that only flows alone in a cell can be
	// told; and Filtered that there was a filter, which nobody can read then.
	Blind, Filtered bool

	cells []Cell
	wide  [][3]uint64 // rest of the xor of keys of more than 16 bytes
	place hash.Placement
}

// Cell is what a cell holds: 32 bytes, two to a cache line.
type Cell struct {
	A, B    uint64 // first words of the xor
	Packets int64
	Flows   int32
	Check   uint32
}

// NewTable returns an empty table.
func NewTable(s Shape) (*Table, error) {
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("cannot make a flow set: %w", err)
	}
	t := &Table{Shape: s, cells: make([]Cell, s.len()), place: hash.NewPlacement(s.layout())}
	if s.KeyBytes > 16 {
		t.wide = make([][3]uint64, len(t.cells))
	}
	return t, nil
}

// Reshape returns a table of another shape with t's cells and filter: its cell i is t's cell
// from(i), counted through all subtables; from nil means as they stand, and the two share
// cells then, so that only one of them is to be used further.
func (t *Table) Reshape(s Shape, from func(i int) int) (*Table, error) {
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("cannot reshape a flow set: %w", err)
	}
	n := s.len()
	if n > len(t.cells) || s.KeyBytes != t.KeyBytes {
		return nil, fmt.Errorf("cannot reshape a flow set: got %d cells with keys of %d bytes, want at most %d, %d bytes", n, s.KeyBytes, len(t.cells), t.KeyBytes)
	}
	out := &Table{Shape: s, Filter: t.Filter, place: hash.NewPlacement(s.layout())}
	if from == nil {
		out.cells = t.cells[:n]
		if t.wide != nil {
			out.wide = t.wide[:n]
		}
	} else {
		out.cells = make([]Cell, n)
		if t.wide != nil {
			out.wide = make([][3]uint64, n)
		}
		for i := range n {
			out.cells[i] = t.cells[from(i)]
			if t.wide != nil {
				out.wide[i] = t.wide[from(i)]
			}
		}
	}
	for i := range out.cells {
		out.cells[i].Check &= out.place.Mask()
	}
	return out, nil
}

// IsDigest reports whether the table is a segment's digest.
func (t *Table) IsDigest() bool { return t.Stage == EndUp || t.Stage == EndDown }

// Len returns the number of cells of all subtables.
func (t *Table) Len() int { return len(t.cells) }

// Placement is where the table's keys go.
func (t *Table) Placement() *hash.Placement { return &t.place }

// Raw returns the cells of all subtables, one after the other, and, where keys have more than
// 16 bytes, the rest of their xors, else nil. Both are the table's own, to be read only.
func (t *Table) Raw() ([]Cell, [][3]uint64) { return t.cells, t.wide }

// Set sets cell i of subtable s.
func (t *Table) Set(s, i int, xor Key, flows int32, packets int64, check uint64) {
	n := s*t.Cells + i
	t.cells[n] = Cell{A: xor[0], B: xor[1], Flows: flows, Packets: packets, Check: uint32(check) & t.place.Mask()}
	if t.wide != nil {
		t.wide[n] = [3]uint64(xor[2:])
	}
}

// Cell returns cell i of subtable s. Of the check, at most 32 bits are kept.
func (t *Table) Cell(s, i int) (xor Key, flows int32, packets int64, check uint64) {
	n := s*t.Cells + i
	c := &t.cells[n]
	xor[0], xor[1] = c.A, c.B
	if t.wide != nil {
		copy(xor[2:], t.wide[n][:])
	}
	return xor, c.Flows, c.Packets, uint64(c.Check)
}

// Add counts packets of a flow, what a switch does per packet. first says that they are
// the flow's first in the epoch: then the flow itself is added, too.
func (t *Table) Add(k Key, packets int64, first bool) {
	var at [MaxSubtables]uint32
	check := t.place.Place(k[0], k[1], (*[3]uint64)(k[2:]), k.Digest(t.KeyBytes), &at)
	for _, n := range at[:t.Subtables] {
		c := &t.cells[n]
		c.Packets += packets
		if !first {
			continue
		}
		c.A ^= k[0]
		c.B ^= k[1]
		c.Flows++
		c.Check ^= check
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

// Totals returns what subtable s counts, or, where there are none, one function.
func (t *Table) Totals(s int) (flows, packets int64) {
	if t.Pooled {
		for i := range t.cells {
			flows += int64(t.cells[i].Flows)
			packets += t.cells[i].Packets
		}
		return flows / int64(t.Subtables), packets / int64(t.Subtables)
	}
	for i := range t.cells[s*t.Cells : (s+1)*t.Cells] {
		c := &t.cells[s*t.Cells+i]
		flows += int64(c.Flows)
		packets += c.Packets
	}
	return flows, packets
}
