package model

import (
	"testing"

	"github.com/telltale-net/telltale/collector/aggregate"
	"github.com/telltale-net/telltale/collector/gnmi/tree"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/p4src"
)

// joining is a device that counts, and its postcards.
type joining struct {
	t     *testing.T
	tree  *tree.Tree
	table *aggregate.Table
	join  Join
	now   int64
}

func (j *joining) device(interfaces []Interface, queues []Queue, drops ...Drop) {
	j.t.Helper()
	j.now++
	if err := Devices([]Device{{Target: "leaf1", Interfaces: interfaces, Queues: queues, Drops: drops}}).Apply(j.tree, j.now); err != nil {
		j.t.Fatal(err)
	}
}

// postcards adds records of packets that left port 2 by queue 3, and of dropped ones.
func (j *joining) postcards(sent, dropped int) {
	r := postcard.Record{Node: 1, OutPort: 2, Queue: 3}
	for range sent {
		j.table.Observe([]postcard.Record{r})
	}
	r.Flags, r.Has, r.DropReason = postcard.Dropped, postcard.HasDropReason, p4src.DropTrafficManager
	for range dropped {
		j.table.Observe([]postcard.Record{r})
	}
}

func (j *joining) step() {
	sums := Sums(j.table)
	j.join.Step(j.now, j.tree, "leaf1", 1, &sums)
}

func newJoining(t *testing.T) *joining {
	return &joining{t: t, tree: newTree(), table: aggregate.New(aggregate.DefaultLimits()), now: 100}
}

func n(v uint64) *uint64 { return &v }

// check holds an agreement against figures; -1 stands for "not told".
func check(t *testing.T, what string, a Agreement, packets, postcards, drops, dropped int64) {
	t.Helper()
	value := func(p *uint64) int64 {
		if p == nil {
			return -1
		}
		return int64(*p)
	}
	got := [4]int64{value(a.Packets), value(a.Postcards), value(a.Drops), value(a.Dropped)}
	if got != [4]int64{packets, postcards, drops, dropped} {
		t.Errorf("%s: got %v, want %v", what, got, [4]int64{packets, postcards, drops, dropped})
	}
}

// Ports, queues and drop counters are held against postcards from the first moment on.
func TestJoin(t *testing.T) {
	j := newJoining(t)
	tell := func(sent, dropped uint64) {
		j.device([]Interface{{Name: "Ethernet2", Index: 2, OutPackets: n(1000 + sent), OutDiscards: n(50 + dropped)}},
			[]Queue{{Interface: "Ethernet2", Name: "UC3", Packets: n(500 + sent), DroppedPackets: n(20 + dropped)}},
			Drop{Block: Queueing, Leaf: "memory-limit", Reason: "tm", Packets: 7 + dropped})
	}
	j.postcards(33, 3) // before the device was heard
	tell(0, 0)
	j.step()
	check(t, "begin", j.join.Ports()[0], 0, 0, 0, 0)

	j.postcards(90, 4)
	j.step() // the device has not told its counters anew: nothing is compared
	check(t, "between", j.join.Ports()[0], 0, 0, 0, 0)
	tell(100, 10)
	j.step()
	for _, a := range append(append(j.join.Ports(), j.join.Queues()...), j.join.Drops()...) {
		sent, told := int64(100), int64(90)
		if a.Counter != "" {
			sent, told = -1, -1
		}
		check(t, "after", a, sent, told, 10, 4)
		if u, ok := a.Unreported(); u != 6 || !ok {
			t.Errorf("%+v: got %d unreported", a, u)
		}
		if c, ok := a.Coverage(); ok && c != 0.9 {
			t.Errorf("%+v: got a coverage of %g", a, c)
		}
		if a.Since != 101 {
			t.Errorf("got since %d", a.Since)
		}
	}
	if q := j.join.Queues()[0]; q.Interface != "Ethernet2" || q.Queue != "UC3" || q.Number != 3 {
		t.Errorf("got %+v", q)
	}
	tr := newTree()
	apply(t, tr, Joined("c", []Asked{{Name: "leaf1", Address: "h:1", Node: 1, Alive: 2, Stale: true, Unsupported: []string{"/a"}, Error: "e", Ports: j.join.Ports(), Queues: j.join.Queues(), Drops: j.join.Drops()}}))
	at := "c telltale:/devices/device[name=leaf1]/"
	want(t, tr, map[string]string{
		at + "state/connected": "true", at + "state/stale": "true", at + "state/unsupported": "/a", at + "state/node-id": "1",
		at + "ports/port[interface=Ethernet2]/state/coverage":                              "0.9",
		at + "ports/port[interface=Ethernet2]/state/unreported-drops":                      "6",
		at + "ports/port[interface=Ethernet2]/queues/queue[name=UC3]/state/drop-postcards": "4",
		at + "ports/port[interface=Ethernet2]/queues/queue[name=UC3]/state/number":         "3",
		at + "drops/drop[counter=memory-limit]/state/unreported-drops":                     "6",
	})

	// The device starts again: so does what it is compared with.
	j.device([]Interface{{Name: "Ethernet2", Index: 2, OutPackets: n(5), OutDiscards: n(0)}}, nil)
	j.step()
	check(t, "restart", j.join.Ports()[0], 0, 0, 0, 0)
	if len(j.join.Queues()) != 0 || len(j.join.Drops()) != 0 {
		t.Error("what the device no longer tells is still there")
	}
}

// A port without packets or drops, names without numbers, and packets by kind.
func TestJoinOfPartialDevices(t *testing.T) {
	j := newJoining(t)
	tell := func(v uint64) {
		j.device([]Interface{{Name: "2", OutDiscards: n(v)}, {Name: "mgmt", OutPackets: n(v)}, {Name: "7"}},
			[]Queue{{Interface: "2", Name: "UC3", Packets: n(v)}, {Interface: "2", Name: "MC3", Packets: n(v)}, {Interface: "2", Name: "4", Packets: n(v)}, {Interface: "mgmt", Name: "0", Packets: n(v)}, {Interface: "2", Name: "x", Packets: n(v)}})
		for i, kind := range []string{"unicast", "multicast", "broadcast"} {
			at := tree.Path{Target: "leaf1", Origin: OpenConfig, Elems: []tree.Elem{tree.E("interfaces"), tree.E("interface", "name", "3"), state, tree.E("counters"), tree.E("out-" + kind + "-pkts")}}
			if err := j.tree.Update(at, tree.Count(v*uint64(i+1)), j.now); err != nil {
				t.Fatal(err)
			}
		}
	}
	tell(0)
	j.step()
	tell(10)
	j.step()
	ports := j.join.Ports()
	if len(ports) != 2 || ports[0].Interface != "2" || ports[1].Interface != "3" {
		t.Fatalf("got %+v", ports)
	}
	check(t, "discards alone", ports[0], -1, -1, 10, 0)
	check(t, "by kind", ports[1], 60, 0, -1, -1)
	if _, ok := ports[0].Coverage(); ok {
		t.Error("coverage of unknown packets")
	}
	if _, ok := ports[1].Unreported(); ok {
		t.Error("unreported drops of a device that tells none")
	}
	if q := j.join.Queues(); len(q) != 1 || q[0].Queue != "4" || q[0].Number != 4 { // UC3 and MC3 could both be 3
		t.Errorf("got %+v", q)
	}
}
