package block

import (
	"slices"

	"github.com/telltale-net/telltale/collector/postcard"
)

// Query says which records are wanted: those that meet every condition that is set.
// The zero Query wants all.
type Query struct {
	From, To int64 // of Received, ns, To exclusive; 0 = open

	// One of these each; empty = any.
	Nodes     []postcard.NodeID
	Flows     []postcard.Flow // inner
	Addresses []postcard.Addr // inner or outer, source or destination
	VNIs      []uint32
	Reasons   []uint8 // drop reasons

	Dropped    bool   // only drops
	MinQueue   uint32 // QueueDepth at least
	MinLatency uint32 // Latency at least, ns
}

// Wants reports whether the record is wanted.
func (q *Query) Wants(r *postcard.Record) bool {
	return (q.From == 0 || r.Received >= q.From) &&
		(q.To == 0 || r.Received < q.To) &&
		(!q.Dropped || r.Lost()) &&
		r.QueueDepth >= q.MinQueue &&
		r.Latency >= q.MinLatency &&
		(len(q.Nodes) == 0 || slices.Contains(q.Nodes, r.Node)) &&
		(len(q.Flows) == 0 || slices.Contains(q.Flows, r.Inner)) &&
		(len(q.VNIs) == 0 || slices.Contains(q.VNIs, r.VNI)) &&
		(len(q.Reasons) == 0 || r.Has&postcard.HasDropReason != 0 && slices.Contains(q.Reasons, r.DropReason)) &&
		(len(q.Addresses) == 0 || slices.ContainsFunc(q.Addresses, func(a postcard.Addr) bool {
			return a == r.Inner.Src || a == r.Inner.Dst || a == r.Outer.Src || a == r.Outer.Dst
		}))
}

// MayHold reports whether the block may hold a record that the query wants; if not,
// it does not.
func (h *Header) MayHold(q *Query) bool {
	return (q.From == 0 || h.Last >= q.From) &&
		(q.To == 0 || h.First < q.To) &&
		(!q.Dropped || h.Flags&postcard.Dropped != 0) &&
		h.MaxQueue >= q.MinQueue &&
		h.MaxLatency >= q.MinLatency &&
		mayHoldOne(h, q.Nodes, func(n *postcard.NodeID) uint64 { return numberKey(kindNode, uint32(*n)) }) &&
		mayHoldOne(h, q.Flows, flowKey) &&
		mayHoldOne(h, q.VNIs, func(v *uint32) uint64 { return numberKey(kindVNI, *v) }) &&
		mayHoldOne(h, q.Reasons, func(v *uint8) uint64 { return numberKey(kindReason, uint32(*v)) }) &&
		mayHoldOne(h, q.Addresses, addressKey)
}

func mayHoldOne[T comparable](h *Header, wanted []T, key func(*T) uint64) bool {
	for i := range wanted {
		if h.filter.has(key(&wanted[i])) {
			return true
		}
	}
	return len(wanted) == 0
}
