package match

import "slices"

// linear keeps rules in order of insertion and looks at every one.
type linear struct {
	l     layout
	rules []linearRule
}

type linearRule struct {
	rule
	value int32
}

func (s *linear) len() int { return len(s.rules) }

func (s *linear) index(r rule) int {
	return slices.IndexFunc(s.rules, func(o linearRule) bool {
		return o.priority == r.priority && slices.Equal(o.a, r.a) && slices.Equal(o.b, r.b)
	})
}

func (s *linear) find(r rule) (int32, bool) {
	if i := s.index(r); i >= 0 {
		return s.rules[i].value, true
	}
	return 0, false
}

func (s *linear) insert(r rule, value int32) { s.rules = append(s.rules, linearRule{r, value}) }
func (s *linear) set(r rule, value int32)    { s.rules[s.index(r)].value = value }
func (s *linear) remove(r rule)              { i := s.index(r); s.rules = slices.Delete(s.rules, i, i+1) }

func (s *linear) lookup(key []uint64) (int32, bool) {
	best := -1
	for i, r := range s.rules {
		if s.l.hits(r.rule, key) && (best < 0 || r.priority > s.rules[best].priority || r.length > s.rules[best].length) {
			best = i
		}
	}
	if best < 0 {
		return 0, false
	}
	return s.rules[best].value, true
}
