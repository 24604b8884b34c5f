package engine_test

import (
	"bytes"
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/engine"
)

const ecmp = "action_profile_0"

func exact(v ...byte) device.Match { return device.Match{Kind: device.Exact, Value: v} }

func member(id uint32, port byte) device.Member {
	return device.Member{ID: id, Action: *action("I.member", []byte{0, port}, []byte{0, byte(id)}).Action}
}

// ports sends one packet per hash value and returns where they left.
func (w *walk) ports(op uint8, values ...uint16) (out []uint16) {
	w.Helper()
	for _, v := range values {
		p := uint16(0) // lost
		for _, s := range w.send(op, 1, v, "") {
			p = s.Port
		}
		out = append(out, p)
	}
	return out
}

func TestSelector(t *testing.T) {
	w := newWalk(t, engine.Config{})
	for i := range uint32(3) {
		w.must(w.InsertMember(ecmp, member(i+1, byte(10+i))))
	}
	group := uint32(5)
	buckets := func(b ...device.GroupMember) device.Group { return device.Group{ID: group, MaxSize: 8, Members: b} }
	w.must(w.InsertGroup(ecmp, buckets(device.GroupMember{Member: 3, Weight: 1}, device.GroupMember{Member: 1, Weight: 1}, device.GroupMember{Member: 2, Weight: 1})))
	w.must(w.Insert("I.spread", device.Entry{Matches: []device.Match{exact(8)}, Target: device.Target{Group: &group}}))

	f := func(what string, want ...uint16) {
		t.Helper()
		if got := w.ports(8, 0, 1, 2, 3, 4, 5); !slices.Equal(got, want) {
			t.Errorf("%s: left through %v; want %v", what, got, want)
		}
	}
	// identity(value) mod active members, in the order in which members were made.
	f("three members", 10, 11, 12, 10, 11, 12)
	// The second unit of weight comes behind all members made before.
	w.must(w.ModifyGroup(ecmp, buckets(device.GroupMember{Member: 1, Weight: 3}, device.GroupMember{Member: 2, Weight: 1})))
	f("weights 3 and 1", 10, 11, 10, 10, 10, 11)
	w.must(w.ModifyMember(ecmp, member(2, 13)))
	f("a member was modified", 10, 13, 10, 10, 10, 13)

	w.must(w.ModifyGroup(ecmp, buckets(device.GroupMember{Member: 1, Weight: 1, WatchPort: 10, HasWatch: true},
		device.GroupMember{Member: 2, Weight: 1, WatchPort: 11, HasWatch: true}, device.GroupMember{Member: 3, Weight: 1})))
	f("all ports are up", 10, 13, 12, 10, 13, 12)
	w.SetPortUp(10, false)
	f("port 10 is down", 13, 12, 13, 12, 13, 12)
	w.SetPortUp(10, true)
	f("port 10 is back", 10, 13, 12, 10, 13, 12)
	w.must(w.ModifyGroup(ecmp, buckets()))
	f("an empty group is a miss, egress_spec stays", 1, 1, 1, 1, 1, 1)
	if got := w.Stats().EmptyGroups; got != 6 {
		t.Errorf("%d hits on empty groups; want 6", got)
	}
}

func TestProfileErrors(t *testing.T) {
	w := newWalk(t, engine.Config{})
	f := func(err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("got %v; want %v", err, want)
		}
	}
	f(w.InsertMember("nothing", member(1, 1)), device.ErrNotFound)
	f(w.InsertMember(ecmp, device.Member{ID: 1, Action: *action("I.drop").Action}), device.ErrInvalid)
	f(w.InsertMember(ecmp, device.Member{ID: 1, Action: *action("I.member", []byte{0, 1}).Action}), device.ErrInvalid)
	f(w.InsertMember(ecmp, device.Member{ID: 1, Action: *action("I.member", []byte{2, 0}, []byte{0, 0}).Action}), device.ErrInvalid)
	f(w.InsertMember(ecmp, member(1, 1)), nil)
	f(w.InsertMember(ecmp, member(1, 1)), device.ErrExists)
	f(w.ModifyMember(ecmp, member(2, 1)), device.ErrNotFound)
	f(w.DeleteMember(ecmp, 2), device.ErrNotFound)

	one := device.GroupMember{Member: 1, Weight: 1}
	f(w.InsertGroup(ecmp, device.Group{ID: 1, Members: []device.GroupMember{{Member: 9, Weight: 1}}}), device.ErrNotFound)
	f(w.InsertGroup(ecmp, device.Group{ID: 1, Members: []device.GroupMember{{Member: 1}}}), device.ErrInvalid)
	f(w.InsertGroup(ecmp, device.Group{ID: 1, Members: []device.GroupMember{one, one}}), device.ErrInvalid)
	f(w.InsertGroup(ecmp, device.Group{ID: 1, Members: []device.GroupMember{{Member: 1, Weight: 17}}}), device.ErrExhausted)
	f(w.InsertGroup(ecmp, device.Group{ID: 1, MaxSize: 2, Members: []device.GroupMember{one}}), nil)
	f(w.InsertGroup(ecmp, device.Group{ID: 1, MaxSize: 2}), device.ErrExists)
	f(w.ModifyGroup(ecmp, device.Group{ID: 1, MaxSize: 3}), device.ErrInvalid)
	f(w.ModifyGroup(ecmp, device.Group{ID: 1, MaxSize: 2, Members: []device.GroupMember{{Member: 1, Weight: 3}}}), device.ErrExhausted)
	f(w.ModifyGroup(ecmp, device.Group{ID: 2}), device.ErrNotFound)

	group, missing, id := uint32(1), uint32(8), uint32(1)
	entry := device.Entry{Matches: []device.Match{exact(8)}, Target: device.Target{Group: &group}}
	f(w.Insert("I.spread", device.Entry{Matches: entry.Matches, Target: device.Target{Group: &missing}}), device.ErrNotFound)
	f(w.Insert("I.spread", device.Entry{Matches: entry.Matches, Target: action("NoAction")}), device.ErrInvalid)
	f(w.Insert("I.spread", device.Entry{Matches: entry.Matches, Target: device.Target{Group: &group, Member: &id}}), device.ErrInvalid)
	f(w.Insert("I.spread", entry), nil)
	f(w.DeleteMember(ecmp, 1), device.ErrInUse)
	f(w.DeleteGroup(ecmp, 1), device.ErrInUse)
	f(w.Modify("I.spread", device.Entry{Matches: entry.Matches, Target: device.Target{Member: &id}}), nil)
	f(w.DeleteGroup(ecmp, 1), nil)
	f(w.DeleteMember(ecmp, 1), device.ErrInUse)
	f(w.Delete("I.spread", entry), nil)
	f(w.DeleteMember(ecmp, 1), nil)
	if m, err := w.Members(ecmp); len(m) != 0 || err != nil {
		t.Errorf("members %v, %v; want none", m, err)
	}
}

func TestTableErrors(t *testing.T) {
	w := newWalk(t, engine.Config{})
	f := func(err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("got %v; want %v", err, want)
		}
	}
	key := func(b byte) []device.Match { return []device.Match{exact(b)} }
	send := action("I.send", []byte{0, 3})
	f(w.Insert("nothing", device.Entry{}), device.ErrNotFound)
	f(w.Insert("I.ageing", device.Entry{Target: send}), device.ErrInvalid)
	f(w.Insert("I.ageing", device.Entry{Matches: key(1)}), device.ErrInvalid)
	f(w.Insert("I.ageing", device.Entry{Matches: key(1), Target: action("I.drop")}), device.ErrInvalid)
	f(w.Insert("I.ageing", device.Entry{Matches: []device.Match{exact(0, 1)}, Target: send}), device.ErrInvalid)
	f(w.Insert("I.metering", device.Entry{Matches: key(1), Target: action("NoAction"), IdleTimeout: 5}), device.ErrInvalid)
	f(w.Insert("I.ageing", device.Entry{Matches: key(1), Target: send, Meter: &device.MeterConfig{}}), device.ErrInvalid)
	f(w.Insert("I.ageing", device.Entry{Matches: key(1), Target: send, Counter: device.CounterValue{Packets: 1}}), device.ErrInvalid)
	f(w.Insert("I.metering", device.Entry{Matches: key(1), Target: action("NoAction"), Meter: &device.MeterConfig{CIR: 2, PIR: 1}}), device.ErrInvalid)
	f(w.Insert("I.ageing", device.Entry{Matches: key(1), Target: send}), nil)
	f(w.Insert("I.ageing", device.Entry{Matches: key(1), Target: send}), device.ErrExists)
	f(w.Insert("I.ageing", device.Entry{Matches: key(2), Target: send}), nil)
	f(w.Insert("I.ageing", device.Entry{Matches: key(3), Target: send}), device.ErrExhausted)
	f(w.Insert("I.ageing", device.Entry{Matches: key(1), Target: send}), device.ErrExists)
	f(w.Modify("I.ageing", device.Entry{Matches: key(3), Target: send}), device.ErrNotFound)
	f(w.Delete("I.ageing", device.Entry{Matches: key(3)}), device.ErrNotFound)
	f(w.WriteDirectCounter("I.ageing", device.Entry{Matches: key(1)}, device.CounterValue{}), device.ErrInvalid)

	// Entries and defaults that the program fixes.
	tern := []device.Match{{Kind: device.Ternary, Value: []byte{1}, Mask: []byte{0x0f}}}
	f(w.Insert("I.fixed", device.Entry{Matches: tern, Priority: 1, Target: send}), device.ErrConst)
	got, err := w.Entries("I.fixed")
	f(err, nil)
	if len(got) != 2 || !got[0].Const || got[0].Priority <= got[1].Priority {
		t.Errorf("const entries %+v; want two, the first one with the greater priority", got)
	}
	f(w.Delete("I.fixed", got[0]), device.ErrConst)
	f(w.Modify("I.fixed", device.Entry{Matches: got[0].Matches, Priority: got[0].Priority, Target: action("I.drop")}), device.ErrConst)
	f(w.Modify("I.fixed", got[0]), nil)
	f(w.SetDefault("I.fixed", &send), device.ErrConst)
	f(w.SetDefault("I.fixed", nil), nil)

	f(w.SetDefault("I.ageing", &send), nil)
	if d, _ := w.Default("I.ageing"); !cmp.Equal(d, send) {
		t.Errorf("default %+v; want %+v", d, send)
	}
	if got := w.ports(13, 0)[0]; got != 3 { // arg 1 hits, 3 either way
		t.Errorf("left through %d; want 3", got)
	}
	f(w.SetDefault("I.ageing", nil), nil)
	if d, _ := w.Default("I.ageing"); d.Action == nil || d.Action.Name != "NoAction" {
		t.Errorf("default %+v; want the program's NoAction", d)
	}

	for _, err := range []error{
		w.SetMulticastGroup(device.MulticastGroup{}),
		w.SetMulticastGroup(device.MulticastGroup{ID: 1, Replicas: []device.Replica{{Port: 1}, {Port: 1}}}),
		w.SetCloneSession(device.CloneSession{ID: 1 << 15}),
		w.WriteRegister("I.cells", 8, []byte{0, 0}),
		w.WriteRegister("I.cells", 0, []byte{0}),
		w.WriteCounter("I.counts", -1, device.CounterValue{}),
		w.WriteMeter("I.meters", 0, &device.MeterConfig{CIR: -1}),
		w.WriteCounter("I.hits", 0, device.CounterValue{}),
	} {
		f(err, device.ErrInvalid)
	}
	f(w.WriteRegister("nothing", 0, nil), device.ErrNotFound)
	f(w.DeleteMulticastGroup(1), device.ErrNotFound)
	f(w.DeleteCloneSession(1), device.ErrNotFound)
}

func TestRangesCountersAndHits(t *testing.T) {
	w := newWalk(t, engine.Config{})
	entry := device.Entry{Priority: 5, Target: action("I.send", []byte{0, 3}), Matches: []device.Match{
		{Kind: device.Range, Value: []byte{0, 10}, High: []byte{1, 0}},
		{Kind: device.Ternary, Value: []byte{0, 9}, Mask: []byte{1, 0xff}},
	}}
	w.must(w.Insert("I.ranges", entry))
	if got, want := w.ports(12, 9, 10, 256, 257), []uint16{1, 3, 3, 1}; !slices.Equal(got, want) {
		t.Errorf("left through %v; want %v", got, want)
	}
	if hit, miss := w.send(12, 1, 10, "")[0].Result, w.send(12, 1, 9, "")[0].Result; hit != 1 || miss != 0 {
		t.Errorf("apply().hit gave %d and %d; want 1 and 0", hit, miss)
	}
	count := func() device.CounterValue {
		got, err := w.Entries("I.ranges")
		w.must(err)
		return got[0].Counter
	}
	if got, want := count(), (device.CounterValue{Packets: 3, Bytes: 12}); got != want {
		t.Errorf("direct counter %+v; want %+v", got, want)
	}
	entry.Target = action("NoAction")
	w.must(w.Modify("I.ranges", entry))
	if got := count().Packets; got != 3 {
		t.Errorf("modifying the entry left its counter at %d; want 3", got)
	}
	w.must(w.WriteDirectCounter("I.ranges", entry, device.CounterValue{}))
	if got := count(); got != (device.CounterValue{}) {
		t.Errorf("direct counter %+v after zeroing it", got)
	}
}

// An entry is idle since its last hit; until when, only the caller's clock knows.
func TestIdleFor(t *testing.T) {
	var clock atomic.Int64
	w := newWalk(t, engine.Config{Now: func() engine.Time { return engine.Time(clock.Load()) }})
	want := func(idle int64) {
		t.Helper()
		e, err := w.Entries("I.ageing")
		w.must(err)
		one, err := w.Entry("I.ageing", e[0])
		w.must(err)
		if e[0].IdleFor != idle || one.IdleFor != idle {
			t.Errorf("idle for %d and %d ns; want %d", e[0].IdleFor, one.IdleFor, idle)
		}
	}
	clock.Store(500)
	w.must(w.Insert("I.ageing", device.Entry{Matches: []device.Match{exact(1)}, Target: action("I.send", []byte{0, 3}), IdleTimeout: 1_000_000}))
	clock.Store(700)
	want(200) // no packet was ever seen
	w.now = 10_000
	w.send(13, 1, 0, "")
	want(0) // never negative, though the clock is behind the packets
	clock.Store(1_000_000)
	want(990_000)
	w.send(13, 2, 0, "") // misses
	want(990_000)
}

// Packets see changes that belong together all at once or not at all, and go on meanwhile.
func TestAtomically(t *testing.T) {
	w := newWalk(t, engine.Config{})
	entry := func(key, port byte) device.Entry {
		return device.Entry{Matches: []device.Match{exact(key)}, Target: action("I.send", []byte{0, port})}
	}
	send := func(want ...uint16) {
		t.Helper()
		w.Receive(w.now, 1, []byte{13, 1, 0, 0})
		var ports []uint16
		w.Run(w.now, func(tx engine.Tx) { ports = append(ports, tx.Port) })
		w.now++
		if !slices.Equal(ports, want) {
			t.Errorf("the packet left on %v; want %v", ports, want)
		}
	}
	cell := func(want byte) {
		t.Helper()
		if v, err := w.ReadRegister("I.cells", 1); err != nil || !bytes.Equal(v, []byte{0, want}) {
			t.Errorf("the register has %x, %v; want %d", v, err, want)
		}
	}
	w.must(w.Insert("I.ageing", entry(1, 3)))
	w.Atomically(func(d device.Device) bool {
		w.must(d.Delete("I.ageing", entry(1, 0)))
		w.must(d.WriteRegister("I.cells", 1, []byte{0, 5}))
		send(3)
		w.must(d.Insert("I.ageing", entry(1, 4)))
		w.must(d.Insert("I.ageing", entry(2, 4)))
		w.must(d.WriteRegister("I.cells", 1, []byte{0, 6}))
		if v, err := d.ReadRegister("I.cells", 1); err != nil || !bytes.Equal(v, []byte{0, 6}) {
			t.Errorf("within, the register has %x, %v", v, err)
		}
		if es, err := d.Entries("I.ageing"); err != nil || len(es) != 2 {
			t.Errorf("within, the entries are %v, %v", es, err)
		}
		send(3)
		return true
	})
	send(4)
	cell(6)
	// What is taken back leaves no trace, and nothing of what packets did meanwhile is lost.
	last := func() int64 {
		d, err := w.Control.Entry("I.ageing", entry(1, 0))
		w.must(err)
		return d.LastHit
	}
	var hit int64
	w.Atomically(func(d device.Device) bool {
		w.must(d.WriteRegister("I.cells", 1, []byte{0, 9}))
		w.must(d.Delete("I.ageing", entry(1, 0)))
		w.now += 500
		hit = int64(w.now)
		send(4)
		w.must(d.Insert("I.ageing", entry(1, 4)))
		w.must(d.WriteRegister("I.cells", 1, []byte{0, 6}))
		return false
	})
	if got := last(); got != hit {
		t.Errorf("last hit at %d; want %d", got, hit)
	}
	send(4)
	cell(6)
	func() {
		defer func() { _ = recover() }()
		w.Atomically(func(device.Device) bool { panic("in the middle") })
	}()
	w.must(w.Delete("I.ageing", entry(2, 4))) // does not wait for ever
	send(4)
}
