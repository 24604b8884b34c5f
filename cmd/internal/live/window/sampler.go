package window

import (
	"github.com/telltale-net/telltale/analyzers/blame/postcards"
	"github.com/telltale-net/telltale/collector/postcard"
)

// maxLevel is the coarsest sampling: one packet in 2^24.
const maxLevel = 24

// Sampler chooses whole packets, at most a number of records a second on average. It is
// not safe for concurrent use.
type Sampler struct {
	rate   int // records per second
	memory int64
	level  uint

	second int64 // of Received, for which chosen counts
	chosen int
	calm   int // seconds in a row that needed less than a third

	names [2]nameSet // taken of late: the current turn, and the one before
	turn  int64      // number of the current turn, of memory each
	until int64      // names are asked for until then

	holes holes
}

// NewSampler returns a sampler that takes everything as long as there are at most so
// many records a second; memory (ns) is for how long a packet's later hops are taken
// after the level has risen.
func NewSampler(rate int, memory int64) *Sampler {
	s := &Sampler{rate: max(rate, 1), memory: max(memory, 1), second: -1 << 62, turn: -1 << 62, until: -1 << 62, holes: newHoles()}
	size := 1024
	for size < 4*s.rate && size < 1<<20 {
		size *= 2
	}
	for i := range s.names {
		s.names[i].slots = make([]uint64, size)
	}
	return s
}

// Level returns the level: one packet in 2^level is taken.
func (s *Sampler) Level() uint { return s.level }

// Raise makes the choice half as wide: what was chosen is too much.
func (s *Sampler) Raise(now int64) {
	if s.level < maxLevel {
		s.level++
	}
	s.calm = 0
	s.until = now + s.memory
}

// TakeHoles appends the holes in the numbers of reports that were found since the last
// call, in all records that Choose was asked about.
func (s *Sampler) TakeHoles(dst []postcards.Blind) []postcards.Blind {
	dst = append(dst, s.holes.found...)
	s.holes.found = s.holes.found[:0]
	return dst
}

// Choose reports whether the record is of a packet that is taken. Records come about in
// the order of Received.
func (s *Sampler) Choose(r *postcard.Record) bool {
	s.holes.observe(r)
	if now := r.Received / 1e9; now > s.second {
		s.begin(now)
	}
	name := nameOf(r)
	taken := name&(1<<s.level-1) == 0
	if !taken && (r.Received >= s.until || !s.names[0].has(name) && !s.names[1].has(name)) {
		return false
	}
	if turn := r.Received / s.memory; turn > s.turn {
		s.rotate(turn)
	}
	if taken {
		s.names[0].add(name)
	}
	if s.chosen++; s.chosen > s.rate && taken {
		s.Raise(r.Received)
		s.chosen = s.rate / 2 // what would have been taken so far
	}
	return true
}

// begin starts the count of another second.
func (s *Sampler) begin(second int64) {
	if s.chosen >= s.rate/3 {
		s.calm = 0
	} else if s.calm++; s.calm >= 2 && s.level > 0 {
		s.level--
		s.calm = 0
	}
	s.second, s.chosen = second, 0
}

// rotate forgets the names of the turn before the last one.
func (s *Sampler) rotate(turn int64) {
	if turn == s.turn+1 {
		s.names[0], s.names[1] = s.names[1], s.names[0]
	} else {
		s.names[1].reset()
	}
	s.names[0].reset()
	s.turn = turn
}

// nameOf returns the hash of what names the packet of a record at every hop, never 0;
// where the record does not say, of what names its report.
func nameOf(r *postcard.Record) uint64 {
	const named = postcard.HasPacketID | postcard.HasFlowHash
	h := (uint64(r.VNI)<<32 | uint64(r.FlowHash)) * 0x9e3779b97f4a7c15
	h ^= h>>32 ^ uint64(r.PacketID)
	if r.Has&named != named {
		h = (uint64(r.Node)<<32|uint64(r.Seq))*0x9e3779b97f4a7c15 ^ uint64(r.HwID)
	}
	h *= 0xa0761d6478bd642f
	h ^= h >> 32
	h *= 0xe7037ed1a0b428db
	h ^= h >> 29
	if h == 0 {
		return 1 << maxLevel
	}
	return h
}

// nameSet is a set of hashes in a table of fixed size: what does not fit is left out.
type nameSet struct {
	slots []uint64 // power of two, at most half full; 0 = free
	n     int
}

func (s *nameSet) add(h uint64) {
	mask := uint64(len(s.slots) - 1)
	i := h >> 32 & mask
	for ; s.slots[i] != 0; i = (i + 1) & mask {
		if s.slots[i] == h {
			return
		}
	}
	if 2*s.n >= len(s.slots) {
		return
	}
	s.slots[i] = h
	s.n++
}

func (s *nameSet) has(h uint64) bool {
	mask := uint64(len(s.slots) - 1)
	for i := h >> 32 & mask; s.slots[i] != 0; i = (i + 1) & mask {
		if s.slots[i] == h {
			return true
		}
	}
	return false
}

func (s *nameSet) reset() {
	if s.n > 0 {
		clear(s.slots)
		s.n = 0
	}
}
