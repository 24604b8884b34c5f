package flowset

import (
	"fmt"
	"math"
	"slices"

	"github.com/telltale-net/telltale/analyzers/flowset/hash"
)

// fit is how a data set's hash is to be read.
type fit struct {
	alg    hash.Algorithm
	form   hash.Form
	layout layoutKind
	check  hash.Check
	seeds  []uint64 // found by search
}

// sure is how many bits of evidence it takes to read a hash otherwise than it says: some
// thousand ways are tried.
const sure = 30

// loner is a flow that is alone in a cell.
type loner struct {
	n     uint32
	check uint32
	k     Key
}

// fit makes the table's functions, as the page says if the table's own cells agree, and
// otherwise in the first other way in which they do. named says that the hash's algorithm
// is known. It returns false, and what came closest, where flows that are alone in a cell
// contradict every way.
func (r *Reader) fit(t *Table, text string, named bool) (closest string, ok bool) {
	if !slices.ContainsFunc(t.cells, func(c Cell) bool { return c.Check != 0 }) {
		t.CheckBytes = 0 // there are none
	}
	if !slices.ContainsFunc(t.cells, func(c Cell) bool { return c.Flows != 0 || c.Packets != 0 }) {
		t.ready()
		return "", true // nothing was counted
	}
	page := fit{alg: t.Hash.Algorithm}
	var try []fit // what needs no more evidence than most lone flows in their place
	known, cached := r.fits[algorithmText(text)]
	if cached {
		try = append(try, known)
	}
	if named {
		try = append(try, page)
	}
	layouts := []layout{t.plain()}
	if cached && known.layout != asIs {
		layouts = t.layouts(layouts[0])
	}
	best := 0.0
	attempt := func(l *layout, f fit, need float64) bool {
		t.lay(l)
		t.Hash.Algorithm, t.Hash.Form = f.alg, f.form
		t.Check = f.check
		t.ready()
		p := t.placed(l.alone)
		if p.here > 0 {
			if share := float64(p.here) / float64(p.of); share > best {
				best, closest = share, fmt.Sprintf("%d of %d flows that are alone in a cell where %s, %s puts them", p.here, p.of, f.alg, f.form)
			}
		}
		if 10*p.here < 8*p.of || float64(p.here)*t.surprise() < need {
			return false
		}
		r.accept(t, text, named, l, f, p)
		return true
	}
	for _, f := range try {
		l := &layouts[0]
		if i := slices.IndexFunc(layouts, func(l layout) bool { return l.kind == f.layout }); i >= 0 {
			l = &layouts[i]
		}
		if len(l.alone) == 0 {
			t.Hash.Algorithm, t.Hash.Form = f.alg, f.form
			t.Check = f.check
			t.ready()
			return "", true // nothing to tell by
		}
		if attempt(l, f, 0) {
			return "", true
		}
	}
	if len(layouts[0].alone) == 0 {
		return "no flow alone in a cell to tell by", false
	}
	name := algorithmText(text)
	if r.hopeless[name] && !cached {
		return closest, false
	}
	if len(layouts) == 1 {
		layouts = t.layouts(layouts[0])
	}
	algs := hash.Algorithms()
	if named {
		algs = []hash.Algorithm{page.alg}
	}
	for i := range layouts {
		l := &layouts[i]
		for _, a := range algs {
			for _, f := range hash.Forms(a) {
				if attempt(l, fit{alg: a, form: f, layout: l.kind}, sure) {
					return "", true
				}
			}
		}
	}
	t.lay(&layouts[0])
	told := t.Hash.Seeds
	if !named && text != "" {
		algs = nil // functions of somebody's own: their seeds are no use
	}
	for _, a := range algs {
		f, ok := t.searchSeeds(&layouts[0], a, known, cached)
		if t.Hash.Seeds = f.seeds; ok && attempt(&layouts[0], f, sure) {
			return "", true
		}
		t.Hash.Seeds = told
	}
	r.hopeless[name] = len(layouts[0].alone) >= few
	t.lay(&layouts[0])
	return closest, false
}

// accept takes a way to read the hash, finds what its checks are, and notes it.
func (r *Reader) accept(t *Table, text string, named bool, l *layout, f fit, p placed) {
	if f.check == (hash.Check{}) && t.CheckBytes > 0 && 2*p.checked < p.here {
		f.check = t.findCheck(l.alone)
		if f.check == hash.NoCheck {
			r.note("hash %q: checks are none of the functions tried: they are not used", text)
		} else if f.check != (hash.Check{}) {
			r.note("hash %q: checks are not function number %d, but %s", text, t.Subtables, f.check)
		}
	}
	if len(f.seeds) > 0 {
		t.Hash.Seeds = f.seeds
	}
	t.Check = f.check
	t.ready()
	for n := range t.cells {
		t.cells[n].Check &= t.place.Mask()
	}
	switch {
	case len(f.seeds) > 0:
		r.note("hash %q is read otherwise than docs/datasets.md says, as the cells demand: %s, %s, with seeds that were searched for", text, f.alg, f.form)
	case f.form != (hash.Form{}) || !named:
		r.note("hash %q is read otherwise than docs/datasets.md says, as the cells demand: %s, %s", text, f.alg, f.form)
	}
	if l.kind != asIs {
		r.note("hash %q: cells are read otherwise than docs/datasets.md says, as they demand: %s", text, l.kind)
	}
	f.seeds = nil // they differ by node
	r.fits[algorithmText(text)] = f
}

// surprise is how many bits of evidence it is that a flow belongs where it is.
func (t *Table) surprise() float64 {
	n := float64(t.Cells)
	if t.Pooled {
		n /= float64(t.Subtables)
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

type placed struct{ here, checked, of int }

// few is how many flows are looked at before the others.
const few = 12

// placed counts, of flows that are alone in a cell, those that belong there, and of those
// the ones with their check. If few of the first belong, it stops.
func (t *Table) placed(alone []loner) (p placed) {
	for i := range alone {
		if i == few && 2*p.here < few {
			return p
		}
		l := &alone[i]
		p.of++
		var at [MaxSubtables]uint32
		check := t.place.Place(l.k[0], l.k[1], (*[3]uint64)(l.k[2:]), l.k.Digest(t.KeyBytes), &at)
		if slices.Contains(at[:t.Subtables], l.n) {
			p.here++
			if check == l.check&t.place.Mask() {
				p.checked++
			}
		}
	}
	return p
}

// findCheck looks for the function that cells' checks are.
func (t *Table) findCheck(alone []loner) hash.Check {
	defer func(c hash.Check) { t.Check = c; t.ready() }(t.Check)
	for _, c := range hash.Checks(t.Hash.Algorithm) {
		t.Check = c
		t.ready()
		if p := t.placed(alone); p.here > 0 && 10*p.checked >= 9*p.here {
			return c
		}
	}
	return hash.NoCheck
}
