package postcards

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/queue"
	"github.com/telltale-net/telltale/analyzers/queue/records"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/topology"
)

func testNetwork(t testing.TB) *analyzers.Network {
	t.Helper()
	c := topology.DefaultLeafSpine()
	c.Access.RateBps, c.Trunk.RateBps, c.Host.RateBps = 1e9, 1e9, 1e9
	f, err := topology.LeafSpine(c)
	if err != nil {
		t.Fatal(err)
	}
	net, err := analyzers.NewNetwork(f)
	if err != nil {
		t.Fatal(err)
	}
	return net
}

// hop is what a packet truly did at a switch.
type hop struct {
	at             int32
	in, out        uint32
	came, left, on int64 // arrived, dequeued, last bit out
}

// world sends packets between vswitches through real FIFO ports and keeps the truth.
type world struct {
	net   *analyzers.Network
	rng   *rand.Rand
	slow  map[[2]int32]float64 // by node and port: factor of the rate
	clock []int64              // by node
	size  func(i int) uint16   // of packet i, bytes
	cards []postcard.Record
	truth map[uint64][]hop // by packet: VNI is 1, flow hash the number
	free  map[[2]int32]int64
}

// portTo returns the port of a that leads to b.
func (w *world) portTo(a, b int32) uint32 {
	for p, port := range w.net.Nodes[a].Ports {
		if port.Kind == analyzers.ToSwitch && port.Peer == b {
			return uint32(p)
		}
	}
	panic("BUG: no link")
}

func node(t testing.TB, net *analyzers.Network, name string) int32 {
	for i := range net.Nodes {
		if net.Nodes[i].Name == name {
			return int32(i)
		}
	}
	t.Fatalf("no node %s", name)
	return -1
}

// run sends n packets from hosts at vs1 to a host at vs3, each of which is at most 20 µs
// after the last; at each port they are served in order.
func (w *world) run(t testing.TB, n int, id func(i int) (hash uint32, id uint16)) {
	way := []int32{node(t, w.net, "vs1"), node(t, w.net, "leaf1"), node(t, w.net, "spine1"), node(t, w.net, "leaf2"), node(t, w.net, "vs3")}
	host := func(at int32) uint32 {
		for p, port := range w.net.Nodes[at].Ports {
			if port.Kind == analyzers.ToHost {
				return uint32(p)
			}
		}
		return 0
	}
	at := make([]int64, n)
	now := int64(1_000_000)
	for i := range at {
		now += int64(w.rng.IntN(9000))
		at[i] = now
	}
	for k, sw := range way {
		in, out := host(sw), host(sw)
		if k > 0 {
			in = w.portTo(sw, way[k-1])
		}
		if k+1 < len(way) {
			out = w.portTo(sw, way[k+1])
		}
		port := w.net.PortAt(sw, out)
		key := [2]int32{sw, int32(out)}
		for i := range at {
			h := hop{at: sw, in: in, out: out, came: at[i]}
			h.left = max(at[i], w.free[key])
			rate := float64(port.RateBps)
			if f, ok := w.slow[key]; ok {
				rate *= f
			}
			h.on = h.left + int64(float64(w.size(i))*8e9/rate)
			w.free[key] = h.on
			at[i] = h.on + port.DelayNS
			hash, short := id(i)
			stamp := func(x int64) uint64 { return uint64((x + w.clock[sw]) / 1000 * 1000) }
			w.cards = append(w.cards, postcard.Record{
				Has:  postcard.HasPorts | postcard.HasIngress | postcard.HasEgress | postcard.HasQueue | postcard.HasPacketID | postcard.HasFlowHash | postcard.HasVNI | postcard.HasLength | postcard.HasInner,
				Node: postcard.NodeID(w.net.Nodes[sw].ID), InPort: in, OutPort: out, Ingress: stamp(h.came), Egress: stamp(h.left),
				Received: h.on, VNI: 1, FlowHash: hash, PacketID: short, Length: w.size(i), Inner: postcard.Flow{SrcPort: uint16(hash), Proto: 17},
			})
			w.truth[uint64(i)] = append(w.truth[uint64(i)], h)
		}
	}
	w.rng.Shuffle(len(w.cards), func(i, j int) { w.cards[i], w.cards[j] = w.cards[j], w.cards[i] })
}

func newWorld(t testing.TB, seed uint64) *world {
	net := testNetwork(t)
	return &world{net: net, rng: rand.New(rand.NewPCG(seed, 1)), slow: map[[2]int32]float64{}, clock: make([]int64, len(net.Nodes)), size: func(int) uint16 { return 500 },
		truth: map[uint64][]hop{}, free: map[[2]int32]int64{}}
}

// TestTheTruthComesBack: arrivals, dequeues and departures are the true ones to 1 µs, at
// ports that are as fast as their links and at one that is not, and packets keep one number
// along their path although ids come again; with clocks that disagree, too.
func TestTheTruthComesBack(t *testing.T) {
	for seed := range uint64(4) {
		w := newWorld(t, seed)
		spine := node(t, w.net, "spine1")
		w.slow[[2]int32{spine, int32(w.portTo(spine, node(t, w.net, "leaf2")))}] = 0.85
		if seed%2 == 1 {
			for i := range w.clock {
				w.clock[i] = w.rng.Int64N(1e9)
			}
		}
		// Two flows whose ids come again every 1500 packets, some 7 ms.
		w.run(t, 3000, func(i int) (uint32, uint16) { return uint32(i % 2), uint16(i % 1500) })
		trace, stats, err := Convert(w.net, w.cards, Config{Lifetime: 2 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		if stats.Packets != 3000 || stats.Used != 15000 || stats.NoID != 0 {
			t.Fatalf("seed %d: got %+v, want 3000 packets of 15000 postcards", seed, stats)
		}
		if got := stats.Clock != 0; got != (seed%2 == 1) {
			t.Errorf("seed %d: clocks are %d ns apart", seed, stats.Clock)
		}
		base := w.clock[slices.IndexFunc(w.net.Nodes, func(n analyzers.Node) bool { return n.Role != topology.Collector })]
		ways := map[uint64][]records.Record{}
		for q := range trace.Queues {
			for i := range trace.Queues[q].Len() {
				r := trace.Record(q, i)
				ways[r.Packet] = append(ways[r.Packet], r)
			}
		}
		if len(ways) != 3000 {
			t.Fatalf("seed %d: got %d packets", seed, len(ways))
		}
		tolerance := int64(1001)
		if seed%2 == 1 {
			tolerance = 5001 // every hop between clocks adds the resolution
		}
		late := 0
		byStart := make([][]records.Record, 0, 3000)
		for _, way := range ways {
			slices.SortFunc(way, func(a, b records.Record) int { return int(a.At() - b.At()) })
			byStart = append(byStart, way)
		}
		slices.SortFunc(byStart, func(a, b []records.Record) int {
			return cmp.Or(cmp.Compare(a[1].At(), b[1].At()), cmp.Compare(a[1].Start, b[1].Start))
		})
		for i, way := range byStart {
			truth := w.truth[uint64(i)]
			if len(way) != 6 || !trace.Network.Nodes[way[0].Node].IsSource() {
				t.Fatalf("seed %d, packet %d: got %d records, want a host's and five", seed, i, len(way))
			}
			for k, h := range truth {
				r := way[k+1]
				near := func(got, want int64) bool { return max(got-base-want, want+base-got) <= tolerance }
				if !near(r.Arrive, h.came) || !near(r.Start, h.left) || !near(r.Depart, h.on) {
					late++
				}
			}
		}
		// The next packet may have come within the microsecond in which the link was free.
		if late > 150 {
			t.Errorf("seed %d: %d of 15000 records are not the truth", seed, late)
		}
	}
}

// TestOddPostcards: what cannot be placed is counted, not guessed, and nothing panics.
func TestOddPostcards(t *testing.T) {
	net := testNetwork(t)
	leaf := postcard.NodeID(net.Nodes[node(t, net, "leaf1")].ID)
	const all = postcard.HasPorts | postcard.HasIngress | postcard.HasEgress
	cards := []postcard.Record{
		{Node: 9, Has: all, OutPort: 1},
		{Node: leaf, Has: all, OutPort: 77},
		{Node: leaf, Has: all, OutPort: 500},
		{Node: leaf, Has: postcard.HasIngress | postcard.HasEgress, OutPort: 1},
		{Node: leaf, Has: postcard.HasPorts | postcard.HasIngress, OutPort: 1},
		{Node: leaf, Has: all, OutPort: 1, Egress: 1 << 63},
		{Node: leaf, Has: postcard.HasPorts | postcard.HasIngress, Flags: postcard.Dropped},
		{Node: leaf, Has: all, OutPort: 1, Ingress: 5, Egress: 4},
		{Node: leaf, Has: all, OutPort: 1, Ingress: 5000, Egress: 6000},
		{Node: leaf, Has: postcard.HasPorts | postcard.HasIngress, OutPort: 1, Ingress: 7000, Flags: postcard.Dropped},
	}
	trace, stats, err := Convert(net, cards, Config{})
	if err != nil {
		t.Fatal(err)
	}
	if want := (Stats{Postcards: 10, Used: 2, Unknown: 2, Telemetry: 1, NoPlace: 3, NotQueued: 1, Backwards: 1, NoID: 2}); stats != want {
		t.Errorf("got %+v, want %+v", stats, want)
	}
	if trace.Records() != 2 || trace.Stats.Lost != 1 {
		t.Errorf("got %d records, %d of them lost; want 2 and 1", trace.Records(), trace.Stats.Lost)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	var wild []postcard.Record
	for range 5000 {
		r := postcard.Record{Node: postcard.NodeID(net.Nodes[rng.IntN(len(net.Nodes))].ID), Has: postcard.Fields(rng.Uint32()), Ingress: rng.Uint64() >> rng.IntN(64), Egress: rng.Uint64() >> rng.IntN(64),
			Received: int64(rng.Uint64()), InPort: rng.Uint32N(8), OutPort: rng.Uint32N(8), Length: uint16(rng.Uint32()), PacketID: uint16(rng.Uint32N(4)), Flags: postcard.Flags(rng.IntN(2))}
		wild = append(wild, r)
	}
	one, stats, err := Convert(net, wild, Config{})
	if err != nil || stats.Used == 0 {
		t.Fatalf("got %+v, %v", stats, err)
	}
	rng.Shuffle(len(wild), func(i, j int) { wild[i], wild[j] = wild[j], wild[i] })
	if two, again, err := Convert(net, wild, Config{}); err != nil || stats != again || !reflect.DeepEqual(one.Stats, two.Stats) {
		t.Errorf("another order, another result: %+v, %+v, %v", stats, again, err)
	}
}

// TestServiceGoesByLength: a port takes as long as its link needs for the packet's bits,
// and a slow one as long as it does.
func TestServiceGoesByLength(t *testing.T) {
	w := newWorld(t, 5)
	w.size = func(i int) uint16 { return [...]uint16{64, 64, 64, 300, 576, 1500}[i*7919%6] }
	spine, leaf := node(t, w.net, "spine1"), node(t, w.net, "leaf2")
	w.slow[[2]int32{spine, int32(w.portTo(spine, leaf))}] = 0.8
	w.run(t, 6000, func(i int) (uint32, uint16) { return uint32(i % 16), uint16(i) })
	trace, _, err := Convert(w.net, w.cards, Config{})
	if err != nil {
		t.Fatal(err)
	}
	a := queue.New(trace, queue.Config{})
	sized := 0
	for q := range trace.Queues {
		node := &trace.Network.Nodes[trace.Queues[q].Node]
		if node.IsSource() || trace.Queues[q].Len() < 1000 {
			continue
		}
		want := 8.0 // ns per byte at 1 Gbit/s
		if node.Name == fmt.Sprintf("spine1:%d", w.portTo(spine, leaf)) {
			want = 10
		}
		sized++
		if s := a.Service(q); math.Abs(s.PerByte-want) > 0.05*want || s.Base > 300 {
			t.Errorf("%s: got %+v, want %v ns a byte", node.Name, s, want)
		}
	}
	if sized != 5 {
		t.Errorf("got %d ports, want the 5 on the way", sized)
	}
}

func TestNetworkOfPorts(t *testing.T) {
	w := newWorld(t, 1)
	w.run(t, 10, func(i int) (uint32, uint16) { return 1, uint16(i) })
	trace, _, err := Convert(w.net, w.cards, Config{})
	if err != nil {
		t.Fatal(err)
	}
	net := trace.Network
	leaf, _ := net.Index("leaf1:1")
	n := net.Nodes[leaf]
	if rate := float64(w.net.PortAt(node(t, w.net, "leaf1"), 1).RateBps); n.RateBPS != rate || n.RatePPS != 0 || n.Type != "leaf" {
		t.Errorf("got %+v, want type leaf and a rate of %v bits/s", n, rate)
	}
	for q := range trace.Queues {
		for i := range trace.Queues[q].Len() {
			if r := trace.Record(q, i); r.Bytes != 500 {
				t.Fatalf("got %+v, want 500 bytes", r)
			}
		}
	}
	var next []string
	for _, i := range n.Next {
		next = append(next, net.Name(i))
	}
	if want := []string{"spine1:1", "spine1:2", "spine1:3", "spine1:4"}; !slices.Equal(next, want) {
		t.Errorf("leaf1:1 leads to %v, want %v", next, want)
	}
	host, ok := net.Index("red-1")
	if !ok || !net.Nodes[host].IsSource() {
		t.Fatal("no source red-1")
	}
}

func BenchmarkConvert(b *testing.B) {
	w := newWorld(b, 1)
	w.run(b, 20000, func(i int) (uint32, uint16) { return uint32(i % 50), uint16(i) })
	cpu := func() time.Duration {
		var r syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
			b.Fatal(err)
		}
		return time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	b.ReportAllocs()
	from, n := cpu(), 0
	for b.Loop() {
		if _, _, err := Convert(w.net, w.cards, Config{}); err != nil {
			b.Fatal(err)
		}
		n += len(w.cards)
	}
	b.ReportMetric(float64(n)/(cpu()-from).Seconds()/1e6, "Mpostcards/cpu-s")
}
