package records

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/telltale-net/telltale/internal/jsonlines"
)

const header = `{"nodes":[{"name":"src","type":"source","next":["nat1"]},{"name":"nat1","type":"nat","rate_pps":800000,"next":["fw1"]},{"name":"fw1","type":"firewall"}]}` + "\n"

func read(t *testing.T, text string) (*Trace, *Reader) {
	t.Helper()
	r := NewReader(0)
	if err := r.Read("set.jsonl", strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	return r.Trace(), r
}

// all returns the records in order of queue and arrival.
func all(t *Trace) []Record {
	var out []Record
	for q := range t.Queues {
		for i := range t.Queues[q].Len() {
			out = append(out, t.Record(q, i))
		}
	}
	return out
}

func TestReadContract(t *testing.T) {
	tr, r := read(t, header+
		`{"node":"src","pkt":17,"flow":{"src":"10.0.0.1","dst":"10.0.0.2","proto":6,"sport":1,"dport":2},"depart":12000}
{"node":"nat1","queue":0,"pkt":17,"flow":{"src":"10.0.0.1","dst":"10.0.0.2","proto":6,"sport":1,"dport":2},"arrive":12345,"start":12400,"depart":12500}
{"node":"fw1","queue":3.0,"bytes":1500,"arrive":12600.4,"depart":1.27e4,"colour":"red"}
{"node":"fw1","queue":3,"arrive":12700}
`)
	if len(r.Problems) > 0 {
		t.Fatal(r.Problems)
	}
	f := FlowID(0)
	want := []Record{
		{Packet: 17, Arrive: Absent, Start: Absent, Depart: 12000, Node: 0, Flow: f},
		{Packet: 17, Arrive: 12345, Start: 12400, Depart: 12500, Node: 1, Flow: f},
		{Packet: NoPacket, Arrive: 12600, Start: Absent, Depart: 12700, Node: 2, Flow: NoFlow, Bytes: 1500, Queue: 3},
		{Packet: NoPacket, Arrive: 12700, Start: Absent, Depart: Absent, Node: 2, Flow: NoFlow, Queue: 3},
	}
	if d := cmp.Diff(want, all(tr)); d != "" {
		t.Error(d)
	}
	if want := NewFlow(netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), 6, 1, 2); tr.Flows[f] != want {
		t.Errorf("flow %+v, want %+v", tr.Flows[f], want)
	}
	if want := (Stats{Records: 4, NoPacket: 2, NoFlow: 2, NoStart: 1, Lost: 1, FirstAt: 12000, LastAt: 12700}); tr.Stats != want {
		t.Errorf("stats %+v, want %+v", tr.Stats, want)
	}
	if n := tr.Network.Nodes[1]; n.RatePPS != 800000 || !slices.Equal(n.Next, []int32{2}) {
		t.Errorf("node %+v", n)
	}
}

func TestProblemsSayWhere(t *testing.T) {
	for line, want := range map[string]string{
		`{"node":"nat9","arrive":1}`:                         `set.jsonl:2: node: "nat9" is not in the header`,
		`{"arrive":1}`:                                       `set.jsonl:2: node: got none, want the name of a node`,
		`{"node":"nat1","depart":1}`:                         `set.jsonl:2: arrive: got none at node "nat1", want a time: only sources have none`,
		`{"node":"src"}`:                                     `set.jsonl:2: depart: got none at source "src", want a time`,
		`{"node":"nat1","arrive":5,"depart":4}`:              `set.jsonl:2: depart: got 4 at node "nat1", which is before the arrival at 5`,
		`{"node":"nat1","arrive":5,"start":4,"depart":6}`:    `set.jsonl:2: start: got 4 at node "nat1", which is before the arrival at 5`,
		`{"node":"nat1","arrive":5,"start":7,"depart":6}`:    `set.jsonl:2: start: got 7 at node "nat1", which is after the departure at 6`,
		`{"node":"nat1","arrive":"x"}`:                       `set.jsonl:2: arrive: got "x", want a time in ns`,
		`{"node":"nat1","arrive":1e30}`:                      `set.jsonl:2: arrive: got 1e30, want a time of less than 2^62 ns`,
		`{"node":"nat1","arrive":1,"pkt":-1}`:                `set.jsonl:2: pkt: got -1, want a whole number from 0 to 18446744073709551614`,
		`{"node":"nat1","arrive":1,"bytes":64.5}`:            `set.jsonl:2: bytes: got 64.5, want a whole number from 0 to 4294967295`,
		`{"node":"nat1","arrive":1,"flow":{"src":"10.0.0"}}`: `set.jsonl:2: flow: ParseAddr("10.0.0"): IPv4 address too short`,
		`{"node":"nat1","arrive":1`:                          `set.jsonl:2: malformed JSON at byte 25: unexpected end of JSON input`,
		header[:len(header)-1]:                               `set.jsonl:2: nodes: a second header in one file`,
	} {
		tr, r := read(t, header+line+"\n"+`{"node":"fw1","arrive":1}`)
		if len(r.Problems) != 1 || r.Problems[0].Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", line, r.Problems, want)
		}
		if tr.Stats.Bad != 1 || tr.Stats.Records != 1 {
			t.Errorf("%s: stats %+v, want 1 bad, 1 taken", line, tr.Stats)
		}
	}
}

func TestFatal(t *testing.T) {
	for text, want := range map[string]string{
		"":                                       `got no line, want a header`,
		`{"node":"a","arrive":1}`:                `line 1: got no "nodes", want a header`,
		`{"nodes":[]}`:                           `line 1: header: no nodes`,
		`{"nodes":[{"name":""}]}`:                `nodes[0].name: got none`,
		`{"nodes":[{"name":"a"},{"name":"a"}]}`:  `nodes[1].name: "a" is there twice`,
		`{"nodes":[{"name":"a","next":["b"]}]}`:  `nodes[0].next[0]: "b" names no node`,
		`{"nodes":[{"name":"a","next":["a"]}]}`:  `next to itself`,
		`{"nodes":[{"name":"a","rate_pps":-1}]}`: `nodes[0].rate_pps: got -1`,
		`{"nodes":[{"name":1}]}`:                 `got number, want string`,
	} {
		err := NewReader(0).Read("f", strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
	r := NewReader(0)
	if err := r.Read("a", strings.NewReader(header)); err != nil {
		t.Fatal(err)
	}
	if err := r.Read("b", strings.NewReader(`{"node":"fw1","arrive":1}`)); err != nil {
		t.Errorf("a second file without a header: %v", err)
	}
	if err := r.Read("c", strings.NewReader(`{"nodes":[{"name":"fw1","type":"nat"}]}`)); err == nil || !strings.Contains(err.Error(), `type "nat"`) {
		t.Errorf("a header that contradicts the first: got %v", err)
	}
	r = NewReader(1)
	if err := r.Read("b", strings.NewReader(header+`{"node":"fw1","arrive":1}`+"\n"+`{"node":"fw1","arrive":2}`)); err == nil || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("more records than the limit: got %v", err)
	}
}

// TestBuilderAgainstSort holds the columns against a plain sorted slice: random order,
// duplicates, losses, wide waits, overtaking.
func TestBuilderAgainstSort(t *testing.T) {
	net, err := NewNetwork([]NodeSpec{{Name: "s", Type: Source}, {Name: "a"}, {Name: "b"}})
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		b := NewBuilder(net, 0)
		var flows []FlowID
		for i := range 5 {
			flows = append(flows, b.Flow(Flow{SrcPort: uint16(i + 1)}))
		}
		seen := map[Record]bool{}
		var want []Record
		dups := 0
		for i := range 200 {
			r := Record{Packet: uint64(i), Node: int32(rng.IntN(3)), Flow: flows[rng.IntN(5)], Arrive: rng.Int64N(100), Start: Absent, Depart: Absent}
			if seed%2 == 0 && rng.IntN(3) > 0 {
				r.Bytes = 64 + uint32(rng.IntN(1437))
			}
			if rng.IntN(8) == 0 && len(want) > 0 {
				r = want[rng.IntN(len(want))]
			} else if r.Node == 0 {
				r.Depart, r.Arrive = r.Arrive, Absent
			} else if rng.IntN(6) > 0 {
				r.Queue = uint16(rng.IntN(3))
				r.Depart = r.Arrive + rng.Int64N(50)
				if rng.IntN(10) == 0 {
					r.Depart += 1 << 33
				}
				if rng.IntN(2) == 0 {
					r.Start = r.Arrive + rng.Int64N(r.Depart-r.Arrive+1)
				}
			}
			if seen[r] {
				dups++
			} else {
				seen[r] = true
				want = append(want, r)
			}
			if err := b.Add(r); err != nil {
				t.Fatal(err)
			}
		}
		tr := b.Trace()
		got := all(tr)
		if int(tr.Stats.Duplicate) != dups || len(got) != len(want) {
			t.Fatalf("seed %d: %d records, %d duplicates; want %d, %d", seed, len(got), tr.Stats.Duplicate, len(want), dups)
		}
		for i, r := range got {
			if !seen[r] {
				t.Fatalf("seed %d: %+v was never added", seed, r)
			}
			if i > 0 && got[i-1].Node == r.Node && got[i-1].Queue == r.Queue && got[i-1].At() > r.At() {
				t.Fatalf("seed %d: %+v before %+v", seed, got[i-1], r)
			}
		}
		for qi := range tr.Queues {
			q := &tr.Queues[qi]
			last := int64(-1)
			for k := range q.Departures() {
				d := q.Depart(q.ByDepart(k))
				if d < last || d == Absent {
					t.Fatalf("seed %d: departure %d at %d after one at %d", seed, k, d, last)
				}
				last = d
			}
			at := rng.Int64N(120)
			if i := q.FirstArrival(at); i < q.Len() && q.Arrive[i] < at || i > 0 && q.Arrive[i-1] >= at {
				t.Fatalf("seed %d: FirstArrival(%d) = %d", seed, at, i)
			}
		}
		joined, err := tr.Join([]bool{false, true, false})
		if err != nil {
			t.Fatal(err)
		}
		if joined.Records() != tr.Records() || len(joined.Of(1)) > 1 || len(joined.Of(2)) != len(tr.Of(2)) {
			t.Fatalf("seed %d: joined has %d records, %d and %d queues; want %d, 1 and %d", seed, joined.Records(), len(joined.Of(1)), len(joined.Of(2)), tr.Records(), len(tr.Of(2)))
		}
		for _, r := range all(joined) {
			if r.Node == 1 {
				r.Queue = tr.Of(1)[0].Number
			}
			if !slices.ContainsFunc(got, func(o Record) bool {
				if o.Node == 1 {
					o.Queue = r.Queue
				}
				return o == r
			}) {
				t.Fatalf("seed %d: joining made %+v", seed, r)
			}
		}
		// What is written reads back the same.
		var out bytes.Buffer
		if err := tr.Write(&out); err != nil {
			t.Fatal(err)
		}
		back := NewReader(0)
		if err := back.Read("back", bytes.NewReader(out.Bytes())); err != nil || len(back.Problems) > 0 {
			t.Fatal(err, back.Problems)
		}
		again := back.Trace()
		var twice bytes.Buffer
		if err := again.Write(&twice); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out.Bytes(), twice.Bytes()) {
			t.Fatalf("seed %d: written twice is not the same", seed)
		}
	}
}

// FuzzScan holds the quick way to read a line against the general one: what it takes, it
// takes as that does.
func FuzzScan(f *testing.F) {
	const flow = `{"src":"10.0.0.1","dst":"::2","proto":6,"sport":1,"dport":2}`
	f.Add(`{"node":"nat1","queue":0,"pkt":17,"flow":` + flow + `,"bytes":64,"arrive":12345,"start":12400,"depart":12500}`)
	f.Add(`{"node":"nat1","arrive":-5}`)
	f.Add(`{"node":"nat1","arrive":5,"flow":` + flow)
	f.Add(`{"depart":7,"node":"src","pkt":18446744073709551615}`)
	f.Add(`{"node":"nat1","arrive":01,"flow":null}`)
	f.Fuzz(func(t *testing.T, line string) {
		if strings.ContainsAny(line, "\r\n") {
			return
		}
		quick, slow := NewReader(0), NewReader(0)
		for _, r := range []*Reader{quick, slow} {
			if err := r.Read("f", strings.NewReader(header+`{"node":"fw1","arrive":1,"flow":`+flow+`}`)); err != nil {
				t.Fatal(err)
			}
		}
		rec, ok := quick.scan([]byte(line))
		if !ok {
			return
		}
		if err := quick.add(&rec); err != nil {
			t.Fatal(err)
		}
		slow.general([]byte(line))
		if d := cmp.Diff(slow.Problems, quick.Problems, cmp.Comparer(func(a, b jsonlines.Problem) bool { return a.Field == b.Field && a.Text == b.Text })); d != "" {
			t.Fatal(d)
		}
		if d := cmp.Diff(all(slow.Trace()), all(quick.Trace())); d != "" {
			t.Fatal(d)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	line := []byte(`{"node":"nat1","queue":0,"pkt":17,"flow":{"src":"10.0.0.1","dst":"10.0.0.2","proto":6,"sport":1,"dport":2},"arrive":12345,"start":12400,"depart":12500}`)
	r := NewReader(0)
	if err := r.Read("f", strings.NewReader(header+string(line))); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := r.scan(line); !ok {
			b.Fatal("the usual line is not read quickly")
		}
	}
}

func TestScanAllocatesNothing(t *testing.T) {
	line := []byte(`{"node":"nat1","queue":0,"pkt":17,"arrive":12345,"start":12400,"depart":12500}`)
	r := NewReader(0)
	if err := r.Read("f", strings.NewReader(header)); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { r.scan(line) }); n > 0 {
		t.Errorf("%v allocations for a line, want none", n)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(header + `{"node":"nat1","queue":0,"pkt":17,"flow":{"src":"10.0.0.1","dst":"::2","proto":6,"sport":1,"dport":2},"arrive":12345,"start":12400,"depart":12500}`)
	f.Add(header + `{"node":"src","depart":1.5}` + "\n" + `{"node":"fw1","arrive":-1,"depart":99999999999999}`)
	f.Fuzz(func(t *testing.T, text string) {
		r := NewReader(1000)
		if r.Read("f", strings.NewReader(text)) != nil {
			return
		}
		tr := r.Trace()
		var out bytes.Buffer
		if err := tr.Write(&out); err != nil {
			t.Fatal(err)
		}
		back := NewReader(0)
		if err := back.Read("back", bytes.NewReader(out.Bytes())); err != nil || len(back.Problems) > 0 {
			t.Fatalf("%v %v\n%s", err, back.Problems, out.Bytes())
		}
		if got := back.Trace(); got.Records() != tr.Records() {
			t.Fatalf("wrote %d records, read %d", tr.Records(), got.Records())
		}
	})
}
