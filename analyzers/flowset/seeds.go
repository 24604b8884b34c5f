package flowset

// mostSeed is below what seeds are searched for.
const mostSeed = 1 << 16

// seedWays are the ways of hashing a seed that are searched.
func seedWays(a Algorithm) (out []form) {
	switch a {
	case MD5, SHA1, SHA256, CRC16, CRC16CCITT: // too slow, or too short to tell
		return nil
	}
	for _, scale := range []bool{false, true} {
		out = append(out, form{scale: scale})
		switch a {
		case CRC32, CRC32C, FNV1a, FNV1a32:
			out = append(out, form{scale: scale, little: true}, form{scale: scale, place: after}, form{scale: scale, place: asInit})
		}
	}
	return out
}

// searchSeeds looks for the seed of every subtable's function by the flows that are alone
// in its cells, for functions whose seeds are not told. If another table's were found, the
// way in which they are hashed is known.
func (t *Table) searchSeeds(l *layout, a Algorithm, known fit, cached bool) (f fit, ok bool) {
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
	ways := seedWays(a)
	if cached && known.alg == a {
		way := known.form
		way.number = byPage
		ways = []form{way}
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
func (t *Table) seedsOf(a Algorithm, way form, by [][]loner) (seeds []uint64, ok bool) {
	h := Hash{Algorithm: a, form: way}
	fn := h.functions(1, t.KeyBytes)
	next := uint64(0)
	for s, of := range by {
		keys := make([]prepared, len(of))
		for j := range of {
			k := &of[j].k
			fn.prepare(&keys[j], k[0], k[1], (*[3]uint64)(k[2:]), k.digest(t.KeyBytes))
		}
		found := false
		for i := uint64(0); i < mostSeed && !found; i++ {
			seed := (next + i) % mostSeed
			fn.setSeed(0, seed)
			wrong := 0
			for j := range of {
				if uint32(s*t.Cells)+uint32(fn.cell(fn.value(0, &keys[j]), uint64(t.Cells))) != of[j].n {
					if wrong++; 6*wrong > len(of) {
						break
					}
				}
			}
			if 6*wrong <= len(of) {
				seeds, next, found = append(seeds, seed), seed+1, true
			}
		}
		if !found {
			return nil, false
		}
	}
	return append(seeds, next), true // the check's, if they go on
}
