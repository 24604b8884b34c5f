package decode

import (
	"fmt"
	"slices"

	"github.com/telltale-net/telltale/analyzers/flowset"
)

// Difference is what two tables of the same functions do not have in common.
type Difference struct {
	Lost  []flowset.Key // in the first only
	Extra []flowset.Key // in the second only
	// Left is how many more of the first than of the second could not be decoded.
	Left int64
	// Whole says that everything was decoded.
	Whole bool
}

// Subtract decodes what one table has and the other has not, by peeling the difference,
// which takes room for that only. Neither is changed. Without checks in the tables, or with
// linear ones, nothing is told where not everything was decoded.
func Subtract(up, down *flowset.Table) (Difference, error) {
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
	first, firstWide := up.Raw()
	second, secondWide := down.Raw()
	for n := range s.cells {
		x, y := &first[n], &second[n]
		s.cells[n] = flowset.Cell{A: x.A ^ y.A, B: x.B ^ y.B, Check: x.Check ^ y.Check, Flows: x.Flows - y.Flows}
		if s.wide != nil {
			s.wide[n] = firstWide[n]
			xorWide(&s.wide[n], &secondWide[n])
		}
	}
	var d Difference
	for n := range s.cells {
		if m := s.cells[n].Flows; m == 1 || m == -1 {
			s.work = append(s.work, uint32(n))
		}
	}
	for len(s.work) > 0 && len(d.Lost)+len(d.Extra) <= len(s.cells) { // contradictory cells would go round for ever
		n := s.work[len(s.work)-1]
		s.work = s.work[:len(s.work)-1]
		sign := s.cells[n].Flows
		if sign != 1 && sign != -1 {
			continue
		}
		var at [flowset.MaxSubtables]uint32
		check, ok := s.verify(n, s.digestAt(n), &at)
		if !ok {
			continue // several, of both tables
		}
		k := flowset.Key{s.cells[n].A, s.cells[n].B}
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
			c.A ^= k[0]
			c.B ^= k[1]
			c.Check ^= check
			c.Flows -= sign
			if s.wide != nil {
				xorWide(&s.wide[m], (*[3]uint64)(k[2:]))
			}
			if c.Flows == 1 || c.Flows == -1 {
				s.work = append(s.work, m)
			}
		}
	}
	d.Whole = !slices.ContainsFunc(s.cells, func(c flowset.Cell) bool { return c.Flows != 0 || c.A != 0 || c.B != 0 || c.Check != 0 }) &&
		!slices.ContainsFunc(s.wide, func(w [3]uint64) bool { return w != [3]uint64{} })
	for n := range s.t.Cells {
		d.Left += int64(s.cells[n].Flows)
	}
	if !d.Whole && !s.place.Vouches() {
		d.Left += int64(len(d.Lost)) - int64(len(d.Extra))
		d.Lost, d.Extra = nil, nil
	}
	return d, nil
}
