package drops

import "github.com/telltale-net/telltale/collector/postcard"

type cellKey struct {
	node    postcard.NodeID
	in, out uint32
	rule    uint32
	vni     uint32
	reason  uint8
}

// Cell is the drops of one node with one reason, rule, VNI and pair of ports.
type Cell struct {
	key       cellKey
	NodeIndex int32 // in the network, -1 where the node is unknown

	Packets     uint64
	First, Last int64
	flows       hashSet
	dsts        destinations
	buckets     []bucket // ring by time

	// All is the current episode; Passed counts only packets of services that used
	// to pass, Known, of mapping misses, only those for addresses the fabric has.
	All, Passed, Known Episode

	used bool // since the clock's hand last came by
}

type bucket struct {
	at int64 // number of the time bucket
	n  uint64
}

// Episode is a run of drops without a silence of Config.EpisodeGap.
type Episode struct {
	First, Last  int64  // collector's clock
	FirstIngress uint64 // node's clock, of the first packet; 0 = not reported
	Packets      uint64
	Active       int    // time buckets with drops
	Before       uint64 // packets of these services delivered before their first drop
	Examples     []postcard.Record

	flows      hashSet
	services   hashSet
	dsts       destinations
	lastBucket int64
}

// Node returns the node that dropped.
func (c *Cell) Node() postcard.NodeID { return c.key.node }

// InPort returns the port the packets came in at.
func (c *Cell) InPort() uint32 { return c.key.in }

// OutPort returns the port they were to leave by, 0 where none was chosen yet.
func (c *Cell) OutPort() uint32 { return c.key.out }

// Reason returns the drop reason.
func (c *Cell) Reason() uint8 { return c.key.reason }

// Rule returns the id of the rule that decided, 0 where none did.
func (c *Cell) Rule() uint32 { return c.key.rule }

// VNI returns the tenant's network.
func (c *Cell) VNI() uint32 { return c.key.vni }

// Flows returns how many flows the episode hit.
func (e *Episode) Flows() Distinct { return e.flows.distinct() }

// AddFlows joins the episode's flows into u and returns how many u holds now.
func (e *Episode) AddFlows(u *FlowUnion) { u.add(&e.flows) }

// Destinations returns the underlay destinations of the episode, most packets first,
// and the packets to destinations beyond the cap.
func (e *Episode) Destinations() ([]Destination, uint64) { return e.dsts.sorted(), e.dsts.other }

// Since reports whether the episode was still going on at that time.
func (e *Episode) Since(t int64) bool { return e.Packets > 0 && e.Last >= t }

// Recent returns the packets in the time buckets that begin at or after from, as far
// back as buckets are kept, and how many of the buckets had any.
func (c *Cell) Recent(t *Table, from int64) (packets uint64, active int) {
	first := (from + int64(t.cfg.Bucket) - 1) / int64(t.cfg.Bucket)
	for _, b := range c.buckets {
		if b.n > 0 && b.at >= first {
			packets += b.n
			active++
		}
	}
	return packets, active
}

type observation struct {
	r      *postcard.Record
	dst    postcard.Addr
	flow   uint64 // hash, 0 = not known
	sv     uint64 // hash of the service
	before uint64 // packets of the service delivered so far
	passed bool
	known  bool // the address that has no mapping is one the fabric has
}

func (c *Cell) add(t *Table, ob *observation) {
	now := ob.r.Received
	if c.Packets == 0 {
		c.First = now
	}
	c.Packets++
	c.Last = max(c.Last, now)
	if ob.flow != 0 {
		c.flows.add(ob.flow, t.cfg.MaxFlowsPerCell)
	}
	if !c.dsts.add(ob.dst, t.cfg.MaxDestinations) {
		t.stats.DestsOverflow++
	}
	at := now / int64(t.cfg.Bucket)
	b := &c.buckets[uint64(at)%uint64(len(c.buckets))]
	if b.at != at {
		*b = bucket{at: at}
	}
	b.n++
	c.All.add(t, ob, at)
	if ob.passed {
		c.Passed.add(t, ob, at)
	}
	if ob.known {
		c.Known.add(t, ob, at)
	}
}

func (e *Episode) add(t *Table, ob *observation, at int64) {
	now := ob.r.Received
	if e.Packets == 0 || now-e.Last >= int64(t.cfg.EpisodeGap) {
		e.flows.reset()
		e.services.reset()
		e.dsts.reset()
		*e = Episode{First: now, Examples: e.Examples[:0], flows: e.flows, services: e.services, dsts: e.dsts, lastBucket: at - 1}
		if ob.r.Has&postcard.HasIngress != 0 {
			e.FirstIngress = ob.r.Ingress
		}
	}
	e.Packets++
	e.Last = max(e.Last, now)
	if at > e.lastBucket {
		e.Active++
		e.lastBucket = at
	}
	if ob.flow != 0 {
		e.flows.add(ob.flow, t.cfg.MaxFlowsPerCell)
		if e.services.add(ob.sv, t.cfg.MaxFlowsPerCell) {
			e.Before += ob.before
		}
	}
	e.dsts.add(ob.dst, t.cfg.MaxDestinations)
	if len(e.Examples) < t.cfg.Examples {
		if cap(e.Examples) == 0 {
			e.Examples = make([]postcard.Record, 0, t.cfg.Examples)
		}
		e.Examples = append(e.Examples, *ob.r)
	}
}
