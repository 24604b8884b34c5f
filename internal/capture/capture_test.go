package capture

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/telltale-net/telltale/internal/testutil"
)

// udp is a frame with a UDP datagram, built by another project's code.
func udp(t testing.TB, payload string, below ...gopacket.SerializableLayer) []byte {
	t.Helper()
	if len(below) == 0 {
		below = []gopacket.SerializableLayer{
			&layers.Ethernet{SrcMAC: []byte{2, 0, 0, 0, 0, 1}, DstMAC: []byte{2, 0, 0, 0, 0, 2}, EthernetType: layers.EthernetTypeIPv4},
			ip4(),
		}
	}
	u := &layers.UDP{SrcPort: 1000, DstPort: 9555}
	buf := gopacket.NewSerializeBuffer()
	all := append(below, u, gopacket.Payload(payload))
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true}, all...); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func ip4() *layers.IPv4 {
	return &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: []byte{10, 0, 0, 1}, DstIP: []byte{10, 0, 0, 2}}
}

func ip6() *layers.IPv6 {
	return &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolUDP,
		SrcIP: netip.MustParseAddr("2001:db8::1").AsSlice(), DstIP: netip.MustParseAddr("2001:db8::2").AsSlice()}
}

// all reads a stream to its end and gives a line per datagram or error.
func all(stream []byte) (string, Stats) {
	r, err := NewReader(bytes.NewReader(stream))
	if err != nil {
		return err.Error() + "\n", Stats{}
	}
	var b strings.Builder
	for {
		var d Datagram
		err := r.Next(&d)
		if err == io.EOF {
			return b.String(), r.Stats()
		}
		if err != nil {
			fmt.Fprintln(&b, err)
			var e *Error
			if !errors.As(err, &e) || e.Fatal {
				return b.String(), r.Stats()
			}
			continue
		}
		fmt.Fprintf(&b, "%v: %d %v > %v %q", d.Position, d.Time, d.Src, d.Dst, d.Payload)
		if d.Missing != 0 {
			fmt.Fprintf(&b, " %d missing", d.Missing)
		}
		b.WriteByte('\n')
	}
}

func TestWhatOthersWrote(t *testing.T) {
	at := time.Unix(1700000000, 123456789)
	frames := [][]byte{udp(t, "one"), udp(t, "twice as long"), udp(t, "")}
	want := "frame 1 at byte %d: %d 10.0.0.1:1000 > 10.0.0.2:9555 \"one\"\n" +
		"frame 2 at byte %d: %d 10.0.0.1:1000 > 10.0.0.2:9555 \"twice as long\"\n" +
		"frame 3 at byte %d: %d 10.0.0.1:1000 > 10.0.0.2:9555 \"\"\n"
	f := func(name string, ns int64, offsets [3]int, write func(io.Writer, []byte) error) {
		t.Helper()
		var b bytes.Buffer
		for _, frame := range frames {
			if err := write(&b, frame); err != nil {
				t.Fatal(err)
			}
		}
		got, stats := all(b.Bytes())
		if want := fmt.Sprintf(want, offsets[0], ns, offsets[1], ns, offsets[2], ns); got != want {
			t.Errorf("%s: got\n%swant\n%s", name, got, want)
		}
		if stats != (Stats{Frames: 3, Datagrams: 3}) {
			t.Errorf("%s: got %+v", name, stats)
		}
	}
	info := func(frame []byte) gopacket.CaptureInfo {
		return gopacket.CaptureInfo{Timestamp: at, CaptureLength: len(frame), Length: len(frame)}
	}
	var w *pcapgo.Writer
	f("pcap, microseconds", at.UnixNano()/1000*1000, [3]int{24, 100, 176}, func(b io.Writer, frame []byte) error {
		if w == nil {
			w = pcapgo.NewWriter(b)
			if err := w.WriteFileHeader(65535, layers.LinkTypeEthernet); err != nil {
				return err
			}
		}
		return w.WritePacket(info(frame), frame)
	})
	w = nil
	f("pcap, nanoseconds", at.UnixNano(), [3]int{24, 100, 176}, func(b io.Writer, frame []byte) error {
		if w == nil {
			w = pcapgo.NewWriterNanos(b)
			if err := w.WriteFileHeader(65535, layers.LinkTypeEthernet); err != nil {
				return err
			}
		}
		return w.WritePacket(info(frame), frame)
	})
	var own *Writer
	f("our own", at.UnixNano(), [3]int{24, 100, 176}, func(b io.Writer, frame []byte) (err error) {
		if own == nil {
			if own, err = NewWriter(b); err != nil {
				return err
			}
		}
		return own.Write(at.UnixNano(), frame)
	})
	var ng *pcapgo.NgWriter
	f("pcapng", at.UnixNano(), [3]int{124, 216, 308}, func(b io.Writer, frame []byte) (err error) {
		if ng == nil {
			if ng, err = pcapgo.NewNgWriter(b, layers.LinkTypeEthernet); err != nil {
				return err
			}
		}
		if err := ng.WritePacket(info(frame), frame); err != nil {
			return err
		}
		return ng.Flush()
	})
}

// bigEndian turns the headers of a little-endian pcap with frames of one length round.
func bigEndian(b []byte, frame int) []byte {
	b = bytes.Clone(b)
	turn := func(b []byte) { binary.BigEndian.PutUint32(b, binary.LittleEndian.Uint32(b)) }
	turn(b)
	b[4], b[5], b[6], b[7] = b[5], b[4], b[7], b[6]
	turn(b[16:])
	turn(b[20:])
	for at := 24; at < len(b); at += 16 + frame {
		for i := range 4 {
			turn(b[at+4*i:])
		}
	}
	return b
}

func TestByteOrdersAgree(t *testing.T) {
	frame := udp(t, "payload")
	var b bytes.Buffer
	w, err := NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(3) {
		if err := w.Write(i*1e9+7, frame); err != nil {
			t.Fatal(err)
		}
	}
	little, _ := all(b.Bytes())
	big, _ := all(bigEndian(b.Bytes(), len(frame)))
	if little != big || strings.Count(little, "\n") != 3 {
		t.Errorf("little-endian:\n%sbig-endian:\n%s", little, big)
	}
}

func TestLinks(t *testing.T) {
	f := func(what string, link layers.LinkType, frame []byte, want string) {
		t.Helper()
		var b bytes.Buffer
		w := pcapgo.NewWriterNanos(&b)
		if err := w.WriteFileHeader(65535, link); err != nil {
			t.Fatal(err)
		}
		if err := w.WritePacket(gopacket.CaptureInfo{Timestamp: time.Unix(1, 0), CaptureLength: len(frame), Length: len(frame)}, frame); err != nil {
			t.Fatal(err)
		}
		got, stats := all(b.Bytes())
		if want != "" {
			want = "frame 1 at byte 24: 1000000000 " + want + "\n"
		}
		if got != want || want == "" && stats.Skipped() != 1 {
			t.Errorf("%s: got %q, %+v; want %q", what, got, stats, want)
		}
	}
	const v4, v6 = "10.0.0.1:1000 > 10.0.0.2:9555 \"x\"", "[2001:db8::1]:1000 > [2001:db8::2]:9555 \"x\""
	ether := func(next layers.EthernetType) *layers.Ethernet {
		return &layers.Ethernet{SrcMAC: []byte{2, 0, 0, 0, 0, 1}, DstMAC: []byte{2, 0, 0, 0, 0, 2}, EthernetType: next}
	}
	vlan := func(id uint16, next layers.EthernetType) *layers.Dot1Q {
		return &layers.Dot1Q{VLANIdentifier: id, Type: next}
	}
	raw4, raw6 := udp(t, "x", ip4()), udp(t, "x", ip6())
	f("Ethernet, padded", layers.LinkTypeEthernet, append(udp(t, "x"), make([]byte, 17)...), v4)
	f("IPv6", layers.LinkTypeEthernet, udp(t, "x", ether(layers.EthernetTypeIPv6), ip6()), v6)
	f("VLAN", layers.LinkTypeEthernet, udp(t, "x", ether(layers.EthernetTypeDot1Q), vlan(7, layers.EthernetTypeIPv4), ip4()), v4)
	f("QinQ", layers.LinkTypeEthernet, udp(t, "x", ether(layers.EthernetTypeQinQ), vlan(7, layers.EthernetTypeDot1Q), vlan(8, layers.EthernetTypeIPv6), ip6()), v6)
	f("raw IPv4", layers.LinkTypeRaw, raw4, v4)
	f("raw IPv6", layers.LinkTypeRaw, raw6, v6)
	f("IPv4", layers.LinkTypeIPv4, raw4, v4)
	f("loopback", layers.LinkTypeNull, append([]byte{2, 0, 0, 0}, raw4...), v4)
	f("cooked", layers.LinkTypeLinuxSLL, append(make([]byte, 16), raw6...), v6)
	f("cooked v2", 276, append(make([]byte, 20), raw4...), v4)
	f("a link nobody knows", 147, raw4, "")
	f("ARP", layers.LinkTypeEthernet, append(make([]byte, 12), 8, 6, 0, 1), "")
	tcp := ip4()
	tcp.Protocol = layers.IPProtocolTCP
	f("TCP", layers.LinkTypeRaw, udp(t, "x", tcp), "")
	fragment := ip4()
	fragment.Flags = layers.IPv4MoreFragments
	f("fragment", layers.LinkTypeRaw, udp(t, "x", fragment), "")
	f("cut within UDP", layers.LinkTypeRaw, raw4[:25], "")
	f("cut within the datagram", layers.LinkTypeRaw, udp(t, "xyz", ip4())[:29], "10.0.0.1:1000 > 10.0.0.2:9555 \"x\" 2 missing")
	f("nothing", layers.LinkTypeRaw, nil, "")
}

func TestText(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got, _ := all([]byte(text)); got != want {
			t.Errorf("%q: got\n%swant\n%s", text, got, want)
		}
	}
	const ports = " 0 invalid AddrPort > invalid AddrPort "
	f("", "")
	f("\n\n", "")
	f("# nothing\n", "")
	f("6162\n0x63 64\r\n\n  # comment\n6A6b", "line 1:"+ports+"\"ab\"\nline 2:"+ports+"\"cd\"\nline 5:"+ports+"\"jk\"\n")
	f("61\n616\n61g2\n0x6\n62", "line 1:"+ports+"\"a\"\n"+
		"capture: line 2: got 3 hex digits, want an even number\n"+
		"capture: line 3: column 3: got 'g', want a hex digit\n"+
		"capture: line 4: got 1 hex digits, want an even number\n"+
		"line 5:"+ports+"\"b\"\n")
	f("61\n"+strings.Repeat("a", 2*maxFrame+1), "line 1:"+ports+"\"a\"\ncapture: line 2: line: got more than 524288 bytes, want at most that\n")
	f("\x1f\x8b\x08\x00", "capture: cannot tell the format: begins with 1f 8b 08 00; want pcap, pcapng, or hex text\n")
}

func TestDamagedCapturesNameThePlace(t *testing.T) {
	var pcapFile bytes.Buffer
	w, err := NewWriter(&pcapFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(0, udp(t, "x")); err != nil {
		t.Fatal(err)
	}
	var ngFile bytes.Buffer
	ng, err := pcapgo.NewNgWriter(&ngFile, layers.LinkTypeEthernet)
	if err != nil {
		t.Fatal(err)
	}
	frame := udp(t, "x")
	if err := ng.WritePacket(gopacket.CaptureInfo{CaptureLength: len(frame), Length: len(frame)}, frame); err != nil {
		t.Fatal(err)
	}
	if err := ng.Flush(); err != nil {
		t.Fatal(err)
	}
	f := func(what string, stream []byte, want string) {
		t.Helper()
		got, _ := all(stream)
		if !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	p, n := pcapFile.Bytes(), ngFile.Bytes()
	edit := func(b []byte, at int, v ...byte) []byte {
		b = bytes.Clone(b)
		copy(b[at:], v)
		return b
	}
	f("pcap header", p[:10], "the stream ends within a file header: got 10 bytes, want 24")
	f("pcap record", p[:30], "frame 1 at byte 24: the stream ends within a record header: got 6 bytes, want 16")
	f("pcap frame", p[:50], "frame 1 at byte 24: the stream ends within a frame: got 10 bytes, want 60")
	f("pcap length", edit(p, 32, 0xff, 0xff, 0xff, 0xff), "captured length: got 4294967295 bytes, want at most 262144")
	f("pcap version", edit(p, 4, 9), "cannot read pcap version 9")
	f("pcapng byte order", edit(n, 8, 1, 2, 3, 4), "got byte order magic 01 02 03 04")
	f("pcapng length", edit(n, 4, 0xff, 0xff, 0xff, 0xff), "block length: got 4294967295")
	f("pcapng version", edit(n, 12, 7), "cannot read pcapng version 7")
	f("pcapng cut", n[:len(n)-5], "the stream ends within a block")
	f("pcapng length behind", edit(n, len(n)-4, 1), "block length behind the block")
	at := bytes.LastIndex(n, []byte{6, 0, 0, 0})
	f("pcapng interface", edit(n, at+8, 9), "interface 9 is not described, there are 1")
	f("pcapng captured", edit(n, at+20, 0xff, 0xff), "want 65535 captured")
}

func TestTimestampsOfPcapng(t *testing.T) {
	f := func(resol uint8, offset int64, t64 uint64, want int64) {
		t.Helper()
		i := ngInterface{resol: resol, offset: offset}
		if got := i.nanoseconds(t64); got != want {
			t.Errorf("resolution %#x, offset %d, %d: got %d, want %d", resol, offset, t64, got, want)
		}
	}
	f(6, 0, 1_500_000, 1_500_000_000)
	f(9, 0, 1_500_000_000, 1_500_000_000)
	f(9, 10, 1, 10_000_000_001)
	f(0, 0, 7, 7_000_000_000)
	f(12, 0, 1_000_000_002_500, 1_000_000_002)
	f(0x80|10, 0, 1024+512, 1_500_000_000)
	f(0x80|32, 0, 1<<32|1<<31, 1_500_000_000)
	f(0x80, 0, 3, 3_000_000_000)
	f(200, 0, 3, 0)
	f(0, 0, 1<<63, maxSeconds*1e9)
}

// The frames of the shared vectors are Ethernet; their payload is beside them.
func TestFramesOfOthers(t *testing.T) {
	data, err := os.ReadFile(testutil.Shared(t, "vectors/int/reports.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Name, Frame string
		Payload     string `json:"udp_payload"`
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range vectors {
		frame, err := hex.DecodeString(v.Frame)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(int64(i), frame); err != nil {
			t.Fatal(err)
		}
	}
	r, err := NewReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	var d Datagram
	for _, v := range vectors {
		if err := r.Next(&d); err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(d.Payload); got != v.Payload {
			t.Errorf("%s: got %s, want %s", v.Name, got, v.Payload)
		}
	}
}

func FuzzReader(f *testing.F) {
	var b bytes.Buffer
	w, _ := NewWriter(&b)
	_ = w.Write(1, udp(f, "x"))
	f.Add(b.Bytes())
	var n bytes.Buffer
	ng, _ := pcapgo.NewNgWriter(&n, layers.LinkTypeEthernet)
	frame := udp(f, "x")
	_ = ng.WritePacket(gopacket.CaptureInfo{CaptureLength: len(frame), Length: len(frame)}, frame)
	_ = ng.Flush()
	f.Add(n.Bytes())
	f.Add([]byte("0x6162\n# x\n61 62"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		r, err := NewReader(bytes.NewReader(stream))
		if err != nil {
			return
		}
		for range len(stream) + 2 {
			var d Datagram
			err := r.Next(&d)
			var e *Error
			if err == io.EOF || errors.As(err, &e) && e.Fatal {
				return
			}
			if err == nil && len(d.Payload) > len(stream) {
				t.Fatalf("a payload of %d bytes from a stream of %d", len(d.Payload), len(stream))
			}
		}
		t.Fatal("more datagrams than bytes")
	})
}
