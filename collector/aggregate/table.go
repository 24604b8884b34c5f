package aggregate

import (
	"cmp"
	"iter"
	"slices"

	"github.com/telltale-net/telltale/collector/postcard"
)

// Limits bound what a table holds.
type Limits struct {
	Queues  int // output queues
	Tenants int // VNIs
}

// DefaultLimits is room for 64 switches of 64 ports, one queue each: some 2 MiB, and 2 KiB
// for each queue that drops.
func DefaultLimits() Limits { return Limits{Queues: 4096, Tenants: 4096} }

// Key names an output queue. A packet dropped before an output was chosen is of port 0.
type Key struct {
	Node  postcard.NodeID
	Port  uint32
	Queue uint8
}

// compare orders keys by node, port and queue.
func (k Key) compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Node, o.Node), cmp.Compare(k.Port, o.Port), cmp.Compare(k.Queue, o.Queue))
}

// Queue is the sums of one output queue.
type Queue struct {
	Packets   uint64 // records, dropped ones included
	Dropped   uint64 // of those, dropped at this hop
	Congested uint64 // of those, reported because the queue was congested
	Bytes     uint64 // of packets whose length was reported
	Latency   Histogram
	Depths    uint64 // records that told the depth of the queue, packets
	DepthSum  uint64
	DepthMax  uint32
	Reasons   Reasons

	peaks [2]uint32 // the greatest depth since the last Table.Turn, and between the two before
}

// Peak returns the greatest depth since the last call but one of [Table.Turn].
func (q *Queue) Peak() uint32 { return max(q.peaks[0], q.peaks[1]) }

// Tenant is the sums of one VNI. A packet is counted at every hop that reported it.
type Tenant struct {
	Records uint64
	Bytes   uint64
	Dropped uint64
	Reasons Reasons
}

// Reasons are dropped packets by drop reason (the numbering of p4src), and those that
// came without one.
type Reasons struct {
	counts *[256]uint64
	None   uint64
}

func (r *Reasons) add(rec *postcard.Record) {
	if rec.Has&postcard.HasDropReason == 0 {
		r.None++
		return
	}
	if r.counts == nil {
		r.counts = new([256]uint64)
	}
	r.counts[rec.DropReason]++
}

// All yields the reasons that there were and their packets, in order.
func (r *Reasons) All() iter.Seq2[uint8, uint64] {
	return func(yield func(uint8, uint64) bool) {
		if r.counts == nil {
			return
		}
		for i, n := range r.counts {
			if n > 0 && !yield(uint8(i), n) {
				return
			}
		}
	}
}

// Overflow counts the records that are in no sum because a limit is reached.
type Overflow struct {
	Queues  uint64 // in no queue's sums
	Tenants uint64 // in no tenant's sums
}

// Table sums up records. It is not safe for concurrent use.
type Table struct {
	limits   Limits
	queues   map[Key]*Queue
	tenants  map[uint32]*Tenant
	overflow Overflow
	records  uint64

	// recent holds queues that were lately looked up, by their hash: it spares most
	// records the map, and however keys collide here, the map is there.
	recent [recent]struct {
		key   Key
		queue *Queue
	}
}

const recent = 4096 // a power of two

func (k Key) hash() uint32 {
	x := (uint64(k.Node)<<32 | uint64(k.Port)) ^ uint64(k.Queue)<<24
	return uint32((x*0x9e3779b97f4a7c15)>>40) % recent
}

// New returns an empty table. The limits must not be negative.
func New(l Limits) *Table {
	return &Table{limits: l, queues: map[Key]*Queue{}, tenants: map[uint32]*Tenant{}}
}

// Observe adds records.
func (t *Table) Observe(batch []postcard.Record) {
	// Records of one datagram are often of one queue and one tenant.
	var lastKey Key
	var lastQueue *Queue
	var lastVNI uint32
	var lastTenant *Tenant
	t.records += uint64(len(batch))
	for i := range batch {
		r := &batch[i]
		key := Key{r.Node, r.OutPort, r.Queue}
		if lastQueue == nil || key != lastKey {
			lastKey, lastQueue = key, t.queue(key)
		}
		if lastQueue != nil {
			lastQueue.add(r)
		} else {
			t.overflow.Queues++
		}
		if r.Has&postcard.HasVNI == 0 {
			continue
		}
		if lastTenant == nil || r.VNI != lastVNI {
			lastVNI, lastTenant = r.VNI, t.tenant(r.VNI)
		}
		if lastTenant != nil {
			lastTenant.add(r)
		} else {
			t.overflow.Tenants++
		}
	}
}

func (t *Table) queue(k Key) *Queue {
	r := &t.recent[k.hash()]
	if r.key == k && r.queue != nil {
		return r.queue
	}
	q := t.queues[k]
	if q == nil {
		if len(t.queues) >= t.limits.Queues {
			return nil
		}
		q = &Queue{}
		t.queues[k] = q
	}
	r.key, r.queue = k, q
	return q
}

func (t *Table) tenant(vni uint32) *Tenant {
	n := t.tenants[vni]
	if n == nil && len(t.tenants) < t.limits.Tenants {
		n = &Tenant{}
		t.tenants[vni] = n
	}
	return n
}

func (q *Queue) add(r *postcard.Record) {
	q.Packets++
	if r.Lost() {
		q.Dropped++
		q.Reasons.add(r)
	}
	if r.Flags&postcard.Congested != 0 {
		q.Congested++
	}
	if r.Has&postcard.HasLength != 0 {
		q.Bytes += uint64(r.Length)
	}
	if r.Has&postcard.HasLatency != 0 {
		q.Latency.add(r.Latency)
	}
	if r.Has&postcard.HasQueue != 0 {
		q.Depths++
		q.DepthSum += uint64(r.QueueDepth)
		q.DepthMax = max(q.DepthMax, r.QueueDepth)
		q.peaks[0] = max(q.peaks[0], r.QueueDepth)
	}
}

func (n *Tenant) add(r *postcard.Record) {
	n.Records++
	if r.Has&postcard.HasLength != 0 {
		n.Bytes += uint64(r.Length)
	}
	if r.Lost() {
		n.Dropped++
		n.Reasons.add(r)
	}
}

// Records returns how many records the table was given.
func (t *Table) Records() uint64 { return t.records }

// Overflow returns how many records are in no sum.
func (t *Table) Overflow() Overflow { return t.overflow }

// Queues yields all queues by node, port and queue. The sums are the table's own.
func (t *Table) Queues() iter.Seq2[Key, *Queue] { return sorted(t.queues, Key.compare) }

// Tenants yields all tenants by VNI. The sums are the table's own.
func (t *Table) Tenants() iter.Seq2[uint32, *Tenant] { return sorted(t.tenants, cmp.Compare[uint32]) }

func sorted[K comparable, V any](m map[K]V, order func(a, b K) int) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		keys := make([]K, 0, len(m))
		for k := range m {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, order)
		for _, k := range keys {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}

// Turn begins a new interval for Queue.Peak.
func (t *Table) Turn() {
	for _, q := range t.queues {
		q.peaks = [2]uint32{0, q.peaks[0]}
	}
}

// Clone returns a table with the same sums that shares nothing with t. It is what to
// take along when t is wanted elsewhere: 4 096 queues take a few milliseconds.
func (t *Table) Clone() *Table {
	c := New(t.limits)
	c.overflow, c.records = t.overflow, t.records
	queues := make([]Queue, 0, len(t.queues))
	for k, q := range t.queues {
		queues = append(queues, *q)
		to := &queues[len(queues)-1]
		to.Reasons = to.Reasons.clone()
		c.queues[k] = to
	}
	for vni, n := range t.tenants {
		to := *n
		to.Reasons = to.Reasons.clone()
		c.tenants[vni] = &to
	}
	return c
}

func (r Reasons) clone() Reasons {
	if r.counts != nil {
		counts := *r.counts
		r.counts = &counts
	}
	return r
}
