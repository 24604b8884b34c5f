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
	seeds = flag.Int("seeds", 0, "how many labs of each kind and loss; 0 = a few only")
	first = flag.Uint64("first-seed", 1, "seed of the first")
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

// What is reported: by all switches of all packets; by vswitches of all packets and by
// the fabric of one packet in 32; by vswitches alone, the paths being those that the
// topology allows.
const (
	allHops  = "all hops"
	traced   = "ends+1/32"
	endsOnly = "ends only"
)

func traces(r *postcard.Record) bool { return (r.FlowHash^uint32(r.PacketID)*0x9e3779b1)>>16&31 == 0 }

// observer is an analysis of those postcards that it may see, a share of which is lost on
// the way to it.
type observer struct {
	name    string
	lost    float64
	sees    func(r *postcard.Record) bool
	numbers map[stream]uint32
	rng     *rand.Rand
	window  *window.Analyzer
	batch   window.Batch
	windows []*window.Window
}

// stream is reports that are numbered together.
type stream struct {
	node postcard.NodeID
	hw   uint8
}

// take adds a record as it would have come from switches that report what the observer sees,
// and no more: with their numbers, in which a report that was lost leaves a hole.
func (o *observer) take(r *postcard.Record) {
	if !o.sees(r) {
		return
	}
	x, k := *r, stream{r.Node, r.HwID}
	x.Seq = o.numbers[k] & (1<<22 - 1)
	o.numbers[k]++
	if o.rng.Float64() >= o.lost {
		o.batch.Records = append(o.batch.Records, x)
		o.batch.Offered++
	}
}

// newFabric returns a lab with observers that lose these shares of the reports.
func newFabric(t *testing.T, seed uint64, lost []float64) *fabric {
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
	for i, q := range lost {
		f.observe = append(f.observe,
			&observer{name: allHops, lost: q, sees: func(*postcard.Record) bool { return true }},
			&observer{name: traced, lost: q, sees: func(r *postcard.Record) bool { return vswitch[r.Node] || traces(r) }},
			&observer{name: endsOnly, lost: q, sees: func(r *postcard.Record) bool { return vswitch[r.Node] }})
		for _, o := range f.observe[3*i:] {
			o.numbers, o.rng = map[stream]uint32{}, rand.New(rand.NewPCG(seed, uint64(len(o.name))+uint64(q*1e6)))
		}
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
			o.take(r)
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
			res := o.window.Advance(int64(now), nil)
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
	windows     int      // judged until the verdict was right, and it stayed so; 0 = it never was
	bad         []string // in the last window
	least, most float64  // probabilities of the true links in the last window
	wrong       int      // links that were wrongly called bad in any window
	early       int      // links that were called bad before there was a fault
}

func judge(o *observer, from int64, truth []string) verdict {
	var v verdict
	n := 0
	for _, w := range o.windows {
		if w.Blame == nil {
			continue
		}
		if w.To <= from {
			v.early += len(w.Blame.BadLinks())
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
		} else if !right {
			v.windows = 0
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

// trial is a lab in which packets vanish.
type trial struct {
	kind
	loss    float64   // share of packets that vanish
	reports []float64 // shares of reports that do, each for observers of its own
	seed    uint64
	windows int
	truth   []string
	lost    uint64 // packets, on the lossy links
}

func (x *trial) run(t *testing.T) *fabric {
	t.Helper()
	f := newFabric(t, x.seed, x.reports)
	f.until(t, faultAt)
	var faults []lab.Fault
	faults, x.truth = x.faults(f, rand.New(rand.NewPCG(x.seed, uint64(x.loss*1e6))), x.loss)
	apply(t, f, faults...)
	f.until(t, faultAt+time.Duration(x.windows+1)*time.Second+step) // and the time to judge the last one
	for _, l := range f.lab.Stats().Links {
		if !strings.HasSuffix(l.From, ":500") {
			x.lost += l.Lost
		}
	}
	return f
}

// faultAt is when packets begin to vanish: what the controller does first is over.
const faultAt = 2 * time.Second

func apply(t *testing.T, f *fabric, faults ...lab.Fault) {
	t.Helper()
	for _, x := range faults {
		if err := x.Apply(f.lab); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSilentLoss: what vanishes is blamed on its links within ten windows, and from then on.
// Where all hops report, no healthy link is ever blamed. With a table: -v -args -seeds N.
func TestSilentLoss(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a fabric for 20 s of its time")
	}
	var trials []*trial
	if *seeds == 0 {
		for i, k := range kinds {
			trials = append(trials, &trial{kind: k, loss: 0.02, reports: []float64{[]float64{0.01, 0, 0.05}[i]}, seed: uint64(i + 1), windows: 4})
		}
	}
	for seed := range uint64(*seeds) {
		for _, k := range kinds {
			for _, p := range []float64{0.05, 0.02, 0.01, 0.001} {
				trials = append(trials, &trial{kind: k, loss: p, reports: []float64{0, 0.01, 0.05}, seed: *first + seed, windows: 10})
			}
		}
	}
	table := newTable()
	for _, x := range trials {
		f := x.run(t)
		for _, o := range f.observe {
			v := judge(o, int64(faultAt), x.truth)
			t.Log(table.add(x, o, &v))
			if v.early > 0 {
				t.Errorf("%s, %g of reports lost: %d links blamed before packets vanished", o.name, o.lost, v.early)
			}
			wrong := o.name == allHops && v.wrong > 0
			late := o.name != endsOnly && v.windows == 0 || o.name == allHops && x.loss >= 0.01 && v.windows > 4
			if wrong || late && x.loss >= 0.01 {
				t.Errorf("%s %g, %g of reports lost, seed %d, %s: %d windows to the right verdict, %d links wrongly blamed; last %v, want %v", x.name, x.loss, o.lost, x.seed, o.name, v.windows, v.wrong, v.bad, x.truth)
			}
		}
	}
	t.Log(table)
}

var healthy = flag.Int("healthy", 0, "seconds that a healthy fabric is watched, its reports being lost")

// TestHealthy: a fabric that loses nothing but reports is not blamed. -args -healthy 100.
func TestHealthy(t *testing.T) {
	if *healthy == 0 {
		t.Skip("takes a minute: -args -healthy 100")
	}
	f := newFabric(t, *first, []float64{0.01, 0.05})
	f.until(t, time.Duration(*healthy+1)*time.Second+step)
	for _, o := range f.observe {
		judged, bad := 0, 0
		for _, w := range o.windows {
			if w.Blame != nil {
				judged++
				bad += len(w.Blame.BadLinks())
			}
		}
		t.Logf("%s, %g of reports lost: %d windows, %d links blamed", o.name, o.lost, judged, bad)
		if bad > 0 || judged < *healthy-1 {
			t.Errorf("%s, %g of reports lost: %d links blamed in %d windows, want none in %d", o.name, o.lost, bad, judged, *healthy-1)
		}
	}
}
