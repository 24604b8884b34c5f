package tm

import (
	"math"
	"math/bits"
)

const second = 1_000_000_000 // ns

// cell is a packet in its queue.
type cell[T any] struct {
	item  T
	at    int64
	bytes int
	depth int
}

// fifo is a ring that grows up to its queue's capacity and then stays.
type fifo[T any] struct {
	ring     []cell[T] // a power of two long
	head, n  int
	capacity int
	gap      int64 // ns between departures, 0 = none
	latency  int64 // ns from arrival to departure, at least
	last     int64 // latest departure, if sent
	sent     bool
	drops    uint64
}

func (q *fifo[T]) push(c cell[T]) {
	if q.n == len(q.ring) {
		grown := make([]cell[T], max(8, 2*q.n))
		k := copy(grown, q.ring[q.head:])
		copy(grown[k:], q.ring[:q.head])
		q.ring, q.head = grown, 0
	}
	q.ring[(q.head+q.n)&(len(q.ring)-1)] = c
	q.n++
}

func (q *fifo[T]) pop() cell[T] {
	c := q.ring[q.head]
	q.ring[q.head] = cell[T]{} // do not keep the item alive
	q.head = (q.head + 1) & (len(q.ring) - 1)
	q.n--
	return c
}

// ready is when the head of a queue that is not empty may leave, as far as the
// queue itself is concerned.
func (q *fifo[T]) ready() int64 {
	t := later(q.ring[q.head].at, q.latency)
	if q.gap > 0 && q.sent {
		t = max(t, later(q.last, q.gap))
	}
	return t
}

// schedule recomputes when and from which queue a port's next packet leaves, and
// puts the port where it belongs in the heap.
func (m *Manager[T]) schedule(p *port[T]) {
	soonest, empty := int64(math.MaxInt64), true
	for i := range p.queues {
		if q := &p.queues[i]; q.n > 0 {
			soonest, empty = min(soonest, q.ready()), false
		}
	}
	if empty || p.paused {
		m.remove(p)
		return
	}
	p.next = max(soonest, p.free, p.floor)
	for i := len(p.queues) - 1; i >= 0; i-- {
		if q := &p.queues[i]; q.n > 0 && q.ready() <= p.next {
			p.pick = i
			break
		}
	}
	if p.pos < 0 {
		p.pos = len(m.heap)
		m.heap = append(m.heap, p)
	}
	m.fix(p.pos)
}

func (p *port[T]) before(o *port[T]) bool {
	return p.next < o.next || p.next == o.next && p.number < o.number
}

func (m *Manager[T]) remove(p *port[T]) {
	i := p.pos
	if i < 0 {
		return
	}
	end := len(m.heap) - 1
	last := m.heap[end]
	m.heap[end] = nil
	m.heap = m.heap[:end]
	p.pos = -1
	if last != p {
		m.heap[i], last.pos = last, i
		m.fix(i)
	}
}

// fix moves the port at i up or down to its place.
func (m *Manager[T]) fix(i int) {
	h, p := m.heap, m.heap[i]
	for i > 0 {
		up := (i - 1) / 2
		if !p.before(h[up]) {
			break
		}
		h[i], h[up].pos = h[up], i
		i = up
	}
	for {
		c := 2*i + 1
		if c >= len(h) {
			break
		}
		if c+1 < len(h) && h[c+1].before(h[c]) {
			c++
		}
		if !h[c].before(p) {
			break
		}
		h[i], h[c].pos = h[c], i
		i = c
	}
	h[i], p.pos = p, i
}

// gap is the time between two packets, rounded up.
func gap(pps int64) int64 {
	if pps <= 0 {
		return 0
	}
	return (second + pps - 1) / pps
}

// serialise is how long bytes take at bps, rounded up; at 0 bps no time at all.
func serialise(bytes int, bps int64) int64 {
	if bps <= 0 || bytes <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(bytes), 8*second)
	if hi >= uint64(bps) {
		return math.MaxInt64
	}
	d, rest := bits.Div64(hi, lo, uint64(bps))
	if rest > 0 {
		d++
	}
	return int64(min(d, math.MaxInt64))
}

// later adds a duration to an instant; the end of time absorbs.
func later(t, d int64) int64 {
	if t > math.MaxInt64-d {
		return math.MaxInt64
	}
	return t + d
}
