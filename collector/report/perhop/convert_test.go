package perhop

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/collector/report/profile"
	"github.com/telltale-net/telltale/internal/dissect"
	"github.com/telltale-net/telltale/internal/testutil"
)

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

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func ipv4(proto uint32) []byte {
	return words(0x45000100, 0x00010000, 0x40000000|proto<<16, 0x0a0a0101, 0x0a0a0202)
}

var (
	eth    = []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0}
	tcp    = words(0x04d20050, 1, 2, 0x50100000, 0)
	intTBD = words(0x04d21234, 0x00480000)
	flow   = postcard.Flow{
		Src: postcard.AddrFrom(netip.MustParseAddr("10.10.1.1")), Dst: postcard.AddrFrom(netip.MustParseAddr("10.10.2.2")),
		SrcPort: 1234, DstPort: 80, Proto: 6,
	}
)

// convert reads a datagram as the collector does and returns its records without
// what is the same in all of them.
func convert(t *testing.T, c *Converter, p *profile.Profile, data []byte) []postcard.Record {
	t.Helper()
	d := report.Decoder{Domains: c.Domains, Quirks: p.Quirks}
	g, err := d.Reset(data)
	if err != nil {
		t.Fatal(err)
	}
	var all []postcard.Record
	var r report.Report
	for ok, err := d.Next(&r); ok || err != nil; ok, err = d.Next(&r) {
		if err != nil {
			t.Fatal(err)
		}
		c.Report(0, p, g, &r, func(rec *postcard.Record) { all = append(all, *rec) })
	}
	return all
}

func sameRecords(t *testing.T, got, want []postcard.Record) {
	t.Helper()
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("records (-got, +want):\n%s", diff)
	}
}

// "Example with Embedded INT-MD in a TCP Packet" of Telemetry Report 2.0: the sink's
// own hop is in the main contents.
func TestSinkInMainContents(t *testing.T) {
	data := concat(words(0x20000007, 3, 0x14170120, 0x10000000, 0, 0x00000009),
		ipv4(17), intTBD, words(0x18070006, 0x20000206, 0x90000000, 0, 2, 22, 1, 11), tcp)
	var c Converter
	rec := func(node postcard.NodeID, depth uint32) postcard.Record {
		return postcard.Record{Node: node, Seq: 7, Flags: postcard.Tracked, Has: postcard.HasQueue | postcard.HasInner, QueueDepth: depth, Inner: flow}
	}
	want := []postcard.Record{rec(3, 9), rec(2, 22), rec(1, 11)}
	want[1].Stage, want[2].Stage = postcard.Egress, postcard.Egress
	sameRecords(t, convert(t, &c, &profile.Standard, data), want)
	if n := c.Counts(); n != (Counts{Stacks: 1, Hops: 2, Sniffed: 1}) {
		t.Errorf("got %+v", n)
	}
	data[11] = 0 // F clear: there should be no embedded metadata
	if got := convert(t, &c, &profile.Standard, data); len(got) != 3 || c.Counts().Unannounced != 1 {
		t.Errorf("without F: got %+v", got)
	}
}

// The same with the sink's own hop in the stack: one record of it, not two, and what
// the main contents add is added.
func TestSinkInStack(t *testing.T) {
	data := concat(words(0x20000007, 3, 0x14190120, 0x40000000, 0, 0x00030005),
		ipv4(17), intTBD, words(0x18090006, 0x20000205, 0x90000000, 0, 3, 33, 2, 22, 1, 11), tcp)
	var c Converter
	got := convert(t, &c, &profile.Standard, data)
	if len(got) != 3 || got[0].Node != 3 || got[0].QueueDepth != 33 || got[0].InPort != 3 || got[0].OutPort != 5 || got[1].Has&postcard.HasPorts != 0 {
		t.Errorf("got %+v", got)
	}
}

// "Example with Embedded INT-MD over UDP in a VXLAN Packet", with the shim's Length
// put right (9): an Inner Only report says nothing of its sender.
func TestInnerOnly(t *testing.T) {
	data := concat(words(0x20000007, 3, 0x04210020),
		words(0x45000100, 0x00010000, 0x40110000, 0xc0a80101, 0xc0a80202), words(0xddd51234, 0x00480000),
		words(0x140912b5, 0x20000205, 0xc0000000, 0, 9, 0x00010002, 8, 0x00030004, 7, 0x00050006),
		words(0x08000000, 0x00000700), eth, ipv4(6), tcp)
	data[9] = byte((len(data) - 12) / 4) // Ethernet is drawn as four words and has three and a half
	var c Converter
	got := convert(t, &c, &profile.Standard, data[:len(data)-2])
	if len(got) != 3 {
		t.Fatalf("got %+v", got)
	}
	for i, node := range []postcard.NodeID{9, 8, 7} {
		r := got[i]
		if r.Node != node || r.InPort != uint32(2*i+1) || r.OutPort != uint32(2*i+2) || r.VNI != 7 || r.Inner != flow || r.Outer.SrcPort != 56789 || r.Outer.DstPort != 4789 {
			t.Errorf("hop %d: got %+v", i, r)
		}
	}
	data[11] |= 0x80 // D: the drop is the sender's
	if got = convert(t, &c, &profile.Standard, data); len(got) != 4 || got[0].Node != 3 || !got[0].Lost() || got[1].Lost() {
		t.Errorf("dropped: got %+v", got)
	}
}

// AmLight's test packet: 1.0 around INT 1.0, whose hops its test expects as 3, 2, 1.
func TestVersion10(t *testing.T) {
	text, err := os.ReadFile(testutil.Shared(t, "vectors/int/reports.json"))
	if err != nil {
		t.Fatal(err)
	}
	var raw []map[string]any
	if err := json.Unmarshal(text, &raw); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, v := range raw {
		want, ok := v["expect"].(map[string]any)["hops"].([]any)
		if !ok {
			continue
		}
		seen++
		var c Converter
		got := convert(t, &c, &profile.Standard, unhex(t, v["udp_payload"].(string)))
		if len(got) != len(want)+1 || got[0].Node != 4217755253 || got[0].Ingress != 980327565 {
			t.Fatalf("got %+v", got)
		}
		for i, node := range want {
			r := got[i+1]
			n := uint64(node.(float64))
			if float64(r.Node) != node || r.Ingress != n*1000 || r.Egress != n*1000+50 || r.Latency != 50 || r.Inner.DstPort != 50001 || r.Received != 0 {
				t.Errorf("hop %d: got %+v", i, r)
			}
		}
	}
	if seen == 0 {
		t.Error("no vector with hops")
	}
}

// A report of CableLabs' tests, read by the profile that its own bytes suggest.
func TestCableLabs(t *testing.T) {
	data := unhex(t, "23411040000000ea"+"040a0850"+"55aa5453"+"55aaaa55"+"00000000"+
		"000000000501000000000101"+"0800"+"4500005e000100003f11f831c0a80102c0a8010a"+"0000022b004afd8a"+
		"18080011"+"2000010980005453"+"80004000"+"000000ea"+"0000007b"+"0000000001010000"+
		"1a1816a000220000"+"68656c6c6f207472616e73706172656e742d7365637572697479")
	choice := profile.Alone(data)
	if choice.Profile != &profile.CableLabs || !choice.Guessed {
		t.Fatalf("got %+v", choice)
	}
	c := Converter{Domains: report.Domains{report.TransparentSecurity}}
	got := convert(t, &c, choice.Profile, data)
	// 0xea is the sender and the newest hop.
	if len(got) != 2 || got[0].Node != 0xea || got[1].Node != 0x7b || got[1].Inner.SrcPort != 0x1a18 || got[1].Inner.DstPort != 0x16a0 || got[1].Inner.Proto != 17 {
		t.Errorf("got %+v", got)
	}
}

// The layout of 2.0 under Ver = 1 with all lengths 0, InType IPv4 before an Ethernet
// header, and the sender's metadata behind the INT-MX header of the packet.
func TestMandaryoshi(t *testing.T) {
	data := concat(words(0x10400000, 5, 0x14000030, 0, 0), eth,
		words(0x455c0100, 0x00010000, 0x40110000, 0x0a0a0101, 0x0a0a0202), words(0x04d20050, 0),
		words(0x30030000, 0x20000000, 0xdc000000, 0), words(5, 0x00010002, 0x07000009, 0, 1000, 0, 1700))
	choice := profile.Alone(data)
	if choice.Profile != &profile.Mandaryoshi {
		t.Fatalf("got %+v", choice)
	}
	var c Converter
	got := convert(t, &c, choice.Profile, data)
	if len(got) != 1 {
		t.Fatalf("got %+v", got)
	}
	r := got[0]
	if r.Node != 5 || r.HwID != 1 || r.InPort != 1 || r.OutPort != 2 || r.Queue != 7 || r.QueueDepth != 9 || r.Ingress != 1000 || r.Latency != 700 || r.Inner.DstPort != 80 {
		t.Errorf("got %+v", r)
	}
}

// Timestamps of 48 bits wrap every 78 hours, those of 32 bits every 4.29 s; hw_id of
// switch-p4-16 is the pipe << 2.
func TestWrapAround(t *testing.T) {
	report20 := words(0x22000001, 9, 0x10060420, 0x0c000000, 0, 0x0000ffff, 0xfffffff0, 0, 0x10)
	var c Converter
	got := convert(t, &c, &profile.SwitchP416, report20)
	if r := got[0]; r.Latency != 32 || r.Ingress != 1<<48-16 || r.Egress != 1<<48+16 || r.HwID != 2 {
		t.Errorf("48 bits: got %+v", r)
	}
	report05 := concat(words(0x02200000, 1, 0xfffffff0, 9, 0x00010002, 0, 0x10), eth, ipv4(6), tcp)
	if r := convert(t, &c, &profile.FabricTNA, report05)[0]; r.Latency != 32 || r.Egress-r.Ingress != 32 {
		t.Errorf("32 bits: got %+v", r)
	}
	// Of 64 bits nothing wraps: what goes back is no latency.
	if r := convert(t, &c, &profile.Standard, report20)[0]; r.Has&postcard.HasLatency != 0 || r.Ingress != 0x0000fffffffffff0 || r.Egress != 0x10 {
		t.Errorf("64 bits: got %+v", r)
	}
	// With clocks the times of a node go on rising.
	c.Clocks = new(Clocks)
	start, last := int64(1_800_000_000_000_000_000), uint64(0)
	for i := range 20 {
		received := start + int64(i)*1e9
		binary.BigEndian.PutUint32(report05[8:], uint32(5_000_000_000+i*1e9))
		binary.BigEndian.PutUint32(report05[24:], uint32(5_000_000_100+i*1e9))
		d := report.Decoder{}
		g, err := d.Reset(report05)
		if err != nil {
			t.Fatal(err)
		}
		var r report.Report
		if ok, err := d.Next(&r); !ok || err != nil {
			t.Fatal(err)
		}
		c.Report(received, &profile.FabricTNA, g, &r, func(rec *postcard.Record) {
			if i > 0 && rec.Ingress != last+1e9 || rec.Egress != rec.Ingress+100 || rec.Ingress%(1<<32) != uint64(uint32(5_000_000_000+i*1e9)) {
				t.Errorf("second %d: got %d after %d", i, rec.Ingress, last)
			}
			last = rec.Ingress
		})
	}
}

// On BMv2 GEANT's reports and latencies are microseconds, its stack nanoseconds.
func TestUnits(t *testing.T) {
	stack := words(3, 40, 0, 2000, 0, 42000)
	data := concat(words(0x14000040, 8, 1, 77), eth, ipv4(17), words(0x04d20050, 0),
		words(0x01000900, 0x10000605, 0xac000000), stack)
	if p := profile.Alone(data).Profile; p != &profile.GEANT {
		t.Errorf("guess: got %s", p.Name)
	}
	var c Converter
	got := convert(t, &c, &profile.GEANTBMv2, data)
	if len(got) != 2 || got[0].Ingress != 77_000 || got[1].Latency != 40_000 || got[1].Ingress != 2000 || got[1].Egress != 42_000 {
		t.Errorf("got %+v", got)
	}
}

// Hops that have no valid name are counted, cut stacks give what they have.
func TestDamage(t *testing.T) {
	data := concat(words(0x20000007, 3, 0x14ff0120, 0x10000000, 0, 0x00000009),
		ipv4(17), intTBD, words(0x18090006, 0x20000205, 0x90000000, 0, 4, 33, 0xffffffff, 22, 1, 11), tcp)
	var c Converter
	if got := convert(t, &c, &profile.Standard, data); len(got) != 3 || c.Counts().Nameless != 1 {
		t.Errorf("got %+v, %+v", got, c.Counts())
	}
	c = Converter{}
	if got := convert(t, &c, &profile.Standard, data[:24+28+16+12]); len(got) != 2 || c.Counts() != (Counts{Stacks: 1, Hops: 1, Cut: 1, Sniffed: 1}) {
		t.Errorf("cut: got %+v, %+v", got, c.Counts())
	}
	marked := profile.Standard
	marked.Marks = dissect.Marks{Port: 0x1234}
	data[52] = 0x90 // a type that is none
	c = Converter{}
	if got := convert(t, &c, &marked, data); len(got) != 1 || c.Counts().Bad != 1 {
		t.Errorf("bad: got %+v, %+v", got, c.Counts())
	}
}

// What has a type that nobody has defined is counted, and the rest of it is read.
func TestUnknownTypes(t *testing.T) {
	var c Converter
	f := func(head uint32, inner []byte, want uint64) {
		t.Helper()
		if got := convert(t, &c, &profile.Standard, concat(words(0x20000001, 9, head|uint32(len(inner)/4)<<16), inner)); len(got) != 1 || c.Counts().Unknown != want {
			t.Errorf("%x: got %+v, %+v", head, got, c.Counts())
		}
	}
	f(0x06000000, words(1), 1)
	f(0x01000000, words(0x00010000, 1), 1)
	f(0x01000000, words(0x40010000, 1, 0x10000000), 2)
	f(0x00000000, nil, 2)
}

func TestPacket(t *testing.T) {
	data := concat(ipv4(17), intTBD, words(0x18070006, 0x20000206, 0x90000000, 0, 2, 22, 1, 11), tcp)
	var c Converter
	var got []postcard.Record
	c.Packet(5, &profile.Standard, dissect.IPv4, data, func(r *postcard.Record) { got = append(got, *r) })
	if len(got) != 2 || got[0].Node != 2 || got[1].Node != 1 || got[1].QueueDepth != 11 || got[1].Inner != flow || got[1].Received != 5 {
		t.Errorf("got %+v", got)
	}
}

func FuzzConvert(f *testing.F) {
	f.Add(concat(words(0x20000007, 3, 0x14170120, 0x10000000, 0, 0x00000009), ipv4(17), intTBD, words(0x18070006, 0x20000206, 0x90000000, 0, 2, 22, 1, 11), tcp))
	f.Add(concat(words(0x14000040, 8, 1, 77), eth, ipv4(17), words(0x04d20050, 0), words(0x01000900, 0x10000605, 0xac000000), words(3, 40, 0, 2000, 0, 42000)))
	f.Add(concat(words(0x10400000, 5, 0x14000030, 0, 0), eth, words(0x455c0100, 0x00010000, 0x40110000, 0x0a0a0101, 0x0a0a0202), words(0x04d20050, 0), words(0x30030000, 0x20000000, 0xdc000000, 0), words(5, 0x00010002, 0x07000009, 0, 1000, 0, 1700)))
	f.Add(concat(words(0x02200000, 1, 0xfffffff0, 9, 0x00010002, 0, 0x10), eth, ipv4(6), tcp))
	book, err := profile.NewBook(nil, 4)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		src := netip.AddrPortFrom(netip.AddrFrom4([4]byte{1, 2, 3, byte(len(data))}), 1)
		c := Converter{Domains: report.Domains{report.TransparentSecurity, report.ExtensionDomain}, Clocks: new(Clocks)}
		for _, p := range append([]*profile.Profile{book.Of(src, data).Profile}, profile.All...) {
			d := report.Decoder{Domains: c.Domains, Quirks: p.Quirks}
			g, err := d.Reset(data)
			if err != nil {
				continue
			}
			var r report.Report
			records, reports := 0, 0
			for ok, err := d.Next(&r); ok || err != nil; ok, err = d.Next(&r) {
				if err != nil {
					continue
				}
				reports++
				both(t, p, g, &r, c.Domains)
				c.Report(1<<60, p, g, &r, func(*postcard.Record) { records++ })
			}
			// A record rests on at least four bytes of the datagram.
			if records > reports+len(data)/4 {
				t.Fatalf("%s: got %d records from %d reports in %d bytes", p.Name, records, reports, len(data))
			}
		}
	})
}
