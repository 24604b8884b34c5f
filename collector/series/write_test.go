package series

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/telltale-net/telltale/collector/aggregate"
	"github.com/telltale-net/telltale/collector/exposition"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/topology"
)

var update = flag.Bool("update", false, "write the goldens anew")

func fabric(t testing.TB) *topology.Index {
	t.Helper()
	f, err := topology.LeafSpine(topology.DefaultLeafSpine())
	if err != nil {
		t.Fatal(err)
	}
	ix, err := topology.NewIndex(f)
	if err != nil {
		t.Fatal(err)
	}
	return ix
}

func table() *aggregate.Table {
	t := aggregate.New(aggregate.Limits{Queues: 4, Tenants: 2})
	const hop = postcard.HasPorts | postcard.HasLatency | postcard.HasQueue | postcard.HasLength | postcard.HasVNI
	t.Observe([]postcard.Record{
		{Node: 2001, OutPort: 1, Has: hop, Latency: 900, QueueDepth: 3, Length: 100, VNI: 1001},
		{Node: 2001, OutPort: 1, Has: hop, Latency: 1_500_000, QueueDepth: 5, Length: 1500, VNI: 1001, Flags: postcard.Congested},
		{Node: 2001, Has: postcard.HasDropReason | postcard.HasVNI, DropReason: 60, Flags: postcard.Dropped, VNI: 1001},
		{Node: 2001, Flags: postcard.Dropped},
		{Node: 2001, OutPort: 1, Has: postcard.HasDropReason, DropReason: 51, Flags: postcard.Dropped},
		{Node: 7, OutPort: 9, Queue: 3, Has: postcard.HasVNI, VNI: 5},
		{Node: 8, OutPort: 9, Has: postcard.HasVNI, VNI: 6}, {Node: 9}, {Node: 10},
	})
	return t
}

func written(t testing.TB, tab *aggregate.Table, names *Names) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, tab, names); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	got := written(t, table(), &Names{Topology: fabric(t), Reason: func(r uint8) string {
		if r == 60 {
			return "acl-deny"
		}
		return ""
	}})
	if *update {
		if err := os.WriteFile("testdata/series.prom", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/series.prom")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant what testdata/series.prom has", got)
	}
}

// Names come from the topology: a node behind a trunk, a host behind a vswitch's port.
func TestNames(t *testing.T) {
	ix := fabric(t)
	n := &Names{Topology: ix}
	f := ix.Fabric()
	h := f.Hosts[0]
	at, _ := ix.Node(h.At.Node)
	if got := n.Peer(postcard.NodeID(at.ID), uint32(h.At.Port)); got != h.Name {
		t.Errorf("behind %v: got %q, want host %s", h.At, got, h.Name)
	}
	l := f.Links[0]
	a, _ := ix.Node(l.A.Node)
	if got := n.Peer(postcard.NodeID(a.ID), uint32(l.A.Port)); got != l.B.Node {
		t.Errorf("behind %v: got %q, want %s", l.A, got, l.B.Node)
	}
	if got := n.Peer(1<<31, 3) + n.Peer(postcard.NodeID(a.ID), 1<<20) + n.Peer(postcard.NodeID(a.ID), 0) + (&Names{}).Peer(1, 1) + (&Names{}).Tenant(3); got != "" {
		t.Errorf("got %q for what is not known, want nothing", got)
	}
	v := f.VNETs[0]
	if got := n.Tenant(v.VNI); got != v.Name {
		t.Errorf("VNI %d: got %q, want %s", v.VNI, got, v.Name)
	}
	if got := n.DropReason(9); got != "9" {
		t.Errorf("got reason %q, want 9", got)
	}
}

// What is written can be read, and every family and every label is in the list, and is
// used.
func TestListed(t *testing.T) {
	var b strings.Builder
	if err := WriteFlowSets(&b, flowSets()); err != nil {
		t.Fatal(err)
	}
	m, err := exposition.Parse(written(t, table(), &Names{Topology: fabric(t)})+b.String(), exposition.Config{})
	if err != nil {
		t.Fatal(err)
	}
	known, used := map[string]map[string]bool{}, map[string]bool{}
	for _, f := range Metrics() {
		known[f.Name] = map[string]bool{"__name__": true}
		for _, l := range f.Labels {
			known[f.Name][l] = true
		}
	}
	suffix := regexp.MustCompile(`_(sum|count|bucket)$`)
	for _, s := range m.Series {
		name := ""
		for _, l := range s.Labels {
			if l.Name == "__name__" {
				if name = l.Value; known[name] == nil {
					name = suffix.ReplaceAllString(name, "")
				}
			}
		}
		if known[name] == nil {
			t.Fatalf("%v is in no family of Metrics", s.Labels)
		}
		for _, l := range s.Labels {
			used[name+" "+l.Name] = true
			if !known[name][l.Name] {
				t.Errorf("%s: label %s is not listed", name, l.Name)
			}
		}
	}
	for _, f := range Metrics() {
		for _, l := range append(f.Labels, "__name__") {
			if !used[f.Name+" "+l] {
				t.Errorf("%s: label %s is listed and not there", f.Name, l)
			}
		}
	}
	if len(m.Metadata) != len(Metrics()) {
		t.Errorf("got metadata of %d families, want %d", len(m.Metadata), len(Metrics()))
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no") }

func TestWriterFails(t *testing.T) {
	if err := Write(broken{}, table(), &Names{}); err == nil {
		t.Error("got no error")
	}
}

func TestLabelsAreEscaped(t *testing.T) {
	var b strings.Builder
	label(&b, "a", "x\"\\\ny")
	if got, want := b.String(), `a="x\"\\\ny"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// BenchmarkWrite writes 1 024 queues.
func BenchmarkWrite(b *testing.B) {
	t := aggregate.New(aggregate.DefaultLimits())
	for i := range 1024 {
		t.Observe([]postcard.Record{{Node: 2001, OutPort: uint32(i), Has: postcard.HasLatency | postcard.HasQueue | postcard.HasLength, Length: 1, Latency: uint32(i)}})
	}
	names := &Names{Topology: fabric(b)}
	b.ReportAllocs()
	for b.Loop() {
		text := written(b, t, names)
		b.ReportMetric(float64(strings.Count(text, "\n")), "lines")
	}
}
