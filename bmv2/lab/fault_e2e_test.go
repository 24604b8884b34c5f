package lab_test

import (
	"fmt"
	"testing"
	"time"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/lab"
	"github.com/telltale-net/telltale/bmv2/lab/traffic"
	"github.com/telltale-net/telltale/controlplane/intent"
	"github.com/telltale-net/telltale/topology"
)

// A switch with a stuck route takes the controller's deletion, reads back that the
// route is gone, and goes on forwarding by it until it comes loose.
func TestStuckEntry(t *testing.T) {
	w := newWorld(t, 1, topology.DefaultLeafSpine(), intent.DefaultSettings())
	w.mix(t, traffic.Mix{Seed: 1, PPS: 4000, Stop: 1500 * time.Millisecond})
	leaf, _ := w.ix.Node("leaf2")
	stuck := lab.StuckEntry("spine1", "routes",
		[]device.Match{{Kind: device.LPM, Value: leaf.Prefix.Addr().AsSlice(), PrefixLen: leaf.Prefix.Bits()}})
	w.apply(t, stuck)
	if err := stuck.Apply(w.Lab); err == nil {
		t.Error("an entry got stuck twice")
	}
	sw, _ := w.control.Switch("spine1")
	entity, err := intent.RouteEntry(sw.Schema, intent.Route{Prefix: leaf.Prefix})
	if err != nil {
		t.Fatal(err)
	}
	present := func() (n int) {
		t.Helper()
		key := &p4v1.TableEntry{TableId: entity.GetTableEntry().TableId, Match: entity.GetTableEntry().Match}
		err := sw.Session.Read(t.Context(), func(*p4v1.Entity) error { n++; return nil },
			&p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: key}})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if present() != 1 {
		t.Fatal("the route cannot be read")
	}
	w.until(t, 500*time.Millisecond)
	if err := w.control.Write(t.Context(), "spine1", &p4v1.Update{Type: p4v1.Update_DELETE, Entity: entity}); err != nil {
		t.Fatalf("the switch admits that the route is stuck: %v", err)
	}
	if present() != 0 {
		t.Error("the deleted route reads back")
	}
	w.until(t, time.Second)
	if d := w.drops(); len(d) != 0 {
		t.Errorf("drops %v while the old route is in use", d)
	}
	if err := stuck.Revert(w.Lab); err != nil {
		t.Fatal(err)
	}
	w.until(t, 3*time.Second)
	d, flows := w.drops(), w.totals()
	if d["spine1 29"] == 0 || len(d) != 1 || flows.Sent-flows.Delivered != uint64(d["spine1 29"]) {
		t.Errorf("drops %v, %d packets missing after the route came loose; want spine1's for want of a route", d, flows.Sent-flows.Delivered)
	}
	balance(t, w)
}

// A port that does not drain fills its queue: the program drops what no longer fits,
// and what waited comes out when the port goes on.
func TestQueuePause(t *testing.T) {
	w := newWorld(t, 1, topology.DefaultLeafSpine(), intent.DefaultSettings())
	w.mix(t, traffic.Mix{Seed: 1, PPS: 8000, Stop: time.Second})
	w.until(t, 400*time.Millisecond)
	healthy := w.totals()
	pause := lab.QueuePause("leaf1", 3) // to its first vswitch
	w.apply(t, pause)
	if err := lab.QueuePause("leaf1", 3).Apply(w.Lab); err == nil {
		t.Error("a port was paused twice")
	}
	sent := linkSent(w, "leaf1:3")
	w.until(t, 600*time.Millisecond)
	if n := linkSent(w, "leaf1:3") - sent; n != 0 {
		t.Errorf("%d frames left the paused port", n)
	}
	d := w.drops()
	if d["leaf1 51"] == 0 || len(d) != 1 {
		t.Errorf("drop postcards %v, want only leaf1's of a full queue", d)
	}
	if err := pause.Revert(w.Lab); err != nil {
		t.Fatal(err)
	}
	w.until(t, 3*time.Second)
	flows := w.totals()
	if flows.Delay.Max < 190*time.Millisecond || healthy.Delay.Max > 20*time.Millisecond {
		t.Errorf("greatest delay %v, %v before the pause of 200ms", flows.Delay.Max, healthy.Delay.Max)
	}
	if n := w.drops()["leaf1 51"]; flows.Sent-flows.Delivered != uint64(n) {
		t.Errorf("%d packets missing, %d drops reported", flows.Sent-flows.Delivered, n)
	}
	balance(t, w)
}

func linkSent(w *world, from string) uint64 {
	for _, l := range w.Stats().Links {
		if l.From == from {
			return l.Sent
		}
	}
	return 0
}

// A corrupt count of waiting packets makes the program see a full queue where there is
// an empty one.
func TestCorruptQueueDepth(t *testing.T) {
	w := newWorld(t, 1, topology.DefaultLeafSpine(), intent.DefaultSettings())
	w.mix(t, traffic.Mix{Seed: 1, PPS: 4000, Stop: time.Second})
	w.until(t, 400*time.Millisecond)
	corrupt := lab.CorruptRegister("spine1", "queue_depth", 2, []byte{0, 1, 0, 0}) // port 2 leads to leaf2
	w.apply(t, corrupt)
	w.until(t, 700*time.Millisecond)
	n := w.drops()["spine1 51"]
	if n == 0 {
		t.Error("no drops though the program counts a full queue")
	}
	if err := corrupt.Revert(w.Lab); err != nil {
		t.Fatal(err)
	}
	w.until(t, 2*time.Second)
	if d := w.drops(); d["spine1 51"] > n+1 || len(d) != 1 {
		t.Errorf("drops %v after the register was mended, %d before", d, n)
	}
	if flows, d := w.totals(), w.drops(); flows.Sent-flows.Delivered != uint64(d["spine1 51"]) {
		t.Errorf("%d packets missing, drops reported: %v", flows.Sent-flows.Delivered, d)
	}
	balance(t, w)
}

// Every switch stamps by its own clock, offset and drift included: ingress and egress
// alike, so that what is subtracted within one switch stays true.
func TestSwitchClocks(t *testing.T) {
	set := intent.DefaultSettings()
	set.AllHops = true
	f, err := topology.LeafSpine(topology.DefaultLeafSpine())
	if err != nil {
		t.Fatal(err)
	}
	clocks := lab.Skewed(f, 5, time.Hour, 200_000)
	clocks["leaf1"] = lab.SwitchClock{Offset: time.Minute, DriftPPB: -1_000_000}
	delete(clocks, "spine1")
	for name, clock := range lab.Skewed(f, 5, time.Hour, 200_000) {
		if name != "leaf1" && name != "spine1" && clock != clocks[name] {
			t.Fatalf("%s: another clock from the same seed: %+v, %+v", name, clock, clocks[name])
		}
	}
	run := func(clocks map[string]lab.SwitchClock) (*world, map[uint32]int) {
		w := newWorld(t, 1, topology.DefaultLeafSpine(), set, func(c *lab.Config) { c.Clocks = clocks })
		w.mix(t, traffic.Mix{Seed: 1, PPS: 1000, Stop: 2 * time.Second})
		w.until(t, 3*time.Second)
		seen := map[uint32]int{}
		for i := range w.records {
			r := &w.records[i]
			n, _ := w.ix.NodeByID(uint32(r.Node))
			clock, err := w.SwitchClock(n.Name)
			if err != nil || clock != clocks[n.Name] {
				t.Fatalf("%s has clock %+v (%v), want %+v", n.Name, clock, err, clocks[n.Name])
			}
			seen[n.ID]++
			// The report arrives a little after egress; timestamps have microseconds.
			shown := int64(clock.At(lab.Time(r.Received)))
			if behind := shown - int64(r.Egress); behind < 0 || behind > int64(time.Millisecond) {
				t.Fatalf("%s: egress stamped %d, its clock showed %d when the report arrived", n.Name, r.Egress, shown)
			}
			if d := int64(r.Egress) - int64(r.Ingress); d < 0 || d > int64(time.Millisecond) {
				t.Fatalf("%s: ingress stamped %d, egress %d", n.Name, r.Ingress, r.Egress)
			}
		}
		return w, seen
	}
	w, seen := run(clocks)
	exact, same := run(nil)
	if len(seen) != len(f.Nodes)-1 || fmt.Sprint(seen) != fmt.Sprint(same) {
		t.Errorf("reports by node %v, %v with exact clocks", seen, same)
	}
	if a, b := w.totals(), exact.totals(); a.Sent != b.Sent || a.Delivered != b.Delivered {
		t.Errorf("sent %d, delivered %d; %d and %d with exact clocks", a.Sent, a.Delivered, b.Sent, b.Delivered)
	}
	if _, err := w.SwitchClock("collector"); err == nil {
		t.Error("the collector has a switch's clock")
	}
}
