package topology

import (
	"fmt"
	"net/netip"
	"time"
)

// Limits of a fabric. They bound what a hostile file can make us allocate; a
// data centre's pod is far below them.
const (
	MaxNodes = 4096
	MaxLinks = 32768
	MaxVNETs = 4096
	MaxHosts = 65536
	MaxRules = 65536 // of all VNETs together

	// MaxPriority bounds a rule's priority to 14 bits: between two hosts of one
	// vswitch a rule of each direction decides in a single look-up, whose priority
	// is made of both.
	MaxPriority = 1<<14 - 1

	maxName  = 63
	maxRate  = 100_000_000_000_000 // 100 Tb/s
	maxDelay = time.Minute
	maxQueue = 1<<19 - 1 // v1model's queue depths have 19 bits
)

// positions says on which line of the file each thing stands; its slices run
// parallel to the Fabric's and are nil when there is no file.
type positions struct {
	nodes, links, vnets, hosts []int
	rules                      [][]int // by VNET
}

func line(lines []int, i int) int {
	if i < len(lines) {
		return lines[i]
	}
	return 0
}

// Validate returns nil or a [Problems] with everything that is wrong with f:
//
//   - names, node ids, node addresses, node MACs, VNIs and rule ids used twice;
//   - link ends and hosts at nodes that are not there, ports out of 1…509 or
//     used twice, links from a node to itself;
//   - a host anywhere but at a vswitch, a CA or MAC used twice inside one VNET;
//   - not exactly one collector, a switch without exactly one telemetry link,
//     a telemetry link that does not end at the collector, another link that does;
//   - a leaf's prefix that covers a node not behind it, or overlaps another's;
//   - rules of one VNET and direction with the same priority (the order would be
//     undefined);
//   - numbers out of range, too many of anything;
//   - switches between which no path leads.
func Validate(f Fabric) error { return validate(f, positions{}) }

func validate(f Fabric, at positions) error {
	v := &validator{
		f: f, at: at,
		nodes: make(map[string]*Node, len(f.Nodes)),
		ports: make(map[Endpoint]string, 2*len(f.Links)+len(f.Hosts)),
	}
	v.limits()
	if len(v.ps.list) > 0 {
		return v.ps.err()
	}
	v.checkName(0, "fabric", f.Name)
	v.checkNodes()
	v.checkLinks()
	v.checkTelemetry()
	if len(v.ps.list) == 0 { // else they would be blamed for a missing link
		v.checkPrefixes()
	}
	v.checkVNETs()
	v.checkHosts()
	if len(v.ps.list) == 0 {
		v.checkConnected()
	}
	return v.ps.err()
}

type validator struct {
	f     Fabric
	at    positions
	ps    problems
	nodes map[string]*Node
	ports map[Endpoint]string // who uses it
}

func (v *validator) limits() {
	check := func(what string, got, most int) {
		if got > most {
			v.ps.add(0, "", "too many %s: got %d, want at most %d", what, got, most)
		}
	}
	check("nodes", len(v.f.Nodes), MaxNodes)
	check("links", len(v.f.Links), MaxLinks)
	check("VNETs", len(v.f.VNETs), MaxVNETs)
	check("hosts", len(v.f.Hosts), MaxHosts)
	rules := 0
	for _, n := range v.f.VNETs {
		rules += len(n.ACL)
	}
	check("ACL rules", rules, MaxRules)
}

func (v *validator) checkName(line int, place, name string) {
	if err := nameError(name); err != "" {
		v.ps.add(line, place, "name %q %s", name, err)
	}
}

// nameError says why s cannot be a name, or nothing. Names stand in endpoints
// ("a:1"), directed links ("a>b") and metric labels, so they are plain words.
func nameError(s string) string {
	if s == "" {
		return "is empty"
	}
	if len(s) > maxName {
		return fmt.Sprintf("is too long: got %d bytes, want at most %d", len(s), maxName)
	}
	for i := range len(s) {
		c := s[i]
		alnum := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !alnum && (i == 0 || c != '-' && c != '_' && c != '.') {
			return "is not a word of letters, digits, '-', '_' and '.' that starts with a letter or digit"
		}
	}
	return ""
}

func (v *validator) checkNodes() {
	ids := make(map[uint32]string)
	addresses := make(map[netip.Addr]string)
	macs := make(map[MAC]string)
	for i := range v.f.Nodes {
		n := &v.f.Nodes[i]
		line, place := line(v.at.nodes, i), "node "+n.Name
		v.checkName(line, place, n.Name)
		if v.nodes[n.Name] != nil {
			v.ps.add(line, place, "the name is used twice")
		} else {
			v.nodes[n.Name] = n
		}
		switch n.Role {
		case Spine, Leaf, VSwitch, Collector:
			if want := n.Role.Program(); n.Program != want {
				v.ps.add(line, place, "a %s runs program %q, got %q", n.Role, want, n.Program)
			}
		default:
			v.ps.add(line, place, "unknown role %q, want spine, leaf, vswitch or collector", n.Role)
		}
		if n.ID == 0 {
			v.ps.add(line, place, "the node id is 0, which reports cannot carry")
		} else if other, ok := ids[n.ID]; ok {
			v.ps.add(line, place, "node id %d is already that of %s", n.ID, other)
		} else {
			ids[n.ID] = n.Name
		}
		if err := unicastError(n.Address); err != "" {
			v.ps.add(line, place, "underlay address %s", err)
		} else if other, ok := addresses[n.Address]; ok {
			v.ps.add(line, place, "underlay address %v is already that of %s", n.Address, other)
		} else {
			addresses[n.Address] = n.Name
		}
		if err := macError(n.MAC); err != "" {
			v.ps.add(line, place, "%s", err)
		} else if other, ok := macs[n.MAC]; ok {
			v.ps.add(line, place, "MAC %v is already that of %s", n.MAC, other)
		} else {
			macs[n.MAC] = n.Name
		}
		if !printable(n.P4RT) {
			v.ps.add(line, place, "P4Runtime address %q is not printable ASCII without quotes", n.P4RT)
		}
	}
}

// printable reports whether s can stand in a file and in an error as it is.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || s[i] == '"' || s[i] == '\\' {
			return false
		}
	}
	return len(s) <= 255
}

func unicastError(a netip.Addr) string {
	switch {
	case !a.IsValid():
		return "is missing"
	case !a.Is4():
		return fmt.Sprintf("%v is not IPv4", a)
	case a.IsUnspecified(), a.IsMulticast(), a.IsLoopback(), a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return fmt.Sprintf("%v is not a unicast address", a)
	}
	return ""
}

func macError(m MAC) string {
	switch {
	case m == MAC{}:
		return "the MAC is missing"
	case m[0]&1 != 0:
		return fmt.Sprintf("MAC %v is a group address", m)
	}
	return ""
}

// take claims a port for who.
func (v *validator) take(line int, place string, e Endpoint, who string) {
	n := v.nodes[e.Node]
	if n == nil {
		v.ps.add(line, place, "end %v: there is no node %q", e, e.Node)
		return
	}
	most := MaxPort
	if n.Role == Collector {
		most = 1<<16 - 1 // not a v1model switch
	}
	if e.Port < 1 || e.Port > most {
		v.ps.add(line, place, "end %v: port out of range: got %d, want 1…%d", e, e.Port, most)
		return
	}
	if other, ok := v.ports[e]; ok {
		v.ps.add(line, place, "port %v is already that of %s", e, other)
		return
	}
	v.ports[e] = who
}

func (v *validator) checkLine(line int, place string, rate int64, delay time.Duration, queue int) {
	if rate < 0 || rate > maxRate {
		v.ps.add(line, place, "rate out of range: got %d b/s, want 0…%d (0 = unlimited)", rate, int64(maxRate))
	}
	if delay < 0 || delay > maxDelay {
		v.ps.add(line, place, "delay out of range: got %v, want 0s…%v", delay, maxDelay)
	}
	if queue < 0 || queue > maxQueue {
		v.ps.add(line, place, "queue out of range: got %d packets, want 0…%d (0 = the switch's own)", queue, maxQueue)
	}
}

func (v *validator) checkLinks() {
	for i, l := range v.f.Links {
		line, place := line(v.at.links, i), l.place()
		if l.A.Node == l.B.Node {
			v.ps.add(line, place, "joins %q to itself", l.A.Node)
		}
		v.take(line, place, l.A, place)
		v.take(line, place, l.B, place)
		v.checkLine(line, place, l.RateBps, l.Delay, l.Queue)
	}
}

func (l Link) place() string { return "link " + l.A.String() + "–" + l.B.String() }

func (v *validator) checkTelemetry() {
	collectors := 0
	for i, n := range v.f.Nodes {
		if n.Role == Collector {
			if collectors++; collectors == 2 {
				v.ps.add(line(v.at.nodes, i), "node "+n.Name, "is a second collector, want exactly one")
			}
		}
	}
	if collectors == 0 {
		v.ps.add(0, "", "there is no collector node, want exactly one")
	}
	links := make(map[string]int) // telemetry links by switch
	for i, l := range v.f.Links {
		a, b := v.nodes[l.A.Node], v.nodes[l.B.Node]
		if a == nil || b == nil {
			continue // dangling, said already
		}
		atCollector := a.Role == Collector || b.Role == Collector
		line := line(v.at.links, i)
		switch {
		case l.Telemetry && !atCollector:
			v.ps.add(line, l.place(), "is a telemetry link but does not end at the collector")
		case !l.Telemetry && atCollector:
			v.ps.add(line, l.place(), "ends at the collector but is not a telemetry link")
		case l.Telemetry:
			for _, n := range []*Node{a, b} {
				if n.Role == Collector {
					continue
				}
				if links[n.Name]++; links[n.Name] == 2 {
					v.ps.add(line, l.place(), "is a second telemetry link of %s, want exactly one", n.Name)
				}
			}
		}
	}
	for i, n := range v.f.Nodes {
		if n.Role != Collector && links[n.Name] == 0 {
			v.ps.add(line(v.at.nodes, i), "node "+n.Name, "has no telemetry link to the collector")
		}
	}
}

func (v *validator) checkPrefixes() {
	linked := make(map[[2]string]bool, 2*len(v.f.Links))
	for _, l := range v.f.Links {
		linked[[2]string{l.A.Node, l.B.Node}] = true
		linked[[2]string{l.B.Node, l.A.Node}] = true
	}
	var prefixes []netip.Prefix
	var owners []string
	for i, n := range v.f.Nodes {
		if n.Prefix == (netip.Prefix{}) {
			continue
		}
		line, place := line(v.at.nodes, i), "node "+n.Name
		if n.Role != Leaf {
			v.ps.add(line, place, "has prefix %v, which only a leaf can have", n.Prefix)
			continue
		}
		if err := prefixError(n.Prefix); err != "" {
			v.ps.add(line, place, "prefix %s", err)
			continue
		}
		if n.Prefix.Bits() == 0 || !n.Prefix.Contains(n.Address) {
			v.ps.add(line, place, "prefix %v does not cover its own address %v, or covers everything", n.Prefix, n.Address)
		}
		for j, p := range prefixes {
			if p.Overlaps(n.Prefix) {
				v.ps.add(line, place, "prefix %v overlaps %v of %s", n.Prefix, p, owners[j])
			}
		}
		prefixes, owners = append(prefixes, n.Prefix), append(owners, n.Name)
		for _, m := range v.f.Nodes {
			if m.Name == n.Name || !m.Address.IsValid() || !n.Prefix.Contains(m.Address) {
				continue
			}
			if m.Role != VSwitch || !linked[[2]string{n.Name, m.Name}] {
				v.ps.add(line, place, "prefix %v covers %v of %s, which is not a vswitch behind it", n.Prefix, m.Address, m.Name)
			}
		}
	}
}

func prefixError(p netip.Prefix) string {
	switch {
	case !p.IsValid():
		return "is malformed"
	case !p.Addr().Is4():
		return fmt.Sprintf("%v is not IPv4", p)
	case p != p.Masked():
		return fmt.Sprintf("%v has bits set after its length, want %v", p, p.Masked())
	}
	return ""
}

// checkConnected looks for switches that others cannot reach. Where a switch
// forwards, asking it is enough: reaching is symmetric, and two that reach it
// reach each other through it. Vswitches do not forward, so where there is
// nothing else each has to be asked; one that is missing a link ends the search.
func (v *validator) checkConnected() {
	g := newGraph(v.f)
	for _, forwards := range []bool{true, false} {
		for i, n := range v.f.Nodes {
			if n.Role == Collector || forwards == (n.Role == VSwitch) {
				continue
			}
			dist := g.distances(i)
			for j, m := range v.f.Nodes {
				if m.Role != Collector && dist[j] == unreachable {
					v.ps.add(line(v.at.nodes, j), "node "+m.Name, "no path leads from it to %s", n.Name)
				}
			}
			if forwards || len(v.ps.list) > 0 {
				return
			}
		}
	}
}
