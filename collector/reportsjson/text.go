package reportsjson

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/collector/report/inband"
	"github.com/telltale-net/telltale/internal/dissect"
)

// writeText writes a report as one line: when, from whom, why, through which ports
// and queue, how long, and which flow.
func (d *decoder) writeText(it *item) error {
	var b strings.Builder
	if it.datagram.Dst.IsValid() && !it.datagram.Position.Line {
		fmt.Fprintf(&b, "%s %s ", time.Unix(0, it.datagram.Time).UTC().Format("15:04:05.000000000"), it.datagram.Src)
	} else {
		fmt.Fprintf(&b, "%v ", it.datagram.Position)
	}
	if g := it.group; g != nil {
		fmt.Fprintf(&b, "node %d/%d seq %d ", g.NodeID, g.HwID, g.Sequence)
	}
	switch {
	case it.frame:
		b.WriteString("packet")
		d.stacks(&b, it)
		flowsOf(&b, it.packet)
	case it.report == nil:
		fmt.Fprintf(&b, "ERROR %v\n", it.err)
	default:
		d.textOf(&b, it)
	}
	_, err := d.out.WriteString(b.String())
	return err
}

func (d *decoder) textOf(b *strings.Builder, it *item) {
	r := it.report
	for i, f := range []report.Flags{report.Dropped, report.Congested, report.Tracked, report.Interim} {
		if r.Flags&f != 0 {
			b.WriteByte("DQFI"[i])
		} else {
			b.WriteByte('-')
		}
	}
	if !r.RepType.Defined() {
		fmt.Fprintf(b, " type %d, %d bytes\n", r.RepType, len(r.Inner))
		return
	}
	put := func(bit report.MdBits, format string, v ...any) {
		if r.Has(bit) {
			fmt.Fprintf(b, format, v...)
		}
	}
	put(report.MdLevel1, " port %d>%d", r.Level1In, r.Level1Out)
	put(report.MdLevel2, " interface %d>%d", r.Level2In, r.Level2Out)
	put(report.MdHopLatency, " latency %d", r.HopLatency)
	put(report.MdQueue, " queue %d: %d", r.QueueID, r.QueueOccupancy)
	put(report.MdBuffer, " buffer %d: %d", r.BufferID, r.BufferOccupancy)
	put(report.MdTxUtilization, " utilization %d", r.TxUtilization)
	put(report.MdIngressTime, " in %d", r.IngressTime)
	put(report.MdEgressTime, " out %d", r.EgressTime)
	put(report.MdDrop, " drop reason %d queue %d", r.DropReason, r.DropQueueID)
	if name := it.choice.Reasons.Name(r.DropReason); name != "" {
		put(report.MdDrop, " (%s by %s)", name, it.choice.Name)
	}
	var x report.Extension
	if r.Extension(&x) {
		if x.Bits&report.ExtVNI != 0 {
			fmt.Fprintf(b, " vni %d", x.VNI)
		}
		if x.Bits&report.ExtPacketID != 0 {
			fmt.Fprintf(b, " packet %d", x.PacketID)
		}
		if x.Bits&report.ExtRule != 0 {
			fmt.Fprintf(b, " rule %d", x.Rule)
		}
	} else if len(r.DSMetadata) > 0 {
		fmt.Fprintf(b, " domain %#x: %x", r.DomainID, r.DSMetadata)
	}
	d.stacks(b, it)
	flowsOf(b, it.packet)
}

// stacks writes the INT headers of a packet: node, ports, queue and latency per hop,
// the newest first.
func (d *decoder) stacks(b *strings.Builder, it *item) {
	for i := range it.packet.INTs {
		d.sum.INT++
		if err := d.head.Read(it.data, &it.packet.INT[i], d.dec.Domains); err != nil {
			d.sum.BadINT++
			fmt.Fprintf(b, " INT ERROR %v", err)
			continue
		}
		h := &d.head
		fmt.Fprintf(b, " INT %s", typeName(h))
		for j := range h.Hops() {
			h.Hop(j, &d.hop)
			has := func(bit inband.Bits, format string, v ...any) {
				if d.hop.Has&bit != 0 {
					fmt.Fprintf(b, format, v...)
				}
			}
			b.WriteString(" [")
			has(inband.NodeID, "node %d", d.hop.NodeID)
			has(inband.Level1, " port %d>%d", d.hop.Level1In, d.hop.Level1Out)
			has(inband.Queue, " queue %d: %d", d.hop.QueueID, d.hop.QueueOccupancy)
			has(inband.HopLatency, " latency %d", d.hop.HopLatency)
			b.WriteByte(']')
		}
		if h.Missing > 0 {
			fmt.Fprintf(b, " %d bytes missing", h.Missing)
		}
	}
}

func flowsOf(b *strings.Builder, p *dissect.Packet) {
	for i := range p.Depth {
		h := &p.Head[i]
		if h.Tunnel != dissect.None {
			fmt.Fprintf(b, " in %v %d:", h.Tunnel, h.TunnelID)
		}
		fmt.Fprintf(b, " %s>%s proto %d",
			netip.AddrPortFrom(netip.AddrFrom16(h.Src).Unmap(), h.SrcPort), netip.AddrPortFrom(netip.AddrFrom16(h.Dst).Unmap(), h.DstPort), h.Proto)
	}
	b.WriteByte('\n')
}
