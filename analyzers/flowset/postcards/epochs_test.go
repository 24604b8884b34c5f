package postcards

import (
	"flag"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/collector/postcard"
)

// Where no postcard is missing, what is told of every link is exact, down to one packet.
func TestExact(t *testing.T) {
	w := newWorld(t, 1)
	w.run(0, 300, 8000)
	w.wire["leaf1>spine2"], w.wire["spine1>leaf3"], w.queue["leaf2>spine1"] = 0.05, 0.001, 0.02
	w.run(300, 1500, 8000)
	w.wire = map[string]float64{}
	w.run(1500, 1600, 8000)
	e, all := w.play(Config{})
	sum, links := sums(all)
	for link, n := range w.sent {
		l := links[link]
		if l.Sent != n || l.Lost != w.lost[link] || l.Dropped != w.dropped[link] || l.Queue != l.Dropped || l.Doubt+l.Unreported > 0 {
			t.Errorf("%s: got %+v, want %d sent, %d lost, %d dropped", link, l, n, w.lost[link], w.dropped[link])
		}
		if (l.Flows.Wire > 0) != (w.lost[link] > 0) || l.Flows.Wire > l.Lost || l.Flows.Queue > l.Queue {
			t.Errorf("%s: %+v of flows, %d lost, %d dropped", link, l.Flows, l.Lost, l.Queue)
		}
	}
	if sum.Incomplete > 0 || sum.Epochs < 190 || sum.Coverage() != 1 || sum.Doubt+sum.Unknown > 0 || sum.Packets != sum.Delivered+sum.Lost+sum.Dropped {
		t.Errorf("%+v", sum)
	}
	if s := e.Stats(); s != (Stats{Postcards: uint64(len(w.records))}) {
		t.Errorf("%+v", s)
	}
	// Flows say the same as links.
	byLink := map[string]uint64{}
	for _, x := range all {
		for _, f := range x.Flows {
			if f.Place == Wire {
				byLink[f.Node+">"+f.Peer] += f.Lost
			}
			if f.Lost > f.Sent || f.Flow.Flow.DstPort != 80 {
				t.Errorf("%+v", f)
			}
		}
	}
	for link, n := range w.lost {
		if byLink[link] != n {
			t.Errorf("%s: flows lost %d, the link %d", link, byLink[link], n)
		}
	}
}

// One packet lost is told one epoch later, where postcards come that fast.
func TestOneEpochLater(t *testing.T) {
	w := newWorld(t, 2)
	w.run(0, 200, 4000)
	w.wire["leaf3>spine1"] = 1
	for w.lost["leaf3>spine1"] == 0 {
		w.packet(200 * ms)
	}
	w.wire["leaf3>spine1"] = 0
	w.run(201, 300, 4000)
	e := New(w.net, Config{Settle: Period})
	told, out := int64(0), 0
	for i := range w.records {
		e.Observe(&w.records[i])
		for _, x := range e.Advance(0) {
			if out += int(x.Lost); x.Lost > 0 {
				told = w.records[i].Received
			}
		}
	}
	if late := time.Duration(told - 200*ms); out != 1 || late > 3*Period {
		t.Errorf("%d lost, told %v after; want one, told one epoch after its own", out, late)
	}
}

var seeds = flag.Int("seeds", 4, "worlds for each share of postcards that are lost")

// Whatever share of the postcards is lost, no loss is invented, and all that was lost is
// told or in doubt.
func TestLostReports(t *testing.T) {
	for _, share := range []float64{0.0001, 0.001, 0.01, 0.1, 0.5} {
		for seed := range uint64(*seeds) {
			w := newWorld(t, 10+seed)
			w.delay = []float64{0, 0.1, 0.001}[seed%3]
			w.reports = share
			w.run(0, 200, 8000)
			w.wire["leaf1>spine2"], w.queue["leaf2>spine1"] = 0.05, 0.02
			w.run(200, 1000, 8000)
			w.wire = map[string]float64{}
			w.run(1000, 1200, 8000)
			e, all := w.play(Config{})
			sum, links := sums(all)
			for link := range w.sent {
				l := links[link]
				if l.Lost > w.lost[link] || l.Dropped > w.dropped[link] {
					t.Errorf("%g of reports lost, seed %d, %s: got %+v; in truth %d lost, %d dropped", share, seed, link, l, w.lost[link], w.dropped[link])
				}
			}
			if l := links["leaf1>spine2"]; share <= 0.001 && float64(l.Lost) < []float64{0.8, 0.3, 0.5}[seed%3]*float64(w.lost["leaf1>spine2"]) {
				t.Errorf("%g of reports lost, seed %d: %d of %d losses told, %d in doubt", share, seed, l.Lost, w.lost["leaf1>spine2"], l.Doubt)
			}
			if (sum.Incomplete == 0) != (e.Stats().Missing == 0) || share >= 0.01 && sum.Incomplete < sum.Epochs*9/10 {
				t.Errorf("%g of reports lost, seed %d: %d of %d epochs incomplete", share, seed, sum.Incomplete, sum.Epochs)
			}
		}
	}
}

// A switch that does not report every packet makes no link look lossy, nor does one that
// falls silent, or restarts.
func TestSilentSwitches(t *testing.T) {
	for _, c := range []struct {
		name string
		mute float64
		node string
	}{{"reports one in ten", 0.9, "spine1"}, {"reports nine in ten", 0.1, "spine1"}, {"says nothing", 1, "leaf2"}, {"an end says nothing", 1, "vs3"}, {"an end says half", 0.5, "vs3"}} {
		w := newWorld(t, 3)
		w.mute[c.node] = c.mute
		w.run(0, 800, 8000)
		_, all := w.play(Config{})
		if sum, _ := sums(all); sum.Lost > 0 || sum.Dropped > 0 {
			t.Errorf("%s %s: %+v", c.node, c.name, sum)
		}
	}
	w := newWorld(t, 15) // reports what it sends alone
	w.run(0, 800, 8000)
	vs3, _ := w.net.Node("vs3")
	w.records = slices.DeleteFunc(w.records, func(r postcard.Record) bool {
		return r.Node == postcard.NodeID(vs3.ID) && w.net.PortAt(w.net.ByID(r.Node), r.OutPort).Kind == analyzers.ToHost
	})
	for i, seq := 0, uint32(0); i < len(w.records); i++ {
		if r := &w.records[i]; r.Node == postcard.NodeID(vs3.ID) {
			seq++
			r.Seq = seq
		}
	}
	if sum, _ := sums(second(w.play(Config{}))); sum.Lost > 0 || sum.Doubt == 0 {
		t.Errorf("vs3 reports what it sends alone: %+v", sum)
	}
	w = newWorld(t, 4) // falls silent in the middle
	w.run(0, 400, 8000)
	w.mute["vs3"] = 1
	w.run(400, 1200, 8000)
	_, all := w.play(Config{})
	if sum, _ := sums(all); sum.Lost > 0 || sum.Doubt == 0 || sum.Incomplete == 0 {
		t.Errorf("vs3 falls silent: %+v", sum)
	}
	w = newWorld(t, 5) // restarts, and half of its reports are lost then
	w.run(0, 400, 8000)
	for id := range w.seq {
		w.seq[id] = 0
	}
	w.reports = 0.5
	w.run(400, 600, 8000)
	w.reports = 0
	w.run(600, 1200, 8000)
	_, all = w.play(Config{})
	if sum, _ := sums(all); sum.Lost > 0 {
		t.Errorf("restarted: %+v", sum)
	}
}

func second(_ *Epochs, all []*Epoch) []*Epoch { return all }

// What was shed, came late, found no room, or was cut off is not lost.
func TestTorn(t *testing.T) {
	w := newWorld(t, 6)
	w.run(0, 1500, 4000)
	e := New(w.net, Config{Told: true})
	var all []*Epoch
	level := uint(0)
	for i := range w.records {
		r := &w.records[i]
		if at := r.Received / ms; at%300 >= 200 && at%300 < 220 && i%3 == 0 { // shed
			e.Torn(r.Received, r.Received, Shed)
			continue
		}
		if next := uint(r.Received / (400 * ms) & 1); next != level { // sampled, and not
			level = next
			e.SetLevel(level)
		}
		if level == 1 && r.PacketID&1 == 0 {
			continue
		}
		e.Observe(r)
		if i%50 == 0 {
			all = append(all, e.Advance(0)...)
		}
	}
	all = append(all, e.Flush()...)
	sum, _ := sums(all)
	if sum.Lost > 0 || sum.Doubt == 0 || sum.Incomplete == 0 || sum.Causes[2] == 0 || sum.Causes[5] == 0 {
		t.Errorf("shed and sampled: %+v", sum)
	}
	w = newWorld(t, 7) // every twentieth postcard is a second late
	w.run(0, 3000, 2000)
	for i := range w.records {
		if i%20 == 0 {
			w.records[i].Received += 1000 * ms
		}
	}
	slices.SortStableFunc(w.records, func(a, b postcard.Record) int { return int(a.Received - b.Received) })
	e, all = w.play(Config{})
	if sum, _ = sums(all); sum.Lost > 0 || e.Stats().Late == 0 || sum.Causes[3] == 0 {
		t.Errorf("late: %+v, %+v", sum, e.Stats())
	}
	w = newWorld(t, 8)
	w.run(0, 1000, 4000)
	e, all = w.play(Config{MaxPackets: 500})
	if sum, _ = sums(all); sum.Lost > 0 || e.Stats().Room == 0 || sum.Causes[4] == 0 {
		t.Errorf("no room: %+v, %+v", sum, e.Stats())
	}
}

// A link that eats all of a flow's packets is a black hole, told once; a packet that comes
// to a switch twice goes round.
func TestAnomalies(t *testing.T) {
	w := newWorld(t, 9)
	w.run(0, 300, 4000)
	w.wire["spine2>leaf1"] = 1
	w.run(300, 700, 4000)
	w.wire = map[string]float64{}
	w.run(700, 1000, 4000)
	_, all := w.play(Config{})
	flows, told := map[any]bool{}, uint64(0)
	for _, x := range all {
		for _, a := range x.Anomalies {
			if a.Kind != "blackhole" || !slices.Equal(a.Nodes, []string{"spine2", "leaf1"}) {
				t.Errorf("%+v", a)
			}
			if told += a.Packets; a.New == flows[a.Flow] {
				t.Errorf("epoch %d: new %v, known %v", x.Number, a.New, flows[a.Flow])
			}
			flows[a.Flow] = true
		}
	}
	if len(flows) < 10 || told < w.lost["spine2>leaf1"]/2 {
		t.Errorf("%d flows, %d packets of %d", len(flows), told, w.lost["spine2>leaf1"])
	}

	w = newWorld(t, 10)
	w.run(0, 100, 4000)
	r := w.records[200]
	e := New(w.net, Config{})
	node := w.net.Name(w.net.ByID(r.Node))
	for i := range w.records {
		e.Observe(&w.records[i])
		if i == 200 {
			e.Observe(&w.records[i]) // the same datagram again is no second visit
		}
	}
	w.seq[r.Node]++
	r.Seq, r.Received = w.seq[r.Node], w.records[len(w.records)-1].Received
	r.Received = w.records[200].Received + 90*ms
	e.Observe(&r)
	var loops []Anomaly
	for _, x := range e.Flush() {
		loops = append(loops, x.Anomalies...)
	}
	if len(loops) != 1 || loops[0].Kind != "loop" || loops[0].Packets != 1 || !slices.Contains(loops[0].Nodes, node) {
		t.Errorf("%+v, want one loop at %s", loops, node)
	}
}

// Counts by node and epoch are what nodes saw, whatever their clocks say, also where the
// postcards of hops that others vouch for are missing.
func TestCounts(t *testing.T) {
	w := newWorld(t, 11)
	for i, n := range w.f.Nodes {
		w.skew[n.Name] = int64(i%7-3) * ms
	}
	for i := range w.f.Nodes {
		if n := w.f.Nodes[i]; n.Role == "spine" {
			w.mute[n.Name] = 0.02
		}
	}
	w.run(100, 900, 8000)
	_, all := w.play(Config{Counts: true})
	got := map[string]map[uint64]uint64{}
	for _, x := range all {
		for _, c := range x.Counts {
			if got[c.Node] == nil {
				got[c.Node] = map[uint64]uint64{}
			}
			got[c.Node][x.Number] += c.Packets
		}
		n := int64(0)
		for _, d := range x.Decoded(w.net) {
			n += d.Coverage.Packets
			if f, ok := flowset.FlowOf(d.Key(0), d.KeyBytes, d.Order); !ok || f.DstPort != 80 || f.VNI == 0 || len(d.Neighbours) == 0 {
				t.Fatalf("%+v", f)
			}
		}
		if n == 0 {
			t.Errorf("epoch %d: no flow sets", x.Number)
		}
	}
	if !reflect.DeepEqual(got, w.saw) {
		t.Errorf("got %v\nwant %v", got["spine1"], w.saw["spine1"])
	}
}

// The terms of flow sets say the same.
func TestLosses(t *testing.T) {
	w := newWorld(t, 12)
	w.wire["leaf1>spine1"], w.queue["leaf1>spine2"] = 0.1, 0.1
	w.run(0, 500, 8000)
	_, all := w.play(Config{})
	var lost, queue, flows uint64
	for _, x := range all {
		l := x.Losses()
		for _, d := range l.Devices {
			lost += d.Wire
			queue += d.Queue
		}
		for _, f := range l.Flows {
			flows += f.Lost
		}
	}
	sum, _ := sums(all)
	if lost != sum.Lost || queue != sum.Dropped || flows != lost+queue || lost == 0 || queue == 0 {
		t.Errorf("%d lost, %d dropped, %d of flows; want %+v", lost, queue, flows, sum)
	}
}

func TestEpochOf(t *testing.T) {
	p := uint64(Period)
	for _, c := range []struct {
		ingress uint64
		bit     uint8
		want    uint64
	}{
		{10*p + 5, 0, 10}, {10*p + 5, 1, 9}, {11*p - 5, 1, 11}, {11*p - 5, 0, 10}, {5, 1, 1},
	} {
		if got := epochOf(&postcard.Record{Ingress: c.ingress, Epoch: c.bit, Has: postcard.HasIngress}); got != c.want {
			t.Errorf("%d ns, bit %d: got epoch %d, want %d", c.ingress, c.bit, got, c.want)
		}
	}
}

// Anything may come: nothing panics, nothing grows without bound, and every packet has one
// fate.
func TestAnything(t *testing.T) {
	w := newWorld(t, 13)
	rng := rand.New(rand.NewPCG(13, 13))
	e := New(w.net, Config{MaxPackets: 1000, Counts: true})
	packets := uint64(0)
	check := func(all []*Epoch) {
		for _, x := range all {
			packets += x.Packets
			if x.Known()+x.Doubt+x.Unknown != x.Packets {
				t.Fatalf("%+v", x)
			}
			for _, l := range x.Links {
				if l.Lost+l.Doubt+l.Unreported > l.Sent || l.Queue > l.Dropped {
					t.Fatalf("%+v", l)
				}
			}
		}
	}
	for i := range 200_000 {
		n := w.f.Nodes[rng.IntN(len(w.f.Nodes))]
		e.Observe(&postcard.Record{
			Received: int64(i)*10_000 + rng.Int64N(ms), Node: postcard.NodeID(n.ID + uint32(rng.IntN(50)/49)), Seq: rng.Uint32N(seqMask + 1), InPort: rng.Uint32N(8), OutPort: rng.Uint32N(8),
			PacketID: uint16(rng.IntN(5000)), Ingress: rng.Uint64N(1 << 40), Epoch: uint8(rng.IntN(2)), Flags: postcard.Flags(rng.IntN(20) / 19),
			Has: postcard.HasPorts | postcard.HasPacketID | postcard.HasFlowHash | postcard.HasIngress | postcard.HasInner,
		})
		if i%100 == 0 {
			check(e.Advance(0))
		}
	}
	check(e.Flush())
	if len(e.numbers) > maxEpochs+1 || len(e.torn) > 1000 || packets == 0 || e.Stats().Room == 0 {
		t.Errorf("%d epochs, %d torn, %d packets, %+v", len(e.numbers), len(e.torn), packets, e.Stats())
	}
}

// Postcards of packets cost no memory of their own, once there are epochs.
func TestAllocations(t *testing.T) {
	w := newWorld(t, 16)
	w.run(0, 1500, 8000)
	e := New(w.net, Config{Told: true})
	i := 0
	take := func(n int) {
		for ; n > 0; n-- {
			e.Observe(&w.records[i])
			if i++; i%512 == 0 {
				e.Advance(0)
			}
		}
	}
	take(len(w.records) / 2)
	const each = 1000
	if n := testing.AllocsPerRun(20, func() { take(each) }); n > each/10 { // those of epochs
		t.Errorf("%g allocations for %d postcards", n, each)
	}
}

// BenchmarkObserve is what a postcard costs, the judgement of its epoch included.
func BenchmarkObserve(b *testing.B) {
	w := newWorld(b, 14)
	w.wire["leaf1>spine1"], w.queue["leaf1>spine2"] = 0.001, 0.001
	w.run(0, 1000, 10_000)
	length := w.records[len(w.records)-1].Received/int64(2*Period)*int64(2*Period) + int64(2*Period)
	e := New(w.net, Config{Told: true})
	i, round := 0, int64(0)
	b.ReportAllocs()
	for b.Loop() {
		r := w.records[i]
		r.Received += round * length
		r.Ingress += uint64(round * length)
		e.Observe(&r)
		if i%1024 == 0 {
			e.Advance(0)
		}
		if i++; i == len(w.records) {
			i = 0
			round++
		}
	}
}
