package records

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
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
func (b *Builder) Add(r Record) error {
	if err := b.check(&r); err != nil {
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
		r.Arrive, r.Start = r.Depart, Absent
	}
	q.append(&r)
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

func (q *Queue) append(r *Record) {
	i := int32(len(q.Arrive))
	q.Packet = append(q.Packet, r.Packet)
	q.Flow = append(q.Flow, r.Flow)
	q.Arrive = append(q.Arrive, r.Arrive)
	start, depart := offset(r.Arrive, r.Start), offset(r.Arrive, r.Depart)
	q.start = append(q.start, start)
	q.depart = append(q.depart, depart)
	if start == wide || depart == wide {
		if q.wide == nil {
			q.wide = map[int32][2]int64{}
		}
		q.wide[i] = [2]int64{r.Start, r.Depart}
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

// Trace sorts what was added, removes duplicates, and returns the data set. The builder
// must not be used afterwards.
func (b *Builder) Trace() *Trace {
	t := &Trace{Network: b.net, Flows: b.flows, Queues: make([]Queue, 0, len(b.qs)), first: make([]int32, len(b.net.Nodes)+1)}
	for node, of := range b.of {
		slices.SortFunc(of, func(i, j int32) int { return cmp.Compare(b.qs[i].Number, b.qs[j].Number) })
		for _, i := range of {
			b.qs[i].arrange(&b.stats)
			b.qs[i].count(&b.stats, b.net.Nodes[node].IsSource())
			t.Queues = append(t.Queues, *b.qs[i])
		}
		t.first[node+1] = int32(len(t.Queues))
	}
	b.stats.FirstAt, b.stats.LastAt = t.Span()
	t.Stats = b.stats
	return t
}
