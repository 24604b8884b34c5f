package tm

import (
	"fmt"
	"math"
)

// DefaultDepth is simple_switch's capacity of a queue, in packets.
const DefaultDepth = 64

// Rate is how a port drains. The zero value drains at once.
type Rate struct {
	BitsPerSecond    int64 // of the whole port, 0 = infinitely fast
	PacketsPerSecond int64 // of each of its queues, 0 = unlimited
	Depth            int   // packets per queue, 0 = the manager's default
	Paused           bool  // nothing leaves until the next change
	Latency          int64 // the least time a packet spends in a queue
}

// Packet is what leaves a queue.
type Packet[T any] struct {
	Item       T
	Port       uint16
	Priority   int
	Bytes      int   // as given to Enqueue
	EnqueuedAt int64 // when it entered the queue
	EnqDepth   int   // packets it found in its queue
	At         int64 // when it left the queue
	DeqDepth   int   // packets it left behind in its queue
	Done       int64 // At plus the time to serialise Bytes
}

// Stats counts what went through a Manager.
type Stats struct {
	Enqueued, Dequeued uint64
	TailDrops          uint64 // the queue was full
	BadPriority        uint64 // no such queue
}

// Manager is the queues of one switch. Make one with [New].
type Manager[T any] struct {
	ports      []*port[T] // by number, nil until used
	heap       []*port[T] // ports with packets, by (next, number)
	priorities int
	depth      int
	clock      int64 // latest instant seen
	stats      Stats
}

type port[T any] struct {
	number uint16
	pos    int   // in the heap, -1 = no packets
	next   int64 // when the next packet leaves, if pos ≥ 0
	pick   int   // the queue it leaves from
	free   int64 // when the line is free
	floor  int64 // nothing leaves earlier: the last change of rate
	paused bool
	bps    int64
	queues []fifo[T]
}

// New returns a manager with that many queues per port (at least 1), each of
// depth packets; depth 0 means [DefaultDepth].
func New[T any](priorities, depth int) *Manager[T] {
	if depth <= 0 {
		depth = DefaultDepth
	}
	return &Manager[T]{priorities: max(priorities, 1), depth: depth, clock: math.MinInt64}
}

// Enqueue puts item, bytes long, into a queue. It returns how many packets it
// found there; ok is false when the queue was full or does not exist, and the
// item was not taken. Depths are exact if the caller dequeues what is due at now
// before it enqueues at now.
func (m *Manager[T]) Enqueue(now int64, number uint16, priority, bytes int, item T) (depthBefore int, ok bool) {
	m.tick(now)
	if priority < 0 || priority >= m.priorities {
		m.stats.BadPriority++
		return 0, false
	}
	p := m.port(number)
	q := &p.queues[priority]
	depthBefore = q.n
	if q.n >= q.capacity {
		q.drops++
		m.stats.TailDrops++
		return depthBefore, false
	}
	q.push(cell[T]{item: item, at: now, bytes: bytes, depth: depthBefore})
	m.stats.Enqueued++
	m.schedule(p)
	return depthBefore, true
}

// Next says when the earliest queued packet may leave; false when all queues are
// empty. The instant may lie in the past.
func (m *Manager[T]) Next() (int64, bool) {
	if len(m.heap) == 0 {
		return 0, false
	}
	return m.heap[0].next, true
}

// Dequeue takes the packet that leaves first, if it leaves at or before now. Of
// two that leave at the same instant the lower port goes first.
func (m *Manager[T]) Dequeue(now int64) (Packet[T], bool) {
	m.tick(now)
	if len(m.heap) == 0 || m.heap[0].next > now {
		return Packet[T]{}, false
	}
	p := m.heap[0]
	q := &p.queues[p.pick]
	c := q.pop()
	at := p.next
	q.last, q.sent = at, true
	p.free = later(at, serialise(c.bytes, p.bps))
	m.stats.Dequeued++
	out := Packet[T]{
		Item: c.item, Port: p.number, Priority: p.pick, Bytes: c.bytes,
		EnqueuedAt: c.at, EnqDepth: c.depth,
		At: at, DeqDepth: q.n, Done: p.free,
	}
	m.schedule(p)
	return out, true
}

// Sent corrects the time the line is busy when egress processing changed the
// length of the packet that left the port last, at the instant at; 0 bytes when
// it was dropped there. It returns the corrected Done. Call it before the next
// Dequeue.
func (m *Manager[T]) Sent(number uint16, at int64, bytes int) (done int64) {
	p := m.port(number)
	p.free = later(at, serialise(bytes, p.bps))
	m.schedule(p)
	return p.free
}

// SetRate changes how a port drains, from the latest instant the manager has
// seen. Packets already queued stay, also beyond a smaller depth; a packet being
// serialised keeps its Done. While a port is paused its queues fill, and what waits
// leaves from the instant of the change that ends the pause.
func (m *Manager[T]) SetRate(number uint16, r Rate) {
	p := m.port(number)
	p.bps, p.paused = max(r.BitsPerSecond, 0), r.Paused
	for i := range p.queues {
		p.queues[i].gap = gap(r.PacketsPerSecond)
		p.queues[i].capacity = m.capacity(r.Depth)
		p.queues[i].latency = max(r.Latency, 0)
	}
	m.changed(p)
}

// SetQueue changes one queue of a port: its depth (0 = the manager's default)
// and its limit in packets per second (0 = unlimited).
func (m *Manager[T]) SetQueue(number uint16, priority, depth int, pps int64) error {
	if priority < 0 || priority >= m.priorities {
		return fmt.Errorf("cannot set queue %d of port %d: a port has %d queues, from 0", priority, number, m.priorities)
	}
	p := m.port(number)
	p.queues[priority].gap = gap(pps)
	p.queues[priority].capacity = m.capacity(depth)
	m.changed(p)
	return nil
}

// Depth returns how many packets a queue holds.
func (m *Manager[T]) Depth(number uint16, priority int) int {
	if q := m.queue(number, priority); q != nil {
		return q.n
	}
	return 0
}

// TailDrops returns how many packets a queue refused because it was full.
func (m *Manager[T]) TailDrops(number uint16, priority int) uint64 {
	if q := m.queue(number, priority); q != nil {
		return q.drops
	}
	return 0
}

// Stats returns the totals over all queues.
func (m *Manager[T]) Stats() Stats { return m.stats }

func (m *Manager[T]) queue(number uint16, priority int) *fifo[T] {
	if int(number) >= len(m.ports) || m.ports[number] == nil || priority < 0 || priority >= m.priorities {
		return nil
	}
	return &m.ports[number].queues[priority]
}

func (m *Manager[T]) port(number uint16) *port[T] {
	if int(number) >= len(m.ports) {
		grown := make([]*port[T], int(number)+1)
		copy(grown, m.ports)
		m.ports = grown
	}
	p := m.ports[number]
	if p == nil {
		p = &port[T]{number: number, pos: -1, free: math.MinInt64, floor: math.MinInt64, queues: make([]fifo[T], m.priorities)}
		for i := range p.queues {
			p.queues[i].capacity = m.depth
		}
		m.ports[number] = p
	}
	return p
}

func (m *Manager[T]) capacity(depth int) int {
	if depth <= 0 {
		return m.depth
	}
	return depth
}

func (m *Manager[T]) tick(now int64) { m.clock = max(m.clock, now) }

func (m *Manager[T]) changed(p *port[T]) {
	p.floor = m.clock
	m.schedule(p)
}
