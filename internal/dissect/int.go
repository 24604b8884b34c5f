package dissect

import (
	"encoding/binary"
	"math/bits"
)

// Marks say how the packets of an INT domain are known to carry INT and how its
// sources lay it out: "any of the above options may be used in an INT domain" (INT
// Dataplane Specification 2.1, "INT over TCP/UDP"). The zero Marks know none.
type Marks struct {
	// Sniff also takes for INT what no mark announces and can hardly be anything
	// else: a shim and an INT header whose reserved bits are clear and whose lengths,
	// bitmap and hop metadata agree with each other and with the packet.
	Sniff bool

	DSCP, DSCPMask uint8  // IPv4 DSCP or IPv6 traffic class >> 2, where DSCPMask is not 0
	Port           uint16 // destination port of UDP (or TCP), where not 0
	Probe          uint64 // 64 bits behind the ports, before the shim, where not 0

	GREProtocol uint16 // protocol type of GRE, where not 0
	GPENext     uint8  // next protocol of VXLAN-GPE, where not 0; 0x82 in 2.x, 0x08 in 1.0
	GeneveClass uint16 // option class of Geneve, where not 0; 0x0103 in 2.x

	BeforeTCPOptions bool // the shim stands between TCP's first 20 bytes and its options
	ShimCounted      bool // Length of a 2.x shim counts the shim, as it did before 2.0
	ProtoFirst       bool // shim with NPT = 2: the protocol is the first of the two bytes
}

// DefaultMarks find INT wherever the specification fixes a mark, and by its looks
// elsewhere.
var DefaultMarks = Marks{Sniff: true, GPENext: gpeINT2, GeneveClass: 0x0103}

// Carrier is what an INT header stands behind.
type Carrier uint8

// The carriers.
const (
	CarrierTCP Carrier = iota
	CarrierUDP
	CarrierGRE
	CarrierVXLANGPE
	CarrierGeneve
)

var carrierNames = [...]string{"tcp", "udp", "gre", "vxlan_gpe", "geneve"}

func (c Carrier) String() string {
	if int(c) < len(carrierNames) {
		return carrierNames[c]
	}
	return "unknown"
}

// The types of INT header. In 0.5 and 1.0 type 1 is called hop-by-hop.
const (
	INTMD          = 1
	INTDestination = 2
	INTMX          = 3
)

// MaxINT is how many INT headers of a packet are found.
const MaxINT = 4

// INT is one INT header with its shim (behind TCP and UDP, in GRE and VXLAN-GPE) or
// option header (in Geneve), all four bytes long:
//
//	2.x  TCP, UDP   Type 4, NPT 2, R 2, Length 8, port 16 | 0 8, proto 8 | 0 8, DSCP 6, R 2
//	     GRE        Type 4, G 1, R 3, Length 8, next protocol 16 (EtherType)
//	     VXLAN-GPE  Type 4, R 4, Length 8, G 1, R 7, next protocol 8
//	1.0  TCP, UDP   Type 8, R 8, Length 8, DSCP 6, R 2
//	0.5  TCP, UDP   Type 8, R 8, Length 8, R 8, and a tail: proto 8, port 16, DSCP 8
//	     VXLAN-GPE  Type 8, R 8, Length 8, next protocol 8 (both)
//	all  Geneve     class 16, Type 8, R 3, Length 5
//
// Length counts words; before 2.0 the shim (and the tail) among them.
type INT struct {
	Carrier Carrier
	Version uint8 // of the INT header: 0 is 0.5, 1 is 1.0, 2 is 2.x
	Type    uint8
	Sniffed bool // known by its looks, not by a mark
	Flipped bool // NPT = 2 with the protocol in the first byte
	HasTail bool // 0.5 behind TCP or UDP: the last four bytes before End are its tail

	Head int // which of Packet.Head it stands behind
	Shim int // offset of the shim or option header
	At   int // offset of the INT header
	End  int // offset behind it by its own account, which may lie beyond the packet
	L4   int // offset of the TCP or UDP header it stands behind; 0 where there is none

	WireProto                uint8 // what the headers say where INT replaced it …
	WireSrcPort, WireDstPort uint16
}

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
	x.Head = w.p.Depth - 1
	w.p.INT[w.p.INTs] = *x
	w.p.INTs++
	w.p.Read = max(w.p.Read, min(x.End, len(w.b)))
	if x.End > len(w.b) {
		w.p.Cut = LayerINT
	}
	return true
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
			w.p.Cut = LayerINT
		}
		return 0, false, false
	}
	if first := w.b[at]; !marked && first != INTMD && first>>4 != INTMD && first>>4 != INTMX {
		return 0, false, false
	}
	x := INT{
		Carrier: c, Shim: at, At: at + 4, L4: l4, Sniffed: !marked,
		WireProto: h.Proto, WireSrcPort: h.SrcPort, WireDstPort: h.DstPort,
	}
	if !w.shimL4(h, &x) {
		w.p.BadINT = w.p.BadINT || marked
		return 0, false, false
	}
	if !w.add(&x) {
		return 0, false, false
	}
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
