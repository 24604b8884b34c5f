package postcards

import (
	"cmp"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/p4src"
	"github.com/telltale-net/telltale/topology"
)

const ms = int64(time.Millisecond)

// world sends packets over the default fabric and keeps the switches' postcards and the
// truth.
type world struct {
	t    testing.TB
	rng  *rand.Rand
	f    topology.Fabric
	net  *analyzers.Network
	seq  map[postcard.NodeID]uint32
	id   uint16
	skew map[string]int64 // of the nodes' clocks

	wire, queue map[string]float64 // share of packets lost, by link "leaf1>spine1"
	reports     float64            // share of postcards lost
	delay       float64            // share of packets that wait at a hop, up to 10 ms
	mute        map[string]float64 // share of postcards that a node does not make

	made    []postcard.Record // of the run that is on
	records []postcard.Record
	sent    map[string]uint64 // truth, by link
	lost    map[string]uint64
	dropped map[string]uint64
	saw     map[string]map[uint64]uint64 // packets by node and epoch
}

func newWorld(t testing.TB, seed uint64) *world {
	t.Helper()
	f, err := topology.LeafSpine(topology.DefaultLeafSpine())
	if err != nil {
		t.Fatal(err)
	}
	net, err := analyzers.NewNetwork(f)
	if err != nil {
		t.Fatal(err)
	}
	return &world{
		t: t, rng: rand.New(rand.NewPCG(seed, 1)), f: f, net: net, seq: map[postcard.NodeID]uint32{}, skew: map[string]int64{},
		wire: map[string]float64{}, queue: map[string]float64{}, mute: map[string]float64{},
		sent: map[string]uint64{}, lost: map[string]uint64{}, dropped: map[string]uint64{}, saw: map[string]map[uint64]uint64{},
	}
}

// run sends packets, evenly, from a time to another (ms).
func (w *world) run(from, to int64, pps int) {
	for at := from * ms; at < to*ms; at += 1e9 / int64(pps) {
		w.packet(at)
	}
	slices.SortStableFunc(w.made, func(a, b postcard.Record) int { return cmp.Compare(a.Received, b.Received) })
	for _, r := range w.made {
		w.seq[r.Node]++
		r.Seq = w.seq[r.Node] & seqMask
		if w.rng.Float64() >= w.reports {
			w.records = append(w.records, r)
		}
	}
	w.made = w.made[:0]
}

func (w *world) packet(at int64) {
	var a, b topology.Host
	for a.At.Node == b.At.Node || a.VNET != b.VNET {
		a, b = w.f.Hosts[w.rng.IntN(len(w.f.Hosts))], w.f.Hosts[w.rng.IntN(len(w.f.Hosts))]
	}
	v, _ := w.net.VNET(a.VNET)
	port := uint16(1000 + w.rng.IntN(4))
	paths := slices.Collect(w.net.Paths(a.At.Node, b.At.Node))
	path := paths[int(port)%len(paths)]
	w.id++
	r := postcard.Record{
		VNI: v.VNI, FlowHash: crc32.ChecksumIEEE([]byte(a.Name + b.Name + string(rune(port)))), PacketID: w.id,
		Inner: postcard.Flow{Src: postcard.AddrFrom(a.Address), Dst: postcard.AddrFrom(b.Address), SrcPort: port, DstPort: 80, Proto: 17},
		Has:   postcard.HasPorts | postcard.HasPacketID | postcard.HasFlowHash | postcard.HasVNI | postcard.HasInner | postcard.HasIngress,
	}
	r.Epoch = uint8(uint64(at+w.skew[a.At.Node]) / uint64(Period) & 1)
	number := uint64(at+w.skew[a.At.Node]) / uint64(Period)
	in := a.At
	for i := 0; ; i++ {
		out := b.At
		if i < len(path) {
			out = path[i].Out
		}
		n, _ := w.net.Node(in.Node)
		at += 20_000 + w.rng.Int64N(20_000)
		if w.rng.Float64() < w.delay {
			at += w.rng.Int64N(10 * ms)
		}
		r.Received, r.Node, r.InPort, r.OutPort = at, postcard.NodeID(n.ID), uint32(in.Port), uint32(out.Port)
		r.Ingress = uint64(at - 20_000 + w.skew[in.Node])
		if w.saw[in.Node] == nil {
			w.saw[in.Node] = map[uint64]uint64{}
		}
		w.saw[in.Node][number]++
		if i == len(path) {
			w.report(in.Node, r)
			return
		}
		link := path[i].String()
		if w.rng.Float64() < w.queue[link] {
			w.dropped[link]++
			r.Flags |= postcard.Dropped
			r.Has |= postcard.HasDropReason
			r.DropReason = p4src.DropTrafficManager
			w.report(in.Node, r)
			return
		}
		w.report(in.Node, r)
		w.sent[link]++
		if w.rng.Float64() < w.wire[link] {
			w.lost[link]++
			return
		}
		in = path[i].In
	}
}

func (w *world) report(node string, r postcard.Record) {
	if w.rng.Float64() >= w.mute[node] {
		w.made = append(w.made, r)
	}
}

// play hands the postcards over and returns all epochs.
func (w *world) play(cfg Config) (*Epochs, []*Epoch) {
	e := New(w.net, cfg)
	var all []*Epoch
	for i := range w.records {
		e.Observe(&w.records[i])
		if i%64 == 0 {
			all = append(all, e.Advance(0)...)
		}
	}
	return e, append(all, e.Flush()...)
}

// sums adds epochs up by link.
func sums(all []*Epoch) (t Totals, byLink map[string]LinkTotal) {
	for _, x := range all {
		t.Add(x)
	}
	byLink = map[string]LinkTotal{}
	for _, l := range t.Links() {
		byLink[l.Node+">"+l.Peer] = l
	}
	return t, byLink
}
