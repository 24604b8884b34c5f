package evalqueue

import (
	"fmt"
	"slices"

	"github.com/telltale-net/telltale/analyzers/queue/records"
	"github.com/telltale-net/telltale/bmv2/lab/chain"
)

// network returns the chain's nodes as data sets name them.
func network(nodes []chain.Node) (*records.Network, error) {
	specs := make([]records.NodeSpec, len(nodes))
	for i, n := range nodes {
		specs[i] = records.NodeSpec{Name: n.Name, Type: n.Type, RatePPS: n.Rate}
		for _, m := range n.Next {
			specs[i].Next = append(specs[i].Next, nodes[m].Name)
		}
	}
	net, err := records.NewNetwork(specs)
	if err != nil {
		return nil, fmt.Errorf("cannot name the chain's nodes: %w", err)
	}
	return net, nil
}

func fiveTuple(f *chain.Flow) records.Flow {
	return records.NewFlow(f.SrcAddr(), f.DstAddr(), f.Proto, f.SrcPort, f.DstPort)
}

// record returns row i of a log as analyzers read it. The packet keeps its number.
// Lengths are there where they differ.
func record(t *chain.Trace, n int, l *chain.Log, i int) records.Record {
	r := records.Record{Packet: uint64(l.Packet[i]), Arrive: l.Arrive[i], Start: l.Start[i], Depart: l.Depart[i], Node: int32(n)}
	if t.Size != nil {
		r.Bytes = uint32(t.Size[l.Packet[i]])
	}
	switch {
	case t.Nodes[n].IsSource():
		r.Arrive, r.Start = records.Absent, records.Absent
	case l.Depart[i] == chain.Lost:
		r.Start, r.Depart = records.Absent, records.Absent
	}
	return r
}

// withoutRates returns the nodes as if nobody knew how fast they are.
func withoutRates(nodes []chain.Node) []chain.Node {
	nodes = slices.Clone(nodes)
	for i := range nodes {
		nodes[i].Rate = 0
	}
	return nodes
}

// subject is a victim as methods are asked about it.
type subject struct {
	Queue int // into the data set's queues
	Row   int // in that queue
	truth int // into the sample
}
