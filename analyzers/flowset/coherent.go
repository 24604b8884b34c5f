package flowset

// coherent reports whether the cells look like those of a flow set whose functions are not
// known: whether its subtables count the same flows, and as many flows are alone in several
// cells as chance makes, seldom with other packets. If its subtables do not count the same,
// it may have none.
func (t *Table) coherent() bool {
	if t.IsDigest() {
		return false
	}
	total, packets := t.Totals(0)
	for s := 1; s < t.Subtables && !t.Pooled; s++ {
		if f, p := t.Totals(s); f != total || p != packets {
			t.Pooled, t.Cells = true, len(t.cells)
		}
	}
	if t.Pooled {
		all := int64(0)
		for i := range t.cells {
			all += int64(t.cells[i].Flows)
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
		if t.cells[n].Flows != 1 {
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
