package drops

import (
	"cmp"
	"slices"

	"github.com/telltale-net/telltale/collector/postcard"
)

// Dim is a set of dimensions to group by.
type Dim uint8

// The dimensions. ByPort implies the node; a drop's port is the one it was to leave
// by, or, where none was chosen, the one it came in at.
const (
	ByReason Dim = 1 << iota
	ByNode
	ByPort
	ByRule
	ByTenant
)

// Filter selects drops; a nil or zero field selects all.
type Filter struct {
	Reason *uint8
	Node   postcard.NodeID
	Port   uint32
	Rule   uint32
	VNI    uint32
}

// Query asks for the groups with the most packets.
type Query struct {
	By     Dim
	Filter Filter
	K      int // groups wanted, 0 = all
	// From and Before, when Before is set, count only the time buckets that lie in
	// [From, Before), as far back as buckets are kept.
	From, Before int64
}

// Key names a group: the fields of the dimensions asked for are set.
type Key struct {
	Reason uint8
	Node   postcard.NodeID
	Port   uint32
	Rule   uint32
	VNI    uint32
}

// Group is the drops of one key. First, Last, Flows, Destinations and Passed are of
// all time, Packets of the time asked for.
type Group struct {
	Key          Key
	Cause        Cause // where grouped by reason
	Packets      uint64
	First, Last  int64
	Flows        Distinct
	Passed       uint64 // packets of services that used to pass, in the current episodes
	Destinations []Destination
	Examples     []postcard.Record // of the current episodes, oldest first
}

func portOf(c *Cell) uint32 {
	if c.key.out != 0 {
		return c.key.out
	}
	return c.key.in
}

func (f *Filter) matches(c *Cell) bool {
	return (f.Reason == nil || *f.Reason == c.key.reason) &&
		(f.Node == 0 || f.Node == c.key.node) &&
		(f.Port == 0 || f.Port == portOf(c)) &&
		(f.Rule == 0 || f.Rule == c.key.rule) &&
		(f.VNI == 0 || f.VNI == c.key.vni)
}

func (d Dim) key(c *Cell) (k Key) {
	if d&ByReason != 0 {
		k.Reason = c.key.reason
	}
	if d&(ByNode|ByPort) != 0 {
		k.Node = c.key.node
	}
	if d&ByPort != 0 {
		k.Port = portOf(c)
	}
	if d&ByRule != 0 {
		k.Rule = c.key.rule
	}
	if d&ByTenant != 0 {
		k.VNI = c.key.vni
	}
	return k
}

// FlowUnion counts the distinct flows of several episodes or cells together: exact
// where none of them reached its cap.
type FlowUnion struct{ set hashSet }

func (u *FlowUnion) add(s *hashSet) {
	for _, h := range s.slots {
		if h != 0 {
			u.set.add(h, 1<<30)
		}
	}
	u.set.more = u.set.more || s.more
}

// Count returns how many flows were joined.
func (u *FlowUnion) Count() Distinct { return u.set.distinct() }

// Top returns the groups with the most packets, most first; ties in key order.
func (t *Table) Top(q Query) []Group {
	type building struct {
		Group
		flows FlowUnion
	}
	groups := make(map[Key]*building)
	for _, c := range t.cells {
		if !q.Filter.matches(c) {
			continue
		}
		n := c.Packets
		if q.Before != 0 {
			n = c.between(q.From/int64(t.cfg.Bucket), q.Before/int64(t.cfg.Bucket))
		}
		if n == 0 {
			continue
		}
		key := q.By.key(c)
		g := groups[key]
		if g == nil {
			g = &building{Group: Group{Key: key, First: c.First}}
			if q.By&ByReason != 0 {
				g.Cause = CauseOf(c.key.reason)
			}
			groups[key] = g
		}
		g.Packets += n
		g.First, g.Last = min(g.First, c.First), max(g.Last, c.Last)
		g.Passed += c.Passed.Packets
		g.flows.add(&c.flows)
		g.Destinations = mergeDestinations(g.Destinations, c.dsts.list)
		g.Examples = append(g.Examples, c.All.Examples...)
	}
	out := make([]Group, 0, len(groups))
	for _, g := range groups {
		g.Flows = g.flows.Count()
		sortDestinations(g.Destinations)
		slices.SortFunc(g.Examples, func(a, b postcard.Record) int {
			return cmp.Or(cmp.Compare(a.Received, b.Received), cmp.Compare(a.Node, b.Node), cmp.Compare(a.Seq, b.Seq))
		})
		g.Examples = g.Examples[:min(len(g.Examples), t.cfg.Examples)]
		out = append(out, g.Group)
	}
	slices.SortFunc(out, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Packets, a.Packets), a.Key.compare(b.Key))
	})
	if q.K > 0 {
		out = out[:min(q.K, len(out))]
	}
	return out
}

func (k Key) compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Node, o.Node), cmp.Compare(k.Port, o.Port), cmp.Compare(k.Reason, o.Reason),
		cmp.Compare(k.Rule, o.Rule), cmp.Compare(k.VNI, o.VNI))
}

func (c *Cell) between(from, before int64) (n uint64) {
	for _, b := range c.buckets {
		if b.at >= from && b.at < before {
			n += b.n
		}
	}
	return n
}

func mergeDestinations(to, from []Destination) []Destination {
next:
	for _, d := range from {
		for i := range to {
			if to[i].Address == d.Address {
				to[i].Packets += d.Packets
				continue next
			}
		}
		to = append(to, d)
	}
	return to
}

// Bucket is the drops of one time bucket.
type Bucket struct {
	Start   int64 // collector's clock, ns
	Packets uint64
}

// Over returns the drops by time, oldest first, buckets without drops left out, as far
// back as buckets are kept.
func (t *Table) Over(f Filter) []Bucket {
	sums := make(map[int64]uint64)
	for _, c := range t.cells {
		if !f.matches(c) {
			continue
		}
		for _, b := range c.buckets {
			if b.n > 0 {
				sums[b.at] += b.n
			}
		}
	}
	out := make([]Bucket, 0, len(sums))
	for at, n := range sums {
		out = append(out, Bucket{at * int64(t.cfg.Bucket), n})
	}
	slices.SortFunc(out, func(a, b Bucket) int { return cmp.Compare(a.Start, b.Start) })
	return out
}

// TopFlows returns the k tenant flows with the most drops among those with history,
// most first; vni 0 means all tenants.
func (t *Table) TopFlows(vni uint32, k int) []FlowState {
	var out []FlowState
	for i := range t.flows.slots {
		if s := &t.flows.slots[i]; s.hash != 0 && s.Dropped > 0 && (vni == 0 || s.Key.VNI == vni) {
			out = append(out, *s)
		}
	}
	slices.SortFunc(out, func(a, b FlowState) int {
		return cmp.Or(cmp.Compare(b.Dropped, a.Dropped), cmp.Compare(a.FirstDropped, b.FirstDropped), cmp.Compare(a.hash, b.hash))
	})
	if k > 0 {
		out = out[:min(k, len(out))]
	}
	return out
}
