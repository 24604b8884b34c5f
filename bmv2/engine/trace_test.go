package engine_test

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/hash"
)

// traced writes events down as a person would.
func traced(lines *[]string) func(engine.Event) {
	return func(e engine.Event) {
		var b strings.Builder
		fmt.Fprintf(&b, "%d", e.Packet)
		if e.Of != 0 {
			fmt.Fprintf(&b, "(%d)", e.Of)
		}
		fmt.Fprintf(&b, " %v", e.Kind)
		if e.Name != "" {
			b.WriteString(" " + e.Name)
		}
		for _, f := range e.Fields {
			fmt.Fprintf(&b, " %s=%x", f.Name, f.Value)
		}
		if e.Entry != nil {
			fmt.Fprintf(&b, " hit #%d %x/%d", e.Handle, e.Entry.Matches[0].Value, e.Entry.Matches[0].PrefixLen)
		}
		if e.Table != "" {
			fmt.Fprintf(&b, " of %s %t", e.Table, e.Hit)
		}
		if e.Group != nil {
			fmt.Fprintf(&b, " group %d", *e.Group)
		}
		if e.Member != nil {
			fmt.Fprintf(&b, " member %d", *e.Member)
		}
		for _, a := range e.Args {
			fmt.Fprintf(&b, " %x", a)
		}
		for _, c := range e.Changes {
			fmt.Fprintf(&b, " %s:%x>%x", c.Name, c.Before, c.After)
		}
		switch e.Kind {
		case engine.EventEnqueue, engine.EventDequeue, engine.EventTransmit, engine.EventReceive:
			fmt.Fprintf(&b, " port %d, %d", e.Port, e.Value)
		case engine.EventCell:
			fmt.Fprintf(&b, " [%d] %t", e.Value, e.Hit)
		case engine.EventClone, engine.EventMulticast:
			fmt.Fprintf(&b, " %d %t", e.Value, e.Hit)
		}
		*lines = append(*lines, b.String())
	}
}

// A packet's way through a router, told so that nobody has to ask again.
func TestTraceOfRouter(t *testing.T) {
	var got []string
	s := router(t, 3, 0)
	s.SetTrace(traced(&got))
	frame := vxlanFrame(0)[:98]
	copy(frame[30:], "\x0a\x00\x02\x01")
	copy(frame[24:], "\x00\x00")
	binary.BigEndian.PutUint16(frame[24:], hash.Checksum(frame[14:34]))
	s.Receive(1000, 1, frame)
	s.Run(1000, func(engine.Tx) {})
	sameLines(t, got, []string{
		"1 receive port 1, 98",
		"1 state start", "1 state ipv4", "1 state ports",
		"1 change parser ethernet.$valid$:00>01 ethernet.dst:>0200000000fe ethernet.src:>020000000001 ethernet.type:>0800 ipv4.$valid$:00>01 ",
		"1 branch node_2",
		"1 table I.routes hdr.ipv4.dst=0a000201 hit #3 0a000200/24",
		"1 action I.set_nexthop of I.routes true 0a000002 0003",
		"1 change I.set_nexthop scalars.meta_t.nexthop:00000000>0a000002 standard_metadata.egress_spec:0000>0003 ipv4.ttl:40>3f",
		"1 table I.neighbours meta.nexthop=0a000002 hit #3 0a000002/0",
		"1 action I.set_dmac of I.neighbours true 020000000002",
		"1 change I.set_dmac ethernet.dst:0200000000fe>020000000002",
		"1 table I.acl ",
		"1 action I.permit of I.acl false",
		"1 enqueue port 3, 0",
		"1 dequeue port 3, 0",
		"1 table E.ports std.egress_port=0003 hit #3 0003/0",
		"1 action E.set_smac of E.ports true 020100000002",
		"1 change E.set_smac ethernet.src:020000000001>020100000002",
		"1 change deparser ipv4.checksum:6491>6591",
		"1 transmit port 3, 98",
	})
	got = nil
	frame[24]++ // its checksum
	s.Receive(2000, 1, frame)
	s.Run(2000, func(engine.Tx) {})
	if want := fmt.Sprintf("2 checksum cksum_0 ipv4.checksum=%x ipv4.checksum as computed=%x%x", frame[24:26], frame[24]-1, frame[25]); !slices.Contains(got, want) {
		t.Errorf("no %q in\n%s", want, strings.Join(got, "\n"))
	}
}

// Copies have numbers of their own; what circles keeps its number.
func TestTraceOfCopies(t *testing.T) {
	var got []string
	w := newWalk(t, engine.Config{})
	w.must(w.InsertMember(ecmp, member(1, 3)))
	w.must(w.InsertGroup(ecmp, device.Group{ID: 5, Members: []device.GroupMember{{Member: 1, Weight: 1}}}))
	id := uint32(5)
	w.must(w.Insert("I.spread", device.Entry{Matches: []device.Match{exact(8)}, Target: device.Target{Group: &id}}))
	w.must(w.SetMulticastGroup(device.MulticastGroup{ID: 33, Replicas: []device.Replica{{Port: 1}, {Port: 2}}}))
	w.SetTrace(traced(&got))
	w.send(5, 0, 33, "")
	for _, want := range []string{"1 multicast 33 true", "2(1) enqueue port 1, 0", "1 enqueue port 2, 0"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, strings.Join(got, "\n"))
		}
	}
	w.SetTrace(nil)
	n := len(got)
	if w.send(5, 0, 33, ""); len(got) != n {
		t.Error("events after the trace ended")
	}
}

// Registers, counters and meters tell which cell was used and what it says now.
func TestTraceOfCells(t *testing.T) {
	var got []string
	w := newWalk(t, engine.Config{})
	w.SetTrace(traced(&got))
	w.must(w.WriteRegister("I.cells", 2, []byte{1, 7}))
	w.send(11, 0, 2, "")
	w.send(10, 0, 1, "abcd")
	w.send(11, 0, 0xffff, "")
	var cells []string
	for _, line := range got {
		if strings.Contains(line, " cell ") {
			cells = append(cells, line)
		}
	}
	sameLines(t, cells, []string{
		"1 cell I.cells value=0107 [2] true",
		"1 cell I.cells value=010a [2] true",
		"1 cell I.wide value=00000000000000000000000000000000 [1] true",
		"1 cell I.wide value=00000000000000000000000000000002 [1] true",
		"2 cell I.meters committed tokens=0000000000000000 peak tokens=0000000000000000 [1] true",
		"2 cell I.counts packets=0000000000000001 bytes=0000000000000008 [1] true",
		"3 cell I.cells [65535] false",
		"3 cell I.cells [65535] false",
		"3 cell I.wide value=00000000000000000000000000000002 [1] true",
		"3 cell I.wide value=0000000000000000000000000002ffff [1] true",
	})
	if n := w.Stats().IndexErrors; n != 2 {
		t.Errorf("%d index errors; want 2, though the trace looked, too", n)
	}
}

// A tag stays with a packet and its copies, also while queues hold packets back.
func TestTags(t *testing.T) {
	w := newWalk(t, engine.Config{})
	w.must(w.SetMulticastGroup(device.MulticastGroup{ID: 33, Replicas: []device.Replica{{Port: 1}, {Port: 2}}}))
	w.ReceiveTagged(w.now, 9, []byte{5, 0, 0, 33}, 77)
	w.ReceiveTagged(w.now, 9, []byte{4, 0, 0, 0}, 78) // recirculates
	w.Receive(w.now, 9, []byte{0, 1, 0, 0})
	tags := map[uint64]int{}
	w.Run(w.now, func(tx engine.Tx) { tags[tx.Tag]++ })
	if tags[77] != 2 || tags[78] != 1 || tags[0] != 1 {
		t.Errorf("packets by tag: %v; want 77 twice, 78 and 0 once", tags)
	}
}

func TestTraceOfLog(t *testing.T) {
	var text []string
	var values []*big.Int
	run := func(frame ...byte) {
		s := engine.New(compileFile(t, "testdata/log.json"), engine.Config{Trace: func(e engine.Event) {
			if e.Kind == engine.EventLog {
				text, values = append(text, e.Text), append(values, e.Values...)
			}
		}})
		s.Receive(0, 0, frame)
	}
	run(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xfd)
	want := []string{"wide 340282366920938463463374607431768211454, signed -3, sum 340282366920938463463374607431768211451", "nothing to say"}
	if !slices.Equal(text, want) {
		t.Errorf("got %q; want %q", text, want)
	}
	if len(values) != 3 || values[1].Int64() != -3 {
		t.Errorf("got %v", values)
	}
}

func sameLines(t *testing.T, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Errorf("missing: %s", want[i])
		case i >= len(want):
			t.Errorf("too much: %s", got[i])
		case got[i] != want[i] && (!strings.HasSuffix(want[i], " ") || !strings.HasPrefix(got[i], want[i])):
			t.Errorf("got  %s\nwant %s", got[i], want[i])
		}
	}
}
