package flowset

import (
	"fmt"
	"slices"
)

// Ends of a segment of which a table is a digest: one that has every packet as a flow of
// its own, by its signature.
const (
	EndUp   = "up"
	EndDown = "down"
)

// Difference is what two tables of the same functions do not have in common.
type Difference struct {
	Lost  []Key // in the first only
	Extra []Key // in the second only
	// Left is how many more of the first than of the second could not be decoded.
	Left int64
	// Whole says that everything was decoded.
	Whole bool
}

// Subtract decodes what one table has and the other has not, by peeling the difference,
// which takes room for that only. Neither is changed. Without checks in the tables, or with
// linear ones, nothing is told where not everything was decoded.
func Subtract(up, down *Table) (Difference, error) {
	if up.Subtables != down.Subtables || up.Cells != down.Cells || up.KeyBytes != down.KeyBytes {
		return Difference{}, fmt.Errorf("cannot compare digests: got %d subtables of %d cells, keys of %d bytes, and %d of %d, %d bytes; want the same", up.Subtables, up.Cells, up.KeyBytes, down.Subtables, down.Cells, down.KeyBytes)
	}
	if up.Hash.String() != down.Hash.String() || up.Hash.Form != down.Hash.Form {
		return Difference{}, fmt.Errorf("cannot compare digests: got hash functions %s and %s, want the same", up.Hash, down.Hash)
	}
	of := up
	if down.CheckBytes > up.CheckBytes { // the first is empty
		of = down
	}
	s := newSolver(of)
	for n := range s.cells {
		x, y := &up.cells[n], &down.cells[n]
		s.cells[n] = cell{a: x.a ^ y.a, b: x.b ^ y.b, check: x.check ^ y.check, flows: x.flows - y.flows}
		if s.wide != nil {
			s.wide[n] = up.wide[n]
			xorWide(&s.wide[n], &down.wide[n])
		}
	}
	var d Difference
	for n := range s.cells {
		if m := s.cells[n].flows; m == 1 || m == -1 {
			s.work = append(s.work, uint32(n))
		}
	}
	for len(s.work) > 0 && len(d.Lost)+len(d.Extra) <= len(s.cells) { // contradictory cells would go round for ever
		n := s.work[len(s.work)-1]
		s.work = s.work[:len(s.work)-1]
		sign := s.cells[n].flows
		if sign != 1 && sign != -1 {
			continue
		}
		var at [MaxSubtables]uint32
		check, ok := s.verify(n, s.digestAt(n), &at)
		if !ok {
			continue // several, of both tables
		}
		k := Key{s.cells[n].a, s.cells[n].b}
		if s.wide != nil {
			copy(k[2:], s.wide[n][:])
		}
		if sign > 0 {
			d.Lost = append(d.Lost, k)
		} else {
			d.Extra = append(d.Extra, k)
		}
		for _, m := range at[:s.k] {
			c := &s.cells[m]
			c.a ^= k[0]
			c.b ^= k[1]
			c.check ^= check
			c.flows -= sign
			if s.wide != nil {
				xorWide(&s.wide[m], (*[3]uint64)(k[2:]))
			}
			if c.flows == 1 || c.flows == -1 {
				s.work = append(s.work, m)
			}
		}
	}
	d.Whole = !slices.ContainsFunc(s.cells, func(c cell) bool { return c.flows != 0 || c.a != 0 || c.b != 0 || c.check != 0 }) &&
		!slices.ContainsFunc(s.wide, func(w [3]uint64) bool { return w != [3]uint64{} })
	for n := range s.t.Cells {
		d.Left += int64(s.cells[n].flows)
	}
	if !d.Whole && !of.place.Vouches() {
		d.Left += int64(len(d.Lost)) - int64(len(d.Extra))
		d.Lost, d.Extra = nil, nil
	}
	return d, nil
}
