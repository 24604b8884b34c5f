package reportsjson

import (
	"strconv"

	"github.com/telltale-net/telltale/collector/report/inband"
	"github.com/telltale-net/telltale/internal/dissect"
)

// inband writes the INT headers of a packet.
func (d *decoder) inband(it *item) {
	p, o := it.packet, &d.obj
	if p.INTs == 0 {
		if p.BadINT {
			d.sum.BadINT++
			o.text("int_error", "the packet is marked for INT and holds no INT header that can be read")
		}
		return
	}
	o.open("int", '[')
	for i := range p.INTs {
		x, h := &p.INT[i], &d.head
		d.sum.INT++
		o.open("", '{')
		o.plain("carrier", x.Carrier.String())
		o.flag("sniffed", x.Sniffed)
		if err := h.Read(it.data, x, d.dec.Domains); err != nil {
			d.sum.BadINT++
			o.text("error", err.Error())
			o.close('}')
			continue
		}
		if it.choice.OwnBehindMX {
			h.ReadBehind(it.data)
		}
		o.shim(h)
		o.fixed(h)
		if h.Hops() > 0 || h.Type == dissect.INTMD {
			o.open("hops", '[')
			for j := range h.Hops() {
				h.Hop(j, &d.hop)
				o.hop(h, &d.hop, it)
			}
			o.close(']')
		}
		switch {
		case h.Type == dissect.INTMX && len(h.Source) > 0:
			o.hex("source_inserted_metadata", h.Source)
		case h.Type == dissect.INTDestination:
			o.hex("destination_metadata", h.Source)
		}
		if h.Missing > 0 {
			o.num("missing_bytes", uint64(h.Missing))
		}
		if c := p.Checksum(it.data, x); c != dissect.Unchecked {
			o.plain("l4_checksum", c.String())
		}
		o.close('}')
	}
	o.close(']')
}

// typeName names the type and version of an INT header.
func typeName(h *inband.Header) string {
	version := "0.5"
	switch h.Version {
	case 1:
		version = "1.0"
	case 2:
		version = "2.x"
	}
	switch h.Type {
	case dissect.INTMD:
		return "MD " + version
	case dissect.INTMX:
		return "MX " + version
	}
	return "destination " + version
}

func (o *object) shim(h *inband.Header) {
	s := &h.Shim
	o.num("type", uint64(s.Type))
	o.plain("type_name", typeName(h))
	o.num("length", uint64(s.Length))
	switch h.Where.Carrier {
	case dissect.CarrierGeneve:
		o.num("option_class", uint64(s.OptionClass))
	case dissect.CarrierGRE:
		o.flag("g", s.G)
		o.num("next_protocol", uint64(s.NextProtocol))
	case dissect.CarrierVXLANGPE:
		if h.Version == 2 {
			o.flag("g", s.G)
		}
		o.num("next_protocol", uint64(s.NextProtocol))
	default:
		if h.Version == 2 {
			o.num("npt", uint64(s.NPT))
		}
		switch {
		case s.NoTail:
		case h.Where.HasTail:
			o.num("ip_proto", uint64(s.Proto))
			o.num("udp_port", uint64(s.Port))
			o.num("dscp", uint64(s.DSCP))
		case s.NPT == 1:
			o.num("udp_port", uint64(s.Port))
		case s.NPT == 2:
			o.num("ip_proto", uint64(s.Proto))
			if h.Where.Flipped {
				o.flag("npt_flipped", true)
			}
		default:
			o.num("dscp", uint64(s.DSCP))
		}
	}
}

func (o *object) fixed(h *inband.Header) {
	if h.Type == dissect.INTDestination {
		return
	}
	flag := func(name string, f inband.Flags) { o.flag(name, h.Flags&f != 0) }
	o.num("ver", uint64(h.Version))
	if h.Version == 2 {
		flag("d", inband.Discard)
	} else {
		o.num("rep", uint64(h.Rep))
		flag("c", inband.Copy)
	}
	if h.Type == dissect.INTMD {
		flag("e", inband.HopsExceeded)
		if h.Version > 0 {
			flag("m", inband.MTUExceeded)
		}
	}
	o.num("reserved", uint64(h.Rsvd))
	switch {
	case h.Version == 0:
		o.num("instruction_count", uint64(h.HopML))
		o.num("max_hop_count", uint64(h.MaxHops))
		o.num("total_hop_count", uint64(h.TotalHops))
	case h.Type == dissect.INTMD:
		o.num("hop_ml", uint64(h.HopML))
		o.num("remaining_hop_count", uint64(h.Remaining))
	}
	o.num("instruction_bitmap", uint64(h.Bitmap))
	if h.Version == 2 {
		o.num("domain_specific_id", uint64(h.DomainID))
		o.num("ds_instruction", uint64(h.DSInstruction))
		o.num("ds_flags", uint64(h.DSFlags))
	} else {
		o.num("reserved_2", uint64(h.Rsvd2))
	}
}

// hopFields are the fields of a hop by the bit of the bitmap that asks for them.
var hopFields = [...]struct {
	bit  inband.Bits
	name string
	get  func(*inband.Hop) uint64
}{
	{inband.NodeID, "node_id", func(h *inband.Hop) uint64 { return uint64(h.NodeID) }},
	{inband.Level1, "level_1_ingress_interface_id", func(h *inband.Hop) uint64 { return uint64(h.Level1In) }},
	{inband.Level1, "level_1_egress_interface_id", func(h *inband.Hop) uint64 { return uint64(h.Level1Out) }},
	{inband.HopLatency, "hop_latency", func(h *inband.Hop) uint64 { return uint64(h.HopLatency) }},
	{inband.Queue, "queue_id", func(h *inband.Hop) uint64 { return uint64(h.QueueID) }},
	{inband.Queue, "queue_occupancy", func(h *inband.Hop) uint64 { return uint64(h.QueueOccupancy) }},
	{inband.IngressTime, "ingress_timestamp", func(h *inband.Hop) uint64 { return h.IngressTime }},
	{inband.EgressTime, "egress_timestamp", func(h *inband.Hop) uint64 { return h.EgressTime }},
	{inband.Level2, "level_2_ingress_interface_id", func(h *inband.Hop) uint64 { return uint64(h.Level2In) }},
	{inband.Level2, "level_2_egress_interface_id", func(h *inband.Hop) uint64 { return uint64(h.Level2Out) }},
	{inband.TxUtilization, "egress_port_tx_utilization", func(h *inband.Hop) uint64 { return uint64(h.TxUtilization) }},
	{inband.Buffer, "buffer_id", func(h *inband.Hop) uint64 { return uint64(h.BufferID) }},
	{inband.Buffer, "buffer_occupancy", func(h *inband.Hop) uint64 { return uint64(h.BufferOccupancy) }},
	{inband.Complement, "checksum_complement", func(h *inband.Hop) uint64 { return uint64(h.Complement) }},
}

// name05 are the fields of bit 6 in version 0.5.
var name05 = [...]string{"congestion_queue_id", "queue_congestion_status"}

func (o *object) hop(h *inband.Header, hop *inband.Hop, it *item) {
	o.open("", '{')
	second := 0
	each := func(bits inband.Bits, f func(name string, v uint64)) {
		second = 0
		for i := range hopFields {
			field := &hopFields[i]
			name, v := field.name, field.get(hop)
			if h.Version == 0 && field.bit == inband.Congestion {
				name, v = name05[second], uint64(hop.CongestionQueue)
				if second++; second == 2 {
					v = uint64(hop.Congestion)
				}
			}
			if bits&field.bit != 0 {
				f(name, v)
			}
		}
	}
	each(hop.Has, o.num)
	if hop.Has&(inband.IngressTime|inband.EgressTime) == inband.IngressTime|inband.EgressTime && hop.Has&inband.HopLatency == 0 {
		wire := uint8(64)
		if h.Version < 2 && !h.Wide {
			wire = 32
		}
		_, _, latency := it.choice.HopTimes(wire, hop.IngressTime, hop.EgressTime)
		o.latency(latency)
	}
	if hop.Invalid != 0 {
		o.open("invalid", '[')
		each(hop.Invalid, func(name string, _ uint64) {
			o.key("")
			o.b = strconv.AppendQuote(o.b, name)
		})
		o.close(']')
	}
	if len(hop.Reserved) > 0 {
		o.hex("reserved", hop.Reserved)
	}
	if len(hop.DSMetadata) > 0 {
		o.hex("ds_metadata", hop.DSMetadata)
	}
	if len(hop.SourceOnly) > 0 {
		o.hex("source_only_metadata", hop.SourceOnly)
	}
	o.close('}')
}
