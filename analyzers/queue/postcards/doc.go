// Package postcards makes a data set for the queue analyzers of postcards: what switches
// reported of packets at every hop becomes who came to which queue when, and left it when.
// Pure.
//
//	postcard of a hop            record
//	node, out port               node "leaf1:3": the port, and the link behind it
//	queue id                     queue
//	ingress time                 arrive
//	egress time (dequeue)        start: the first bit goes out on the link
//	–                            depart: see below
//	VNI, flow hash, packet id    pkt, numbered anew
//	inner five-tuple             flow
//	length                       bytes
//
//	first hop, from a host       besides: node "red-1" of type source; depart is when its
//	                             last bit reached the switch, less the link's delay
//	dropped before its queue     no start, no depart (no output chosen: no record)
//
// A node's type is the role of its switch; next are the ports of the switch at the other end of
// its link; its rate is the link's, in bits.
//
// # Departure
//
// v1model reports when a packet was taken out of the queue, not when its last bit was out. It was
// when the next packet was taken out, if that one was waiting; the rate in the topology
// is not needed for it, and a port that is slower than its link shows as such. Otherwise
// it is taken to be as many bits later as the link carries in that time, but not after the
// next packet.
//
// # Which postcards are of one packet
//
// (VNI, flow hash, packet id) names a packet, for a while: ids have 16 bits and come
// again. Postcards of one name are another packet's where a node reports a second time, or where
// the collector received nothing of that name for [Config].Lifetime.
//
// # Clocks
//
// Every switch has its own clock. How far two neighbours' are apart is the least time
// from dequeue to arrival less what the link takes: half the difference of both ways, or
// one of them where there is no traffic the other way. Times are brought to the clock of one
// switch by that, if it is more than the 2 µs that v1model's resolution alone explains. Drift is
// not followed.
//
// # What is lost
//
// Records of the queue analyzers know no tenants: flows of equal five-tuple in two VNETs
// are one. A postcard that says nothing of ports or times is counted and left out.
package postcards
