package incident

import (
	"fmt"
	"time"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/drops"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/p4src"
)

// congested finds queues that keep dropping although they drain at their port's rate.
func (a *Analyzer) congested(out []candidate) []candidate {
	groups := a.groups(func(c *drops.Cell) (key, *drops.Episode) {
		if c.Reason() != p4src.DropTrafficManager {
			return key{}, nil
		}
		return key{kind: analyzers.Congestion, node: c.NodeIndex, port: c.OutPort()}, &c.All
	})
	for _, g := range groups {
		lost, active := a.queueLoss(g)
		span := a.cfg.CongestedSpan
		windows := float64(span / a.cfg.Drops.Bucket)
		if a.now-a.start < int64(a.cfg.Settle+span) || lost < a.cfg.CongestedPackets || float64(active) < a.cfg.CongestedShare*windows {
			continue
		}
		s, base := a.portSpan(g.key.node, g.key.port, span)
		if float64(lost) < a.cfg.CongestedLoss*float64(lost+s.packets) {
			continue
		}
		port := a.net.PortAt(g.key.node, g.key.port)
		if at := a.explains(out, g.key.node, g.key.port, port); at != nil {
			if at.key.node != g.key.node {
				at.finding.Evidence = append(at.finding.Evidence, analyzers.Evidence{
					Text:    fmt.Sprintf("upstream, the queue of %s port %d towards %s overflowed too (%d packets): explained by this port", a.net.Name(g.key.node), g.key.port, at.finding.Place.Node, lost),
					Figures: map[string]float64{"upstream_drops": float64(lost)},
				})
			}
			continue
		}
		if a.slowStory(g.key.node, g.key.port, port) != nil {
			continue
		}
		out = append(out, candidate{key: g.key, fresh: g.episode.Last, finding: a.congestionFinding(g, s, base, port, lost)})
	}
	return out
}

// queueLoss returns the queue drops of a port within Config.CongestedSpan, and in how
// many of its windows they fell.
func (a *Analyzer) queueLoss(g *group) (packets uint64, active int) {
	reason := p4src.DropTrafficManager
	filter := drops.Filter{Reason: &reason, Port: g.key.port}
	if g.key.node >= 0 {
		filter.Node = postcard.NodeID(a.net.Nodes[g.key.node].ID)
	}
	for _, b := range a.drops.Over(filter) {
		if b.Start >= a.ago(a.cfg.CongestedSpan) {
			packets += b.Packets
			active++
		}
	}
	return packets, active
}

// portSpan joins the spans of all queues of a port: drains of the first, packets of all.
func (a *Analyzer) portSpan(node int32, port uint32, d time.Duration) (all queueSpan, base uint64) {
	for k, v := range a.lat.Queues {
		if k.Node != node || uint32(k.Port) != port {
			continue
		}
		s, _ := a.span(v, d, 0, nil)
		if all.packets == 0 {
			packets := s.packets
			all = s
			all.packets = packets
			base, _ = v.BaseP99()
			continue
		}
		all.packets += s.packets
		all.p99 = max(all.p99, s.p99)
	}
	return all, base
}

// explains returns the slow-port candidate at the port, or at the next hop, that makes
// a full queue there a symptom.
func (a *Analyzer) explains(cands []candidate, node int32, p uint32, port analyzers.Port) *candidate {
	for i := range cands {
		k := &cands[i].key
		if k.kind != analyzers.SlowPort {
			continue
		}
		if k.node == node && k.port == p || port.Kind == analyzers.ToSwitch && k.node == port.Peer {
			return &cands[i]
		}
	}
	return nil
}

// slowStory is explains for stories that are open without a candidate now.
func (a *Analyzer) slowStory(node int32, p uint32, port analyzers.Port) *story {
	for _, s := range a.stories {
		if s.key.kind == analyzers.SlowPort &&
			(s.key.node == node && s.key.port == p || port.Kind == analyzers.ToSwitch && s.key.node == port.Peer) {
			return s
		}
	}
	return nil
}

func (a *Analyzer) congestionFinding(g *group, s queueSpan, base uint64, port analyzers.Port, recent uint64) analyzers.Finding {
	bps, n := s.drain.Bps()
	measured := n >= a.cfg.DrainSamples && port.RateBps > 0
	strengths := []float64{0.4, 0.5 * enough(recent, float64(a.cfg.CongestedPackets))}
	if measured {
		strengths = append(strengths, 0.8)
	}
	f := g.finding(a, strengths...)
	f.Place = analyzers.Place{Node: a.net.Name(g.key.node), Port: g.key.port, Peer: port.PeerName}
	f.Evidence = []analyzers.Evidence{{
		Text: fmt.Sprintf("the full queue of %s port %d (to %s) dropped %d packets of %s, %d of them in the last %s of %d offered",
			f.Place.Node, g.key.port, port.PeerName, g.episode.Packets, count(g.flows.Count(), "flow"), recent, a.cfg.CongestedSpan, recent+s.packets),
		Figures: map[string]float64{"queue_drops": float64(g.episode.Packets), "recent_drops": float64(recent), "recent_sent": float64(s.packets)},
		Packets: g.examples(),
	}}
	if measured {
		f.Evidence = append(f.Evidence, analyzers.Evidence{
			Text:    fmt.Sprintf("it drains at %s, its port's rate is %s: more is offered than the port can carry", rateText(bps), rateText(float64(port.RateBps))),
			Figures: map[string]float64{"drain_bps": bps, "port_bps": float64(port.RateBps)},
		})
	}
	if s.p99 > 2*base && base > 0 {
		f.Evidence = append(f.Evidence, analyzers.Evidence{
			Text:    fmt.Sprintf("packets wait there for up to %s (p99); before, p99 was %s", nsText(s.p99), nsText(base)),
			Figures: map[string]float64{"p99_ns": float64(s.p99), "p99_before_ns": float64(base)},
		})
	}
	return f
}
