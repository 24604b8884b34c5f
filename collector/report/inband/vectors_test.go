package inband

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/internal/dissect"
	"github.com/telltale-net/telltale/internal/testutil"
)

// frames reads the frames that another project's encoder made, by name.
func frames(tb testing.TB) map[string][]byte {
	tb.Helper()
	text, err := os.ReadFile(testutil.Shared(tb, "vectors/int/md-mx-frames.tsv"))
	if err != nil {
		tb.Fatal(err)
	}
	all := map[string][]byte{}
	for line := range strings.Lines(string(text)) {
		name, digits, ok := strings.Cut(strings.TrimSpace(line), "\t")
		data, err := hex.DecodeString(digits)
		if !ok || err != nil {
			tb.Fatalf("line %q: %v", line, err)
		}
		all[strings.TrimPrefix(name, "Build & Dissect, INT ")] = data
	}
	return all
}

// What the words of the frames say by the specification. All MD frames carry the
// same header and stack:
//
//	20000a07 fe007777 88889999           Ver 2, Hop ML 10, Remaining 7, bits 0–6, domain 0x7777
//	00000b22 00140015 00000000 00000000 0×8 0×8 00000005 00000006
//	00000a11 000a000b 00000000 00000000 0×8 0×8 00000001 00000002
var (
	frameHops = []Hop{
		{Has: 0xfe00, NodeID: 0xb22, Level1In: 0x14, Level1Out: 0x15, Level2In: 5, Level2Out: 6},
		{Has: 0xfe00, NodeID: 0xa11, Level1In: 0xa, Level1Out: 0xb, Level2In: 1, Level2Out: 2},
	}
	frameMD = Header{Version: 2, Type: 1, HopML: 10, Remaining: 7, Bitmap: 0xfe00, DomainID: 0x7777, DSInstruction: 0x8888, DSFlags: 0x9999}
	frameMX = Header{Version: 2, Type: 3, Bitmap: 0xfe00, DomainID: 0x7777, DSInstruction: 0x8888, DSFlags: 0x9999}
)

type want struct {
	carrier dissect.Carrier
	shim    Shim
	proto   uint8  // of the packet as it was
	port    uint16 // destination, as it was
	checked dissect.Checked
	inner   bool // a packet inside
}

var (
	dscp  = Shim{NPT: 0}
	port  = Shim{NPT: 1, Port: 0x2344}
	wants = map[string]want{
		"MD Over IPv4 UDP, Identifier=DSCP/TC":  {dissect.CarrierUDP, dscp, 17, 0x2344, dissect.Right, false},
		"MD Over IPv4 TCP, Identifier=DSCP/TC":  {dissect.CarrierTCP, dscp, 6, 0x2344, dissect.Right, false},
		"MD Over IPv6 UDP, Identifier=DSCP/TC":  {dissect.CarrierUDP, dscp, 17, 0x2344, dissect.Right, false},
		"MD Over IPv6 TCP, Identifier=DSCP/TC":  {dissect.CarrierTCP, dscp, 6, 0x2344, dissect.Right, false},
		"MX Over IPv4 UDP, Identifier=DSCP/TC":  {dissect.CarrierUDP, dscp, 17, 0x2344, dissect.Right, false},
		"MX Over IPv6 UDP, Identifier=DSCP/TC":  {dissect.CarrierUDP, dscp, 17, 0x2344, dissect.Right, false},
		"MD Over IPv6 UDP, Identifier=L4_DPORT": {dissect.CarrierUDP, port, 17, 0x2344, dissect.Right, false},
		"MD Over IPv6 TCP, Identifier=L4_DPORT": {dissect.CarrierTCP, port, 6, 0x2344, dissect.Right, false},
		"MX Over IPv4 UDP, Identifier=L4_DPORT": {dissect.CarrierUDP, port, 17, 0x2344, dissect.Right, false},
		"MX Over IPv4 TCP, Identifier=L4_DPORT": {dissect.CarrierTCP, port, 6, 0x2344, dissect.Right, false},
		"MX Over IPv6 TCP, Identifier=L4_DPORT": {dissect.CarrierTCP, port, 6, 0x2344, dissect.Right, false},
		"MD Over IPv4 GRE":                      {dissect.CarrierGRE, Shim{NextProtocol: 0x6558}, 47, 0, dissect.Unchecked, true},
		"MD Over IPv6 GRE":                      {dissect.CarrierGRE, Shim{NextProtocol: 0x6558}, 47, 0, dissect.Unchecked, true},
		"MX Over IPv4 GRE":                      {dissect.CarrierGRE, Shim{NextProtocol: 0x6558}, 47, 0, dissect.Unchecked, true},
		"MD Over IPv4 VXLAN":                    {dissect.CarrierVXLANGPE, Shim{NextProtocol: 3}, 17, 4790, dissect.Unchecked, true},
		"MD Over IPv6 VXLAN":                    {dissect.CarrierVXLANGPE, Shim{NextProtocol: 3}, 17, 4790, dissect.Unchecked, true},
		"MX Over IPv6 VXLAN":                    {dissect.CarrierVXLANGPE, Shim{NextProtocol: 3}, 17, 4790, dissect.Unchecked, true},
		"MD Over IPv6 GENEVE":                   {dissect.CarrierGeneve, Shim{OptionClass: 0x0103}, 17, 6081, dissect.Unchecked, true},
	}
)

func TestFramesOfOthers(t *testing.T) {
	all := frames(t)
	if len(all) != len(wants) {
		t.Errorf("got %d frames, know of %d", len(all), len(wants))
	}
	for name, data := range all {
		w, known := wants[name]
		if !known {
			t.Errorf("%s: nothing is known of it", name)
			continue
		}
		var p dissect.Packet
		p.ParseINT(dissect.Ethernet, data, &dissect.DefaultMarks)
		if p.INTs != 1 || p.BadINT {
			t.Errorf("%s: got %d INT headers, want 1", name, p.INTs)
			continue
		}
		var h Header
		if err := h.Read(data, &p.INT[0], nil); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		words := frameMX
		w.shim.Type, w.shim.Length = 3, 3
		if strings.HasPrefix(name, "MD") {
			words, w.shim.Type, w.shim.Length = frameMD, 1, 23
		}
		words.Shim, words.Where = w.shim, h.Where
		if h.Hops() != len(frameHops) && words.Type == 1 {
			t.Errorf("%s: got %d hops, want 2", name, h.Hops())
			continue
		}
		var got []Hop
		for i := range h.Hops() {
			got = append(got, Hop{})
			h.Hop(i, &got[i])
		}
		if words.Type == 1 {
			if diff := cmp.Diff(got, frameHops); diff != "" {
				t.Errorf("%s: hops (-got, +want):\n%s", name, diff)
			}
		}
		checked := p.Checksum(data, &p.INT[0])
		if h.Where.Carrier != w.carrier || checked != w.checked {
			t.Errorf("%s: got carrier %v, checksum %v; want %v, %v", name, h.Where.Carrier, checked, w.carrier, w.checked)
		}
		outer := p.Outermost()
		if outer.Proto != w.proto || outer.DstPort != w.port {
			t.Errorf("%s: got protocol %d, port %#x; want %d, %#x", name, outer.Proto, outer.DstPort, w.proto, w.port)
		}
		if in := p.Encapsulated(); (in != nil) != w.inner || in != nil && (in.Proto != 6 || in.SrcPort != 0x1a15 || in.DstPort != 0x22c3) {
			t.Errorf("%s: got a packet inside %+v", name, in)
		}
		plain := Header{Version: h.Version, Type: h.Type, HopML: h.HopML, Remaining: h.Remaining, Bitmap: h.Bitmap, DomainID: h.DomainID,
			DSInstruction: h.DSInstruction, DSFlags: h.DSFlags, Shim: h.Shim, Where: h.Where, Flags: h.Flags, Rsvd: h.Rsvd, Missing: h.Missing}
		if diff := cmp.Diff(plain, words, cmp.AllowUnexported(Header{})); diff != "" {
			t.Errorf("%s: header (-got, +want):\n%s", name, diff)
		}
		again, err := h.Append(nil)
		if end := h.Where.End; err != nil || string(again) != string(data[h.Where.Shim:end]) {
			t.Errorf("%s: written again: %v\n got %x\nwant %x", name, err, again, data[h.Where.Shim:end])
		}
	}
}

// A frame cut anywhere says a part of what the whole one says.
func TestFramesOfOthersCutAnywhere(t *testing.T) {
	for name, data := range frames(t) {
		var whole, p dissect.Packet
		whole.ParseINT(dissect.Ethernet, data, &dissect.DefaultMarks)
		var all, h Header
		if err := all.Read(data, &whole.INT[0], nil); err != nil {
			t.Fatal(err)
		}
		for n := range data {
			p.ParseINT(dissect.Ethernet, data[:n:n], &dissect.DefaultMarks)
			if p.INTs > 1 {
				t.Fatalf("%s cut to %d: got %d INT headers", name, n, p.INTs)
			}
			if p.INTs == 0 {
				if n >= whole.INT[0].At+12 {
					t.Fatalf("%s cut to %d: got no INT header", name, n)
				}
				continue
			}
			if err := h.Read(data[:n:n], &p.INT[0], nil); err != nil {
				t.Fatalf("%s cut to %d: %v", name, n, err)
			}
			if missing := max(0, whole.INT[0].End-n); h.Missing != missing {
				t.Fatalf("%s cut to %d: got %d bytes missing, want %d", name, n, h.Missing, missing)
			}
			if missing := h.Missing > 0; missing != (p.Cut == dissect.LayerINT) && n <= whole.INT[0].End {
				t.Fatalf("%s cut to %d: got %v cut, %d bytes missing", name, n, p.Cut, h.Missing)
			}
			if all.Type == 1 && h.Hops() != max(0, min(2, (n-whole.INT[0].At-12)/40)) {
				t.Fatalf("%s cut to %d: got %d hops", name, n, h.Hops())
			}
		}
	}
}

// The AmLight collector's test packet: Telemetry Report 1.0 around INT 1.0.
func TestStackOfVersion10(t *testing.T) {
	inner := readHex(t, "02fc0000000502fc000000018100002a0800455c007000010000401157ff0909090908080808c350c351005cf74b"+
		"0100150810000609fc000000"+
		"00000003000d0017ffffffff0300006700000bb800000bea"+
		"00000002000c0016ffffffff02000066000007d000000802"+
		"00000001000b0015ffffffff01000065000003e80000041a")
	var p dissect.Packet
	p.ParseINT(dissect.Ethernet, inner, &dissect.DefaultMarks)
	if p.INTs != 1 || !p.INT[0].Sniffed {
		t.Fatalf("got %d INT headers", p.INTs)
	}
	var h Header
	if err := h.Read(inner, &p.INT[0], nil); err != nil {
		t.Fatal(err)
	}
	if h.Version != 1 || h.Shim.DSCP != 2 || h.HopML != 6 || h.Remaining != 9 || h.Hops() != 3 || h.Wide || h.Narrow {
		t.Errorf("got %+v", h)
	}
	want := []Hop{
		{NodeID: 3, Level1In: 13, Level1Out: 23, QueueID: 3, QueueOccupancy: 0x67, IngressTime: 3000, EgressTime: 3050},
		{NodeID: 2, Level1In: 12, Level1Out: 22, QueueID: 2, QueueOccupancy: 0x66, IngressTime: 2000, EgressTime: 2050},
		{NodeID: 1, Level1In: 11, Level1Out: 21, QueueID: 1, QueueOccupancy: 0x65, IngressTime: 1000, EgressTime: 1050},
	}
	for i := range want {
		var hop Hop
		h.Hop(i, &hop)
		want[i].Has, want[i].Invalid, want[i].HopLatency = 0xdc00, HopLatency, ones32
		if diff := cmp.Diff(hop, want[i]); diff != "" {
			t.Errorf("hop %d (-got, +want):\n%s", i, diff)
		}
	}
}

// A report body of CableLabs' tests: the shim's Length counts the shim, Hop ML is 1,
// and only the domain's table says that two words of the stack are the source's.
func TestTransparentSecurity(t *testing.T) {
	data := readHex(t, "000000000501000000000101080045000 05e000100003f11f831c0a80102c0a8010a0000022b004afd8a"+
		"18080011"+"2000010980005453"+"80004000"+"000000ea"+"0000007b"+"0000000001010000"+"1a1816a000220000"+"68656c6c6f")
	marks := dissect.DefaultMarks
	marks.ShimCounted = true
	var p dissect.Packet
	p.ParseINT(dissect.Ethernet, data, &marks)
	if p.INTs != 1 {
		t.Fatalf("got %d INT headers", p.INTs)
	}
	var h Header
	if err := h.Read(data, &p.INT[0], report.Domains{report.TransparentSecurity}); err != nil {
		t.Fatal(err)
	}
	var a, b Hop
	if h.Hops() != 2 || !h.Hop(0, &a) || !h.Hop(1, &b) || a.NodeID != 0xea || b.NodeID != 0x7b || a.SourceOnly != nil || hex.EncodeToString(b.SourceOnly) != "0000000001010000" {
		t.Errorf("got %d hops, %+v, %+v", h.Hops(), a, b)
	}
	if f := p.Outermost(); f.Proto != 17 || f.SrcPort != 0x1a18 || f.DstPort != 0x16a0 || p.INT[0].WireDstPort != 0x22b {
		t.Errorf("got flow %+v", f)
	}
}

func readHex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
