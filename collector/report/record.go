package report

import (
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/internal/dissect"
)

// nestedOverlay is the drop reason of our switches (p4src, NESTED_OVERLAY) for a
// tenant that sends tunnel packets itself: there the outer header is the tenant's.
const nestedOverlay = 131

// Record turns a report into our record, all of rec but Received, which is the
// receiver's to know. What was not reported has its bit in Has clear. p is scratch
// and holds the dissected packet afterwards. It allocates nothing.
//
// The reported VNI is the extension's or else that of the outermost tunnel; the
// outer flow is the outermost header where another is inside it, the inner flow
// that other one or the only one.
func (r *Report) Record(g Group, rec *postcard.Record, p *dissect.Packet) {
	r.Dissect(p, &dissect.DefaultMarks)
	r.RecordOf(g, rec, p)
}

// RecordOf does as Record does with a packet that has been dissected already.
func (r *Report) RecordOf(g Group, rec *postcard.Record, p *dissect.Packet) {
	received := rec.Received
	*rec = postcard.Record{}
	rec.Received = received
	rec.Node = postcard.NodeID(g.NodeID)
	rec.HwID = g.HwID
	rec.Seq = g.Sequence
	rec.Flags = r.Flags.postcard()
	r.baselineTo(rec)
	if g.Version < Version {
		r.unwrap(rec)
	}
	r.flowsTo(rec, p)
	var x Extension
	if r.Extension(&x) {
		x.to(rec)
	}
}

// postcard turns the wire's bits, D first, into the record's.
func (f Flags) postcard() (out postcard.Flags) {
	if f&Dropped != 0 {
		out |= postcard.Dropped
	}
	if f&Congested != 0 {
		out |= postcard.Congested
	}
	if f&Tracked != 0 {
		out |= postcard.Tracked
	}
	if f&Interim != 0 {
		out |= postcard.Interim
	}
	return out
}

func (r *Report) baselineTo(rec *postcard.Record) {
	b := r.MdBits
	switch {
	case b&MdLevel1 != 0:
		rec.InPort, rec.OutPort = uint32(r.Level1In), uint32(r.Level1Out)
		rec.Has |= postcard.HasPorts
	case b&MdLevel2 != 0:
		rec.InPort, rec.OutPort = r.Level2In, r.Level2Out
		rec.Has |= postcard.HasPorts
	}
	if b&MdHopLatency != 0 {
		rec.Latency = r.HopLatency
		rec.Has |= postcard.HasLatency
	}
	if b&MdIngressTime != 0 {
		rec.Ingress = r.IngressTime
		rec.Has |= postcard.HasIngress
	}
	if b&MdEgressTime != 0 {
		rec.Egress = r.EgressTime
		rec.Has |= postcard.HasEgress
	}
	if b&MdDrop != 0 {
		rec.DropReason, rec.Queue = r.DropReason, r.DropQueueID
		rec.Has |= postcard.HasDropReason
	}
	if b&MdQueue != 0 {
		rec.Queue, rec.QueueDepth = r.QueueID, r.QueueOccupancy
		rec.Has |= postcard.HasQueue
	}
}

// unwrap makes up for 32-bit timestamps, which wrap every 4.29 s: the time in the
// switch is their difference modulo 2^32, and the egress is that much after the
// ingress.
func (r *Report) unwrap(rec *postcard.Record) {
	if !r.Has(MdIngressTime | MdEgressTime) {
		return
	}
	latency := uint32(r.EgressTime) - uint32(r.IngressTime)
	rec.Egress = rec.Ingress + uint64(latency)
	if !r.Has(MdHopLatency) {
		rec.Latency = latency
		rec.Has |= postcard.HasLatency
	}
}

func (r *Report) flowsTo(rec *postcard.Record, p *dissect.Packet) {
	if r.DomainID == ExtensionID && r.Has(MdDrop) && r.DropReason == nestedOverlay && p.Depth > 0 {
		setFlows(rec, nil, p.Outermost())
		return
	}
	Flows(rec, p)
}

// Flows sets the flows and the VNI of rec to those of a dissected packet: the outer
// flow is its outermost header where another is inside it, the inner flow that other
// one or the only one.
func Flows(rec *postcard.Record, p *dissect.Packet) {
	switch p.Depth {
	case 0:
	case 1:
		setFlows(rec, nil, &p.Head[0])
	default:
		setFlows(rec, &p.Head[0], &p.Head[1])
	}
}

func setFlows(rec *postcard.Record, outer, inner *dissect.Header) {
	setFlow(&rec.Inner, inner)
	rec.Has |= postcard.HasInner
	if outer != nil {
		setFlow(&rec.Outer, outer)
		rec.Has |= postcard.HasOuter
		if inner.HasID && inner.Tunnel.HasVNI() {
			rec.VNI = inner.TunnelID
			rec.Has |= postcard.HasVNI
		}
	}
}

// Dissect reads the headers of the truncated packet into p, INT headers that m marks
// among them (nil = none are looked for), and reports whether it found an IP header. Some
// devices say IPv4 or IPv6 and send the Ethernet header too: what cannot be the one
// and can be the other is taken so.
func (r *Report) Dissect(p *dissect.Packet, m *dissect.Marks) bool {
	in, b := r.Packet()
	start := dissect.Ethernet
	switch in {
	case InEthernet:
	case InIPv4:
		if start = dissect.IPv4; len(b) > 0 && b[0]>>4 != 4 && isEthernet(b) {
			start = dissect.Ethernet
		}
	case InIPv6:
		if start = dissect.IPv6; len(b) > 0 && b[0]>>4 != 6 && isEthernet(b) {
			start = dissect.Ethernet
		}
	default:
		p.Reset()
		return false
	}
	p.ParseINT(start, b, m)
	return p.Depth > 0
}

// isEthernet reports whether b can start with an Ethernet header before IP.
func isEthernet(b []byte) bool {
	if len(b) < 15 {
		return false
	}
	switch be16(b[12:]) {
	case 0x0800:
		return b[14]>>4 == 4
	case 0x86dd:
		return b[14]>>4 == 6
	case 0x8100, 0x88a8, 0x8847:
		return true
	}
	return false
}

func setFlow(f *postcard.Flow, h *dissect.Header) {
	f.Src, f.Dst = h.Src, h.Dst
	f.SrcPort, f.DstPort, f.Proto = h.SrcPort, h.DstPort, h.Proto
}

func (x *Extension) to(rec *postcard.Record) {
	if x.Bits&ExtPacketID != 0 {
		rec.PacketID, rec.Epoch, rec.Colour, rec.Stage = x.PacketID, x.Epoch, x.Colour, postcard.Stage(x.Stage)
		rec.Has |= postcard.HasPacketID
	}
	if x.Bits&ExtFlowHash != 0 {
		rec.FlowHash = x.FlowHash
		rec.Has |= postcard.HasFlowHash
	}
	if x.Bits&ExtVNI != 0 {
		rec.VNI = x.VNI
		rec.Has |= postcard.HasVNI
	}
	if x.Bits&ExtLength != 0 {
		rec.Length = x.Length
		rec.Has |= postcard.HasLength
	}
	if x.Bits&ExtEnqDepth != 0 {
		rec.EnqDepth = x.EnqDepth
		rec.Has |= postcard.HasEnqDepth
	}
	if x.Bits&ExtRule != 0 {
		rec.Rule = x.Rule
		rec.Has |= postcard.HasRule
	}
}
