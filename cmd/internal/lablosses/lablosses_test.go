// Package lablosses holds the blame analyzer against the emulated fabric: packets vanish
// on a link, on two, on a line card, and nobody says so; which link it was must follow
// from the switches' postcards alone.
package lablosses

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/telltale-net/telltale/bmv2/lab"
	"github.com/telltale-net/telltale/bmv2/lab/traffic"
	"github.com/telltale-net/telltale/cmd/internal/live/window"
	"github.com/telltale-net/telltale/collector"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/controlplane"
	"github.com/telltale-net/telltale/controlplane/intent"
	"github.com/telltale-net/telltale/controlplane/p4rt"
	"github.com/telltale-net/telltale/topology"
)

var (
	seeds = flag.Int("seeds", 1, "how many labs of each kind")
	pps   = flag.Float64("pps", 8000, "packets a second of all tenants together")
)

func TestMain(m *testing.M) {
	flag.Parse()
	goleak.VerifyTestMain(m)
}

// fabric is a lab with its controller and tenants; every hop reports every packet to a
// collector, whose records go to observers.
type fabric struct {
	topology.Fabric
	ix         *topology.Index
	lab        *lab.Lab
	controller *controlplane.Controller
	collector  *collector.Collector
	observe    []*observer
}

// observer is an analysis of those postcards that it may see.
type observer struct {
	name    string
	sees    func(node postcard.NodeID) bool
	window  *window.Analyzer
	batch   window.Batch
	windows []*window.Window
}

func newFabric(t *testing.T, seed uint64) *fabric {
	t.Helper()
	top, err := topology.LeafSpine(topology.DefaultLeafSpine())
	if err != nil {
		t.Fatal(err)
	}
	f := &fabric{Fabric: top}
	if f.ix, err = topology.NewIndex(top); err != nil {
		t.Fatal(err)
	}
	if f.collector, err = collector.New(collector.DefaultConfig(), collector.Deps{}); err != nil {
		t.Fatal(err)
	}
	vswitch := map[postcard.NodeID]bool{}
	for _, n := range top.Nodes {
		vswitch[postcard.NodeID(n.ID)] = n.Role == topology.VSwitch
	}
	f.observe = []*observer{
		{name: "all hops", sees: func(postcard.NodeID) bool { return true }},
		{name: "ends only", sees: func(n postcard.NodeID) bool { return vswitch[n] }},
	}
	for _, o := range f.observe {
		if o.window, err = window.New(top, window.Config{}); err != nil {
			t.Fatal(err)
		}
	}
	settings := intent.DefaultSettings()
	settings.AllHops = true
	take := func(r *postcard.Record) {
		for _, o := range f.observe {
			if o.sees(r.Node) {
				o.batch.Records = append(o.batch.Records, *r)
				o.batch.Offered++
			}
		}
	}
	f.lab, err = lab.New(lab.Config{Fabric: top, Seed: seed, ReportPort: settings.ReportPort,
		OnReport: func(at lab.Time, src netip.AddrPort, payload []byte) {
			f.collector.Ingest(int64(at), src, payload, take)
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.lab.Close(); err != nil {
			t.Error(err)
		}
	})
	f.controller, err = controlplane.Connect(t.Context(), controlplane.Config{
		Fabric: f.ix, Settings: settings, Election: p4rt.Election{Low: 1},
		Address: func(n topology.Node) (string, error) { return f.lab.P4RTAddr(n.Name) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.controller.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := f.controller.Install(t.Context()); err != nil {
		t.Fatal(err)
	}
	flows, err := traffic.Mix{Seed: seed, PPS: *pps}.Make(&f.Fabric)
	if err != nil {
		t.Fatal(err)
	}
	for _, flow := range flows {
		if _, err := f.lab.AddFlow(flow); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// step is how often the analysis is asked.
const step = 100 * time.Millisecond

// until runs the lab and the analyses.
func (f *fabric) until(t *testing.T, at time.Duration) {
	t.Helper()
	for now := time.Duration(f.lab.Now()); now < at; {
		now = min(now+step, at)
		if err := f.lab.RunUntil(lab.Time(now)); err != nil {
			t.Fatal(err)
		}
		for _, o := range f.observe {
			o.window.Observe(&o.batch)
			o.batch = window.Batch{Records: o.batch.Records[:0]}
			res := o.window.Advance(int64(now), f.collector.Loss)
			o.windows = append(o.windows, res.Windows...)
		}
	}
}

// kind is a way in which packets vanish.
type kind struct {
	name   string
	faults func(f *fabric, rng *rand.Rand, p float64) (faults []lab.Fault, links []string)
}

// trunk draws a direction of a link between a leaf and a spine.
func (f *fabric) trunk(rng *rand.Rand) topology.Hop {
	var all []topology.Hop
	for _, l := range f.Links {
		if a, _ := f.ix.Node(l.A.Node); a.Role != topology.Leaf && a.Role != topology.Spine {
			continue
		}
		if b, _ := f.ix.Node(l.B.Node); b.Role != topology.Leaf && b.Role != topology.Spine {
			continue
		}
		all = append(all, topology.Hop{Out: l.A, In: l.B}, topology.Hop{Out: l.B, In: l.A})
	}
	return all[rng.IntN(len(all))]
}

var kinds = []kind{
	{"one link", func(f *fabric, rng *rand.Rand, p float64) ([]lab.Fault, []string) {
		h := f.trunk(rng)
		return []lab.Fault{lab.LossyLink(h.Out.Node, h.Out.Port, p)}, []string{h.String()}
	}},
	{"two links", func(f *fabric, rng *rand.Rand, p float64) ([]lab.Fault, []string) {
		a, b := f.trunk(rng), f.trunk(rng)
		for a == b {
			b = f.trunk(rng)
		}
		return []lab.Fault{lab.LossyLink(a.Out.Node, a.Out.Port, p), lab.LossyLink(b.Out.Node, b.Out.Port, p)}, []string{a.String(), b.String()}
	}},
	{"line card", func(f *fabric, rng *rand.Rand, p float64) ([]lab.Fault, []string) {
		spine := fmt.Sprint("spine", 1+rng.IntN(2))
		ports := []topology.Port{1, 2, 3, 4}
		rng.Shuffle(len(ports), func(i, j int) { ports[i], ports[j] = ports[j], ports[i] })
		var links []string
		for _, port := range ports[:2] {
			peer, _ := f.ix.Peer(topology.Endpoint{Node: spine, Port: port})
			links = append(links, spine+">"+peer.Node, peer.Node+">"+spine)
		}
		return []lab.Fault{lab.LineCard(spine, ports[:2], p)}, links
	}},
}

// verdict is what an observer made of a fault.
type verdict struct {
	windows     int      // judged until the verdict was right for the first time; 0 = it never was
	bad         []string // in the last window
	least, most float64  // probabilities of the true links in the last window
	wrong       int      // links that were wrongly called bad in any window
}

func judge(o *observer, from int64, truth []string) verdict {
	var v verdict
	n := 0
	for _, w := range o.windows {
		if w.To <= from || w.Blame == nil {
			continue
		}
		n++
		v.bad = w.Blame.BadLinks()
		right := len(v.bad) == len(truth)
		for _, l := range v.bad {
			if !slices.Contains(truth, l) {
				right = false
				v.wrong++
			}
		}
		if right && v.windows == 0 {
			v.windows = n
		}
		v.least, v.most = 1, 0
		for _, l := range truth {
			p := 0.0
			for i := range w.Blame.Links {
				if x := &w.Blame.Links[i]; x.Link == l {
					p = *x.Probability
				}
			}
			v.least, v.most = min(v.least, p), max(v.most, p)
		}
	}
	return v
}

func TestSilentLoss(t *testing.T) {
	var table strings.Builder
	fmt.Fprintf(&table, "\n%-10s %-6s %-10s %-9s %8s %7s %-13s %6s %s\n", "fault", "loss", "telemetry", "postcards", "windows", "lost", "probability", "wrong", "verdict")
	for _, k := range kinds {
		for _, p := range []float64{0.05, 0.01, 0.001} {
			for seed := range uint64(*seeds) {
				f := newFabric(t, seed+1)
				rng := rand.New(rand.NewPCG(seed, uint64(p*1e6)))
				f.until(t, 2*time.Second)
				faults, truth := k.faults(f, rng, p)
				for _, x := range faults {
					if err := x.Apply(f.lab); err != nil {
						t.Fatal(err)
					}
				}
				f.until(t, 12*time.Second)
				lost := uint64(0)
				for _, l := range f.lab.Stats().Links {
					lost += l.Lost
				}
				for _, o := range f.observe {
					v := judge(o, int64(2*time.Second), truth)
					fmt.Fprintf(&table, "%-10s %-6g %-10g %-9s %8d %7d %.3f … %.3f %6d %v want %v\n", k.name, p, 0.0, o.name, v.windows, lost, v.least, v.most, v.wrong, v.bad, truth)
				}
			}
		}
	}
	t.Log(table.String())
}
