package block

import "math/bits"

// keyed is a record's index with what it is sorted by.
type keyed struct {
	key   uint64
	index int32
}

// digitBits is how many bits of a key one pass of the sort looks at.
const digitBits = 11

// sorter sorts by key, stably: least significant digit first, bits that are the same
// in all keys left out. It keeps its buffers.
type sorter struct {
	list, spare []keyed
	counts      [1 << digitBits]int32
}

func (s *sorter) reset() { s.list = s.list[:0] }

func (s *sorter) add(key uint64, index int) {
	s.list = append(s.list, keyed{key, int32(index)})
}

// sort sorts the list in place.
func (s *sorter) sort() {
	n := len(s.list)
	if cap(s.spare) < n {
		s.spare = make([]keyed, n, cap(s.list))
	}
	var differ uint64
	for i := range s.list {
		differ |= s.list[i].key ^ s.list[0].key
	}
	from, to := s.list, s.spare[:n]
	for differ != 0 {
		shift := bits.TrailingZeros64(differ) & 63
		differ &^= (1<<digitBits - 1) << shift
		clear(s.counts[:])
		for i := range from {
			s.counts[from[i].key>>shift&(1<<digitBits-1)]++
		}
		sum := int32(0)
		for i, c := range s.counts {
			s.counts[i] = sum
			sum += c
		}
		for _, k := range from {
			at := &s.counts[k.key>>shift&(1<<digitBits-1)]
			to[*at] = k
			*at++
		}
		from, to = to, from
	}
	s.list, s.spare = from, to[:cap(to)]
}
