package records

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

// Builder collects records, in any order, into a Trace. It is for one goroutine.
type Builder struct {
	net   *Network
	flows []Flow
	ids   map[Flow]FlowID
	qs    []*Queue // by node, those of one node by number
	of    [][]int32
	stats Stats
	limit int
	n     int
}

// ErrFull is the error of Add where the builder holds as many records as it may.
var ErrFull = errors.New("as many records as there may be are held already")

// MaxPerQueue bounds the records of one queue.
const MaxPerQueue = 1<<31 - 1

// NewBuilder returns a builder of a data set over net that takes at most limit records,
// 0 = as many as fit a queue's index.
func NewBuilder(net *Network, limit int) *Builder {
	return &Builder{net: net, ids: map[Flow]FlowID{}, of: make([][]int32, len(net.Nodes)), limit: limit}
}

// NewBuilderOver returns a builder whose records name flows of a table that somebody
// else keeps: a FlowID is an index into flows, which may grow elsewhere meanwhile, but
// not change. Flow must not be called.
func NewBuilderOver(net *Network, flows []Flow, limit int) *Builder {
	b := NewBuilder(net, limit)
	b.flows = flows
	return b
}

// Network returns the network of the records.
func (b *Builder) Network() *Network { return b.net }

// Flow returns the name of a flow, the same for the same flow; NoFlow for the zero Flow.
func (b *Builder) Flow(f Flow) FlowID {
	if f == (Flow{}) {
		return NoFlow
	}
	id, ok := b.ids[f]
	if !ok {
		id = FlowID(len(b.flows))
		b.flows = append(b.flows, f)
		b.ids[f] = id
	}
	return id
}

// FieldError says which field of a record contradicts what.
type FieldError struct {
	Field string
	Text  string
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Text }

// Add takes one record. A *FieldError means that it contradicts itself or the network:
// it is counted as bad and not taken. ErrFull means that there is no room.
func (b *Builder) Add(r Record) error { return b.AddAt(&r) }

// AddAt is Add for a record where it stands; the record is not kept, nor changed.
func (b *Builder) AddAt(r *Record) error {
	if err := b.check(r); err != nil {
		b.stats.Bad++
		return err
	}
	if b.limit > 0 && b.n >= b.limit {
		return ErrFull
	}
	q := b.queue(r.Node, r.Queue)
	if len(q.Arrive) >= MaxPerQueue {
		return ErrFull
	}
	b.n++
	if r.Arrive == Absent { // a source
		q.append(r, r.Depart, Absent)
	} else {
		q.append(r, r.Arrive, r.Start)
	}
	return nil
}

func (b *Builder) check(r *Record) error {
	if r.Node < 0 || int(r.Node) >= len(b.net.Nodes) {
		return &FieldError{"node", fmt.Sprintf("got number %d, want less than %d", r.Node, len(b.net.Nodes))}
	}
	if r.Flow != NoFlow && int(r.Flow) >= len(b.flows) {
		return &FieldError{"flow", fmt.Sprintf("got number %d, want one of the %d that Flow named", r.Flow, len(b.flows))}
	}
	name := b.net.Nodes[r.Node].Name
	if r.Arrive == Absent {
		switch {
		case !b.net.Nodes[r.Node].IsSource():
			return &FieldError{"arrive", fmt.Sprintf("got none at node %q, want a time: only sources have none", name)}
		case r.Depart == Absent:
			return &FieldError{"depart", fmt.Sprintf("got none at source %q, want a time", name)}
		}
		return nil
	}
	if r.Depart != Absent && r.Depart < r.Arrive {
		return &FieldError{"depart", fmt.Sprintf("got %d at node %q, which is before the arrival at %d", r.Depart, name, r.Arrive)}
	}
	if r.Start == Absent {
		return nil
	}
	if r.Start < r.Arrive {
		return &FieldError{"start", fmt.Sprintf("got %d at node %q, which is before the arrival at %d", r.Start, name, r.Arrive)}
	}
	if r.Depart != Absent && r.Start > r.Depart {
		return &FieldError{"start", fmt.Sprintf("got %d at node %q, which is after the departure at %d", r.Start, name, r.Depart)}
	}
	return nil
}

func (b *Builder) queue(node int32, number uint16) *Queue {
	for _, i := range b.of[node] {
		if b.qs[i].Number == number {
			return b.qs[i]
		}
	}
	q := &Queue{Node: node, Number: number, last: math.MinInt64}
	b.of[node] = append(b.of[node], int32(len(b.qs)))
	b.qs = append(b.qs, q)
	return q
}

func (q *Queue) append(r *Record, arrive, begin int64) {
	i := int32(len(q.Arrive))
	q.Packet = append(q.Packet, r.Packet)
	q.Flow = append(q.Flow, r.Flow)
	q.Arrive = append(q.Arrive, arrive)
	if r.Bytes > 0 && q.bytes == nil {
		q.bytes = make([]uint32, i, max(cap(q.Arrive), int(i)))
	}
	if q.bytes != nil {
		q.bytes = append(q.bytes, r.Bytes)
	}
	start, depart := offset(arrive, begin), offset(arrive, r.Depart)
	q.start = append(q.start, start)
	q.depart = append(q.depart, depart)
	if start == wide || depart == wide {
		if q.wide == nil {
			q.wide = map[int32][2]int64{}
		}
		q.wide[i] = [2]int64{begin, r.Depart}
	}
	q.last = max(q.last, r.Depart)
}

func offset(from, to int64) uint32 {
	switch d := uint64(to - from); {
	case to == Absent:
		return absent
	case d >= wide:
		return wide
	default:
		return uint32(d)
	}
}

// Extend replaces the table that NewBuilderOver was given by a longer one.
func (b *Builder) Extend(flows []Flow) { b.flows = flows }

// AddFrom takes over the records of a trace from a time on; the trace must be over the
// same network and flows.
func (b *Builder) AddFrom(t *Trace, from int64) error {
	for i := range t.Queues {
		c := &t.Queues[i]
		first := c.FirstArrival(from)
		n := c.Len() - first
		if b.limit > 0 && b.n+n > b.limit {
			return ErrFull
		}
		b.n += n
		q := b.queue(c.Node, c.Number)
		q.grow(c.Len() + c.Len()/8) // what comes is about as much as what was
		q.extend(c, first)
	}
	return nil
}

func (q *Queue) grow(n int) {
	q.Packet = slices.Grow(q.Packet, n)
	q.Flow = slices.Grow(q.Flow, n)
	q.Arrive = slices.Grow(q.Arrive, n)
	if q.bytes != nil {
		q.bytes = slices.Grow(q.bytes, n)
	}
	q.start = slices.Grow(q.start, n)
	q.depart = slices.Grow(q.depart, n)
}

// extend appends the rows of another queue from a row on.
func (q *Queue) extend(c *Queue, first int) {
	base := int32(len(q.Arrive) - first)
	switch {
	case c.bytes != nil:
		q.bytes = append(q.bytes, make([]uint32, len(q.Arrive)-len(q.bytes))...)
		q.bytes = append(q.bytes, c.bytes[first:]...)
	case q.bytes != nil:
		q.bytes = append(q.bytes, make([]uint32, c.Len()-first)...)
	}
	q.Packet = append(q.Packet, c.Packet[first:]...)
	q.Flow = append(q.Flow, c.Flow[first:]...)
	q.Arrive = append(q.Arrive, c.Arrive[first:]...)
	q.start = append(q.start, c.start[first:]...)
	q.depart = append(q.depart, c.depart[first:]...)
	for i, w := range c.wide {
		if int(i) >= first {
			if q.wide == nil {
				q.wide = map[int32][2]int64{}
			}
			q.wide[i+base] = w
		}
	}
	for i := len(q.Arrive) - (c.Len() - first); i < len(q.Arrive); i++ {
		if d := q.Depart(i); d != Absent {
			q.last = max(q.last, d)
		}
	}
}

// Trace sorts what was added, removes duplicates, and returns the data set. The builder
// must not be used afterwards.
func (b *Builder) Trace() *Trace { return b.TraceWith(1) }

// TraceWith is Trace with that many threads; the result is the same.
func (b *Builder) TraceWith(workers int) *Trace {
	t := &Trace{Network: b.net, Flows: b.flows, Queues: make([]Queue, 0, len(b.qs)), first: make([]int32, len(b.net.Nodes)+1)}
	stats := make([]Stats, len(b.qs))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range max(1, workers) {
		wg.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(b.qs); i = next.Add(1) - 1 {
				b.qs[i].arrange(&stats[i])
				b.qs[i].count(&stats[i], b.net.Nodes[b.qs[i].Node].IsSource())
			}
		})
	}
	wg.Wait()
	for node, of := range b.of {
		slices.SortFunc(of, func(i, j int32) int { return cmp.Compare(b.qs[i].Number, b.qs[j].Number) })
		for _, i := range of {
			t.Queues = append(t.Queues, *b.qs[i])
			b.stats.add(&stats[i])
		}
		t.first[node+1] = int32(len(t.Queues))
	}
	b.stats.FirstAt, b.stats.LastAt = t.Span()
	t.Stats = b.stats
	return t
}
