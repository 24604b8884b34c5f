package postcards_test

import (
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/blame"
	"github.com/telltale-net/telltale/analyzers/blame/postcards"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/p4src"
	"github.com/telltale-net/telltale/topology"
)

const ms = int64(1e6)

// world is packets through a leaf-spine fabric, and the postcards of its switches.
type world struct {
	net   *analyzers.Network
	rng   *rand.Rand
	loss  map[string]float64 // silent, by link
	full  map[string]float64 // announced, by link, in the queue before it
	quiet map[string]bool    // roles that report nothing
	trace uint32             // the fabric reports one packet in so many, the same at every hop; 0 = all
	gone  float64            // share of reports that are lost

	seq     map[string]uint32
	records []postcard.Record
	sent    int
	lost    map[string]int
	tails   int
}

func newWorld(t testing.TB, seed uint64) *world {
	f, err := topology.LeafSpine(topology.LeafSpineConfig{Name: "test", Spines: 3, Leaves: 4, VSwitches: 2, VNETs: 2, HostsPerVNET: 16})
	if err != nil {
		t.Fatal(err)
	}
	net, err := analyzers.NewNetwork(f)
	if err != nil {
		t.Fatal(err)
	}
	return &world{net: net, rng: rand.New(rand.NewPCG(seed, 1)), loss: map[string]float64{}, full: map[string]float64{}, quiet: map[string]bool{},
		seq: map[string]uint32{}, lost: map[string]int{}}
}

// run sends packets of random flows in a second.
func (w *world) run(flows, packets int) {
	hosts := w.net.Fabric().Hosts
	id := map[string]uint16{}
	type flow struct {
		src, dst topology.Host
		path     topology.Path
		inner    postcard.Flow
		vni      uint32
	}
	var fs []flow
	for len(fs) < flows {
		a, b := hosts[w.rng.IntN(len(hosts))], hosts[w.rng.IntN(len(hosts))]
		if a.VNET != b.VNET || a.At.Node == b.At.Node {
			continue
		}
		f := flow{src: a, dst: b, inner: postcard.Flow{Src: postcard.AddrFrom(a.Address), Dst: postcard.AddrFrom(b.Address), SrcPort: uint16(1000 + len(fs)), DstPort: 80, Proto: 6}}
		for _, v := range w.net.Fabric().VNETs {
			if v.Name == a.VNET {
				f.vni = v.VNI
			}
		}
		paths := slices.Collect(w.net.Paths(a.At.Node, b.At.Node))
		f.path = paths[w.rng.IntN(len(paths))]
		fs = append(fs, f)
	}
	at := int64(1000 * ms)
	for range packets {
		at += 1000 * ms / int64(packets)
		f := &fs[w.rng.IntN(len(fs))]
		w.sent++
		id[f.src.At.Node]++
		r := postcard.Record{PacketID: id[f.src.At.Node], FlowHash: crc32.ChecksumIEEE(f.inner.Src[:]), VNI: f.vni, Inner: f.inner, Length: 500}
		in := uint32(f.src.At.Port)
		now, gone := at, false
		for _, h := range f.path {
			now += int64(20000 + w.rng.IntN(20000))
			if w.rng.Float64() < w.full[h.String()] {
				r.Flags, r.DropReason = postcard.Dropped, p4src.DropTrafficManager
				w.report(r, h.Out.Node, in, uint32(h.Out.Port), now, false)
				w.tails++
				gone = true
				break
			}
			w.report(r, h.Out.Node, in, uint32(h.Out.Port), now, true)
			if w.rng.Float64() < w.loss[h.String()] {
				w.lost[h.String()]++
				gone = true
				break
			}
			in = uint32(h.In.Port)
		}
		if !gone {
			w.report(r, f.dst.At.Node, in, uint32(f.dst.At.Port), now, true)
		}
	}
}

func (w *world) report(r postcard.Record, node string, in, out uint32, at int64, passed bool) {
	n, _ := w.net.Node(node)
	if w.quiet[string(n.Role)] || w.trace > 0 && n.Role != topology.VSwitch && uint32(r.PacketID)%w.trace != 0 {
		return
	}
	r.Has = postcard.HasPorts | postcard.HasPacketID | postcard.HasFlowHash | postcard.HasInner | postcard.HasVNI | postcard.HasEnqDepth
	if passed {
		r.Has |= postcard.HasEgress
	} else {
		r.Has |= postcard.HasDropReason
	}
	r.Node, r.InPort, r.OutPort, r.Seq, r.Received = postcard.NodeID(n.ID), in, out, w.seq[node]&(1<<22-1), at+w.rng.Int64N(ms)
	w.seq[node]++
	if w.rng.Float64() >= w.gone {
		w.records = append(w.records, r)
	}
}

func (w *world) epoch() postcards.Result {
	return postcards.Epoch(w.net, blame.NewLinks(), w.records, postcards.Config{})
}

// TestEverything: every hop reports, nothing is missing: every packet is accounted for
// and every silent loss is on its link.
func TestEverything(t *testing.T) {
	w := newWorld(t, 1)
	w.loss["leaf2>spine1"], w.loss["spine3>leaf4"], w.full["leaf1>vs1"] = 0.02, 0.01, 0.05
	w.run(300, 40000)
	r := w.epoch()
	a := r.Account
	silent := w.lost["leaf2>spine1"] + w.lost["spine3>leaf4"]
	if a.Packets != uint64(w.sent) || a.Lost+a.Undecided != uint64(silent) || a.Undecided > 3 || a.Announced[p4src.DropTrafficManager] != uint64(w.tails) || a.Delivered != uint64(w.sent-silent-w.tails) || a.Missing != 0 || a.Unseen != 0 || a.MissingShare() != 0 {
		t.Errorf("got %+v, want %d packets, %d silent, %d in queues", a, w.sent, silent, w.tails)
	}
	s := r.Set
	lost := map[string]int{}
	for i := range s.Len() {
		if s.Lost(i) > 0 {
			if len(s.Path(i)) != 1 {
				t.Fatalf("row %d: got %d links, want the one", i, len(s.Path(i)))
			}
			lost[s.Links().Name(s.Path(i)[0])] += int(s.Lost(i))
		}
	}
	w.lost["leaf1>vs1"] = w.tails
	for l, n := range w.lost {
		if d := n - lost[l]; d < 0 || d > 3 {
			t.Errorf("link %s: got %d lost, want %d", l, lost[l], n)
		}
	}
	if len(r.Flows) != s.Len() || !strings.HasPrefix(s.Name(0), strconv.Itoa(int(r.Flows[0].VNI))) {
		t.Errorf("got %d flows for %d rows", len(r.Flows), s.Len())
	}
	want := []string{"leaf1>vs1", "leaf2>spine1", "spine3>leaf4"}
	if got := bad(&r); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func bad(r *postcards.Result) []string {
	res := blame.Likelihood(r.Set, blame.Config{})
	out := res.BadLinks()
	slices.Sort(out)
	return out
}

// TestReportLoss: reports that are missing are not packets that are lost.
func TestReportLoss(t *testing.T) {
	for _, gone := range []float64{0.001, 0.01, 0.1} {
		for seed := range uint64(2) {
			w := newWorld(t, seed)
			w.gone = gone
			w.run(300, 30000)
			r := w.epoch()
			if share := r.Account.MissingShare(); share < gone*0.7 || share > gone*1.3 {
				t.Errorf("got a share of %.4f missing, want %.4f", share, gone)
			}
			if b := bad(&r); r.Account.Lost > 3 || len(b) > 0 {
				t.Errorf("%.1f %% of the reports lost: got %d packets lost, %v", 100*gone, r.Account.Lost, b)
			}
			w.loss["leaf2>spine1"] = 0.05
			w.records, w.seq = nil, map[string]uint32{}
			w.run(300, 30000)
			r = w.epoch()
			if b := bad(&r); !slices.Equal(b, []string{"leaf2>spine1"}) {
				t.Errorf("%.1f %% of the reports lost: got %v, want leaf2>spine1; %+v", 100*gone, b, r.Account)
			}
		}
	}
}

// TestEdges: only the vswitches report: the ways are ECMP's alternatives. Which spine of
// the leaf's three lies behind the lossy link nobody can tell, that it is one of the three links
// is certain.
func TestEdges(t *testing.T) {
	for seed := range uint64(3) {
		w := newWorld(t, seed)
		w.quiet["leaf"], w.quiet["spine"] = true, true
		w.loss["leaf2>spine1"] = 0.03
		w.run(1000, 40000)
		r := w.epoch()
		if a := r.Account; a.Lost+a.Undecided != uint64(w.lost["leaf2>spine1"]) || a.Lost == 0 {
			t.Errorf("got %+v, want %d lost", a, w.lost["leaf2>spine1"])
		}
		res := blame.Likelihood(r.Set, blame.Config{})
		sum := 0.0
		for _, l := range res.Links {
			if strings.HasPrefix(l.Link, "leaf2>spine") {
				sum += *l.Probability
				if *l.Probability < 0.25 || *l.Probability > 0.45 {
					t.Errorf("seed %d: %s has a probability of %.3f, want a third", seed, l.Link, *l.Probability)
				}
			} else if *l.Probability > 0.05 {
				t.Errorf("seed %d: %s has a probability of %.3f", seed, l.Link, *l.Probability)
			}
		}
		if sum < 0.98 || sum > 1.02 {
			t.Errorf("seed %d: the three have %.3f, want 1", seed, sum)
		}
	}
}

// TestKnownWays: where one leaf reports, too, its postcards tell.
func TestKnownWays(t *testing.T) {
	w := newWorld(t, 1)
	w.quiet["spine"] = true
	w.loss["leaf2>spine1"] = 0.03
	w.run(1000, 40000)
	r := w.epoch()
	if got := bad(&r); !slices.Equal(got, []string{"leaf2>spine1"}) {
		t.Errorf("got %v, want leaf2>spine1", got)
	}
}

// TestTraced: the vswitches report all packets, the fabric one in 16. Those that it reports
// were lost where the next switch is silent; of the others nobody but vswitches would have
// said anything. Two links that lose into one leaf are not taken for the links behind it.
func TestTraced(t *testing.T) {
	for _, gone := range []float64{0, 0.05} {
		for seed := range uint64(3) {
			w := newWorld(t, 10+seed)
			w.trace, w.gone = 16, gone
			w.run(300, 30000)
			r := w.epoch()
			if a := r.Account; len(bad(&r)) > 0 || a.Lost > 3 {
				t.Errorf("seed %d, %g of the reports lost: %v blamed while no packet was lost; %+v", seed, gone, bad(&r), a)
			}
			w.records, w.seq, w.lost = nil, map[string]uint32{}, map[string]int{}
			want := []string{"spine1>leaf4", "spine2>leaf4", "spine3>leaf4"}
			for _, l := range want {
				w.loss[l] = 0.03
			}
			w.run(300, 30000)
			r = w.epoch()
			if got := bad(&r); !slices.Equal(got, want) {
				t.Errorf("seed %d, %g of the reports lost: got %v, want %v", seed, gone, got, want)
			}
			placed, other := uint32(0), uint32(0) // packets by where they were lost at the earliest
			for i := range r.Set.Len() {
				if n := r.Set.Lost(i); n > 0 && len(r.Set.Path(i)) == 1 {
					if slices.Contains(want, r.Set.Links().Name(r.Set.Path(i)[0])) {
						placed += n
					} else {
						other += n
					}
				}
			}
			lost := w.lost[want[0]] + w.lost[want[1]] + w.lost[want[2]]
			if int(placed)*16 < lost/3 || int(placed)*16 > 2*lost || other > 2 {
				t.Errorf("seed %d, %g of the reports lost: %d of %d lost packets are on one link, %d on a wrong one, want about a sixteenth", seed, gone, placed, lost, other)
			}
		}
	}
}

// TestSampled: holes that sampling makes mean nothing, those that the caller found do.
func TestSampled(t *testing.T) {
	w := newWorld(t, 3)
	w.run(200, 20000)
	records := w.records
	keep := map[[2]uint64]bool{}
	w.records = nil
	for _, r := range records { // whole packets, one of two
		k := [2]uint64{uint64(r.VNI)<<32 | uint64(r.FlowHash), uint64(r.PacketID)}
		if _, ok := keep[k]; !ok {
			keep[k] = w.rng.IntN(2) == 0
		}
		if keep[k] {
			w.records = append(w.records, r)
		}
	}
	leaf, _ := w.net.Node("leaf3")
	cut := slices.DeleteFunc(slices.Clone(w.records), func(r postcard.Record) bool {
		return uint32(r.Node) == leaf.ID && r.Received > 1500*ms && r.Received < 1600*ms
	})
	got := postcards.Epoch(w.net, blame.NewLinks(), w.records, postcards.Config{Sampled: true}).Account
	if got.Missing != 0 || got.Lost != 0 || got.Unseen != 0 {
		t.Errorf("sampled: got %+v, want nothing lost or missing", got)
	}
	blind := postcards.Config{Sampled: true, Blind: []postcards.Blind{{Node: postcard.NodeID(leaf.ID), From: 1499 * ms, Until: 1601 * ms, Missing: len(w.records) - len(cut)}}}
	got = postcards.Epoch(w.net, blame.NewLinks(), cut, blind).Account
	if got.Missing != uint64(len(w.records)-len(cut)) || got.Lost > 0 {
		t.Errorf("blind: got %+v, want nothing lost", got)
	}
}

// TestInterval: only packets whose first report came in the interval count.
func TestInterval(t *testing.T) {
	w := newWorld(t, 4)
	w.run(100, 10000)
	sum := uint64(0)
	for at := 1000 * ms; at < 2100*ms; at += 100 * ms {
		sum += postcards.Epoch(w.net, blame.NewLinks(), w.records, postcards.Config{From: at, Until: at + 100*ms}).Account.Packets
	}
	if sum != uint64(w.sent) {
		t.Errorf("got %d packets in all intervals, want %d", sum, w.sent)
	}
}

// TestHostile: records of anything do no harm.
func TestHostile(t *testing.T) {
	w := newWorld(t, 5)
	w.run(20, 2000)
	for range 3 {
		for i := range w.records {
			r := &w.records[i]
			switch w.rng.IntN(8) {
			case 0:
				r.Node = postcard.NodeID(w.rng.Uint32())
			case 1:
				r.InPort, r.OutPort = w.rng.Uint32(), w.rng.Uint32()
			case 2:
				r.Seq = w.rng.Uint32()
			case 3:
				r.Received = int64(w.rng.Uint64() >> 2)
			case 4:
				r.Flags, r.DropReason = postcard.Dropped, uint8(w.rng.Uint32())
			case 5:
				r.PacketID = uint16(w.rng.Uint32())
			case 6:
				r.Has = postcard.Fields(w.rng.Uint32())
			}
		}
		r := w.epoch()
		blame.Likelihood(r.Set, blame.Config{})
	}
}
