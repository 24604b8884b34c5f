package lab

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/telltale-net/telltale/bmv2/lab/frame"
	"github.com/telltale-net/telltale/bmv2/lab/traffic"
	"github.com/telltale-net/telltale/topology"
)

func TestSlowPortBuildsQueue(t *testing.T) {
	fab := small(t)
	from, to := far(t, fab)
	l := fakes(t, Config{Fabric: fab})
	id := add(t, l, traffic.Flow{From: from.Name, To: to.Name, Proto: frame.UDP, SrcPort: 1, DstPort: 2,
		Sizes: traffic.Fixed(1250), Arrivals: traffic.Arrivals{PPS: 1000}})
	runUntil(t, l, time.Second)
	healthy := l.Flows()[id].Delay.Max
	slow := SlowPort(from.At.Node, 1, 0.005) // 1 Gb/s → 500 frames/s
	if err := slow.Apply(l); err != nil {
		t.Fatal(err)
	}
	if err := slow.Apply(l); err == nil {
		t.Error("a fault could be applied twice")
	}
	runUntil(t, l, 2*time.Second)
	vs, s := l.nodesByName[from.At.Node].sw.(*fake), l.Flows()[id]
	if d := vs.tm.Depth(1, 0); d != 64 {
		t.Errorf("queue depth %d behind the slow port, want 64", d)
	}
	if s.Delay.Max < 64*2*time.Millisecond || s.Delay.Max > 67*2*time.Millisecond+healthy {
		t.Errorf("greatest delay %v, want 64 to 67 service times of 2ms", s.Delay.Max)
	}
	if vs.drops < 400 {
		t.Errorf("the full queue dropped %d, want about 436", vs.drops)
	}
	if err := slow.Revert(l); err != nil {
		t.Fatal(err)
	}
	runUntil(t, l, 2100*time.Millisecond)
	if d := vs.tm.Depth(1, 0); d != 0 {
		t.Errorf("queue depth %d after the port recovered, want 0", d)
	}
}

func TestLossRate(t *testing.T) {
	fab := small(t)
	from, to := far(t, fab)
	l := fakes(t, Config{Fabric: fab, Seed: 3})
	there := add(t, l, traffic.Flow{From: from.Name, To: to.Name, Proto: frame.UDP, SrcPort: 1, DstPort: 2,
		Sizes: traffic.Fixed(100), Arrivals: traffic.Arrivals{Kind: traffic.Poisson, PPS: 10000}, Stop: 2 * time.Second})
	back := add(t, l, traffic.Flow{From: to.Name, To: from.Name, Proto: frame.TCP, SrcPort: 1, DstPort: 2,
		Sizes: traffic.Fixed(100), Arrivals: traffic.Arrivals{Kind: traffic.Poisson, PPS: 10000}, Stop: 2 * time.Second})
	loss := LossyLink(from.At.Node, 1, 0.02)
	if err := loss.Apply(l); err != nil {
		t.Fatal(err)
	}
	runUntil(t, l, 3*time.Second)
	a, b := l.Flows()[there], l.Flows()[back]
	if r := float64(a.Missing()) / float64(a.Sent); r < 0.016 || r > 0.024 {
		t.Errorf("lost %v of the packets, want about 0.02", r)
	}
	if b.Missing() != 0 {
		t.Errorf("the other direction lost %d packets", b.Missing())
	}
}

// Whatever breaks when, every frame is accounted for.
func TestConservation(t *testing.T) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 99))
		fab := small(t, func(c *topology.LeafSpineConfig) { c.Access.RateBps, c.Trunk.RateBps = 20e6, 20e6 })
		l := fakes(t, Config{Fabric: fab, Seed: seed})
		addMix(t, l, traffic.Mix{Seed: seed, PPS: 20000, Stop: 900 * time.Millisecond})
		var active []Fault
		for step := 1; step <= 50; step++ {
			if n := len(active); n > 0 && r.IntN(3) == 0 {
				i := r.IntN(n)
				if err := active[i].Revert(l); err != nil {
					t.Fatal(err)
				}
				active = slices.Delete(active, i, i+1)
			} else if link := fab.Links[r.IntN(len(fab.Links))]; !link.Telemetry {
				f := []Fault{
					SlowPort(link.A.Node, link.A.Port, 0.1), LossyLink(link.B.Node, link.B.Port, 0.3), LinkDown(link.A.Node, link.A.Port),
				}[r.IntN(3)]
				if err := f.Apply(l); err == nil { // the same one may be there already
					active = append(active, f)
				}
			}
			runUntil(t, l, time.Duration(step)*20*time.Millisecond)
			balance(t, l)
		}
		for _, f := range active {
			if err := f.Revert(l); err != nil {
				t.Fatal(err)
			}
		}
		runUntil(t, l, 10*time.Second)
		balance(t, l)
		if s := l.Stats(); s.InFlight != 0 || pending(l) != 0 {
			t.Fatalf("seed %d: %d frames in flight, %d events pending at the end", seed, s.InFlight, pending(l))
		}
	}
}

// balance checks sent = delivered + dropped by reason + in flight, per wire and for
// the tenants' packets as a whole.
func balance(t *testing.T, l *Lab) {
	t.Helper()
	s := l.Stats()
	var lost, inQueues uint64
	for _, w := range s.Links {
		if w.Sent != w.Delivered+w.Lost+w.Down+w.QueueFull+w.InFlight {
			t.Fatalf("at %v: %+v does not balance", time.Duration(s.Now), w)
		}
		lost += w.Lost + w.Down + w.QueueFull
	}
	for _, n := range l.nodes {
		lost += n.stats.NoLink + n.stats.NoPipeline
		if f, ok := n.sw.(*fake); ok {
			lost += f.drops
			for p := range n.wires {
				inQueues += uint64(f.tm.Depth(uint16(p), 0))
			}
		}
	}
	var sent, delivered, good, defects uint64
	for _, f := range l.Flows() {
		sent, delivered = sent+f.Sent, delivered+f.Delivered+f.Duplicated
	}
	for _, h := range s.Hosts {
		good += h.Good
		for _, d := range h.Defects {
			defects += d
		}
		if h.Received != h.Good+sumOf(h.Defects[:]) {
			t.Fatalf("host %+v does not balance", h)
		}
	}
	if delivered != good || defects != 0 {
		t.Fatalf("flows delivered %d, hosts good %d, defects %d", delivered, good, defects)
	}
	if sent != delivered+lost+s.InFlight+inQueues {
		t.Fatalf("at %v: sent %d ≠ delivered %d + lost %d + in flight %d + in queues %d", time.Duration(s.Now), sent, delivered, lost, s.InFlight, inQueues)
	}
}

func sumOf(xs []uint64) (n uint64) {
	for _, x := range xs {
		n += x
	}
	return n
}

// A cut link takes what is on the way, and both of its switches see their port go
// down and come up, also those whose pipeline came while it was down.
func TestLinkDownIsSeen(t *testing.T) {
	fab := small(t)
	from, to := far(t, fab)
	l := fakes(t, Config{Fabric: fab})
	add(t, l, traffic.Flow{From: from.Name, To: to.Name, Proto: frame.UDP, SrcPort: 1, DstPort: 2,
		Sizes: traffic.Fixed(1000), Arrivals: traffic.Arrivals{PPS: 1000}, Stop: time.Millisecond})
	vs := l.nodesByName[from.At.Node]
	leaf := l.nodes[vs.wires[1].to.ref]
	down := LinkDown(vs.Name, 1)
	// 80 µs + 1 µs to the vswitch, 8 µs + 2 µs to the leaf: at 90 µs it is in between.
	runUntil(t, l, 90*time.Microsecond)
	if err := down.Apply(l); err != nil {
		t.Fatal(err)
	}
	l.install(leaf, newFake(nil), nil)
	up := func() [2]bool {
		return [2]bool{vs.sw.(*fake).up[1], leaf.sw.(*fake).up[vs.wires[1].to.port]}
	}
	if got := up(); got != [2]bool{} {
		t.Errorf("ports up: %v while the link is down", got)
	}
	runUntil(t, l, time.Second)
	if w := l.Stats().Links[vs.wires[1].id]; w.Sent != 1 || w.Down != 1 {
		t.Errorf("%+v, want the frame on the way to be lost", w)
	}
	if err := down.Revert(l); err != nil {
		t.Fatal(err)
	}
	if got := up(); got != [2]bool{true, true} {
		t.Errorf("ports up: %v after the link came back", got)
	}
}

// Faults name what they cannot break.
func TestFaultErrors(t *testing.T) {
	fab := small(t, func(c *topology.LeafSpineConfig) { c.Trunk.RateBps = 0 })
	l := fakes(t, Config{Fabric: fab})
	f := func(want string, x Fault) {
		t.Helper()
		if err := x.Apply(l); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", x, err, want)
		}
		if err := x.Revert(l); err == nil {
			t.Errorf("%s: reverted though it was never there", x)
		}
	}
	f(`no node "nobody"`, SlowPort("nobody", 1, 0.5))
	f("is the collector", LossyLink("collector", 1, 0.5))
	f("leads nowhere", LinkDown("leaf1", 77))
	f("factor 1 ", SlowPort("leaf1", 3, 1))
	f("no rate", SlowPort("leaf1", 1, 0.5))
	f("probability 0 ", LossyLink("leaf1", 1, 0))
	f("probability 2 ", LineCard("leaf1", []topology.Port{1}, 2))
	f("no ports", LineCard("leaf1", nil, 0.5))
	f("leads nowhere", LineCard("leaf1", []topology.Port{1, 77}, 0.5))
	f("named twice", LineCard("leaf1", []topology.Port{1, 2, 1}, 0.5))
	f("no pipeline", LoseEntry("leaf1", "routes", nil))
	for _, x := range []func() Fault{
		func() Fault { return SlowPort("leaf1", 3, 0.5) },
		func() Fault { return LossyLink("leaf1", 1, 0.5) },
		func() Fault { return LineCard("leaf1", []topology.Port{3, 2}, 0.5) },
		func() Fault { return LinkDown("leaf1", 1) },
	} {
		first := x()
		if err := first.Apply(l); err != nil {
			t.Fatal(err)
		}
		if err := x().Apply(l); err == nil || !strings.Contains(err.Error(), "already") {
			t.Errorf("%s: applied twice: %v", first, err)
		}
		if err := first.Revert(l); err != nil {
			t.Fatal(err)
		}
		if err := first.Apply(l); err != nil {
			t.Errorf("%s: cannot be applied again: %v", first, err)
		}
	}
}

// What waited while a port was paused leaves from the instant on at which the pause
// ends, not from the last one at which the switch had anything to do.
func TestPauseEndsNow(t *testing.T) {
	fab := small(t)
	from, to := far(t, fab)
	l := fakes(t, Config{Fabric: fab})
	add(t, l, traffic.Flow{From: from.Name, To: to.Name, Proto: frame.UDP, SrcPort: 1, DstPort: 2,
		Sizes: traffic.Fixed(1000), Arrivals: traffic.Arrivals{PPS: 1000}, Stop: 10 * time.Millisecond})
	pause := QueuePause(from.At.Node, 1)
	if err := pause.Apply(l); err != nil {
		t.Fatal(err)
	}
	var starts []Time
	l.watch = func(w *wire, at Time, _ []byte) {
		if w.from.name == from.At.Node+":1" {
			starts = append(starts, at)
		}
	}
	runUntil(t, l, 2*time.Second)
	if len(starts) != 0 {
		t.Fatalf("%d frames left a paused port", len(starts))
	}
	if err := pause.Revert(l); err != nil {
		t.Fatal(err)
	}
	runUntil(t, l, 3*time.Second)
	for i, at := range starts {
		if want := Time(2*time.Second) + Time(i)*8000; at != want {
			t.Errorf("frame %d left at %d, want %d", i, at, want)
		}
	}
	if len(starts) != 10 {
		t.Errorf("%d frames left after the pause, want 10", len(starts))
	}
}
