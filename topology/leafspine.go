package topology

import (
	"fmt"
	"net/netip"
	"time"
)

// Line is the rate, delay and queue of one kind of link; see [Link].
type Line struct {
	RateBps int64
	Delay   time.Duration
	Queue   int
}

// LeafSpineConfig says what [LeafSpine] makes.
type LeafSpineConfig struct {
	Name         string
	Spines       int // 1…254
	Leaves       int // 1…254
	VSwitches    int // per leaf, 1…200
	VNETs        int // at least 1
	HostsPerVNET int // at least 1, at most 65534

	Host      Line // vswitch – host
	Access    Line // leaf – vswitch
	Trunk     Line // spine – leaf
	Telemetry Line // switch – collector
}

// DefaultLeafSpine is the demo's fabric: 2 spines, 4 leaves, 8 vswitches and 3
// VNETs of 6 hosts that reuse the same addresses, with the rates of a small lab.
func DefaultLeafSpine() LeafSpineConfig {
	return LeafSpineConfig{
		Name: "demo", Spines: 2, Leaves: 4, VSwitches: 2, VNETs: 3, HostsPerVNET: 6,
		Host:      Line{100_000_000, time.Microsecond, 64},
		Access:    Line{1_000_000_000, 2 * time.Microsecond, 64},
		Trunk:     Line{1_000_000_000, 5 * time.Microsecond, 64},
		Telemetry: Line{1_000_000_000, 10 * time.Microsecond, 4096},
	}
}

// telemetryPort is the same on every switch that [LeafSpine] makes.
const telemetryPort Port = 500

// LeafSpine makes a fabric in which every leaf is linked to every spine. The same
// configuration gives the same fabric, and everything in it can be read off its
// name (s, l, v and h count from 1; v and h over the whole fabric and VNET):
//
//	node       id      address        MAC                ports
//	spine<s>   1000+s  10.0.0.s       02:00:<id>         l → leaf<l>, 500 telemetry
//	leaf<l>    2000+l  10.1.l.1       02:00:<id>         s → spine<s>, S+1… → its vswitches, 500
//	vs<v>      3000+v  10.1.l.10+i    02:00:<id>         1 → leaf<l>, 2… → its hosts, 500
//	collector  1       10.255.0.1     02:00:<id>         one per switch, in file order
//	<vnet>-<h>         192.168.0.h    06:<vni>:<h>       behind vs<v>
//
// A leaf's prefix is 10.1.l.0/24 and its i-th vswitch (1…) has 10.1.l.10+i. VNETs
// are red, green, blue, yellow, cyan, magenta, vnet7, vnet8, … with VNI 1001,
// 1002, …, and each has one rule (id VNI·10+1) that denies telnet to its hosts.
// Hosts go round the leaves first and round a leaf's vswitches second, each VNET
// beginning where the one before ended, so that a VNET's hosts are spread over
// leaves while not every vswitch knows every VNET.
//
// The error names the number that is out of range.
func LeafSpine(c LeafSpineConfig) (Fabric, error) {
	for _, n := range []struct {
		name      string
		got, most int
	}{
		{"spines", c.Spines, 254},
		{"leaves", c.Leaves, 254},
		{"vswitches per leaf", c.VSwitches, 200},
		{"VNETs", c.VNETs, MaxVNETs},
		{"hosts per VNET", c.HostsPerVNET, 65534},
	} {
		if n.got < 1 || n.got > n.most {
			return Fabric{}, fmt.Errorf("cannot make leaf-spine %q: %s: got %d, want 1…%d", c.Name, n.name, n.got, n.most)
		}
	}
	if n := c.Spines + c.Leaves*(1+c.VSwitches) + 1; n > MaxNodes {
		return Fabric{}, fmt.Errorf("cannot make leaf-spine %q: got %d nodes, want at most %d", c.Name, n, MaxNodes)
	}
	if n := c.VNETs * c.HostsPerVNET; n > MaxHosts {
		return Fabric{}, fmt.Errorf("cannot make leaf-spine %q: got %d hosts, want at most %d", c.Name, n, MaxHosts)
	}
	f := Fabric{Name: c.Name}
	c.nodes(&f)
	c.links(&f)
	c.tenants(&f)
	if err := Validate(f); err != nil {
		return Fabric{}, fmt.Errorf("cannot make leaf-spine %q: %w", c.Name, err)
	}
	return f, nil
}

func (c LeafSpineConfig) nodes(f *Fabric) {
	add := func(name string, role Role, id uint32, address netip.Addr, prefix netip.Prefix) {
		f.Nodes = append(f.Nodes, Node{
			Name: name, Role: role, ID: id, Address: address, Prefix: prefix,
			MAC: nodeMAC(id), Program: role.Program(),
		})
	}
	v4 := func(a, b, c, d int) netip.Addr {
		return netip.AddrFrom4([4]byte{byte(a), byte(b), byte(c), byte(d)})
	}
	for s := 1; s <= c.Spines; s++ {
		add(fmt.Sprint("spine", s), Spine, uint32(1000+s), v4(10, 0, 0, s), netip.Prefix{})
	}
	for l := 1; l <= c.Leaves; l++ {
		add(fmt.Sprint("leaf", l), Leaf, uint32(2000+l), v4(10, 1, l, 1), netip.PrefixFrom(v4(10, 1, l, 0), 24))
	}
	for v := 1; v <= c.Leaves*c.VSwitches; v++ {
		l, i := (v-1)/c.VSwitches+1, (v-1)%c.VSwitches+1
		add(fmt.Sprint("vs", v), VSwitch, uint32(3000+v), v4(10, 1, l, 10+i), netip.Prefix{})
	}
	add("collector", Collector, 1, v4(10, 255, 0, 1), netip.Prefix{})
}

func (c LeafSpineConfig) links(f *Fabric) {
	add := func(a string, ap int, b string, bp int, line Line, telemetry bool) {
		f.Links = append(f.Links, Link{
			A: Endpoint{a, Port(ap)}, B: Endpoint{b, Port(bp)},
			RateBps: line.RateBps, Delay: line.Delay, Queue: line.Queue, Telemetry: telemetry,
		})
	}
	for l := 1; l <= c.Leaves; l++ {
		for s := 1; s <= c.Spines; s++ {
			add(fmt.Sprint("leaf", l), s, fmt.Sprint("spine", s), l, c.Trunk, false)
		}
	}
	for v := 1; v <= c.Leaves*c.VSwitches; v++ {
		l, i := (v-1)/c.VSwitches+1, (v-1)%c.VSwitches+1
		add(fmt.Sprint("vs", v), 1, fmt.Sprint("leaf", l), c.Spines+i, c.Access, false)
	}
	for i, n := range f.Nodes[:len(f.Nodes)-1] { // the collector is the last
		add(n.Name, int(telemetryPort), "collector", i+1, c.Telemetry, true)
	}
}

func (c LeafSpineConfig) tenants(f *Fabric) {
	names := []string{"red", "green", "blue", "yellow", "cyan", "magenta"}
	vswitches := c.Leaves * c.VSwitches
	next := make([]Port, vswitches) // hosts so far, by vswitch
	turn := 0
	for n := range c.VNETs {
		v := VNET{Name: fmt.Sprint("vnet", n+1), VNI: uint32(1001 + n)}
		if n < len(names) {
			v.Name = names[n]
		}
		v.ACL = []ACLRule{{ID: v.VNI*10 + 1, Priority: 10, Inbound: true, Proto: 6, DstPort: 23, Deny: true}}
		f.VNETs = append(f.VNETs, v)
		for h := 1; h <= c.HostsPerVNET; h++ {
			at := turn % vswitches
			leaf, i := at%c.Leaves, at/c.Leaves
			vs := leaf*c.VSwitches + i
			turn++
			next[vs]++
			port := 1 + next[vs]
			if port >= telemetryPort {
				port++
			}
			f.Hosts = append(f.Hosts, Host{
				Name: fmt.Sprintf("%s-%d", v.Name, h), VNET: v.Name,
				Address: netip.AddrFrom4([4]byte{192, 168, byte(h >> 8), byte(h)}),
				MAC:     MAC{6, byte(v.VNI >> 16), byte(v.VNI >> 8), byte(v.VNI), byte(h >> 8), byte(h)},
				At:      Endpoint{fmt.Sprint("vs", vs+1), port},
				RateBps: c.Host.RateBps, Delay: c.Host.Delay, Queue: c.Host.Queue,
			})
		}
	}
}

// nodeMAC is what a node without a MAC of its own gets.
func nodeMAC(id uint32) MAC {
	return MAC{2, 0, byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id)}
}

// hostMAC is what a host without a MAC of its own gets.
func hostMAC(ca netip.Addr) MAC {
	b := ca.As4()
	return MAC{6, 0, b[0], b[1], b[2], b[3]}
}
