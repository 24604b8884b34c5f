package diagnosis

import (
	"testing"

	"github.com/telltale-net/telltale/analyzers/queue/records"
)

func TestAppendJSON(t *testing.T) {
	net, err := records.NewNetwork([]records.NodeSpec{{Name: "nat1"}, {Name: `v"1`}})
	if err != nil {
		t.Fatal(err)
	}
	flows := []records.Flow{{SrcPort: 7, Proto: 17}}
	d := Diagnosis{
		Victim: Victim{Packet: 17, Flow: 0, Node: 1, Queue: 2, Arrive: 10, Wait: 20, Depth: 3},
		Causes: []Cause{
			{Node: 0, Kind: Processing, Score: 2.0 / 3, Low: .5, High: 1, From: 1, To: 9, Packets: 4, Steps: []Step{{1, 4, 5}}},
			{Node: 0, Kind: Traffic, Score: .25, Flows: []FlowScore{{0, .25}}, More: 2},
		},
		Uncertainty: Uncertainty{Unexplained: 1. / 12, Clock: 5, Ambiguous: true},
	}
	const want = `{"victim":{"pkt":17,"node":"v\"1","queue":2,"flow":{"proto":17,"sport":7,"dport":0},"arrive":10,"wait_ns":20,"depth":3},` +
		`"causes":[{"node":"nat1","kind":"processing","score":0.666667,"low":0.5,"high":1,"flows":[],"from":1,"to":9,"packets":4,"steps":[{"node":"v\"1","packets":4,"span_ns":5}]},` +
		`{"node":"nat1","kind":"traffic","score":0.25,"low":0,"high":0,"flows":[{"proto":17,"sport":7,"dport":0}],"flow_scores":[0.25],"more_flows":2,"from":0,"to":0}],` +
		`"uncertainty":{"unexplained":0.083333,"record_loss":0,"clock_ns":5,"rate":0,"ambiguous":true}}`
	got, err := AppendJSON(nil, net, flows, &d)
	if err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
	d.Victim.Packet, d.Victim.Flow, d.Causes = records.NoPacket, records.NoFlow, nil
	const none = `{"victim":{"node":"v\"1","queue":2,"arrive":10,"wait_ns":20,"depth":3},"causes":[],"uncertainty":{"unexplained":0.083333,"record_loss":0,"clock_ns":5,"rate":0,"ambiguous":true}}`
	if got, err := AppendJSON(nil, net, flows, &d); err != nil || string(got) != none {
		t.Errorf("got  %s, %v\nwant %s", got, err, none)
	}
}
