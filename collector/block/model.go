package block

import (
	"slices"

	"github.com/telltale-net/telltale/collector/postcard"
)

// model predicts a record from those before it. The encoder and the decoder walk the
// records in the same order and hold the same model.
type model struct {
	place []place // by shape
	wires []wire  // by shape and length, as far as no other pair took the slot
	next  []int32 // by shape before, plus 1 (0 = a packet's first record): the shape that followed last time, -1 = none yet

	shape       int    // of the record before, plus 1
	leave       uint64 // when the record before left its switch, units
	length      uint16 // of the record before
	epoch       uint8  // of the record before
	packet      uint16 // of the record before
	firstTime   uint64 // Ingress of the flow's packet before, units
	firstLength uint16 // length of the flow's packet before
	outer       int    // the flow's last outer flow
}

// place is what is remembered of a shape.
type place struct {
	wire   uint64 // Ingress − leave of the record before, units, the last time
	length uint16 // Length − that of the record before
	stream int
}

func (m *model) reset(base uint64) {
	*m = model{place: m.place[:0], wires: m.wires, next: append(m.next[:0], -1), firstTime: base}
	if m.wires == nil {
		m.wires = make([]wire, wireSlots)
	}
	clear(m.wires)
}

func (m *model) newShape(stream int) {
	m.place = append(m.place, place{stream: stream})
	m.next = append(m.next, -1)
}

// startFlow forgets what is a matter of the flow.
func (m *model) startFlow() { m.shape, m.packet, m.firstLength = 0, 0, 0 }

// first reports whether a record with this packet id is its packet's first in the
// walk, and starts the packet if so. Records without ids pass for one packet.
func (m *model) first(packet uint16) bool {
	if m.shape != 0 && packet == m.packet {
		return false
	}
	m.shape = 0
	return true
}

// noTime stands for a record that says nothing of its time.
const noTime = 0

// leaves is when a record left its switch, as far as it says.
func leaves(has postcard.Fields, ingress, egress uint64) uint64 {
	switch {
	case has&postcard.HasEgress != 0:
		return egress
	case has&postcard.HasIngress != 0:
		return ingress
	}
	return noTime
}

// wire is what is remembered of a shape and a length: a long packet takes longer.
type wire struct {
	shape  int32 // plus 1
	length uint16
	time   uint64
}

const wireSlots = 1 << 11

// wire returns where the time between the record before and one of this shape and
// length is remembered, with the best guess in it.
func (m *model) wire(shape int, length uint16) *uint64 {
	w := &m.wires[(shape*0x9e37+int(length)*0x85eb)>>3%wireSlots]
	if w.shape != int32(shape)+1 || w.length != length {
		*w = wire{shape: int32(shape) + 1, length: length, time: m.place[shape].wire}
	}
	return &w.time
}

// stream is the reports of one node and subsystem, which number them.
type stream struct {
	node postcard.NodeID
	hwID uint8
}

// timed is a record in its stream.
type timed struct {
	stream int32
	leave  uint64
}

// streamBits is what a stream's number takes: there are at most as many as records.
const streamBits = 15

// byTime sorts the records of the walk by stream, then time, as exactly as 49 bits
// tell it.
func byTime(s *sorter, walk []timed) {
	s.reset()
	first := uint64(1<<64 - 1)
	for _, t := range walk {
		if t.leave != noTime {
			first = min(first, t.leave)
		}
	}
	for i, t := range walk {
		late := uint64(0)
		if t.leave != noTime {
			late = min(t.leave-first, 1<<(64-streamBits)-1)
		}
		s.add(uint64(t.stream)<<(64-streamBits)|late, i)
	}
	s.sort()
}

// The ways to predict Received.
const (
	likeLast = iota // the same as the one before
	likeNode        // later by as much as the node's clock says
	receivedModes
)

// pace predicts when the next report of a stream was received, as an index into the
// distinct instants at which any was.
type pace struct {
	stream int32  // plus 1
	at     int    // index of the one before
	leave  uint64 // when the one before left its switch
}

// starts reports whether t is its stream's first, and forgets the stream before if so.
func (p *pace) starts(t timed) bool {
	if p.stream == t.stream+1 {
		return false
	}
	*p = pace{stream: t.stream + 1}
	return true
}

// is says what came of the guess.
func (p *pace) is(at int, leave uint64) { p.at, p.leave = at, leave }

func (p *pace) guess(mode int, leave uint64, instants []int64, unit uint64, receivedUnit int64) int {
	if mode == likeLast || p.leave == noTime || leave == noTime {
		return p.at
	}
	later := int64(leave - p.leave)
	if int64(unit) != receivedUnit {
		later = later * int64(unit) / receivedUnit
	}
	target := instants[p.at] + later
	at, _ := find(instants, p.at, target)
	return min(at, len(instants)-1)
}

// find is slices.BinarySearch for a target that is mostly close behind near.
func find(instants []int64, near int, target int64) (at int, found bool) {
	if instants[near] > target {
		return slices.BinarySearch(instants, target)
	}
	for at := near; at < len(instants) && at < near+8; at++ {
		if instants[at] >= target {
			return at, instants[at] == target
		}
	}
	at, found = slices.BinarySearch(instants[near:], target)
	return near + at, found
}
