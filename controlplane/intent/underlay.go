package intent

import (
	"fmt"
	"net/netip"
	"slices"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"

	"github.com/telltale-net/telltale/topology"
)

// firstGroup is the smallest id of a next hop with several ports; below are ports.
const firstGroup = 1024

// Route is one entry of the table routes.
type Route struct {
	Prefix  netip.Prefix
	Owner   string          // the leaf, or the node with the /32, that it leads to
	Ports   []topology.Port // ascending; empty: the switch itself, packets go to the controller
	NextHop uint16          // entry of the table nexthops; 0 if Ports is empty
}

// Routes returns the routes of a switch in the order of the owners in the file, and
// no route for what no path leads to. It is nil for what is no switch of the fabric.
func Routes(ix *topology.Index, node string) []Route {
	self, ok := ix.Node(node)
	if !ok || self.Role == topology.Collector {
		return nil
	}
	neighbours := make(map[string]bool)
	for _, port := range ix.Ports(node) {
		if peer, ok := ix.Peer(topology.Endpoint{Node: node, Port: port}); ok {
			neighbours[peer.Node] = true
		}
	}
	nodes := ix.Fabric().Nodes
	prefixes := make(map[netip.Prefix]bool)
	for _, n := range nodes {
		if n.Prefix.IsValid() {
			prefixes[n.Prefix] = true
		}
	}
	covered := func(n topology.Node) bool {
		for bits := range n.Address.BitLen() + 1 {
			if p, err := n.Address.Prefix(bits); err == nil && prefixes[p] {
				return true
			}
		}
		return false
	}
	var routes []Route
	add := func(to topology.Node, p netip.Prefix) {
		if ports := ix.NextHops(node, to.Name); len(ports) > 0 {
			routes = append(routes, Route{Prefix: p, Owner: to.Name, Ports: ports})
		}
	}
	for _, n := range nodes {
		host := netip.PrefixFrom(n.Address, n.Address.BitLen())
		switch {
		case n.Role == topology.Collector: // behind its own links
		case n.Name == node:
			if self.Role != topology.VSwitch { // whose own address is its VTEP
				routes = append(routes, Route{Prefix: host, Owner: node})
			}
		case n.Role == topology.Spine && self.Role == topology.Spine: // see the package comment
		case n.Prefix.IsValid():
			add(n, n.Prefix)
		case !covered(n), neighbours[n.Name]:
			add(n, host)
		}
	}
	numberRoutes(routes)
	return routes
}

func numberRoutes(routes []Route) {
	var groups [][]topology.Port
	for _, r := range routes {
		if len(r.Ports) > 1 {
			groups = append(groups, r.Ports)
		}
	}
	slices.SortFunc(groups, slices.Compare[[]topology.Port])
	groups = slices.CompactFunc(groups, slices.Equal[[]topology.Port])
	for i, r := range routes {
		switch {
		case len(r.Ports) == 1:
			routes[i].NextHop = uint16(r.Ports[0])
		case len(r.Ports) > 1:
			rank, _ := slices.BinarySearchFunc(groups, r.Ports, slices.Compare[[]topology.Port])
			routes[i].NextHop = uint16(firstGroup + rank)
		}
	}
}

// RouteEntry is the entity of a route: as it should be, or, with another NextHop
// or none, as a fault would have it. For a deletion only the prefix matters.
func RouteEntry(s *Schema, r Route) (*p4v1.Entity, error) {
	if !r.Prefix.IsValid() || !r.Prefix.Addr().Is4() {
		return nil, fmt.Errorf("program %s: table routes: prefix %v is not IPv4", s.program, r.Prefix)
	}
	to := do("to_cpu")
	if r.NextHop != 0 {
		to = do("set_nexthop", num(r.NextHop))
	}
	var ms []match
	if r.Prefix.Bits() > 0 {
		ms = []match{{key: "ipv4_dst", value: addr(r.Prefix.Masked().Addr()), length: int32(r.Prefix.Bits())}}
	}
	return s.entry("routes", 0, ms, to)
}

// underlay adds members, groups, next hops and routes.
func (b *builder) underlay() {
	routes := Routes(b.ix, b.node.Name)
	ports := make(map[topology.Port]bool)
	groups := make(map[uint16][]topology.Port)
	for _, r := range routes {
		for _, p := range r.Ports {
			ports[p] = true
		}
		if len(r.Ports) > 0 {
			groups[r.NextHop] = r.Ports
		}
	}
	for _, p := range sortedKeys(ports) {
		peer, _ := b.ix.Peer(topology.Endpoint{Node: b.node.Name, Port: p})
		next, ok := b.ix.Node(peer.Node)
		if !ok {
			panic(fmt.Sprintf("BUG: a path leaves %s by port %d, where no node is", b.node.Name, p))
		}
		b.add(b.s.member("nexthops", uint32(p), do("forward", num(p), hw(b.node.MAC), hw(next.MAC))))
	}
	ids := sortedKeys(groups)
	for _, id := range ids {
		if len(groups[id]) == 1 {
			continue
		}
		var members []uint32
		for _, p := range groups[id] {
			members = append(members, uint32(p))
		}
		b.add(b.s.group("nexthops", uint32(id), members))
	}
	for _, id := range ids {
		to := &p4v1.TableAction{Type: &p4v1.TableAction_ActionProfileMemberId{ActionProfileMemberId: uint32(id)}}
		if len(groups[id]) > 1 {
			to = &p4v1.TableAction{Type: &p4v1.TableAction_ActionProfileGroupId{ActionProfileGroupId: uint32(id)}}
		}
		b.add(b.s.entryTo("nexthops", 0, []match{{key: "nexthop_id", value: num(id)}}, to))
	}
	for _, r := range routes {
		b.add(RouteEntry(b.s, r))
	}
}
