package postcards

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/topology"
)

// world sends packets over the default fabric and hands the switches' postcards to a
// builder.
type world struct {
	t    *testing.T
	net  *analyzers.Network
	b    *Builder
	seq  map[postcard.NodeID]uint32
	id   uint16
	now  int64
	path []topology.Hop
	from topology.Host
	to   topology.Host
}

func newWorld(t *testing.T) *world {
	t.Helper()
	f, err := topology.LeafSpine(topology.DefaultLeafSpine())
	if err != nil {
		t.Fatal(err)
	}
	net, err := analyzers.NewNetwork(f)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, net: net, b: New(net, Config{Flows: true}), seq: map[postcard.NodeID]uint32{}, now: int64(time.Second)}
	for _, a := range f.Hosts {
		for _, b := range f.Hosts {
			for p := range net.Paths(a.At.Node, b.At.Node) {
				if len(p) == 4 {
					w.path, w.from, w.to = p, a, b
					return w
				}
			}
		}
	}
	t.Fatal("no way of four links in the fabric")
	return nil
}

// fate is what happens to a packet and to its postcards.
type fate struct {
	lostAfter int          // hops after which it vanishes; 0 = it arrives
	dropAt    int          // hop, from 1, that drops it with a postcard; 0 = none
	mute      map[int]bool // hops, from 0, whose postcard is lost
}

func (w *world) send(f fate) {
	w.id++
	w.now += int64(20 * time.Microsecond)
	nodes := topology.Path(w.path).Nodes()
	for i, name := range nodes {
		n, _ := w.net.Node(name)
		in, out := w.from.At.Port, w.to.At.Port
		if i > 0 {
			in = w.path[i-1].In.Port
		}
		if i < len(w.path) {
			out = w.path[i].Out.Port
		}
		r := postcard.Record{
			Received: w.now + int64(i)*1000, Ingress: uint64(w.now), Node: postcard.NodeID(n.ID), InPort: uint32(in), OutPort: uint32(out),
			PacketID: w.id, FlowHash: 77, VNI: 5, Epoch: uint8(w.now / int64(Period) & 1),
			Has: postcard.HasPorts | postcard.HasPacketID | postcard.HasFlowHash | postcard.HasVNI | postcard.HasInner | postcard.HasIngress,
			Inner: postcard.Flow{
				Src: postcard.AddrFrom(netip.MustParseAddr("10.0.0.1")), Dst: postcard.AddrFrom(netip.MustParseAddr("10.0.0.2")), Proto: 17, SrcPort: 1, DstPort: 2,
			},
		}
		w.seq[r.Node]++
		r.Seq = w.seq[r.Node] & seqMask
		if f.dropAt == i+1 {
			r.Flags |= postcard.Dropped
		}
		if !f.mute[i] {
			w.b.Observe(&r)
		}
		if f.dropAt == i+1 || f.lostAfter == i+1 {
			return
		}
	}
}

func (w *world) link(win *Window, i int) Link {
	w.t.Helper()
	for _, l := range win.Links {
		if l.Node == w.path[i].Out.Node && l.Port == uint32(w.path[i].Out.Port) {
			return l
		}
	}
	w.t.Fatalf("no figures for %s", w.path[i])
	return Link{}
}

func TestFates(t *testing.T) {
	for _, c := range []struct {
		name string
		fate fate
		want [4]Link // Sent, Lost, Dropped, Unreported and Doubt of the four links
	}{
		{"arrives", fate{}, [4]Link{{Sent: 10}, {Sent: 10}, {Sent: 10}, {Sent: 10}}},
		{"lost on the second link", fate{lostAfter: 2}, [4]Link{{Sent: 10}, {Sent: 9 + 1, Lost: 1}, {Sent: 9}, {Sent: 9}}},
		{"lost on the last link", fate{lostAfter: 4}, [4]Link{{Sent: 10}, {Sent: 10}, {Sent: 10}, {Sent: 10, Lost: 1}}},
		{"dropped by the third node", fate{dropAt: 3}, [4]Link{{Sent: 10}, {Sent: 10}, {Sent: 9, Dropped: 1}, {Sent: 9}}},
		{"the third postcard is missing", fate{mute: map[int]bool{2: true}}, [4]Link{{Sent: 10}, {Sent: 10, Unreported: 1}, {Sent: 9}, {Sent: 10}}},
		{"the last postcard is missing", fate{mute: map[int]bool{4: true}}, [4]Link{{Sent: 10}, {Sent: 10}, {Sent: 10}, {Sent: 10, Lost: 1, Doubt: 1}}},
		{"lost, and a postcard before", fate{lostAfter: 4, mute: map[int]bool{1: true}}, [4]Link{{Sent: 10, Unreported: 1}, {Sent: 9}, {Sent: 10}, {Sent: 10, Lost: 1}}},
		{"lost, and the first postcard", fate{lostAfter: 4, mute: map[int]bool{0: true}}, [4]Link{{Sent: 9}, {Sent: 10}, {Sent: 10}, {Sent: 10, Lost: 1}}},
		{"lost, and two postcards in a row", fate{lostAfter: 4, mute: map[int]bool{1: true, 2: true}}, [4]Link{{Sent: 10, Unreported: 1}, {Sent: 9}, {Sent: 9}, {Sent: 10, Lost: 1}}},
	} {
		w := newWorld(t)
		for i := range 10 {
			if i == 5 {
				w.send(c.fate)
			} else {
				w.send(fate{})
			}
		}
		win := w.b.Epoch(math.MaxInt64)
		for i, want := range c.want {
			got := w.link(&win, i)
			got.Node, got.Peer, got.Port = "", "", 0
			if got != want {
				t.Errorf("%s: link %s: got %+v, want %+v", c.name, w.path[i], got, want)
			}
		}
		if s := win.Stats; s.Packets != 10 || s.Delivered+s.Lost+s.Dropped != 10 {
			t.Errorf("%s: %+v", c.name, s)
		}
	}
}

// Counts per flow, node and epoch are what was sent, also where windows cut epochs, ids
// come round, and postcards of hops that others vouch for are missing.
func TestFlows(t *testing.T) {
	w := newWorld(t)
	rng := rand.New(rand.NewPCG(1, 2))
	want := map[uint64]int64{}
	got := map[string]map[uint64]int64{}
	add := func(win Window) {
		for _, d := range win.Flows {
			if d.Len() != 1 {
				t.Fatalf("%d flows at %s, want one", d.Len(), d.Node)
			}
			if f, ok := flowset.FlowOf(d.Key(0), d.KeyBytes, d.Order); !ok || f.VNI != 5 || f.Src.String() != "10.0.0.1" {
				t.Fatalf("got flow %v", f)
			}
			if got[d.Node] == nil {
				got[d.Node] = map[uint64]int64{}
			}
			n, _ := d.Packets(0)
			got[d.Node][d.Epoch] += n
		}
	}
	for i := range 80_000 { // more than there are ids
		f := fate{}
		if rng.IntN(50) == 0 {
			f.mute = map[int]bool{2: true}
		}
		w.send(f)
		want[uint64(w.now)/uint64(Period)]++
		if i%1000 == 0 {
			add(w.b.Epoch(w.now - int64(time.Millisecond)))
		}
	}
	add(w.b.Epoch(math.MaxInt64))
	for _, node := range topology.Path(w.path).Nodes() {
		for e, n := range want {
			if got[node][e] != n {
				t.Errorf("%s, epoch %d: got %d packets, want %d", node, e, got[node][e], n)
			}
		}
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

// What does not fit is counted, and reports that arrive late are not missing.
func TestBounds(t *testing.T) {
	w := newWorld(t)
	w.b = New(w.net, Config{MaxPackets: 3})
	for range 10 {
		w.send(fate{})
	}
	w.b.Observe(&postcard.Record{Node: 9999})
	win := w.b.Epoch(math.MaxInt64)
	if win.Stats.Packets != 3 || win.Stats.Shed != 7*5 || win.Stats.Unnamed != 1 {
		t.Errorf("got %+v", win.Stats)
	}
	w = newWorld(t)
	at := slices.Collect(w.net.Paths(w.from.At.Node, w.to.At.Node))[0][0].Out.Node
	n, _ := w.net.Node(at)
	for _, seq := range []uint32{seqMask, 0, 3, 1, 4} {
		w.b.Observe(&postcard.Record{Node: postcard.NodeID(n.ID), Seq: seq})
	}
	if got := w.b.Epoch(math.MaxInt64).Stats.Missing; got != 1 {
		t.Errorf("%d reports are missing, want 1", got)
	}
}
