package evalqueue

import (
	"slices"

	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
	"github.com/telltale-net/telltale/analyzers/queue/records"
	"github.com/telltale-net/telltale/bmv2/lab/chain"
)

// namedFlows is how many of a cause's flows count as named.
const namedFlows = 5

// Verdict is how one answer fared.
type Verdict struct {
	Problem int        // of the run
	Kind    chain.Kind // of the problem
	Hops    int        // stages from the culprit to the victim
	Value   float64    // what the scenario sweeps
	Rank    int        // of the right cause, from 1; 0 = it is not in the list
	Certain bool       // the answer says that it is sure
}

// judge compares answers with the truth of one run.
type judge struct {
	problems   []chain.Problem
	flows      []map[records.FlowID]bool // by problem: those of a burst
	components bool                      // only nodes count
}

func newJudge(t *chain.Trace, data *records.Trace, components bool) *judge {
	j := &judge{problems: t.Config.Problems, components: components}
	for i := range j.problems {
		own := map[records.Flow]bool{}
		for k := range j.problems[i].Flows {
			own[fiveTuple(&j.problems[i].Flows[k])] = true
		}
		ids := map[records.FlowID]bool{}
		for id, f := range data.Flows {
			if own[f] {
				ids[records.FlowID(id)] = true
			}
		}
		j.flows = append(j.flows, ids)
	}
	return j
}

// right reports whether the cause names problem p.
func (j *judge) right(c *diagnosis.Cause, p int) bool {
	problem := &j.problems[p]
	if int(c.Node) != problem.Node {
		return false
	}
	if j.components {
		return true
	}
	if problem.Kind != chain.Burst {
		return c.Kind == diagnosis.Processing
	}
	if c.Kind != diagnosis.Traffic {
		return false
	}
	for _, f := range c.Flows[:min(namedFlows, len(c.Flows))] {
		if j.flows[p][f.Flow] {
			return true
		}
	}
	return false
}

// rank returns the place of the first right cause, 0 where there is none.
func (j *judge) rank(d *diagnosis.Diagnosis, v *chain.Victim) int {
	for i := range d.Causes {
		if c := &d.Causes[i]; j.right(c, v.Problem) || slices.ContainsFunc(v.Others, func(p int) bool { return j.right(c, p) }) {
			return i + 1
		}
	}
	return 0
}

func certain(d *diagnosis.Diagnosis) bool {
	return len(d.Causes) > 0 && !d.Uncertainty.Ambiguous
}
