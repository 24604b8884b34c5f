package flowset

import (
	"fmt"
	"math"
	"slices"
)

// fit is how a data set's hash is to be read.
type fit struct {
	alg    Algorithm
	form   form
	layout layoutKind
	check  checkForm
	seeds  []uint64 // found by search
}

// checkForm is what the check of a key is. The zero value is the page's: the function
// after the subtables', its lowest bytes.
type checkForm struct {
	alg    Algorithm // "" = the table's
	number int       // of the function, if alg is set
	bare   bool      // no seed
	sum    bool      // exclusive or of all subtables' functions
	high   bool      // the first bytes of the value instead of the last
	none   bool      // checks are not understood, and not used
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
	if !slices.ContainsFunc(t.cells, func(c cell) bool { return c.check != 0 }) {
		t.CheckBytes = 0 // there are none
	}
	if !slices.ContainsFunc(t.cells, func(c cell) bool { return c.flows != 0 || c.packets != 0 }) {
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
		t.Hash.Algorithm, t.Hash.form = f.alg, f.form
		t.check = f.check
		t.ready()
		p := t.placed(l.alone)
		if p.here > 0 {
			if share := float64(p.here) / float64(p.of); share > best {
				best, closest = share, fmt.Sprintf("%d of %d flows that are alone in a cell where %s, %s puts them", p.here, p.of, f.alg, f.form.describe())
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
			t.Hash.Algorithm, t.Hash.form = f.alg, f.form
			t.check = f.check
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
	algs := Algorithms()
	if named {
		algs = []Algorithm{page.alg}
	}
	for i := range layouts {
		l := &layouts[i]
		for _, a := range algs {
			for _, f := range forms(a) {
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
	if f.check == (checkForm{}) && t.CheckBytes > 0 && 2*p.checked < p.here {
		f.check = t.findCheck(l.alone)
		if f.check.none {
			r.note("hash %q: checks are none of the functions tried: they are not used", text)
		} else if f.check != (checkForm{}) {
			r.note("hash %q: checks are not function number %d, but %s", text, t.Subtables, f.check.describe())
		}
	}
	if len(f.seeds) > 0 {
		t.Hash.Seeds = f.seeds
	}
	t.check = f.check
	t.ready()
	for n := range t.cells {
		t.cells[n].check &= t.mask
	}
	switch {
	case len(f.seeds) > 0:
		r.note("hash %q is read otherwise than docs/datasets.md says, as the cells demand: %s, %s, with seeds that were searched for", text, f.alg, f.form.describe())
	case f.form != (form{}) || !named:
		r.note("hash %q is read otherwise than docs/datasets.md says, as the cells demand: %s, %s", text, f.alg, f.form.describe())
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
		check := t.placeBy(l.k[0], l.k[1], (*[3]uint64)(l.k[2:]), l.k.digest(t.KeyBytes), &at)
		if slices.Contains(at[:t.Subtables], l.n) {
			p.here++
			if check == l.check&t.mask {
				p.checked++
			}
		}
	}
	return p
}

// findCheck looks for the function that cells' checks are.
func (t *Table) findCheck(alone []loner) checkForm {
	defer func(c checkForm) { t.check = c; t.ready() }(t.check)
	fits := func(c checkForm) bool {
		t.check = c
		t.ready()
		p := t.placed(alone)
		return p.here > 0 && 10*p.checked >= 9*p.here
	}
	for _, high := range []bool{false, true} {
		if c := (checkForm{high: high}); high && fits(c) {
			return c
		}
		if c := (checkForm{sum: true, high: high}); fits(c) {
			return c
		}
	}
	for _, alg := range append([]Algorithm{t.Hash.Algorithm}, Algorithms()...) {
		for _, high := range []bool{false, true} {
			if c := (checkForm{alg: alg, bare: true, high: high}); fits(c) {
				return c
			}
		}
		for _, number := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16, 99, 100, 255, 256, 1000, 0xffff} {
			for _, high := range []bool{false, true} {
				if c := (checkForm{alg: alg, number: number, high: high}); fits(c) {
					return c
				}
			}
		}
	}
	return checkForm{none: true}
}
