package incident

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/topology"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// TestGoldenFindings is what the engineer on call reads, once per kind of fault, with
// every event of the finding's life, and the findings as JSON.
func TestGoldenFindings(t *testing.T) {
	for _, s := range scenarios[2:] { // the first two raise none
		t.Run(s.name, func(t *testing.T) {
			w := healthy(t, 2, regimes[1])
			tr := s.build(w, regimes[1])
			_, evs := play(t, w)
			var text bytes.Buffer
			fmt.Fprintf(&text, "injected: %s, %s, from +%.3fs to +%.3fs\n", s.name, tr.text, float64(faultFrom)/1e9, float64(faultTo)/1e9)
			var found []byte
			for _, e := range evs {
				fmt.Fprintf(&text, "\n%s at +%.3fs\n%s", e.Type, float64(e.At)/1e9, Text(&e.Finding, 0))
				if e.Type == Closed {
					b, err := JSON(&e.Finding)
					if err != nil {
						t.Fatal(err)
					}
					found = append(found, b...)
				}
			}
			golden(t, s.name+".txt", text.Bytes())
			golden(t, s.name+".json", found)
		})
	}
}

func TestClock(t *testing.T) {
	f := func(at, epoch int64, want string) {
		t.Helper()
		if got := clock(at, epoch); got != want {
			t.Errorf("clock(%d, %d) = %s, want %s", at, epoch, got, want)
		}
	}
	f(1_500_000_000, 0, "+1.500s")
	f(1_500_000_000, 1_000_000_000, "+0.500s")
	f(1_767_225_600_123_000_000, 0, "2026-01-01T00:00:00.123Z")
	f(1_767_225_600_123_000_000, 1_767_225_600_000_000_000, "+0.123s")
}

func TestWords(t *testing.T) {
	f := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(rateText(9_974_000), "9.974 Mb/s")
	f(rateText(1e9), "1 Gb/s")
	f(rateText(12), "12 b/s")
	f(nsText(2_195_456), "2.2ms")
	f(nsText(999), "999ns")
	f(list([]string{"a"}), "a")
	f(list([]string{"a", "b", "c"}), "a, b and c")
	f(list(strings.Split("a b c d e f", " ")), "a, b, c and 3 more")
	f(between(0, 5), "never seen, long before")
	f(between(2_000_000, 5_000_000), "3ms before")
	f(words(topology.ACLRule{Deny: true, Inbound: true, Proto: 6, DstPort: 23}), "deny inbound TCP port 23")
	f(flowText(nil), "none kept")
}

// TestSameRecordsSameFindings: no map order, no clock, no chance in a verdict.
func TestSameRecordsSameFindings(t *testing.T) {
	for _, s := range scenarios[:6] {
		var runs [2][]byte
		for i := range runs {
			w := healthy(t, 5, regimes[1])
			s.build(w, regimes[1])
			_, evs := play(t, w)
			runs[i], _ = json.Marshal(evs)
		}
		if !bytes.Equal(runs[0], runs[1]) {
			t.Errorf("%s: two runs differ:\n%s\n%s", s.name, runs[0], runs[1])
		}
	}
}

// TestThreeFaultsInARow is the demo's day: one fault after another, with little time
// between them; three findings and no more.
func TestThreeFaultsInARow(t *testing.T) {
	for seed := range uint64(4) {
		w := healthy(t, 100+seed, regimes[1])
		var truths []truth
		for i, name := range []string{"acl-deny", "blackhole", "slow-port"} {
			w.from = (1200 + 1100*int64(i)) * ms
			w.to = w.from + 900*ms
			truths = append(truths, scenarioOf(t, name).build(w, regimes[1]))
		}
		_, evs := play(t, w)
		checkEvents(t, evs)
		var last []Event
		for _, e := range evs {
			if e.Type == Closed {
				last = append(last, e)
			}
		}
		for i, tr := range truths {
			if i >= len(last) || last[i].Finding.Kind != tr.kind || !tr.place(last[i].Finding.Place) {
				t.Errorf("seed %d: fault %d is %s at %s; closed findings: %+v", seed, i, tr.kind, tr.text, last)
			}
		}
		if len(last) != len(truths) {
			t.Errorf("seed %d: %d findings, want %d", seed, len(last), len(truths))
		}
	}
}

// TestSeldomAdvanced: a caller that advances once a second learns the same.
func TestSeldomAdvanced(t *testing.T) {
	w := healthy(t, 3, regimes[1])
	tr := scenarioOf(t, "blackhole").build(w, regimes[1])
	a, err := New(w.fabric, Config{})
	if err != nil {
		t.Fatal(err)
	}
	var evs []Event
	next := int64(0)
	for i := range w.run() {
		for ; w.records[i].Received >= next; next += 1000 * ms {
			evs = append(evs, a.Advance(next)...)
		}
		a.Observe(&w.records[i])
	}
	if len(a.Findings()) != 1 || !tr.place(a.Findings()[0].Place) {
		t.Errorf("open findings: %+v, want the blackhole", a.Findings())
	}
	if evs = append(evs, a.Advance(20_000*ms)...); evs[len(evs)-1].Type != Closed || len(a.Findings()) != 0 {
		t.Errorf("events %+v, want the last to close the finding", evs)
	}
}

func scenarioOf(t testing.TB, name string) scenario {
	for _, s := range scenarios {
		if s.name == name {
			return s
		}
	}
	t.Fatalf("BUG: no scenario %q", name)
	return scenario{}
}

// TestReportLossSilencesLinkLoss: what lost reports explain is no lost packet.
func TestReportLossSilencesLinkLoss(t *testing.T) {
	for _, loss := range []float64{0, 0.5} {
		w := healthy(t, 4, regimes[1])
		tr := scenarioOf(t, "link-loss").build(w, regimes[1])
		a, _ := New(w.fabric, Config{})
		for _, n := range w.fabric.Nodes {
			a.SetReportLoss(postcard.NodeID(n.ID), loss)
		}
		opened := 0
		next := int64(0)
		for i := range w.run() {
			for ; w.records[i].Received >= next; next += 100 * ms {
				for _, e := range a.Advance(next) {
					if e.Type == Opened && e.Finding.Kind == tr.kind {
						opened++
					}
				}
			}
			a.Observe(&w.records[i])
		}
		if (opened > 0) != (loss == 0) {
			t.Errorf("report loss %.1f: %d link-loss findings", loss, opened)
		}
	}
}

// TestSlowPortExplains: a queue that overflows at or right before a slow port is that
// port's symptom; others are not.
func TestSlowPortExplains(t *testing.T) {
	a, err := New(fabricOf(t, regimes[1]), Config{})
	if err != nil {
		t.Fatal(err)
	}
	node := func(name string) int32 {
		n, _ := a.net.Node(name)
		return a.net.ByID(postcard.NodeID(n.ID))
	}
	slow := []candidate{{key: key{kind: analyzers.SlowPort, node: node("leaf1"), port: 3}}}
	f := func(name string, port uint32, want bool) {
		t.Helper()
		if got := a.explains(slow, node(name), port, a.net.PortAt(node(name), port)) != nil; got != want {
			t.Errorf("%s port %d: explained %v, want %v", name, port, got, want)
		}
	}
	f("leaf1", 3, true)   // the port itself
	f("spine1", 1, true)  // towards leaf1
	f("leaf1", 4, false)  // another port of leaf1
	f("spine1", 2, false) // towards leaf2
}

// TestFindingsRanked: more confidence and more packets first.
func TestFindingsRanked(t *testing.T) {
	a, err := New(fabricOf(t, regimes[1]), Config{})
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range []analyzers.Finding{
		{Kind: "c", Confidence: 0.5, Packets: 100}, {Kind: "a", Confidence: 0.9, Packets: 1000}, {Kind: "b", Confidence: 0.9, Packets: 50}, {Kind: "d", Confidence: 0.3, Packets: 2},
	} {
		a.stories = append(a.stories, &story{id: uint64(i), finding: f})
	}
	var got []string
	for _, f := range a.Findings() {
		got = append(got, string(f.Kind))
	}
	if strings.Join(got, "") != "abcd" {
		t.Errorf("order %v, want a b c d", got)
	}
}

// TestHostileRecords feeds noise in every field: nothing panics, everything stays
// bounded, nothing is open in the end.
func TestHostileRecords(t *testing.T) {
	f := fabricOf(t, regimes[1])
	a, err := New(f, Config{})
	if err != nil {
		t.Fatal(err)
	}
	a.Advance(0)
	rng := rand.New(rand.NewPCG(7, 7))
	at := int64(0)
	for range 200_000 {
		at += rng.Int64N(200_000)
		r := postcard.Record{
			Received: at - rng.Int64N(1e6), Ingress: rng.Uint64(), Egress: rng.Uint64(), Has: postcard.Fields(rng.Uint32()),
			Node: postcard.NodeID(f.Nodes[rng.IntN(len(f.Nodes))].ID), Seq: rng.Uint32(), InPort: rng.Uint32N(8), OutPort: rng.Uint32N(8),
			Latency: rng.Uint32(), QueueDepth: rng.Uint32(), EnqDepth: rng.Uint32(), Rule: rng.Uint32N(4), VNI: 1000 + rng.Uint32N(5), FlowHash: rng.Uint32(),
			PacketID: uint16(rng.Uint32()), Length: uint16(rng.Uint32()), HwID: uint8(rng.Uint32()), Queue: uint8(rng.Uint32N(3)), DropReason: uint8(rng.Uint32()),
			Flags: postcard.Flags(rng.Uint32()),
		}
		switch rng.IntN(20) {
		case 0:
			r.Node, r.InPort, r.OutPort = postcard.NodeID(rng.Uint32()), rng.Uint32(), rng.Uint32()
		case 1:
			r.Received = -r.Received
		}
		for i := range r.Outer.Dst {
			r.Outer.Dst[i], r.Inner.Dst[i] = byte(rng.Uint32()), byte(rng.Uint32())
		}
		a.Observe(&r)
		if rng.IntN(1000) == 0 {
			for _, e := range a.Advance(at) {
				_ = Text(&e.Finding, 0)
				if _, err := JSON(&e.Finding); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	s := a.Stats()
	if s.Drops.Records != 200_000 || s.Open > 256 || s.Drops.Cells > 4096 {
		t.Errorf("stats %+v", s)
	}
	a.Advance(at + 10_000*ms)
	a.Advance(at + 20_000*ms)
	if n := len(a.Findings()); n != 0 {
		t.Errorf("%d findings are open long after the noise", n)
	}
}

func TestNewRefusesBrokenFabric(t *testing.T) {
	f := fabricOf(t, regimes[0])
	f.Links[3].B.Node = "nowhere"
	if _, err := New(f, Config{}); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("got error %v, want one that names the place", err)
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	w := healthy(t, 1, regimes[0])
	scenarioOf(t, "blackhole").build(w, regimes[0])
	records := w.run()
	a, _ := New(w.fabric, Config{})
	shift := int64(0)
	all := func() {
		for i := range records {
			records[i].Received += shift
			a.Observe(&records[i])
		}
		shift = worldEnd
	}
	for range 8 {
		all()
	}
	if n := testing.AllocsPerRun(2, all); n > float64(len(records))/1000 {
		t.Errorf("%v allocations per %d records, want none per record", n, len(records))
	}
}

func BenchmarkObserve(b *testing.B) {
	w := healthy(b, 1, regimes[0])
	records := w.run()
	a, _ := New(w.fabric, Config{})
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		r := &records[i%len(records)]
		a.Observe(r)
		if i%1000 == 999 {
			a.Advance(r.Received)
		}
		r.Received += worldEnd
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
