package dissect

const (
	ipv4Header    = 20
	ipv6Header    = 40
	protoHopByHop = 0
	protoIPIP     = 4
	protoDCCP     = 33
	protoIPv6     = 41
	protoRouting  = 43
	protoFrag     = 44
	protoGRE      = 47
	protoAH       = 51
	protoNone     = 59
	protoDstOpts  = 60
	protoMobile   = 135
	protoUDPLite  = 136
	protoHIP      = 139
	protoShim6    = 140
)

// open starts the next header in p, or returns nil when there are enough of them.
func (w *walk) open(version uint8, at int, t Tunnel, id uint32, hasID bool) *Header {
	if w.p.Depth == MaxDepth {
		return nil
	}
	h := &w.p.Head[w.p.Depth]
	w.p.Depth++
	*h = Header{}
	h.Version, h.At, h.Tunnel, h.TunnelID, h.HasID = version, at, t, id, hasID
	return h
}

// ipv4 reads an IPv4 header (RFC 791) whose addresses are all there.
func (w *walk) ipv4(at int, t Tunnel, id uint32, hasID bool) {
	if !w.need(at, ipv4Header, LayerIPv4) || w.b[at]>>4 != 4 || w.b[at]&15 < 5 {
		return
	}
	h := w.open(4, at, t, id, hasID)
	if h == nil {
		return
	}
	b := w.b[at:]
	h.TOS, h.TTL, h.Proto = b[1], b[8], b[9]
	h.Length = uint32(w.u16(at + 2))
	h.ID = w.u16(at + 4)
	frag := w.u16(at + 6)
	h.DF = frag&0x4000 != 0
	h.Fragment = frag&0x3fff != 0
	h.Src[10], h.Src[11], h.Dst[10], h.Dst[11] = 0xff, 0xff, 0xff, 0xff
	copy(h.Src[12:], b[12:16])
	copy(h.Dst[12:], b[16:20])
	size := int(b[0]&15) * 4
	h.Payload = min(at+size, len(w.b))
	if !w.need(at, size, LayerIPv4Options) {
		return
	}
	at += size
	if frag&0x1fff != 0 {
		return
	}
	for h.Proto == protoAH {
		if !w.need(at, 2, LayerAuthentication) {
			return
		}
		h.Proto, at = w.b[at], at+(int(w.b[at+1])+2)*4
		h.Payload = min(at, len(w.b))
	}
	w.transport(h, at)
}

// ipv6 reads an IPv6 header (RFC 8200) and walks its extension headers.
func (w *walk) ipv6(at int, t Tunnel, id uint32, hasID bool) {
	if !w.need(at, ipv6Header, LayerIPv6) || w.b[at]>>4 != 6 {
		return
	}
	h := w.open(6, at, t, id, hasID)
	if h == nil {
		return
	}
	b := w.b[at:]
	h.TOS = uint8(w.u16(at) >> 4)
	h.TTL, h.Proto = b[7], b[6]
	h.Length = uint32(w.u16(at+4)) + ipv6Header
	copy(h.Src[:], b[8:24])
	copy(h.Dst[:], b[24:40])
	at += ipv6Header
	for {
		h.Payload = min(at, len(w.b))
		switch h.Proto {
		case protoHopByHop, protoRouting, protoDstOpts, protoMobile, protoHIP, protoShim6:
			if !w.need(at, 2, LayerIPv6Extension) {
				return
			}
			h.Proto, at = w.b[at], at+(int(w.b[at+1])+1)*8
		case protoAH:
			if !w.need(at, 2, LayerAuthentication) {
				return
			}
			h.Proto, at = w.b[at], at+(int(w.b[at+1])+2)*4
		case protoFrag:
			if !w.need(at, 4, LayerIPv6Extension) {
				return
			}
			offset := w.u16(at + 2)
			h.Proto, at = w.b[at], at+8
			h.Fragment = h.Fragment || offset&0xfff9 != 0
			if offset&0xfff8 != 0 {
				h.Payload = min(at, len(w.b))
				return
			}
		case protoNone:
			return
		default:
			w.transport(h, at)
			return
		}
	}
}
