// Package send is a load generator of telemetry reports: it sends datagrams whose
// sequence numbers, node ids and records are known, as fast as the system takes them
// or at a rate, and says exactly what it sent, so that a receiver can be judged.
//
// Sources are nodes: source i has node id FirstNode + i, a socket (and so a UDP source
// port) of its own as long as there are at most [MaxSockets], and counts its datagrams
// from 0 modulo 2^22. They take turns, a batch each. Every datagram holds the same
// number of reports, the last one of all perhaps fewer, each of them
//
//	RepType INT, InType IPv4, F; level 1 interfaces, hop latency, queue, both
//	timestamps; all of domain 0x7474; an IPv4 and a UDP header
//
// 92 bytes, so that 15 fit an Ethernet frame. The packet id is the number of the
// report within its source modulo 2^16, the UDP source port of the reported flow the
// same modulo 1024, the ingress timestamp nanoseconds since the start. On Linux a
// batch is one sendmmsg.
//
// It sends to the address it is given and for as long as it is told, never without
// an end: a count or a duration is required.
package send
