package fit

import (
	"fmt"
	"math"
	"slices"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/hash"
)

// Finder finds how tables were filled. What it found it remembers by their hash's text, but
// for seeds, and tries it first with the next. The zero Finder is ready; it is for one
// goroutine.
type Finder struct {
	ways     map[string]way
	hopeless map[string]bool // hashes that were not understood
}

// way is how a data set's hash is to be read.
type way struct {
	alg    hash.Algorithm
	form   hash.Form
	layout layoutKind
	check  hash.Check
	seeds  []uint64 // found by search
}

// sure is how many bits of evidence it takes to read a hash otherwise than it says: some
// thousand ways are tried.
const sure = 30

// fitting is a table for which a way is looked for.
type fitting struct {
	t     *flowset.Table
	text  string
	named bool
	shape flowset.Shape
	best  float64 // share of flows in their place
	close string  // which way that was
	notes []string
}

// Fit returns the table with the functions and the order of cells that its data set says, if
// flows that are alone in a cell agree, and otherwise with the first in which they do. text
// is the hash as the data set has it; named says that its algorithm is known. Notes say what
// was read otherwise than told. The error, where flows alone in a cell contradict every way,
// says what came closest; the table is as it was, then. What is returned may share cells with
// t, which is not to be used further.
func (f *Finder) Fit(t *flowset.Table, text string, named bool) (fitted *flowset.Table, notes []string, err error) {
	x := &fitting{t: t, text: text, named: named, shape: t.Shape}
	cells, _ := t.Raw()
	if !slices.ContainsFunc(cells, func(c flowset.Cell) bool { return c.Check != 0 }) {
		x.shape.CheckBytes = 0 // there are none
	}
	w, l, ok := f.find(x)
	if !ok {
		return nil, nil, x.failure()
	}
	if l == nil {
		return x.reshaped(w, &layout{cells: t.Cells, pooled: t.Pooled}), nil, nil
	}
	if f.ways == nil {
		f.ways = map[string]way{}
	}
	f.ways[algorithmText(text)] = way{alg: w.alg, form: w.form, layout: w.layout, check: w.check} // seeds differ by node
	return x.reshaped(w, l), x.notes, nil
}

// find looks for the way; l is nil where there is nothing to tell by.
func (f *Finder) find(x *fitting) (w way, l *layout, ok bool) {
	t := x.t
	page := way{alg: t.Hash.Algorithm}
	cells, _ := t.Raw()
	if !slices.ContainsFunc(cells, func(c flowset.Cell) bool { return c.Flows != 0 || c.Packets != 0 }) {
		return page, nil, true // nothing was counted
	}
	name := algorithmText(x.text)
	var try []way // what needs no more evidence than most lone flows in their place
	known, cached := f.ways[name]
	if cached {
		try = append(try, known)
	}
	if x.named {
		try = append(try, page)
	}
	all := []layout{plain(t)}
	if cached && known.layout != asIs {
		all = layouts(t, all[0])
	}
	for _, w := range try {
		l := &all[0]
		if i := slices.IndexFunc(all, func(l layout) bool { return l.kind == w.layout }); i >= 0 {
			l = &all[i]
		}
		if len(l.alone) == 0 {
			return w, nil, true // nothing to tell by
		}
		if x.attempt(&w, l, 0) {
			return w, l, true
		}
	}
	if len(all[0].alone) == 0 {
		x.close = "no flow alone in a cell to tell by"
		return way{}, nil, false
	}
	if f.hopeless[name] && !cached {
		return way{}, nil, false
	}
	if len(all) == 1 {
		all = layouts(t, all[0])
	}
	algs := hash.Algorithms()
	if x.named {
		algs = []hash.Algorithm{page.alg}
	}
	for i := range all {
		for _, a := range algs {
			for _, form := range hash.Forms(a) {
				if w := (way{alg: a, form: form, layout: all[i].kind}); x.attempt(&w, &all[i], sure) {
					return w, &all[i], true
				}
			}
		}
	}
	if !x.named && x.text != "" {
		algs = nil // functions of somebody's own: their seeds are no use
	}
	for _, a := range algs {
		if w, ok := x.searchSeeds(&all[0], a, known, cached); ok && x.attempt(&w, &all[0], sure) {
			return w, &all[0], true
		}
	}
	if f.hopeless == nil {
		f.hopeless = map[string]bool{}
	}
	f.hopeless[name] = len(all[0].alone) >= few
	return way{}, nil, false
}

// layout is the table's as the way and the order of its cells have it.
func (x *fitting) layout(w *way, l *layout) hash.Layout {
	h := x.shape.Hash
	h.Algorithm, h.Form = w.alg, w.form
	if len(w.seeds) > 0 {
		h.Seeds = w.seeds
	}
	return hash.Layout{Subtables: x.shape.Subtables, Cells: l.cells, KeyBytes: x.shape.KeyBytes, CheckBytes: x.shape.CheckBytes, Hash: h, Check: w.check, Pooled: l.pooled}
}

// reshaped is the table as the way and the order of its cells have it.
func (x *fitting) reshaped(w way, l *layout) *flowset.Table {
	h := x.layout(&w, l)
	s := x.shape
	s.Cells, s.Pooled, s.Hash, s.Check = h.Cells, h.Pooled, h.Hash, h.Check
	t, err := x.t.Reshape(s, l.from)
	if err != nil {
		panic("BUG: " + err.Error()) // there are no more cells than there were
	}
	return t
}

// attempt tries a way: whether it puts flows that are alone in a cell there, with so many
// bits of evidence at least. It finds what the way's checks are.
func (x *fitting) attempt(w *way, l *layout, need float64) bool {
	h := x.layout(w, l)
	place := hash.NewPlacement(h)
	p := placed(&place, &h, l.alone)
	if p.here > 0 {
		if share := float64(p.here) / float64(p.of); share > x.best {
			x.best, x.close = share, fmt.Sprintf("%d of %d flows that are alone in a cell where %s, %s puts them", p.here, p.of, w.alg, w.form)
		}
	}
	if 10*p.here < 8*p.of || float64(p.here)*surprise(&h) < need {
		return false
	}
	if w.check == (hash.Check{}) && h.CheckBytes > 0 && 2*p.checked < p.here {
		w.check = findCheck(h, l.alone)
		if w.check == hash.NoCheck() {
			x.note("hash %q: checks are none of the functions tried: they are not used", x.text)
		} else {
			x.note("hash %q: checks are not function number %d, but %s", x.text, h.Subtables, w.check)
		}
	}
	switch {
	case len(w.seeds) > 0:
		x.note("hash %q is read otherwise than docs/datasets.md says, as the cells demand: %s, %s, with seeds that were searched for", x.text, w.alg, w.form)
	case w.form != (hash.Form{}) || !x.named:
		x.note("hash %q is read otherwise than docs/datasets.md says, as the cells demand: %s, %s", x.text, w.alg, w.form)
	}
	if l.kind != asIs {
		x.note("hash %q: cells are read otherwise than docs/datasets.md says, as they demand: %s", x.text, l.kind)
	}
	return true
}

func (x *fitting) note(format string, args ...any) {
	x.notes = append(x.notes, fmt.Sprintf(format, args...))
}

// surprise is how many bits of evidence it is that a flow belongs where it is.
func surprise(h *hash.Layout) float64 {
	n := float64(h.Cells)
	if h.Pooled {
		n /= float64(h.Subtables)
	}
	return math.Log2(max(1, n))
}

// algorithmText is a hash's text without what differs by switch.
func algorithmText(s string) string {
	for i, c := range s {
		switch c {
		case ':', '(', '[', ',', ';', '/', ' ', '=':
			return s[:i]
		}
	}
	return s
}

type places struct{ here, checked, of int }

// few is how many flows are looked at before the others.
const few = 12

// placed counts, of flows that are alone in a cell, those that belong there, and of those
// the ones with their check. If few of the first belong, it stops.
func placed(place *hash.Placement, h *hash.Layout, alone []loner) (p places) {
	for i := range alone {
		if i == few && 2*p.here < few {
			return p
		}
		l := &alone[i]
		p.of++
		var at [hash.MaxSubtables]uint32
		check := place.Place(l.k[0], l.k[1], (*[3]uint64)(l.k[2:]), l.k.Digest(h.KeyBytes), &at)
		if slices.Contains(at[:h.Subtables], l.n) {
			p.here++
			if check == l.check&place.Mask() {
				p.checked++
			}
		}
	}
	return p
}

// findCheck looks for the function that cells' checks are.
func findCheck(h hash.Layout, alone []loner) hash.Check {
	for _, c := range hash.Checks(h.Hash.Algorithm) {
		h.Check = c
		place := hash.NewPlacement(h)
		if p := placed(&place, &h, alone); p.here > 0 && 10*p.checked >= 9*p.here {
			return c
		}
	}
	return hash.NoCheck()
}
