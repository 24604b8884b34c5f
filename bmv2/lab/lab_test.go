package lab

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/gopacket/gopacket/pcapgo"
	"go.uber.org/goleak"

	"github.com/telltale-net/telltale/bmv2/lab/frame"
	"github.com/telltale-net/telltale/bmv2/lab/traffic"
	"github.com/telltale-net/telltale/topology"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// small is a fabric with one VNET, so that plain routers can tell its hosts apart.
func small(tb testing.TB, change ...func(*topology.LeafSpineConfig)) topology.Fabric {
	tb.Helper()
	c := topology.DefaultLeafSpine()
	c.VNETs = 1
	for _, f := range change {
		f(&c)
	}
	f, err := topology.LeafSpine(c)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// fakes builds a lab whose switches route tenants' addresses directly.
func fakes(tb testing.TB, cfg Config) *Lab {
	tb.Helper()
	l, err := build(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	ix, err := topology.NewIndex(cfg.Fabric)
	if err != nil {
		tb.Fatal(err)
	}
	for _, n := range l.nodes {
		if n.Role == topology.Collector {
			continue
		}
		type way struct {
			ports []topology.Port
			mac   *topology.MAC
		}
		routes := map[netip.Addr]way{}
		for i := range cfg.Fabric.Hosts {
			h := &cfg.Fabric.Hosts[i]
			if h.At.Node == n.Name {
				routes[h.Address] = way{[]topology.Port{h.At.Port}, &h.MAC}
			} else {
				routes[h.Address] = way{ix.NextHops(n.Name, h.At.Node), nil}
			}
		}
		l.install(n, newFake(func(_ uint16, b []byte) uint16 {
			w, ok := routes[netip.AddrFrom4([4]byte(b[30:34]))]
			if !ok {
				return 511
			}
			if w.mac != nil {
				copy(b, w.mac[:])
			}
			return uint16(w.ports[int(binary.BigEndian.Uint16(b[34:]))%len(w.ports)])
		}), nil)
	}
	return l
}

func add(tb testing.TB, l *Lab, f traffic.Flow) FlowID {
	tb.Helper()
	id, err := l.AddFlow(f)
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

func addMix(tb testing.TB, l *Lab, m traffic.Mix) {
	tb.Helper()
	flows, err := m.Make(&l.cfg.Fabric)
	if err != nil {
		tb.Fatal(err)
	}
	for _, f := range flows {
		add(tb, l, f)
	}
}

func runUntil(tb testing.TB, l *Lab, t time.Duration) {
	tb.Helper()
	if err := l.RunUntil(Time(t)); err != nil {
		tb.Fatal(err)
	}
}

// far returns two hosts on different leaves and the number of links between them.
func far(tb testing.TB, f topology.Fabric) (from, to topology.Host) {
	tb.Helper()
	flows, err := traffic.Mix{PPS: 1, Flows: 1}.Make(&f)
	if err != nil {
		tb.Fatal(err)
	}
	ix, err := topology.NewIndex(f)
	if err != nil {
		tb.Fatal(err)
	}
	from, _ = ix.Host(flows[0].From)
	to, _ = ix.Host(flows[0].To)
	return from, to
}

// One packet through six links takes the sum of their serialisation and delay, to the
// nanosecond.
func TestDelayIsExact(t *testing.T) {
	fab := small(t)
	from, to := far(t, fab)
	l := fakes(t, Config{Fabric: fab})
	const length = 1000
	add(t, l, traffic.Flow{From: from.Name, To: to.Name, Proto: frame.UDP, SrcPort: 1, DstPort: 2,
		Sizes: traffic.Fixed(length), Arrivals: traffic.Arrivals{PPS: 10}, Stop: 350 * time.Millisecond})
	runUntil(t, l, time.Second)
	s := l.Flows()[0]
	// host 100 Mb/s 1 µs, access 1 Gb/s 2 µs, trunk 1 Gb/s 5 µs; twice each.
	want := 2 * (80*time.Microsecond + time.Microsecond + 8*time.Microsecond + 2*time.Microsecond + 8*time.Microsecond + 5*time.Microsecond)
	if s.Sent != 4 || s.Delivered != 4 || s.Delay.Min != want || s.Delay.Max != want {
		t.Fatalf("sent %d, delivered %d, delay %v…%v; want 4, 4, %v", s.Sent, s.Delivered, s.Delay.Min, s.Delay.Max, want)
	}
}

// A saturated link carries its rate and not a frame more.
func TestRateIsExact(t *testing.T) {
	fab := small(t)
	from, to := far(t, fab)
	l := fakes(t, Config{Fabric: fab})
	// 100 Mb/s at 1250 bytes: 10 000 frames/s. Offered: 15 000.
	add(t, l, traffic.Flow{From: from.Name, To: to.Name, Proto: frame.UDP, SrcPort: 1, DstPort: 2,
		Sizes: traffic.Fixed(1250), Arrivals: traffic.Arrivals{PPS: 15000}, Stop: time.Second})
	runUntil(t, l, time.Second)
	s := l.Flows()[0]
	if s.Delivered < 9990 || s.Delivered > 10000 {
		t.Fatalf("delivered %d frames in a second, want just below 10000", s.Delivered)
	}
	runUntil(t, l, 2*time.Second)
	s, st := l.Flows()[0], l.Stats()
	if st.InFlight != 0 {
		t.Fatalf("%d frames in flight a second after the last was sent", st.InFlight)
	}
	full := uint64(0)
	for _, w := range st.Links {
		full += w.QueueFull
	}
	if full == 0 || s.Missing() != full {
		t.Fatalf("missing %d, the host's queue dropped %d: want equal and not zero", s.Missing(), full)
	}
}

// trace hashes every frame on every wire, with instant and place.
func trace(t *testing.T, seed uint64, slices int) (sum string, s Stats) {
	t.Helper()
	fab := small(t)
	l := fakes(t, Config{Fabric: fab, Seed: seed, Clocks: map[string]SwitchClock{"leaf1": {Offset: time.Hour, DriftPPB: 40000}}})
	h := sha256.New()
	l.watch = func(w *wire, at Time, b []byte) {
		fmt.Fprintln(h, w.id, at, len(b))
		h.Write(b)
	}
	addMix(t, l, traffic.Mix{Seed: seed, PPS: 5000})
	from, _ := far(t, fab)
	loss := LossyLink(from.At.Node, 1, 0.1)
	for i := 1; i <= slices; i++ {
		runUntil(t, l, time.Duration(i)*time.Second/time.Duration(slices))
		if i == slices/2 {
			if err := loss.Apply(l); err != nil {
				t.Fatal(err)
			}
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)), l.Stats()
}

func TestSameSeedSameBytes(t *testing.T) {
	a, s := trace(t, 7, 2)
	if s.Events < 10000 {
		t.Fatalf("only %d events: the test says little", s.Events)
	}
	if b, _ := trace(t, 7, 2); a != b {
		t.Errorf("the same seed gave other bytes: %s and %s", a, b)
	}
	if b, _ := trace(t, 7, 100); a != b {
		t.Errorf("running in smaller steps gave other bytes: %s and %s", a, b)
	}
	if b, _ := trace(t, 8, 2); a == b {
		t.Errorf("another seed gave the same bytes")
	}
}

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
		if s := l.Stats(); s.InFlight != 0 || len(l.queue.heap) != 0 {
			t.Fatalf("seed %d: %d frames in flight, %d events pending at the end", seed, s.InFlight, len(l.queue.heap))
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

func TestWallClockStops(t *testing.T) {
	fab := small(t)
	from, to := far(t, fab)
	l := fakes(t, Config{Fabric: fab, Clock: Wall(10)})
	add(t, l, traffic.Flow{From: from.Name, To: to.Name, Proto: frame.UDP, SrcPort: 1, DstPort: 2,
		Sizes: traffic.Fixed(100), Arrivals: traffic.Arrivals{PPS: 1000}})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := l.Run(ctx); err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	s := l.Flows()[0]
	// A loaded machine may be late, never early.
	if most := uint64(took.Seconds()*10*1000) + 1; s.Delivered == 0 || s.Sent > most {
		t.Errorf("after %v at tenfold speed %d packets sent, %d delivered; want 1…%d", took, s.Sent, s.Delivered, most)
	}
	if now := l.Now(); time.Duration(now) > 10*took {
		t.Errorf("the lab is at %v, the clock at most at %v", time.Duration(now), 10*took)
	}
	runUntil(t, l, time.Duration(l.Now())+time.Second) // virtual time goes on where the wall clock stopped
}

// A virtual clock with nothing to do waits until something comes, or the end.
func TestVirtualClockWaits(t *testing.T) {
	fab := small(t)
	from, to := far(t, fab)
	l := fakes(t, Config{Fabric: fab, Clock: Virtual()})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- l.Run(ctx) }()
	add(t, l, traffic.Flow{From: from.Name, To: to.Name, Proto: frame.UDP, SrcPort: 1, DstPort: 2,
		Sizes: traffic.Fixed(100), Arrivals: traffic.Arrivals{PPS: 1000}, Stop: time.Second})
	for l.Flows()[0].Delivered < 1000 {
		time.Sleep(time.Millisecond)
	}
	if err := l.RunUntil(Time(time.Hour)); err == nil {
		t.Error("two runs at once were allowed")
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestTap(t *testing.T) {
	fab := small(t)
	from, to := far(t, fab)
	l := fakes(t, Config{Fabric: fab})
	add(t, l, traffic.Flow{From: from.Name, To: to.Name, Proto: frame.UDP, SrcPort: 1, DstPort: 2,
		Sizes: traffic.Fixed(125), Arrivals: traffic.Arrivals{PPS: 1000}, Stop: 10 * time.Millisecond})
	var up, down bytes.Buffer
	stopUp, err := l.Tap(from.At.Node, 1, &up)
	if err != nil {
		t.Fatal(err)
	}
	stopDown, err := l.Tap(from.At.Node, from.At.Port, &down)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Tap(from.At.Node, 77, io.Discard); err == nil {
		t.Error("a port without a link could be tapped")
	}
	runUntil(t, l, 5500*time.Microsecond)
	if err := stopUp(); err != nil {
		t.Fatal(err)
	}
	runUntil(t, l, time.Second)
	if err := stopDown(); err != nil {
		t.Fatal(err)
	}
	f := func(name string, b *bytes.Buffer, frames int) {
		t.Helper()
		r, err := pcapgo.NewReader(b)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; ; n++ {
			data, ci, err := r.ReadPacketData()
			if err == io.EOF {
				if n != frames {
					t.Errorf("%s: %d frames, want %d", name, n, frames)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			p, d := frame.ParseTenant(data)
			// 125 bytes at 100 Mb/s and 1 µs: the vswitch has it 11 µs after it was sent.
			if d != frame.OK || p.Stamp.Seq != uint64(n) || ci.Timestamp.UnixNano() != p.Stamp.Sent+11000 {
				t.Errorf("%s: frame %d: defect %v, sequence %d, at %v, sent at %v", name, n, d, p.Stamp.Seq, ci.Timestamp.UnixNano(), p.Stamp.Sent)
			}
		}
	}
	f("uplink", &up, 6)
	f("tenant port", &down, 10)
}

func TestNoAllocationPerEvent(t *testing.T) {
	l := fakes(t, Config{Fabric: small(t)})
	addMix(t, l, traffic.Mix{PPS: 20000})
	runUntil(t, l, time.Second) // queues, pools and heaps reach their size
	at, before := time.Second, l.Stats().Events
	n := testing.AllocsPerRun(20, func() {
		at += 10 * time.Millisecond
		runUntil(t, l, at)
	})
	events := float64(l.Stats().Events-before) / 21
	if n/events > 0.001 {
		t.Fatalf("%v allocations in %v events, want none in steady state", n, events)
	}
}

// delivered counts frames that reached the far end of any wire.
func delivered(s *Stats) (n uint64) {
	for _, w := range s.Links {
		n += w.Delivered
	}
	return n
}

// Events and frames (per wire) through 14 switches that do next to nothing: what the
// lab itself costs.
func BenchmarkEvents(b *testing.B) {
	l := fakes(b, Config{Fabric: small(b)})
	addMix(b, l, traffic.Mix{PPS: 100000})
	runUntil(b, l, 100*time.Millisecond)
	b.ReportAllocs()
	before, at := l.Stats(), 100*time.Millisecond
	for b.Loop() {
		at += time.Millisecond
		runUntil(b, l, at)
	}
	after := l.Stats()
	b.ReportMetric(float64(after.Events-before.Events)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(delivered(&after)-delivered(&before))/b.Elapsed().Seconds(), "frames/s")
}
