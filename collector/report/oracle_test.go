package report

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The oracle reads a datagram bit by bit, as the figures of the specification are
// drawn, with no thought of speed. It is the reference that the decoder must agree
// with on every datagram, good or bad.

// cursor reads fields of any width from bytes[at…end); reading beyond it panics
// with errShort, which oracle turns into "malformed".
type cursor struct {
	bytes   []byte
	bit     int
	endByte int
}

type errShort struct{}

func (c *cursor) take(width int) (v uint64) {
	for range width {
		if c.bit/8 >= c.endByte {
			panic(errShort{})
		}
		v = v<<1 | uint64(c.bytes[c.bit/8]>>(7-c.bit%8)&1)
		c.bit++
	}
	return v
}

// rest takes the n next bytes.
func (c *cursor) rest(n int) []byte {
	at := c.bit / 8
	if at+n > c.endByte {
		panic(errShort{})
	}
	c.bit += n * 8
	if n == 0 {
		return nil
	}
	return c.bytes[at : at+n]
}

func (c *cursor) left() int { return c.endByte - c.bit/8 }

// oracle gives the reports of a datagram; nil for each malformed one. ok is false
// where there is no group header.
func oracle(data []byte, domains Domains) (g Group, reports []*Report, ok bool) {
	if len(data) > 0 && data[0]>>4 < 2 {
		return oracleLegacy(data)
	}
	if len(data) < 8 || data[0]>>4 != 2 {
		return g, nil, false
	}
	c := &cursor{bytes: data, endByte: len(data)}
	g.Version = uint8(c.take(4))
	g.HwID = uint8(c.take(6))
	g.Sequence = uint32(c.take(22))
	g.NodeID = uint32(c.take(32))
	if c.left() < 4 {
		return g, []*Report{nil}, true
	}
	for c.left() >= 4 {
		r := &Report{Offset: c.bit / 8}
		r.RepType = RepType(c.take(4))
		r.InType = InType(c.take(4))
		r.Length = uint8(c.take(8))
		r.MDLen = uint8(c.take(8))
		r.Flags = Flags(c.take(8))
		size := int(r.Length) * 4
		if r.Length == 255 {
			size = c.left()
		}
		if size > c.left() {
			return g, append(reports, nil), true
		}
		body := &cursor{bytes: data, bit: c.bit, endByte: c.bit/8 + size}
		reports = append(reports, oracleReport(r, body, domains))
		c.rest(size)
	}
	return g, reports, true
}

func oracleReport(r *Report, c *cursor, domains Domains) (out *Report) {
	defer func() {
		switch p := recover().(type) {
		case nil, errShort:
		default:
			panic(p)
		}
	}()
	if r.RepType == 1 {
		r.MdBits = MdBits(c.take(16))
		r.DomainID = uint16(c.take(16))
		r.DSMdBits = uint16(c.take(16))
		r.DSMdStatus = uint16(c.take(16))
		md := &cursor{bytes: c.bytes, bit: c.bit, endByte: c.bit/8 + int(r.MDLen)*4}
		c.rest(int(r.MDLen) * 4)
		oracleMetadata(r, md, domains)
	}
	r.Inner = c.rest(c.left())
	if r.RepType <= 1 && r.InType == 1 {
		for t := (&cursor{bytes: r.Inner, endByte: len(r.Inner)}); t.left() >= 4; {
			t.take(8)
			n := t.take(8)
			t.take(16)
			t.rest(int(n) * 4)
		}
	}
	return r
}

// oracleLegacy reads the one report of a datagram of version 0.5 or 1.0.
func oracleLegacy(data []byte) (g Group, reports []*Report, ok bool) {
	c := &cursor{bytes: data, endByte: len(data)}
	r := &Report{RepType: 1, MdBits: 0x0800}
	reports = []*Report{nil}
	defer func() {
		switch p := recover().(type) {
		case nil, errShort:
		default:
			panic(p)
		}
	}()
	ports := func() {
		r.MdBits |= 0x4000
		r.Level1In, r.Level1Out = uint16(c.take(16)), uint16(c.take(16))
	}
	queue := func() {
		r.MdBits |= 0x1000
		r.QueueID, r.QueueOccupancy = uint8(c.take(8)), uint32(c.take(24))
	}
	egress := func() {
		r.MdBits |= 0x0400
		r.EgressTime = c.take(32)
	}
	drop := func() {
		r.MdBits |= 0x0001
		r.DropQueueID, r.DropReason, r.DropPadding = uint8(c.take(8)), uint8(c.take(8)), uint16(c.take(16))
	}
	if g.Version = uint8(c.take(4)); g.Version == 0 {
		r.NProt = uint8(c.take(4))
		r.Flags = Flags(c.take(3) << 5)
		r.Rsvd = uint16(c.take(15))
		g.HwID = uint8(c.take(6))
		g.Sequence = uint32(c.take(32))
		r.IngressTime = c.take(32)
		if r.NProt == 1 || r.NProt == 2 {
			g.NodeID = uint32(c.take(32))
		}
		ok = true
		switch r.NProt {
		case 1:
			ports()
			drop()
		case 2:
			ports()
			queue()
			egress()
		}
		if r.NProt <= 2 {
			r.InType = 3
		}
	} else {
		r.Length = uint8(c.take(4))
		r.NProt = uint8(c.take(3))
		bitmap := c.take(6)
		r.Rsvd = uint16(c.take(6))
		r.Flags = Flags(c.take(3) << 5)
		g.HwID = uint8(c.take(6))
		g.NodeID = uint32(c.take(32))
		g.Sequence = uint32(c.take(32))
		r.IngressTime = c.take(32)
		ok = true
		if r.NProt <= 2 {
			r.InType = InType(3 + r.NProt)
		}
		if int(r.Length)*4 > len(data) || r.Length < 4 {
			return g, reports, ok
		}
		c.endByte = int(r.Length) * 4
		for bit, read := range []func(){
			ports,
			func() { r.MdBits |= 0x2000; r.HopLatency = uint32(c.take(32)) },
			queue,
			egress,
			drop,
			func() { r.MdBits |= 0x0100; r.TxUtilization = uint32(c.take(32)) },
		} {
			if bitmap&(0x20>>bit) != 0 {
				read()
			}
		}
		r.DSMetadata = c.rest(c.left())
		c.endByte = len(data)
	}
	r.Inner = c.rest(c.left())
	return g, []*Report{r}, ok
}

func oracleMetadata(r *Report, md *cursor, domains Domains) {
	is := func(bit int) bool { return r.MdBits&(0x8000>>bit) != 0 }
	sizes := map[int]int{4: 8, 5: 8, 6: 8}
	known := 0
	for bit := 1; bit < 16; bit++ {
		if is(bit) {
			known += max(sizes[bit], 4)
		}
	}
	ds := 0
	for bit := range 16 {
		if r.DomainID != 0 && r.DSMdBits&(0x8000>>bit) != 0 {
			ds += 4
		}
	}
	for _, d := range domains {
		all := 0
		if d.ID != r.DomainID || d.ID == 0 {
			continue
		}
		for bit := range 16 {
			if r.DSMdBits&(0x8000>>bit) != 0 {
				if d.Words[bit] == 0 {
					all = -1
					break
				}
				all += 4 * int(d.Words[bit])
			}
		}
		if all >= 0 {
			ds = all
		}
		break
	}
	if md.left() < known+ds {
		panic(errShort{})
	}
	if is(0) && md.left() >= known+ds+4 {
		r.Bit0 = uint32(md.take(32))
	}
	if is(1) {
		r.Level1In, r.Level1Out = uint16(md.take(16)), uint16(md.take(16))
	}
	if is(2) {
		r.HopLatency = uint32(md.take(32))
	}
	if is(3) {
		r.QueueID, r.QueueOccupancy = uint8(md.take(8)), uint32(md.take(24))
	}
	if is(4) {
		r.IngressTime = md.take(64)
	}
	if is(5) {
		r.EgressTime = md.take(64)
	}
	if is(6) {
		r.Level2In, r.Level2Out = uint32(md.take(32)), uint32(md.take(32))
	}
	if is(7) {
		r.TxUtilization = uint32(md.take(32))
	}
	if is(8) {
		r.BufferID, r.BufferOccupancy = uint8(md.take(8)), uint32(md.take(24))
	}
	for bit := 9; bit <= 14; bit++ {
		if is(bit) {
			r.Reserved = append(r.Reserved, md.rest(4)...)
		}
	}
	if is(15) {
		r.DropQueueID, r.DropReason, r.DropPadding = uint8(md.take(8)), uint8(md.take(8)), uint16(md.take(16))
	}
	r.DSMetadata = md.rest(md.left())
}

// decodeAll gives what the decoder makes of a datagram in the oracle's shape.
func decodeAll(data []byte, domains Domains) (g Group, reports []*Report, ok bool) {
	d := Decoder{Domains: domains}
	g, err := d.Reset(data)
	if err != nil {
		return Group{}, nil, false
	}
	var r Report
	for ok, err := d.Next(&r); ok || err != nil; ok, err = d.Next(&r) {
		if err != nil {
			reports = append(reports, nil)
			continue
		}
		one := r
		if len(one.Inner) == 0 {
			one.Inner = nil
		}
		reports = append(reports, &one)
	}
	return g, reports, true
}

// disagreement says where decoder and oracle differ, or nothing.
func disagreement(data []byte, domains Domains) string {
	g, reports, ok := decodeAll(data, domains)
	wantG, wantReports, wantOK := oracle(data, domains)
	if !wantOK {
		wantG, wantReports = Group{}, nil
	}
	if ok != wantOK || g != wantG {
		return fmt.Sprintf("group: got %+v, %v; want %+v, %v", g, ok, wantG, wantOK)
	}
	if reflect.DeepEqual(reports, wantReports) {
		return ""
	}
	return cmp.Diff(reports, wantReports)
}

// testDomains are ours, one with wide pieces and one with a gap.
var testDomains = Domains{
	ExtensionDomain,
	{ID: 0x5453, Words: [16]uint8{4, 1, 2, 3}},
	{ID: 3, Words: [16]uint8{15: 2}},
}

// drawReport draws a report that has a form on the wire. Whatever is not reported
// is zero, as the decoder leaves it.
func drawReport(t *rapid.T, last bool) *Report {
	u32 := func(name string) uint32 { return rapid.Uint32().Draw(t, name) }
	u24 := func(name string) uint32 { return u32(name) & 0xffffff }
	u16 := func(name string) uint16 { return rapid.Uint16().Draw(t, name) }
	u8 := func(name string) uint8 { return rapid.Uint8().Draw(t, name) }
	words := func(name string, most int) []byte {
		n := rapid.IntRange(0, most).Draw(t, name) * 4
		if n == 0 {
			return nil
		}
		b := make([]byte, n)
		rng := rand.New(rand.NewPCG(uint64(u32(name+" seed")), 0))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return b
	}
	r := &Report{
		RepType: RepType(rapid.SampledFrom([]uint8{0, 1, 1, 1, 2, 9}).Draw(t, "RepType")),
		InType:  InType(rapid.SampledFrom([]uint8{0, 2, 3, 4, 5, 6, 15}).Draw(t, "InType")),
		Flags:   Flags(u8("Flags")),
		Inner:   words("Inner", 40),
	}
	if last && rapid.Bool().Draw(t, "long") {
		r.Inner = append(words("Inner", 300), make([]byte, 1024+rapid.IntRange(0, 3).Draw(t, "odd"))...)
	}
	if r.RepType != INT {
		return r
	}
	r.MdBits = MdBits(u16("MdBits"))
	r.DomainID = rapid.SampledFrom([]uint16{0, 3, 0x5453, 0x7474, 0x1234}).Draw(t, "DomainID")
	r.DSMdBits, r.DSMdStatus = u16("DSMdBits"), u16("DSMdStatus")
	if d := testDomains.Lookup(r.DomainID); d != nil {
		for bit, n := range d.Words {
			if r.DSMdBits&(0x8000>>bit) != 0 {
				r.DSMetadata = append(r.DSMetadata, make([]byte, 4*max(n, 1))...)
			}
		}
		for i := range r.DSMetadata {
			r.DSMetadata[i] = byte(i)
		}
	} else {
		for bit := range 16 {
			if r.DomainID != 0 && r.DSMdBits&(0x8000>>bit) != 0 {
				r.DSMetadata = append(r.DSMetadata, 1, 2, 3, byte(bit))
			}
		}
	}
	set := func(b MdBits, f func()) {
		if r.Has(b) {
			f()
		}
	}
	set(MdBit0, func() { r.Bit0 = u32("Bit0") })
	set(MdLevel1, func() { r.Level1In, r.Level1Out = u16("Level1In"), u16("Level1Out") })
	set(MdHopLatency, func() { r.HopLatency = u32("HopLatency") })
	set(MdQueue, func() { r.QueueID, r.QueueOccupancy = u8("QueueID"), u24("QueueOccupancy") })
	set(MdIngressTime, func() { r.IngressTime = rapid.Uint64().Draw(t, "IngressTime") })
	set(MdEgressTime, func() { r.EgressTime = rapid.Uint64().Draw(t, "EgressTime") })
	set(MdLevel2, func() { r.Level2In, r.Level2Out = u32("Level2In"), u32("Level2Out") })
	set(MdTxUtilization, func() { r.TxUtilization = u32("TxUtilization") })
	set(MdBuffer, func() { r.BufferID, r.BufferOccupancy = u8("BufferID"), u24("BufferOccupancy") })
	for bit := 9; bit <= 14; bit++ {
		if r.Has(0x8000 >> bit) {
			r.Reserved = append(r.Reserved, 9, 8, 7, byte(bit))
		}
	}
	set(MdDrop, func() {
		r.DropQueueID, r.DropReason, r.DropPadding = u8("DropQueueID"), u8("DropReason"), u16("DropPadding")
	})
	return r
}

func drawDatagram(t *rapid.T) (Group, []*Report, []byte) {
	g := Group{
		Version:  2,
		HwID:     rapid.Uint8Range(0, 63).Draw(t, "HwID"),
		Sequence: rapid.Uint32Range(0, 1<<22-1).Draw(t, "Sequence"),
		NodeID:   rapid.Uint32().Draw(t, "NodeID"),
	}
	var e Encoder
	if err := e.Reset(g); err != nil {
		t.Fatal(err)
	}
	var reports []*Report
	n := rapid.IntRange(1, 6).Draw(t, "reports")
	for i := range n {
		r := drawReport(t, i == n-1)
		if err := e.Add(r); err != nil {
			t.Fatal(err)
		}
		reports = append(reports, r)
	}
	return g, reports, e.Bytes()
}

func TestDecodeUndoesEncode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, want, data := drawDatagram(t)
		gotG, got, ok := decodeAll(data, testDomains)
		if !ok || gotG != g || len(got) != len(want) {
			t.Fatalf("got %+v, %d reports; want %+v, %d reports", gotG, len(got), g, len(want))
		}
		for i, r := range got {
			if r == nil {
				t.Fatalf("report %d is malformed", i)
			}
			// What the encoder derives.
			want[i].Offset, want[i].Length, want[i].MDLen = r.Offset, r.Length, r.MDLen
			if diff := cmp.Diff(r, want[i]); diff != "" {
				t.Fatalf("report %d (-got, +want):\n%s", i, diff)
			}
		}
	})
}

func TestLegacyAgreesWithOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 0, 80).Draw(t, "data")
		if len(data) > 0 {
			data[0] &= 0x1f // version 0 or 1
		}
		if diff := disagreement(data, nil); diff != "" {
			t.Fatalf("%x (-got, +want):\n%s", data, diff)
		}
		if g, reports, ok := decodeAll(data, nil); ok && reports[0] != nil {
			again, err := AppendLegacy(nil, g, reports[0])
			if err != nil || string(again) != string(data) {
				t.Fatalf("encoded again: %v\n got %x\nwant %x", err, again, data)
			}
		}
	})
}

func TestDecoderAgreesWithOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, _, data := drawDatagram(t)
		for range rapid.IntRange(0, 4).Draw(t, "damages") {
			data[rapid.IntRange(0, len(data)-1).Draw(t, "at")] = rapid.Uint8().Draw(t, "byte")
		}
		data = data[:rapid.IntRange(0, len(data)).Draw(t, "cut")]
		if diff := disagreement(data, testDomains); diff != "" {
			t.Fatalf("%x (-got, +want):\n%s", data, diff)
		}
	})
}

func FuzzDecoder(f *testing.F) {
	f.Add(words(0x20000000, 1, 0x10030100, 0x40000000, 0, 0))
	f.Add(words(0x20000007, 3, 0x110b0320, 0x50007473, 0x80000055, 0x00030005, 0x11, 0xd0d0d0d0, 0x0001abcd, 0xfeedbeef, 0x10000000))
	f.Add(words(0x02200003, 1, 0xfffffff0, 1001, 0x000c0154, 0x07012345, 16, 0x02000000))
	f.Add(words(0x15_1f_81_c3, 1, 2, 3, 4, 5, 6, 7, 8))
	f.Add(words(0x20000007, 3, 0x10050300, 0x0001_7474, 0xc0000000, 0x00330000, 1, 2))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4096 {
			t.Skip("the oracle is slow, and a longer datagram has nothing new")
		}
		if diff := disagreement(data, testDomains); diff != "" {
			t.Fatalf("(-got, +want):\n%s", diff)
		}
		// What was read well is written as it was read, but for what the decoder forgives:
		// a bit 0 without a word and an MD Length where there is none.
		g, reports, ok := decodeAll(data, testDomains)
		if ok && g.Version != Version && reports[0] != nil {
			again, err := AppendLegacy(nil, g, reports[0])
			if err != nil || string(again) != string(data) {
				t.Fatalf("encoded again: %v\n got %x\nwant %x", err, again, data)
			}
		}
		if !ok || g.Version != Version {
			return
		}
		var e Encoder
		if err := e.Reset(g); err != nil {
			t.Fatal(err)
		}
		for _, r := range reports {
			if r == nil || r.Has(MdBit0) || r.MDLen != 0 && r.RepType == InnerOnly {
				return
			}
			if err := e.Add(r); err != nil {
				return // nothing behind a report to the end
			}
		}
		if again := e.Bytes(); len(again)+3 < len(data) || string(again) != string(data[:len(again)]) {
			t.Fatalf("encoded again:\n got %x\nwant %x", again, data)
		}
	})
}

func TestAppendLegacyRefuses(t *testing.T) {
	f := func(what string, g Group, r Report) {
		t.Helper()
		if b, err := AppendLegacy([]byte{1}, g, &r); err == nil || len(b) != 1 {
			t.Errorf("%s: got %x, want an error and nothing appended", what, b)
		}
	}
	f("version 2", Group{Version: 2}, Report{MdBits: MdIngressTime})
	f("hw_id", Group{HwID: 64}, Report{MdBits: MdIngressTime})
	f("I", Group{Version: 1}, Report{MdBits: MdIngressTime, Flags: Interim})
	f("wide time", Group{Version: 1}, Report{MdBits: MdIngressTime, IngressTime: 1 << 32})
	f("wide egress time", Group{Version: 1}, Report{MdBits: MdIngressTime | MdEgressTime, EgressTime: 1 << 32})
	f("wide occupancy", Group{Version: 1}, Report{MdBits: MdIngressTime | MdQueue, QueueOccupancy: 1 << 24})
	f("buffer", Group{Version: 1}, Report{MdBits: MdIngressTime | MdBuffer})
	f("no time", Group{Version: 1}, Report{})
	f("long header", Group{Version: 1}, Report{MdBits: MdIngressTime, DSMetadata: make([]byte, 48)})
	f("odd header", Group{Version: 1}, Report{MdBits: MdIngressTime, DSMetadata: make([]byte, 3)})
	f("drop header without reason", Group{}, Report{NProt: 1, MdBits: MdIngressTime})
	f("no place for the node", Group{NodeID: 1}, Report{MdBits: MdIngressTime})
}

func TestEncoderRefuses(t *testing.T) {
	f := func(what string, g Group, want string, reports ...*Report) {
		t.Helper()
		var e Encoder
		err := e.Reset(g)
		for _, r := range reports {
			if err == nil {
				err = e.Add(r)
			}
		}
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", what, err, want)
		}
	}
	const cannot = "cannot encode "
	f("version", Group{Version: 1}, cannot+"version of telemetry report: got 1, want 2")
	f("hw_id", Group{HwID: 64}, cannot+"hw_id of telemetry report: got 64, want at most 63")
	f("sequence", Group{Sequence: 1 << 22}, cannot+"sequence number of telemetry report: got 4194304, want below 2^22")
	f("type", Group{}, cannot+"report type of telemetry report: got 16, want at most 15", &Report{InType: 16})
	f("reserved", Group{}, cannot+"reserved metadata of telemetry report: got 0, want 4 bytes, one word per bit", &Report{RepType: INT, MdBits: 2})
	f("odd domain", Group{}, cannot+"domain-specific metadata of telemetry report: got 3, want whole words", &Report{RepType: INT, DSMetadata: make([]byte, 3)})
	f("occupancy", Group{}, cannot+"occupancy of telemetry report: got 16777216, want at most 24 bits", &Report{RepType: INT, QueueOccupancy: 1 << 24})
	f("metadata", Group{}, cannot+"metadata of telemetry report: got 1024, want at most 1020 bytes", &Report{RepType: INT, DSMetadata: make([]byte, 1024)})
	f("behind the last", Group{}, cannot+"individual report of telemetry report: got 13, want no report behind one that extends to the end of the datagram",
		&Report{Inner: make([]byte, 1)}, &Report{})
}
