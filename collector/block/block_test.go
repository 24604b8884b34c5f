package block

import (
	"bytes"
	"cmp"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/telltale-net/telltale/collector/postcard"
)

// canonical sorts records so that two multisets compare.
func canonical(records []postcard.Record) []postcard.Record {
	out := slices.Clone(records)
	slices.SortFunc(out, func(a, b postcard.Record) int {
		return cmp.Or(cmp.Compare(a.Received, b.Received), cmp.Compare(a.Node, b.Node), cmp.Compare(a.HwID, b.HwID),
			cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Ingress, b.Ingress), cmp.Compare(a.Egress, b.Egress), cmp.Compare(a.PacketID, b.PacketID),
			cmp.Compare(a.Length, b.Length), cmp.Compare(a.InPort, b.InPort), cmp.Compare(a.FlowHash, b.FlowHash), cmp.Compare(a.Rule, b.Rule),
			cmp.Compare(a.Latency, b.Latency), cmp.Compare(a.EnqDepth, b.EnqDepth), cmp.Compare(a.QueueDepth, b.QueueDepth))
	})
	return out
}

// anything makes a record of extremes, small numbers and zeros, which need not make
// sense: Has bits without fields and fields without Has bits.
func anything(rng *rand.Rand) postcard.Record {
	n := func(bits int) uint64 {
		switch rng.IntN(4) {
		case 0:
			return 0
		case 1:
			return uint64(rng.IntN(3))
		case 2:
			return 1<<bits - 1 - uint64(rng.IntN(2))
		}
		return rng.Uint64() >> (64 - bits)
	}
	addr := func() (a postcard.Addr) {
		switch rng.IntN(4) {
		case 0:
		case 1:
			a[10], a[11], a[15] = 0xff, 0xff, byte(n(8))
		default:
			for i := range a {
				a[i] = byte(n(8))
			}
		}
		return a
	}
	flow := func() postcard.Flow {
		return postcard.Flow{Src: addr(), Dst: addr(), SrcPort: uint16(n(16)), DstPort: uint16(n(16)), Proto: uint8(n(8))}
	}
	return postcard.Record{
		Received: int64(n(64)), Ingress: n(64), Egress: n(64), Has: postcard.Fields(n(32)),
		Node: postcard.NodeID(n(32)), Seq: uint32(n(32)), InPort: uint32(n(32)), OutPort: uint32(n(32)),
		Latency: uint32(n(32)), QueueDepth: uint32(n(32)), EnqDepth: uint32(n(32)), Rule: uint32(n(32)),
		VNI: uint32(n(32)), FlowHash: uint32(n(32)), PacketID: uint16(n(16)), Length: uint16(n(16)),
		HwID: uint8(n(8)), Queue: uint8(n(8)), DropReason: uint8(n(8)), Epoch: uint8(n(8)), Colour: uint8(n(8)),
		Stage: postcard.Stage(n(8)), Flags: postcard.Flags(n(8)), Outer: flow(), Inner: flow(),
	}
}

func check(t *testing.T, enc *Encoder, dec *Decoder, records []postcard.Record) []byte {
	t.Helper()
	b, err := enc.Append(nil, records)
	if err != nil {
		t.Fatalf("encoding %d records: %v", len(records), err)
	}
	got, err := dec.Decode(nil, b, nil)
	if err != nil {
		t.Fatalf("decoding %d records: %v", len(records), err)
	}
	want := canonical(records)
	for i := range want {
		u := max(enc.Unit, 1)
		want[i].Received = floorDiv(want[i].Received, u) * u
	}
	if d := gocmp.Diff(canonical(want), canonical(got)); d != "" {
		t.Fatalf("records differ (-want +got):\n%s", d)
	}
	return b
}

func TestAnythingComesBack(t *testing.T) {
	var enc Encoder
	var dec Decoder
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		records := make([]postcard.Record, 1+rng.IntN(60))
		for i := range records {
			if i > 0 && rng.IntN(3) == 0 {
				records[i] = records[rng.IntN(i)]
			} else {
				records[i] = anything(rng)
			}
		}
		check(t, &enc, &dec, records)
	}
}

func TestFabricComesBack(t *testing.T) {
	for _, unit := range []int64{0, 1000} {
		enc := Encoder{Unit: unit}
		var dec Decoder
		for _, n := range []int{1, 2, 100, 4096} {
			b := check(t, &enc, &dec, fabric(7, n, 200))
			t.Logf("%d records, unit %d ns: %.2f bytes a record", n, max(unit, 1), float64(len(b))/float64(n))
		}
	}
}

func TestBytesPerRecord(t *testing.T) {
	enc := Encoder{Unit: 1000}
	for _, c := range []struct {
		records, flows int
		want           float64 // bytes a record, at most
	}{
		{4096, 50, 4},
		{8192, 10, 4},
		{8192, 100, 4},
		{16384, 1000, 4.5}, // three packets of a flow in a block: the flows' names weigh
	} {
		b, err := enc.Append(nil, fabric(3, c.records, c.flows))
		if err != nil {
			t.Fatal(err)
		}
		h, err := ReadHeader(b)
		if err != nil {
			t.Fatal(err)
		}
		per := float64(len(b)) / float64(c.records)
		t.Logf("%5d records, %4d flows: %.2f bytes a record", c.records, c.flows, per)
		t.Logf("      %-9s %6d bytes", "header", h.body)
		for c := range columns {
			t.Logf("      %-9s %6d bytes", c, h.sizes[c]>>1)
		}
		if per > c.want {
			t.Errorf("%d records, %d flows: got %.2f bytes a record, want at most %g", c.records, c.flows, per, c.want)
		}
	}
}

func TestBadBlocks(t *testing.T) {
	var enc Encoder
	var dec Decoder
	good, err := enc.Append(nil, fabric(1, 50, 5))
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 0x10
		got, err := dec.Decode(nil, bad, nil)
		var e *Error
		if err == nil || !errors.As(err, &e) || len(got) != 0 {
			t.Errorf("byte %d changed: got %d records and error %v, want an *Error", i, len(got), err)
		}
		if _, err := dec.Decode(nil, good[:i], nil); err == nil {
			t.Errorf("cut to %d bytes: got no error", i)
		}
	}
	if _, err := enc.Append(nil, nil); err == nil {
		t.Error("no records: got no error")
	}
}
