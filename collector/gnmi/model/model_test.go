package model

import (
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"

	goyang "github.com/openconfig/goyang/pkg/yang"

	"github.com/telltale-net/telltale/collector"
	"github.com/telltale-net/telltale/collector/aggregate"
	"github.com/telltale-net/telltale/collector/gnmi/tree"
	"github.com/telltale-net/telltale/collector/gnmi/yang"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/sequence"
	"github.com/telltale-net/telltale/p4src"
)

// entry compiles the module with goyang.
func entry(t *testing.T) *goyang.Entry {
	t.Helper()
	ms := goyang.NewModules()
	if err := ms.Parse(yang.Telltale, "telltale.yang"); err != nil {
		t.Fatal(err)
	}
	if errs := ms.Process(); len(errs) > 0 {
		t.Fatalf("goyang: %v", errs)
	}
	e, errs := ms.GetModule(yang.Name)
	if len(errs) > 0 {
		t.Fatalf("goyang: %v", errs)
	}
	return e
}

// The table that the server goes by and the published module are the same.
func TestSchemaIsTheModule(t *testing.T) {
	want := map[string]tree.Kind{}
	var walk func(e *goyang.Entry, path string)
	walk = func(e *goyang.Entry, path string) {
		if e.Config == goyang.TSTrue {
			t.Errorf("%s is configuration", path)
		}
		keys := strings.Fields(e.Key)
		slices.Sort(keys)
		for _, k := range keys {
			path += "[" + k + "]"
		}
		for _, name := range slices.Sorted(maps.Keys(e.Dir)) {
			child := e.Dir[name]
			p := path + "/" + name
			if child.Description == "" {
				t.Errorf("%s has no description", p)
			}
			if !child.IsLeaf() && !child.IsLeafList() {
				walk(child, p)
				continue
			}
			if slices.Contains(keys, name) {
				if child.Type.Kind != goyang.Yleafref || child.Type.Path != "../state/"+name {
					t.Errorf("key %s is not a reference to its state", p)
				}
				continue
			}
			want[p] = kindOf(t, child)
		}
	}
	walk(entry(t), "")
	got := Schema().Leaves(Telltale)
	if !maps.Equal(got, want) {
		t.Errorf("got the schema\n%v\nwant that of the module\n%v", got, want)
	}
	if len(want) < 60 {
		t.Errorf("the module has %d leaves only", len(want))
	}
}

func kindOf(t *testing.T, e *goyang.Entry) tree.Kind {
	switch {
	case e.IsLeafList():
		return tree.Strings
	case e.Type.Name == "counter64":
		return tree.Counter64
	}
	switch e.Type.Kind {
	case goyang.Yuint64:
		return tree.Uint64
	case goyang.Yuint32:
		return tree.Uint32
	case goyang.Yint64:
		return tree.Int64
	case goyang.Ybool:
		return tree.Bool
	case goyang.Ystring:
		return tree.String
	case goyang.Ydecimal64:
		if e.Type.FractionDigits == 6 {
			return tree.Decimal
		}
	}
	t.Errorf("%s: no kind for type %s", e.Path(), e.Type.Name)
	return 0
}

func TestModuleSaysItsVersion(t *testing.T) {
	if !strings.Contains(yang.Telltale, "Version "+yang.Version+".") {
		t.Errorf("the module does not say that it is version %s", yang.Version)
	}
}

func newTree() *tree.Tree {
	return tree.New(Schema(), tree.Limits{Leaves: 10_000, Subscribers: 1, Backlog: 1})
}

// all returns every leaf of a tree as text.
func all(t *tree.Tree) map[string]string {
	leaves := map[string]string{}
	for _, origin := range []string{Telltale, OpenConfig} {
		for _, s := range t.Select(tree.Path{Target: tree.Any, Origin: origin}) {
			for i := range s.Leaves {
				leaves[s.Unit.Path.Join(s.Leaves[i].Path...).String()] = s.Leaves[i].Value.String()
			}
		}
	}
	return leaves
}

func apply(t *testing.T, to *tree.Tree, b Batch) {
	t.Helper()
	if err := b.Apply(to, 1); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, tr *tree.Tree, leaves map[string]string) {
	t.Helper()
	got := all(tr)
	for p, v := range leaves {
		if got[p] != v {
			t.Errorf("%s: got %q, want %q", p, got[p], v)
		}
	}
}

func TestCollector(t *testing.T) {
	s := collector.Snapshot{Datagrams: 9, Sources: []sequence.Source{{
		Key:    sequence.Key{Source: netip.MustParseAddr("10.0.0.1"), Node: 3, HwID: 1, Version: 2},
		Totals: sequence.Totals{Datagrams: 8, Lost: -1}, Last: 77,
	}}, Sockets: []collector.SocketStats{{Address: ":9555", Received: 9}}}
	tr := newTree()
	apply(t, tr, Collector("c", &s, &Log{Stored: 5, Alarm: "full"}))
	at := "c telltale:/collector/sources/source[address=10.0.0.1][hw-id=1][node-id=3][version=2]/state/"
	want(t, tr, map[string]string{
		"c telltale:/collector/state/datagrams": "9", "c telltale:/collector/log/state/stored": "5", "c telltale:/collector/log/state/alarm": "full", at + "datagrams": "8", at + "lost": "-1", at + "last-heard": "77",
		"c telltale:/collector/sockets/socket[index=0]/state/kernel-drops": "", // not told
	})
	s.Sources = nil
	apply(t, tr, Collector("c", &s, &Log{Stored: 5, Alarm: "full"}))
	if got := all(tr)[at+"datagrams"]; got != "" {
		t.Error("a forgotten stream is still there")
	}
}

// What postcards say comes out as their sums.
func TestPostcards(t *testing.T) {
	table := aggregate.New(aggregate.Limits{Queues: 4, Tenants: 4})
	table.Observe([]postcard.Record{
		{Node: 1, OutPort: 2, Queue: 3, Has: postcard.HasLatency | postcard.HasQueue | postcard.HasLength | postcard.HasVNI, Latency: 10, QueueDepth: 4, Length: 100, VNI: 77},
		{Node: 1, OutPort: 2, Queue: 3, Has: postcard.HasLatency | postcard.HasQueue | postcard.HasLength, Latency: 5, QueueDepth: 9, Length: 300, Flags: postcard.Congested},
		{Node: 1, OutPort: 2, Queue: 4, Has: postcard.HasDropReason, DropReason: p4src.DropTrafficManager, Flags: postcard.Dropped},
		{Node: 1, Has: postcard.HasDropReason | postcard.HasVNI, DropReason: p4src.DropACLDeny, Flags: postcard.Dropped, VNI: 77},
		{Node: 1, Has: postcard.HasDropReason, DropReason: 250, Flags: postcard.Dropped},
		{Node: 2, OutPort: 1},
	})
	p := Sums(table)
	tr := newTree()
	apply(t, tr, p.Batch("c", reasonName))
	q := "c telltale:/nodes/node[id=1]/ports/port[number=2]/queues/queue[number=3]/state/"
	d := "c telltale:/nodes/node[id=1]/ports/port[number=0]/queues/queue[number=0]/"
	want(t, tr, map[string]string{
		q + "postcards": "2", q + "congested": "1", q + "octets": "400", q + "latency-sum": "15", q + "latency-min": "5", q + "latency-max": "10",
		q + "queue-depth-sum": "13", q + "queue-depth-max": "9", d + "state/dropped": "2", d + "state/latency-min": "",
		d + "drop-reasons/drop-reason[number=60]/state/name": "acl-deny", d + "drop-reasons/drop-reason[number=250]/state/name": "",
		d + "drop-reasons/drop-reason[number=250]/state/packets": "1",
		"c telltale:/tenants/tenant[vni=77]/state/postcards":     "2", "c telltale:/tenants/tenant[vni=77]/state/octets": "100",
		"c telltale:/tenants/tenant[vni=77]/drop-reasons/drop-reason[number=60]/state/packets": "1",
	})

	apply(t, tr, Devices(p.Devices(func(n postcard.NodeID) string { return map[postcard.NodeID]string{1: "leaf1"}[n] }, reasonName)))
	at := "leaf1 openconfig:/qos/interfaces/interface[interface-id=2]/output/queues/queue[name=3]/state/"
	drop := "leaf1 openconfig:/components/component[name=pipeline]/integrated-circuit/pipeline-counters/drop/"
	want(t, tr, map[string]string{
		at + "max-queue-len": "1800", at + "avg-queue-len": "1300", at + "dropped-pkts": "0", at + "transmit-pkts": "",
		strings.Replace(at, "=3]", "=4]", 1) + "dropped-pkts": "1", strings.Replace(at, "=3]", "=4]", 1) + "max-queue-len": "",
		drop + "lookup-block/state/acl-drops": "1", drop + "queueing-block/state/memory-limit": "1",
		drop + "lookup-block/counters/counter[name=250]/state/count": "1", drop + "lookup-block/state/lookup-aggregate": "2",
	})
	if got := all(tr)["leaf1 openconfig:/qos/interfaces/interface[interface-id=0]/state/interface-id"]; got != "" {
		t.Error("what was dropped before an output was chosen has a queue")
	}
}

func reasonName(reason uint8) string {
	if reason == p4src.DropACLDeny {
		return "acl-deny"
	}
	return ""
}

func TestBlame(t *testing.T) {
	tr := newTree()
	nan := math.NaN()
	apply(t, tr, Verdicts("c", &Blame{Method: "likelihood", Until: 9, Noise: 0.25, Links: []Suspect{{Name: "a>b", Verdict: "bad", Probability: 0.5, Score: nan, Votes: 2, LossRate: nan, Device: "b"}}, Devices: []Suspect{{Name: "b", Verdict: "bad", Score: nan, LossRate: 0.125}}}))
	l, d := "c telltale:/blame/links/link[name=a>b]/state/", "c telltale:/blame/devices/device[name=b]/state/"
	want(t, tr, map[string]string{l + "verdict": "bad", l + "probability": "0.5", l + "score": "", l + "votes": "2.0", l + "device": "b", d + "loss-rate": "0.125", "c telltale:/blame/state/noise": "0.25"})
	apply(t, tr, Verdicts("c", nil))
	if left := all(tr); len(left) > 0 {
		t.Errorf("still there: %v", left)
	}
}

func TestFindingsThatCannotBe(t *testing.T) {
	b, err := Findings("c", []Finding{{ID: "a"}, {ID: "a"}, {}, {ID: "b", Confidence: math.NaN()}, {ID: "c", ReportLoss: math.Inf(1)}})
	if err == nil || len(b.Changes) != 1 {
		t.Errorf("got %d changes and %v, want the first finding and an error", len(b.Changes), err)
	}
	for _, name := range []string{"finding 1", "finding 2", "finding 3", "finding 4"} {
		if !strings.Contains(fmt.Sprint(err), name) {
			t.Errorf("the error does not name %s: %v", name, err)
		}
	}
}

// Every reason of the pipelines has a counter of OpenConfig's.
func TestDropLeaves(t *testing.T) {
	for _, reason := range p4src.DropReasons() {
		if reason == 0 {
			continue
		}
		block, leaf := DropLeaf(reason)
		tr := newTree()
		apply(t, tr, Devices([]Device{{Target: "leaf1", Drops: []Drop{{Reason: "r", Block: block, Leaf: leaf, Packets: 3}}}}))
		if leaf == "" || !slices.ContainsFunc(slices.Collect(maps.Keys(all(tr))), func(p string) bool { return strings.HasSuffix(p, "-block/state/"+leaf) }) {
			t.Errorf("reason %d: counter %q is not in the tree", reason, leaf)
		}
	}
}
