package dissect

import (
	"encoding/binary"
	"math/bits"
)

// Next protocols of VXLAN-GPE that say INT.
const (
	gpeINT2  = 0x82
	gpeINT10 = 0x08
	gpeINT05 = 0x05 // taken by MPLS since
)

// Bits of the instruction bitmap that stand for two words.
const (
	twoWords2  = 0x0e00 // 2.x: both timestamps and level 2 interfaces
	twoWords10 = 0x0200 // 1.0: level 2 ports
	timeBits   = 0x0c00
)

// add puts x among the packet's INT headers, or reports that there are enough.
func (w *walk) add(x *INT) bool {
	if w.p.INTs == MaxINT {
		return false
	}
	w.p.INT[w.p.INTs] = *x
	w.keep()
	return true
}

// keep makes the next of the packet's INT headers, which has been set, one of them.
func (w *walk) keep() {
	x := &w.p.INT[w.p.INTs]
	x.Head = w.p.Depth - 1
	w.p.INTs++
	w.p.Read = max(w.p.Read, min(x.End, len(w.b)))
	if x.End > len(w.b) {
		w.cut(LayerINT)
	}
}

// behindPorts looks for INT at offset at, behind the TCP or UDP header at l4 of h.
// It returns the offset behind INT and whether another transport header, of h.Proto,
// stands there, and restores the ports and the protocol of h that INT replaced.
func (w *walk) behindPorts(h *Header, c Carrier, l4, at int) (behind int, inserted, ok bool) {
	m := w.m
	marked := m.DSCPMask != 0 && h.TOS>>2&m.DSCPMask == m.DSCP || m.Port != 0 && h.DstPort == m.Port
	if m.Probe != 0 && w.has(at, 8) && binary.BigEndian.Uint64(w.b[at:]) == m.Probe {
		marked, at = true, at+8
	}
	if !marked && !m.Sniff || !w.has(at, 4) {
		if marked {
			w.cut(LayerINT)
		}
		return 0, false, false
	}
	if first := w.b[at]; !marked && first != INTMD && first>>4 != INTMD && first>>4 != INTMX {
		return 0, false, false
	}
	if w.p.INTs == MaxINT {
		return 0, false, false
	}
	x := &w.p.INT[w.p.INTs] // in its place: it is some ten words
	*x = INT{}
	x.Carrier, x.Shim, x.At, x.L4, x.Sniffed = c, at, at+4, l4, !marked
	x.WireProto, x.WireSrcPort, x.WireDstPort = h.Proto, h.SrcPort, h.DstPort
	if !w.shimL4(h, x) {
		w.p.BadINT = w.p.BadINT || marked
		return 0, false, false
	}
	w.keep()
	behind = x.End
	tag := w.u16(at + 2)
	npt := w.b[at] >> 2 & 3
	switch {
	case x.Version < 2:
		if x.HasTail && w.has(x.End-4, 4) {
			h.Proto, h.DstPort = w.b[x.End-4], w.u16(x.End-3)
		}
		return behind, false, true
	case npt == 1:
		h.DstPort = tag
	case npt == 2:
		h.Proto = uint8(tag)
		if x.Flipped {
			h.Proto = uint8(tag >> 8)
		}
	}
	// A destination header may follow; only the tag it repeats tells it from payload.
	if npt != 0 && w.has(behind, 4) && w.b[behind] == w.b[at]&0x0f|INTDestination<<4 && w.u16(behind+2) == tag {
		d := INT{Carrier: c, Type: INTDestination, Version: 2, Shim: behind, At: behind + 4, L4: l4, Sniffed: x.Sniffed,
			WireProto: x.WireProto, WireSrcPort: x.WireSrcPort, WireDstPort: x.WireDstPort}
		d.End = d.At + int(w.b[behind+1])*4
		if w.add(&d) {
			behind = d.End
		}
	}
	return behind, npt == 2, true
}

// shimL4 reads the shim behind TCP or UDP and reports whether it and the INT header
// behind it can be what x says.
func (w *walk) shimL4(h *Header, x *INT) bool {
	b := w.b[x.Shim:]
	words := int(b[2])
	if b[0] == 0 || b[0] > 2 { // 2.x; before, Type was all of the byte
		words = int(b[1])
		x.Type = b[0] >> 4
		npt, tag := b[0]>>2&3, w.u16(x.Shim+2)
		if x.Type < INTMD || x.Type > INTMX || npt == 3 || x.Sniffed && (b[0]&3 != 0 || x.Type == INTDestination) {
			return false
		}
		if w.m.ShimCounted {
			words--
		}
		if npt == 2 {
			// The protocol in the byte that the specification reserves, and none in its own.
			x.Flipped = w.m.ProtoFirst || tag&0xff == 0 && tag != 0
			if x.Carrier != CarrierUDP || x.Sniffed && tag > 0xff && !x.Flipped {
				return false
			}
		}
		x.End = x.At + words*4
	} else {
		x.Type = b[0]
		if b[1] != 0 || x.Sniffed && x.Type != INTMD {
			return false
		}
		x.End = x.Shim + words*4
	}
	if x.Sniffed && h.Length != 0 && x.End > h.At+int(h.Length) {
		return false
	}
	old := b[0] <= 2
	if old && w.has(x.At, 1) && w.b[x.At]>>4 == 0 {
		x.HasTail = true
		if x.Sniffed && w.has(x.End-4, 1) && w.b[x.End-4] != h.Proto {
			return false
		}
	}
	return w.header(x, old)
}

// header reports whether the INT header at x.At, which ends at x.End, is one. Of a
// marked packet only what is needed to read it must be right; by looks alone all
// that the specification ties together must agree. old says that the shim is one
// of before 2.0.
func (w *walk) header(x *INT, old bool) bool {
	size := x.End - x.At
	if x.HasTail {
		size -= 4
	}
	if x.Type == INTDestination {
		x.Version = 2
		if old {
			x.Version = 1
		}
		return size >= 0
	}
	if !w.has(x.At, 1) {
		x.Version = 2
		if old {
			x.Version = 1
		}
		return !x.Sniffed && size >= 8
	}
	x.Version = w.b[x.At] >> 4
	need := 12
	if old {
		need = 8
	}
	if size < need || x.Version > 2 || old != (x.Version < 2) {
		return false
	}
	if !x.Sniffed {
		return true
	}
	if !w.has(x.At, need) {
		return false
	}
	head, bitmap, domain := w.u32(x.At), w.u16(x.At+4), w.u16(x.At+6)
	stack, hop := size/4-need/4, int(head>>8&0x1f)
	n := bits.OnesCount16(bitmap)
	switch {
	case x.Version == 2 && x.Type == INTMX:
		return head&0x07ffffff == 0 && (bitmap != 0 || domain != 0) && (domain != 0 || stack == 0)
	case x.Version == 2:
		words := n + bits.OnesCount16(bitmap&twoWords2)
		if head&0x01ffe000 != 0 || hop == 0 || hop < words {
			return false
		}
		return domain != 0 || hop == words && stack%hop == 0
	case x.Version == 1:
		wide, l2 := bits.OnesCount16(bitmap&timeBits), bits.OnesCount16(bitmap&twoWords10)
		if head&0x007fe000 != 0 || domain != 0 || hop == 0 || stack%hop != 0 {
			return false
		}
		return hop == n || hop == n+l2 || hop == n+wide || hop == n+wide+l2
	default:
		ins, most, total := int(head>>16&0x1f), int(head>>8&0xff), int(head&0xff)
		return head&0x00e00000 == 0 && domain == 0 && ins > 0 && ins == n && total <= most && stack == ins*total
	}
}
