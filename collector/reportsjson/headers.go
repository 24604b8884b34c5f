package reportsjson

import (
	"net/netip"

	"github.com/telltale-net/telltale/internal/dissect"
)

// flows writes the headers of a packet.
func (o *object) flows(p *dissect.Packet) {
	if p.VLANs > 0 {
		o.open("vlans", '[')
		for _, id := range p.VLAN[:min(int(p.VLANs), len(p.VLAN))] {
			o.num("", uint64(id))
		}
		o.close(']')
	}
	if p.MPLS > 0 {
		o.num("mpls_label", uint64(p.Label))
	}
	switch p.Depth {
	case 0:
	case 1:
		o.header("inner", p, 0)
	default:
		o.header("outer", p, 0)
		o.header("inner", p, 1)
	}
	if p.Depth > 2 {
		o.open("nested", '[')
		for i := 2; i < p.Depth; i++ {
			o.header("", p, i)
		}
		o.close(']')
	}
	if p.Cut != dissect.Whole {
		o.plain("cut_in", p.Cut.String())
		o.num("headers_read", uint64(p.Read))
	}
}

func (o *object) header(key string, p *dissect.Packet, i int) {
	h := &p.Head[i]
	o.open(key, '{')
	if h.Tunnel != dissect.None {
		o.plain("tunnel", h.Tunnel.String())
		if h.HasID {
			o.num(idName(h.Tunnel), uint64(h.TunnelID))
		}
	}
	o.plain("src", netip.AddrFrom16(h.Src).Unmap().String())
	o.plain("dst", netip.AddrFrom16(h.Dst).Unmap().String())
	o.num("protocol", uint64(h.Proto))
	if h.HasPorts {
		o.num("src_port", uint64(h.SrcPort))
		o.num("dst_port", uint64(h.DstPort))
	}
	for j := range p.INTs {
		if x := &p.INT[j]; x.Head == i && x.L4 > 0 {
			if x.WireProto != h.Proto || x.WireSrcPort != h.SrcPort || x.WireDstPort != h.DstPort {
				o.num("wire_protocol", uint64(x.WireProto))
				o.num("wire_src_port", uint64(x.WireSrcPort))
				o.num("wire_dst_port", uint64(x.WireDstPort))
			}
			break
		}
	}
	if h.HasSPI {
		o.num("spi", uint64(h.SPI))
	}
	if h.HasICMP {
		o.num("icmp_type", uint64(h.ICMPType))
		o.num("icmp_code", uint64(h.ICMPCode))
	}
	if h.HasTCPFlags {
		o.num("tcp_flags", uint64(h.TCPFlags))
	}
	o.num("dscp", uint64(h.TOS>>2))
	o.num("ttl", uint64(h.TTL))
	o.num("length", uint64(h.Length))
	if h.Version == 4 {
		o.num("identification", uint64(h.ID))
	}
	if h.Fragment {
		o.flag("fragment", true)
	}
	o.close('}')
}

// idName returns what the id of a tunnel is called.
func idName(t dissect.Tunnel) string {
	switch t {
	case dissect.GRE:
		return "key"
	case dissect.GTPU:
		return "teid"
	}
	return "vni"
}
