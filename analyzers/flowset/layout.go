package flowset

// layout is a way in which a table's text may have its cells.
type layout struct {
	kind   layoutKind
	cells  []Cell
	wide   [][3]uint64
	n      int // Cells
	pooled bool
	alone  []loner
}

type layoutKind uint8

const (
	asIs layoutKind = iota
	shared
	sharedBySubtable
	across
	pooled
	pooledShared
)

func (k layoutKind) String() string {
	return [...]string{
		"as they stand", "\"cells\" are those of all subtables together", "\"cells\" are those of all subtables together",
		"cells of the same number stand side by side", "there are no subtables: every function reaches all cells",
		"there are no subtables: every function reaches all cells",
	}[k]
}

// plain is the table's cells as they stand.
func (t *Table) plain() layout {
	l := layout{kind: asIs, cells: t.cells, wide: t.wide, n: t.Cells, pooled: t.Pooled}
	t.sample(&l)
	return l
}

// sample fills in flows that are alone in a cell of the layout, which is the table's then.
func (t *Table) sample(l *layout) {
	t.lay(l)
	t.alone(func(n int, key Key) {
		l.alone = append(l.alone, loner{uint32(n), t.cells[n].Check, key})
	})
}

// layouts returns the ways to read the table's cells that are possible, likelier ones first.
func (t *Table) layouts(plain layout) []layout {
	t.lay(&plain)
	k, n := t.Subtables, t.Cells
	out := []layout{plain}
	if !t.Pooled && k > 1 && !t.IsDigest() {
		used := func(i int) bool { return t.cells[i].Flows != 0 || t.cells[i].Packets != 0 }
		first, low := true, n%k == 0 // only the first subtable is used; only the first n/k of each
		for i := range t.cells {
			if used(i) {
				first = first && i < n
				low = low && i%n < n/k
			}
		}
		head := func(l layout) layout {
			l.cells = t.cells[:n]
			if t.wide != nil {
				l.wide = t.wide[:n]
			}
			return l
		}
		if first && n%k == 0 {
			out = append(out, head(layout{kind: shared, n: n / k}))
		}
		if low {
			out = append(out, t.gather(layout{kind: sharedBySubtable, n: n / k}, n, func(i int) int { return i/(n/k)*n + i%(n/k) }))
		}
		out = append(out, t.gather(layout{kind: across, n: n}, n*k, func(i int) int { return i%n*k + i/n }))
		if first {
			out = append(out, head(layout{kind: pooledShared, n: n, pooled: true}))
		}
		out = append(out, layout{kind: pooled, cells: t.cells, wide: t.wide, n: n * k, pooled: true})
	}
	for i := range out[1:] {
		t.sample(&out[1+i])
	}
	t.lay(&out[0])
	return out
}

// gather fills a layout with the table's cells in another order.
func (t *Table) gather(l layout, count int, from func(i int) int) layout {
	l.cells = make([]Cell, count)
	if t.wide != nil {
		l.wide = make([][3]uint64, count)
	}
	for i := range l.cells {
		l.cells[i] = t.cells[from(i)]
		if t.wide != nil {
			l.wide[i] = t.wide[from(i)]
		}
	}
	return l
}

// lay makes the table's cells those of the layout.
func (t *Table) lay(l *layout) {
	t.cells, t.wide, t.Cells, t.Pooled = l.cells, l.wide, l.n, l.pooled
}
