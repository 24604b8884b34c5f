package flowsetout

import (
	"github.com/telltale-net/telltale/analyzers/flowset/postcards"
	"github.com/telltale-net/telltale/collector/series"
)

// Coverage is of how many packets it is known what became of them, of those that there
// were, about.
type Coverage struct{ Known, All uint64 }

// Add adds an epoch.
func (c *Coverage) Add(e *postcards.Epoch) {
	c.Known += e.Known()
	c.All += e.Packets * e.OneIn
}

// Share returns the share of the packets that are known; of none, 1.
func (c Coverage) Share() float64 {
	if c.All == 0 {
		return 1
	}
	return float64(c.Known) / float64(c.All)
}

// Series returns sums as metrics. What is told of data sets has neither ports nor the
// fate of each packet: dataSet leaves them out.
func Series(t *postcards.Totals, s postcards.Stats, c Coverage, dataSet bool) *series.FlowSets {
	out := &series.FlowSets{Looping: t.Loops, Complete: t.Epochs - t.Incomplete, Incomplete: t.Incomplete, Late: s.Late, Coverage: c.Share()}
	for _, l := range t.Links() {
		out.Links = append(out.Links, series.FlowSetLink{
			Node: l.Node, Peer: l.Peer, Port: l.Port, HasPort: !dataSet,
			Sent: l.Sent, Wire: l.Lost, Queue: l.Queue, Switch: l.Dropped - l.Queue, Doubt: l.Doubt,
			WireFlows: l.Flows.Wire, QueueFlows: l.Flows.Queue, SwitchFlows: l.Flows.Switch, Blackholes: l.Blackholes,
		})
	}
	for i, name := range postcards.AllCauses() {
		out.Causes = append(out.Causes, series.Named{Name: name, Count: t.Causes[i]})
	}
	if !dataSet {
		out.Fates = []series.Named{
			{Name: "delivered", Count: t.Delivered}, {Name: "lost", Count: t.Lost}, {Name: "dropped", Count: t.Dropped},
			{Name: "doubtful", Count: t.Doubt}, {Name: "unknown", Count: t.Unknown},
		}
	}
	return out
}
