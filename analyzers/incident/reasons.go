package incident

import (
	"fmt"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/drops"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/p4src"
)

// kindOf returns the kind of finding that lasting drops for a reason make, for the
// reasons that no other detector judges.
func kindOf(reason uint8) (analyzers.Kind, bool) {
	switch reason {
	case p4src.DropACLDeny, p4src.DropIPMiss, p4src.DropNexthopMiss, p4src.DropTrafficManager:
		return "", false
	case p4src.DropMappingMiss:
		return analyzers.MappingMissing, true
	case p4src.DropVNIUnknown, p4src.DropSourceSpoofed, p4src.DropNestedOverlay, p4src.DropNotOurs:
		return analyzers.IsolationBreach, true
	case p4src.DropIPTTLZero:
		return analyzers.TTLExpired, true
	case p4src.DropMTU:
		return analyzers.MTUExceeded, true
	}
	return analyzers.Unexplained, true
}

// reasons finds lasting drops whose reason speaks for itself.
func (a *Analyzer) reasons(out []candidate) []candidate {
	groups := a.groups(func(c *drops.Cell) (key, *drops.Episode) {
		kind, ok := kindOf(c.Reason())
		if !ok || a.tenantsOwn(c) {
			return key{}, nil
		}
		k := key{kind: kind, node: c.NodeIndex, what: int32(c.Reason())}
		switch kind {
		case analyzers.MTUExceeded:
			k.port = c.OutPort()
		case analyzers.MappingMissing:
			k.vni = c.VNI()
			return k, &c.Known // an address nobody has is its sender's mistake
		case analyzers.IsolationBreach, analyzers.Unexplained:
			k.port = c.InPort()
		}
		return k, &c.All
	})
	for _, g := range groups {
		if !a.lasting(g) {
			continue
		}
		out = append(out, candidate{key: g.key, fresh: g.episode.Last, finding: a.reasonFinding(g)})
	}
	return out
}

// tenantsOwn reports whether the drops are frames that a tenant's machine sent and no
// network of ours is meant to carry.
func (a *Analyzer) tenantsOwn(c *drops.Cell) bool {
	if a.net.PortAt(c.NodeIndex, c.InPort()).Kind != analyzers.ToHost {
		return false
	}
	switch c.Reason() {
	case p4src.DropNotIPv4, p4src.DropParserError, p4src.DropIPChecksum, p4src.DropIPTTLZero:
		return true
	}
	return false
}

func (a *Analyzer) reasonFinding(g *group) analyzers.Finding {
	e := &g.episode
	cause := drops.CauseOf(g.reason)
	strengths := []float64{0.6, enough(e.Packets, 10)}
	if g.key.kind == analyzers.Unexplained {
		strengths = []float64{0.5 * enough(e.Packets, 10)}
	}
	f := g.finding(a, strengths...)
	port := a.net.PortAt(g.key.node, g.key.port)
	vnet, _ := a.net.VNETByVNI(g.key.vni)
	f.Place = analyzers.Place{Node: a.net.Name(g.key.node), Port: g.key.port, Peer: port.PeerName, VNI: g.key.vni, VNET: vnet.Name}
	examples := g.examples()
	if len(g.dsts) > 0 && g.key.kind == analyzers.TTLExpired {
		f.Place.Prefix = g.dsts[0].Address.String()
	}
	if g.key.kind == analyzers.MappingMissing && len(examples) > 0 {
		f.Place.Prefix = examples[0].Inner.Dst.String()
	}
	f.Evidence = []analyzers.Evidence{{
		Text: fmt.Sprintf("%s dropped %d packets of %s (%s: %s), e.g. %s",
			f.Place.Node, e.Packets, count(g.flows.Count(), "flow"), cause.Class, cause.Words, flowText(examples)),
		Figures: map[string]float64{"dropped_packets": float64(e.Packets), "reason": float64(g.reason)},
		Packets: examples,
	}}
	if text := a.whereItLives(g, examples); text != "" {
		f.Evidence = append(f.Evidence, analyzers.Evidence{Text: text})
	}
	if e.Before > 0 {
		f.Evidence = append(f.Evidence, analyzers.Evidence{
			Text:    fmt.Sprintf("before, %d packets of these services were delivered", e.Before),
			Figures: map[string]float64{"delivered_before": float64(e.Before)},
		})
	}
	return f
}

// whereItLives says what the fabric knows of the first example's destination, where
// that bears on the reason.
func (a *Analyzer) whereItLives(g *group, examples []postcard.Record) string {
	if len(examples) == 0 || g.reason != p4src.DropMappingMiss && g.reason != p4src.DropVNIUnknown {
		return ""
	}
	r := &examples[0]
	host, ok := a.net.HostByAddress(r.VNI, r.Inner.Dst.Netip())
	switch {
	case !ok:
		return fmt.Sprintf("the fabric has no machine %s in VNI %d", r.Inner.Dst, r.VNI)
	case g.reason == p4src.DropMappingMiss:
		return fmt.Sprintf("%s is %s of %s, behind %s: the mapping should exist", host.Address, host.Name, host.VNET, host.At.Node)
	case host.At.Node == a.net.Name(g.key.node):
		return fmt.Sprintf("%s is %s of %s, behind this very vswitch: it lost the entry", host.Address, host.Name, host.VNET)
	}
	return fmt.Sprintf("%s is %s of %s, behind %s: whoever tunnelled it here has a wrong mapping", host.Address, host.Name, host.VNET, host.At.Node)
}
