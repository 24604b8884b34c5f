package flowset

import "slices"

// layout is a way in which a table's text may have its cells.
type layout struct {
	kind   layoutKind
	cells  []cell
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

// layouts returns the ways to read the table's cells that are possible, likelier ones first.
func (t *Table) layouts() []layout {
	k, n := t.Subtables, t.Cells
	out := []layout{{kind: asIs, cells: t.cells, wide: t.wide, n: n, pooled: t.Pooled}}
	if !t.Pooled && k > 1 && !t.digest() {
		used := func(i int) bool { return t.cells[i].flows != 0 || t.cells[i].packets != 0 }
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
	for i := range out {
		t.lay(&out[i])
		t.alone(func(n int, key Key) {
			out[i].alone = append(out[i].alone, loner{uint32(n), t.cells[n].check, key})
		})
	}
	t.lay(&out[0])
	return out
}

// gather fills a layout with the table's cells in another order.
func (t *Table) gather(l layout, count int, from func(i int) int) layout {
	l.cells = make([]cell, count)
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

// mostSeed is up to where seeds are searched for.
const mostSeed = 1 << 16

// searchSeeds looks for the seed of every subtable's function by the flows that are alone
// in its cells, for functions whose seeds are not told. If another table's were found, the
// way in which they are hashed is known.
func (t *Table) searchSeeds(l *layout, a Algorithm, known fit, cached bool) (f fit, ok bool) {
	if l.pooled || a == MD5 || a == SHA1 || a == SHA256 || a == CRC16 || a == CRC16CCITT {
		return fit{}, false
	}
	t.lay(l)
	by := make([][]loner, t.Subtables)
	for _, x := range l.alone {
		s := int(x.n) / t.Cells
		if len(by[s]) < few {
			by[s] = append(by[s], x)
		}
	}
	// 16 bits of seeds, and as many of doubt.
	if slices.ContainsFunc(by, func(of []loner) bool { return float64(len(of))*t.surprise() < 40 }) {
		return fit{}, false
	}
	ways := []form{{}}
	for _, x := range forms(a) {
		if x.number == byPage && !x.double && x.width < digits && (x.width == 0 || x.place != asInit) && x != (form{}) {
			ways = append(ways, x)
		}
	}
	if cached && known.alg == a {
		x := known.form
		x.number = byPage
		ways = []form{x}
	}
	for _, way := range ways {
		f = fit{alg: a, form: way, layout: l.kind, check: known.check}
		if !cached || known.alg != a {
			f.check = checkForm{}
		}
		if f.seeds, ok = t.seedsOf(a, way, by); ok {
			t.Hash.Seeds = f.seeds
			return f, true
		}
	}
	t.Hash.Seeds = nil
	return fit{}, false
}

// seedsOf searches one way of hashing seeds.
func (t *Table) seedsOf(a Algorithm, way form, by [][]loner) (seeds []uint64, ok bool) {
	next := uint64(0)
	for s, of := range by {
		found := false
		for i := range uint64(mostSeed) {
			seed := (next + i) % mostSeed
			h := Hash{Algorithm: a, Seeds: []uint64{seed}, form: way}
			fn := h.functions(1, t.KeyBytes)
			wrong := 0
			for j := range of {
				x := &of[j]
				var p prepared
				fn.prepare(&p, x.k[0], x.k[1], (*[3]uint64)(x.k[2:]), x.k.digest(t.KeyBytes))
				if uint32(s*t.Cells)+uint32(fn.cell(fn.value(0, &p), uint64(t.Cells))) != x.n {
					if wrong++; 6*wrong > len(of) {
						break
					}
				}
			}
			if 6*wrong <= len(of) {
				seeds, next, found = append(seeds, seed), seed+1, true
				break
			}
		}
		if !found {
			return nil, false
		}
	}
	return append(seeds, seeds[len(seeds)-1]+1), true // the check's, if seeds go on
}
