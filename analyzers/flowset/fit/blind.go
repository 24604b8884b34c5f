package fit

import "github.com/telltale-net/telltale/analyzers/flowset"

// Blind returns the table as one whose functions nobody knows, if its cells look like those
// of a flow set: if its subtables count the same flows, and as many flows are alone in
// several cells as chance makes, seldom with other packets. If its subtables do not count the
// same, it may have none. It shares cells with t, which is not to be used further.
func Blind(t *flowset.Table) (*flowset.Table, bool) {
	if t.IsDigest() {
		return nil, false
	}
	cells, _ := t.Raw()
	shape := t.Shape
	total, packets := t.Totals(0)
	for s := 1; s < t.Subtables && !shape.Pooled; s++ {
		if f, p := t.Totals(s); f != total || p != packets {
			shape.Pooled, shape.Cells = true, t.Len()
		}
	}
	if shape.Pooled {
		all := int64(0)
		for i := range cells {
			all += int64(cells[i].Flows)
		}
		if total = all / int64(t.Subtables); all%int64(t.Subtables) != 0 {
			return nil, false
		}
	}
	type found struct {
		packets int64
		cells   int
	}
	seen := map[flowset.Key]found{}
	lone, twice, differ := 0, 0, 0
	for n := range cells {
		if cells[n].Flows != 1 {
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
		return nil, false
	}
	k := float64(t.Subtables)
	alone := float64(lone) / k / float64(total) // of a flow, in a cell
	expected := float64(total) * alone * alone * k * (k - 1) / 2
	if twice < 3 || 2*float64(twice) < expected || 10*differ > twice {
		return nil, false
	}
	b, err := t.Reshape(shape, nil)
	if err != nil {
		panic("BUG: " + err.Error()) // there are no more cells than there were
	}
	b.Blind = true
	return b, true
}
