package topology

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
)

// Index answers questions about one valid fabric: what has a name, an id or an
// address, what is behind a port, which paths lead where. Look-ups cost one map
// access. It is safe for concurrent use; the fabric must not be changed any more.
type Index struct {
	fabric    Fabric
	nodes     map[string]int
	ids       map[uint32]int
	addresses map[netip.Addr]int
	links     map[Endpoint]int
	hosts     map[string]int
	hostPorts map[Endpoint]int
	tenants   map[tenant]int
	vnets     map[string]int
	vnis      map[uint32]int
	rules     map[uint32][2]int // VNET, position in its ACL
	ports     [][]Port          // by node, ascending
	behind    [][]int           // hosts by node
	telemetry []Port            // by node, 0 = none
	collector int
	graph     graph
	lazy      []lazyDistances // by destination
}

type tenant struct {
	vni uint32
	ca  netip.Addr
}

type lazyDistances struct {
	once sync.Once
	dist []int32
}

// NewIndex validates f and indexes it. The error is a [Problems].
func NewIndex(f Fabric) (*Index, error) {
	if err := Validate(f); err != nil {
		return nil, err
	}
	ix := &Index{
		fabric:    f,
		nodes:     make(map[string]int, len(f.Nodes)),
		ids:       make(map[uint32]int, len(f.Nodes)),
		addresses: make(map[netip.Addr]int, len(f.Nodes)),
		links:     make(map[Endpoint]int, 2*len(f.Links)),
		hosts:     make(map[string]int, len(f.Hosts)),
		hostPorts: make(map[Endpoint]int, len(f.Hosts)),
		tenants:   make(map[tenant]int, len(f.Hosts)),
		vnets:     make(map[string]int, len(f.VNETs)),
		vnis:      make(map[uint32]int, len(f.VNETs)),
		rules:     make(map[uint32][2]int),
		ports:     make([][]Port, len(f.Nodes)),
		behind:    make([][]int, len(f.Nodes)),
		telemetry: make([]Port, len(f.Nodes)),
		graph:     newGraph(f),
		lazy:      make([]lazyDistances, len(f.Nodes)),
	}
	for i, n := range f.Nodes {
		ix.nodes[n.Name], ix.ids[n.ID], ix.addresses[n.Address] = i, i, i
		if n.Role == Collector {
			ix.collector = i
		}
	}
	for i, l := range f.Links {
		for _, e := range []Endpoint{l.A, l.B} {
			ix.links[e] = i
			n := ix.nodes[e.Node]
			ix.ports[n] = append(ix.ports[n], e.Port)
			if l.Telemetry {
				ix.telemetry[n] = e.Port
			}
		}
	}
	ix.telemetry[ix.collector] = 0 // it has many, and reports on none
	for i, v := range f.VNETs {
		ix.vnets[v.Name], ix.vnis[v.VNI] = i, i
		for j, r := range v.ACL {
			ix.rules[r.ID] = [2]int{i, j}
		}
	}
	for i, h := range f.Hosts {
		n := ix.nodes[h.At.Node]
		ix.hosts[h.Name], ix.hostPorts[h.At] = i, i
		ix.tenants[tenant{f.VNETs[ix.vnets[h.VNET]].VNI, h.Address}] = i
		ix.behind[n] = append(ix.behind[n], i)
		ix.ports[n] = append(ix.ports[n], h.At.Port)
	}
	for _, ports := range ix.ports {
		slices.SortFunc(ports, cmp.Compare[Port])
	}
	return ix, nil
}

// Fabric returns what was indexed. It is shared: read it only.
func (ix *Index) Fabric() Fabric { return ix.fabric }

func get[K comparable, V any](m map[K]int, k K, vs []V) (v V, ok bool) {
	i, ok := m[k]
	if ok {
		v = vs[i]
	}
	return v, ok
}

// Node returns the node of that name.
func (ix *Index) Node(name string) (Node, bool) { return get(ix.nodes, name, ix.fabric.Nodes) }

// NodeByID returns the node with that Node ID in its reports.
func (ix *Index) NodeByID(id uint32) (Node, bool) { return get(ix.ids, id, ix.fabric.Nodes) }

// NodeByAddress returns the node with that underlay address.
func (ix *Index) NodeByAddress(a netip.Addr) (Node, bool) {
	return get(ix.addresses, a, ix.fabric.Nodes)
}

// Collector returns the collector node.
func (ix *Index) Collector() Node { return ix.fabric.Nodes[ix.collector] }

// Link returns the link with an end at e.
func (ix *Index) Link(e Endpoint) (Link, bool) { return get(ix.links, e, ix.fabric.Links) }

// Peer returns the other end of the link at e; a host's port has none.
func (ix *Index) Peer(e Endpoint) (Endpoint, bool) {
	l, ok := ix.Link(e)
	if l.A == e {
		return l.B, ok
	}
	return l.A, ok
}

// Ports returns the ports of a node that lead somewhere, links and hosts alike,
// in ascending order. Read only.
func (ix *Index) Ports(node string) []Port {
	if i, ok := ix.nodes[node]; ok {
		return ix.ports[i]
	}
	return nil
}

// TelemetryPort returns the port by which a switch reaches the collector.
func (ix *Index) TelemetryPort(node string) (Port, bool) {
	if i, ok := ix.nodes[node]; ok && ix.telemetry[i] != 0 {
		return ix.telemetry[i], true
	}
	return 0, false
}

// Host returns the host of that name.
func (ix *Index) Host(name string) (Host, bool) { return get(ix.hosts, name, ix.fabric.Hosts) }

// HostAt returns the host behind a vswitch port.
func (ix *Index) HostAt(e Endpoint) (Host, bool) { return get(ix.hostPorts, e, ix.fabric.Hosts) }

// HostByAddress returns the host with that CA in the VNET with that VNI.
func (ix *Index) HostByAddress(vni uint32, ca netip.Addr) (Host, bool) {
	return get(ix.tenants, tenant{vni, ca}, ix.fabric.Hosts)
}

// HostsAt returns the hosts behind a vswitch, in file order.
func (ix *Index) HostsAt(node string) []Host {
	i, ok := ix.nodes[node]
	if !ok {
		return nil
	}
	hosts := make([]Host, len(ix.behind[i]))
	for k, h := range ix.behind[i] {
		hosts[k] = ix.fabric.Hosts[h]
	}
	return hosts
}

// VNET returns the VNET of that name.
func (ix *Index) VNET(name string) (VNET, bool) { return get(ix.vnets, name, ix.fabric.VNETs) }

// VNETByVNI returns the VNET with that VNI.
func (ix *Index) VNETByVNI(vni uint32) (VNET, bool) { return get(ix.vnis, vni, ix.fabric.VNETs) }

// Rule returns the ACL rule of that id and the VNET it belongs to.
func (ix *Index) Rule(id uint32) (ACLRule, VNET, bool) {
	at, ok := ix.rules[id]
	if !ok {
		return ACLRule{}, VNET{}, false
	}
	v := ix.fabric.VNETs[at[0]]
	return v.ACL[at[1]], v, true
}
