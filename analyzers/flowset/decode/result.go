package decode

import "github.com/telltale-net/telltale/analyzers/flowset"

// result returns what was decoded, in the solver's own memory.
func (s *solver) result() *flowset.Decoded {
	d := &flowset.Decoded{Shape: s.t.Shape}
	c := &d.Coverage
	c.Flows, c.Packets = s.t.Totals(0)
	c.RolledBack, c.Inconsistent, c.Withheld = s.undone, s.inconsistent, s.withheld
	keep := 0
	for f := range s.keys.A {
		if !s.in(f) {
			continue
		}
		s.keys.A[keep], s.keys.B[keep], s.packets[keep] = s.keys.A[f], s.keys.B[f], s.packets[f]
		if s.keys.Wide != nil {
			s.keys.Wide[keep] = s.keys.Wide[f]
		}
		keep++
		c.Decoded++
		if s.state[f] == hidden {
			c.Hidden++
			c.Flows++
		}
		if p := s.packets[f]; p > 0 {
			c.Counted++
			c.CountedPackets += p
		}
	}
	d.Keys.A, d.Keys.B, d.Counts = s.keys.A[:keep], s.keys.B[:keep], s.packets[:keep]
	if s.keys.Wide != nil {
		d.Keys.Wide = s.keys.Wide[:keep]
	}
	for n := range s.cells {
		if s.cells[n].Flows == 1 {
			c.Refused++
		}
	}
	return d
}
