package drops

// hashSet counts distinct non-zero 64-bit hashes: exact up to cap members, then it
// only remembers that there were more. It allocates while it grows, never after.
type hashSet struct {
	slots []uint64 // power of two, at most half full; 0 = free
	n     int
	more  bool // a hash was turned away: n is a lower bound
}

// add reports whether h is new; a hash turned away for lack of room is not.
func (s *hashSet) add(h uint64, limit int) bool {
	if s.has(h) {
		return false
	}
	if s.n >= limit {
		s.more = true
		return false
	}
	if 2*(s.n+1) > len(s.slots) {
		old := s.slots
		s.slots = make([]uint64, max(8, 2*len(old)))
		for _, o := range old {
			if o != 0 {
				s.put(o)
			}
		}
	}
	s.put(h)
	s.n++
	return true
}

func (s *hashSet) put(h uint64) {
	mask := uint64(len(s.slots) - 1)
	i := h & mask
	for s.slots[i] != 0 {
		i = (i + 1) & mask
	}
	s.slots[i] = h
}

func (s *hashSet) has(h uint64) bool {
	if len(s.slots) == 0 {
		return false
	}
	mask := uint64(len(s.slots) - 1)
	for i := h & mask; s.slots[i] != 0; i = (i + 1) & mask {
		if s.slots[i] == h {
			return true
		}
	}
	return false
}

// reset empties the set and keeps its room.
func (s *hashSet) reset() {
	clear(s.slots)
	s.n, s.more = 0, false
}

// Distinct is a count of different things.
type Distinct struct {
	N       int  `json:"n"`
	AtLeast bool `json:"at_least,omitempty"` // the cap was reached: there may be more
}

func (s *hashSet) distinct() Distinct { return Distinct{N: s.n, AtLeast: s.more} }
