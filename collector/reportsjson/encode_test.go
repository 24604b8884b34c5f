package reportsjson

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/internal/testutil"
)

var encodeTo = EncodeOptions{Source: netip.MustParseAddrPort("192.0.2.1:1234"), Destination: netip.MustParseAddrPort("192.0.2.2:9555")}

func decoded(t testing.TB, in string, opt Options) string {
	t.Helper()
	opt.Format = JSON
	var out bytes.Buffer
	if _, err := Decode(context.Background(), &out, strings.NewReader(in), opt); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func encoded(t testing.TB, in string, output Output) (string, Encoded) {
	t.Helper()
	opt := encodeTo
	opt.Output = output
	var out bytes.Buffer
	sum, err := Encode(context.Background(), &out, strings.NewReader(in), opt)
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), sum
}

// hexLines are the lines of hex text that hold data.
func hexLines(text string) (all []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			if _, err := hex.DecodeString(line); err == nil {
				all = append(all, line)
			}
		}
	}
	return all
}

// What is decoded is encoded as it was: every kind of report there is.
func TestEncodeUndoesDecode(t *testing.T) {
	text := inputs(t)
	out, sum := encoded(t, decoded(t, text, Options{Hex: Datagrams}), HexLines)
	if diff := cmp.Diff(strings.Fields(out), hexLines(text)); diff != "" {
		t.Errorf("datagrams (-got, +want):\n%s", diff)
	}
	if sum.Skipped != 1 || sum.Raw != 4 || sum.Datagrams != 13 {
		t.Errorf("got %+v", sum)
	}
}

// The same through a capture: the addresses and times survive.
func TestEncodePCAP(t *testing.T) {
	first := decoded(t, inputs(t), Options{Hex: Datagrams})
	pcap, _ := encoded(t, first, PCAP)
	second := decoded(t, pcap, Options{})
	again, _ := encoded(t, second, PCAP)
	if pcap != again {
		t.Error("a capture changes when it is decoded and encoded")
	}
	if !strings.Contains(second, `"source":"192.0.2.1:1234","destination":"192.0.2.2:9555"`) {
		t.Errorf("got %s", second)
	}
	out, _ := encoded(t, second, HexLines)
	if diff := cmp.Diff(strings.Fields(out), hexLines(inputs(t))); diff != "" {
		t.Errorf("datagrams (-got, +want):\n%s", diff)
	}
}

// Datagrams and frames of others.
func TestEncodeVectorsOfOthers(t *testing.T) {
	data, err := os.ReadFile(testutil.Shared(t, "vectors/int/reports.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Payload string `json:"udp_payload"`
		Frame   string
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	var payloads []string
	for _, v := range vectors {
		payloads = append(payloads, v.Payload)
	}
	out, _ := encoded(t, decoded(t, strings.Join(payloads, "\n"), Options{}), HexLines)
	if diff := cmp.Diff(strings.Fields(out), payloads); diff != "" {
		t.Errorf("datagrams (-got, +want):\n%s", diff)
	}
	if data, err = os.ReadFile(testutil.Shared(t, "vectors/int/md-mx-frames.tsv")); err != nil {
		t.Fatal(err)
	}
	var frames []string
	for line := range strings.Lines(string(data)) {
		_, digits, _ := strings.Cut(strings.TrimSpace(line), "\t")
		frames = append(frames, digits)
	}
	text := decoded(t, strings.Join(frames, "\n"), Options{})
	out, sum := encoded(t, text, HexLines)
	if diff := cmp.Diff(strings.Fields(out), frames); diff != "" || sum.Packets != len(frames) {
		t.Errorf("frames, %v (-got, +want):\n%s", sum, diff)
	}
	pcap, _ := encoded(t, text, PCAP)
	out, _ = encoded(t, decoded(t, pcap, Options{}), HexLines)
	if diff := cmp.Diff(strings.Fields(out), frames); diff != "" {
		t.Errorf("frames through a capture (-got, +want):\n%s", diff)
	}
}

func TestEncodeIPv6(t *testing.T) {
	text := `{"source":"[2001:db8::1]:0","destination":"[2001:db8::2]:9555","ver":2,"report":0,"in_type":3,"truncated_packet":"00"}`
	pcap, _ := encoded(t, text, PCAP)
	got := decoded(t, pcap, Options{})
	if !strings.Contains(got, `"source":"[2001:db8::1]:0"`) || !strings.Contains(got, `"report_length":255`) {
		t.Errorf("got %s", got)
	}
	// The checksum is that of another implementation's arithmetic: what was sent adds up.
	b := []byte(pcap)[24+16+14:]
	var all uint32
	for i := 8; i+1 < len(b); i += 2 {
		all += uint32(be16(b[i:]))
	}
	all += uint32(b[len(b)-1])<<8*uint32(len(b)%2) + 17 + uint32(be16(b[4:]))
	for all > 0xffff {
		all = all>>16 + all&0xffff
	}
	if all != 0xffff {
		t.Errorf("checksum: got a sum of %#x", all)
	}
}

func TestEncodeRefuses(t *testing.T) {
	f := func(what, text, want string) {
		t.Helper()
		opt := encodeTo
		opt.Output = PCAP
		_, err := Encode(context.Background(), &bytes.Buffer{}, strings.NewReader(text), opt)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", what, err, want)
		}
	}
	f("no JSON", "{}\nx", "cannot encode line 1: got no ver")
	f("no JSON in line 2", `{"ver":2}`+"\nx", "cannot encode line 2")
	f("wide", `{"ver":2,"hw_id":64}`, "hw_id")
	f("rsvd", `{"ver":2,"rsvd":16}`, "rsvd 16")
	f("version", `{"ver":3}`, "version")
	f("two of 1.0", `{"ver":1,"ingress_timestamp":1}`+"\n"+`{"ver":1,"report":1,"ingress_timestamp":1}`, "want one")
	f("time", `{"ver":2,"time":"now"}`, "time")
	f("hex", `{"ver":2,"contents":"0"}`, "contents")
	f("datagram", `{"ver":2,"datagram":"xx"}`, "datagram")
	f("address", `{"ver":2,"source":"x"}`, "source")
	f("two kinds", `{"ver":2,"source":"[::1]:1"}`, "one kind")
	f("frame", `{"packet":1,"frame_data":"0"}`, "frame_data")
	f("start", `{"packet":1,"frame_start":"x"}`, "frame_start")
	f("TLV", `{"ver":2,"in_type":1,"tlvs":[{"tlv_type":16}]}`, "TLV")
	if _, err := Encode(context.Background(), &bytes.Buffer{}, strings.NewReader(""), EncodeOptions{}); err == nil {
		t.Error("got no error")
	}
}

// Any datagram: what decoding makes of it, encoding makes it again, but for what the
// decoder forgives.
func FuzzEncode(f *testing.F) {
	for _, line := range hexLines(inputs(f)) {
		b, err := hex.DecodeString(line)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, datagram []byte) {
		if len(datagram) == 0 {
			return
		}
		first := decoded(t, hex.EncodeToString(datagram), Options{Hex: Datagrams})
		out, _ := encoded(t, first, HexLines)
		if out == "" {
			return // a group header without reports, say
		}
		got, err := hex.DecodeString(strings.TrimSpace(out))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(got, datagram) || forgiven(datagram) {
			return
		}
		t.Fatalf("got %x\nwant %x\n%s", got, datagram, first)
	})
}

// forgiven reports whether a datagram has what encoding does not bring back.
func forgiven(datagram []byte) bool {
	_, reports, err := report.Parse(datagram)
	if err != nil {
		return false
	}
	for i := range reports {
		r := &reports[i]
		if r.Has(report.MdBit0) || r.RepType == report.InnerOnly && r.MDLen != 0 {
			return true
		}
		if r.InType == report.InTLV && len(r.Inner)%4 != 0 {
			return true
		}
	}
	return len(datagram)%4 != 0
}

// A packet without a link header gets a made-up one, and is the same packet.
func TestEncodeRawIP(t *testing.T) {
	raw := "455c0048000100004006633d0a0a01010a0a020204d2005000000001000000025010000000000000" +
		"1007002820000206900000000000000000000002000000160000000" + "10000000b"
	first := decoded(t, raw, Options{})
	if !strings.Contains(first, `"frame_start":"ipv4"`) {
		t.Fatalf("got %s", first)
	}
	out, sum := encoded(t, first, HexLines)
	if want := "020000000002020000000001" + "0800" + raw; strings.TrimSpace(out) != want || sum.Packets != 1 {
		t.Errorf("got %s\nwant %s", out, want)
	}
	var a, b map[string]any
	if err := json.Unmarshal([]byte(first), &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(decoded(t, out, Options{})), &b); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a["int"], b["int"]); diff != "" {
		t.Errorf("INT (-got, +want):\n%s", diff)
	}
}
