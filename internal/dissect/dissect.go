// Package dissect reads the headers of a packet that may end anywhere: the
// truncated packets inside telemetry reports and the frames of captures. It finds
// the IP headers one inside the other, their five-tuples, the tunnels between them
// and, where asked, the In-band Network Telemetry (INT) headers among them.
//
// It never fails. A packet that ends early, or says something impossible of
// itself, yields what came before, and says how far that was; nothing is read past
// the bytes that are there and nothing is allocated. What it knows:
//
//	link      Ethernet II, 802.1Q, 802.1ad (any number of tags), MPLS (and
//	          Ethernet pseudo-wires with control word below it)
//	network   IPv4 with options and fragments, IPv6 with hop-by-hop, routing,
//	          destination, fragment, mobility, HIP, shim6 headers; the
//	          authentication header in both
//	transport TCP with options, UDP, SCTP, DCCP, UDP-Lite (ports); ICMP, ICMPv6
//	          (type, code); ESP (SPI)
//	tunnels   IP in IP, GRE (version 0, NVGRE), VXLAN, VXLAN-GPE, Geneve, GTP-U
//	INT       0.5, 1.0 and 2.x behind TCP and UDP, in GRE, VXLAN-GPE and Geneve;
//	          see [Marks] and [INT]
//
// Tunnels over UDP are known by their destination port. A non-first fragment has
// no ports. Checksums are not verified on the way, since what a switch dropped may
// well be broken; [Packet.Checksum] does it for those who ask.
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
	ESP    = 50
	ICMPv6 = 58
	SCTP   = 132
)

// Header is one IP header and what stands behind it.
type Header struct {
	Src, Dst         [16]byte // IPv4 as ::ffff:a.b.c.d
	SrcPort, DstPort uint16   // where INT replaced them (see [INT]), the original ones
	Proto            uint8    // behind all extension headers; where INT replaced it, the original one

	Version     uint8 // 4 or 6
	Tunnel      Tunnel
	HasID       bool // TunnelID was there
	HasPorts    bool // SrcPort and DstPort were there
	HasICMP     bool // ICMPType and ICMPCode were there
	HasTCPFlags bool // TCPFlags was there
	HasUDP      bool // a whole UDP header was there: Payload is behind it
	HasSPI      bool // SPI was there
	Fragment    bool // any fragment, the first one included
	DF          bool // IPv4: don't fragment
	TTL, TOS    uint8
	ICMPType    uint8
	ICMPCode    uint8
	TCPFlags    uint8

	ID       uint16 // IPv4 identification
	Length   uint32 // bytes of the IP packet by its own account
	TunnelID uint32 // VNI of VXLAN, VXLAN-GPE, Geneve; key of GRE; TEID of GTP-U
	SPI      uint32 // of ESP
	At       int    // offset of the IP header
	Payload  int    // offset behind the transport header of UDP and of TCP with all its options, else behind IP
}

// Packet is what the headers of a packet say.
type Packet struct {
	EtherType uint16 // behind VLAN tags of the outermost Ethernet header; 0 where there is none
	VLANs     uint8  // how many tags the outermost Ethernet header has
	VLAN      [2]uint16
	MPLS      uint8  // how many labels before the outermost IP header
	Label     uint32 // the outermost of them

	Cut  Layer // the header that the packet ends within; Whole where it ends behind its headers
	Read int   // bytes of headers that were read

	Depth int // how many of Head are set; the others hold whatever they held
	Head  [MaxDepth]Header

	INTs   int  // how many of INT are set; the others hold whatever they held
	BadINT bool // a packet that is marked and has no INT header that could be read
	INT    [MaxINT]INT
}

// Parse reads b, which starts with a header of kind start, into p. It looks for no INT.
func (p *Packet) Parse(start Start, b []byte) { p.ParseINT(start, b, nil) }

// ParseINT reads b as Parse does and finds INT headers marked by m, or none where m is nil.
func (p *Packet) ParseINT(start Start, b []byte, m *Marks) {
	p.Reset()
	w := walk{p: p, b: b, m: m}
	switch start {
	case Ethernet:
		w.ethernet(0, None, 0, false)
	case IPv4:
		w.ipv4(0, None, 0, false)
	case IPv6:
		w.ipv6(0, None, 0, false)
	}
	// Where there is INT, other marks may be copies: tunnels copy the DSCP.
	p.BadINT = p.BadINT && p.INTs == 0
}

// Reset makes p the packet of which nothing is known.
func (p *Packet) Reset() {
	p.EtherType, p.VLANs, p.VLAN, p.MPLS, p.Label = 0, 0, [2]uint16{}, 0, 0
	p.Cut, p.Read, p.Depth, p.INTs, p.BadINT = Whole, 0, 0, 0, false
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
	m *Marks
}

// has reports whether n bytes stand at offset at.
func (w *walk) has(at, n int) bool { return at >= 0 && at+n <= len(w.b) }

// need reports whether n bytes stand at offset at, where layer needs them, and
// keeps account of how far the packet goes.
func (w *walk) need(at, n int, layer Layer) bool {
	if !w.has(at, n) {
		w.cut(layer)
		return false
	}
	w.p.Read = max(w.p.Read, at+n)
	return true
}

// cut notes that the packet ends within layer, unless it does so before.
func (w *walk) cut(layer Layer) {
	if w.p.Cut == Whole {
		w.p.Cut = layer
	}
}

func (w *walk) u16(at int) uint16 { return binary.BigEndian.Uint16(w.b[at:]) }
func (w *walk) u32(at int) uint32 { return binary.BigEndian.Uint32(w.b[at:]) }
