package engine

// blockSize is how many entries a block holds: few enough to be read while a packet
// waits.
const blockSize = 64

// entries holds a table's entries by number. They are kept in blocks, so that a
// table that grows need not be copied while packets wait.
type entries struct {
	blocks [][]entry
	unused []int32 // numbers below the highest that are free
	n      int32   // numbers ever given
}

func (s *entries) at(i int32) *entry { return &s.blocks[uint32(i)/blockSize][uint32(i)%blockSize] }

// vacant is the number that put may take next.
func (s *entries) vacant() int32 {
	if last := len(s.unused) - 1; last >= 0 {
		return s.unused[last]
	}
	return s.n
}

// put stores an entry under the number that vacant gave.
func (s *entries) put(i int32, e *entry) {
	if i < s.n {
		s.unused = s.unused[:len(s.unused)-1]
	} else if s.n++; int(i/blockSize) == len(s.blocks) {
		s.blocks = append(s.blocks, make([]entry, blockSize))
	}
	*s.at(i) = *e
}

// free makes the number of an entry vacant.
func (s *entries) free(i int32) {
	*s.at(i) = entry{}
	s.unused = append(s.unused, i)
}
