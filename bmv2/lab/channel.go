package lab

import (
	"runtime"
	"sync/atomic"
)

// ringSize is how many frames may be between two workers.
const ringSize = 256

// channel takes frames from one part to another while both are at work: a ring with
// one writer and one reader. A slot owns its packet; the reader takes it and leaves
// one of its own, so that no part's pool grows at another's expense.
type channel struct {
	from, to *part
	// How long after it was sent a frame arrives at the soonest: at a switch, and at
	// a host or the collector.
	lookahead, lookaheadLast Time

	_     [64]byte // the writer's cache line
	tail  atomic.Uint64
	space uint64   // head as the writer knows it, plus ringSize
	_     [64]byte // the reader's
	head  atomic.Uint64
	_     [64]byte
	slots [ringSize]crossing
}

// crossing is a frame that arrives at the far end of the wire at an instant.
type crossing struct {
	at   Time
	wire *wire
	pkt  *packet
}

func newChannel(from, to *part) *channel {
	c := &channel{from: from, to: to, lookahead: forever, lookaheadLast: forever, space: ringSize}
	for i := range c.slots {
		c.slots[i].pkt = &packet{}
	}
	return c
}

// put is called by the worker of part p, which the channel comes from.
func (c *channel) put(p *part, w *wire, at Time, b []byte) {
	tail := c.tail.Load()
	for tail == c.space {
		if c.space = c.head.Load() + ringSize; tail != c.space {
			break
		}
		if p.lab.broken.Load() {
			return
		}
		// The other may be waiting for room, too.
		p.hear()
		c.to.wake()
		runtime.Gosched()
	}
	s := &c.slots[tail%ringSize]
	s.at, s.wire = at, w
	s.pkt.data = append(s.pkt.data[:0], b...)
	c.tail.Store(tail + 1)
}

// drain takes what has come into part p, which the channel leads to.
func (c *channel) drain(p *part) {
	head, tail := c.head.Load(), c.tail.Load()
	if head == tail {
		return
	}
	for ; head < tail; head++ {
		s := &c.slots[head%ringSize]
		e := event{at: s.at, rank: evArrive | rank(s.wire.id), pkt: s.pkt}
		if s.wire.last {
			p.last.push(e)
		} else {
			p.queue.push(e)
		}
		s.pkt = p.pool.get()
	}
	c.head.Store(head)
}
