package collector

import (
	"net/netip"
	"sync"
	"time"

	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/sequence"
)

// batch is records on their way to the sink, and which streams they came from, so
// that they can be counted by source if they are shed.
//
// A batch is always in one place: a reader's hand, the queue, the sink's hand or
// the free list. So there are never more than Queue + Sockets + 1 of them.
type batch struct {
	records []postcard.Record
	runs    []run
}

// run says that n records in a row came from one stream.
type run struct {
	key sequence.Key
	n   int
}

func (b *batch) reset() { b.records, b.runs = b.records[:0], b.runs[:0] }

// handover gathers one reader's records into batches. It belongs to that reader.
type handover struct {
	c     *Collector
	b     *batch
	in    *reader    // the reader whose records these are
	src   netip.Addr // of the datagram at hand
	since time.Time  // when the first record of b came; zero = b is empty
}

func (c *Collector) newHandover() *handover {
	return &handover{c: c, b: c.emptyBatch(), in: c.newReader()}
}

// spares are empty batches, for the readers. The one used last is the next: it is still
// in the processor's cache.
type spares struct {
	mu   sync.Mutex
	list []*batch
}

func (s *spares) take(records int) *batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.list)
	if n == 0 {
		return &batch{records: make([]postcard.Record, 0, records)}
	}
	b := s.list[n-1]
	s.list = s.list[:n-1]
	return b
}

func (s *spares) give(b *batch) {
	b.reset()
	s.mu.Lock()
	s.list = append(s.list, b)
	s.mu.Unlock()
}

func (c *Collector) emptyBatch() *batch { return c.free.take(c.cfg.Batch) }

// add copies a record into the batch and hands the batch over when it is full.
func (h *handover) add(r *postcard.Record) {
	b := h.b
	b.records = append(b.records, *r)
	key := keyOf(h.src, h.in.out.Group)
	if n := len(b.runs); n > 0 && b.runs[n-1].key == key {
		b.runs[n-1].n++
	} else {
		b.runs = append(b.runs, run{key, 1})
	}
	if len(b.records) == cap(b.records) {
		h.flush()
	}
}

// flush hands the batch over, or sheds by policy when the queue is full.
func (h *handover) flush() {
	c := h.c
	h.since = time.Time{}
	if len(h.b.records) == 0 {
		return
	}
	if c.cfg.Overload == Wait {
		c.queue <- h.b
		h.b = c.emptyBatch()
		return
	}
	for {
		select {
		case c.queue <- h.b:
			h.b = c.emptyBatch()
			return
		default:
		}
		if c.cfg.Overload == ShedNewest {
			c.shed(h.b)
			return
		}
		select {
		case oldest := <-c.queue:
			c.shed(oldest)
			c.free.give(oldest)
		default:
		}
	}
}

// shed counts the records of a batch as given up, by source, and empties it.
func (c *Collector) shed(b *batch) {
	for _, r := range b.runs {
		a := c.account(r.key)
		a.mu.Lock()
		a.sources.Shed(r.key, uint64(r.n))
		a.mu.Unlock()
	}
	b.reset()
}

// drain gives batches to the sink until the queue is closed.
func (c *Collector) drain() {
	for b := range c.queue {
		c.deps.Sink(b.records)
		c.given.Add(uint64(len(b.records)))
		c.free.give(b)
	}
}
