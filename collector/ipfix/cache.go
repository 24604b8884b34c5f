package ipfix

import (
	"encoding/binary"

	"github.com/telltale-net/telltale/collector/postcard"
)

// Limits bound a cache.
type Limits struct {
	Flows  int   // at one time
	Idle   int64 // ns without a packet after which a flow ends
	Active int64 // ns after which a flow is exported, though it goes on
}

// Key says which flow a record is of.
type Key struct {
	Node    postcard.NodeID
	Flow    postcard.Flow
	VNI     uint32
	HasVNI  bool
	InPort  uint32
	OutPort uint32
	Queue   uint8
	Dropped bool
	Reason  uint8 // of Dropped; 0 where none was reported
}

// packed is a key without holes, which hashes at once.
type packed [7]uint64

func (k *Key) pack() packed {
	f := &k.Flow
	word := func(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }
	p := packed{
		word(f.Src[:]), word(f.Src[8:]), word(f.Dst[:]), word(f.Dst[8:]), uint64(k.Node)<<32 | uint64(k.VNI), uint64(k.InPort)<<32 | uint64(k.OutPort),
		uint64(f.SrcPort)<<48 | uint64(f.DstPort)<<32 | uint64(f.Proto)<<24 | uint64(k.Queue)<<16 | uint64(k.Reason)<<8,
	}
	if k.Dropped {
		p[6] |= 1
	}
	if k.HasVNI {
		p[6] |= 2
	}
	return p
}

// Flow is what is known of a flow since it was exported last.
type Flow struct {
	Key
	First, Last   int64 // received, ns since 1970
	Packets       uint64
	Octets        uint64 // of packets whose length was reported
	Latencies     uint64 // packets whose latency was reported, and their latencies, ns
	LatencySum    uint64
	LatencyMin    uint32
	LatencyMax    uint32
	Depths        uint64 // packets that told the depth of the queue, and the depths, packets
	DepthSum      uint64
	DepthMax      uint32
	End           EndReason
	next          int32 // free list
	used, touched bool
}

// Stats are the counts of a cache since it was made.
type Stats struct {
	Flows    int    // there now
	Observed uint64 // records that are in flows
	Nameless uint64 // records without addresses, which are in none
	Evicted  uint64 // flows that were exported early to make room
}

// Cache makes flows of records in bounded memory. It is not safe for concurrent use.
type Cache struct {
	limits Limits
	index  map[packed]int32
	flows  []Flow // in use or free
	free   int32  // the first free one; -1 = none
	hand   int    // where the last eviction was
	emit   func(*Flow)
	stats  Stats
}

// NewCache returns an empty cache; emit gets the flows that end, which are its own
// during the call only.
func NewCache(l Limits, emit func(*Flow)) *Cache {
	if l.Flows <= 0 || l.Idle <= 0 || l.Active <= 0 {
		panic("BUG: limits of a flow cache must be positive")
	}
	return &Cache{limits: l, index: map[packed]int32{}, free: -1, emit: emit}
}

// Observe adds records.
func (c *Cache) Observe(batch []postcard.Record) {
	for i := range batch {
		r := &batch[i]
		key, ok := keyOf(r)
		if !ok {
			c.stats.Nameless++
			continue
		}
		c.stats.Observed++
		p := key.pack()
		at, ok := c.index[p]
		if !ok {
			at = c.place()
			c.flows[at] = Flow{Key: key, First: r.Received, Last: r.Received, used: true}
			c.index[p] = at
			c.stats.Flows++
		}
		c.flows[at].add(r)
	}
}

// keyOf returns a record's flow: the tenant's five-tuple, or the underlay's where the
// packet was seen without another.
func keyOf(r *postcard.Record) (Key, bool) {
	k := Key{Node: r.Node, InPort: r.InPort, OutPort: r.OutPort, Queue: r.Queue, Dropped: r.Lost()}
	switch {
	case r.Has&postcard.HasInner != 0:
		k.Flow = r.Inner
	case r.Has&postcard.HasOuter != 0:
		k.Flow = r.Outer
	default:
		return k, false
	}
	if r.Has&postcard.HasVNI != 0 {
		k.VNI, k.HasVNI = r.VNI, true
	}
	if k.Dropped && r.Has&postcard.HasDropReason != 0 {
		k.Reason = r.DropReason
	}
	return k, true
}

func (f *Flow) add(r *postcard.Record) {
	f.touched = true
	f.First, f.Last = min(f.First, r.Received), max(f.Last, r.Received)
	f.Packets++
	if r.Has&postcard.HasLength != 0 {
		f.Octets += uint64(r.Length)
	}
	if r.Has&postcard.HasLatency != 0 {
		if f.Latencies == 0 || r.Latency < f.LatencyMin {
			f.LatencyMin = r.Latency
		}
		f.LatencyMax = max(f.LatencyMax, r.Latency)
		f.Latencies++
		f.LatencySum += uint64(r.Latency)
	}
	if r.Has&postcard.HasQueue != 0 {
		f.DepthMax = max(f.DepthMax, r.QueueDepth)
		f.Depths++
		f.DepthSum += uint64(r.QueueDepth)
	}
}

// place returns room for a flow: free, new, or another's.
func (c *Cache) place() int32 {
	if c.free < 0 && len(c.flows) < c.limits.Flows {
		c.flows = append(c.flows, Flow{})
		return int32(len(c.flows) - 1)
	}
	if c.free < 0 {
		c.evict()
	}
	at := c.free
	c.free = c.flows[at].next
	return at
}

// evict ends a flow that had no packet since the hand passed it, or the one that the
// hand comes back to.
func (c *Cache) evict() {
	for {
		c.hand = (c.hand + 1) % len(c.flows)
		f := &c.flows[c.hand]
		if !f.touched {
			c.stats.Evicted++
			c.end(int32(c.hand), NoRoom)
			return
		}
		f.touched = false
	}
}

func (c *Cache) end(at int32, why EndReason) {
	f := &c.flows[at]
	f.End = why
	c.emit(f)
	delete(c.index, f.Key.pack())
	*f = Flow{next: c.free}
	c.free = at
	c.stats.Flows--
}

// Expire ends the flows that are idle or old at a time (ns since 1970).
func (c *Cache) Expire(now int64) {
	for i := range c.flows {
		f := &c.flows[i]
		switch {
		case !f.used:
		case now-f.Last >= c.limits.Idle:
			c.end(int32(i), Idle)
		case now-f.First >= c.limits.Active:
			c.end(int32(i), Active)
		}
	}
}

// Flush ends all flows.
func (c *Cache) Flush() {
	for i := range c.flows {
		if c.flows[i].used {
			c.end(int32(i), Forced)
		}
	}
}

// Stats returns the counts.
func (c *Cache) Stats() Stats { return c.stats }
