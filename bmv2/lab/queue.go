package lab

import "github.com/telltale-net/telltale/bmv2/engine"

// Time is nanoseconds since the lab's start.
type Time = engine.Time

// rank orders events of one instant: the kind in the upper bits, the node, wire or
// flow in the lower. It depends on nothing but the fabric and the order of AddFlow, so
// that events happen in the same order whoever scheduled them when.
type rank uint32

const kindShift = 28

// The kinds of events.
const (
	evWake      rank = iota << kindShift // the node may dequeue
	evArrive                             // pkt reaches the far end of the wire
	evSend                               // the flow sends
	evPacketOut                          // pkt from the controller enters the node
	evTick                               // the node's server sees time pass
	refMask     = 1<<kindShift - 1
)

func (r rank) kind() rank { return r &^ refMask }
func (r rank) ref() int32 { return int32(r & refMask) }

// event is something that happens at an instant; seq orders what one wire or node
// scheduled for the same instant.
type event struct {
	at   Time
	seq  uint64
	pkt  *packet
	rank rank
}

func (e *event) before(o *event) bool {
	if e.at != o.at {
		return e.at < o.at
	}
	return e.rank < o.rank || (e.rank == o.rank && e.seq < o.seq)
}

// queue is a 4-ary min-heap of events. The order is total, so pops do not depend on
// the heap's shape.
type queue struct {
	heap []event
	seq  uint64
}

func (q *queue) push(e event) {
	e.seq = q.seq
	q.seq++
	q.heap = append(q.heap, e)
	h, i := q.heap, len(q.heap)-1
	for i > 0 {
		up := (i - 1) / 4
		if !e.before(&h[up]) {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = e
}

// top returns the instant of the next event, forever if there is none.
func (q *queue) top() Time {
	if len(q.heap) == 0 {
		return forever
	}
	return q.heap[0].at
}

// pop removes the next event; the queue must not be empty.
func (q *queue) pop() event {
	h := q.heap
	top, n := h[0], len(h)-1
	last := h[n]
	h[n] = event{} // let go of the packet
	q.heap = h[:n]
	if n == 0 {
		return top
	}
	h = q.heap
	i := 0
	for {
		first := 4*i + 1
		if first >= n {
			break
		}
		least := first
		for c := first + 1; c < min(first+4, n); c++ {
			if h[c].before(&h[least]) {
				least = c
			}
		}
		if !h[least].before(&last) {
			break
		}
		h[i] = h[least]
		i = least
	}
	h[i] = last
	return top
}

// packet is a frame in flight. Packets are pooled; whoever takes one out of an event
// gives it back.
type packet struct {
	data []byte
	room [usualPacket]byte // for data, unless it was longer once; beside it: one cache line less to fetch
}

// pool keeps packets that are not in flight. It never holds more than were in flight
// at once.
type pool struct{ free []*packet }

const usualPacket = 1600

func (p *pool) get() *packet {
	if n := len(p.free); n > 0 {
		pkt := p.free[n-1]
		p.free = p.free[:n-1]
		return pkt
	}
	pkt := &packet{}
	pkt.data = pkt.room[:0]
	return pkt
}

func (p *pool) copyOf(b []byte) *packet {
	pkt := p.get()
	pkt.data = append(pkt.data[:0], b...)
	return pkt
}

func (p *pool) put(pkt *packet) { p.free = append(p.free, pkt) }
