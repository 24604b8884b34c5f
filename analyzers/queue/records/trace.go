package records

import (
	"math"
	"sort"
)

// Absent is the time that was not reported.
const Absent = int64(math.MinInt64)

// NoPacket is the packet of records without an id.
const NoPacket = uint64(math.MaxUint64)

// Record is one packet at one queue. Times are nanoseconds of one clock, or Absent:
// Arrive only at a source, Start where it is not known, Depart where the packet was lost.
type Record struct {
	Packet uint64 // NoPacket = has no id here
	Arrive int64
	Start  int64
	Depart int64
	Node   int32 // index into the network
	Flow   FlowID
	Bytes  uint32 // length of the packet; 0 = not known
	Queue  uint16
}

// At returns when the record begins: its arrival, or at a source its departure.
func (r *Record) At() int64 {
	if r.Arrive != Absent {
		return r.Arrive
	}
	return r.Depart
}

// Trace is a data set in memory: immutable once built, safe for concurrent use.
type Trace struct {
	Network *Network
	Flows   []Flow  // by FlowID
	Queues  []Queue // by node, then by number; only those that have records
	Stats   Stats

	first []int32 // Queues of node i are Queues[first[i]:first[i+1]]
}

// Of returns the queues of a node. The slice is shared.
func (t *Trace) Of(node int32) []Queue { return t.Queues[t.first[node]:t.first[node+1]] }

// FirstOf returns the index in Queues of the node's first queue.
func (t *Trace) FirstOf(node int32) int32 { return t.first[node] }

// Records returns how many records there are.
func (t *Trace) Records() int {
	n := 0
	for i := range t.Queues {
		n += t.Queues[i].Len()
	}
	return n
}

// Span returns the time of the first and the last arrival or departure; 0, 0 where
// there are no records.
func (t *Trace) Span() (from, to int64) {
	from, to = math.MaxInt64, math.MinInt64
	for i := range t.Queues {
		q := &t.Queues[i]
		if n := q.Len(); n > 0 {
			from = min(from, q.Arrive[0])
			to = max(to, q.Arrive[n-1], q.last)
		}
	}
	if from > to {
		return 0, 0
	}
	return from, to
}

// Record returns record i of queue q as a value.
func (t *Trace) Record(q, i int) Record {
	c := &t.Queues[q]
	r := Record{Packet: c.Packet[i], Arrive: c.Arrive[i], Start: c.Start(i), Depart: c.Depart(i), Node: c.Node, Flow: c.Flow[i], Bytes: c.Bytes(i), Queue: c.Number}
	if t.Network.Nodes[c.Node].IsSource() && r.Arrive == r.Depart {
		r.Arrive, r.Start = Absent, Absent
	}
	return r
}

// Queue holds the records of one queue in columns, sorted by arrival; those that arrived
// together keep the order of their departures, lost ones last. At a source, Arrive is
// the departure. The slices are shared and must not be changed.
type Queue struct {
	Node   int32
	Number uint16

	Packet []uint64
	Flow   []FlowID
	Arrive []int64

	bytes         []uint32 // nil: not known of any
	start, depart []uint32 // ns since Arrive; absent, or wide: see there
	wide          map[int32][2]int64
	byDepart      []int32 // nil: same order as by arrival, and none lost
	last          int64   // departure
}

const (
	absent = math.MaxUint32
	wide   = math.MaxUint32 - 1 // the time is in Queue.wide
)

// Len returns the number of records.
func (q *Queue) Len() int { return len(q.Arrive) }

// Bytes returns the length of record i's packet, 0 where it is not known.
func (q *Queue) Bytes(i int) uint32 {
	if q.bytes == nil {
		return 0
	}
	return q.bytes[i]
}

// Sized reports whether the length of any packet is known.
func (q *Queue) Sized() bool { return q.bytes != nil }

// Start returns when service of record i began, or Absent.
func (q *Queue) Start(i int) int64 { return q.time(i, q.start[i], 0) }

// Depart returns when record i left, or Absent where the packet was lost here.
func (q *Queue) Depart(i int) int64 { return q.time(i, q.depart[i], 1) }

// Lost reports whether the packet of record i was lost here.
func (q *Queue) Lost(i int) bool { return q.depart[i] == absent }

func (q *Queue) time(i int, d uint32, which int) int64 {
	if d < wide {
		return q.Arrive[i] + int64(d)
	}
	if d == absent {
		return Absent
	}
	return q.wide[int32(i)][which]
}

// Departures returns how many records have a departure.
func (q *Queue) Departures() int {
	if q.byDepart != nil {
		return len(q.byDepart)
	}
	return len(q.Arrive)
}

// ByDepart returns the record that departed k-th.
func (q *Queue) ByDepart(k int) int {
	if q.byDepart != nil {
		return int(q.byDepart[k])
	}
	return k
}

// FirstArrival returns the first record that arrived at or after t.
func (q *Queue) FirstArrival(t int64) int {
	return sort.Search(len(q.Arrive), func(i int) bool { return q.Arrive[i] >= t })
}

// FirstDeparture returns the first k for which ByDepart(k) departed at or after t.
func (q *Queue) FirstDeparture(t int64) int {
	return sort.Search(q.Departures(), func(k int) bool { return q.Depart(q.ByDepart(k)) >= t })
}

// Join returns the trace with all queues of each of some nodes as one, under the number of
// the node's first. The other queues and the flows are shared.
func (t *Trace) Join(nodes []bool) (*Trace, error) {
	b := NewBuilderOver(t.Network, t.Flows, 0)
	for i := range t.Queues {
		if c := &t.Queues[i]; nodes[c.Node] {
			q := b.queue(c.Node, t.Of(c.Node)[0].Number)
			if len(q.Arrive)+c.Len() > MaxPerQueue {
				return nil, ErrFull
			}
			q.extend(c, 0)
		}
	}
	joined := b.Trace()
	out := &Trace{Network: t.Network, Flows: t.Flows, Stats: t.Stats, first: make([]int32, len(t.first))}
	for n := range t.Network.Nodes {
		of := t.Of(int32(n))
		if nodes[n] {
			of = joined.Of(int32(n))
		}
		out.Queues = append(out.Queues, of...)
		out.first[n+1] = int32(len(out.Queues))
	}
	return out, nil
}
