package fit

import "github.com/telltale-net/telltale/analyzers/flowset/hash"

// searchSeeds looks for the seed of every subtable's function by the flows that are alone
// in its cells, for functions whose seeds are not told. If another table's were found, the
// way in which they are hashed is known.
func (x *fitting) searchSeeds(l *layout, a hash.Algorithm, known way, cached bool) (w way, ok bool) {
	by := make([][]loner, x.shape.Subtables)
	for _, y := range l.alone {
		s := int(y.n) / l.cells
		if len(by[s]) < few {
			by[s] = append(by[s], y)
		}
	}
	h := x.layout(&way{alg: a}, l)
	for _, of := range by { // 16 bits of seeds, and more than as many of doubt
		if float64(len(of))*surprise(&h) < 40 {
			return way{}, false
		}
	}
	forms := hash.SeedForms(a)
	if cached && known.alg == a {
		forms = []hash.Form{known.form.Seeded()}
	}
	for _, form := range forms {
		w = way{alg: a, form: form, layout: l.kind}
		if cached && known.alg == a {
			w.check = known.check
		}
		if w.seeds, ok = seedsOf(&h, form, by); ok {
			return w, true
		}
	}
	return way{}, false
}

// seedsOf searches with one way of hashing seeds.
func seedsOf(h *hash.Layout, form hash.Form, by [][]loner) (seeds []uint64, ok bool) {
	next := uint64(0)
	for s, of := range by {
		homes := make([]hash.Home, len(of))
		for i := range of {
			k := &of[i].k
			homes[i] = hash.Home{A: k[0], B: k[1], Wide: (*[3]uint64)(k[2:]), Digest: k.Digest(h.KeyBytes), Cell: uint64(int(of[i].n) - s*h.Cells)}
		}
		seed, ok := hash.FindSeed(h.Hash.Algorithm, form, h.KeyBytes, homes, uint64(h.Cells), next)
		if !ok {
			return nil, false
		}
		seeds, next = append(seeds, seed), seed+1
	}
	return append(seeds, next), true // the check's, if they go on
}
