package incident

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/drops"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/p4src"
)

// routes finds switches that have no route (or no next hop) for an underlay prefix,
// one finding per leaf whose vswitches are cut off.
func (a *Analyzer) routes(out []candidate) []candidate {
	groups := a.groups(func(c *drops.Cell) (key, *drops.Episode) {
		if c.Reason() != p4src.DropIPMiss && c.Reason() != p4src.DropNexthopMiss {
			return key{}, nil
		}
		return key{kind: analyzers.RouteMissing, node: c.NodeIndex}, &c.All
	})
	for _, g := range groups {
		if !a.lasting(g) {
			continue
		}
		for _, h := range a.holes(g) {
			k := g.key
			k.what = h.leaf
			out = append(out, candidate{key: k, fresh: g.episode.Last, finding: a.routeFinding(g, h)})
		}
	}
	return out
}

// hole is the destinations behind one leaf that a switch cannot reach.
type hole struct {
	leaf    int32   // -1: addresses the fabric does not have
	missing []int32 // vswitches
	foreign []postcard.Addr
	packets uint64
}

// holes sorts a group's destinations by the leaf they are behind, in order of packets.
func (a *Analyzer) holes(g *group) []*hole {
	var out []*hole
	for _, d := range g.dsts {
		v := a.net.ByAddr(d.Address)
		leaf := a.net.Leaf(v)
		var h *hole
		for _, o := range out {
			if o.leaf == leaf {
				h = o
			}
		}
		if h == nil {
			h = &hole{leaf: leaf}
			out = append(out, h)
		}
		h.packets += d.Packets
		if v < 0 {
			h.foreign = append(h.foreign, d.Address)
		} else if !has(h.missing, v) {
			h.missing = append(h.missing, v)
		}
	}
	return out
}

func has(list []int32, v int32) bool {
	for _, o := range list {
		if o == v {
			return true
		}
	}
	return false
}

func (a *Analyzer) routeFinding(g *group, h *hole) analyzers.Finding {
	e := &g.episode
	node := g.key.node
	cause := drops.CauseOf(g.reason)
	examples := g.examples()
	strengths := []float64{0.7, enough(h.packets, 10)}

	// What else is behind that leaf, and does this switch still carry it?
	var still, carriedBefore []string
	if h.leaf >= 0 {
		for _, v := range a.net.Behind(h.leaf) {
			switch c := a.carriedFor(node, v); {
			case c.within(e) && !has(h.missing, v):
				still = append(still, a.net.Name(v))
			case c.before(e):
				carriedBefore = append(carriedBefore, a.net.Name(v))
			}
		}
	}
	whole := h.leaf >= 0 && len(still) == 0
	prefixes := a.prefixes(h, whole)

	f := g.finding(a)
	f.Packets = h.packets
	f.Place = analyzers.Place{Node: a.net.Name(node), Prefix: strings.Join(prefixes, ",")}
	if h.leaf >= 0 {
		f.Place.Peer = a.net.Name(h.leaf)
	}
	f.Evidence = append(f.Evidence, analyzers.Evidence{
		Text: fmt.Sprintf("%s dropped %d packets of %s for %s because %s, e.g. %s",
			f.Place.Node, h.packets, count(g.flows.Count(), "flow"), a.namesOf(h), strings.Replace(cause.Words, "its destination", "them", 1), flowText(examples)),
		Figures: map[string]float64{"dropped_packets": float64(h.packets), "destinations": float64(len(h.missing) + len(h.foreign))},
		Packets: examples,
	})
	switch {
	case whole:
		strengths = append(strengths, 0.5)
		f.Evidence = append(f.Evidence, analyzers.Evidence{
			Text: fmt.Sprintf("since then %s carried nothing for any vswitch behind %s: the whole of %s is missing there",
				f.Place.Node, f.Place.Peer, f.Place.Prefix),
			Figures: map[string]float64{"vswitches_missing": float64(len(h.missing)), "vswitches_behind": float64(len(a.net.Behind(h.leaf)))},
		})
	case h.leaf >= 0:
		f.Evidence = append(f.Evidence, analyzers.Evidence{
			Text:    fmt.Sprintf("it still carries packets for %s behind the same %s: single addresses are missing", strings.Join(still, ", "), f.Place.Peer),
			Figures: map[string]float64{"vswitches_carried": float64(len(still))},
		})
	default:
		strengths[0] = 0.4
		f.Evidence = append(f.Evidence, analyzers.Evidence{Text: "the fabric has no such address: packets are sent to a place that does not exist"})
	}
	if len(carriedBefore) > 0 {
		strengths = append(strengths, 0.6)
		f.Evidence = append(f.Evidence, analyzers.Evidence{Text: fmt.Sprintf("before, it carried packets for %s: the route was lost", strings.Join(carriedBefore, ", "))})
	}
	if siblings := a.siblings(node, h, e.First); len(siblings) > 0 {
		strengths = append(strengths, 0.6)
		f.Evidence = append(f.Evidence, analyzers.Evidence{
			Text:    fmt.Sprintf("meanwhile %s, a %s too, carries packets for the same destinations", strings.Join(siblings, ", "), a.net.Nodes[node].Role),
			Figures: map[string]float64{"siblings": float64(len(siblings))},
		})
	}
	f.Confidence = confidence(f.ReportLoss, strengths...)
	return f
}

// prefixes returns what is missing: the leaf's prefix as a whole, or single addresses.
func (a *Analyzer) prefixes(h *hole, whole bool) []string {
	if whole {
		return []string{a.net.PrefixOf(h.leaf).String()}
	}
	var out []string
	single := func(addr netip.Addr) { out = append(out, netip.PrefixFrom(addr, addr.BitLen()).String()) }
	for _, v := range h.missing {
		single(a.net.Nodes[v].Address)
	}
	for _, f := range h.foreign[:min(len(h.foreign), 4)] {
		single(f.Netip())
	}
	return out
}

func (a *Analyzer) namesOf(h *hole) string {
	var out []string
	for _, v := range h.missing {
		out = append(out, fmt.Sprintf("%s (%s)", a.net.Name(v), a.net.Nodes[v].Address))
	}
	for _, f := range h.foreign {
		out = append(out, f.String())
	}
	return list(out)
}

// carry is what one switch forwarded for one vswitch.
type carry struct {
	ingress  uint64 // of the latest packet, the switch's own clock; 0 = not reported
	received int64  // of the latest report, collector's clock; 0 = never
	during   int64  // First of the latest episode within which it was seen to forward
}

// carriedFor returns the state for a pair of node and vswitch; node may be unknown.
func (a *Analyzer) carriedFor(node, v int32) *carry {
	if node < 0 {
		return &carry{}
	}
	return &a.carried[node][v]
}

// after reports whether the latest packet came in after the first one was dropped: by
// the switch's own clock, because a report leaves only when the packet does.
func (c *carry) after(e *drops.Episode) bool {
	if e.FirstIngress == 0 || c.ingress == 0 {
		return c.received > e.First
	}
	return c.ingress > e.FirstIngress
}

// before reports whether packets were forwarded, the latest before the episode.
func (c *carry) before(e *drops.Episode) bool { return c.received != 0 && !c.after(e) }

// within reports whether packets were forwarded between drops of the episode; what was
// forwarded after the last of them says nothing, for then it may be over.
func (c *carry) within(e *drops.Episode) bool {
	if c.after(e) && c.received < e.Last {
		c.during = e.First
	}
	return c.during == e.First
}

// siblings are the switches of the same role that forwarded packets for a destination
// of the hole since then, as far as the collector's clock can say.
func (a *Analyzer) siblings(node int32, h *hole, since int64) []string {
	if node < 0 {
		return nil
	}
	var out []string
	for n := range a.net.Nodes {
		if int32(n) == node || a.net.Nodes[n].Role != a.net.Nodes[node].Role {
			continue
		}
		for _, v := range h.missing {
			if a.carried[n][v].received > since {
				out = append(out, a.net.Nodes[n].Name)
				break
			}
		}
	}
	return out
}
