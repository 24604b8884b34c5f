package intent

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/telltale-net/telltale/topology"
)

// This file holds the properties that a fabric of slow switches must have.

// verdict is what the tenant's policy says, read off the rules.
func verdict(v topology.VNET, p packet) (deny bool, rule uint32) {
	matches := func(r topology.ACLRule) bool {
		return (!r.Src.IsValid() || r.Src.Contains(p.src)) && (!r.Dst.IsValid() || r.Dst.Contains(p.dst)) &&
			(r.Proto == 0 || uint64(r.Proto) == p.proto) && (r.DstPort == 0 || uint64(r.DstPort) == p.dport)
	}
	for _, inbound := range []bool{false, true} {
		var first topology.ACLRule
		for _, r := range v.ACL {
			if r.Inbound == inbound && matches(r) && r.Priority > first.Priority {
				first = r
			}
		}
		if first.Deny {
			return true, first.ID
		}
	}
	return false, 0
}

// randomFabric is a leaf-spine with random policies, some vswitches with a second
// uplink and some leaves without a prefix.
func randomFabric(t *rapid.T) topology.Fabric {
	number := func(low, high int) int { return rapid.IntRange(low, high).Draw(t, "number") }
	c := topology.DefaultLeafSpine()
	c.Spines, c.Leaves, c.VSwitches = number(1, 3), number(1, 4), number(1, 3)
	c.VNETs, c.HostsPerVNET = number(1, 3), number(1, 6)
	f, err := topology.LeafSpine(c)
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range f.Nodes {
		if n.Role == topology.Leaf && number(0, 3) == 0 {
			f.Nodes[i].Prefix = netip.Prefix{}
		}
	}
	for v := 1; v <= c.Leaves*c.VSwitches; v++ {
		if number(0, 3) > 0 {
			continue
		}
		f.Links = append(f.Links, topology.Link{
			A: topology.Endpoint{Node: fmt.Sprint("vs", v), Port: 400},
			B: topology.Endpoint{Node: fmt.Sprint("leaf", number(1, c.Leaves)), Port: topology.Port(400 + v)},
		})
	}
	for i := range f.VNETs {
		f.VNETs[i].ACL = nil
		for j := range number(0, 6) {
			r := topology.ACLRule{
				ID: uint32(100*i + j + 1), Priority: int32(j + 1), Inbound: rapid.Bool().Draw(t, "inbound"),
				Proto: rapid.SampledFrom([]uint8{0, 1, 6, 17}).Draw(t, "proto"), Deny: rapid.Bool().Draw(t, "deny"),
			}
			if number(0, 3) == 0 {
				r.Priority = topology.MaxPriority - r.Priority
			}
			for _, p := range []*netip.Prefix{&r.Src, &r.Dst} {
				if rapid.Bool().Draw(t, "prefix") {
					a := netip.AddrFrom4([4]byte{192, 168, 0, byte(number(1, 6))})
					*p = netip.PrefixFrom(a, number(28, 32)).Masked()
				}
			}
			if r.Proto > 1 {
				r.DstPort = rapid.SampledFrom([]uint16{0, 80, 443}).Draw(t, "dport")
			}
			f.VNETs[i].ACL = append(f.VNETs[i].ACL, r)
		}
	}
	return f
}

// TestEveryPacketArrives sends between all pairs of hosts: inside a VNET a packet
// arrives on every path unless the policy denies it, and then names the rule; to an
// address of another VNET it never reaches that VNET's host.
func TestEveryPacketArrives(t *testing.T) {
	ss := schemas(t)
	rapid.Check(t, func(t *rapid.T) {
		fabric := randomFabric(t)
		ix, err := topology.NewIndex(fabric)
		if err != nil {
			t.Fatal(err)
		}
		f, err := slow(ix, ss, DefaultSettings())
		if err != nil {
			t.Fatal(err)
		}
		for _, from := range fabric.Hosts {
			vnet, _ := ix.VNET(from.VNET)
			for _, to := range fabric.Hosts {
				if from.Name == to.Name {
					continue
				}
				p := packet{
					from.Address, to.Address,
					rapid.SampledFrom([]uint64{1, 6, 17}).Draw(t, "proto"),
					rapid.SampledFrom([]uint64{0, 80, 443}).Draw(t, "dport"),
				}
				deny, rule := verdict(vnet, p)
				walks := f.send(from.At, p)
				if len(walks) == 0 {
					t.Fatalf("%s to %s: no way at all", from.Name, to.Name)
				}
				for _, w := range walks {
					switch {
					case from.VNET != to.VNET && w.end == "host "+to.Name:
						t.Fatalf("%s reached %s of another VNET: %+v", from.Name, to.Name, w)
					case from.VNET != to.VNET:
					case deny && (w.end != "ACL_DENY" || w.rule != uint64(rule)):
						t.Fatalf("%s to %s, %+v: got %+v, want a denial by rule %d of %+v", from.Name, to.Name, p, w, rule, vnet)
					case !deny && w.end != "host "+to.Name:
						t.Fatalf("%s to %s, %+v: got %+v, want arrival; %+v", from.Name, to.Name, p, w, vnet)
					}
				}
			}
			for _, spoofed := range fabric.Hosts {
				if spoofed.Address == from.Address {
					continue
				}
				for _, w := range f.send(from.At, packet{spoofed.Address, from.Address, 17, 80}) {
					if w.end != "SOURCE_SPOOFED" {
						t.Fatalf("%s sent as %s: got %+v", from.Name, spoofed.Name, w)
					}
				}
			}
		}
	})
}

// TestWaysAreThePaths: where every vswitch has one uplink, the ways of packets are
// exactly the shortest paths of the topology.
func TestWaysAreThePaths(t *testing.T) {
	ix := demo(t)
	f, err := slow(ix, schemas(t), DefaultSettings())
	if err != nil {
		t.Fatal(err)
	}
	pairs := 0
	for _, from := range ix.Fabric().Hosts {
		for _, to := range ix.Fabric().Hosts {
			if from.VNET != to.VNET || from.At.Node == to.At.Node {
				continue
			}
			pairs++
			var got, want []string
			for _, w := range f.send(from.At, packet{from.Address, to.Address, 17, 80}) {
				got = append(got, strings.Join(w.nodes, ">"))
			}
			for p := range ix.Paths(from.At.Node, to.At.Node) {
				want = append(want, p.String())
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("%s to %s: got %v, want %v", from.Name, to.Name, got, want)
			}
		}
	}
	if pairs != 90 {
		t.Fatalf("got %d pairs, want 90: 6 hosts of each of 3 VNETs on 6 different vswitches", pairs)
	}
}

// TestBlackholeIsOneEntry deletes a spine's route to a leaf, as the demo's fault
// does, and sees which packets are lost, and where.
func TestBlackholeIsOneEntry(t *testing.T) {
	ix, ss := demo(t), schemas(t)
	f, err := slow(ix, ss, DefaultSettings())
	if err != nil {
		t.Fatal(err)
	}
	var lost Route
	for _, r := range Routes(ix, "spine1") {
		if r.Owner == "leaf3" {
			lost = r
		}
	}
	entry, err := RouteEntry(ss["fabric"], lost)
	if err != nil {
		t.Fatal(err)
	}
	entities, err := For(ix, "spine1", DefaultSettings(), ss["fabric"])
	if err != nil {
		t.Fatal(err)
	}
	left := slices.DeleteFunc(slices.Clone(entities), func(e *p4v1.Entity) bool { return proto.Equal(e, entry) })
	if len(left) != len(entities)-1 {
		t.Fatalf("got %d entities without the route, want %d", len(left), len(entities)-1)
	}
	if f.switches["spine1"], err = load(ss["fabric"].P4Info(), left); err != nil {
		t.Fatal(err)
	}
	for _, from := range ix.Fabric().Hosts {
		for _, to := range ix.Fabric().Hosts {
			if from.VNET != to.VNET || from.Name == to.Name {
				continue
			}
			leaf, _ := ix.Peer(topology.Endpoint{Node: to.At.Node, Port: 1})
			for _, w := range f.send(from.At, packet{from.Address, to.Address, 17, 80}) {
				want := "host " + to.Name
				if leaf.Node == "leaf3" && slices.Contains(w.nodes, "spine1") {
					want = "IP_MISS at spine1"
				}
				if w.end != want {
					t.Fatalf("%s to %s: got %+v, want %s", from.Name, to.Name, w, want)
				}
			}
		}
	}
}

// TestReportsLeaveByTheTelemetryLink: clone session, addresses, node id.
func TestReportsLeaveByTheTelemetryLink(t *testing.T) {
	ix := demo(t)
	set := DefaultSettings()
	set.AllHops, set.HwID = true, 5
	f, err := slow(ix, schemas(t), set)
	if err != nil {
		t.Fatal(err)
	}
	for name, sw := range f.switches {
		n, _ := ix.Node(name)
		peer, ok := ix.Peer(topology.Endpoint{Node: name, Port: topology.Port(sw.sessions[ReportSession])})
		c, _ := ix.Node(peer.Node)
		if !ok || c.Role != topology.Collector {
			t.Fatalf("%s: reports go to %v, want the collector", name, peer)
		}
		if got, want := sw.defaults["report_target"].args, map[string]uint64{
			"smac": n6(n.MAC), "dmac": n6(c.MAC), "src_ip": n4(n.Address), "dst_ip": n4(c.Address), "udp_dport": 9555, "hw_id": 5,
		}; !maps.Equal(got, want) {
			t.Fatalf("%s: got report target %v, want %v", name, got, want)
		}
		got := sw.defaults["telemetry"].args
		if got["node_id"] != uint64(n.ID) || got["all_hops"] != 1 || got["drops"] != 1 {
			t.Fatalf("%s: got telemetry %v", name, got)
		}
	}
}

// TestOnlyItsVNETs: a vswitch knows nothing of VNETs that have no host on it.
func TestOnlyItsVNETs(t *testing.T) {
	ix := demo(t)
	f, err := slow(ix, schemas(t), DefaultSettings())
	if err != nil {
		t.Fatal(err)
	}
	for name, sw := range f.switches {
		here := make(map[uint64]bool)
		for _, h := range ix.HostsAt(name) {
			v, _ := ix.VNET(h.VNET)
			here[uint64(v.VNI)] = true
		}
		known := make(map[uint64]bool)
		for _, table := range []string{"overlay", "acl"} {
			for _, e := range sw.entries[table] {
				known[e.keys["vni"].value] = true
			}
		}
		if !maps.Equal(here, known) {
			t.Errorf("%s: knows VNIs %v, want %v", name, known, here)
		}
	}
}
