package decode

import "github.com/telltale-net/telltale/analyzers/flowset"

// lone tells of a table whose functions nobody knows what its cells say by themselves: a
// cell with one flow is that flow, and its packets. A flow may be alone in a cell of each
// subtable; where those disagree about its packets or its check, or where it is alone twice
// in one subtable, which cannot be, it is told without packets or not at all. With a filter,
// which may hide other flows' packets in a cell, packets are told if two cells agree.
func lone(t *flowset.Table) *flowset.Decoded {
	type found struct {
		packets  int64
		check    uint32
		cells    int
		subtable uint32 // bits
		odd      bool   // packets disagree
		wrong    bool
	}
	all, keys := map[flowset.Key]*found{}, []flowset.Key{}
	cells, _ := t.Raw()
	for n := range cells {
		if cells[n].Flows != 1 {
			continue
		}
		s := n / t.Cells
		k, _, packets, check := t.Cell(s, n%t.Cells)
		f := all[k]
		if f == nil {
			f = &found{packets: packets, check: uint32(check)}
			all[k] = f
			keys = append(keys, k)
		}
		f.cells++
		f.odd = f.odd || f.packets != packets
		f.wrong = f.wrong || f.check != uint32(check) || !t.Pooled && f.subtable>>s&1 != 0
		f.subtable |= 1 << s
	}
	d := &flowset.Decoded{Shape: t.Shape}
	c := &d.Coverage
	c.Flows, c.Packets = t.Totals(0)
	for _, k := range keys {
		f := all[k]
		if f.wrong || f.cells > t.Subtables {
			c.Refused += f.cells
			continue
		}
		p := f.packets
		if f.odd || p < 1 || t.Filtered && f.cells < 2 {
			p = unknownPackets
			c.Withheld++
		} else {
			c.Counted++
			c.CountedPackets += p
		}
		c.Decoded++
		d.Keys.Append(k, t.KeyBytes)
		d.Counts = append(d.Counts, p)
	}
	if c.Decoded < c.Flows || c.Counted < c.Decoded {
		d.Missing = &flowset.Missing{Flows: max(0, c.Flows-c.Decoded), Packets: max(0, c.Packets-c.CountedPackets)}
	}
	return d
}

// blank is a table like t with nothing in it: what the solver of a table whose functions are
// not known has.
func blank(t *flowset.Table) *flowset.Table {
	b, err := flowset.NewTable(t.Shape)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return b
}
