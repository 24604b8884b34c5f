package series

import (
	"os"
	"strings"
	"testing"
)

func flowSets() *FlowSets {
	return &FlowSets{
		Links: []FlowSetLink{
			{Node: "leaf1", Port: 2, HasPort: true, Peer: "spine1", Sent: 1000, Wire: 3, Queue: 4, Switch: 5, Doubt: 1, WireFlows: 2, QueueFlows: 3, SwitchFlows: 4, Blackholes: 1},
			{Node: "leaf1", HasPort: true, Switch: 7, SwitchFlows: 1},
			{Node: "s\"2", Peer: "s3", Sent: 8},
		},
		Looping:  map[string]uint64{"spine1": 2, "leaf2": 1},
		Fates:    []Named{{"delivered", 990}, {"lost", 3}},
		Complete: 120, Incomplete: 2, Causes: []Named{{"reports", 2}}, Late: 6, Coverage: 0.75,
	}
}

func TestFlowSetsGolden(t *testing.T) {
	var b strings.Builder
	if err := WriteFlowSets(&b, flowSets()); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("testdata/flowsets.prom", []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/flowsets.prom")
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("got\n%s\nwant what testdata/flowsets.prom has", b.String())
	}
	if err := WriteFlowSets(broken{}, flowSets()); err == nil {
		t.Error("no error of a writer that is full")
	}
}
