package flowset

import "slices"

// fit is how a data set's hash is to be read.
type fit struct {
	alg   Algorithm
	form  form
	check checkForm
}

// checkForm is what the check of a key is. The zero value is the page's: the function
// after the subtables', its lowest bytes.
type checkForm struct {
	alg    Algorithm // "" = the table's
	number int       // of the function, if alg is set
	bare   bool      // no seed
	high   bool      // the first bytes of the value instead of the last
	none   bool      // checks are not understood, and not used
}

// fit makes the table's functions, as the page says if the table's own cells agree, and
// otherwise in the first other way in which they do. named says that the hash's algorithm
// is known. It returns false where flows that are alone in a cell contradict every way.
func (r *Reader) fit(t *Table, text string, named bool) bool {
	try := []fit{}
	if f, ok := r.fits[algorithmText(text)]; ok {
		try = append(try, f)
	}
	algs := Algorithms()
	if named {
		algs = []Algorithm{t.Hash.Algorithm}
		try = append(try, fit{alg: t.Hash.Algorithm})
	}
	for _, a := range algs {
		for _, f := range forms(a) {
			try = append(try, fit{alg: a, form: f})
		}
	}
	if !slices.ContainsFunc(t.cells, func(c cell) bool { return c.check != 0 }) {
		t.CheckBytes = 0 // there are none
	}
	original := t.cells
	wide := t.wide
	across := false
	for i, f := range try {
		if f.form.across != across {
			t.cells, t.wide, across = original, wide, f.form.across
			if across {
				t.interleave()
			}
		}
		t.Hash.Algorithm, t.Hash.form = f.alg, f.form
		t.ready()
		placed, of := t.placed(f.check)
		if of == 0 {
			return named || i == 0 && len(r.fits) > 0 // nothing to tell by
		}
		if 10*placed.here < 8*of {
			continue
		}
		if f.check == (checkForm{}) && t.CheckBytes > 0 && 2*placed.checked < placed.here {
			f.check = t.findCheck()
			if f.check.none {
				r.note("hash %q: checks are none of the functions tried: they are not used", text)
			} else if f.check != (checkForm{}) {
				r.note("hash %q: checks are not function number %d, but %s", text, t.Subtables, f.check.describe())
			}
		}
		t.check = f.check
		t.ready()
		for n := range t.cells {
			t.cells[n].check &= t.mask
		}
		if f.form != (form{}) || !named {
			r.note("hash %q is read otherwise than docs/datasets.md says, as the cells demand: %s, %s", text, f.alg, f.form.describe())
		}
		r.fits[algorithmText(text)] = f
		return true
	}
	return false
}

// algorithmText is a hash's text without what differs by switch.
func algorithmText(s string) string {
	if i := slices.Index([]byte(s), ':'); i >= 0 {
		return s[:i]
	}
	return s
}

type placed struct{ here, checked int }

// placed counts, of flows that are alone in a cell, those that belong there, and of those
// the ones with their check.
func (t *Table) placed(c checkForm) (p placed, of int) {
	t.check = c
	t.ready()
	t.alone(func(n int, k Key) {
		of++
		var at [MaxSubtables]uint32
		check := t.placeBy(k[0], k[1], (*[3]uint64)(k[2:]), k.digest(t.KeyBytes), &at)
		if slices.Contains(at[:t.Subtables], uint32(n)) {
			p.here++
			if check == t.cells[n].check {
				p.checked++
			}
		}
	})
	return p, of
}

// findCheck looks for the function that cells' checks are.
func (t *Table) findCheck() checkForm {
	defer func(c checkForm) { t.check = c; t.ready() }(t.check)
	for _, alg := range append([]Algorithm{t.Hash.Algorithm}, Algorithms()...) {
		for _, high := range []bool{false, true} {
			c := checkForm{alg: alg, bare: true, high: high}
			if p, _ := t.placed(c); 10*p.checked >= 9*p.here {
				return c
			}
		}
		for _, number := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16, 99, 100, 255, 256, 1000} {
			for _, high := range []bool{false, true} {
				c := checkForm{alg: alg, number: number, high: high}
				if p, _ := t.placed(c); 10*p.checked >= 9*p.here {
					return c
				}
			}
		}
	}
	return checkForm{none: true}
}

// interleave moves cells that stand side by side in the text into their subtables.
func (t *Table) interleave() {
	cells := make([]cell, len(t.cells))
	var wide [][3]uint64
	if t.wide != nil {
		wide = make([][3]uint64, len(t.wide))
	}
	for n := range t.cells {
		to := n%t.Subtables*t.Cells + n/t.Subtables
		cells[to] = t.cells[n]
		if wide != nil {
			wide[to] = t.wide[n]
		}
	}
	t.cells, t.wide = cells, wide
}
