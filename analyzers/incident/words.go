package incident

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/telltale-net/telltale/analyzers/drops"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/topology"
)

// count is a number of things in words: "3 flows", "at least 256 flows".
func count(d drops.Distinct, what string) string {
	least := ""
	if d.AtLeast {
		least = "at least "
	}
	if d.N != 1 {
		what += "s"
	}
	return fmt.Sprintf("%s%d %s", least, d.N, what)
}

// list joins names: "a", "a and b", "a, b and 3 more".
func list(names []string) string {
	const most = 4
	if len(names) > most {
		names = append(names[:most-1:most-1], fmt.Sprintf("%d more", len(names)-most+1))
	}
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

// flowText names the first example's flow as its tenant knows it.
func flowText(examples []postcard.Record) string {
	if len(examples) == 0 {
		return "none kept"
	}
	f := examples[0].Inner
	if examples[0].Has&postcard.HasInner == 0 {
		f = examples[0].Outer
	}
	if f == (postcard.Flow{}) {
		return "a packet without a readable flow"
	}
	return fmt.Sprintf("%s %s → %s", protoText(f.Proto),
		netip.AddrPortFrom(f.Src.Netip(), f.SrcPort), netip.AddrPortFrom(f.Dst.Netip(), f.DstPort))
}

func protoText(p uint8) string {
	switch p {
	case 1:
		return "ICMP"
	case 6:
		return "TCP"
	case 17:
		return "UDP"
	}
	return fmt.Sprintf("protocol %d", p)
}

// words is a policy rule in words.
func words(r topology.ACLRule) string {
	var b strings.Builder
	b.WriteString(map[bool]string{true: "deny", false: "permit"}[r.Deny])
	b.WriteString(map[bool]string{true: " inbound", false: " outbound"}[r.Inbound])
	if r.Proto != 0 {
		b.WriteString(" " + protoText(r.Proto))
	}
	if r.Src.IsValid() {
		b.WriteString(" from " + r.Src.String())
	}
	if r.Dst.IsValid() {
		b.WriteString(" to " + r.Dst.String())
	}
	if r.DstPort != 0 {
		fmt.Fprintf(&b, " port %d", r.DstPort)
	}
	return b.String()
}

// between says how long before or after b a was.
func between(a, b int64) string {
	switch d := time.Duration(b - a); {
	case a == 0:
		return "never seen, long before"
	case d < 0:
		return d.Abs().Round(time.Microsecond).String() + " after"
	default:
		return d.Round(time.Microsecond).String() + " before"
	}
}

func nsText(ns uint64) string {
	d := time.Duration(ns)
	switch {
	case d >= time.Second:
		d = d.Round(10 * time.Millisecond)
	case d >= time.Millisecond:
		d = d.Round(10 * time.Microsecond)
	case d >= time.Microsecond:
		d = d.Round(100 * time.Nanosecond)
	}
	return d.String()
}

// rateText writes bits per second with up to four digits.
func rateText(bps float64) string {
	for _, u := range []struct {
		at   float64
		name string
	}{{1e9, "Gb/s"}, {1e6, "Mb/s"}, {1e3, "kb/s"}} {
		if bps >= u.at {
			return fmt.Sprintf("%.4g %s", bps/u.at, u.name)
		}
	}
	return fmt.Sprintf("%.4g b/s", bps)
}
