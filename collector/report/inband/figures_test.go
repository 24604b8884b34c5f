package inband

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/internal/dissect"
)

// The chapter "Examples" of INT 2.1, word by word: what the figures leave open (ids,
// occupancies, addresses) is filled with numbers, INT_TBD is 0x1234.

func words(ws ...uint32) []byte {
	var b []byte
	for _, w := range ws {
		b = binary.BigEndian.AppendUint32(b, w)
	}
	return b
}

func concat(parts ...[]byte) (all []byte) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func ipv4(dscp, proto uint32) []byte {
	return words(0x45000100|dscp<<18, 0x00010000, 0x40000000|proto<<16, 0x0a0a0101, 0x0a0a0202)
}

var (
	tcpHead  = words(0x04d20050, 1, 2, 0x50100000, 0)
	ethernet = append([]byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0}, ipv4(0, 6)...)
	intTBD   = words(0x04d21234, 0x00480000)
	md6      = words(0x20000206, 0x90000000, 0, 2, 22, 1, 11)        // remaining 6: hop 2, hop 1
	md5      = words(0x20000205, 0x90000000, 0, 3, 33, 2, 22, 1, 11) // remaining 5: hops 3, 2, 1
	mx       = words(0x20000000, 0x90000000, 0)
	queues   = []Hop{{Has: 0x9000, NodeID: 3, QueueOccupancy: 33}, {Has: 0x9000, NodeID: 2, QueueOccupancy: 22}, {Has: 0x9000, NodeID: 1, QueueOccupancy: 11}}
)

func TestFigures(t *testing.T) {
	marked := dissect.DefaultMarks
	marked.Sniff, marked.DSCP, marked.DSCPMask, marked.Port, marked.GREProtocol = false, 0x17, 0x3f, 0x1234, 0x4569
	gre := words(0x00004569)
	gpe := func(next uint32) []byte { return words(0x0c000000|next, 0x00000700) }
	udp := func(port uint32) []byte { return words(0x04d20000|port, 0x00480000) }
	f := func(name string, data []byte, hops []Hop, shim Shim, flow dissect.Header, inner bool) {
		t.Helper()
		for _, m := range []dissect.Marks{marked, dissect.DefaultMarks} {
			var p dissect.Packet
			p.ParseINT(dissect.IPv4, data, &m)
			if p.INTs != 1 || p.BadINT {
				t.Errorf("%s: got %d INT headers", name, p.INTs)
				return
			}
			var h Header
			if err := h.Read(data, &p.INT[0], nil); err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			if diff := cmp.Diff(h.Shim, shim); diff != "" || h.Bitmap != 0x9000 || h.Flags != 0 || h.Missing != 0 {
				t.Errorf("%s: shim (-got, +want):\n%s%+v", name, diff, h)
			}
			if h.Type == dissect.INTMD && (h.HopML != 2 || int(h.Remaining) != 8-len(hops)) || h.Hops() != len(hops) {
				t.Errorf("%s: got %+v", name, h)
			}
			for i := range hops {
				var hop Hop
				if h.Hop(i, &hop); cmp.Diff(hop, hops[i]) != "" {
					t.Errorf("%s: hop %d: got %+v, want %+v", name, i, hop, hops[i])
				}
			}
			o := p.Outermost()
			if o.Proto != flow.Proto || o.SrcPort != flow.SrcPort || o.DstPort != flow.DstPort || (p.Depth == 2) != inner {
				t.Errorf("%s: got %+v, depth %d", name, *o, p.Depth)
			}
			again, err := h.Append(nil)
			if x := &h.Where; err != nil || string(again) != string(data[x.Shim:x.End]) {
				t.Errorf("%s: written again: %x, %v", name, again, err)
			}
		}
	}
	two, three := queues[1:], queues
	tcp := dissect.Header{Proto: 6, SrcPort: 1234, DstPort: 80}
	f("INT-MD over TCP", concat(ipv4(0x17, 6), tcpHead, words(0x10070028), md6), two, Shim{Type: 1, Length: 7, DSCP: 10}, tcp, false)
	f("INT-MX over TCP", concat(ipv4(0x17, 6), tcpHead, words(0x30030028), mx), nil, Shim{Type: 3, Length: 3, DSCP: 10}, tcp, false)
	f("new UDP header and INT-MD before TCP", concat(ipv4(0, 17), intTBD, words(0x18070006), md6, tcpHead), two, Shim{Type: 1, NPT: 2, Length: 7, Proto: 6}, tcp, false)
	f("new UDP header and INT-MX before TCP", concat(ipv4(0, 17), intTBD, words(0x38030006), mx, tcpHead), nil, Shim{Type: 3, NPT: 2, Length: 3, Proto: 6}, tcp, false)
	f("INT-MD between UDP and payload", concat(ipv4(0, 17), intTBD, words(0x14070035), md6, words(1)), two, Shim{Type: 1, NPT: 1, Length: 7, Port: 53}, dissect.Header{Proto: 17, SrcPort: 1234, DstPort: 53}, false)
	f("INT-MX between UDP and payload", concat(ipv4(0, 17), intTBD, words(0x34030035), mx, words(1)), nil, Shim{Type: 3, NPT: 1, Length: 3, Port: 53}, dissect.Header{Proto: 17, SrcPort: 1234, DstPort: 53}, false)
	f("new IP and UDP headers and INT-MX before IPSec", concat(ipv4(0, 17), intTBD, words(0x38030004), mx, ipv4(0, 51), words(0x32040000, 1, 1, 0, 0, 0)), nil, Shim{Type: 3, NPT: 2, Length: 3, Proto: 4}, dissect.Header{Proto: 4}, true)
	f("INT-MD over GRE, IPv4", concat(ipv4(0, 47), gre, words(0x18070800), md6, ipv4(0, 6)), two, Shim{Type: 1, Length: 7, G: true, NextProtocol: 0x800}, dissect.Header{Proto: 47}, true)
	f("INT-MX over GRE, IPv4", concat(ipv4(0, 47), gre, words(0x38030800), mx, ipv4(0, 6)), nil, Shim{Type: 3, Length: 3, G: true, NextProtocol: 0x800}, dissect.Header{Proto: 47}, true)
	f("INT-MD over GRE, Ethernet", concat(ipv4(0, 47), gre, words(0x18076558), md6, ethernet), two, Shim{Type: 1, Length: 7, G: true, NextProtocol: 0x6558}, dissect.Header{Proto: 47}, true)
	f("INT-MX over GRE, Ethernet", concat(ipv4(0, 47), gre, words(0x38036558), mx, ethernet), nil, Shim{Type: 3, Length: 3, G: true, NextProtocol: 0x6558}, dissect.Header{Proto: 47}, true)
	f("INT-MD over VXLAN GPE", concat(ipv4(0, 17), udp(4790), gpe(0x82), words(0x10090003), md5, ethernet), three, Shim{Type: 1, Length: 9, NextProtocol: 3}, dissect.Header{Proto: 17, SrcPort: 1234, DstPort: 4790}, true)
	f("INT-MX over VXLAN GPE", concat(ipv4(0, 17), udp(4790), gpe(0x82), words(0x30030003), mx, ethernet), nil, Shim{Type: 3, Length: 3, NextProtocol: 3}, dissect.Header{Proto: 17, SrcPort: 1234, DstPort: 4790}, true)
	f("INT-MD over Geneve", concat(ipv4(0, 17), udp(6081), words(0x0a006558, 0x700, 0x01030109), md5, ethernet), three, Shim{Type: 1, Length: 9, OptionClass: 0x103}, dissect.Header{Proto: 17, SrcPort: 1234, DstPort: 6081}, true)
	f("INT-MX over Geneve", concat(ipv4(0, 17), udp(6081), words(0x04006558, 0x700, 0x01030303), mx, ethernet), nil, Shim{Type: 3, Length: 3, OptionClass: 0x103}, dissect.Header{Proto: 17, SrcPort: 1234, DstPort: 6081}, true)
}

// read reads the only INT header of data.
func read(t *testing.T, data []byte, m *dissect.Marks, domains report.Domains) (h Header, p dissect.Packet) {
	t.Helper()
	p.ParseINT(dissect.IPv4, data, m)
	if p.INTs != 1 {
		t.Fatalf("got %d INT headers, want 1", p.INTs)
	}
	if err := h.Read(data, &p.INT[0], domains); err != nil {
		t.Fatal(err)
	}
	return h, p
}

// "Example with INT-MX including domain specific source-inserted metadata".
func TestFigureSourceInserted(t *testing.T) {
	data := concat(ipv4(0, 17), intTBD, words(0x38050006, 0x20000000, 0x9000abcd, 0xc0000000, 15, 0x12345678), tcpHead)
	h, _ := read(t, data, &dissect.DefaultMarks, nil)
	if h.DomainID != 0xabcd || h.DSInstruction != 0xc000 || string(h.Source) != string(words(15, 0x12345678)) {
		t.Errorf("got %+v", h)
	}
}

// "Example with INT-MD including domain specific source-only metadata".
func TestFigureSourceOnly(t *testing.T) {
	data := concat(ipv4(0, 17), intTBD, words(0x18080006, 0x20000105, 0x80005453, 0x80004000, 2, 1, 9, 0xa61af6b1, 0x647d0000), tcpHead)
	h, _ := read(t, data, &dissect.DefaultMarks, report.Domains{report.TransparentSecurity})
	if h.Hops() != 3 || h.SourceOnly() != 8 || h.DSFlags != 0x4000 {
		t.Fatalf("got %d hops, %+v", h.Hops(), h)
	}
	var hop Hop
	for i, node := range []uint32{2, 1, 9} {
		h.Hop(i, &hop)
		if hop.NodeID != node || (i == 2) != (len(hop.SourceOnly) == 8) {
			t.Errorf("hop %d: got %+v", i, hop)
		}
	}
	if string(hop.SourceOnly) != string(words(0xa61af6b1, 0x647d0000)) {
		t.Errorf("got %x", hop.SourceOnly)
	}
}

// What is left over is the source's where no table says more, and the complement
// stands behind it.
func TestRemainderIsTheSources(t *testing.T) {
	data := concat(ipv4(0, 17), intTBD, words(0x140b0035,
		0x20000306, 0x90010077, 0x80000000,
		2, 0x07000016, 0xffffffff,
		1, 0x0700000b, 0xd0d0d0d0, 0xd1d1d1d1, 0x0000cccc), words(1))
	h, _ := read(t, data, &dissect.DefaultMarks, nil)
	var a, b Hop
	if h.Hops() != 2 || !h.Hop(0, &a) || !h.Hop(1, &b) || h.Hop(2, &Hop{}) || h.Hop(-1, &Hop{}) {
		t.Fatalf("got %d hops", h.Hops())
	}
	if a.Invalid != Complement || a.QueueID != 7 || b.Complement != 0xcccc || b.Has != NodeID|Queue|Complement || string(b.SourceOnly) != string(words(0xd0d0d0d0, 0xd1d1d1d1)) {
		t.Errorf("got %+v, %+v", a, b)
	}
}

// Hop ML may exceed what the bitmap implies: metadata of a domain, or padding of a
// node that does not know it.
func TestDomainMetadataBeforeTheComplement(t *testing.T) {
	data := concat(ipv4(0, 17), intTBD, words(0x14090035,
		0x22000306, 0x80050077, 0x80000000,
		2, 0xffffffff, 0xffffffff,
		1, 0xaaaaaaaa, 0xbbbbbbbb), words(1))
	h, _ := read(t, data, &dissect.DefaultMarks, nil)
	var b Hop
	if h.Hop(1, &b); h.Flags != MTUExceeded || string(b.Reserved) != string(words(0xaaaaaaaa)) || b.Complement != 0xbbbbbbbb || b.DSMetadata != nil {
		t.Errorf("got %+v, %+v", h, b)
	}
	copy(data[36:], words(0x80010077)) // Hop ML stays
	h, _ = read(t, data, &dissect.DefaultMarks, nil)
	if h.Hop(1, &b); string(b.DSMetadata) != string(words(0xaaaaaaaa)) || b.Complement != 0xbbbbbbbb {
		t.Errorf("got %+v, %+v", h, b)
	}
}

// The example of INT 0.5 over TCP, with its tail.
func TestFigureVersion05(t *testing.T) {
	data := concat(ipv4(0x17, 6), tcpHead, words(0x01000800, 0x00021002, 0x90000000, 2, 22, 1, 11, 0x06001600), words(0xfeed))
	data[22], data[23] = 0x12, 0x34
	h, p := read(t, data, &dissect.DefaultMarks, nil)
	if h.Version != 0 || h.Hops() != 2 || h.MaxHops != 16 || h.TotalHops != 2 || h.Shim.Proto != 6 || h.Shim.Port != 22 {
		t.Errorf("got %+v", h)
	}
	var hop Hop
	if h.Hop(1, &hop); cmp.Diff(hop, queues[2]) != "" {
		t.Errorf("got %+v", hop)
	}
	if f := p.Outermost(); f.DstPort != 22 || p.INT[0].WireDstPort != 0x1234 || string(data[f.Payload:]) != string(words(0xfeed)) {
		t.Errorf("got %+v", f)
	}
}

// The example of INT 0.5 over VXLAN-GPE, with a destination header behind.
func TestFigureVersion05GPE(t *testing.T) {
	data := concat(ipv4(0, 17), words(0x04d212b6, 0), words(0x0c000005, 0x700),
		words(0x01000905, 0x00021003, 0x90000000, 3, 33, 2, 22, 1, 11),
		words(0x02000603, 0x00011003, 0x10000000, 1, 2, 3), ethernet)
	marked := dissect.DefaultMarks
	marked.GPENext = 5
	var p dissect.Packet
	for _, m := range []dissect.Marks{marked, dissect.DefaultMarks} {
		p.ParseINT(dissect.IPv4, data, &m)
		if p.INTs != 2 || p.Depth != 2 || p.INT[1].Type != dissect.INTDestination {
			t.Fatalf("got %d INT headers, depth %d", p.INTs, p.Depth)
		}
	}
	var h Header
	if err := h.Read(data, &p.INT[0], nil); err != nil || h.Hops() != 3 {
		t.Errorf("got %d hops, %v", h.Hops(), err)
	}
	if err := h.Read(data, &p.INT[1], nil); err != nil || len(h.Source) != 20 {
		t.Errorf("got %+v, %v", h, err)
	}
}

// With NPT = 2 some put the protocol into the byte that the specification reserves:
// seen where the right byte is 0, said where a profile knows it.
func TestProtocolInTheWrongByte(t *testing.T) {
	data := concat(ipv4(0, 17), intTBD, words(0x18070600), md6, tcpHead)
	h, p := read(t, data, &dissect.DefaultMarks, nil)
	if h.Shim.Proto != 6 || !h.Where.Flipped || p.Outermost().Proto != 6 || p.Outermost().SrcPort != 1234 || p.INT[0].WireDstPort != 0x1234 || p.INT[0].WireProto != 17 {
		t.Errorf("got %+v, %+v", h.Shim, p.Outermost())
	}
	data = concat(ipv4(0, 17), intTBD, words(0x18070006), md6, tcpHead)
	if h, p = read(t, data, &dissect.DefaultMarks, nil); h.Where.Flipped || p.Outermost().Proto != 6 {
		t.Errorf("the right byte: got %+v", h.Where)
	}
	// UDP before UDP: the second header is the packet's.
	data = concat(ipv4(0, 17), intTBD, words(0x18070011), md6, words(0x00070035, 0))
	if _, p = read(t, data, &dissect.DefaultMarks, nil); p.Outermost().SrcPort != 7 || p.Outermost().DstPort != 53 {
		t.Errorf("UDP: got %+v", p.Outermost())
	}
}

// INT may stand before TCP's options; only a mark can say so.
func TestBeforeTCPOptions(t *testing.T) {
	tcp := words(0x04d20050, 1, 2, 0x70100000, 0)
	data := concat(ipv4(0x17, 6), tcp, words(0x10070028), md6, words(0x01010101, 0x01010101), words(0xfeedbeef))
	m := dissect.Marks{DSCP: 0x17, DSCPMask: 0x3f, BeforeTCPOptions: true}
	h, p := read(t, data, &m, nil)
	if h.Hops() != 2 || string(data[p.Outermost().Payload:]) != string(words(0xfeedbeef)) {
		t.Errorf("got %d hops, payload at %d", h.Hops(), p.Outermost().Payload)
	}
	data = concat(ipv4(0x17, 6), tcp, words(0x01010101, 0x01010101), words(0x10070028), md6, words(0xfeedbeef))
	m.BeforeTCPOptions = false
	if h, p = read(t, data, &m, nil); h.Hops() != 2 || string(data[p.Outermost().Payload:]) != string(words(0xfeedbeef)) {
		t.Errorf("behind: got %d hops, payload at %d", h.Hops(), p.Outermost().Payload)
	}
}

// Payload that is none is not taken for INT by its looks.
func TestLooksDoNotDeceive(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	var p dissect.Packet
	found := 0
	for range 300_000 {
		data := concat(ipv4(0, 17), words(0x04d20035, 0))
		for range 8 {
			data = binary.BigEndian.AppendUint32(data, rng.Uint32())
		}
		data[28] = [...]byte{0x01, 0x10, 0x14, 0x18, 0x30}[rng.IntN(5)] // as a shim begins
		data[29] &= 0x0f
		if p.ParseINT(dissect.IPv4, data, &dissect.DefaultMarks); p.INTs > 0 {
			found++
		}
	}
	if found > 0 {
		t.Errorf("%d of 300000 random payloads were taken for INT", found)
	}
}
