package match

// newStore picks the structure for a layout and the size of its packed keys.
func newStore(l layout) store {
	switch p := newPacking(l); {
	case p.words <= 1:
		return storeOf[[1]uint64](l, p)
	case p.words <= 2:
		return storeOf[[2]uint64](l, p)
	case p.words <= 3:
		return storeOf[[3]uint64](l, p)
	case p.words <= 4:
		return storeOf[[4]uint64](l, p)
	case p.words <= 8:
		return storeOf[[8]uint64](l, p)
	case p.words <= 64:
		return storeOf[[64]uint64](l, p)
	default:
		return storeOf[[1024]uint64](l, p)
	}
}

func storeOf[K words](l layout, p packing) store {
	switch {
	case l.ordered:
		return newTernary[K](l, p)
	case l.lpm >= 0:
		return newLPM[K](l, p)
	default:
		return newExact[K](p)
	}
}

// exact is a table whose fields are all exact: a hash table.
type exact[K words] struct {
	rules   hmap[K]
	mask    uint64 // of a key of one word, which needs no packing
	single  bool   // it is one
	packing packing
}

func newExact[K words](p packing) *exact[K] {
	s := &exact[K]{packing: p, single: len(p.pieces) == 1}
	if s.single {
		s.mask = p.pieces[0].mask
	}
	return s
}

func (s *exact[K]) lookup(key []uint64) (int32, bool) {
	var k K
	if s.single {
		k[0] = key[0] & s.mask
	} else {
		pack(&s.packing, key, &k)
	}
	return s.rules.get(&k)
}

func (s *exact[K]) find(r rule) (int32, bool) { return s.lookup(r.a) }

func (s *exact[K]) insert(r rule, value int32) {
	var k K
	pack(&s.packing, r.a, &k)
	s.rules.put(&k, value)
}

func (s *exact[K]) set(r rule, value int32) { s.insert(r, value) }

func (s *exact[K]) remove(r rule) {
	var k K
	pack(&s.packing, r.a, &k)
	s.rules.del(&k)
}

func (s *exact[K]) len() int { return s.rules.n }
