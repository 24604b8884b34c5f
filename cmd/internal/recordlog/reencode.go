package recordlog

import (
	"encoding/binary"

	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/report"
)

// Reencoder turns records into individual reports of Telemetry Report 2.0, so that a
// collector makes the same records of them, but for Received and Seq. What only the
// packet told (flows, VNI) comes back as a made-up packet: IP, where there was an outer
// flow VXLAN, Geneve or IP in IP by its ports and protocol, and the ports.
type Reencoder struct {
	Simplified uint64 // records whose outer flow is of no tunnel known here: it is left out

	rep   report.Report
	ext   []byte
	inner []byte
}

// Report returns the report of a record. It is valid until the next call.
func (e *Reencoder) Report(r *postcard.Record) *report.Report {
	has := func(f postcard.Fields) bool { return r.Has&f != 0 }
	x := &e.rep
	*x = report.Report{RepType: report.INT, Flags: flagsOf(r.Flags)}
	if has(postcard.HasPorts) {
		if r.InPort <= 0xffff && r.OutPort <= 0xffff {
			x.MdBits |= report.MdLevel1
			x.Level1In, x.Level1Out = uint16(r.InPort), uint16(r.OutPort)
		} else {
			x.MdBits |= report.MdLevel2
			x.Level2In, x.Level2Out = r.InPort, r.OutPort
		}
	}
	if has(postcard.HasLatency) {
		x.MdBits |= report.MdHopLatency
		x.HopLatency = r.Latency
	}
	if has(postcard.HasQueue) {
		x.MdBits |= report.MdQueue
		x.QueueID, x.QueueOccupancy = r.Queue, min(r.QueueDepth, 0xffffff)
	}
	if has(postcard.HasIngress) {
		x.MdBits |= report.MdIngressTime
		x.IngressTime = r.Ingress
	}
	if has(postcard.HasEgress) {
		x.MdBits |= report.MdEgressTime
		x.EgressTime = r.Egress
	}
	if has(postcard.HasDropReason) {
		x.MdBits |= report.MdDrop
		x.DropQueueID, x.DropReason = r.Queue, r.DropReason
	}
	ext := report.Extension{
		PacketID: r.PacketID, Epoch: r.Epoch, Colour: r.Colour, Stage: uint8(r.Stage),
		FlowHash: r.FlowHash, VNI: r.VNI, Length: r.Length, EnqDepth: r.EnqDepth, Rule: r.Rule,
	}
	for _, f := range []struct {
		has postcard.Fields
		bit report.ExtBits
	}{
		{postcard.HasPacketID, report.ExtPacketID}, {postcard.HasFlowHash, report.ExtFlowHash}, {postcard.HasVNI, report.ExtVNI},
		{postcard.HasLength, report.ExtLength}, {postcard.HasEnqDepth, report.ExtEnqDepth}, {postcard.HasRule, report.ExtRule},
	} {
		if has(f.has) {
			ext.Bits |= f.bit
		}
	}
	if ext.Bits != 0 {
		e.ext = x.SetExtension(&ext, e.ext[:0])
	}
	x.InType, x.Inner = e.packet(r)
	return x
}

func flagsOf(f postcard.Flags) (out report.Flags) {
	for _, p := range []struct {
		of postcard.Flags
		to report.Flags
	}{{postcard.Dropped, report.Dropped}, {postcard.Congested, report.Congested}, {postcard.Tracked, report.Tracked}, {postcard.Interim, report.Interim}} {
		if f&p.of != 0 {
			out |= p.to
		}
	}
	return out
}

const (
	vxlanPort  = 4789
	genevePort = 6081
	protoIPIP  = 4
	protoIPv6  = 41
	protoUDP   = 17
)

// packet makes up a packet with the record's flows, in whole words.
func (e *Reencoder) packet(r *postcard.Record) (report.InType, []byte) {
	if r.Has&postcard.HasInner == 0 {
		return report.InNone, nil
	}
	b := e.inner[:0]
	first := &r.Inner
	if o := &r.Outer; r.Has&postcard.HasOuter != 0 {
		switch inner := isIPv6(&r.Inner); {
		case o.Proto == protoUDP && (o.DstPort == vxlanPort || o.DstPort == genevePort):
			first = o
			b = appendIP(b, o)
			b = appendPorts(b, o)
			if o.DstPort == vxlanPort {
				b = binary.BigEndian.AppendUint32(append(b, 8, 0, 0, 0), r.VNI<<8)
			} else {
				b = binary.BigEndian.AppendUint32(append(b, 0, 0, 0x65, 0x58), r.VNI<<8)
			}
			b = append(b, make([]byte, 12)...) // addresses of Ethernet
			if inner {
				b = append(b, 0x86, 0xdd)
			} else {
				b = append(b, 0x08, 0x00)
			}
		case o.Proto == protoIPIP && !inner, o.Proto == protoIPv6 && inner:
			first = o
			b = appendIP(b, o)
		default:
			e.Simplified++
		}
	}
	b = appendPorts(appendIP(b, &r.Inner), &r.Inner)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	e.inner = b
	if isIPv6(first) {
		return report.InIPv6, b
	}
	return report.InIPv4, b
}

func isIPv6(f *postcard.Flow) bool { return f.Src.Netip().Is6() || f.Dst.Netip().Is6() }

func appendIP(b []byte, f *postcard.Flow) []byte {
	const length = 100
	if isIPv6(f) {
		b = append(b, 0x60, 0, 0, 0, 0, length, f.Proto, 64)
		return append(append(b, f.Src[:]...), f.Dst[:]...)
	}
	b = append(b, 0x45, 0, 0, length, 0, 0, 0, 0, 64, f.Proto, 0, 0)
	return append(append(b, f.Src[12:]...), f.Dst[12:]...)
}

// appendPorts appends the eight bytes behind an IP header.
func appendPorts(b []byte, f *postcard.Flow) []byte {
	b = binary.BigEndian.AppendUint16(b, f.SrcPort)
	b = binary.BigEndian.AppendUint16(b, f.DstPort)
	return append(b, 0, 80, 0, 0)
}
