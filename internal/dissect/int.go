package dissect

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
