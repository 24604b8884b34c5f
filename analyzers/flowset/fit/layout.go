package fit

import "github.com/telltale-net/telltale/analyzers/flowset"

// layout is a way in which a table may have its cells.
type layout struct {
	kind   layoutKind
	count  int // cells in all
	cells  int // per subtable
	pooled bool
	from   func(i int) int // which of the table's cells is cell i; nil = the same
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
func plain(t *flowset.Table) layout {
	l := layout{kind: asIs, count: t.Len(), cells: t.Cells, pooled: t.Pooled}
	l.sample(t)
	return l
}

// layouts returns the ways to read the table's cells that are possible, likelier ones first.
func layouts(t *flowset.Table, plain layout) []layout {
	k, n := t.Subtables, t.Cells
	out := []layout{plain}
	if t.Pooled || k == 1 || t.IsDigest() {
		return out
	}
	first, low := true, n%k == 0 // only the first subtable is used; only the first n/k of each
	cells, _ := t.Raw()
	for i := range cells {
		if cells[i].Flows != 0 || cells[i].Packets != 0 {
			first = first && i < n
			low = low && i%n < n/k
		}
	}
	if first && n%k == 0 {
		out = append(out, layout{kind: shared, count: n, cells: n / k})
	}
	if low {
		out = append(out, layout{kind: sharedBySubtable, count: n, cells: n / k, from: func(i int) int { return i/(n/k)*n + i%(n/k) }})
	}
	out = append(out, layout{kind: across, count: n * k, cells: n, from: func(i int) int { return i%n*k + i/n }})
	if first {
		out = append(out, layout{kind: pooledShared, count: n, cells: n, pooled: true})
	}
	out = append(out, layout{kind: pooled, count: n * k, cells: n * k, pooled: true})
	for i := range out[1:] {
		out[1+i].sample(t)
	}
	return out
}

// loner is a flow that is alone in a cell.
type loner struct {
	n     uint32
	check uint32
	k     flowset.Key
}

// samples is how many flows that are alone in a cell are looked at.
const samples = 256

// sample fills in flows that are alone in a cell, spread over the table.
func (l *layout) sample(t *flowset.Table) {
	cells, _ := t.Raw()
	step := max(1, l.count/(64*samples))
	for start := range step {
		for n := start; n < l.count; n += step {
			i := n
			if l.from != nil {
				i = l.from(n)
			}
			if cells[i].Flows != 1 {
				continue
			}
			k, _, _, check := t.Cell(i/t.Cells, i%t.Cells)
			l.alone = append(l.alone, loner{uint32(n), uint32(check), k})
			if len(l.alone) == samples {
				return
			}
		}
	}
}
