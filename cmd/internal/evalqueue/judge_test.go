package evalqueue

import (
	"testing"

	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
	"github.com/telltale-net/telltale/analyzers/queue/records"
	"github.com/telltale-net/telltale/bmv2/lab/chain"
)

func TestRank(t *testing.T) {
	flow := func(id records.FlowID) diagnosis.FlowScore { return diagnosis.FlowScore{Flow: id, Score: 0.1} }
	traffic := func(node int32, flows ...records.FlowID) diagnosis.Cause {
		c := diagnosis.Cause{Node: node, Kind: diagnosis.Traffic}
		for _, f := range flows {
			c.Flows = append(c.Flows, flow(f))
		}
		return c
	}
	processing := func(node int32) diagnosis.Cause {
		return diagnosis.Cause{Node: node, Kind: diagnosis.Processing}
	}
	j := judge{
		problems: []chain.Problem{{Kind: chain.Burst, Node: 0}, {Kind: chain.Interrupt, Node: 3}, {Kind: chain.Bug, Node: 5}},
		flows:    []map[records.FlowID]bool{{7: true, 8: true}, {}, {9: true}},
	}
	nodes := j
	nodes.components = true
	for _, c := range []struct {
		name      string
		j         *judge
		causes    []diagnosis.Cause
		victim    chain.Victim
		want      int
		certainty bool
	}{
		{"nothing said", &j, nil, chain.Victim{Problem: 1}, 0, false},
		{"interrupt named", &j, []diagnosis.Cause{processing(3)}, chain.Victim{Problem: 1}, 1, true},
		{"interrupt second", &j, []diagnosis.Cause{processing(4), processing(3)}, chain.Victim{Problem: 1}, 2, true},
		{"its traffic is not its processing", &j, []diagnosis.Cause{traffic(3)}, chain.Victim{Problem: 1}, 0, true},
		{"node alone will do", &nodes, []diagnosis.Cause{traffic(3)}, chain.Victim{Problem: 1}, 1, true},
		{"bug named", &j, []diagnosis.Cause{processing(5)}, chain.Victim{Problem: 2}, 1, true},
		{"burst with a flow", &j, []diagnosis.Cause{traffic(0, 1, 2, 3, 4, 8)}, chain.Victim{Problem: 0}, 1, true},
		{"burst's flow too far down", &j, []diagnosis.Cause{traffic(0, 1, 2, 3, 4, 5, 8)}, chain.Victim{Problem: 0}, 0, true},
		{"burst of other flows", &j, []diagnosis.Cause{traffic(0, 9)}, chain.Victim{Problem: 0}, 0, true},
		{"second traffic of the source", &j, []diagnosis.Cause{traffic(0, 9), traffic(0, 7)}, chain.Victim{Problem: 0}, 2, true},
		{"burst elsewhere", &j, []diagnosis.Cause{traffic(1, 7)}, chain.Victim{Problem: 0}, 0, true},
		{"another that qualifies", &j, []diagnosis.Cause{processing(5)}, chain.Victim{Problem: 1, Others: []int{0, 2}}, 1, true},
	} {
		d := diagnosis.Diagnosis{Causes: c.causes}
		if got := c.j.rank(&d, &c.victim); got != c.want {
			t.Errorf("%s: rank %d, want %d", c.name, got, c.want)
		}
		if got := certain(&d); got != c.certainty {
			t.Errorf("%s: certain %v, want %v", c.name, got, c.certainty)
		}
		d.Uncertainty.Ambiguous = true
		if certain(&d) {
			t.Errorf("%s: ambiguous and certain", c.name)
		}
	}
}
