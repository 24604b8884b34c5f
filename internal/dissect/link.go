package dissect

// EtherTypes.
const (
	etherIPv4       = 0x0800
	etherVLAN       = 0x8100
	etherIPv6       = 0x86dd
	etherMPLS       = 0x8847
	etherMPLSMulti  = 0x8848
	etherQinQ       = 0x88a8
	etherQinQOld    = 0x9100
	etherTransBr    = 0x6558 // transparent Ethernet bridging, in GRE and Geneve
	ethernetHeader  = 14
	maxVLANRecorded = 2
)

func (w *walk) ethernet(at int, t Tunnel, id uint32, hasID bool) {
	if !w.need(at, ethernetHeader, LayerEthernet) {
		return
	}
	et := w.u16(at + 12)
	w.tagged(et, at+ethernetHeader, t, id, hasID)
}

// tagged reads the VLAN tags behind an EtherType and what comes behind them.
func (w *walk) tagged(et uint16, at int, t Tunnel, id uint32, hasID bool) {
	outermost := w.p.Depth == 0
	for et == etherVLAN || et == etherQinQ || et == etherQinQOld {
		if !w.need(at, 4, LayerVLAN) {
			return
		}
		if outermost {
			if w.p.VLANs < maxVLANRecorded {
				w.p.VLAN[w.p.VLANs] = w.u16(at) & 0xfff
			}
			if w.p.VLANs < 255 {
				w.p.VLANs++
			}
		}
		et = w.u16(at + 2)
		at += 4
	}
	if outermost {
		w.p.EtherType = et
	}
	w.etherType(et, at, t, id, hasID)
}

// etherType goes on with the protocol et and reports whether it knows it.
func (w *walk) etherType(et uint16, at int, t Tunnel, id uint32, hasID bool) bool {
	switch et {
	case etherIPv4:
		w.ipv4(at, t, id, hasID)
	case etherIPv6:
		w.ipv6(at, t, id, hasID)
	case etherMPLS, etherMPLSMulti:
		w.mpls(at, t, id, hasID)
	case etherTransBr:
		w.ethernet(at, t, id, hasID)
	default:
		return false
	}
	return true
}

// mpls reads the label stack (RFC 3032). What is below it says only its first
// nibble: 4 and 6 are IP, 0 the control word of an Ethernet pseudo-wire (RFC 4448).
func (w *walk) mpls(at int, t Tunnel, id uint32, hasID bool) {
	for w.need(at, 4, LayerMPLS) {
		entry := w.u32(at)
		at += 4
		if w.p.Depth == 0 {
			if w.p.MPLS == 0 {
				w.p.Label = entry >> 12
			}
			if w.p.MPLS < 255 {
				w.p.MPLS++
			}
		}
		if entry&0x100 == 0 {
			continue
		}
		if !w.has(at, 1) {
			w.cut(LayerMPLS)
			return
		}
		switch w.b[at] >> 4 {
		case 4:
			w.ipv4(at, t, id, hasID)
		case 6:
			w.ipv6(at, t, id, hasID)
		case 0:
			w.ethernet(at+4, t, id, hasID)
		}
		return
	}
}
