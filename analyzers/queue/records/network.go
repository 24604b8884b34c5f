package records

import (
	"fmt"
	"slices"
)

// Source is the type of nodes that emit traffic and have no queue.
const Source = "source"

// Node is a queue-and-server: a network function, a link, a port of a switch. A node
// may have several queues of its own.
type Node struct {
	Name    string
	Type    string  // "" = unknown; Source = emits traffic
	RatePPS float64 // packets per second at peak; 0 = not known
	RateBPS float64 // bits per second at peak; 0 = not known, or they do not matter
	Next    []int32 // nodes that packets go to from here, by index
}

// IsSource reports whether the node emits traffic.
func (n *Node) IsSource() bool { return n.Type == Source }

// NodeSpec is a node as data sets write it, successors by name.
type NodeSpec struct {
	Name    string   `json:"name"`
	Type    string   `json:"type,omitempty"`
	RatePPS float64  `json:"rate_pps,omitempty"`
	RateBPS float64  `json:"rate_bps,omitempty"`
	Next    []string `json:"next,omitempty"`
}

// Network is the table of nodes: a node is named by its index. It is immutable.
type Network struct {
	Nodes  []Node
	byName map[string]int32
}

// MaxNodes bounds a network.
const MaxNodes = 1 << 16

// NewNetwork checks the nodes (names not empty and not twice, rates not negative,
// successors known, none its own) and lays them out in the order given. Cycles are
// allowed: packets may meet a node twice.
func NewNetwork(specs []NodeSpec) (*Network, error) {
	if len(specs) == 0 {
		return nil, fmt.Errorf("no nodes")
	}
	if len(specs) > MaxNodes {
		return nil, fmt.Errorf("got %d nodes, want at most %d", len(specs), MaxNodes)
	}
	n := &Network{Nodes: make([]Node, len(specs)), byName: make(map[string]int32, len(specs))}
	for i, s := range specs {
		if s.Name == "" {
			return nil, fmt.Errorf("nodes[%d].name: got none, want a name", i)
		}
		if _, dup := n.byName[s.Name]; dup {
			return nil, fmt.Errorf("nodes[%d].name: %q is there twice", i, s.Name)
		}
		if !(s.RatePPS >= 0 && s.RatePPS < 1e12) {
			return nil, fmt.Errorf("nodes[%d].rate_pps: got %v, want 0 (not known) to 1e12", i, s.RatePPS)
		}
		if !(s.RateBPS >= 0 && s.RateBPS < 1e18) {
			return nil, fmt.Errorf("nodes[%d].rate_bps: got %v, want 0 (not known) to 1e18", i, s.RateBPS)
		}
		n.byName[s.Name] = int32(i)
		n.Nodes[i] = Node{Name: s.Name, Type: s.Type, RatePPS: s.RatePPS, RateBPS: s.RateBPS}
	}
	for i, s := range specs {
		for j, name := range s.Next {
			next, ok := n.byName[name]
			if !ok {
				return nil, fmt.Errorf("nodes[%d].next[%d]: %q names no node", i, j, name)
			}
			if next == int32(i) {
				return nil, fmt.Errorf("nodes[%d].next[%d]: %q is next to itself", i, j, name)
			}
			if !slices.Contains(n.Nodes[i].Next, next) {
				n.Nodes[i].Next = append(n.Nodes[i].Next, next)
			}
		}
	}
	return n, nil
}

// Index returns the node of that name; ok is false where there is none.
func (n *Network) Index(name string) (i int32, ok bool) {
	i, ok = n.byName[name]
	return i, ok
}

// Name returns the name of node i, "?" where i names none.
func (n *Network) Name(i int32) string {
	if i < 0 || int(i) >= len(n.Nodes) {
		return "?"
	}
	return n.Nodes[i].Name
}

// Specs returns the nodes as data sets write them.
func (n *Network) Specs() []NodeSpec {
	specs := make([]NodeSpec, len(n.Nodes))
	for i, node := range n.Nodes {
		specs[i] = NodeSpec{Name: node.Name, Type: node.Type, RatePPS: node.RatePPS, RateBPS: node.RateBPS}
		for _, next := range node.Next {
			specs[i].Next = append(specs[i].Next, n.Nodes[next].Name)
		}
	}
	return specs
}
