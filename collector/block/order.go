package block

// keyed is a record's index with what it is sorted by.
type keyed struct {
	key   uint64
	index int32
}

const (
	digitBits = 11
	digits    = (64 + digitBits - 1) / digitBits
)

// sorter sorts by key, stably: least significant digit first, digits that are the
// same everywhere left out. It keeps its buffers.
type sorter struct {
	list, spare []keyed
	counts      [digits][1 << digitBits]int32
}

func (s *sorter) reset() { s.list = s.list[:0] }

func (s *sorter) add(key uint64, index int) {
	s.list = append(s.list, keyed{key, int32(index)})
}

// sort sorts the list in place.
func (s *sorter) sort() {
	n := len(s.list)
	if cap(s.spare) < n {
		s.spare = make([]keyed, n)
	}
	clear(s.counts[:])
	for _, k := range s.list {
		for d := range digits {
			s.counts[d][k.key>>(d*digitBits)&(1<<digitBits-1)]++
		}
	}
	from, to := s.list, s.spare[:n]
	for d := range digits {
		shift := d * digitBits
		count := &s.counts[d]
		if n > 0 && int(count[from[0].key>>shift&(1<<digitBits-1)]) == n {
			continue
		}
		sum := int32(0)
		for i, c := range count {
			count[i] = sum
			sum += c
		}
		for _, k := range from {
			at := &count[k.key>>shift&(1<<digitBits-1)]
			to[*at] = k
			*at++
		}
		from, to = to, from
	}
	s.list, s.spare = from, to[:cap(to)]
}
