package dissect

// UDP destination ports of tunnels (IANA).
const (
	portGTPU     = 2152
	portVXLAN    = 4789
	portVXLANGPE = 4790
	portGeneve   = 6081

	udpHeader = 8
	tcpHeader = 20
)

// transport reads what stands behind the IP header h, at offset at.
func (w *walk) transport(h *Header, at int) {
	switch h.Proto {
	case TCP:
		w.tcp(h, at)
	case UDP:
		w.udp(h, at)
	case SCTP, protoDCCP, protoUDPLite:
		w.ports(h, at, LayerPorts)
	case ICMP, ICMPv6:
		if w.need(at, 2, LayerICMP) {
			h.ICMPType, h.ICMPCode, h.HasICMP = w.b[at], w.b[at+1], true
		}
	case ESP: // RFC 4303: SPI 32, sequence number 32, the rest is encrypted
		if w.need(at, 4, LayerESP) {
			h.SPI, h.HasSPI = w.u32(at), true
		}
	case protoIPIP:
		w.ipv4(at, IPinIP, 0, false)
	case protoIPv6:
		w.ipv6(at, IPinIP, 0, false)
	case protoGRE:
		w.gre(at)
	}
}

func (w *walk) ports(h *Header, at int, layer Layer) bool {
	if !w.need(at, 4, layer) {
		return false
	}
	h.SrcPort, h.DstPort, h.HasPorts = w.u16(at), w.u16(at+2), true
	return true
}

// tcp reads as much of a TCP header (RFC 9293) as there is.
func (w *walk) tcp(h *Header, at int) {
	if !w.ports(h, at, LayerTCP) || !w.need(at, 14, LayerTCP) {
		return
	}
	h.TCPFlags, h.HasTCPFlags = w.b[at+13], true
	if !w.need(at, tcpHeader, LayerTCP) {
		return
	}
	size := int(w.b[at+12]>>4) * 4
	if size < tcpHeader {
		return
	}
	if w.m != nil && w.m.BeforeTCPOptions {
		if behind, _, ok := w.behindPorts(h, CarrierTCP, at, at+tcpHeader); ok {
			h.Payload = min(behind+size-tcpHeader, len(w.b))
			return
		}
	}
	if !w.need(at, size, LayerTCPOptions) {
		return
	}
	h.Payload = at + size
	if w.m != nil {
		if behind, _, ok := w.behindPorts(h, CarrierTCP, at, at+size); ok {
			h.Payload = min(behind, len(w.b))
		}
	}
}

// udp reads a UDP header (RFC 768) and the tunnel or the INT headers behind it.
func (w *walk) udp(h *Header, at int) {
	if !w.ports(h, at, LayerUDP) || !w.need(at, udpHeader, LayerUDP) {
		return
	}
	h.Payload, h.HasUDP = at+udpHeader, true
	behind := at + udpHeader
	if w.m != nil {
		if b, inserted, ok := w.behindPorts(h, CarrierUDP, at, behind); ok {
			h.Payload, behind = min(b, len(w.b)), b
			if inserted { // the UDP header was INT's own
				h.SrcPort, h.DstPort, h.HasPorts, h.HasUDP = 0, 0, false, false
				w.transport(h, behind)
				return
			}
		}
	}
	w.udpTunnel(h.DstPort, behind)
}

func (w *walk) udpTunnel(port uint16, at int) {
	switch port {
	case portVXLAN:
		w.vxlan(at)
	case portVXLANGPE:
		w.vxlanGPE(at)
	case portGeneve:
		w.geneve(at)
	case portGTPU:
		w.gtpu(at)
	}
}
