package flowset

import "github.com/telltale-net/telltale/analyzers/flowset/hash"

// searchSeeds looks for the seed of every subtable's function by the flows that are alone
// in its cells, for functions whose seeds are not told. If another table's were found, the
// way in which they are hashed is known.
func (t *Table) searchSeeds(l *layout, a hash.Algorithm, known fit, cached bool) (f fit, ok bool) {
	by := make([][]loner, t.Subtables)
	for _, x := range l.alone {
		s := int(x.n) / t.Cells
		if len(by[s]) < few {
			by[s] = append(by[s], x)
		}
	}
	for _, of := range by { // 16 bits of seeds, and more than as many of doubt
		if float64(len(of))*t.surprise() < 40 {
			return fit{}, false
		}
	}
	ways := hash.SeedForms(a)
	if cached && known.alg == a {
		ways = []hash.Form{known.form.Seeded()}
	}
	for _, way := range ways {
		f = fit{alg: a, form: way, layout: l.kind}
		if cached && known.alg == a {
			f.check = known.check
		}
		if f.seeds, ok = t.seedsOf(a, way, by); ok {
			return f, true
		}
	}
	return fit{}, false
}

// seedsOf searches one way of hashing seeds.
func (t *Table) seedsOf(a hash.Algorithm, way hash.Form, by [][]loner) (seeds []uint64, ok bool) {
	next := uint64(0)
	for s, of := range by {
		homes := make([]hash.Home, len(of))
		for i := range of {
			k := &of[i].k
			homes[i] = hash.Home{A: k[0], B: k[1], Wide: (*[3]uint64)(k[2:]), Digest: k.Digest(t.KeyBytes), Cell: uint64(int(of[i].n) - s*t.Cells)}
		}
		seed, ok := hash.FindSeed(a, way, t.KeyBytes, homes, uint64(t.Cells), next)
		if !ok {
			return nil, false
		}
		seeds, next = append(seeds, seed), seed+1
	}
	return append(seeds, next), true // the check's, if they go on
}
