package flowset

// lone tells of a table whose functions nobody knows what its cells say by themselves: a
// cell with one flow is that flow, and its packets. A flow may be alone in a cell of each
// subtable; where those disagree about its packets or its check, or where it is alone twice
// in one subtable, which cannot be, it is told without packets or not at all. With a filter,
// which may hide other flows' packets in a cell, packets are told if two cells agree.
func (t *Table) lone() *Decoded {
	type found struct {
		packets  int64
		check    uint32
		cells    int
		subtable uint32 // bits
		odd      bool   // packets disagree
		wrong    bool
		order    int
	}
	all, keys := map[Key]*found{}, []Key{}
	for n := range t.cells {
		if t.cells[n].flows != 1 {
			continue
		}
		s := n / t.Cells
		k, _, packets, check := t.Cell(s, n%t.Cells)
		f := all[k]
		if f == nil {
			f = &found{packets: packets, check: uint32(check), order: len(keys)}
			all[k] = f
			keys = append(keys, k)
		}
		f.cells++
		f.odd = f.odd || f.packets != packets
		f.wrong = f.wrong || f.check != uint32(check) || !t.Pooled && f.subtable>>s&1 != 0
		f.subtable |= 1 << s
	}
	d := &Decoded{Shape: t.Shape}
	c := &d.Coverage
	c.Flows, c.Packets = t.totals(0)
	for _, k := range keys {
		f := all[k]
		if f.wrong || f.cells > t.Subtables {
			c.Refused += f.cells
			continue
		}
		p := f.packets
		if f.odd || p < 1 || t.filtered && f.cells < 2 {
			p = unknownPackets
			c.Withheld++
		} else {
			c.Counted++
			c.CountedPackets += p
		}
		c.Decoded++
		d.a, d.b, d.packets = append(d.a, k[0]), append(d.b, k[1]), append(d.packets, p)
		if t.KeyBytes > 16 {
			d.w = append(d.w, [3]uint64(k[2:]))
		}
	}
	if c.Decoded < c.Flows || c.Counted < c.Decoded {
		d.Missing = &Missing{Flows: max(0, c.Flows-c.Decoded), Packets: max(0, c.Packets-c.CountedPackets)}
	}
	return d
}

// coherent reports whether the cells look like those of a flow set whose functions are not
// known: whether its subtables count the same flows, and as many flows are alone in several
// cells as chance makes, seldom with other packets. If its subtables do not count the same,
// it may have none.
func (t *Table) coherent() bool {
	if t.digest() {
		return false
	}
	total, packets := t.totals(0)
	for s := 1; s < t.Subtables && !t.Pooled; s++ {
		if f, p := t.totals(s); f != total || p != packets {
			t.Pooled, t.Cells = true, len(t.cells)
		}
	}
	if t.Pooled {
		all := int64(0)
		for i := range t.cells {
			all += int64(t.cells[i].flows)
		}
		if total = all / int64(t.Subtables); all%int64(t.Subtables) != 0 {
			return false
		}
	}
	type found struct {
		packets int64
		cells   int
	}
	seen := map[Key]found{}
	lone, twice, differ := 0, 0, 0
	for n := range t.cells {
		if t.cells[n].flows != 1 {
			continue
		}
		k, _, packets, _ := t.Cell(n/t.Cells, n%t.Cells)
		f := seen[k]
		if f.cells > 0 && f.packets != packets {
			differ += f.cells
		}
		lone++
		twice += f.cells
		seen[k] = found{packets, f.cells + 1}
	}
	if lone == 0 || total < 1 {
		return false
	}
	k := float64(t.Subtables)
	alone := float64(lone) / k / float64(total) // of a flow, in a cell
	expected := float64(total) * alone * alone * k * (k - 1) / 2
	return twice >= 3 && 2*float64(twice) >= expected && 10*differ <= twice
}

// blank is the table with nothing in it: what the solver of a table whose functions are
// not known has.
func (t *Table) blank() *Table {
	b := *t
	b.Filter = nil
	b.cells = make([]cell, len(t.cells))
	if t.wide != nil {
		b.wide = make([][3]uint64, len(t.wide))
	}
	return &b
}
