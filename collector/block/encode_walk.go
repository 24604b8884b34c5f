package block

import (
	"encoding/binary"
	"math/bits"

	"github.com/telltale-net/telltale/collector/postcard"
)

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
func (e *Encoder) walk(records []postcard.Record, h *Header, unit uint64) {
	m := &e.model
	m.reset(h.base() / unit)
	flow := uint64(1<<64 - 1)
	for _, o := range e.order.list {
		r := &records[o.index]
		if f := o.key >> packetBits; f != flow {
			flow = f
			m.startFlow()
		}
		e.record(r, unit)
		e.arrivals = append(e.arrivals, arrival{r.Seq, int32(e.ticks[o.index])})
	}
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
	e.outerFlow(r)
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
	guess := m.next[m.shape]
	if guess >= 0 && e.list[guess].is(r) {
		e.putU(colShape, 0)
		return int(guess)
	}
	s := shapeOf(r)
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

// outerFlow writes the record's outer flow.
func (e *Encoder) outerFlow(r *postcard.Record) {
	m := &e.model
	guess := 0
	if r.Has&postcard.HasOuter != 0 {
		guess = m.outer
	}
	if same(&e.outer[guess], &r.Outer) {
		e.putU(colOuter, 0)
		return
	}
	i, ok := e.outers[r.Outer]
	if !ok {
		i = len(e.outer)
		e.outers[r.Outer] = i
		e.outer = append(e.outer, r.Outer)
		e.col[colOuters] = appendFlow(e.col[colOuters], &r.Outer, e.address(&r.Outer.Src), e.address(&r.Outer.Dst))
		e.putU(colOuter, 1)
	} else {
		e.putU(colOuter, uint64(i)+2)
	}
	if r.Has&postcard.HasOuter != 0 {
		m.outer = i
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
func (e *Encoder) sequences(unit uint64, receivedUnit int64) {
	last := e.instants[0]
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
		t, a := e.timed[o.index], e.arrivals[o.index]
		if p.starts(t) {
			seq = 0
		}
		e.put(colSeq, uint64(int64(int32(a.seq-seq-1))))
		seq = a.seq
		at := int(a.at)
		for mode := range receivedModes {
			z := zigzag(uint64(at - p.guess(mode, t.leave, e.instants, unit, receivedUnit)))
			cost[mode] += bits.Len64(z)
			if z < 0x80 {
				e.likely[mode] = append(e.likely[mode], byte(z))
			} else {
				e.likely[mode] = binary.AppendUvarint(e.likely[mode], z)
			}
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
