package reportsjson

import (
	"encoding/binary"
	"errors"
	"strconv"
	"time"

	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/internal/capture"
	"github.com/telltale-net/telltale/internal/dissect"
)

func (d *decoder) writeJSON(it *item) error {
	o := &d.obj
	o.b, o.comma = o.b[:0], false
	o.open("", '{')
	o.datagram(it.datagram)
	if g := it.group; g != nil {
		o.num("ver", uint64(it.version))
		o.num("hw_id", uint64(g.HwID))
		o.num("sequence_number", uint64(g.Sequence))
		o.num("node_id", uint64(g.NodeID))
		o.num("report", uint64(it.index))
	}
	switch {
	case it.frame:
		o.flag("packet", true)
		o.profile(it)
		if it.start != dissect.Ethernet {
			o.plain("frame_start", startNames[it.start])
		}
		o.hex("frame_data", it.data)
	case it.report == nil:
		o.failure(it.err)
		if b := it.datagram.Payload; len(b) > 0 && !it.shown {
			o.hex("datagram", b)
			it.shown = true
		}
	default:
		o.profile(it)
		if it.choice.Quirks != (report.Quirks{}) && !it.shown {
			o.hex("datagram", it.datagram.Payload)
			it.shown = true
		}
		if it.group.Version < report.Version {
			o.legacy(it)
		} else {
			o.report(it, d.dec.Domains)
		}
	}
	if it.packet != nil && (it.report != nil || it.frame) {
		d.inband(it)
		o.flows(it.packet)
	}
	o.close('}')
	o.b = append(o.b, '\n')
	_, err := d.out.Write(o.b)
	return err
}

// startNames name what the data of a frame starts with.
var startNames = [...]string{dissect.Ethernet: "ethernet", dissect.IPv4: "ipv4", dissect.IPv6: "ipv6"}

func (o *object) profile(it *item) {
	o.plain("profile", it.choice.Name)
	o.flag("profile_guessed", it.choice.Guessed)
	if it.group != nil && it.choice.HwShift > 0 {
		o.num("subsystem", uint64(it.choice.Subsystem(it.group.HwID)))
	}
}

func (o *object) datagram(d *capture.Datagram) {
	if d.Position.Line {
		o.num("line", uint64(d.Position.Number))
	} else {
		if d.Dst.IsValid() || d.Time != 0 {
			o.plain("time", time.Unix(0, d.Time).UTC().Format(time.RFC3339Nano))
		}
		o.num("frame", uint64(d.Position.Number))
	}
	o.num("stream_offset", uint64(d.Position.Offset))
	if d.Dst.IsValid() {
		o.plain("source", d.Src.String())
		o.plain("destination", d.Dst.String())
	}
	if d.Missing > 0 {
		o.num("missing_bytes", uint64(d.Missing))
	}
}

func (o *object) failure(err error) {
	o.text("error", err.Error())
	var e *report.Error
	if errors.As(err, &e) {
		o.plain("cause", e.Cause.Name())
		o.num("datagram_offset", uint64(e.Offset))
	}
}

func (o *object) report(it *item, domains report.Domains) {
	r := it.report
	o.num("rep_type", uint64(r.RepType))
	o.num("in_type", uint64(r.InType))
	o.num("report_length", uint64(r.Length))
	o.num("md_length", uint64(r.MDLen))
	o.flag("d", r.Flags&report.Dropped != 0)
	o.flag("q", r.Flags&report.Congested != 0)
	o.flag("f", r.Flags&report.Tracked != 0)
	o.flag("i", r.Flags&report.Interim != 0)
	o.num("rsvd", uint64(r.Flags&15))
	if it.choice.ETrap {
		o.num("etrap_status", uint64(r.Flags>>2&3))
	}
	if r.RepType == report.INT || it.choice.Quirks.MainAlways && r.RepType.Defined() {
		o.num("rep_md_bits", uint64(r.MdBits|r.ClaimedMdBits))
		o.num("domain_specific_id", uint64(r.DomainID))
		o.num("ds_md_bits", uint64(r.DSMdBits))
		o.num("ds_md_status", uint64(r.DSMdStatus))
		o.baseline(r)
		o.derived(it)
		if r.DSMetadata != nil {
			o.hex("ds_metadata", r.DSMetadata)
		}
		var x report.Extension
		if r.Extension(&x) {
			o.extension(&x)
		} else if d := domains.Lookup(r.DomainID); d != nil && r.ClaimedMdBits == 0 && d.SourceOnly&r.DSMdBits == 0 {
			o.domain(d, r.DSMdBits, r.DSMetadata)
		}
	}
	o.inner(r)
}

// legacy writes a report of version 0.5 or 1.0.
func (o *object) legacy(it *item) {
	r := it.report
	if it.group.Version > 0 {
		o.num("length", uint64(r.Length))
	}
	o.num("n_proto", uint64(r.NProt))
	o.flag("d", r.Flags&report.Dropped != 0)
	o.flag("q", r.Flags&report.Congested != 0)
	o.flag("f", r.Flags&report.Tracked != 0)
	o.num("rsvd", uint64(r.Rsvd))
	o.baseline(r)
	o.derived(it)
	if r.DSMetadata != nil {
		o.hex("reserved", r.DSMetadata)
	}
	o.inner(r)
}

// derived writes what follows from the metadata by the emitter's profile.
func (o *object) derived(it *item) {
	r := it.report
	if name := it.choice.Reasons.Name(r.DropReason); r.Has(report.MdDrop) && name != "" {
		o.plain("drop_reason_name", name)
	}
	if r.Has(report.MdIngressTime|report.MdEgressTime) && !r.Has(report.MdHopLatency) {
		_, _, latency := it.choice.Times(it.group.Version, r.IngressTime, r.EgressTime)
		o.latency(latency)
	}
}

// latency writes the difference of two timestamps unless the later is the earlier.
func (o *object) latency(ns uint64) {
	if ns < 1<<63 {
		o.num("derived_hop_latency", ns)
	}
}

// domain writes the metadata of a configured domain, by bit.
func (o *object) domain(d *report.Domain, bits uint16, md []byte) {
	open := false
	for bit := range 16 {
		f := d.Field(bits, md, bit)
		if f == nil {
			continue
		}
		if !open {
			o.open("domain_specific", '{')
			open = true
		}
		o.hex("bit_"+strconv.Itoa(bit), f)
	}
	if open {
		o.close('}')
	}
}

func (o *object) baseline(r *report.Report) {
	put := func(b report.MdBits, key string, v uint64) {
		if r.Has(b) {
			o.num(key, v)
		}
	}
	put(report.MdBit0, "reserved_bit_0", uint64(r.Bit0))
	put(report.MdLevel1, "level_1_ingress_interface_id", uint64(r.Level1In))
	put(report.MdLevel1, "level_1_egress_interface_id", uint64(r.Level1Out))
	put(report.MdHopLatency, "hop_latency", uint64(r.HopLatency))
	put(report.MdQueue, "queue_id", uint64(r.QueueID))
	put(report.MdQueue, "queue_occupancy", uint64(r.QueueOccupancy))
	put(report.MdIngressTime, "ingress_timestamp", r.IngressTime)
	put(report.MdEgressTime, "egress_timestamp", r.EgressTime)
	put(report.MdLevel2, "level_2_ingress_interface_id", uint64(r.Level2In))
	put(report.MdLevel2, "level_2_egress_interface_id", uint64(r.Level2Out))
	put(report.MdTxUtilization, "egress_port_tx_utilization", uint64(r.TxUtilization))
	put(report.MdBuffer, "buffer_id", uint64(r.BufferID))
	put(report.MdBuffer, "buffer_occupancy", uint64(r.BufferOccupancy))
	if len(r.Reserved) > 0 {
		o.hex("reserved", r.Reserved)
	}
	put(report.MdDrop, "drop_queue_id", uint64(r.DropQueueID))
	put(report.MdDrop, "drop_reason", uint64(r.DropReason))
	put(report.MdDrop, "drop_padding", uint64(r.DropPadding))
}

func (o *object) extension(x *report.Extension) {
	put := func(b report.ExtBits, key string, v uint64) {
		if x.Bits&b != 0 {
			o.num(key, v)
		}
	}
	o.open("domain_specific", '{')
	put(report.ExtPacketID, "packet_id", uint64(x.PacketID))
	put(report.ExtPacketID, "epoch", uint64(x.Epoch))
	put(report.ExtPacketID, "colour", uint64(x.Colour))
	put(report.ExtPacketID, "stage", uint64(x.Stage))
	put(report.ExtFlowHash, "flow_hash", uint64(x.FlowHash))
	put(report.ExtVNI, "vni", uint64(x.VNI))
	put(report.ExtLength, "packet_length", uint64(x.Length))
	put(report.ExtEnqDepth, "enqueue_depth", uint64(x.EnqDepth))
	put(report.ExtRule, "rule_id", uint64(x.Rule))
	o.close('}')
}

func (o *object) inner(r *report.Report) {
	switch {
	case !r.RepType.Defined():
		o.hex("contents", r.Inner)
	case r.InType == report.InTLV:
		o.open("tlvs", '[')
		var t report.TLV
		for it := r.TLVs(); ; {
			if ok, err := it.Next(&t); !ok || err != nil {
				break
			}
			o.open("", '{')
			o.num("tlv_type", uint64(t.Type))
			o.num("rsvd", uint64(t.Rsvd))
			o.num("tlv_length", uint64(len(t.Data)/4))
			o.num("tlv_data_template", uint64(t.Template))
			o.hex("data", t.Data)
			o.close('}')
		}
		o.close(']')
	case r.InType == report.InDomainExtension:
		o.hex("ds_extension_data", r.Inner)
		if r.DomainID == report.TransparentSecurity.ID {
			o.transparentSecurityDrop(r.Inner)
		}
	case r.InType == report.InEthernet, r.InType == report.InIPv4, r.InType == report.InIPv6:
		o.hex("truncated_packet", r.Inner)
	case len(r.Inner) > 0:
		o.hex("contents", r.Inner)
	}
}

// transparentSecurityDrop writes the extension data of drop reports of domain 0x5453:
// timestamp 32, count 32, hash 128 of the dropped flow (at byte 16 where there is
// room for padding before it).
func (o *object) transparentSecurityDrop(b []byte) {
	key := 8
	if len(b) >= 32 {
		key = 16
	}
	if len(b) < key+16 {
		return
	}
	o.num("drop_timestamp", uint64(binary.BigEndian.Uint32(b)))
	o.num("drop_count", uint64(binary.BigEndian.Uint32(b[4:])))
	o.hex("drop_key", b[key:key+16])
}
