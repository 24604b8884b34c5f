package reident

import (
	"fmt"

	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// Packets returns the trace with a packet id of its own for every packet: records that
// are linked share theirs, and those without a flow get one that another has. Where
// arrivals were not known, a linked record's is the departure before it (or its start, if clocks make that
// the earlier).
func (l *Links) Packets() (*records.Trace, error) {
	packet, packets := l.number()
	flows := make([]records.FlowID, packets)
	for i := range flows {
		flows[i] = records.NoFlow
	}
	for q := range l.trace.Queues {
		for i, f := range l.trace.Queues[q].Flow {
			if n := packet[int(l.base[q])+i]; flows[n] == records.NoFlow {
				flows[n] = f
			}
		}
	}
	b := records.NewBuilder(l.trace.Network, 0)
	for _, f := range l.trace.Flows {
		b.Flow(f) // gets the number that it had
	}
	for q := range l.trace.Queues {
		for i := range l.trace.Queues[q].Len() {
			r := l.trace.Record(q, i)
			n := int(l.base[q]) + i
			r.Packet = uint64(packet[n])
			if r.Flow == records.NoFlow {
				r.Flow = flows[packet[n]]
			}
			if up := l.up[n]; up >= 0 && l.read[q] {
				u := l.ref(up)
				r.Arrive = min(r.Arrive, l.trace.Queues[u.Queue].Depart(int(u.Record)))
			}
			if err := b.Add(r); err != nil {
				return nil, fmt.Errorf("cannot rebuild record %d at node %s: %w", i, l.trace.Network.Name(r.Node), err)
			}
		}
	}
	return b.Trace(), nil
}

// number numbers the packets: for each record, that of the record before it.
func (l *Links) number() (packet []int32, packets int32) {
	packet = make([]int32, len(l.up))
	for i := range packet {
		packet[i] = -1
	}
	var way []int32
	for i := range packet {
		way = way[:0]
		n := int32(i)
		for ; n >= 0 && packet[n] == -1; n = l.up[n] {
			packet[n] = -2 // on the way: clocks that disagree could make it a circle
			way = append(way, n)
		}
		if len(way) == 0 {
			continue
		}
		id := packets
		if n >= 0 && packet[n] >= 0 {
			id = packet[n]
		} else {
			packets++
		}
		for _, k := range way {
			packet[k] = id
		}
	}
	return packet, packets
}
