package match

import "slices"

// fewRules is the most rules that a lookup tries one after the other. Measured:
// with that many it takes nearly as long as the pool.
const fewRules = 12

// few is a rule of a small table, as much of it as a lookup needs.
type few[K words] struct {
	value, mask K
	rule        int32
	spans       bool
}

// recount lists the rules of a table that has few, best first.
func (s *ternary[K]) recount() {
	s.few = s.few[:0]
	if len(s.byID) > fewRules {
		return
	}
	for _, h := range s.byID {
		r := &s.rules[h]
		s.few = append(s.few, few[K]{r.value, r.mask, h, r.spans != nil})
	}
	slices.SortFunc(s.few, func(a, b few[K]) int {
		if s.better(a.rule, b.rule) {
			return -1
		}
		return 1
	})
}

// scan returns the first of a few rules that is hit.
func (s *ternary[K]) scan(k *K, key []uint64) int32 {
	for i := range s.few {
		f := &s.few[i]
		if under(k, &f.mask, &f.value) && (!f.spans || s.rules[f.rule].hits(k, key)) {
			return f.rule
		}
	}
	return -1
}
