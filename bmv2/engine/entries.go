package engine

import "github.com/telltale-net/telltale/bmv2/device"

// blockSize is how many entries a block holds: few enough to be read while a packet
// waits.
const blockSize = 64

// entries holds a table's entries by number, in blocks, so that none moves when
// there are more: packets may be at them.
type entries struct {
	blocks [][]entry
	unused []int32 // numbers below the highest that are free
	n      int32   // numbers ever given
}

// entry is a table entry. Who it is and what it does is a deed, which is never
// changed but replaced; what packets count for it stays. Two cache lines: a lab's switch
// finds them cold.
type entry struct {
	does    [2]reply // by view; without a deed if the entry is not in it
	counter device.CounterValue
	lastHit Time
	_       [8]byte
}

// reply is what a packet needs to know of a deed to carry it out.
type reply struct {
	start, then uint32 // where the code of the action starts, and in simple tables that of what follows
	action      int32  // -1 = none
	words       uint32 // of arguments
	args        [replyWords]uint64
	deed        *deed // which has the arguments if they are more than that
}

const replyWords = 3

// reply is a deed made ready for those who hit or, of a default, miss.
func (t *tableProgram) reply(d *deed, hit bool) reply {
	r := d.call.reply()
	r.deed = d
	switch {
	case !t.simple:
	case r.action < 0:
		r.then = t.idle().at(plain)
	default:
		r.then = t.after(int(r.action), hit).at(plain)
	}
	return r
}

// reply is a call made ready, wherever it comes from.
func (c *call) reply() reply {
	if c.act == nil {
		return reply{start: end, action: -1}
	}
	r := reply{start: end, action: int32(c.act.index), words: uint32(len(c.args))}
	if !c.act.idle {
		r.start = c.act.pc[plain]
	}
	copy(r.args[:], c.args)
	return r
}

// arguments are those of the action.
func (r *reply) arguments() []uint64 {
	if r.words <= replyWords {
		return r.args[:r.words]
	}
	return r.deed.call.args
}

// deed is what a hit or, of a table as a whole, a miss does.
type deed struct {
	call   call    // of a simple table; no action: nothing
	member *member // of an indirect one, or
	group  *group
	meter  *meter       // direct, nil where the table has none
	dev    device.Entry // as it came
	order  uint64       // of insertion
}

// hold counts the references that a deed makes.
func (d *deed) hold(n int) {
	if d.member != nil {
		d.member.refs += n
	}
	if d.group != nil {
		d.group.refs += n
	}
}

func entryAt(blocks [][]entry, i int32) *entry {
	return &blocks[uint32(i)/blockSize][uint32(i)%blockSize]
}

func (s *entries) at(i int32) *entry { return entryAt(s.blocks, i) }

// vacant is the number that take gives next.
func (s *entries) vacant() int32 {
	if last := len(s.unused) - 1; last >= 0 {
		return s.unused[last]
	}
	return s.n
}

// take gives the vacant number away. Its entry is zero.
func (s *entries) take() *entry {
	i := s.vacant()
	if i < s.n {
		s.unused = s.unused[:len(s.unused)-1]
	} else if s.n++; int(i/blockSize) == len(s.blocks) {
		s.blocks = append(s.blocks, make([]entry, blockSize))
	}
	return s.at(i)
}

// free makes the number of an entry vacant.
func (s *entries) free(i int32) {
	*s.at(i) = entry{}
	s.unused = append(s.unused, i)
}
