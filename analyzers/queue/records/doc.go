// Package records is the data set of the queue analyzers: which packet came to which
// queue when, when its service began, and when it left. It holds the values, their
// compact form in memory, and the JSON Lines reader and writer; no analysis.
//
// # JSON Lines
//
// The first line names the nodes, every further line is one packet at one node, times
// in nanoseconds of one clock:
//
//	{"nodes":[{"name":"nat1","type":"nat","rate_pps":800000,"next":["fw1"]}]}
//	{"node":"nat1","queue":0,"pkt":17,"flow":{"src":"10.0.0.1","dst":"10.0.0.2","proto":6,"sport":1,"dport":2},"arrive":12345,"start":12400,"depart":12500}
//
//	field     absent means
//	type      unknown; "source" marks a source of traffic
//	rate_pps  not known: learned from the data by whoever needs it
//	rate_bps  the same; with rate_pps, a packet takes the time of both
//	next      no successor (or not known)
//	queue     0
//	pkt       the packet has no id here
//	flow      the node does not see headers
//	bytes     the packet's length is not known
//	arrive    only at a source, which has no queue: its records carry only depart
//	start     when service began is not known
//	depart    the packet was lost at this node
//
// Unknown fields are ignored. Times may have a fraction, which is rounded. A record
// that names an unknown node, or departs before it arrives, or starts outside of the
// two, is not taken: it is reported with its line and field and counted in [Stats]. The
// same record twice is taken once and counted. Order is free, but counted when it is
// not by time. Several files may be read one after another: a later one needs no header
// of its own, and one it has must agree with the first.
//
// # In memory
//
// A [Trace] keeps the records of each queue of each node in columns, by arrival:
//
//	Packet u64 │ Flow u32 │ Arrive i64 │ start−arrive u32 │ depart−arrive u32   28 B
//
// and, only where any packet's length is known, lengths (4 B); only where packets
// overtook one another, the order of departure (4 B). Waits of more than 4.29 s are kept
// beside the columns. Flows are interned: 4 B name one.
package records
