// Package ipfix makes flows of records and writes them as IPFIX (RFC 7011), for any flow
// collector: packets and bytes of each flow at each node, its drops with the reason,
// latencies and queue depths. Values only; package export has the sockets.
//
// A flow is a five-tuple in a VNI, through an input and an output port and a queue of a
// node, forwarded or dropped for one reason ([Key]). [Cache] sums records up by flow until
// the flow is idle, old, or in the way of others. [Encoder] writes messages:
//
//	message   0                   2                   4
//	          +-------------------+-------------------+
//	          | version 10        | length            |
//	          +-------------------+-------------------+
//	          | export time, s since 1970             |
//	          +-------------------+-------------------+
//	          | sequence number: data records before  |
//	          +-------------------+-------------------+
//	          | observation domain                    |
//	          +-------------------+-------------------+
//	          | sets …
//	set       +-------------------+-------------------+
//	          | id: 2, 3, ≥ 256   | length            |
//	          +-------------------+-------------------+
//	          | records … padding with zeros to a multiple of four
//
//	template  +-------------------+-------------------+
//	(set 2)   | template id       | field count       |
//	options   +-------------------+-------------------+
//	(set 3)   | … and scope count | fields …
//	field     +-------------------+-------------------+
//	          |E| element         | length            |
//	          +-------------------+-------------------+
//	          | enterprise number, where E            |
//	          +---------------------------------------+
//
// The templates are the table [Templates]. There is one observation domain, the
// collector's; which node a flow was seen at is its observationPointId, the Node ID of
// the reports. Times are the collector's.
//
// What has no element in IANA's registry, a hop's latency and a queue's depth, has
// enterprise-specific ones. There is no enterprise number of this project; the default,
// [Documentation], is the one for examples (RFC 5612), and can be changed. The elements of
// RFC 9951 are about the delay of a path from where it began, and so are not used for
// hops.
//
// Deviation: forwardingStatus (RFC 7270) has fewer reasons than there are; the element
// dropReason beside it has the number that was reported.
package ipfix
