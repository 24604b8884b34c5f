package dissect

// vxlan reads RFC 7348: flags 8 (I = 0x08), reserved 24, VNI 24, reserved 8.
func (w *walk) vxlan(at int) {
	if w.need(at, 8, LayerVXLAN) {
		w.ethernet(at+8, VXLAN, w.u32(at+4)>>8, w.b[at]&0x08 != 0)
	}
}

// vxlanGPE reads draft-ietf-nvo3-vxlan-gpe: flags 8 (I 0x08, P 0x04), reserved 16,
// next protocol 8, VNI 24, reserved 8. Without P it is VXLAN.
func (w *walk) vxlanGPE(at int) {
	if !w.need(at, 8, LayerVXLAN) {
		return
	}
	next, id, hasID := w.b[at+3], w.u32(at+4)>>8, w.b[at]&0x08 != 0
	if w.b[at]&0x04 == 0 {
		next = 3
	}
	at += 8
	if w.m != nil {
		next, at = w.gpeINT(next, at)
	}
	switch next {
	case 1:
		w.ipv4(at, VXLANGPE, id, hasID)
	case 2:
		w.ipv6(at, VXLANGPE, id, hasID)
	case 3:
		w.ethernet(at, VXLANGPE, id, hasID)
	case 5:
		w.mpls(at, VXLANGPE, id, hasID)
	}
}

// geneve reads RFC 8926: version 2, option length 6 (words), flags 8, protocol 16,
// VNI 24, reserved 8, options.
func (w *walk) geneve(at int) {
	if !w.need(at, 8, LayerGeneve) || w.b[at]>>6 != 0 {
		return
	}
	options := int(w.b[at]&0x3f) * 4
	protocol, id := w.u16(at+2), w.u32(at+4)>>8
	at += 8
	if w.m != nil {
		w.geneveINT(at, at+options)
	}
	if options > 0 && !w.need(at, options, LayerGeneve) {
		return
	}
	w.tagged(protocol, at+options, Geneve, id, true)
}

// gtpu reads 3GPP TS 29.281: version 3 (1), PT, E, S, PN flags, message type 8 (255
// = G-PDU), length 16, TEID 32; with any of E, S, PN four bytes more, the last of
// which starts the chain of extension headers (length in words, next type last).
func (w *walk) gtpu(at int) {
	const gpdu = 255
	if !w.need(at, 8, LayerGTPU) || w.b[at]>>5 != 1 || w.b[at]&0x10 == 0 || w.b[at+1] != gpdu {
		return
	}
	flags, teid := w.b[at], w.u32(at+4)
	at += 8
	if flags&7 != 0 {
		if !w.need(at, 4, LayerGTPU) {
			return
		}
		next := w.b[at+3]
		at += 4
		for flags&4 != 0 && next != 0 {
			if !w.need(at, 1, LayerGTPU) || w.b[at] == 0 || !w.need(at, int(w.b[at])*4, LayerGTPU) {
				return
			}
			at += int(w.b[at]) * 4
			next = w.b[at-1]
		}
	}
	if !w.has(at, 1) {
		w.cut(LayerGTPU)
		return
	}
	switch w.b[at] >> 4 {
	case 4:
		w.ipv4(at, GTPU, teid, true)
	case 6:
		w.ipv6(at, GTPU, teid, true)
	}
}

// gre reads RFC 2784 and 2890: C, K, S flags, version 0, protocol 16, then checksum
// and reserved, key, sequence, each four bytes where flagged. NVGRE (RFC 7637) puts
// its VSID into the upper 24 bits of the key; the key is given as it stands.
func (w *walk) gre(at int) {
	if !w.need(at, 4, LayerGRE) {
		return
	}
	flags, protocol := w.u16(at), w.u16(at+2)
	if flags&7 != 0 || flags&0x4000 != 0 { // version, or source routing of RFC 1701
		return
	}
	at += 4
	if flags&0x8000 != 0 {
		at += 4
	}
	var key uint32
	hasKey := flags&0x2000 != 0
	if hasKey {
		if !w.need(at, 4, LayerGRE) {
			return
		}
		key = w.u32(at)
		at += 4
	}
	if flags&0x1000 != 0 {
		at += 4
	}
	if at > len(w.b) {
		w.cut(LayerGRE)
		return
	}
	if w.m != nil {
		protocol, at = w.greINT(protocol, at)
	}
	w.etherType(protocol, at, GRE, key, hasKey)
}
