package match

import "slices"

// lpm is a table with one lpm field and any number of exact ones.
//
// Every prefix length present has a hash table of the keys masked to it; probing
// them from the longest finds the longest prefix, in one probe per length. Up to
// trieWidth bits that is what inserting and deleting use, and a lookup walks a
// [trie] instead, one per combination of the exact fields.
type lpm[K words] struct {
	packing packing
	width   int  // of the lpm field
	word    int  // of the key where the lpm field is, if width ≤ trieWidth
	exact   K    // mask of the other fields
	keyed   bool // there are other fields
	lengths []byLength[K]
	rules   []int32 // value by handle
	free    []int32 // unused handles
	n       int

	roots hmap[K] // trie by exact fields, if width ≤ trieWidth
	trie  trie
}

// byLength is the prefixes of one length: masked key to handle.
type byLength[K words] struct {
	length int
	mask   K
	rules  hmap[K]
}

// trieWidth is the widest field that lookups walk a trie for. Measured with
// 10 000 routes, four nodes cost less than the probes they replace; sixteen, for
// IPv6, cost more memory than the few lengths in use are worth.
const trieWidth = 32

func newLPM[K words](l layout, p packing) *lpm[K] {
	s := &lpm[K]{packing: p, width: l.fields[l.lpm].Width, word: l.start[l.lpm]}
	mask := slices.Clone(l.mask)
	clear(mask[s.word : s.word+l.fields[l.lpm].Words()])
	pack(&s.packing, mask, &s.exact)
	s.keyed = len(l.fields) > 1
	if s.width <= trieWidth {
		s.trie = newTrie(s.width)
	}
	return s
}

func (s *lpm[K]) lookup(key []uint64) (int32, bool) {
	var k K
	if s.width <= trieWidth {
		root := int32(0)
		if s.keyed {
			pack(&s.packing, key, &k)
			k = and(&k, &s.exact)
			var ok bool
			if root, ok = s.roots.get(&k); !ok {
				return 0, false
			}
		}
		if h := s.trie.lookup(root, uint32(key[s.word])); h >= 0 {
			return s.rules[h], true
		}
		return 0, false
	}
	pack(&s.packing, key, &k)
	for i := range s.lengths {
		t := &s.lengths[i]
		masked := and(&k, &t.mask)
		if h, ok := t.rules.get(&masked); ok {
			return s.rules[h], true
		}
	}
	return 0, false
}

func (s *lpm[K]) at(length int) (int, bool) {
	return slices.BinarySearchFunc(s.lengths, length, func(t byLength[K], length int) int { return length - t.length })
}

func (s *lpm[K]) handle(r rule) (int32, bool) {
	i, ok := s.at(r.length)
	if !ok {
		return 0, false
	}
	var k K
	pack(&s.packing, r.a, &k)
	return s.lengths[i].rules.get(&k)
}

func (s *lpm[K]) find(r rule) (int32, bool) {
	h, ok := s.handle(r)
	if !ok {
		return 0, false
	}
	return s.rules[h], true
}

func (s *lpm[K]) set(r rule, value int32) {
	h, _ := s.handle(r)
	s.rules[h] = value
}

func (s *lpm[K]) insert(r rule, value int32) {
	h := int32(len(s.rules))
	if n := len(s.free); n > 0 {
		h, s.free = s.free[n-1], s.free[:n-1]
		s.rules[h] = value
	} else {
		s.rules = append(s.rules, value)
	}
	i, ok := s.at(r.length)
	if !ok {
		t := byLength[K]{length: r.length}
		pack(&s.packing, r.b, &t.mask)
		s.lengths = slices.Insert(s.lengths, i, t)
	}
	var k K
	pack(&s.packing, r.a, &k)
	s.lengths[i].rules.put(&k, h)
	s.n++
	if s.width <= trieWidth {
		exact := and(&k, &s.exact)
		root, ok := s.roots.get(&exact)
		if !ok {
			if s.keyed {
				root = s.trie.node()
			}
			s.roots.put(&exact, root)
		}
		s.trie.insert(root, uint32(r.a[s.word]), r.length, h)
	}
}

func (s *lpm[K]) remove(r rule) {
	i, _ := s.at(r.length)
	var k K
	pack(&s.packing, r.a, &k)
	h, _ := s.lengths[i].rules.get(&k)
	s.lengths[i].rules.del(&k)
	if s.width <= trieWidth {
		exact := and(&k, &s.exact)
		root, _ := s.roots.get(&exact)
		if s.trie.remove(root, uint32(r.a[s.word]), r.length, h, s.shorter(&k, i)) {
			s.roots.del(&exact)
		}
	}
	if s.lengths[i].rules.n == 0 {
		s.lengths = slices.Delete(s.lengths, i, i+1)
	}
	s.free = append(s.free, h)
	s.n--
}

// shorter finds the longest prefix shorter than lengths[i] that covers k and ends
// in the same node of the trie; -1 if there is none.
func (s *lpm[K]) shorter(k *K, i int) int32 {
	level := depth(s.lengths[i].length)
	for _, t := range s.lengths[i+1:] {
		if depth(t.length) != level {
			break
		}
		masked := and(k, &t.mask)
		if h, ok := t.rules.get(&masked); ok {
			return h
		}
	}
	return -1
}

func (s *lpm[K]) len() int { return s.n }
