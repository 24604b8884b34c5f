package decode

// find returns the flow's index, -1 where it was not decoded here.
func (s *solver) find(a, b uint64, w *[3]uint64, d uint64) int {
	m := uint64(len(s.set.slots) - 1)
	for i := d & m; ; i = (i + 1) & m {
		v := s.set.slots[i]
		if v == 0 {
			return -1
		}
		if v>>32 != d>>32 {
			continue
		}
		f := int(uint32(v)) - 1
		if s.keys.A[f] == a && s.keys.B[f] == b && (w == nil || s.keys.Wide[f] == *w) {
			return f
		}
	}
}

// set is an open-addressing table of flows: half of the digest, and the index plus one.
type set struct {
	slots []uint64
	n     int
}

func newSet(n int) set {
	size := 1024
	for size < 2*n {
		size *= 2
	}
	return set{slots: make([]uint64, size)}
}

func (x *set) add(d uint64, f uint32) {
	if 4*x.n >= 3*len(x.slots) {
		panic("BUG: a set of flows is full")
	}
	m := uint64(len(x.slots) - 1)
	i := d & m
	for x.slots[i] != 0 {
		i = (i + 1) & m
	}
	x.slots[i] = d>>32<<32 | uint64(f+1)
	x.n++
}

// index makes the set of the flows decoded so far, with room for n.
func (s *solver) index(n int) {
	s.set = newSet(max(n, len(s.keys.A)))
	for f := range s.keys.A {
		s.set.add(s.digestOf(f), uint32(f))
	}
	s.peer = make([][2]ref, len(s.keys.A), max(n, len(s.keys.A)))
	for f := range s.peer {
		s.peer[f] = [2]ref{{table: -1}, {table: -1}}
	}
}

// grow keeps the set sparse; more flows than the table says may be tried.
func (s *solver) grow() {
	if 2*s.set.n >= len(s.set.slots) {
		n := newSet(2 * s.set.n)
		for f := range s.keys.A {
			n.add(s.digestOf(f), uint32(f))
		}
		s.set = n
	}
}
