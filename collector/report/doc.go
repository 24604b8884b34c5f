// Package report decodes and encodes Telemetry Reports, the datagrams in which
// INT-capable devices say what they did to a packet: version 2.0 of the
// "Telemetry Report Format Specification" of the P4.org Applications Working
// Group (2020-10-08), and its versions 0.5 and 1.0. Section names below are that
// document's.
//
// Below it: inband reads and writes the INT headers inside packets, profile knows how
// emitters deviate, perhop turns reports into records, one per hop, and send is a load
// generator.
//
// The package is pure: bytes to values and back. It opens no socket, reads no
// clock, keeps nothing between datagrams and allocates nothing on the way of a
// well-formed one. It never trusts a length: whatever a datagram says of itself
// is held against the bytes that are there, and what does not fit is an [Error]
// with a countable [Cause] and the byte offset in the datagram.
//
// # Group header ("Telemetry Report Group Header", 8 octets, once)
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-------+-----------+-------------------------------------------+
//	| Ver=2 |   hw_id   |              Sequence Number              |
//	+-------+-----------+-------------------------------------------+
//	|                            Node ID                            |
//	+---------------------------------------------------------------+
//
// # Individual report ("Individual Report Header"), one or more to the end of the datagram
//
//		+-------+-------+---------------+---------------+-+-+-+-+-------+
//		|RepType| InType| Report Length |   MD Length   |D|Q|F|I|  Rsvd |
//		+-------+-------+---------------+---------------+-+-+-+-+-------+ <-+
//		|           main contents, by RepType           …               |   | Report Length,
//		|           inner contents, by InType           …               |   | 4-byte words
//		+---------------------------------------------------------------+ <-+
//
//	  - Report Length excludes the first word. 0xFF means 0xFF words or more: the
//	    report extends to the end of the datagram and is the last one. The decoder
//	    takes it so even where fewer than 0xFF words are left.
//	  - RepType 0 (Inner Only) has no main contents and its MD Length is ignored.
//	    RepType 2 (IOAM; contents left to "a future version") and 3–15 (reserved)
//	    are handed out whole, as [Report.Inner], for the caller to count and skip.
//	  - InType 0 none, 1 TLVs, 2 domain-specific extension data, 3 Ethernet, 4 IPv4,
//	    5 IPv6 (a truncated packet), 6–15 reserved: handed out raw.
//	  - Up to three bytes behind the last report are no error: devices that round
//	    lengths down leave them. [Decoder.Trailing] counts them.
//
// # Main contents of RepType 1 ("Individual Report Main Contents for RepType 1 (INT)")
//
//	+-------------------------------+-------------------------------+
//	|           RepMdBits           |      Domain Specific ID       |
//	+-------------------------------+-------------------------------+
//	|           DSMdBits            |          DSMdstatus           |
//	+-------------------------------+-------------------------------+ <-+
//	|           baseline metadata, in the order of RepMdBits  …     |   | MD Length,
//	|           domain-specific metadata, in the order of DSMdBits …|   | 4-byte words
//	+---------------------------------------------------------------+ <-+
//
// Baseline metadata; bit 0 is the most significant:
//
//	bit  mask  octets  content
//	 0   8000    4     reserved
//	 1   4000    4     level 1 ingress interface 16, egress interface 16
//	 2   2000    4     hop latency 32
//	 3   1000    4     queue id 8, queue occupancy 24
//	 4   0800    8     ingress timestamp 64
//	 5   0400    8     egress timestamp 64
//	 6   0200    8     level 2 ingress interface 32, egress interface 32
//	 7   0100    4     egress port TX utilisation 32
//	 8   0080    4     buffer id 8, buffer occupancy 24
//	9–14 007e    4     reserved
//	15   0001    4     queue id 8, drop reason 8, padding 16
//
// A bit whose value the device does not have is clear; there is no padding. A
// reserved bit stands for four octets like every other ("each bit represents 4
// octets"), so that newer minor versions can be read past. Bit 0 is the
// exception: it was the node id in INT, some devices leave it set without a word
// behind it, and where MD Length has no room for that word none is read.
//
// Each DSMdBits bit stands for one or more words, known only to the domain: see
// [Domain]. The metadata of an unknown domain is bounded by MD Length and handed
// out raw.
//
// # TLV ("Individual Report Inner Contents for InType 1 (TLV)"), repeated
//
//	+-------+-------+---------------+-------------------------------+
//	|TLVType|  Rsvd |   TLVLength   |       TLV Data Template       |
//	+-------+-------+---------------+-------------------------------+ <-+
//	|                              data …                           |   | TLVLength, words
//	+---------------------------------------------------------------+ <-+
//
// TLVType 0 domain-specific extension data, 1 Ethernet, 2 IPv4, 3 IPv6: not the
// numbers of InType.
//
// # Older versions
//
// Ver 0 (0.5) and 1 (1.0) have other headers, drawn in legacy.go, and are read into
// the same values, and written by [AppendLegacy].
//
// Devices that lay out their datagrams otherwise are read by their [Quirks].
//
// Our own switches add the words of [Extension] under Domain Specific ID 0x7474.
package report
