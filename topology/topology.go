// Package topology describes a network as values: nodes, ports, links, hosts,
// VNETs and the paths between them. It opens no socket and imports nothing of
// ours; files are read from and written to byte slices.
package topology

import (
	"net/netip"
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

// Port is a data-plane port number of a switch, 1…509 (510 is the CPU port,
// 511 the drop port of v1model).
type Port uint16

// MAC is an Ethernet address, comparable.
type MAC [6]byte

// Node is a switch or the collector.
type Node struct {
	Name    string
	Role    Role
	ID      uint32     // Node ID in telemetry reports; unique, non-zero
	Address netip.Addr // underlay address: loopback of a switch, PA (VTEP) of a vswitch, report destination of the collector
	MAC     MAC
	Program string // P4 program: "fabric" or "vswitch"; empty for the collector
	P4RT    string // host:port of its P4Runtime server, empty = the lab decides
}

// Endpoint is one end of a link.
type Endpoint struct {
	Node string
	Port Port
}

// Link joins two ports, full duplex.
type Link struct {
	A, B      Endpoint
	RateBps   int64         // bits per second, each direction
	Delay     time.Duration // propagation
	Queue     int           // packets the sending port's queue holds
	Telemetry bool          // leads to the collector; carries reports only
}

// Host is a tenant's machine behind a vswitch port.
type Host struct {
	Name    string
	VNET    string
	Address netip.Addr // CA: tenants reuse each other's
	MAC     MAC
	At      Endpoint // vswitch port
	RateBps int64
}

// ACLRule is a tenant's policy: first match by descending Priority.
type ACLRule struct {
	ID       uint32 // reported as the rule that decided
	Priority int32
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
