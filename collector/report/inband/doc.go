// Package inband reads and writes the In-band Network Telemetry (INT) headers that
// packets carry: INT-MD with its stack of hop metadata and INT-MX, versions 0.5, 1.0
// and 2.x of the "In-band Network Telemetry (INT) Dataplane Specification" of the
// P4.org Applications Working Group (2.1: 2020-11-11). Where in a packet they stand,
// package dissect finds out.
//
// The package is pure: bytes to values and back, nothing kept, nothing allocated in
// reading. What a packet that was cut short no longer has is told, not guessed: the
// hops that are whole are read, and [Header.Missing] says how much is gone.
//
// # INT-MD, version 2.x ("INT-MD Metadata Header Format")
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-------+-+-+-+-----------------------+---------+---------------+
//	| Ver=2 |D|E|M|       Reserved        | Hop ML  |RemainingHopCnt|
//	+-------+-+-+-+-----------------------+---------+---------------+
//	|      Instruction Bitmap       |        Domain Specific ID     |
//	+-------------------------------+-------------------------------+
//	|         DS Instruction        |            DS Flags           |
//	+-------------------------------+-------------------------------+
//	|  a stack of Hop ML words per hop, the newest hop first  …     |
//	+---------------------------------------------------------------+
//
// Each hop has its baseline metadata in the order of the bitmap, then its
// domain-specific metadata, then, where bit 15 is set, the checksum complement:
//
//	bit  mask  octets  content
//	 0   8000    4     node id
//	 1   4000    4     level 1 ingress interface 16, egress interface 16
//	 2   2000    4     hop latency 32
//	 3   1000    4     queue id 8, queue occupancy 24
//	 4   0800    8     ingress timestamp (1.0 and before: 4)
//	 5   0400    8     egress timestamp (1.0 and before: 4)
//	 6   0200    8     level 2 ingress interface 32, egress interface 32
//	                   (0.5: 4, queue id 8, queue congestion status 24)
//	 7   0100    4     egress interface TX utilisation
//	 8   0080    4     buffer id 8, buffer occupancy 24 (2.x)
//	9–14 007e    4     reserved; counted in Hop ML
//	15   0001    4     checksum complement (0.5: reserved)
//
// All-ones is a value that the node does not have: its bit is in [Hop.Invalid] and
// not in [Hop.Has]. An all-ones complement means that the node updated the checksum
// itself. Whether complements do what they are for, only the checksum over the whole
// packet tells: dissect.Packet.Checksum.
//
// The source may add metadata that Hop ML does not count ("source-only"). A domain
// whose table says how much ([report.Domain]) is believed; otherwise what is left
// over when the stack is divided by Hop ML is the source's. It belongs to the last,
// oldest hop and stands behind that hop's metadata, before its complement. In the
// specification's own example Hop ML is 1, so nothing is ever left over and only the
// table can tell.
//
// # INT-MX, version 2.x ("INT-MX Header Format")
//
//	+-------+-+-----------------------------------------------------+
//	| Ver=2 |D|                  Reserved                           |
//	+-------+-+---------------------+-------------------------------+
//	|      Instruction Bitmap       |        Domain Specific ID     |
//	+-------------------------------+-------------------------------+
//	|         DS Instruction        |            DS Flags           |
//	+-------------------------------+-------------------------------+
//	|   source-inserted metadata of the domain, in front of nothing |
//	+---------------------------------------------------------------+
//
// # Before 2.0 ("INT Hop-by-Hop Metadata Header Format", "INT Metadata Header Format")
//
//	+-------+---+-+-+-+-------------------+---------+---------------+
//	| Ver=1 |Rep|C|E|M|     Reserved      | Hop ML  |RemainingHopCnt|  1.0
//	+-------+---+-+-+-+---+---------+-----+---------+---------------+
//	| Ver=0 |Rep|C|E|  R  | Ins Cnt |  Max Hop Cnt  | Total Hop Cnt |  0.5
//	+-------+---+-+-+-----+---------+-------------------------------+
//	|      Instruction Bitmap       |            Reserved           |
//	+-------------------------------+-------------------------------+
//
// Emitters of version 1.0 exist that write 64-bit timestamps and 16-bit level 2
// ports; Hop ML gives them away, and [Header.Wide] and [Header.Narrow] say so.
package inband
