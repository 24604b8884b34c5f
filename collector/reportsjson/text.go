package reportsjson

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/internal/dissect"
)

// writeText writes a report as one line: when, from whom, why, through which ports
// and queue, how long, and which flow.
func (d *decoder) writeText(it *item) error {
	var b strings.Builder
	if it.datagram.Dst.IsValid() {
		fmt.Fprintf(&b, "%s %s ", time.Unix(0, it.datagram.Time).UTC().Format("15:04:05.000000000"), it.datagram.Src)
	} else {
		fmt.Fprintf(&b, "%v ", it.datagram.Position)
	}
	if g := it.group; g != nil {
		fmt.Fprintf(&b, "node %d/%d seq %d ", g.NodeID, g.HwID, g.Sequence)
	}
	if it.report == nil {
		fmt.Fprintf(&b, "ERROR %v\n", it.err)
	} else {
		textOf(&b, it.report, it.packet)
	}
	_, err := d.out.WriteString(b.String())
	return err
}

func textOf(b *strings.Builder, r *report.Report, p *dissect.Packet) {
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
