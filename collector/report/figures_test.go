package report

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/telltale-net/telltale/internal/dissect"
)

// words lays out 32-bit words as the figures of the specification draw them.
func words(ws ...uint32) []byte {
	var b []byte
	for _, w := range ws {
		b = binary.BigEndian.AppendUint32(b, w)
	}
	return b
}

// An IPv4 header with 10.10.1.1 → 10.10.2.2, as in the examples.
func figureIPv4(proto uint32) []byte {
	return words(0x45000028, 0x00010000, 0x40000000|proto<<16, 0x0a0a0101, 0x0a0a0202)
}

func one(t *testing.T, data []byte) (Group, Report) {
	t.Helper()
	var d Decoder
	var r Report
	g, err := d.Reset(data)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := d.Next(&r); !ok || err != nil {
		t.Fatalf("first report: got %v, %v", ok, err)
	}
	var more Report
	if ok, err := d.Next(&more); ok || err != nil {
		t.Fatalf("behind the only report: got %v, %v", ok, err)
	}
	return g, r
}

// "Example with Baseline Metadata and Truncated IPv4".
func TestFigureBaselineMetadataAndTruncatedIPv4(t *testing.T) {
	data := words(0x20000007, 0x0000002a, 0x140e0220, 0x50000000, 0x00000000, 0x00030005, 0x02000011)
	data = append(data, figureIPv4(6)...)
	data = append(data, words(0x04d2e100, 1, 2, 0x50100000, 0)...)
	g, r := one(t, data)
	if g.Sequence != 7 || g.NodeID != 42 || g.HwID != 0 {
		t.Errorf("group: got %+v", g)
	}
	if r.RepType != INT || r.InType != InIPv4 || r.Length != 14 || r.MDLen != 2 || r.Flags != Tracked {
		t.Errorf("header: got %+v", r)
	}
	if r.MdBits != MdLevel1|MdQueue || r.Level1In != 3 || r.Level1Out != 5 || r.QueueID != 2 || r.QueueOccupancy != 17 {
		t.Errorf("metadata: got %+v", r)
	}
	if len(r.Inner) != 40 {
		t.Errorf("truncated packet: got %d bytes, want 40", len(r.Inner))
	}
	var p dissect.Packet
	if !r.Dissect(&p, nil) || p.Head[0].SrcPort != 1234 || p.Head[0].Proto != dissect.TCP {
		t.Errorf("flow: got %+v", p.Head[0])
	}
}

// "Example with Embedded INT-MD in a TCP Packet".
func TestFigureEmbeddedINTMD(t *testing.T) {
	data := words(0x20000007, 3, 0x14170120, 0x10000000, 0, 0x00000009)
	data = append(data, figureIPv4(17)...)
	data = append(data, words(0x04d21234, 0x00480000)...)          // UDP, destination INT_TBD
	data = append(data, words(0x18070006)...)                      // INT shim
	data = append(data, words(0x20000206, 0x90000000, 0)...)       // INT-MD
	data = append(data, words(2, 22, 1, 11)...)                    // stack: hop 2, hop 1
	data = append(data, words(0x04d20050, 1, 2, 0x50100000, 0)...) // TCP
	g, r := one(t, data)
	if g.NodeID != 3 || r.Length != 23 || r.MDLen != 1 || r.MdBits != MdQueue || r.QueueOccupancy != 9 || len(r.Inner) != 80 {
		t.Errorf("got %+v, %+v", g, r)
	}
}

// Example 2 of the specification counts its metadata wrongly (MD Length 2 for
// three words); laid out with 3 it must read as its text says.
func TestFigureTLVs(t *testing.T) {
	tlvs := append(words(0x0001abcd, 0xfeedbeef, 0x20050000), figureIPv4(6)...)
	data := words(0x20000007, 3, 0x110c0320, 0x50007473, 0x80000055, 0x00030005, 0x00000011, 0xd0d0d0d0)
	data = append(data, tlvs...)
	data[9] = byte((len(data) - 12) / 4)
	_, r := one(t, data)
	if r.DomainID != 0x7473 || r.DSMdBits != 0x8000 || r.DSMdStatus != 0x55 || len(r.DSMetadata) != 4 {
		t.Errorf("domain: got %+v", r)
	}
	it := r.TLVs()
	var a, b, c TLV
	for _, tlv := range []*TLV{&a, &b} {
		if ok, err := it.Next(tlv); !ok || err != nil {
			t.Fatalf("TLV: got %v, %v", ok, err)
		}
	}
	if ok, err := it.Next(&c); ok || err != nil {
		t.Errorf("behind the TLVs: got %v, %v", ok, err)
	}
	if a.Type != TLVDomainExtension || a.Template != 0xabcd || len(a.Data) != 4 || b.Type != TLVIPv4 || len(b.Data) != 20 {
		t.Errorf("TLVs: got %+v, %+v", a, b)
	}
	if in, p := r.Packet(); in != InIPv4 || len(p) != 20 {
		t.Errorf("packet: got type %d, %d bytes", in, len(p))
	}
}

// The figure as printed, with MD Length 2: the third word does not fit.
func TestFigureTLVsAsPrintedIsMalformed(t *testing.T) {
	data := append(words(0x20000007, 3, 0x110b0220, 0x50007473, 0x80000000, 0x00030005, 0x00000011, 0xd0d0d0d0,
		0x0001abcd, 0xfeedbeef, 0x20050000), figureIPv4(6)...)
	var d Decoder
	var r Report
	if _, err := d.Reset(data); err != nil {
		t.Fatal(err)
	}
	data[9] = byte((len(data) - 12) / 4)
	_, err := d.Next(&r)
	if err == nil || !strings.Contains(err.Error(), "domain-specific metadata") {
		t.Errorf("got %v, want domain_beyond", err)
	}
}
