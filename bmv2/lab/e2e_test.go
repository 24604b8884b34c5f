package lab_test

import (
	"testing"
	"time"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/lab"
	"github.com/telltale-net/telltale/bmv2/lab/traffic"
	"github.com/telltale-net/telltale/controlplane/intent"
	"github.com/telltale-net/telltale/p4src"
	"github.com/telltale-net/telltale/topology"
)

// In a healthy fabric every tenant's packet arrives where it should, and every hop
// of every packet is reported when all are asked for.
func TestHealthyFabric(t *testing.T) {
	set := intent.DefaultSettings()
	set.AllHops = true
	w := newWorld(t, 1, topology.DefaultLeafSpine(), set)
	w.mix(t, traffic.Mix{Seed: 1, PPS: 2000, Stop: time.Second})
	w.until(t, 2*time.Second)

	flows, s := w.totals(), w.Stats()
	if flows.Sent < 1500 || flows.Delivered != flows.Sent || flows.Duplicated+flows.Reordered != 0 {
		t.Errorf("sent %d, delivered %d, duplicated %d, reordered %d", flows.Sent, flows.Delivered, flows.Duplicated, flows.Reordered)
	}
	if s.InFlight != 0 {
		t.Errorf("%d frames in flight long after the last was sent", s.InFlight)
	}
	for _, h := range s.Hosts {
		if h.Received != h.Good {
			t.Errorf("host %+v received what it cannot use", h)
		}
	}
	// vswitch, leaf, spine, leaf, vswitch: all pairs are on different leaves.
	if want := 5 * flows.Sent; s.Reports.Delivered != want || s.Reports.Frames != want {
		t.Errorf("%d reports of %d frames, want %d: %v", s.Reports.Delivered, s.Reports.Frames, want, s.Reports)
	}
	if n := uint64(len(w.records)); n != s.Reports.Delivered {
		t.Errorf("%d records of %d reports", n, s.Reports.Delivered)
	}
	if d := w.drops(); len(d) != 0 {
		t.Errorf("a healthy fabric reports drops: %v", d)
	}
	balance(t, w)
}

// Two runs give the collector the same datagrams at the same instants, though the
// controller's RPCs run as they like.
func TestSameSeedSameReports(t *testing.T) {
	run := func(seed uint64) string {
		set := intent.DefaultSettings()
		set.AllHops = true
		w := newWorld(t, seed, topology.DefaultLeafSpine(), set)
		w.mix(t, traffic.Mix{Seed: seed, PPS: 2000})
		w.until(t, 200*time.Millisecond)
		w.apply(t, lab.SlowPort("leaf1", 3, 0.01))
		w.apply(t, lab.LossyLink("spine1", 2, 0.2))
		w.until(t, 400*time.Millisecond)
		if len(w.records) < 3000 {
			t.Fatalf("only %d records: the test says little", len(w.records))
		}
		return w.sum()
	}
	a, b, c := run(1), run(1), run(2)
	if a != b {
		t.Error("the same seed gave other reports")
	}
	if a == c {
		t.Error("another seed gave the same reports")
	}
}

// A route that the switch lost drops what needs it, there and for that reason.
func TestLostEntry(t *testing.T) {
	w := newWorld(t, 1, topology.DefaultLeafSpine(), intent.DefaultSettings())
	w.mix(t, traffic.Mix{Seed: 1, PPS: 4000, Stop: 2 * time.Second})
	w.until(t, time.Second)
	if d := w.drops(); len(d) != 0 {
		t.Fatalf("drops before the fault: %v", d)
	}
	leaf, _ := w.ix.Node("leaf2")
	key := []device.Match{{Kind: device.LPM, Value: leaf.Prefix.Addr().AsSlice(), PrefixLen: leaf.Prefix.Bits()}}
	lost := lab.LoseEntry("spine1", "routes", key)
	w.apply(t, lost)
	if err := lab.LoseEntry("spine1", "routes", key).Apply(w.Lab); err == nil {
		t.Error("an entry was lost twice")
	}
	w.until(t, 1500*time.Millisecond)
	d := w.drops()
	n := d["spine1 29"]
	if n == 0 || len(d) != 1 {
		t.Errorf("drop postcards %v, want only spine1's for reason %d", d, p4src.DropIPMiss)
	}
	if err := lost.Revert(w.Lab); err != nil {
		t.Fatal(err)
	}
	w.until(t, 3*time.Second)
	if after := w.drops()["spine1 29"]; after > n+1 { // one may have been under way
		t.Errorf("%d more drops after the entry came back", after-n)
	}
	if flows := w.totals(); flows.Sent-flows.Delivered != uint64(w.drops()["spine1 29"]) {
		t.Errorf("%d packets missing, %d drops reported", flows.Sent-flows.Delivered, w.drops()["spine1 29"])
	}
	balance(t, w)
}

// A slow port fills its queue; the program drops just below its end and says so.
func TestSlowPort(t *testing.T) {
	w := newWorld(t, 1, topology.DefaultLeafSpine(), intent.DefaultSettings())
	w.mix(t, traffic.Mix{Seed: 1, PPS: 8000, Stop: 2 * time.Second})
	w.until(t, time.Second)
	if len(w.records) != 0 {
		t.Fatalf("%d reports before the fault", len(w.records))
	}
	healthy := w.totals().Delay.Max
	// Port 3 of leaf1 leads to its first vswitch.
	slow := lab.SlowPort("leaf1", 3, 0.002)
	w.apply(t, slow)
	w.until(t, 2*time.Second)
	congested := 0
	for i := range w.records {
		if r := &w.records[i]; !r.Lost() && r.OutPort == 3 && r.QueueDepth > 30 {
			congested++
		}
	}
	d := w.drops()
	if d["leaf1 51"] == 0 || len(d) != 1 || congested == 0 {
		t.Errorf("drop postcards %v, %d postcards of a long queue; want drops of reason %d at leaf1 and congestion", d, congested, p4src.DropTrafficManager)
	}
	if slowed := w.totals().Delay.Max; slowed < 5*healthy {
		t.Errorf("greatest delay %v, %v when healthy", slowed, healthy)
	}
	if err := slow.Revert(w.Lab); err != nil {
		t.Fatal(err)
	}
	w.until(t, 4*time.Second)
	if flows := w.totals(); flows.Sent-flows.Delivered != uint64(w.drops()["leaf1 51"]) {
		t.Errorf("%d packets missing, %d drops reported", flows.Sent-flows.Delivered, w.drops()["leaf1 51"])
	}
	balance(t, w)
}

// A lossy link loses silently: the link's own counter knows, no report does.
func TestLossyLink(t *testing.T) {
	w := newWorld(t, 1, topology.DefaultLeafSpine(), intent.DefaultSettings())
	w.mix(t, traffic.Mix{Seed: 1, PPS: 4000, Stop: time.Second})
	w.apply(t, lab.LossyLink("leaf1", 1, 0.1))
	w.until(t, 2*time.Second)
	var lost uint64
	for _, l := range w.Stats().Links {
		lost += l.Lost
		if l.Lost > 0 && (l.From != "leaf1:1" || float64(l.Lost)/float64(l.Sent) < 0.06 || float64(l.Lost)/float64(l.Sent) > 0.14) {
			t.Errorf("link %+v", l)
		}
	}
	if flows := w.totals(); lost == 0 || flows.Sent-flows.Delivered != lost || len(w.records) != 0 {
		t.Errorf("%d packets missing, %d lost on the link, %d reports", flows.Sent-flows.Delivered, lost, len(w.records))
	}
	balance(t, w)
}

// A cut link loses what is sent into it from both ends, until it is mended.
func TestLinkDown(t *testing.T) {
	w := newWorld(t, 1, topology.DefaultLeafSpine(), intent.DefaultSettings())
	w.mix(t, traffic.Mix{Seed: 1, PPS: 4000, Stop: 2 * time.Second})
	w.until(t, 500*time.Millisecond)
	down := lab.LinkDown("leaf1", 1)
	w.apply(t, down)
	w.until(t, time.Second)
	if err := down.Revert(w.Lab); err != nil {
		t.Fatal(err)
	}
	lost := func() (n uint64) {
		for _, l := range w.Stats().Links {
			if n += l.Down; l.Down != 0 && l.From != "leaf1:1" && l.To != "leaf1:1" {
				t.Errorf("link %+v was not cut", l)
			}
		}
		return n
	}
	before := lost()
	w.until(t, 3*time.Second)
	if flows := w.totals(); before == 0 || lost() != before || flows.Sent-flows.Delivered != before {
		t.Errorf("%d lost while the link was down, %d in the end, %d packets missing", before, lost(), flows.Sent-flows.Delivered)
	}
	balance(t, w)
}
