package engine

import (
	"encoding/binary"
	"slices"
)

const (
	headroom = 512 // bytes kept free in front of a packet for headers that programs add
	slack    = 16  // bytes kept free behind it, so that fields can be loaded eight bytes at a time
	maxFree  = 4096
)

// packet is a packet on its way through the switch. Its bytes are
//
//	buf │ headroom │ parsed headers │ payload │ slack │
//	               head             pos       end
//
// Until the deparser runs, the parsed headers stay in the buffer as they came,
// which is what an ingress clone or a resubmitted packet starts from.
type packet struct {
	sw  *Switch
	phv []uint64
	buf []byte

	head, pos, end int
	extracting     *header // whose varbit length is being computed
	now            Time

	length    int // bytes as received: what counters and meters count
	pktLength int // BMv2's packet_length register: length ± headers added and removed
	truncated int // final length at most
	passes    int // through pipelines at this instant

	port      uint16 // where it came in
	errorCode uint32
	checksum  bool // a checksum was wrong
	exit      bool
	cloning   bool
	session   uint16
	cloneList uint16
	learnList uint16
	resubmit  uint16
	recirc    uint16
	steps     int    // repetitions in a pipeline, to end programs that never do
	visits    int    // likewise in the parser
	result    uint64 // of a primitive, on its way to where it goes

	id, of uint64 // its number, and of a copy that of the original
	tag    uint64
	next   *packet // in the list of those sent
}

const noTruncation = int(^uint(0) >> 1)

// newPacket returns a packet with a fresh PHV and room for n bytes at head.
func (s *Switch) newPacket(n int) *packet {
	var p *packet
	if last := len(s.free) - 1; last >= 0 {
		p, s.free[last] = s.free[last], nil
		s.free = s.free[:last]
	} else {
		p = &packet{sw: s, phv: slices.Clone(s.prog.initial)}
	}
	if need := headroom + n + slack; len(p.buf) < need {
		p.buf = make([]byte, max(need, headroom+2048+slack))
	}
	s.packets++
	p.id, p.of, p.tag = s.packets, 0, 0
	clear(p.phv[s.prog.from:s.prog.to])
	for _, m := range s.prog.metadata {
		p.phv[m.valid] = 1
	}
	if s.stale != nil {
		s.litter(p.phv)
	}
	p.head, p.pos, p.end = headroom, headroom, headroom+n
	p.truncated = noTruncation
	p.exit, p.errorCode, p.checksum, p.passes, p.steps = false, 0, false, 0, 0
	p.clearRequests()
	return p
}

// litter fills the fields of all headers with garbage; varbit fields stay empty.
func (s *Switch) litter(phv []uint64) {
	for i := range s.prog.headers {
		h := &s.prog.headers[i]
		if h.meta {
			continue
		}
		for j := range h.fields[:len(h.fields)-1] {
			if f := &h.fields[j]; !f.varbit {
				for w := range f.words {
					phv[f.slot+w] = s.stale.Uint64()
				}
				phv[f.slot+f.words-1] &= f.mask
			}
		}
	}
}

// clearRequests forgets what the program asked for after a pipeline.
func (p *packet) clearRequests() {
	p.cloning, p.session, p.cloneList, p.learnList, p.resubmit, p.recirc = false, 0, 0, 0, 0, 0
}

func (s *Switch) release(p *packet) {
	if len(s.free) < maxFree {
		p.extracting = nil
		s.free = append(s.free, p)
	}
}

// copyBytes returns a new packet with the bytes from at on.
func (p *packet) copyBytes(at int) *packet {
	c := p.sw.newPacket(p.end - at)
	copy(c.buf[c.head:], p.buf[at:p.end])
	c.of, c.tag, c.port, c.length, c.pktLength, c.now, c.passes = p.id, p.tag, p.port, p.length, p.pktLength, p.now, p.passes
	return c
}

// copyParsed returns a new packet with the bytes and PHV of p.
func (p *packet) copyParsed() *packet {
	c := p.copyBytes(p.head)
	c.pos += p.pos - p.head
	copy(c.phv[c.sw.prog.from:c.sw.prog.to], p.phv[c.sw.prog.from:])
	return c
}

// payload is what was not parsed.
func (p *packet) payload() []byte {
	return p.buf[p.pos:max(p.pos, min(p.end, satAdd(p.pos, p.truncated)))]
}

func satAdd(a, b int) int {
	if a > noTruncation-b {
		return noTruncation
	}
	return a + b
}

// grow makes room for n more bytes in front of the packet.
func (p *packet) grow(n int) {
	grown := make([]byte, n+len(p.buf))
	copy(grown[n:], p.buf)
	p.head, p.pos, p.end, p.buf = p.head+n, p.pos+n, p.end+n, grown
}

// bytes is the packet from its head on.
func (p *packet) bytes() []byte {
	return p.buf[p.head:min(p.end, satAdd(p.head, p.truncated))]
}

// peek reads width ≤ 64 bits at a bit offset behind what was parsed; the caller
// has checked that they are there.
func (p *packet) peek(offset, width int) uint64 {
	data := p.buf[p.pos+offset/8:]
	if within := offset % 8; within+width <= 64 {
		return binary.BigEndian.Uint64(data) << within >> (64 - width)
	}
	return getBits(data, offset%8, width)
}

// peekWide is peek for any width, into little-endian words.
func (p *packet) peekWide(offset, width int, dst []uint64) {
	clear(dst)
	for left := width; left > 0; {
		n := (left-1)%64 + 1
		left -= n
		if left/64 < len(dst) {
			dst[left/64] = p.peek(offset, n)
		}
		offset += n
	}
}
