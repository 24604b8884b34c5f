// Package labqueue holds the queue analyzer against the emulated fabric: nothing but
// postcards of all hops, and the question who made packets late.
package labqueue

import (
	"cmp"
	"flag"
	"net/netip"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/queue"
	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
	"github.com/telltale-net/telltale/analyzers/queue/postcards"
	"github.com/telltale-net/telltale/analyzers/queue/records"
	"github.com/telltale-net/telltale/bmv2/lab"
	"github.com/telltale-net/telltale/bmv2/lab/frame"
	"github.com/telltale-net/telltale/bmv2/lab/traffic"
	"github.com/telltale-net/telltale/collector"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/controlplane"
	"github.com/telltale-net/telltale/controlplane/intent"
	"github.com/telltale-net/telltale/controlplane/p4rt"
	"github.com/telltale-net/telltale/topology"
)

var seeds = flag.Int("seeds", 2, "how many labs each test runs, every other with clocks that disagree")

func TestMain(m *testing.M) {
	flag.Parse()
	goleak.VerifyTestMain(m)
}

// fabric is a lab with its controller, and the postcards that it has sent.
type fabric struct {
	topology.Fabric
	lab        *lab.Lab
	controller *controlplane.Controller
	collector  *collector.Collector
	cards      []postcard.Record
	clocks     map[string]lab.SwitchClock
}

// newFabric starts a leaf-spine fabric of 20 Mbps links in which every hop reports every
// packet, and its tenants' usual traffic.
func newFabric(t *testing.T, seed uint64, clocks bool) *fabric {
	t.Helper()
	c := topology.DefaultLeafSpine()
	c.Access.RateBps, c.Trunk.RateBps = 20_000_000, 20_000_000
	top, err := topology.LeafSpine(c)
	if err != nil {
		t.Fatal(err)
	}
	f := &fabric{Fabric: top}
	if f.collector, err = collector.New(collector.DefaultConfig(), collector.Deps{}); err != nil {
		t.Fatal(err)
	}
	settings := intent.DefaultSettings()
	settings.AllHops = true
	cfg := lab.Config{Fabric: top, Seed: seed, ReportPort: settings.ReportPort,
		OnReport: func(at lab.Time, src netip.AddrPort, payload []byte) {
			f.collector.Ingest(int64(at), src, payload, func(r *postcard.Record) { f.cards = append(f.cards, *r) })
		}}
	if clocks {
		f.clocks = lab.Skewed(top, seed, 300*time.Millisecond, 0)
		cfg.Clocks = f.clocks
	}
	if f.lab, err = lab.New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.lab.Close(); err != nil {
			t.Error(err)
		}
	})
	ix, err := topology.NewIndex(top)
	if err != nil {
		t.Fatal(err)
	}
	f.controller, err = controlplane.Connect(t.Context(), controlplane.Config{
		Fabric: ix, Settings: settings, Election: p4rt.Election{Low: 1},
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
	flows, err := traffic.Mix{Seed: seed, PPS: 4000}.Make(&f.Fabric)
	if err != nil {
		t.Fatal(err)
	}
	for _, flow := range flows {
		f.add(t, flow)
	}
	return f
}

func (f *fabric) add(t *testing.T, flow traffic.Flow) {
	t.Helper()
	if _, err := f.lab.AddFlow(flow); err != nil {
		t.Fatal(err)
	}
}

// at returns what the clock shows to which the data set's times are brought: that of the
// fabric's first switch.
func (f *fabric) at(d time.Duration) time.Duration {
	return time.Duration(f.clocks[f.Nodes[0].Name].At(lab.Time(d)))
}

func (f *fabric) until(t *testing.T, at time.Duration) {
	t.Helper()
	if err := f.lab.RunUntil(lab.Time(at)); err != nil {
		t.Fatal(err)
	}
}

// diagnose returns the causes of packets that began to wait within a time and waited at
// least so long, of every queue the 50 that waited longest.
func (f *fabric) diagnose(t *testing.T, from, to, least time.Duration) (*records.Trace, []diagnosis.Diagnosis) {
	t.Helper()
	net, err := analyzers.NewNetwork(f.Fabric)
	if err != nil {
		t.Fatal(err)
	}
	trace, stats, err := postcards.Convert(net, f.cards, postcards.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if stats.Used != stats.Postcards || stats.NoID != 0 {
		t.Errorf("not all postcards tell: %+v", stats)
	}
	a := queue.New(trace, queue.Config{})
	var victims []diagnosis.Victim
	for q := range trace.Queues {
		var here []diagnosis.Victim
		for row := range trace.Queues[q].Len() {
			v := a.Victim(q, row)
			if v.Arrive >= int64(from) && v.Arrive < int64(to) && !v.Lost && v.Wait >= int64(least) {
				here = append(here, v)
			}
		}
		slices.SortStableFunc(here, func(a, b diagnosis.Victim) int { return cmp.Compare(b.Wait, a.Wait) })
		victims = append(victims, here[:min(50, len(here))]...)
	}
	out, err := a.Diagnose(t.Context(), victims, 2)
	if err != nil {
		t.Fatal(err)
	}
	return trace, out
}

// judge counts the diagnoses whose first cause is right.
func judge(t *testing.T, seed uint64, trace *records.Trace, out []diagnosis.Diagnosis, right func(c *diagnosis.Cause) bool) {
	t.Helper()
	n := 0
	for i := range out {
		d := &out[i]
		if len(d.Causes) > 0 && right(&d.Causes[0]) {
			n++
			continue
		}
		t.Logf("seed %d: victim %+v at %s: %+v", seed, d.Victim, trace.Network.Name(d.Victim.Node), d.Uncertainty)
		for _, c := range d.Causes[:min(3, len(d.Causes))] {
			t.Logf("   %s %v %.3f [%.2f %.2f] %d packets, flows %v", trace.Network.Name(c.Node), c.Kind, c.Score, c.Low, c.High, c.Packets, c.Flows[:min(3, len(c.Flows))])
		}
	}
	t.Logf("seed %d: first cause right for %d of %d late packets", seed, n, len(out))
	if len(out) < 10 || float64(n) < 0.9*float64(len(out)) {
		t.Errorf("seed %d: first cause right for %d of %d late packets, want 90 %% of at least 10", seed, n, len(out))
	}
}

// TestIncast: three machines send bursts to one at the same time, through both spines. What
// is late then, wherever that was, is the bursts' doing and no switch's.
func TestIncast(t *testing.T) {
	for seed := range uint64(*seeds) {
		f := newFabric(t, seed+1, seed%2 == 1)
		hosts := slices.DeleteFunc(slices.Clone(f.Hosts), func(h topology.Host) bool { return h.VNET != f.VNETs[0].Name })
		for _, from := range hosts[1:] {
			for i := range 4 {
				f.add(t, traffic.Flow{Name: "burst", From: from.Name, To: hosts[0].Name, Proto: frame.UDP, SrcPort: uint16(7000 + i), DstPort: 7777,
					Sizes: traffic.Fixed(600), Arrivals: traffic.Arrivals{Kind: traffic.Paced, PPS: 700},
					Start: 600 * time.Millisecond, Stop: 620 * time.Millisecond})
			}
		}
		f.until(t, 900*time.Millisecond)
		trace, out := f.diagnose(t, f.at(600*time.Millisecond), f.at(630*time.Millisecond), 2*time.Millisecond)
		judge(t, seed, trace, out, func(c *diagnosis.Cause) bool {
			return c.Kind == diagnosis.Traffic && trace.Network.Nodes[c.Node].IsSource() && len(c.Flows) > 0 &&
				trace.Flows[c.Flows[0].Flow].DstPort == 7777
		})
	}
}

// TestSlowPort: a leaf's port drains at a tenth of its rate. What is late there is its own
// doing.
func TestSlowPort(t *testing.T) {
	for seed := range uint64(*seeds) {
		f := newFabric(t, seed+1, seed%2 == 1)
		f.until(t, 600*time.Millisecond)
		fault := lab.SlowPort("leaf1", 3, 0.1)
		if err := fault.Apply(f.lab); err != nil {
			t.Fatal(err)
		}
		f.until(t, 700*time.Millisecond)
		if err := fault.Revert(f.lab); err != nil {
			t.Fatal(err)
		}
		f.until(t, 900*time.Millisecond)
		trace, out := f.diagnose(t, f.at(600*time.Millisecond), f.at(700*time.Millisecond), 3*time.Millisecond)
		slow, _ := trace.Network.Index("leaf1:3")
		judge(t, seed, trace, out, func(c *diagnosis.Cause) bool {
			return c.Kind == diagnosis.Processing && c.Node == slow
		})
	}
}
