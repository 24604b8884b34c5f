package topology

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"
)

// Role is what a node is in the fabric.
type Role string

// The roles. A Collector node receives reports on the telemetry links.
const (
	Spine     Role = "spine"
	Leaf      Role = "leaf"
	VSwitch   Role = "vswitch"
	Collector Role = "collector"
)

// Program is the P4 program a node of this role runs: "fabric", "vswitch", or
// nothing for the collector and for an unknown role.
func (r Role) Program() string {
	switch r {
	case Spine, Leaf:
		return "fabric"
	case VSwitch:
		return "vswitch"
	}
	return ""
}

// Port is a data-plane port number of a switch, 1…MaxPort.
type Port uint16

// MaxPort is the highest port a packet can arrive at: v1model's ports have 9
// bits, 510 is the CPU port and 511 the drop port.
const MaxPort Port = 509

// DefaultQueue is what a Queue of 0 means, in packets: BMv2's own default.
const DefaultQueue = 64

// MAC is an Ethernet address, comparable.
type MAC [6]byte

func (m MAC) String() string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
}

// Node is a switch or the collector.
type Node struct {
	Name    string
	Role    Role
	ID      uint32     // Node ID in telemetry reports; unique, non-zero
	Address netip.Addr // underlay address: loopback of a switch, PA (VTEP) of a vswitch, report destination of the collector
	// Prefix is what the rest of the fabric routes towards a leaf as one: it covers
	// the leaf's own address and those of vswitches behind it, and no others. Zero
	// for other roles; a node outside every prefix is routed by its own /32.
	Prefix  netip.Prefix
	MAC     MAC    // of all its ports
	Program string // P4 program: "fabric" or "vswitch"; empty for the collector
	P4RT    string // host:port of its P4Runtime server, empty = the lab decides
}

// Endpoint is one end of a link. As text: "leaf1:3".
type Endpoint struct {
	Node string
	Port Port
}

func (e Endpoint) String() string { return e.Node + ":" + strconv.Itoa(int(e.Port)) }

// Link joins two ports, full duplex.
type Link struct {
	A, B      Endpoint
	RateBps   int64         // bits per second, each direction; 0 = unlimited
	Delay     time.Duration // propagation
	Queue     int           // packets the sending port's queue holds; 0 = DefaultQueue
	Telemetry bool          // leads to the collector; carries reports only
}

// Host is a tenant's machine behind a vswitch port. Rate, delay and queue are
// those of the line between the two, as in [Link].
type Host struct {
	Name    string
	VNET    string
	Address netip.Addr // CA: tenants reuse each other's
	MAC     MAC
	At      Endpoint // vswitch port
	RateBps int64
	Delay   time.Duration
	Queue   int
}

// ACLRule is a tenant's policy: first match by descending Priority among the
// rules of one direction; what matches none is permitted.
type ACLRule struct {
	ID       uint32       // reported as the rule that decided; unique in the fabric, non-zero
	Priority int32        // 1…MaxPriority
	Inbound  bool         // applied at the receiver's vswitch; false: at the sender's
	Src, Dst netip.Prefix // zero = any
	Proto    uint8        // 0 = any
	DstPort  uint16       // 0 = any
	Deny     bool
}

// VNET is a tenant's virtual network.
type VNET struct {
	Name string
	VNI  uint32 // 24 bits
	ACL  []ACLRule
}

// Fabric is the whole network. Slices are in file order, which is also the order
// of everything derived from them.
type Fabric struct {
	Name  string
	Nodes []Node
	Links []Link
	VNETs []VNET
	Hosts []Host
}
