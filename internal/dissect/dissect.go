// Package dissect reads the headers of a packet that may end anywhere: the
// truncated packets inside telemetry reports and the frames of captures. It finds
// the IP headers one inside the other, their five-tuples and the tunnels between
// them.
//
// It never fails. A packet that ends early, or says something impossible of
// itself, yields what came before; nothing is read past the bytes that are there
// and nothing is allocated. What it knows:
//
//	link      Ethernet II, 802.1Q, 802.1ad (any number of tags), MPLS (and
//	          Ethernet pseudo-wires with control word below it)
//	network   IPv4 with options and fragments, IPv6 with hop-by-hop, routing,
//	          destination, fragment, authentication, mobility, HIP, shim6 headers
//	transport TCP, UDP, SCTP, DCCP, UDP-Lite (ports); ICMP, ICMPv6 (type, code)
//	tunnels   IP in IP, GRE (version 0, NVGRE), VXLAN, VXLAN-GPE, Geneve, GTP-U
//
// Tunnels over UDP are known by their destination port. A non-first fragment has
// no ports. Checksums are not verified: what a switch dropped may well be broken.
package dissect

import "encoding/binary"

// Start says what the first header of a packet is.
type Start uint8

// The first headers.
const (
	Ethernet Start = iota
	IPv4
	IPv6
)

// Tunnel is the encapsulation in which an IP header was found.
type Tunnel uint8

// The tunnels. None stands for the outermost header.
const (
	None Tunnel = iota
	IPinIP
	GRE
	VXLAN
	VXLANGPE
	Geneve
	GTPU
)

var tunnelNames = [...]string{"none", "ip_in_ip", "gre", "vxlan", "vxlan_gpe", "geneve", "gtp_u"}

func (t Tunnel) String() string {
	if int(t) < len(tunnelNames) {
		return tunnelNames[t]
	}
	return "unknown"
}

// HasVNI reports whether the tunnel's id is a virtual network identifier, 24 bits.
func (t Tunnel) HasVNI() bool { return t == VXLAN || t == VXLANGPE || t == Geneve }

// MaxDepth is how many IP headers one inside the other are read.
const MaxDepth = 4

// Protocol numbers (IANA) that callers ask for.
const (
	ICMP   = 1
	TCP    = 6
	UDP    = 17
	ICMPv6 = 58
	SCTP   = 132
)

// Header is one IP header and what stands behind it.
type Header struct {
	Src, Dst         [16]byte // IPv4 as ::ffff:a.b.c.d
	SrcPort, DstPort uint16
	Proto            uint8 // behind all extension headers

	Version     uint8 // 4 or 6
	Tunnel      Tunnel
	HasID       bool // TunnelID was there
	HasPorts    bool // SrcPort and DstPort were there
	HasICMP     bool // ICMPType and ICMPCode were there
	HasTCPFlags bool // TCPFlags was there
	HasUDP      bool // a whole UDP header was there: Payload is behind it
	Fragment    bool // any fragment, the first one included
	DF          bool // IPv4: don't fragment
	TTL, TOS    uint8
	ICMPType    uint8
	ICMPCode    uint8
	TCPFlags    uint8

	ID       uint16 // IPv4 identification
	Length   uint32 // bytes of the IP packet by its own account
	TunnelID uint32 // VNI of VXLAN, VXLAN-GPE, Geneve; key of GRE; TEID of GTP-U
	Payload  int    // offset behind the transport header of UDP, else behind IP
}

// Packet is what the headers of a packet say.
type Packet struct {
	EtherType uint16 // behind VLAN tags of the outermost Ethernet header; 0 where there is none
	VLANs     uint8  // how many tags the outermost Ethernet header has
	VLAN      [2]uint16
	MPLS      uint8  // how many labels before the outermost IP header
	Label     uint32 // the outermost of them

	Depth int // how many of Head are set; the others hold whatever they held
	Head  [MaxDepth]Header
}

// Parse reads b, which starts with a header of kind start, into p.
func (p *Packet) Parse(start Start, b []byte) {
	p.Reset()
	w := walk{p: p, b: b}
	switch start {
	case Ethernet:
		w.ethernet(0, None, 0, false)
	case IPv4:
		w.ipv4(0, None, 0, false)
	case IPv6:
		w.ipv6(0, None, 0, false)
	}
}

// Reset makes p the packet of which nothing is known.
func (p *Packet) Reset() {
	p.EtherType, p.VLANs, p.VLAN, p.MPLS, p.Label, p.Depth = 0, 0, [2]uint16{}, 0, 0, 0
}

// Outermost returns the first IP header, or nil.
func (p *Packet) Outermost() *Header {
	if p.Depth == 0 {
		return nil
	}
	return &p.Head[0]
}

// Encapsulated returns the IP header right inside the outermost one, or nil.
func (p *Packet) Encapsulated() *Header {
	if p.Depth < 2 {
		return nil
	}
	return &p.Head[1]
}

// walk goes from header to header. Each step is given the offset of its header
// and the tunnel it stands in, and goes on with the next.
type walk struct {
	p *Packet
	b []byte
}

// has reports whether n bytes stand at offset at.
func (w *walk) has(at, n int) bool { return at >= 0 && at+n <= len(w.b) }

func (w *walk) u16(at int) uint16 { return binary.BigEndian.Uint16(w.b[at:]) }
func (w *walk) u32(at int) uint32 { return binary.BigEndian.Uint32(w.b[at:]) }

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
	if !w.has(at, ethernetHeader) {
		return
	}
	outermost := w.p.Depth == 0
	et := w.u16(at + 12)
	at += ethernetHeader
	for et == etherVLAN || et == etherQinQ || et == etherQinQOld {
		if !w.has(at, 4) {
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

func (w *walk) etherType(et uint16, at int, t Tunnel, id uint32, hasID bool) {
	switch et {
	case etherIPv4:
		w.ipv4(at, t, id, hasID)
	case etherIPv6:
		w.ipv6(at, t, id, hasID)
	case etherMPLS, etherMPLSMulti:
		w.mpls(at, t, id, hasID)
	case etherTransBr:
		w.ethernet(at, t, id, hasID)
	}
}

// mpls reads the label stack (RFC 3032). What is below it says only its first
// nibble: 4 and 6 are IP, 0 the control word of an Ethernet pseudo-wire (RFC 4448).
func (w *walk) mpls(at int, t Tunnel, id uint32, hasID bool) {
	for w.has(at, 4) {
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
