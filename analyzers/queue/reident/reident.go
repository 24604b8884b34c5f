package reident

import (
	"cmp"
	"fmt"
	"math"

	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// IDs is how many identifications there are.
const IDs = 1 << 16

// Config bounds how long packets are on their way; the zero Config is for links of
// up to 100 µs, queues of 1024 packets and clocks that are off by up to 50 µs.
type Config struct {
	Propagation int64 // longest way from a departure to the next node, ns; 0 = 100 µs
	Depth       int   // packets that wait at a node at most, where arrivals are not known; 0 = 1024
	Clock       int64 // by how much clocks may be off: departures may seem so much later, and ways longer, ns; 0 = 50 µs
}

// Ref names a record of the trace; Queue −1 = none.
type Ref struct{ Queue, Record int32 }

// Stats counts records by how the packet's way before them was found. Records of sources
// are not counted.
type Stats struct {
	Only      uint64 `json:"only"`      // one departure and one arrival fitted each other alone
	Order     uint64 `json:"order"`     // only one was left by the order of packets
	Knot      uint64 `json:"knot"`      // decided within a knot
	Ambiguous uint64 `json:"ambiguous"` // not linked: several were possible
	Alone     uint64 `json:"alone"`     // not linked: none was possible
	NoID      uint64 `json:"no_id"`     // not linked: the record has no id
}

// Linked returns how many records were linked.
func (s *Stats) Linked() uint64 { return s.Only + s.Order + s.Knot }

// Links says for every record of a trace where its packet was before.
type Links struct {
	Stats Stats

	trace *records.Trace
	base  []int32 // number of the first record, by queue
	up    []int32 // by number of record: that of the record before, -1 = none
	read  []bool  // by queue: arrivals were not known
}

// Up returns the record of the same packet at the node before.
func (l *Links) Up(queue, record int) Ref {
	up := l.up[int(l.base[queue])+record]
	if up < 0 {
		return Ref{-1, -1}
	}
	return l.ref(up)
}

func (l *Links) ref(n int32) Ref {
	lo, hi := 0, len(l.base)-1
	for lo < hi { // the last queue that begins at or before n
		if mid := (lo + hi + 1) / 2; l.base[mid] <= n {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	return Ref{int32(lo), n - l.base[lo]}
}

// Link finds the links of a trace whose packet ids are 16-bit identifications. It is an
// error if they are not, or if there are more than 2^31 records.
func Link(t *records.Trace, cfg Config) (*Links, error) {
	cfg.Propagation = cmp.Or(cfg.Propagation, 100_000)
	cfg.Depth = cmp.Or(cfg.Depth, 1024)
	cfg.Clock = cmp.Or(cfg.Clock, 50_000)
	n := t.Records()
	if n > math.MaxInt32 {
		return nil, fmt.Errorf("cannot link packets: got %d records, want at most %d", n, math.MaxInt32)
	}
	l := &Links{trace: t, base: make([]int32, len(t.Queues)), read: make([]bool, len(t.Queues)), up: make([]int32, n)}
	next := int32(0)
	for q := range t.Queues {
		l.base[q] = next
		next += int32(t.Queues[q].Len())
		l.read[q] = readsOnly(&t.Queues[q])
		for i, id := range t.Queues[q].Packet {
			if id >= IDs && id != records.NoPacket {
				return nil, fmt.Errorf("cannot link packets: got id %d of record %d at node %s, want 16 bits", id, i, t.Network.Name(t.Queues[q].Node))
			}
		}
	}
	for i := range l.up {
		l.up[i] = -1
	}
	m := &matcher{Links: l, cfg: cfg}
	m.list()
	m.settle()
	m.untie()
	m.count()
	return l, nil
}

// readsOnly reports whether a queue's arrivals are the times of reading from it.
func readsOnly(q *records.Queue) bool {
	for i, at := range q.Arrive {
		if !q.Lost(i) && q.Start(i) != at {
			return false
		}
	}
	return true
}

// way returns how long before an arrival at a queue the packet can have left the node
// before.
func (m *matcher) way(q int) int64 {
	link := m.cfg.Propagation + m.cfg.Clock
	if !m.read[q] {
		return link
	}
	rate := m.trace.Network.Nodes[m.trace.Queues[q].Node].RatePPS
	if rate <= 0 {
		return link + 10_000_000
	}
	// Twice the time that a full queue takes: the server may have been slower.
	return link + int64(min(2e9*float64(m.cfg.Depth)/rate, 1e12))
}
