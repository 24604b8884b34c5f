package incident

import (
	"fmt"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/drops"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/p4src"
)

// policy finds rules that deny what used to pass.
func (a *Analyzer) policy(out []candidate) []candidate {
	groups := a.groups(func(c *drops.Cell) (key, *drops.Episode) {
		if c.Reason() != p4src.DropACLDeny {
			return key{}, nil
		}
		return key{kind: analyzers.PolicyDeny, node: c.NodeIndex, rule: c.Rule(), vni: c.VNI()}, &c.Passed
	})
	for _, g := range groups {
		if g.episode.Packets >= a.cfg.DenyPackets {
			out = append(out, candidate{key: g.key, fresh: g.episode.Last, finding: a.policyFinding(g)})
		}
	}
	return out
}

func (a *Analyzer) policyFinding(g *group) analyzers.Finding {
	e := &g.episode
	vnet, _ := a.net.VNETByVNI(g.key.vni)
	examples := g.examples()
	last, alsoAfter := a.lastDelivered(examples, e.First)

	// The reason is the switch's own word; that it used to work rests on the packets
	// delivered before; a rule the tenant's policy does not have is no intention.
	strengths := []float64{0.7, enough(e.Packets, 5), 0.9 * enough(e.Before, 5)}
	configured, _, known := a.net.Rule(g.key.rule)
	ruleText := fmt.Sprintf("rule %d is not in the policy that the topology gives %s", g.key.rule, vnet.Name)
	if known {
		ruleText = fmt.Sprintf("rule %d is in the topology's policy (%s): it may be intended and only now in force", configured.ID, words(configured))
		strengths[0] = 0.3
	}
	if alsoAfter {
		strengths[2] /= 2
	}

	f := g.finding(a, strengths...)
	f.Place = analyzers.Place{Node: a.net.Name(g.key.node), VNET: vnet.Name, VNI: g.key.vni, Rule: g.key.rule}
	f.Evidence = []analyzers.Evidence{
		{
			Text: fmt.Sprintf("rule %d of %s at %s denied %d packets of %s that used to pass, e.g. %s",
				g.key.rule, vnet.Name, f.Place.Node, e.Packets, count(g.flows.Count(), "flow"), flowText(examples)),
			Figures: map[string]float64{"denied_packets": float64(e.Packets), "denied_flows": float64(f.Flows)},
			Packets: examples,
		},
		{
			Text: fmt.Sprintf("before, %d packets of these services were delivered, the last %s the first denial",
				e.Before, between(last, e.First)),
			Figures: map[string]float64{"delivered_before": float64(e.Before), "last_delivered_ns": float64(last)},
		},
		{Text: ruleText},
	}
	if g.standing > 0 {
		f.Evidence = append(f.Evidence, analyzers.Evidence{
			Text:    fmt.Sprintf("the rule also denies %d packets of services never delivered, which is taken as intended", g.standing),
			Figures: map[string]float64{"standing_packets": float64(g.standing)},
		})
	}
	return f
}

// lastDelivered returns when a packet of the examples' services was last delivered,
// and whether that was clearly after since.
func (a *Analyzer) lastDelivered(examples []postcard.Record, since int64) (last int64, after bool) {
	for i := range examples {
		if flow, ok := analyzers.FlowOf(&examples[i]); ok {
			s, _ := a.drops.Service(flow)
			last = max(last, s.LastDelivered)
		}
	}
	return last, last-since > int64(a.cfg.Quiet)
}
