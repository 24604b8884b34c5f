package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/internal/dissect"
)

// A report without metadata says nothing but who sent it.
func TestRecordLeavesUnknownClear(t *testing.T) {
	f := func(what string, r Report, want postcard.Record) {
		t.Helper()
		rec := postcard.Record{Received: 5, Has: ^postcard.Fields(0), Queue: 77, Outer: postcard.Flow{Proto: 1}}
		var p dissect.Packet
		r.Record(Group{HwID: 1, Sequence: 2, NodeID: 3}, &rec, &p)
		want.Received, want.HwID, want.Seq, want.Node = 5, 1, 2, 3
		if diff := cmp.Diff(rec, want); diff != "" {
			t.Errorf("%s (-got, +want):\n%s", what, diff)
		}
	}
	flow := postcard.Flow{SrcPort: 1234, DstPort: 256, Proto: 6}
	flow.Src = postcard.Addr{10: 0xff, 11: 0xff, 12: 10, 13: 10, 14: 1, 15: 1}
	flow.Dst = postcard.Addr{10: 0xff, 11: 0xff, 12: 10, 13: 10, 14: 2, 15: 2}
	packet := append(figureIPv4(6), 0x04, 0xd2, 1, 0)

	f("nothing", Report{RepType: INT}, postcard.Record{})
	f("flags", Report{Flags: 0xf5}, postcard.Record{Flags: postcard.Dropped | postcard.Congested | postcard.Tracked | postcard.Interim})
	f("D is not I", Report{Flags: Dropped}, postcard.Record{Flags: postcard.Dropped})
	f("flow", Report{InType: InIPv4, Inner: packet}, postcard.Record{Inner: flow, Has: postcard.HasInner})
	f("flow in a TLV", Report{InType: InTLV, Inner: append(words(0x20060000), packet...)}, postcard.Record{Inner: flow, Has: postcard.HasInner})
	f("short packet", Report{InType: InIPv4, Inner: packet[:19]}, postcard.Record{})
	f("level 2 for want of level 1", Report{RepType: INT, MdBits: MdLevel2, Level2In: 70000, Level2Out: 2},
		postcard.Record{InPort: 70000, OutPort: 2, Has: postcard.HasPorts})
	f("level 1 before level 2", Report{RepType: INT, MdBits: MdLevel1 | MdLevel2, Level1In: 1, Level2In: 70000},
		postcard.Record{InPort: 1, Has: postcard.HasPorts})
	f("drop", Report{RepType: INT, Flags: Dropped, MdBits: MdDrop, DropQueueID: 4, DropReason: 29},
		postcard.Record{Flags: postcard.Dropped, Queue: 4, DropReason: 29, Has: postcard.HasDropReason})
	f("another domain", Report{RepType: INT, DomainID: 1, DSMdBits: 0x8000, DSMetadata: make([]byte, 4)}, postcard.Record{})
}

// A tenant that sends tunnel packets itself is dropped for it (reason 131); the
// outer header then is the tenant's own.
func TestRecordOfNestedOverlay(t *testing.T) {
	tunnel := append(figureIPv4(17), words(0x30391 /* sport 3, dport 0x391 */, 0, 0x08000000, 0x00000700)...)
	tunnel[22], tunnel[23] = 4789>>8, 4789&255
	tunnel = append(tunnel, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0)
	tunnel = append(tunnel, figureIPv4(6)...)
	f := func(reason uint8, has postcard.Fields, innerProto uint8) {
		t.Helper()
		r := Report{RepType: INT, InType: InIPv4, MdBits: MdDrop, DropReason: reason, DomainID: ExtensionID, Inner: tunnel}
		var rec postcard.Record
		var p dissect.Packet
		r.Record(Group{}, &rec, &p)
		if rec.Has != has|postcard.HasDropReason || rec.Inner.Proto != innerProto {
			t.Errorf("reason %d: got %+v", reason, rec)
		}
	}
	f(131, postcard.HasInner, 17)
	f(29, postcard.HasInner|postcard.HasOuter|postcard.HasVNI, 6)
}

func TestExtensionRoundTrip(t *testing.T) {
	x := Extension{PacketID: 1, Epoch: 1, Colour: 3, Stage: 1, FlowHash: 2, VNI: 0xabcdef, Length: 4, EnqDepth: 5, Rule: 6}
	for b := range ExtBits(64) {
		x.Bits = b << 10
		r := Report{RepType: INT}
		r.SetExtension(&x, nil)
		var got Extension
		if !r.Extension(&got) || got.Bits != x.Bits {
			t.Fatalf("bits %04x: got %+v", x.Bits, got)
		}
		again := Report{RepType: INT}
		again.SetExtension(&got, nil)
		if diff := cmp.Diff(again, r); diff != "" {
			t.Fatalf("bits %04x (-got, +want):\n%s", x.Bits, diff)
		}
		if b == 63 && got != x {
			t.Errorf("got %+v, want %+v", got, x)
		}
	}
	short := Report{RepType: INT, DomainID: ExtensionID, DSMdBits: 0xc000, DSMetadata: make([]byte, 4)}
	if short.Extension(&x) {
		t.Error("read two words from one")
	}
}
