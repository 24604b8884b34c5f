package drops

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/p4src"
	"github.com/telltale-net/telltale/topology"
)

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

const ms = int64(time.Millisecond)

// TestCausesCoverEveryReason holds the root-cause table against the P4 sources' names.
func TestCausesCoverEveryReason(t *testing.T) {
	for r := range 256 {
		c := CauseOf(uint8(r))
		named := !strings.HasPrefix(p4src.DropReasonName(uint8(r)), "reason ")
		listed := slices.Contains(Causes(), c)
		if named != listed || c.Reason != uint8(r) || c.Words == "" {
			t.Errorf("reason %d (%s): cause %+v, in the table: %v", r, p4src.DropReasonName(uint8(r)), c, listed)
		}
	}
}

// flow makes records of one tenant flow: from host a to host b of a VNET.
type flow struct {
	vni  uint32
	f    postcard.Flow
	at   postcard.NodeID // vswitch of b
	port uint32          // of b there
}

func flowOf(net *analyzers.Network, vnet string, a, b int, proto uint8, sport, dport uint16) flow {
	v, _ := net.VNET(vnet)
	src, _ := net.Index.Host(fmt.Sprint(vnet, "-", a))
	dst, _ := net.Index.Host(fmt.Sprint(vnet, "-", b))
	node, _ := net.Node(dst.At.Node)
	return flow{
		vni:  v.VNI,
		f:    postcard.Flow{Src: postcard.AddrFrom(src.Address), Dst: postcard.AddrFrom(dst.Address), SrcPort: sport, DstPort: dport, Proto: proto},
		at:   postcard.NodeID(node.ID),
		port: uint32(dst.At.Port),
	}
}

func (f flow) delivered(at int64) *postcard.Record {
	return &postcard.Record{Received: at, Node: f.at, InPort: 1, OutPort: f.port, VNI: f.vni, Inner: f.f, Has: postcard.HasPorts | postcard.HasInner | postcard.HasVNI}
}

func (f flow) denied(at int64, rule uint32) *postcard.Record {
	return &postcard.Record{
		Received: at, Node: f.at, InPort: 1, VNI: f.vni, Inner: f.f, Rule: rule, DropReason: p4src.DropACLDeny, Flags: postcard.Dropped,
		Has: postcard.HasPorts | postcard.HasInner | postcard.HasVNI | postcard.HasRule | postcard.HasDropReason,
	}
}

func TestUsedToPass(t *testing.T) {
	net := network(t)
	f := func(name string, want uint64, play func(tab *Table, f flow)) {
		t.Helper()
		tab := New(net, Config{})
		fl := flowOf(net, "red", 1, 2, 6, 1000, 80)
		tab.Observe(flowOf(net, "blue", 3, 4, 17, 1, 1).delivered(0)) // the stream begins
		play(tab, fl)
		var passed uint64
		for c := range tab.Cells {
			passed += c.Passed.Packets
		}
		if passed != want {
			t.Errorf("%s: %d drops of flows that used to pass, want %d", name, passed, want)
		}
	}
	deliver := func(tab *Table, f flow, from, to int64) {
		for at := from; at < to; at += 10 * ms {
			tab.Observe(f.delivered(at))
		}
	}
	deny := func(tab *Table, f flow, from, to int64) {
		for at := from; at < to; at += 10 * ms {
			tab.Observe(f.denied(at, 7))
		}
	}
	f("denied from the first packet", 0, func(tab *Table, f flow) { deny(tab, f, 300*ms, 900*ms) })
	f("delivered, then denied", 40, func(tab *Table, f flow) { deliver(tab, f, 300*ms, 500*ms); deny(tab, f, 500*ms, 900*ms) })
	f("delivered only while the network came up", 0, func(tab *Table, f flow) { deliver(tab, f, 0, 200*ms); deny(tab, f, 200*ms, 900*ms) })
	f("slipped through for an instant", 0, func(tab *Table, f flow) { deliver(tab, f, 300*ms, 340*ms); deny(tab, f, 340*ms, 900*ms) })
	f("a new connection of a service that worked", 40, func(tab *Table, f flow) {
		deliver(tab, f, 300*ms, 500*ms)
		f.f.SrcPort = 2000
		deny(tab, f, 500*ms, 900*ms)
	})
	f("another service of the same pair", 0, func(tab *Table, f flow) {
		deliver(tab, f, 300*ms, 500*ms)
		f.f.DstPort = 23
		deny(tab, f, 500*ms, 900*ms)
	})
	f("the same addresses of another tenant", 0, func(tab *Table, f flow) {
		deliver(tab, f, 300*ms, 500*ms)
		f.vni++
		deny(tab, f, 500*ms, 900*ms)
	})
	f("passed again, then denied again", 50, func(tab *Table, f flow) {
		deliver(tab, f, 300*ms, 500*ms)
		deny(tab, f, 500*ms, 600*ms)
		deliver(tab, f, 600*ms, 700*ms)
		deny(tab, f, 700*ms, 1100*ms)
	})
}

func TestEpisodes(t *testing.T) {
	net := network(t)
	tab := New(net, Config{})
	f := flowOf(net, "red", 1, 2, 6, 1000, 80)
	g := flowOf(net, "red", 1, 2, 6, 1001, 80)
	for _, at := range []int64{100, 200, 950} {
		tab.Observe(f.denied(at*ms, 7))
	}
	tab.Observe(f.denied(2100*ms, 7)) // after more than a second of silence
	tab.Observe(g.denied(2150*ms, 7))
	var cells []*Cell
	for c := range tab.Cells {
		cells = append(cells, c)
	}
	if len(cells) != 1 {
		t.Fatalf("%d cells, want 1", len(cells))
	}
	c := cells[0]
	type got struct {
		packets, all uint64
		first, start int64
		active       int
		flows        Distinct
		examples     int
	}
	want := got{5, 2, 100 * ms, 2100 * ms, 1, Distinct{N: 2}, 2}
	if have := (got{c.Packets, c.All.Packets, c.First, c.All.First, c.All.Active, c.All.Flows(), len(c.All.Examples)}); have != want {
		t.Errorf("got %+v, want %+v", have, want)
	}
	if n, active := c.Recent(tab, 150*ms); n != 4 || active != 3 {
		t.Errorf("since 150 ms: %d packets in %d buckets, want 4 in 3", n, active)
	}
}

// random returns drops of a few nodes, reasons, rules and tenants, and deliveries.
func random(net *analyzers.Network, rng *rand.Rand, n int) []postcard.Record {
	reasons := []uint8{p4src.DropACLDeny, p4src.DropIPMiss, p4src.DropTrafficManager, 77}
	var out []postcard.Record
	for i := range n {
		f := flowOf(net, []string{"red", "green", "blue"}[rng.IntN(3)], 1+rng.IntN(6), 1+rng.IntN(6), 6, uint16(rng.IntN(8)), 80)
		at := int64(i) * ms
		if rng.IntN(3) == 0 {
			out = append(out, *f.delivered(at))
			continue
		}
		r := f.denied(at, uint32(rng.IntN(3)))
		r.Node = postcard.NodeID(net.Nodes[rng.IntN(5)].ID)
		r.DropReason = reasons[rng.IntN(len(reasons))]
		r.OutPort = uint32(rng.IntN(3))
		if rng.IntN(2) == 0 {
			r.Has |= postcard.HasOuter
			r.Outer.Dst = postcard.AddrFrom(net.Nodes[6+rng.IntN(6)].Address)
		}
		out = append(out, *r)
	}
	return out
}

// slowTop is Top by looking at every record again.
func slowTop(net *analyzers.Network, records []postcard.Record, q Query) []Group {
	type acc struct {
		Group
		flows map[analyzers.TenantFlow]bool
		dsts  map[postcard.Addr]uint64
	}
	groups := map[Key]*acc{}
	for _, r := range records {
		port := r.OutPort
		if port == 0 {
			port = r.InPort
		}
		if !r.Lost() || q.Filter.Reason != nil && *q.Filter.Reason != r.DropReason || q.Filter.Node != 0 && q.Filter.Node != r.Node ||
			q.Filter.Port != 0 && q.Filter.Port != port || q.Filter.Rule != 0 && q.Filter.Rule != r.Rule || q.Filter.VNI != 0 && q.Filter.VNI != r.VNI {
			continue
		}
		k := Key{Reason: r.DropReason, Node: r.Node, Port: port, Rule: r.Rule, VNI: r.VNI}
		if q.By&ByReason == 0 {
			k.Reason = 0
		}
		if q.By&ByPort == 0 {
			k.Port = 0
			if q.By&ByNode == 0 {
				k.Node = 0
			}
		}
		if q.By&ByRule == 0 {
			k.Rule = 0
		}
		if q.By&ByTenant == 0 {
			k.VNI = 0
		}
		g := groups[k]
		if g == nil {
			g = &acc{Group: Group{Key: k, First: r.Received}, flows: map[analyzers.TenantFlow]bool{}, dsts: map[postcard.Addr]uint64{}}
			if q.By&ByReason != 0 {
				g.Cause = CauseOf(r.DropReason)
			}
			groups[k] = g
		}
		g.Packets++
		g.Last = r.Received
		g.flows[analyzers.TenantFlow{VNI: r.VNI, Flow: r.Inner}] = true
		dst := r.Outer.Dst
		if dst == (postcard.Addr{}) {
			dst = postcard.AddrFrom(net.Nodes[net.HostNode(r.VNI, r.Inner.Dst)].Address)
		}
		g.dsts[dst]++
	}
	var out []Group
	for _, g := range groups {
		g.Flows = Distinct{N: len(g.flows)}
		for a, n := range g.dsts {
			g.Destinations = append(g.Destinations, Destination{a, n})
		}
		sortDestinations(g.Destinations)
		out = append(out, g.Group)
	}
	slices.SortFunc(out, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Packets, a.Packets), a.Key.compare(b.Key))
	})
	if q.K > 0 {
		out = out[:min(q.K, len(out))]
	}
	return out
}

func TestTopAgainstOracle(t *testing.T) {
	net := network(t)
	for seed := range uint64(3) {
		rng := rand.New(rand.NewPCG(seed, 1))
		records := random(net, rng, 1600)
		tab := New(net, Config{})
		for i := range records {
			tab.Observe(&records[i])
		}
		acl := p4src.DropACLDeny
		for by := range Dim(32) {
			for _, f := range []Filter{{}, {Reason: &acl}, {Node: 1001}, {Rule: 2}, {VNI: 1002}, {Port: 2}, {Reason: &acl, Node: 1002, VNI: 1001}} {
				q := Query{By: by, Filter: f, K: rng.IntN(5)}
				got := tab.Top(q)
				for i := range got {
					got[i].Examples, got[i].Passed = nil, 0
				}
				if diff := gocmp.Diff(slowTop(net, records, q), got); diff != "" {
					t.Fatalf("seed %d, %+v (-want +got):\n%s", seed, q, diff)
				}
			}
		}
		want := map[int64]uint64{}
		for _, r := range records {
			if r.Lost() {
				want[r.Received/(100*ms)*100*ms]++
			}
		}
		got := map[int64]uint64{}
		for _, b := range tab.Over(Filter{}) {
			got[b.Start] = b.Packets
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d, by time (-want +got):\n%s", seed, diff)
		}
		from, before := 500*ms, 1500*ms
		var sum uint64
		for _, g := range tab.Top(Query{From: from, Before: before}) {
			sum += g.Packets
		}
		var slow uint64
		for at, n := range want {
			if at >= from && at < before {
				slow += n
			}
		}
		if sum != slow {
			t.Errorf("seed %d: %d drops between, want %d", seed, sum, slow)
		}
	}
}

func TestTopFlowsAgainstOracle(t *testing.T) {
	net := network(t)
	records := random(net, rand.New(rand.NewPCG(3, 1)), 4000)
	tab := New(net, Config{})
	type state struct{ delivered, dropped uint64 }
	want := map[analyzers.TenantFlow]state{}
	for i := range records {
		r := &records[i]
		tab.Observe(r)
		k, _ := analyzers.FlowOf(r)
		s := want[k]
		if r.Lost() {
			s.dropped++
		} else {
			s.delivered++
		}
		want[k] = s
	}
	top := tab.TopFlows(0, 0)
	last := ^uint64(0)
	for _, s := range top {
		if w := want[s.Key]; w.dropped != s.Dropped || w.delivered != s.Delivered || s.Dropped > last {
			t.Errorf("%+v: got %d delivered, %d dropped; want %+v, and none above the one before", s.Key, s.Delivered, s.Dropped, w)
		}
		last = s.Dropped
		if one, ok := tab.Flow(s.Key); !ok || one.Dropped != s.Dropped {
			t.Errorf("%+v: Flow says %+v, %v", s.Key, one, ok)
		}
	}
	for k, w := range want {
		if w.dropped > 0 && !slices.ContainsFunc(top, func(s FlowState) bool { return s.Key == k }) {
			t.Errorf("%+v is missing", k)
		}
	}
	if got := tab.TopFlows(1002, 2); len(got) != 2 || got[0].Key.VNI != 1002 {
		t.Errorf("the two flows of VNI 1002 with the most drops: got %+v", got)
	}
}

// TestBounded floods every table with different keys: sizes hold, and what is shed is
// counted to the packet.
func TestBounded(t *testing.T) {
	net := network(t)
	rng := rand.New(rand.NewPCG(9, 9))
	cfg := Config{MaxCells: 64, MaxFlows: 256, MaxFlowsPerCell: 8, MaxDestinations: 4, Examples: 2}
	tab := New(net, cfg)
	const n = 20_000
	for i := range n {
		r := flowOf(net, "red", 1, 2, 6, 0, 0).denied(int64(i)*ms, rng.Uint32N(200))
		r.Inner.SrcPort, r.Inner.DstPort = uint16(rng.Uint32()), uint16(rng.Uint32())
		r.Has |= postcard.HasOuter
		r.Outer.Dst[15] = byte(rng.Uint32())
		r.VNI = rng.Uint32N(3)
		if i%100 == 0 {
			r.Node = 4711
		}
		tab.Observe(r)
	}
	s := tab.Stats()
	var kept uint64
	for _, g := range tab.Top(Query{By: ByRule | ByTenant}) {
		kept += g.Packets
		if len(g.Examples) > cfg.Examples {
			t.Errorf("%d examples, want at most %d", len(g.Examples), cfg.Examples)
		}
	}
	for c := range tab.Cells {
		if f := c.All.Flows(); f.N > cfg.MaxFlowsPerCell || c.All.Packets > 50 && !f.AtLeast {
			t.Errorf("%d packets, %+v flows: want at most %d and the truth about it", c.All.Packets, f, cfg.MaxFlowsPerCell)
		}
		if d, _ := c.All.Destinations(); len(d) > cfg.MaxDestinations {
			t.Errorf("%d destinations, want at most %d", len(d), cfg.MaxDestinations)
		}
	}
	if kept+s.EvictedDrops != n || s.Drops != n || s.Cells != cfg.MaxCells || s.EvictedCells == 0 {
		t.Errorf("%d drops in cells and %d evicted, want %d together; %+v", kept, s.EvictedDrops, n, s)
	}
	if s.Flows > cfg.MaxFlows || s.EvictedFlows == 0 || s.UnknownNode != n/100 || s.DestsOverflow == 0 {
		t.Errorf("stats: %+v", s)
	}
}

func TestFlowTableAgainstMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	tab := newFlowTable(1 << 12)
	want := map[analyzers.TenantFlow]uint64{}
	for i := range 20_000 {
		k := analyzers.TenantFlow{VNI: rng.Uint32N(300)} // far below capacity: nothing evicted
		tab.touch(&k, k.Hash(), int64(i)).Delivered++
		want[k]++
	}
	if tab.evicted != 0 || tab.n != len(want) {
		t.Fatalf("%d flows, %d evicted; want %d and none", tab.n, tab.evicted, len(want))
	}
	for k, n := range want {
		if s := tab.get(&k, k.Hash()); s == nil || s.Delivered != n {
			t.Errorf("%v: got %+v, want %d", k, s, n)
		}
	}
	if k := (analyzers.TenantFlow{VNI: 999}); tab.get(&k, k.Hash()) != nil {
		t.Error("found a flow that was never there")
	}
}

func TestHashSetAgainstMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for range 200 {
		var s hashSet
		want := map[uint64]bool{}
		limit := 1 + rng.IntN(60)
		turned := false
		for range rng.IntN(200) {
			h := 1 + rng.Uint64N(80)
			fresh := !want[h] && len(want) < limit
			turned = turned || !want[h] && !fresh
			if s.add(h, limit) != fresh {
				t.Fatalf("add(%d) with %d of %d: want new %v", h, len(want), limit, fresh)
			}
			if fresh {
				want[h] = true
			}
		}
		if s.distinct() != (Distinct{len(want), turned}) {
			t.Fatalf("got %+v, want %d, at least %v", s.distinct(), len(want), turned)
		}
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	net := network(t)
	records := random(net, rand.New(rand.NewPCG(1, 1)), 2000)
	tab := New(net, Config{})
	all := func() {
		for i := range records {
			records[i].Received += 2000 * ms
			tab.Observe(&records[i])
		}
	}
	for range 20 { // until every set and list has its size
		all()
	}
	if n := testing.AllocsPerRun(10, all); n != 0 {
		t.Errorf("%v allocations per %d records, want 0", n, len(records))
	}
}

func BenchmarkObserve(b *testing.B) {
	net := network(b)
	records := random(net, rand.New(rand.NewPCG(1, 1)), 4096)
	tab := New(net, Config{})
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		tab.Observe(&records[i%len(records)])
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
