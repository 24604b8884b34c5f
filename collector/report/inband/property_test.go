package inband

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/internal/dissect"
)

// oracleWords counts the words of a bitmap bit by bit, as the specification lists them.
func oracleWords(h *Header) (n int) {
	for bit := range 16 {
		if h.Bitmap&(0x8000>>bit) == 0 {
			continue
		}
		n++
		switch {
		case bit == 4 || bit == 5:
			if h.Version == 2 || h.Wide {
				n++
			}
		case bit == 6:
			if h.Version > 0 && !h.Narrow {
				n++
			}
		}
	}
	return n
}

// drawHeader draws a header with the hops in it, oldest first.
func drawHeader(t *rapid.T) (*Header, []Hop) {
	u := func(name string, most uint32) uint32 { return rapid.Uint32Range(0, most).Draw(t, name) }
	h := &Header{Version: uint8(u("version", 2)), Type: dissect.INTMD, Bitmap: Bits(u("bitmap", 0xffff))}
	h.Where.Carrier = rapid.SampledFrom([]dissect.Carrier{dissect.CarrierTCP, dissect.CarrierUDP, dissect.CarrierVXLANGPE, dissect.CarrierGRE}).Draw(t, "carrier")
	if h.Version < 2 && h.Where.Carrier == dissect.CarrierGRE {
		h.Where.Carrier = dissect.CarrierUDP
	}
	h.Where.HasTail = h.Version == 0 && h.Where.Carrier < dissect.CarrierGRE
	if h.Version == 1 && h.Bitmap&(IngressTime|EgressTime) != 0 {
		h.Wide = rapid.Bool().Draw(t, "wide")
	}
	size := oracleWords(h)
	room := 0
	if h.Version == 2 {
		h.DomainID, h.DSInstruction, h.DSFlags = uint16(u("domain", 0xffff)), uint16(u("instruction", 0xffff)), uint16(u("flags", 0xffff))
		if h.Bitmap != 0xffff && rapid.Bool().Draw(t, "room") {
			room = int(u("room", 3))
		}
		h.Flags, h.Rsvd = Flags(u("D, E, M", 7)), u("reserved", 0xfff)
	}
	if size+room == 0 {
		h.Bitmap, size = NodeID, 1
	}
	h.HopML, h.Remaining = uint8(size+room), 200
	if h.Version == 0 {
		h.Remaining = 0
	}
	hops := make([]Hop, u("hops", 6))
	for i := range hops {
		hops[i] = drawHop(t, h, room)
		if err := h.Push(&hops[i]); err != nil {
			t.Fatal(err)
		}
	}
	return h, hops
}

func drawHop(t *rapid.T, h *Header, room int) Hop {
	u := func(name string, most uint32) uint32 { return rapid.Uint32Range(0, most).Draw(t, name) }
	hop := Hop{Invalid: Bits(u("invalid", 0xffff)) & h.Bitmap &^ (Reserved | Complement)}
	if h.Version < 2 {
		hop.Invalid &^= Buffer
	}
	is := func(bit Bits) bool { return h.Bitmap&bit != 0 && hop.Invalid&bit == 0 }
	set := func(bit Bits, f func()) {
		if is(bit) {
			hop.Has |= bit
			f()
		}
	}
	time := uint32(0)
	set(NodeID, func() { hop.NodeID = u("node", 1000) })
	set(Level1, func() { hop.Level1In, hop.Level1Out = uint16(u("in", 500)), uint16(u("out", 500)) })
	set(HopLatency, func() { hop.HopLatency = u("latency", 1e6) })
	set(Queue, func() { hop.QueueID, hop.QueueOccupancy = uint8(u("queue", 7)), u("depth", 0xfffffe) })
	set(IngressTime, func() { time = u("time", 1e9); hop.IngressTime = uint64(time) })
	set(EgressTime, func() { hop.EgressTime = uint64(time) + 7 })
	if h.Version == 0 {
		set(Congestion, func() { hop.CongestionQueue, hop.Congestion = uint8(u("cq", 9)), u("congestion", 99) })
	} else {
		set(Level2, func() { hop.Level2In, hop.Level2Out = u("in2", 500), u("out2", 500) })
	}
	set(TxUtilization, func() { hop.TxUtilization = u("tx", 100) })
	if h.Version == 2 {
		set(Buffer, func() { hop.BufferID, hop.BufferOccupancy = uint8(u("buffer", 9)), u("occupancy", 99) })
	}
	if h.Version > 0 {
		set(Complement, func() { hop.Complement = u("complement", 0xffff) })
	}
	words := func(n int, with byte) (b []byte) {
		for range n * 4 {
			b = append(b, with)
		}
		return b
	}
	reserved := h.Bitmap & Reserved
	if h.Version < 2 {
		reserved |= h.Bitmap & Buffer
	}
	if h.Version == 0 {
		reserved |= h.Bitmap & Complement
	}
	n := 0
	for ; reserved != 0; reserved &= reserved - 1 {
		n++
	}
	hop.Reserved, hop.DSMetadata = words(n, 0xee), words(room, 0xdd)
	// An invalid field reads as all-ones.
	inv := func(bit Bits) bool { return hop.Invalid&bit != 0 }
	wide := h.Version == 2 || h.Wide
	ones := func() uint64 {
		if wide {
			return ones64
		}
		return ones32
	}
	if inv(NodeID) {
		hop.NodeID = ones32
	}
	if inv(Level1) {
		hop.Level1In, hop.Level1Out = 0xffff, 0xffff
	}
	if inv(HopLatency) {
		hop.HopLatency = ones32
	}
	if inv(Queue) {
		hop.QueueID, hop.QueueOccupancy = 0xff, 0xffffff
	}
	if inv(IngressTime) {
		hop.IngressTime = ones()
	}
	if inv(EgressTime) {
		hop.EgressTime = ones()
	}
	if inv(Level2) {
		if h.Version == 0 {
			hop.CongestionQueue, hop.Congestion = 0xff, 0xffffff
		} else {
			hop.Level2In, hop.Level2Out = ones32, ones32
		}
	}
	if inv(TxUtilization) {
		hop.TxUtilization = ones32
	}
	if inv(Buffer) {
		hop.BufferID, hop.BufferOccupancy = 0xff, 0xffffff
	}
	return hop
}

// packetOf puts a header into a packet, marked so that it is found. It returns false
// where the stack is too long for its carrier.
func packetOf(t *rapid.T, h *Header) ([]byte, *dissect.Marks, bool) {
	marks := &dissect.Marks{DSCP: 0x17, DSCPMask: 0x3f, GREProtocol: 0x4569, GPENext: 0x82, GeneveClass: 0x103}
	h.Shim.NextProtocol = 3
	h.Shim.Proto = 17
	var before []byte
	switch h.Where.Carrier {
	case dissect.CarrierTCP:
		h.Shim.Proto = 6
		before = concat(ipv4(0x17, 6), tcpHead)
	case dissect.CarrierUDP:
		before = concat(ipv4(0x17, 17), words(0x04d20035, 0))
	case dissect.CarrierGRE:
		h.Shim.NextProtocol = 0x6558
		before = concat(ipv4(0, 47), words(0x4569))
	case dissect.CarrierVXLANGPE:
		before = concat(ipv4(0, 17), words(0x04d212b6, 0), words(0x0c000082, 0x700))
	}
	if h.Where.HasTail {
		h.Shim.Port = 99
	}
	b, err := h.Append(before)
	if err != nil {
		if len(h.Stack) < 200*4 {
			t.Fatal(err)
		}
		return nil, nil, false
	}
	return b, marks, true
}

// What is written is read, hop by hop, and written again as it was.
func TestReadUndoesAppend(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, hops := drawHeader(t)
		data, marks, ok := packetOf(t, h)
		if !ok {
			return
		}
		var p dissect.Packet
		p.ParseINT(dissect.IPv4, data, marks)
		if p.INTs != 1 {
			t.Fatalf("got %d INT headers in %x", p.INTs, data)
		}
		var got Header
		if err := got.Read(data, &p.INT[0], nil); err != nil {
			t.Fatal(err)
		}
		if got.Hops() != len(hops) || got.Wide != h.Wide {
			t.Fatalf("got %d hops, %+v; want %d", got.Hops(), got, len(hops))
		}
		for i := range hops {
			var hop Hop
			got.Hop(len(hops)-1-i, &hop)
			if diff := cmp.Diff(hop, hops[i]); diff != "" {
				t.Fatalf("hop %d (-got, +want):\n%s", i, diff)
			}
		}
		again, err := got.Append(nil)
		if x := &p.INT[0]; err != nil || string(again) != string(data[x.Shim:x.End]) {
			t.Fatalf("written again: %v\n got %x\nwant %x", err, again, data[x.Shim:x.End])
		}
	})
}

// checkHeader reads an INT header of a packet as it says and holds what is always so.
func checkHeader(t interface{ Fatalf(string, ...any) }, data []byte, p *dissect.Packet, domains report.Domains) {
	for i := range p.INTs {
		x := &p.INT[i]
		var h Header
		if err := h.Read(data, x, domains); err != nil {
			continue
		}
		if n := h.Hops()*int(h.HopML)*4 + len(h.Source); n > len(data) {
			t.Fatalf("got %d bytes of hops in %d bytes: %x", n, len(data), data)
		}
		p.Checksum(data, x)
		var hop Hop
		for i := range h.Hops() {
			if !h.Hop(i, &hop) || hop.Has&hop.Invalid != 0 || (hop.Has|hop.Invalid)&^h.Bitmap != 0 {
				t.Fatalf("hop %d of %x: got %+v", i, data, hop)
			}
			if i < h.Hops()-1 && hop.SourceOnly != nil {
				t.Fatalf("hop %d of %x has source-only metadata", i, data)
			}
		}
		if h.Missing > 0 || h.Type != dissect.INTMD || x.End > len(data) {
			continue
		}
		// Every byte of the stack is one hop's.
		if n := h.Hops()*int(h.HopML)*4 + h.SourceOnly(); n != len(h.Stack) {
			t.Fatalf("got %d bytes of hops, want %d: %x", n, len(h.Stack), data)
		}
	}
}

var fuzzDomains = report.Domains{report.TransparentSecurity, report.ExtensionDomain}

func FuzzRead(f *testing.F) {
	f.Add(uint8(1), concat(ipv4(0x17, 6), tcpHead, words(0x10070028), md6))
	f.Add(uint8(1), concat(ipv4(0, 17), intTBD, words(0x18070006), md6, tcpHead))
	f.Add(uint8(1), concat(ipv4(0, 47), words(0x4569), words(0x18070800), md6, ipv4(0, 6)))
	f.Add(uint8(1), concat(ipv4(0, 17), words(0x04d217c1, 0), words(0x0a006558, 0x700, 0x01030109), md5, ethernet))
	f.Add(uint8(1), concat(ipv4(0, 17), words(0x04d212b6, 0), words(0x0c000082, 0x700), words(0x10090003), md5, ethernet))
	f.Add(uint8(1), concat(ipv4(0, 17), intTBD, words(0x18080006, 0x20000105, 0x80005453, 0x80004000, 2, 1, 9, 0xa61af6b1, 0x647d0000), tcpHead))
	f.Add(uint8(1), concat(ipv4(0x17, 6), tcpHead, words(0x01000800, 0x00021002, 0x90000000, 2, 22, 1, 11, 0x06001600), words(0xfeed)))
	f.Add(uint8(1), concat(ipv4(0x17, 17), intTBD, words(0x01000908, 0x10000306, 0xdc000000, 1, 2, 3, 4, 5, 6)))
	f.Fuzz(func(t *testing.T, start uint8, data []byte) {
		marked := dissect.Marks{DSCP: 0x17, DSCPMask: 0x3f, Port: 0x1234, GREProtocol: 0x4569, GPENext: 0x82, GeneveClass: 0x103}
		counted := dissect.Marks{Sniff: true, ShimCounted: true, ProtoFirst: true, BeforeTCPOptions: true, Probe: 1 << 56, GeneveClass: 0x103}
		for _, m := range []*dissect.Marks{&marked, &dissect.DefaultMarks, &counted} {
			var p dissect.Packet
			p.ParseINT(dissect.Start(start), data, m)
			checkHeader(t, data, &p, fuzzDomains)
			checkHeader(t, data, &p, nil)
		}
	})
}

func TestReadingAllocatesNothing(t *testing.T) {
	data := concat(ipv4(0, 17), intTBD, words(0x18090006), md5, tcpHead)
	var p dissect.Packet
	var h Header
	var hop Hop
	if n := testing.AllocsPerRun(100, func() {
		p.ParseINT(dissect.IPv4, data, &dissect.DefaultMarks)
		if err := h.Read(data, &p.INT[0], fuzzDomains); err != nil {
			t.Fatal(err)
		}
		for i := range h.Hops() {
			h.Hop(i, &hop)
		}
	}); n != 0 {
		t.Errorf("got %v allocations, want none", n)
	}
}
