package incident

import (
	"cmp"
	"slices"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/drops"
	"github.com/telltale-net/telltale/collector/postcard"
)

// group is the drops of several cells that are one matter.
type group struct {
	key      key
	episode  drops.Episode // times and counts joined
	flows    drops.FlowUnion
	standing uint64 // packets of the cells that are not of it
	dsts     []drops.Destination
	recent   uint64 // packets since from, see recent
	active   int    // the most windows any of its cells was active in since then
	reason   uint8
	parts    []part // by the end of their episodes, latest first
}

type part struct {
	cell    *drops.Cell
	episode *drops.Episode
}

// groups joins the cells that pick gives the same key, when an episode of one of them,
// as pick returns it, goes on; a nil episode leaves a cell out. An episode that is over
// belongs to the group as long as no silence of Config.Quiet lies between it and the
// others. In the order of the cells.
func (a *Analyzer) groups(pick func(*drops.Cell) (key, *drops.Episode)) []*group {
	var out []*group
	byKey := make(map[key]*group)
	for c := range a.drops.Cells {
		k, e := pick(c)
		if e == nil || e.Packets == 0 {
			continue
		}
		g := byKey[k]
		if g == nil {
			g = &group{key: k, reason: c.Reason()}
			out = append(out, g)
			byKey[k] = g
		}
		g.parts = append(g.parts, part{c, e})
	}
	return slices.DeleteFunc(out, func(g *group) bool {
		slices.SortStableFunc(g.parts, func(x, y part) int { return cmp.Compare(y.episode.Last, x.episode.Last) })
		first := a.now
		for _, p := range g.parts {
			if p.episode.Last < first-int64(a.cfg.Quiet) {
				break
			}
			first = min(first, p.episode.First)
			g.join(a, p.cell, p.episode)
		}
		return g.episode.Packets == 0
	})
}

func (g *group) join(a *Analyzer, c *drops.Cell, e *drops.Episode) {
	j := &g.episode
	if j.Packets == 0 || e.First < j.First {
		j.First, j.FirstIngress = e.First, e.FirstIngress
	}
	j.Last = max(j.Last, e.Last)
	j.Packets += e.Packets
	j.Before += e.Before
	j.Active = max(j.Active, e.Active)
	j.Examples = append(j.Examples, e.Examples...)
	e.AddFlows(&g.flows)
	g.standing += c.All.Packets - e.Packets
	dsts, _ := e.Destinations()
	g.dsts = append(g.dsts, dsts...)
	recent, active := c.Recent(a.drops, max(e.First, a.start+int64(a.cfg.Settle)))
	g.recent += recent
	g.active = max(g.active, active)
}

// lasting reports whether the drops are more than a transient or the network coming up.
func (a *Analyzer) lasting(g *group) bool {
	from := max(g.episode.First, a.start+int64(a.cfg.Settle))
	return g.recent >= a.cfg.DropPackets && g.active >= a.cfg.DropWindows && g.episode.Last-from >= int64(a.cfg.DropSpan)
}

// examples are the first few packets of the group, oldest first.
func (g *group) examples() []postcard.Record {
	e := g.episode.Examples
	for i := 1; i < len(e); i++ {
		for k := i; k > 0 && e[k].Received < e[k-1].Received; k-- {
			e[k], e[k-1] = e[k-1], e[k]
		}
	}
	return e[:min(len(e), 3)]
}

// finding fills in what all findings that rest on drops have in common.
func (g *group) finding(a *Analyzer, strengths ...float64) analyzers.Finding {
	loss := a.reportLoss(g.key.node)
	return analyzers.Finding{
		Kind:       g.key.kind,
		Since:      g.episode.First,
		Until:      g.episode.Last,
		Packets:    g.episode.Packets,
		Flows:      g.flows.Count().N,
		Confidence: confidence(loss, strengths...),
		ReportLoss: loss,
	}
}
