package block

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/telltale-net/telltale/collector/postcard"
)

// timeUnit returns the unit of all node times, ns.
func timeUnit(records []postcard.Record) uint64 {
	for i := range records {
		if records[i].Ingress%1000 != 0 || records[i].Egress%1000 != 0 {
			return 1
		}
	}
	return 1000
}

// put appends a signed difference to a column.
func (e *Encoder) put(c column, diff uint64) {
	e.putU(c, zigzag(diff))
}

func (e *Encoder) putU(c column, v uint64) {
	if v < 0x80 {
		e.col[c] = append(e.col[c], byte(v))
		return
	}
	e.col[c] = binary.AppendUvarint(e.col[c], v)
}

// walk writes the columns of the records.
func (e *Encoder) walk(records []postcard.Record, h *Header, receivedUnit int64) {
	unit := timeUnit(records)
	m := &e.model
	m.reset(h.base() / unit)
	flow := -1
	for _, o := range e.order.list {
		r := &records[o.index]
		if f := int(o.key >> 49); f != flow {
			flow = f
			m.startFlow()
		}
		e.record(r, unit)
	}
	e.sequences(records, h, unit, receivedUnit)
}

// record writes one record; the decoder's record is its mirror.
func (e *Encoder) record(r *postcard.Record, unit uint64) {
	m := &e.model
	e.put(colPacket, uint64(int64(int16(r.PacketID-m.packet))))
	first := m.first(r.PacketID)
	s := e.shape(r)
	p := &m.place[s]
	in, out := r.Ingress/unit, r.Egress/unit
	switch {
	case r.Has&postcard.HasIngress == 0:
		e.putU(colFirst, in)
	case first:
		e.put(colFirst, in-m.firstTime)
		m.firstTime = in
	default:
		w := m.wire(s, r.Length)
		p.wire = in - m.leave
		e.put(colWire, p.wire-*w)
		*w = p.wire
	}
	if r.Has&postcard.HasEgress != 0 {
		e.put(colStay, out-in)
		e.put(colLatency, uint64(int64(int32(r.Latency-uint32(r.Egress-r.Ingress)))))
	} else {
		e.put(colStay, out)
		e.putU(colLatency, uint64(r.Latency))
	}
	e.putU(colQueue, uint64(r.QueueDepth))
	e.putU(colEnq, uint64(r.EnqDepth))
	if first {
		e.put(colLength, uint64(int64(int16(r.Length-m.firstLength))))
		m.firstLength = r.Length
	} else {
		e.put(colLength, uint64(int64(int16(r.Length-m.length-p.length))))
		p.length = r.Length - m.length
	}
	e.outer(r)
	e.put(colEpoch, uint64(int64(int8(r.Epoch-m.epoch))))

	leave := leaves(r.Has, in, out)
	e.timed = append(e.timed, timed{stream: int32(p.stream), leave: leave})
	if leave != noTime {
		m.leave = leave
	}
	m.shape, m.length, m.epoch, m.packet = s+1, r.Length, r.Epoch, r.PacketID
}

// shape writes the record's shape and returns its index.
func (e *Encoder) shape(r *postcard.Record) int {
	m := &e.model
	s := shapeOf(r)
	guess := m.next[m.shape]
	if guess >= 0 && e.list[guess] == s {
		e.putU(colShape, 0)
		return int(guess)
	}
	i, ok := e.shapes[s]
	if !ok {
		i = len(e.list)
		e.shapes[s] = i
		e.list = append(e.list, s)
		st := stream{s.Node, s.HwID}
		n, ok := e.streams[st]
		if !ok {
			n = len(e.streams)
			e.streams[st] = n
		}
		m.newShape(n)
	}
	e.putU(colShape, uint64(i)+1)
	m.next[m.shape] = int32(i)
	return i
}

// outer writes the record's outer flow.
func (e *Encoder) outer(r *postcard.Record) {
	m := &e.model
	i, ok := e.outers[r.Outer]
	if !ok {
		i = len(e.outers)
		e.outers[r.Outer] = i
		e.col[colOuters] = appendFlow(e.col[colOuters], &r.Outer, e.address(&r.Outer.Src), e.address(&r.Outer.Dst))
	}
	guess := 0
	if r.Has&postcard.HasOuter != 0 {
		guess = m.outer
		m.outer = i
	}
	switch {
	case i == guess:
		e.putU(colOuter, 0)
	case !ok:
		e.putU(colOuter, 1)
	default:
		e.putU(colOuter, uint64(i)+2)
	}
}

// address returns an address's index, writing it into the dictionary if it is new.
func (e *Encoder) address(a *postcard.Addr) uint32 {
	i, ok := e.addr[*a]
	if !ok {
		i = uint32(len(e.addr))
		e.addr[*a] = i
		e.col[colAddresses] = appendAddress(e.col[colAddresses], a)
		e.keys = append(e.keys, addressKey(a))
	}
	return i
}

// sequences writes Seq and Received of the records in order of time, stream by stream.
func (e *Encoder) sequences(records []postcard.Record, h *Header, unit uint64, receivedUnit int64) {
	e.instants = e.instants[:0]
	for i := range records {
		e.instants = append(e.instants, floorDiv(records[i].Received, receivedUnit))
	}
	slices.Sort(e.instants)
	e.instants = slices.Compact(e.instants)
	last := floorDiv(h.First, receivedUnit)
	for _, t := range e.instants {
		e.putU(colInstants, uint64(t-last))
		last = t
	}
	byTime(&e.times, e.timed)
	var cost [receivedModes]int
	for i := range e.likely {
		e.likely[i] = e.likely[i][:0]
	}
	var p pace
	seq := uint32(0)
	for _, o := range e.times.list {
		t := e.timed[o.index]
		r := &records[e.order.list[o.index].index]
		if p.starts(t) {
			seq = 0
		}
		e.put(colSeq, uint64(int64(int32(r.Seq-seq-1))))
		seq = r.Seq
		at, _ := find(e.instants, p.at, floorDiv(r.Received, receivedUnit))
		for mode := range receivedModes {
			z := zigzag(uint64(at - p.guess(mode, t.leave, e.instants, unit, receivedUnit)))
			cost[mode] += bits.Len64(z)
			e.likely[mode] = binary.AppendUvarint(e.likely[mode], z)
		}
		p.is(at, t.leave)
	}
	mode := likeLast
	if cost[likeNode] < cost[likeLast] {
		mode = likeNode
	}
	e.col[colReceived] = append(e.col[colReceived], e.likely[mode]...)
	e.putU(colShapes, unit)
	e.putU(colShapes, uint64(receivedUnit))
	e.putU(colShapes, uint64(mode))
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
