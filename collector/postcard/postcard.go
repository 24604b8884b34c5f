// Package postcard holds the one record type of Telltale: what one packet did at
// one hop, as a switch reported it. Everything behind the decoder (log, bus,
// analyzers, query) speaks records; nothing behind it speaks wire formats.
//
// The package is a leaf: values only, no sockets, no logging.
package postcard

import "net/netip"

// NodeID names a switch in reports: the Node ID of the Telemetry Report group header.
type NodeID uint32

// Addr is an IPv4 (as ::ffff:a.b.c.d) or IPv6 address without a pointer, so that
// millions of records cost the garbage collector nothing.
type Addr [16]byte

// AddrFrom converts; the zero Addr stands for "no address".
func AddrFrom(a netip.Addr) Addr {
	if !a.IsValid() {
		return Addr{}
	}
	return a.As16()
}

// Netip returns the address, IPv4 unmapped, or the zero netip.Addr.
func (a Addr) Netip() netip.Addr {
	if a == (Addr{}) {
		return netip.Addr{}
	}
	return netip.AddrFrom16(a).Unmap()
}

func (a Addr) String() string { return a.Netip().String() }

// Flow is a five-tuple. The zero Flow means "not seen". Comparable: use it as a map key.
type Flow struct {
	Src, Dst         Addr
	SrcPort, DstPort uint16
	Proto            uint8
}

// Flags say why a report was sent (Telemetry Report v2.0, individual report header).
type Flags uint8

// The bits of Flags.
const (
	Dropped   Flags = 1 << iota // D: at least one packet of the watch list was dropped
	Congested                   // Q: a monitored queue is congested
	Tracked                     // F: a tracked flow
	Interim                     // I: intermediate report of an INT-MD transit node
)

// Fields says which fields of a record the switch reported. A field whose bit is
// clear is zero and means "not reported", never "zero".
type Fields uint32

// The bits of Fields.
const (
	HasPorts      Fields = 1 << iota // InPort, OutPort
	HasLatency                       // Latency
	HasQueue                         // Queue, QueueDepth
	HasIngress                       // Ingress
	HasEgress                        // Egress
	HasEnqDepth                      // EnqDepth
	HasDropReason                    // DropReason (and Queue)
	HasRule                          // Rule
	HasPacketID                      // PacketID, Epoch, Colour, Stage
	HasFlowHash                      // FlowHash
	HasVNI                           // VNI
	HasLength                        // Length
	HasOuter                         // Outer
	HasInner                         // Inner
)

// Stage is where in the switch the report was decided.
type Stage uint8

// The stages of a v1model switch.
const (
	Ingress Stage = iota
	Egress
)

// Record is one report of one packet at one hop. Times are nanoseconds; the node's
// clock and the collector's clock are different clocks.
type Record struct {
	Received int64  // collector's clock, ns
	Ingress  uint64 // node's clock, ns: first seen
	Egress   uint64 // node's clock, ns: left its queue
	Has      Fields

	Node       NodeID
	Seq        uint32 // the report's sequence number within (Node, HwID)
	InPort     uint32
	OutPort    uint32 // 0 when dropped before an output was chosen
	Latency    uint32 // ns in this switch, Egress − Ingress
	QueueDepth uint32 // packets left behind in the queue at dequeue
	EnqDepth   uint32 // packets found in the queue at enqueue
	Rule       uint32 // id of the table rule that decided, 0 = none
	VNI        uint32
	FlowHash   uint32

	PacketID   uint16 // outer IPv4 identification: with source and FlowHash it names the packet along its path
	Length     uint16 // bytes, at this hop, before truncation
	HwID       uint8
	Queue      uint8
	DropReason uint8 // numbering of p4src/include/drop_reasons.p4
	Epoch      uint8
	Colour     uint8
	Stage      Stage
	Flags      Flags

	Outer Flow // underlay five-tuple; zero where the packet was seen without encapsulation
	Inner Flow // tenant's five-tuple
}

// Lost reports whether the record says that the packet was dropped at this hop.
func (r *Record) Lost() bool { return r.Flags&Dropped != 0 }
