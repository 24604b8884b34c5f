package reportsjson

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/telltale-net/telltale/collector/report/profile"
	"github.com/telltale-net/telltale/internal/capture"
	"github.com/telltale-net/telltale/internal/dissect"
	"github.com/telltale-net/telltale/internal/testutil"
)

// decodeLines decodes text and returns the objects.
func decodeLines(t *testing.T, text string, opt Options) ([]map[string]any, Summary) {
	t.Helper()
	opt.Format = JSON
	var out bytes.Buffer
	sum, err := Decode(context.Background(), &out, strings.NewReader(text), opt)
	if err != nil {
		t.Fatal(err)
	}
	return objects(t, out.Bytes()), sum
}

func objects(t *testing.T, lines []byte) (all []map[string]any) {
	t.Helper()
	for line := range bytes.Lines(lines) {
		var o map[string]any
		if err := json.Unmarshal(line, &o); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, o)
	}
	return all
}

// The frames of another project's tests, as hex text and as a capture: the same
// objects, with what the specification says their words mean.
func TestFramesOfOthers(t *testing.T) {
	data, err := os.ReadFile(testutil.Shared(t, "vectors/int/md-mx-frames.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	var pcap bytes.Buffer
	w, err := capture.NewWriter(&pcap)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(data)) {
		name, digits, _ := strings.Cut(strings.TrimSpace(line), "\t")
		frame, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
		text.WriteString(digits + "\n")
		if err := w.Write(0, frame); err != nil {
			t.Fatal(err)
		}
	}
	got, sum := decodeLines(t, text.String(), Options{})
	if sum.Packets != len(names) || sum.INT != len(names) || sum.BadINT != 0 || sum.Malformed != 0 || sum.Reports != 0 || len(got) != len(names) {
		t.Fatalf("got %v", sum)
	}
	var out bytes.Buffer
	if sum, err = Decode(context.Background(), &out, &pcap, Options{Format: JSON}); err != nil || sum.Packets != len(names) || sum.NotUDP != 0 || sum.Datagrams != 0 {
		t.Fatalf("capture: got %v, %v", sum, err)
	}
	captured := objects(t, out.Bytes())
	for i, o := range got {
		name := names[i]
		for _, key := range []string{"line", "frame", "time", "stream_offset"} {
			delete(o, key)
			delete(captured[i], key)
		}
		if diff := cmp.Diff(o, captured[i]); diff != "" {
			t.Errorf("%s: text and capture differ:\n%s", name, diff)
		}
		want := map[string]any{"ver": 2.0, "d": 0.0, "reserved": 0.0, "instruction_bitmap": float64(0xfe00),
			"domain_specific_id": float64(0x7777), "ds_instruction": float64(0x8888), "ds_flags": float64(0x9999)}
		hop := func(node, in, out, in2, out2 float64) map[string]any {
			return map[string]any{"node_id": node, "level_1_ingress_interface_id": in, "level_1_egress_interface_id": out,
				"hop_latency": 0.0, "queue_id": 0.0, "queue_occupancy": 0.0, "ingress_timestamp": 0.0, "egress_timestamp": 0.0,
				"level_2_ingress_interface_id": in2, "level_2_egress_interface_id": out2}
		}
		if strings.Contains(name, "INT MD") {
			want["type"], want["type_name"], want["length"], want["e"], want["m"], want["hop_ml"], want["remaining_hop_count"] = 1.0, "MD 2.x", 23.0, 0.0, 0.0, 10.0, 7.0
			want["hops"] = []any{hop(0xb22, 0x14, 0x15, 5, 6), hop(0xa11, 10, 11, 1, 2)}
		} else {
			want["type"], want["type_name"], want["length"] = 3.0, "MX 2.x", 3.0
		}
		want["sniffed"] = 1.0
		switch {
		case strings.Contains(name, "GRE"):
			want["carrier"], want["g"], want["next_protocol"] = "gre", 0.0, float64(0x6558)
		case strings.Contains(name, "VXLAN"):
			want["carrier"], want["g"], want["next_protocol"], want["sniffed"] = "vxlan_gpe", 0.0, 3.0, 0.0
		case strings.Contains(name, "GENEVE"):
			want["carrier"], want["option_class"], want["sniffed"] = "geneve", float64(0x103), 0.0
		default:
			want["carrier"] = strings.ToLower(name[strings.Index(name, "IPv")+5:][:3])
			want["npt"], want["dscp"], want["l4_checksum"] = 0.0, 0.0, "right"
			if strings.Contains(name, "L4_DPORT") {
				want["npt"], want["udp_port"] = 1.0, float64(0x2344)
				delete(want, "dscp")
			}
		}
		if diff := cmp.Diff(o["int"], []any{want}); diff != "" {
			t.Errorf("%s (-got, +want):\n%s", name, diff)
		}
		inner := o["inner"].(map[string]any)
		if port := inner["dst_port"]; want["npt"] != nil && port != float64(0x2344) {
			t.Errorf("%s: got port %v", name, port)
		}
	}
}

// Packets that are marked otherwise, and one that only the options find.
func TestMarks(t *testing.T) {
	// IPv4, UDP to port 0x1234; the shim has a reserved bit set, so looks do not do.
	frame := "020000000002020000000001080045000040000100004011664f0a0000010a00000204d21234002c0000" +
		"15070035" + "20000206" + "90000000" + "00000000" + "0000000200000016" + "000000010000000b" + "01020304"
	if got, sum := decodeLines(t, frame, Options{Hex: Frames}); sum.Packets != 0 || len(got) != 1 || got[0]["error"] == nil {
		t.Errorf("without marks: got %v", sum)
	}
	f := func(what string, opt Options, want bool) {
		t.Helper()
		opt.Hex = Frames
		got, sum := decodeLines(t, frame, opt)
		if (sum.Packets == 1) != want {
			t.Errorf("%s: got %v", what, sum)
			return
		}
		if want {
			hops, _ := got[0]["int"].([]any)[0].(map[string]any)["hops"].([]any)
			inner := got[0]["inner"].(map[string]any)
			if len(hops) != 2 || inner["dst_port"] != 53.0 || inner["wire_dst_port"] != float64(0x1234) {
				t.Errorf("%s: got %v", what, got[0])
			}
		}
	}
	f("port", Options{Marks: dissect.Marks{Port: 0x1234}}, true)
	f("another port", Options{Marks: dissect.Marks{Port: 0x1235}}, false)
	f("DSCP", Options{Marks: dissect.Marks{DSCP: 0, DSCPMask: 1}}, true)
	f("another DSCP", Options{Marks: dissect.Marks{DSCP: 1, DSCPMask: 1}}, false)
	frame = strings.Replace(frame, "15070035", "0102030405060708"+"15070035", 1)
	f("probe", Options{Marks: dissect.Marks{Probe: 0x0102030405060708}}, true)
	f("another probe", Options{Marks: dissect.Marks{Probe: 1}}, false)
	frame = strings.Replace(frame, "0102030405060708"+"15070035", "14070035", 1)
	f("looks", Options{}, true)
	f("no looks", Options{NoSniff: true}, false)
}

func TestHexText(t *testing.T) {
	datagram := "2000000100000001" + "03040020" + "000000000000000000000000" + "08004500"
	if _, sum := decodeLines(t, datagram, Options{}); sum.Reports != 1 {
		t.Errorf("datagram: got %v", sum)
	}
	// The same datagram in a frame, once its IPv4 header checksum is right.
	frame := "020000000002020000000001" + "0800" + "450000380001000040117aca" + "0a0000010a000002" + "04d22553" + "00240000" + datagram
	b, err := hex.DecodeString(frame)
	if err != nil {
		t.Fatal(err)
	}
	b[24], b[25] = 0, 0
	var c uint32
	for i := 14; i < 34; i += 2 {
		c += uint32(be16(b[i:]))
	}
	c = ^(c>>16 + c&0xffff)
	b[24], b[25] = byte(c>>8), byte(c)
	got, sum := decodeLines(t, hex.EncodeToString(b), Options{})
	if sum.Reports != 1 || sum.Malformed != 0 || got[0]["source"] != "10.0.0.1:1234" || got[0]["destination"] != "10.0.0.2:9555" {
		t.Errorf("frame: got %v, %v", sum, got)
	}
	// From the IP header on, as the figures of the specifications have packets.
	got, sum = decodeLines(t, hex.EncodeToString(b[14:]), Options{})
	if sum.Reports != 1 || sum.Malformed != 0 || got[0]["source"] != "10.0.0.1:1234" {
		t.Errorf("IP packet: got %v, %v", got, sum)
	}
	// No report starts so, whatever the checksum: version 11.
	b[0], b[24] = 0xb6, b[24]+1
	if got, sum = decodeLines(t, hex.EncodeToString(b), Options{}); sum.Reports != 1 || got[0]["source"] != "10.0.0.1:1234" {
		t.Errorf("frame with a wrong checksum: got %v, %v", got, sum)
	}
	b[0], b[24] = 0x02, b[24]-1
	if got, _ = decodeLines(t, hex.EncodeToString(b), Options{Hex: Datagrams}); got[0]["source"] != nil || got[0]["ver"] != 0.0 {
		t.Errorf("frame said to be a datagram: got %v", got[0])
	}
	if _, err := Decode(context.Background(), &bytes.Buffer{}, strings.NewReader(""), Options{Format: JSON, Hex: "x"}); err == nil {
		t.Error("got no error")
	}
}

// Reports of emitters that deviate: read as they mean it, and said so.
func TestProfiles(t *testing.T) {
	cablelabs := "23411040000000ea040a085055aa545355aaaa55000000000000000005010000000001010800" +
		"4500005e000100003f11f831c0a80102c0a8010a0000022b004afd8a" +
		"18080011200001098000545380004000000000ea0000007b00000000010100001a1816a000220000" + "68656c6c6f207472616e73706172656e742d7365637572697479"
	got, sum := decodeLines(t, cablelabs, Options{})
	if sum.Guessed != 1 || got[0]["profile"] != "cablelabs" || got[0]["profile_guessed"] != 1.0 || got[0]["rep_md_bits"] != float64(0x55aa) {
		t.Errorf("cablelabs: got %v", got[0])
	}
	x := got[0]["int"].([]any)[0].(map[string]any)
	if hops := x["hops"].([]any); len(hops) != 2 || hops[1].(map[string]any)["source_only_metadata"] != "0000000001010000" {
		t.Errorf("cablelabs: got %v", x)
	}
	drop := "223fffff111111111303018b" + "000100000000" + "0000" + "04470000"
	opt := Options{Profiles: []profile.Rule{}, Profile: &profile.SwitchP416}
	got, sum = decodeLines(t, drop, opt)
	if sum.Guessed != 0 || got[0]["profile"] != "switch-p4-16" || got[0]["profile_guessed"] != 0.0 || got[0]["subsystem"] != 2.0 || got[0]["etrap_status"] != 2.0 || got[0]["rsvd"] != 11.0 || got[0]["drop_reason_name"] != "traffic_manager" {
		t.Errorf("switch-p4-16: got %v", got[0])
	}
	got, _ = decodeLines(t, drop, Options{Profile: &profile.Standard})
	if got[0]["drop_reason_name"] != nil || got[0]["subsystem"] != nil {
		t.Errorf("standard: got %v", got[0])
	}
}

func FuzzDecodeFrames(f *testing.F) {
	b, err := hex.DecodeString("020000000002020000000001080045000040000100004011664f0a0000010a00000204d21234002c0000" +
		"1407003520000206900000000000000000000002000000160000000100000000b01020304"[:72])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, frame []byte) {
		for _, opt := range []Options{
			{Format: JSON, Hex: Frames},
			{Format: Text, Hex: Frames, Marks: dissect.Marks{DSCPMask: 1, GREProtocol: 0x4569}},
			{Format: JSON, Hex: Frames, Profile: &profile.Mandaryoshi},
		} {
			var out bytes.Buffer
			sum, err := Decode(context.Background(), &out, strings.NewReader(hex.EncodeToString(frame)+"\n"), opt)
			if err != nil {
				t.Fatal(err)
			}
			if lines := bytes.Count(out.Bytes(), []byte{'\n'}); lines != sum.Reports+sum.Malformed+sum.Packets {
				t.Fatalf("got %d lines, %v", lines, sum)
			}
			for line := range bytes.Lines(out.Bytes()) {
				if opt.Format == JSON && !json.Valid(line) {
					t.Fatalf("not JSON: %s", line)
				}
			}
			if max := 64*len(frame) + 8192; out.Len() > max {
				t.Fatalf("got %d bytes from %d, want at most %d", out.Len(), len(frame), max)
			}
		}
	})
}
