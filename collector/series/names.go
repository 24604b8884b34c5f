package series

import (
	"strconv"

	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/topology"
)

// Names says what things are called.
type Names struct {
	Topology *topology.Index    // nil = not known
	Reason   func(uint8) string // the name of a drop reason, "" where it has none; nil = none has
}

// Node returns a node's name, or its number.
func (n *Names) Node(id postcard.NodeID) string {
	if n.Topology != nil {
		if node, ok := n.Topology.NodeByID(uint32(id)); ok {
			return node.Name
		}
	}
	return strconv.FormatUint(uint64(id), 10)
}

// Peer returns the name of the node or host behind a port, "" where it is not known.
func (n *Names) Peer(id postcard.NodeID, port uint32) string {
	if n.Topology == nil || port == 0 || port > uint32(topology.MaxPort) {
		return ""
	}
	node, ok := n.Topology.NodeByID(uint32(id))
	if !ok {
		return ""
	}
	at := topology.Endpoint{Node: node.Name, Port: topology.Port(port)}
	if far, ok := n.Topology.Peer(at); ok {
		return far.Node
	}
	if h, ok := n.Topology.HostAt(at); ok {
		return h.Name
	}
	return ""
}

// Tenant returns the name of the VNET of a VNI, "" where it is not known.
func (n *Names) Tenant(vni uint32) string {
	if n.Topology == nil {
		return ""
	}
	v, _ := n.Topology.VNETByVNI(vni)
	return v.Name
}

// DropReason returns the name of a drop reason, or its number.
func (n *Names) DropReason(reason uint8) string {
	if n.Reason != nil {
		if name := n.Reason(reason); name != "" {
			return name
		}
	}
	return strconv.Itoa(int(reason))
}
