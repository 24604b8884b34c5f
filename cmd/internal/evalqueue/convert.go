package evalqueue

import (
	"fmt"

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
func record(node *chain.Node, n int, l *chain.Log, i int) records.Record {
	r := records.Record{Packet: uint64(l.Packet[i]), Arrive: l.Arrive[i], Start: l.Start[i], Depart: l.Depart[i], Node: int32(n)}
	switch {
	case node.IsSource():
		r.Arrive, r.Start = records.Absent, records.Absent
	case l.Depart[i] == chain.Lost:
		r.Start, r.Depart = records.Absent, records.Absent
	}
	return r
}

// build returns the data set of the logs. flows says what the trace's flow is called in
// the data set.
func build(t *chain.Trace, logs []chain.Log) (data *records.Trace, flows []records.FlowID, err error) {
	net, err := network(t.Nodes)
	if err != nil {
		return nil, nil, err
	}
	b := records.NewBuilder(net, 0)
	flows = make([]records.FlowID, len(t.Flows))
	for i := range t.Flows {
		flows[i] = b.Flow(fiveTuple(&t.Flows[i]))
	}
	for n := range logs {
		l := &logs[n]
		for i := range l.Packet {
			r := record(&t.Nodes[n], n, l, i)
			r.Flow = flows[t.Flow[l.Packet[i]]]
			if err := b.Add(r); err != nil {
				return nil, nil, fmt.Errorf("cannot take the record of packet %d at %s: %w", r.Packet, t.Nodes[n].Name, err)
			}
		}
	}
	return b.Trace(), flows, nil
}

// subject is a victim as methods are asked about it.
type subject struct {
	Queue int // into the data set's queues
	Row   int // in that queue
	truth int // into the sample
}

// find returns the row of a packet in a queue that arrived at the given time.
func find(q *records.Queue, packet uint64, at int64) (row int, ok bool) {
	for i := q.FirstArrival(at); i < q.Len() && q.Arrive[i] == at; i++ {
		if q.Packet[i] == packet {
			return i, true
		}
	}
	return 0, false
}
