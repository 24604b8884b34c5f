// Package series names what package aggregate sums up, and what is known of the packets
// that a network lost: it writes a table in the Prometheus text format, complete with the
// names of nodes, peers, tenants and drop reasons, so that nobody has to relabel anything.
// [Metrics] is the list of what there is; docs/outputs.md has the same.
//
// By the conventions of Prometheus: counters end in _total, units are seconds, bytes and
// packets, and a histogram's buckets are cumulative. Labels:
//
//	node    the node's name in the topology, or its Node ID
//	port    the output port's number; 0 = dropped before one was chosen
//	peer    what is at the other end of the port: a node's name or a host's; absent where
//	        it is not known
//	queue   the queue's number
//	reason  the drop reason's name, or its number; none = reported without one
//	vni     the VNI; with tenant, its VNET's name, absent where it is not known
//	le      a bucket's upper bound, s
//	place   where a packet was lost: wire, queue or switch
//	fate    what became of a packet: delivered, lost, dropped, doubtful or unknown
//	state   of an epoch: complete or incomplete; with cause, why
//
// Values only: no clock, no sockets.
package series
