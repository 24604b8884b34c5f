package evalqueue

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
	"github.com/telltale-net/telltale/analyzers/queue/patterns"
	"github.com/telltale-net/telltale/analyzers/queue/records"
	"github.com/telltale-net/telltale/bmv2/lab/chain"
)

// patternOutcome is how a run's bug came out of aggregation.
type patternOutcome struct {
	Patterns int  // in all
	OfBug    int  // at the buggy node, of the bug's two hosts
	Ports    bool // the one has the right ports
}

func (p *patternOutcome) one() bool   { return p.OfBug == 1 }
func (p *patternOutcome) right() bool { return p.OfBug == 1 && p.Ports }

// judgePatterns aggregates the answers of a run and looks for its bug; nil where the run
// has none.
func judgePatterns(t *chain.Trace, data *records.Trace, answers []diagnosis.Diagnosis) (*patternOutcome, error) {
	k := slices.IndexFunc(t.Config.Problems, func(p chain.Problem) bool { return p.Kind == chain.Bug })
	if k < 0 {
		return nil, nil
	}
	bug := &t.Config.Problems[k]
	res, err := patterns.Find(data.Network, data.Flows, patterns.Relations(answers), patterns.Config{})
	if err != nil {
		return nil, fmt.Errorf("cannot aggregate the answers: %w", err)
	}
	out := &patternOutcome{Patterns: len(res.Patterns)}
	sent := harmful(t)
	for i := range res.Patterns {
		c := &res.Patterns[i].Culprit
		if int(c.Node) != bug.Node || c.Src != host(bug.Match.Src) || c.Dst != host(bug.Match.Dst) {
			continue
		}
		out.OfBug++
		out.Ports = !slices.ContainsFunc(sent, func(f *chain.Flow) bool {
			return !c.Contains(data.Network, int32(bug.Node), fiveTuple(f))
		}) &&
			c.SrcPort.Lo >= bug.Match.SrcPort.From && c.SrcPort.Hi <= bug.Match.SrcPort.To &&
			c.DstPort.Lo >= bug.Match.DstPort.From && c.DstPort.Hi <= bug.Match.DstPort.To
	}
	return out, nil
}

// host returns the prefix of one IPv4 address.
func host(a uint32) netip.Prefix {
	f := chain.Flow{Src: a}
	return netip.PrefixFrom(f.SrcAddr(), 32)
}

// harmful returns the flows of bugs that sent packets.
func harmful(t *chain.Trace) []*chain.Flow {
	var flows []*chain.Flow
	seen := map[chain.Flow]bool{}
	for id := len(t.Flow) - 1; id >= 0; id-- {
		p := t.Owner(uint32(id))
		if p < 0 {
			break // problems' packets come last
		}
		f := &t.Flows[t.Flow[id]]
		if t.Config.Problems[p].Kind == chain.Bug && !seen[*f] {
			seen[*f] = true
			flows = append(flows, f)
		}
	}
	return flows
}
