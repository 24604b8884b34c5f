package topology

import (
	"fmt"
	"net/netip"
	"time"

	"pgregory.net/rapid"
)

// randomFabric draws a valid fabric: a connected graph of switches that forward,
// some parallel links, vswitches with one or more links into it or to each other,
// tenants that reuse addresses.
func randomFabric(t *rapid.T) Fabric {
	g := &fabricGen{t: t, f: Fabric{Name: rapid.StringMatching(`[a-zA-Z0-9][a-zA-Z0-9._-]{0,8}`).Draw(t, "name")}, next: make(map[string]Port)}
	forwarders := rapid.IntRange(1, 5).Draw(t, "forwarders")
	for i := range forwarders {
		name := fmt.Sprint("f", i)
		role := rapid.SampledFrom([]Role{Spine, Leaf}).Draw(t, "role")
		g.node(name, role)
		if i > 0 {
			g.link(name, fmt.Sprint("f", g.number(0, i-1)), false)
		}
	}
	for range g.number(0, 5) {
		a, b := g.number(0, forwarders-1), g.number(0, forwarders-1)
		if a != b {
			g.link(fmt.Sprint("f", a), fmt.Sprint("f", b), false)
		}
	}
	vswitches := g.number(0, 4)
	for i := range vswitches {
		name := fmt.Sprint("v", i)
		g.node(name, VSwitch)
		for range g.number(1, 2) {
			g.link(name, fmt.Sprint("f", g.number(0, forwarders-1)), false)
		}
		if i > 0 && rapid.Bool().Draw(t, "direct") {
			g.link(name, fmt.Sprint("v", g.number(0, i-1)), false)
		}
	}
	g.node("c", Collector)
	for _, n := range g.f.Nodes[:len(g.f.Nodes)-1] {
		g.link("c", n.Name, true)
	}
	for i := range g.number(0, 3) {
		g.vnet(i, vswitches)
	}
	if rapid.Bool().Draw(t, "prefixes") {
		for i, n := range g.f.Nodes {
			if n.Role == Leaf {
				g.f.Nodes[i].Prefix = netip.PrefixFrom(n.Address, 32)
			}
		}
	}
	return g.f
}

type fabricGen struct {
	t    *rapid.T
	f    Fabric
	next map[string]Port
}

func (g *fabricGen) number(low, high int) int { return rapid.IntRange(low, high).Draw(g.t, "number") }

func (g *fabricGen) port(node string) Port {
	g.next[node] += Port(g.number(1, 9))
	return g.next[node]
}

func (g *fabricGen) node(name string, role Role) {
	i := len(g.f.Nodes) + 1
	n := Node{
		Name: name, Role: role, ID: uint32(i) << g.number(0, 27),
		Address: netip.AddrFrom4([4]byte{10, byte(i), byte(g.number(0, 255)), byte(g.number(0, 255))}),
		MAC:     MAC{byte(2 * g.number(0, 127)), byte(g.number(0, 255)), 0, 0, 0, byte(i)},
		Program: role.Program(),
		P4RT:    rapid.SampledFrom([]string{"", "127.0.0.1:9559", "[::1]:1", "unix:/run/x"}).Draw(g.t, "p4rt"),
	}
	for _, m := range g.f.Nodes {
		if m.ID == n.ID {
			n.ID = 1<<31 | uint32(i) // none of the shifted ids
		}
	}
	g.f.Nodes = append(g.f.Nodes, n)
}

func (g *fabricGen) line() (int64, time.Duration, int) {
	return rapid.Int64Range(0, maxRate).Draw(g.t, "rate"),
		time.Duration(rapid.Int64Range(0, int64(maxDelay)).Draw(g.t, "delay")),
		g.number(0, maxQueue)
}

func (g *fabricGen) link(a, b string, telemetry bool) {
	l := Link{A: Endpoint{a, g.port(a)}, B: Endpoint{b, g.port(b)}, Telemetry: telemetry}
	l.RateBps, l.Delay, l.Queue = g.line()
	g.f.Links = append(g.f.Links, l)
}

func (g *fabricGen) vnet(i, vswitches int) {
	v := VNET{Name: fmt.Sprint("n", i), VNI: uint32(g.number(0, 1<<20-1))<<4 | uint32(i+1)}
	for j := range g.number(0, 3) {
		r := ACLRule{
			ID: uint32(i*10 + j + 1), Priority: int32(j + 1), Inbound: rapid.Bool().Draw(g.t, "inbound"),
			Proto: uint8(g.number(0, 255)), Deny: rapid.Bool().Draw(g.t, "deny"),
		}
		for _, p := range []*netip.Prefix{&r.Src, &r.Dst} {
			if rapid.Bool().Draw(g.t, "prefix") {
				a := netip.AddrFrom4([4]byte{192, 168, 0, byte(g.number(0, 255))})
				*p = netip.PrefixFrom(a, g.number(0, 32)).Masked()
			}
		}
		if r.Proto == 6 || r.Proto == 17 {
			r.DstPort = uint16(g.number(0, 65535))
		}
		v.ACL = append(v.ACL, r)
	}
	g.f.VNETs = append(g.f.VNETs, v)
	if vswitches == 0 {
		return
	}
	for j := range g.number(0, 4) {
		at := fmt.Sprint("v", g.number(0, vswitches-1))
		h := Host{
			Name: fmt.Sprintf("%s.%d", v.Name, j), VNET: v.Name,
			Address: netip.AddrFrom4([4]byte{192, 168, 0, byte(j + 1)}),
			MAC:     MAC{6, 0, 0, 0, 0, byte(j + 1)},
			At:      Endpoint{at, g.port(at)},
		}
		h.RateBps, h.Delay, h.Queue = g.line()
		g.f.Hosts = append(g.f.Hosts, h)
	}
}
