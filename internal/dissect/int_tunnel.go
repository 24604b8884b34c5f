package dissect

// greINT looks for INT behind a GRE header whose protocol type is protocol, and
// returns the protocol and the offset of what follows.
func (w *walk) greINT(protocol uint16, at int) (uint16, int) {
	for {
		marked := w.m.GREProtocol != 0 && protocol == w.m.GREProtocol
		if !marked && (!w.m.Sniff || knownEther(protocol)) || !w.has(at, 4) {
			return protocol, at
		}
		x := INT{Carrier: CarrierGRE, Type: w.b[at] >> 4, Shim: at, At: at + 4, Sniffed: !marked}
		x.End = x.At + int(w.b[at+1])*4
		if x.Type < INTMD || x.Type > INTMX || x.Sniffed && (w.b[at]&7 != 0 || x.Type == INTDestination) || !w.header(&x, false) || !w.add(&x) {
			w.p.BadINT = w.p.BadINT || marked
			return protocol, at
		}
		same := protocol
		protocol, at = w.u16(at+2), x.End
		if protocol == same && !marked { // another of a kind that has been found out
			if !w.has(at, 4) || w.b[at]>>4 != INTDestination {
				return protocol, at
			}
			d := INT{Carrier: CarrierGRE, Type: INTDestination, Version: 2, Shim: at, At: at + 4, Sniffed: true, End: at + 4 + int(w.b[at+1])*4}
			if !w.add(&d) {
				return protocol, at
			}
			protocol, at = w.u16(at+2), d.End
		}
	}
}

func knownEther(protocol uint16) bool {
	switch protocol {
	case etherIPv4, etherIPv6, etherMPLS, etherMPLSMulti, etherTransBr, etherVLAN, etherQinQ:
		return true
	}
	return false
}

// gpeINT looks for INT behind a VXLAN-GPE header whose next protocol is next, and
// returns the next protocol and the offset of what follows.
func (w *walk) gpeINT(next uint8, at int) (uint8, int) {
	for found := false; ; found = true {
		marked := w.m.GPENext != 0 && next == w.m.GPENext
		sniff := w.m.Sniff && (next == gpeINT2 || next == gpeINT10 || next == gpeINT05)
		if !marked && !sniff || !w.has(at, 4) {
			return next, at
		}
		x := INT{Carrier: CarrierVXLANGPE, Shim: at, At: at + 4, Sniffed: !marked}
		old := w.b[at] == INTMD || w.b[at] == INTDestination
		if old {
			x.Type, x.End = w.b[at], at+int(w.b[at+2])*4
		} else {
			x.Type, x.End = w.b[at]>>4, x.At+int(w.b[at+1])*4
		}
		if x.Type < INTMD || x.Type > INTMX || x.Type == INTMX && old || x.Sniffed && x.Type == INTDestination && !found || !w.header(&x, old) || !w.add(&x) {
			w.p.BadINT = w.p.BadINT || marked
			return next, at
		}
		next, at = w.b[at+3], x.End
	}
}

// geneveINT looks for INT among the Geneve options from offset at to end.
func (w *walk) geneveINT(at, end int) {
	if w.m.GeneveClass == 0 {
		return
	}
	for at+4 <= end && w.has(at, 4) {
		size := int(w.b[at+3]&0x1f) * 4
		if w.u16(at) == w.m.GeneveClass {
			x := INT{Carrier: CarrierGeneve, Type: w.b[at+2] & 0x7f, Shim: at, At: at + 4, End: at + 4 + size}
			old := w.has(x.At, 1) && w.b[x.At]>>4 < 2
			if x.Type < INTMD || x.Type > INTMX || x.End > end || !w.header(&x, old) || !w.add(&x) {
				w.p.BadINT = true
			}
		}
		at += 4 + size
	}
}
