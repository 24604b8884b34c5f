package latency

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/topology"
)

const ms = int64(time.Millisecond)

func network(t testing.TB) *analyzers.Network {
	t.Helper()
	f, err := topology.LeafSpine(topology.DefaultLeafSpine())
	if err != nil {
		t.Fatal(err)
	}
	n, err := analyzers.NewNetwork(f)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestQuantilesAgainstSortedSlice is the histogram's contract: within 1/64 of the value
// of that rank, whatever the distribution, also after merging.
func TestQuantilesAgainstSortedSlice(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	draw := []func() uint64{
		func() uint64 { return rng.Uint64N(64) },
		func() uint64 { return 8000 + rng.Uint64N(100) },
		func() uint64 { return uint64(rng.ExpFloat64() * 1e5) },
		func() uint64 { return uint64(1000 / math.Pow(1-rng.Float64(), 1/1.1)) },
		func() uint64 { return 1 << rng.Uint64N(36) },
	}
	for run := range 400 {
		var h, merged, part hist
		var all []uint64
		d := draw[run%len(draw)]
		for range 1 + rng.IntN(3000) {
			v := d()
			all = append(all, v)
			h.add(v)
			if part.add(v); rng.IntN(100) == 0 {
				merged.merge(&part)
				part.reset()
			}
		}
		merged.merge(&part)
		slices.Sort(all)
		at := func(share int) uint64 { return all[(len(all)*share+99)/100-1] }
		want := Quantiles{at(50), at(90), at(99), all[len(all)-1]}
		got := h.quantiles()
		if got != merged.quantiles() || h.n != merged.n {
			t.Fatalf("run %d: %+v, merged from parts %+v", run, got, merged.quantiles())
		}
		for _, q := range [][2]uint64{{got.P50, want.P50}, {got.P90, want.P90}, {got.P99, want.P99}} {
			if diff := math.Abs(float64(q[0]) - float64(q[1])); diff > float64(min(q[1], maxValue))/64 && q[1] <= maxValue {
				t.Fatalf("run %d: got %d, want %d within 1/64", run, q[0], q[1])
			}
		}
		if got.Max != want.Max {
			t.Fatalf("run %d: max %d, want %d", run, got.Max, want.Max)
		}
	}
}

func TestHistHalves(t *testing.T) {
	var h hist
	for v := range uint64(1000) {
		h.add(v)
		h.add(v)
	}
	before := h.quantiles()
	h.halve()
	if after := h.quantiles(); after.P50 != before.P50 || h.n < 990 || h.n > 1000 {
		t.Errorf("half of %+v is %+v with %d samples", before, after, h.n)
	}
}

// queueRun is one queue fed with random packets and drained at a known rate.
type queueRun struct {
	rate     int64 // that the port has
	share    float64
	load     float64 // offered over what it drains
	size     func(*rand.Rand) int
	loss     float64 // of reports
	jitter   int64
	stallAt  int64 // one pause
	stallFor int64
}

// play returns the reports of the queue over a second, or of 5000 packets.
func (q queueRun) play(rng *rand.Rand, node postcard.NodeID, port uint32) []postcard.Record {
	var out []postcard.Record
	type pkt struct {
		at   int64
		size int
	}
	var arrivals []pkt
	mean := 0.0
	for range 1000 {
		mean += float64(q.size(rng)) / 1000
	}
	gap := mean * 8 * 1e9 / (float64(q.rate) * q.share * q.load)
	for at := 0.0; at < 1e9 && len(arrivals) < 5000; {
		for range 1 + rng.IntN(8) {
			arrivals = append(arrivals, pkt{int64(at), q.size(rng)})
		}
		at += 4.5 * gap * rng.ExpFloat64()
	}
	const limit = 64
	start := make([]int64, len(arrivals)) // of transmission
	var kept []int
	free := int64(0)
	seq := rng.Uint32N(1 << 22)
	var enq []int
	for i, p := range arrivals {
		waiting := 0
		for k := len(kept) - 1; k >= 0 && start[kept[k]] > p.at; k-- {
			waiting++
		}
		if waiting >= limit {
			continue
		}
		start[i] = max(p.at, free)
		if q.stallFor > 0 && start[i] >= q.stallAt {
			start[i] += q.stallFor
			q.stallFor = 0
		}
		free = start[i] + int64(float64(p.size)*8*1e9/(float64(q.rate)*q.share))
		kept = append(kept, i)
		enq = append(enq, waiting)
	}
	for k, i := range kept {
		left := 0
		for m := k + 1; m < len(kept) && arrivals[kept[m]].at <= start[i]; m++ {
			left++
		}
		seq = (seq + 1) & seqMask
		if rng.Float64() < q.loss {
			continue
		}
		in, eg := uint64(arrivals[i].at+77e9)/1000*1000, uint64(start[i]+77e9)/1000*1000
		out = append(out, postcard.Record{
			Received: start[i] + rng.Int64N(1+q.jitter), Node: node, Seq: seq, InPort: 1, OutPort: port, Ingress: in, Egress: eg,
			Latency: uint32(eg - in), QueueDepth: uint32(left), EnqDepth: uint32(enq[k]), Length: uint16(arrivals[i].size),
			Has: postcard.HasPorts | postcard.HasLatency | postcard.HasQueue | postcard.HasIngress | postcard.HasEgress | postcard.HasEnqDepth | postcard.HasLength,
		})
	}
	slices.SortStableFunc(out, func(a, b postcard.Record) int { return int(a.Received - b.Received) })
	return out
}

// TestDrainMeasuresRate plays queues of known service rate and compares.
func TestDrainMeasuresRate(t *testing.T) {
	net := network(t)
	leaf := net.ByID(2001)
	rate := net.PortAt(leaf, 3).RateBps
	small := func(*rand.Rand) int { return 100 }
	large := func(*rand.Rand) int { return 1400 }
	mixed := func(r *rand.Rand) int { return []int{64, 100, 600, 1500}[r.IntN(4)] }
	f := func(name string, q queueRun, within float64, slow bool) {
		t.Helper()
		for seed := range uint64(6) {
			m := New(net, Config{})
			rng := rand.New(rand.NewPCG(seed, 4))
			q.rate = rate
			for _, r := range q.play(rng, 2001, 3) {
				m.Observe(&r)
			}
			m.Advance(10_000 * ms)
			v, ok := m.Queue(QueueKey{leaf, 3, 0})
			if !ok {
				t.Fatalf("%s: no such queue", name)
			}
			var d Drain
			for i, w := range v.Windows(0) {
				if i == 0 {
					d = w.Drain
				} else {
					d = d.Plus(w.Drain)
				}
			}
			bps, n := d.Bps()
			want := float64(rate) * q.share
			if n < 20 || math.Abs(bps-want) > within*want || (d.Slow() > 0.6) != slow {
				t.Errorf("%s, seed %d: drains at %.4g b/s (%d observations, pairs %.4g, waits %.4g), %.0f %% slow; want %.4g within %.0f %%",
					name, seed, bps, n, d.PairBps, d.WaitBps, 100*d.Slow(), want, 100*within)
			}
		}
	}
	f("large packets, busy", queueRun{share: 1, load: 0.9, size: large}, 0.03, false)
	f("small packets, busy", queueRun{share: 1, load: 0.9, size: small}, 0.10, false)
	f("mixed, overloaded", queueRun{share: 1, load: 1.5, size: mixed}, 0.05, false)
	f("a tenth, idle mostly", queueRun{share: 0.1, load: 0.2, size: mixed}, 0.05, true)
	f("a tenth, overloaded", queueRun{share: 0.1, load: 3, size: mixed}, 0.05, true)
	f("a tenth, large packets", queueRun{share: 0.1, load: 0.6, size: large}, 0.05, true)
	f("healthy, a fifth of the reports lost", queueRun{share: 1, load: 1.2, size: mixed, loss: 0.2}, 0.20, false)
	f("a tenth, a fifth of the reports lost", queueRun{share: 0.1, load: 1.2, size: mixed, loss: 0.2}, 0.20, true)
	f("healthy, reports overtake", queueRun{share: 1, load: 1.2, size: mixed, jitter: 300_000}, 0.25, false)
	f("a tenth, reports overtake", queueRun{share: 0.1, load: 1.2, size: mixed, jitter: 300_000}, 0.25, true)
}

// TestStallIsNotSlow: one pause in an otherwise fast queue.
func TestStallIsNotSlow(t *testing.T) {
	net := network(t)
	leaf := net.ByID(2001)
	q := queueRun{rate: net.PortAt(leaf, 3).RateBps, share: 1, load: 0.9, size: func(*rand.Rand) int { return 1000 }, stallAt: 15 * ms, stallFor: 50 * ms}
	m := New(net, Config{})
	for _, r := range q.play(rand.New(rand.NewPCG(1, 4)), 2001, 3) {
		m.Observe(&r)
	}
	m.Advance(2000 * ms)
	v, _ := m.Queue(QueueKey{leaf, 3, 0})
	for _, w := range v.Windows(0) {
		if w.Drain.Slow() > 0.6 {
			t.Errorf("window at %d: %.0f %% of %d pairs and %d waits look slow", w.Start, 100*w.Drain.Slow(), w.Drain.Pairs, w.Drain.Waits)
		}
	}
}

// TestMultiQueuePairs: departures of another queue between two must not make a pair.
func TestMultiQueuePairs(t *testing.T) {
	net := network(t)
	m := New(net, Config{})
	for i := range uint32(100) {
		m.Observe(&postcard.Record{
			Received: int64(i) * 1000, Node: 2001, Seq: i, InPort: 1, OutPort: 3, Egress: uint64(i) * 8000, Length: 1000, QueueDepth: 5, Queue: uint8(i % 2),
			Has: postcard.HasPorts | postcard.HasLatency | postcard.HasQueue | postcard.HasEgress | postcard.HasLength,
		})
	}
	m.Advance(1000 * ms)
	for k, v := range m.Queues {
		if w, _ := v.Last(0); w.Drain.Pairs != 0 || w.Count != 50 {
			t.Errorf("%+v: %d pairs of %d packets, want none", k, w.Drain.Pairs, w.Count)
		}
	}
}

func TestHistoryIgnoresOutliers(t *testing.T) {
	net := network(t)
	m := New(net, Config{Relearn: 5})
	at := int64(0)
	window := func(latency uint32) {
		for i := range int64(30) {
			m.Observe(&postcard.Record{Received: at + i*ms, Node: 2001, InPort: 1, OutPort: 3, Latency: latency, Has: postcard.HasPorts | postcard.HasLatency})
		}
		at += 100 * ms
		m.Advance(at)
	}
	base := func() uint64 {
		v, _ := m.Queue(QueueKey{net.ByID(2001), 3, 0})
		p99, _ := v.BaseP99()
		return p99
	}
	near := func(want uint64) {
		t.Helper()
		if got := base(); math.Abs(float64(got)-float64(want)) > float64(want)/64 {
			t.Errorf("history's p99 is %d, want %d", got, want)
		}
	}
	for range 10 {
		window(10_000)
	}
	near(10_000)
	for range 4 {
		window(500_000)
	}
	near(10_000) // a fault is not its own history …
	window(10_000)
	for range 5 {
		window(500_000)
	}
	near(500_000) // … unless it stays
	if w, ok := func() (Window, bool) { v, _ := m.Queue(QueueKey{net.ByID(2001), 3, 0}); return v.Last(0) }(); !ok || w.Count != 30 || w.Start != at-100*ms {
		t.Errorf("last window: %+v, %v", w, ok)
	}
}

// TestJoinerAgainstMap is the ring and its index against a slice and a map.
func TestJoinerAgainstMap(t *testing.T) {
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 8))
		j := newJoiner(1 + rng.IntN(40))
		var fifo []packetKey
		for range 5000 {
			k := packetKey{rng.Uint32N(3), rng.Uint32N(4), uint16(rng.Uint32N(12))}
			at := slices.Index(fifo, k)
			if p := j.find(k); (p != nil) != (at >= 0) || p != nil && p.key != k {
				t.Fatalf("seed %d: find(%v) = %v, want found %v", seed, k, p, at >= 0)
			}
			if at < 0 && !j.full() {
				j.push(k, 0)
				fifo = append(fifo, k)
			}
			if len(fifo) > 0 && rng.IntN(2) == 0 {
				if j.oldest().key != fifo[0] {
					t.Fatalf("seed %d: oldest is %v, want %v", seed, j.oldest().key, fifo[0])
				}
				j.pop()
				fifo = fifo[1:]
			}
		}
	}
}

// way is one packet's way through the fabric as the model knows it.
type way struct {
	nodes []int32
	in    []uint32
	out   []uint32
}

// ways returns all paths between two tenants' machines that are on different leaves.
func ways(net *analyzers.Network, from, to string) (out []way) {
	src, _ := net.Index.Host(from)
	dst, _ := net.Index.Host(to)
	index := func(name string) int32 {
		n, _ := net.Node(name)
		return net.ByID(postcard.NodeID(n.ID))
	}
	for p := range net.Paths(src.At.Node, dst.At.Node) {
		var w way
		in := uint32(src.At.Port)
		for _, h := range p {
			w.nodes, w.in, w.out = append(w.nodes, index(h.Out.Node)), append(w.in, in), append(w.out, uint32(h.Out.Port))
			in = uint32(h.In.Port)
		}
		w.nodes, w.in, w.out = append(w.nodes, index(dst.At.Node)), append(w.in, in), append(w.out, uint32(dst.At.Port))
		out = append(out, w)
	}
	return out
}

func TestJoinAgainstTruth(t *testing.T) {
	net := network(t)
	routes := ways(net, "red-1", "red-2")
	if len(routes) != 2 || len(routes[0].nodes) != 5 {
		t.Fatalf("routes: %+v, want two of five switches", routes)
	}
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 3))
		m := New(net, Config{})
		type link struct {
			node int32
			port uint16
		}
		sent, missing := map[link]uint64{}, map[link]uint64{}
		complete := map[int]int{}
		inside := map[int]uint64{}
		var records []postcard.Record
		for n := range net.Nodes { // everybody reports all the time
			for at := int64(0); at < 400*ms; at += 50 * ms {
				records = append(records, postcard.Record{Received: at, Node: postcard.NodeID(net.Nodes[n].ID), Flags: postcard.Tracked})
			}
		}
		for i := range 2000 {
			at := ms + int64(i)*ms/10
			which := rng.IntN(2)
			w := routes[which]
			dies := len(w.nodes) // after this many hops on a link
			if rng.IntN(10) == 0 {
				dies = 1 + rng.IntN(len(w.nodes)-1)
			}
			dropped := rng.IntN(20) == 0 // reported, at the last switch reached
			var seen [8]bool
			var sum uint64
			for h := range dies {
				if rng.IntN(30) == 0 {
					continue // the report is lost
				}
				seen[h] = true
				latency := 1000 + rng.Uint32N(5000)
				sum += uint64(latency)
				r := postcard.Record{
					Received: at + rng.Int64N(50*ms), Node: postcard.NodeID(net.Nodes[w.nodes[h]].ID), InPort: w.in[h], OutPort: w.out[h],
					Latency: latency, FlowHash: uint32(which), PacketID: uint16(i), VNI: 1001, Flags: postcard.Tracked,
					Has: postcard.HasPorts | postcard.HasLatency | postcard.HasFlowHash | postcard.HasPacketID | postcard.HasVNI,
				}
				if dropped && h == dies-1 {
					r.Flags |= postcard.Dropped
				}
				records = append(records, r)
				if rng.IntN(50) == 0 {
					records = append(records, r) // the network repeats a report
				}
			}
			for h := range len(w.nodes) - 1 {
				if !seen[h] || dropped && h == dies-1 {
					continue
				}
				l := link{w.nodes[h], uint16(w.out[h])}
				sent[l]++
				if !seen[h+1] && !(h+2 < len(w.nodes) && seen[h+2]) {
					missing[l]++
				}
			}
			if dies == len(w.nodes) && !dropped && !slices.Contains(seen[:dies], false) {
				complete[which]++
				inside[which] = max(inside[which], sum)
			}
		}
		slices.SortStableFunc(records, func(a, b postcard.Record) int { return int(a.Received - b.Received) })
		for i := range records {
			m.Observe(&records[i])
		}
		m.Advance(5000 * ms)
		m.Advance(5100 * ms)
		for l := range m.Links(0) {
			k := link{l.Node, l.Port}
			if l.Sent != sent[k] || l.Missing != missing[k] {
				t.Errorf("seed %d: %s port %d sent %d, missing %d; want %d, %d", seed, net.Name(l.Node), l.Port, l.Sent, l.Missing, sent[k], missing[k])
			}
			delete(sent, k)
		}
		if len(sent) > 0 {
			t.Errorf("seed %d: no account of %v", seed, sent)
		}
		var got int
		for p, v := range m.Paths {
			s := v.Stats()
			which := slices.IndexFunc(routes, func(w way) bool { return slices.Equal(w.nodes, p.Nodes[:p.N]) })
			if int(s.Count) != complete[which] || s.Latency.Max != inside[which] {
				t.Errorf("seed %d: path %v has %d packets, max %d; want %d, %d", seed, p.Nodes[:p.N], s.Count, s.Latency.Max, complete[which], inside[which])
			}
			// 1 µs + 2·(2+5) µs + … as configured: five links and serialisation at 1 Gb/s, the last at 100 Mb/s.
			if want := 15*time.Microsecond + 4*8*time.Microsecond + 80*time.Microsecond; p.Wire(net, 1000) != want {
				t.Errorf("wire time %v, want %v", p.Wire(net, 1000), want)
			}
			got++
		}
		if got != 2 {
			t.Errorf("seed %d: %d paths, want 2", seed, got)
		}
	}
}

// TestBounded floods every table: sizes hold and what is shed is counted.
func TestBounded(t *testing.T) {
	net := network(t)
	m := New(net, Config{MaxPackets: 100, MaxSeries: 8})
	rng := rand.New(rand.NewPCG(2, 2))
	for i := range 20_000 {
		r := postcard.Record{
			Received: int64(i) * 1000, Node: postcard.NodeID(2000 + rng.IntN(6)), InPort: rng.Uint32N(600), OutPort: rng.Uint32N(600), Queue: uint8(rng.Uint32()),
			Seq: rng.Uint32(), FlowHash: rng.Uint32(), PacketID: uint16(rng.Uint32()), Latency: rng.Uint32(), EnqDepth: rng.Uint32(), QueueDepth: rng.Uint32(), Length: uint16(rng.Uint32()),
			Egress: rng.Uint64(), Ingress: rng.Uint64(), HwID: uint8(rng.Uint32()), Flags: postcard.Flags(rng.Uint32()), Has: ^postcard.Fields(0),
		}
		m.Observe(&r)
	}
	m.Advance(60_000 * ms)
	s := m.Stats()
	if len(m.hops.all) > 8 || len(m.queues.all) > 8 || len(m.paths.all) > 8 || s.ShedSeries == 0 || s.ShedPackets == 0 || s.UnknownNode == 0 || m.join.oldest() != nil {
		t.Errorf("%d hops, %d queues, %d paths; %+v", len(m.hops.all), len(m.queues.all), len(m.paths.all), s)
	}
}

// steady returns complete packets over both routes, 100 µs apart.
func steady(net *analyzers.Network, n int) (records []postcard.Record) {
	routes := ways(net, "red-1", "red-2")
	for i := range n {
		w := routes[i%2]
		for h := range w.nodes {
			records = append(records, postcard.Record{
				Received: int64(i)*100_000 + int64(h)*5000, Node: postcard.NodeID(net.Nodes[w.nodes[h]].ID), Seq: uint32(i), InPort: w.in[h], OutPort: w.out[h],
				Latency: uint32(1000 + i%777), FlowHash: uint32(i % 2), PacketID: uint16(i), VNI: 1001, Flags: postcard.Tracked, Length: 1000,
				Ingress: uint64(i) * 100_000, Egress: uint64(i)*100_000 + 1000, QueueDepth: uint32(i % 3), EnqDepth: uint32(i % 7), Has: ^postcard.Fields(0),
			})
		}
	}
	return records
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	net := network(t)
	m := New(net, Config{})
	records := steady(net, 2000)
	shift := int64(0)
	all := func() {
		for i := range records {
			records[i].Received += shift
			m.Observe(&records[i])
		}
		shift = 200 * ms
		m.Advance(records[len(records)-1].Received)
	}
	for range 40 { // until every ring of windows is full
		all()
	}
	if n := testing.AllocsPerRun(10, all); n != 0 {
		t.Errorf("%v allocations per %d records, want 0", n, len(records))
	}
}

func BenchmarkObserve(b *testing.B) {
	net := network(b)
	m := New(net, Config{})
	records := steady(net, 2000)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		r := &records[i%len(records)]
		m.Observe(r)
		r.Received += 200 * ms
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
