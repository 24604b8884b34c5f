package model

import (
	"maps"
	"slices"

	"github.com/telltale-net/telltale/collector/aggregate"
	"github.com/telltale-net/telltale/collector/gnmi/tree"
	"github.com/telltale-net/telltale/collector/postcard"
)

// Postcards are sums of records at a moment, values of their own.
type Postcards struct {
	Queues  []QueueSums  // by node, port and queue
	Tenants []TenantSums // by VNI
}

// QueueSums are the sums of one output queue.
type QueueSums struct {
	aggregate.Key
	Postcards, Dropped, Congested, Octets uint64
	Latencies, LatencySum                 uint64 // records with a latency; ns
	LatencyMin, LatencyMax                uint32 // ns
	Depths, DepthSum                      uint64 // records with a depth; packets
	DepthMax                              uint32
	Reasons                               []ReasonSum
}

// TenantSums are the sums of one VNI.
type TenantSums struct {
	VNI                        uint32
	Postcards, Dropped, Octets uint64
	Reasons                    []ReasonSum
}

// ReasonSum is the packets dropped for one reason.
type ReasonSum struct {
	Reason  uint8
	Packets uint64
}

// Sums copies what a table holds.
func Sums(t *aggregate.Table) Postcards {
	var p Postcards
	for k, q := range t.Queues() {
		p.Queues = append(p.Queues, QueueSums{
			Key: k, Postcards: q.Packets, Dropped: q.Dropped, Congested: q.Congested, Octets: q.Bytes,
			Latencies: q.Latency.Count, LatencySum: q.Latency.Sum, LatencyMin: q.Latency.Min, LatencyMax: q.Latency.Max,
			Depths: q.Depths, DepthSum: q.DepthSum, DepthMax: q.DepthMax, Reasons: reasons(&q.Reasons),
		})
	}
	for vni, n := range t.Tenants() {
		p.Tenants = append(p.Tenants, TenantSums{VNI: vni, Postcards: n.Records, Dropped: n.Dropped, Octets: n.Bytes, Reasons: reasons(&n.Reasons)})
	}
	return p
}

func reasons(r *aggregate.Reasons) []ReasonSum {
	var all []ReasonSum
	for reason, n := range r.All() {
		all = append(all, ReasonSum{reason, n})
	}
	return all
}

// Batch returns telltale:/nodes and telltale:/tenants. name names a drop reason, "" where
// it has no name.
func (p *Postcards) Batch(target string, name func(uint8) string) Batch {
	b := Batch{}
	root := b.at(target, Telltale, tree.E("nodes"))
	tenants := b.at(target, Telltale, tree.E("tenants"))
	b.Below = []tree.Path{root.path, tenants.path}
	last := aggregate.Key{}
	var node, port at
	for i := range p.Queues {
		q := &p.Queues[i]
		if i == 0 || q.Node != last.Node {
			node = root.below(tree.E("node", "id", decimal(q.Node)))
			node.below(state).set("id", tree.Number(uint32(q.Node)))
		}
		if i == 0 || q.Node != last.Node || q.Port != last.Port {
			port = node.below(tree.E("ports"), tree.E("port", "number", decimal(q.Port)))
			port.below(state).set("number", tree.Number(q.Port))
		}
		last = q.Key
		at := port.below(tree.E("queues"), tree.E("queue", "number", decimal(q.Queue)))
		q.put(at.below(state))
		putReasons(at, q.Reasons, name)
	}
	for i := range p.Tenants {
		n := &p.Tenants[i]
		at := tenants.below(tree.E("tenant", "vni", decimal(n.VNI)))
		s := at.below(state)
		s.set("vni", tree.Number(n.VNI))
		s.count("postcards", n.Postcards)
		s.count("octets", n.Octets)
		s.count("dropped", n.Dropped)
		putReasons(at, n.Reasons, name)
	}
	return b
}

func putReasons(below at, all []ReasonSum, name func(uint8) string) {
	for _, r := range all {
		s := below.below(tree.E("drop-reasons"), tree.E("drop-reason", "number", decimal(r.Reason)), state)
		s.set("number", tree.Number(uint32(r.Reason)))
		if text := name(r.Reason); text != "" {
			s.set("name", tree.Text(text))
		}
		s.count("packets", r.Packets)
	}
}

func (q *QueueSums) put(s at) {
	s.set("number", tree.Number(uint32(q.Queue)))
	s.count("postcards", q.Postcards)
	s.count("dropped", q.Dropped)
	s.count("congested", q.Congested)
	s.count("octets", q.Octets)
	if q.Latencies > 0 {
		s.count("latency-count", q.Latencies)
		s.count("latency-sum", q.LatencySum)
		s.set("latency-min", tree.Uint(uint64(q.LatencyMin)))
		s.set("latency-max", tree.Uint(uint64(q.LatencyMax)))
	}
	if q.Depths > 0 {
		s.count("queue-depth-count", q.Depths)
		s.count("queue-depth-sum", q.DepthSum)
		s.set("queue-depth-max", tree.Number(q.DepthMax))
	}
}

// Devices returns what postcards say of the switches that target names ("" = none, leave
// it out), in OpenConfig's words: dropped packets, and the lengths of queues.
//
// OpenConfig wants the length of a queue in bytes, postcards tell packets: it is their
// depths times the mean length of the packets that were in the queue, and absent where
// no length was reported. Drops are lower bounds.
func (p *Postcards) Devices(target func(postcard.NodeID) string, name func(uint8) string) []Device {
	var all []Device
	for rest := p.Queues; len(rest) > 0; {
		n := 0
		for n < len(rest) && rest[n].Node == rest[0].Node {
			n++
		}
		if t := target(rest[0].Node); t != "" {
			all = append(all, device(t, rest[:n], name))
		}
		rest = rest[n:]
	}
	return all
}

func device(target string, queues []QueueSums, name func(uint8) string) Device {
	d := Device{Target: target}
	drops := map[uint8]uint64{}
	for i := range queues {
		q := &queues[i]
		for _, r := range q.Reasons {
			drops[r.Reason] += r.Packets
		}
		if q.Port == 0 { // dropped before an output was chosen
			continue
		}
		out := Queue{Interface: decimal(q.Port), Name: decimal(q.Queue), DroppedPackets: &q.Dropped}
		if q.Depths > 0 && q.Octets > 0 && q.Postcards > 0 {
			length := float64(q.Octets) / float64(q.Postcards)
			mean, most := uint64(float64(q.DepthSum)/float64(q.Depths)*length), uint64(float64(q.DepthMax)*length)
			out.AverageLength, out.MaxLength = &mean, &most
		}
		d.Queues = append(d.Queues, out)
	}
	for _, reason := range slices.Sorted(maps.Keys(drops)) {
		text := name(reason)
		if text == "" {
			text = decimal(reason)
		}
		block, leaf := DropLeaf(reason)
		d.Drops = append(d.Drops, Drop{Reason: text, Block: block, Leaf: leaf, Packets: drops[reason]})
	}
	return d
}
