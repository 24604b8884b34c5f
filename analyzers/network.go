package analyzers

import (
	"fmt"
	"net/netip"

	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/topology"
)

// Network is a fabric laid out for look-ups once per record: nodes and ports by
// number instead of by name. It is immutable and safe for concurrent use.
type Network struct {
	*topology.Index
	Nodes []Node // in the fabric's order, the collector included

	byID   map[postcard.NodeID]int32
	byAddr map[postcard.Addr]int32
	byName map[string]int32
}

// Node is a node and its ports.
type Node struct {
	topology.Node
	Ports []Port // by port number; the zero Port where nothing is attached
}

// PortKind is what is attached to a port.
type PortKind uint8

// The kinds of ports.
const (
	Unattached  PortKind = iota
	ToSwitch             // a leaf, spine or vswitch
	ToHost               // a tenant's machine
	ToCollector          // a telemetry link
)

// Port is one port of a node and what is at the other end of its link.
type Port struct {
	Kind     PortKind
	Peer     int32 // index of the node; -1 for a tenant's machine
	PeerName string
	RateBps  int64 // 0 = not limited
	DelayNS  int64
}

// NewNetwork validates f and lays it out; f must not change afterwards. The error is
// a topology.Problems.
func NewNetwork(f topology.Fabric) (*Network, error) {
	ix, err := topology.NewIndex(f)
	if err != nil {
		return nil, fmt.Errorf("cannot analyse fabric %q: %w", f.Name, err)
	}
	n := &Network{
		Index:  ix,
		Nodes:  make([]Node, len(f.Nodes)),
		byID:   make(map[postcard.NodeID]int32, len(f.Nodes)),
		byAddr: make(map[postcard.Addr]int32, len(f.Nodes)),
		byName: make(map[string]int32, len(f.Nodes)),
	}
	for i, node := range f.Nodes {
		n.Nodes[i].Node = node
		n.byName[node.Name] = int32(i)
		n.byID[postcard.NodeID(node.ID)] = int32(i)
		if node.Address.IsValid() {
			n.byAddr[postcard.AddrFrom(node.Address)] = int32(i)
		}
	}
	for _, l := range f.Links {
		for _, end := range [2][2]topology.Endpoint{{l.A, l.B}, {l.B, l.A}} {
			peer := n.byName[end[1].Node]
			kind := ToSwitch
			if l.Telemetry || n.Nodes[peer].Role == topology.Collector {
				kind = ToCollector
			}
			*n.at(end[0]) = Port{Kind: kind, Peer: peer, PeerName: end[1].Node, RateBps: l.RateBps, DelayNS: int64(l.Delay)}
		}
	}
	for _, h := range f.Hosts {
		*n.at(h.At) = Port{Kind: ToHost, Peer: -1, PeerName: h.Name, RateBps: h.RateBps, DelayNS: int64(h.Delay)}
	}
	return n, nil
}

// at returns the port at e, growing the node's table.
func (n *Network) at(e topology.Endpoint) *Port {
	node := &n.Nodes[n.byName[e.Node]]
	for len(node.Ports) <= int(e.Port) {
		node.Ports = append(node.Ports, Port{})
	}
	return &node.Ports[e.Port]
}

// ByID returns the index of the node that reports as id, or -1.
func (n *Network) ByID(id postcard.NodeID) int32 {
	if i, ok := n.byID[id]; ok {
		return i
	}
	return -1
}

// ByAddr returns the index of the switch with that underlay address, or -1.
func (n *Network) ByAddr(a postcard.Addr) int32 {
	if i, ok := n.byAddr[a]; ok {
		return i
	}
	return -1
}

// Name returns the name of the node with index i, "?" where i names none.
func (n *Network) Name(i int32) string {
	if i < 0 || int(i) >= len(n.Nodes) {
		return "?"
	}
	return n.Nodes[i].Name
}

// NameOf returns the name of the node that reports as id, or its number in words.
func (n *Network) NameOf(id postcard.NodeID) string {
	if i := n.ByID(id); i >= 0 {
		return n.Nodes[i].Name
	}
	return fmt.Sprintf("node-%d", id)
}

// PortAt returns port p of node i; the zero Port where nothing is known to be there.
func (n *Network) PortAt(i int32, p uint32) Port {
	if i < 0 || int(i) >= len(n.Nodes) || uint64(p) >= uint64(len(n.Nodes[i].Ports)) {
		return Port{}
	}
	return n.Nodes[i].Ports[p]
}

// HostNode returns the index of the vswitch of the tenant's machine with that
// address, or -1.
func (n *Network) HostNode(vni uint32, ca postcard.Addr) int32 {
	if h, ok := n.HostByAddress(vni, ca.Netip()); ok {
		return n.byName[h.At.Node]
	}
	return -1
}

// Leaf returns the index of the first leaf that node i has a link to, i itself where
// it is a leaf, or -1: the place in the underlay that an address is behind.
func (n *Network) Leaf(i int32) int32 {
	if i < 0 || n.Nodes[i].Role == topology.Leaf {
		return i
	}
	for _, p := range n.Nodes[i].Ports {
		if p.Kind == ToSwitch && n.Nodes[p.Peer].Role == topology.Leaf {
			return p.Peer
		}
	}
	return -1
}

// Behind returns the indexes of the vswitches with a link to leaf, in port order.
func (n *Network) Behind(leaf int32) []int32 {
	var out []int32
	for _, p := range n.Nodes[leaf].Ports {
		if p.Kind == ToSwitch && n.Nodes[p.Peer].Role == topology.VSwitch {
			out = append(out, p.Peer)
		}
	}
	return out
}

// PrefixOf returns what the fabric routes towards a leaf: its own prefix, or, where
// the fabric names none, the longest that covers the vswitches behind it.
func (n *Network) PrefixOf(leaf int32) netip.Prefix {
	if p := n.Nodes[leaf].Prefix; p.IsValid() {
		return p
	}
	var p netip.Prefix
	for _, i := range n.Behind(leaf) {
		a := n.Nodes[i].Address
		if !p.IsValid() {
			p = netip.PrefixFrom(a, a.BitLen())
		}
		for !p.Contains(a) && p.Bits() > 0 {
			p = netip.PrefixFrom(p.Addr(), p.Bits()-1).Masked()
		}
	}
	return p
}
