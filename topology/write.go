package topology

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Write returns f as a topology file. The same fabric gives the same bytes, and
// Read gives a valid fabric back as it was. Values that are zero are left out and
// p4.defaults is not used, so that each line stands for itself.
func Write(f Fabric) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "name: %s\ntopology:\n", word(f.Name))
	empty(&b, "  nodes:", len(f.Nodes), "{}")
	for _, n := range f.Nodes {
		kind := n.Program
		if kind == "" {
			kind = string(Collector)
		}
		p4 := flow{}
		p4.add("id", strconv.FormatUint(uint64(n.ID), 10))
		p4.add("address", n.Address.String())
		if n.Prefix.IsValid() {
			p4.add("prefix", n.Prefix.String())
		}
		p4.add("mac", quote(n.MAC.String()))
		if n.P4RT != "" {
			p4.add("p4rt", quote(n.P4RT))
		}
		fmt.Fprintf(&b, "    %s: {kind: %s, group: %s, p4: %s}\n", word(n.Name), word(kind), word(string(n.Role)), p4)
	}
	empty(&b, "  links:", len(f.Links), "[]")
	for _, l := range f.Links {
		p4 := flow{}
		p4.line(l.RateBps, l.Delay, l.Queue)
		if l.Telemetry {
			p4.add("telemetry", "true")
		}
		fmt.Fprintf(&b, "    - {endpoints: [%s, %s]", quote(l.A.String()), quote(l.B.String()))
		if len(p4) > 0 {
			fmt.Fprintf(&b, ", p4: %s", p4)
		}
		b.WriteString("}\n")
	}
	if len(f.VNETs)+len(f.Hosts) > 0 {
		b.WriteString("p4:\n")
	}
	if len(f.VNETs) > 0 {
		b.WriteString("  vnets:\n")
	}
	for _, v := range f.VNETs {
		fmt.Fprintf(&b, "    - name: %s\n      vni: %d\n", word(v.Name), v.VNI)
		if len(v.ACL) > 0 {
			b.WriteString("      acl:\n")
		}
		for _, r := range v.ACL {
			fmt.Fprintf(&b, "        - %s\n", writeRule(r))
		}
	}
	if len(f.Hosts) > 0 {
		b.WriteString("  hosts:\n")
	}
	for _, h := range f.Hosts {
		m := flow{}
		m.add("name", word(h.Name))
		m.add("vnet", word(h.VNET))
		m.add("address", h.Address.String())
		m.add("mac", quote(h.MAC.String()))
		m.add("at", quote(h.At.String()))
		m.line(h.RateBps, h.Delay, h.Queue)
		fmt.Fprintf(&b, "    - %s\n", m)
	}
	return []byte(b.String())
}

func writeRule(r ACLRule) flow {
	m := flow{}
	m.add("id", strconv.FormatUint(uint64(r.ID), 10))
	m.add("priority", strconv.Itoa(int(r.Priority)))
	m.add("direction", map[bool]string{true: "in", false: "out"}[r.Inbound])
	if r.Src.IsValid() {
		m.add("src", r.Src.String())
	}
	if r.Dst.IsValid() {
		m.add("dst", r.Dst.String())
	}
	if r.Proto != 0 {
		m.add("proto", formatProto(r.Proto))
	}
	if r.DstPort != 0 {
		m.add("port", strconv.Itoa(int(r.DstPort)))
	}
	m.add("action", map[bool]string{true: "deny", false: "permit"}[r.Deny])
	return m
}

// empty writes a key, with what stands for nothing where n is 0.
func empty(b *strings.Builder, key string, n int, nothing string) {
	b.WriteString(key)
	if n == 0 {
		b.WriteString(" " + nothing)
	}
	b.WriteByte('\n')
}

// flow is a mapping in YAML's flow style.
type flow []string

func (f *flow) add(key, value string) { *f = append(*f, key+": "+value) }

func (f *flow) line(rate int64, delay time.Duration, queue int) {
	if rate != 0 {
		f.add("rate", formatRate(rate))
	}
	if delay != 0 {
		f.add("delay", formatDelay(delay))
	}
	if queue != 0 {
		f.add("queue", strconv.Itoa(queue))
	}
}

func (f flow) String() string { return "{" + strings.Join(f, ", ") + "}" }

// word writes a name bare; what no valid fabric holds is quoted, so that the file
// stays YAML and Read can name it.
func word(s string) string {
	if nameError(s) == "" {
		return s
	}
	return quote(s)
}

func quote(s string) string { return strconv.QuoteToASCII(s) }
