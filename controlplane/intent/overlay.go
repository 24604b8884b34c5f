package intent

import (
	"fmt"
	"net/netip"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"

	"github.com/telltale-net/telltale/topology"
)

// overlay adds vtep, overlay, acl, source_guard and ports of a vswitch: last what
// lets packets in.
func (b *builder) overlay() {
	b.add(b.s.setDefault("vtep", do("set_vtep", addr(b.node.Address))))
	here := b.ix.HostsAt(b.node.Name)
	local := make(map[string][]topology.Host) // by VNET
	for _, h := range here {
		local[h.VNET] = append(local[h.VNET], h)
	}
	for _, h := range b.ix.Fabric().Hosts {
		if local[h.VNET] == nil {
			continue // no host here may talk to it
		}
		b.mapping(h)
	}
	for _, v := range b.ix.Fabric().VNETs {
		if local[v.Name] == nil {
			continue
		}
		for _, r := range v.ACL {
			b.add(ACLEntry(b.s, v.VNI, r))
		}
		for _, h := range local[v.Name] {
			if len(local[v.Name]) == 1 {
				break // nobody to talk to on this vswitch
			}
			for _, e := range localRules(v, h.Address) {
				b.add(e.entry(b.s, v.VNI))
			}
		}
	}
	for _, h := range here {
		b.add(b.s.entry("source_guard", 0, []match{
			{key: "ingress_port", value: num(h.At.Port)}, {key: "src", value: addr(h.Address)},
		}, do("source_ok")))
	}
	for _, port := range b.ix.Ports(b.node.Name) {
		at := topology.Endpoint{Node: b.node.Name, Port: port}
		to := do("uplink_port")
		if h, ok := b.ix.HostAt(at); ok {
			to = do("tenant_port", num(b.vni(h)))
		} else if l, _ := b.ix.Link(at); l.Telemetry {
			continue // nothing comes from there
		}
		b.add(b.s.entry("ports", 0, []match{{key: "ingress_port", value: num(port)}}, to))
	}
}

func (b *builder) vni(h topology.Host) uint32 {
	v, ok := b.ix.VNET(h.VNET)
	if !ok {
		panic(fmt.Sprintf("BUG: host %s is in VNET %q, which the index does not have", h.Name, h.VNET))
	}
	return v.VNI
}

// mapping adds where a CA lives.
func (b *builder) mapping(h topology.Host) {
	ms := []match{{key: "vni", value: num(b.vni(h))}, {key: "dst", value: addr(h.Address)}}
	if h.At.Node == b.node.Name {
		b.add(b.s.entry("overlay", 0, ms, do("local", num(h.At.Port), hw(b.node.MAC), hw(h.MAC))))
		return
	}
	at, ok := b.ix.Node(h.At.Node)
	if !ok {
		panic(fmt.Sprintf("BUG: host %s is at %q, which the index does not have", h.Name, h.At.Node))
	}
	b.add(b.s.entry("overlay", 0, ms, do("remote", addr(at.Address))))
}

// ACLEntry is the entity of one rule in its own direction, for the vswitches of its
// side: part of what [For] makes, or a rule that nobody intended.
func ACLEntry(s *Schema, vni uint32, r topology.ACLRule) (*p4v1.Entity, error) {
	if s.program != "vswitch" {
		return nil, fmt.Errorf("program %s: it has no table acl", s.program)
	}
	if r.Priority < 1 {
		return nil, fmt.Errorf("program %s: table acl: rule %d: priority out of range: got %d, want at least 1", s.program, r.ID, r.Priority)
	}
	for _, p := range []netip.Prefix{r.Src, r.Dst} {
		if p != (netip.Prefix{}) && (!p.IsValid() || !p.Addr().Is4()) {
			return nil, fmt.Errorf("program %s: table acl: rule %d: prefix %v is not IPv4", s.program, r.ID, p)
		}
	}
	e := aclEntry{criteria: criteria{r.Src, r.Dst, r.Proto, r.DstPort}, toTenant: r.Inbound, priority: r.Priority, deny: r.Deny, rule: r.ID}
	return e.entry(s, vni)
}

// criteria is what a rule matches; zero values match anything.
type criteria struct {
	src, dst netip.Prefix
	proto    uint8
	dport    uint16
}

// meet returns what both match.
func (c criteria) meet(d criteria) (criteria, bool) {
	var ok [4]bool
	c.src, ok[0] = meetPrefix(c.src, d.src)
	c.dst, ok[1] = meetPrefix(c.dst, d.dst)
	c.proto, ok[2] = meetNumber(c.proto, d.proto)
	c.dport, ok[3] = meetNumber(c.dport, d.dport)
	return c, ok == [4]bool{true, true, true, true}
}

func meetPrefix(p, q netip.Prefix) (netip.Prefix, bool) {
	if p.Bits() <= 0 {
		return q, true
	}
	if q.Bits() <= 0 {
		return p, true
	}
	if p.Bits() < q.Bits() {
		p, q = q, p
	}
	return p, q.Contains(p.Addr())
}

func meetNumber[T uint8 | uint16](a, b T) (T, bool) {
	switch {
	case a == 0 || a == b:
		return b, true
	case b == 0:
		return a, true
	}
	return 0, false
}

type aclEntry struct {
	criteria
	toTenant bool
	priority int32
	deny     bool
	rule     uint32
}

func (e aclEntry) entry(s *Schema, vni uint32) (*p4v1.Entity, error) {
	ms := []match{{key: "vni", value: num(vni)}, {key: "direction", value: bit(e.toTenant)}}
	ms = addPrefix(ms, "src", e.src)
	ms = addPrefix(ms, "dst", e.dst)
	ms = addNumber(ms, "proto", 8, e.proto)
	ms = addNumber(ms, "dport", 16, e.dport)
	to := "permit"
	if e.deny {
		to = "deny"
	}
	return s.entry("acl", e.priority, ms, do(to, num(e.rule)))
}

// localRules is the policy between hosts of one vswitch, for one destination: the
// pairs of the package comment. A pair that comes after a denial by the outbound
// rule alone is not needed, nor is one in which the inbound side has no rules.
func localRules(v topology.VNET, ca netip.Addr) []aclEntry {
	const base, outShift = 1 << 28, 14
	to := criteria{dst: netip.PrefixFrom(ca, ca.BitLen())}
	var out, in []topology.ACLRule
	for _, r := range v.ACL {
		if r.Inbound {
			in = append(in, r)
		} else {
			out = append(out, r)
		}
	}
	if len(in) == 0 {
		return nil // the outbound rules say everything
	}
	var entries []aclEntry
	pair := func(o, i topology.ACLRule) {
		c, ok := to.meet(criteria{o.Src, o.Dst, o.Proto, o.DstPort})
		if ok {
			c, ok = c.meet(criteria{i.Src, i.Dst, i.Proto, i.DstPort})
		}
		if !ok {
			return
		}
		e := aclEntry{criteria: c, priority: base | o.Priority<<outShift | i.Priority, deny: o.Deny || i.Deny, rule: i.ID}
		if i.ID == 0 {
			e.rule = o.ID
		}
		entries = append(entries, e)
	}
	var none topology.ACLRule
	for _, o := range append(out, none) {
		if !o.Deny {
			for _, i := range in {
				pair(o, i)
			}
		}
		if o.ID != 0 {
			pair(o, none)
		}
	}
	return entries
}
