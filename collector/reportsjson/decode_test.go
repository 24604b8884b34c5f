package reportsjson

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/internal/capture"
	"github.com/telltale-net/telltale/internal/testutil"
)

var update = flag.Bool("update", false, "write what the tests got into testdata")

// golden holds got against testdata/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, string(want)); diff != "" {
		t.Errorf("%s (-got, +want):\n%s", name, diff)
	}
}

func TestGoldens(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*.hex")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no testdata: %v", err)
	}
	for _, path := range inputs {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, format := range []Format{JSON, Text} {
			var out strings.Builder
			sum, err := Decode(context.Background(), &out, bytes.NewReader(data), Options{Format: format})
			if err != nil {
				t.Fatal(err)
			}
			if format == JSON {
				for line := range strings.Lines(out.String()) {
					if !json.Valid([]byte(line)) {
						t.Errorf("%s: not JSON: %s", path, line)
					}
				}
			}
			name := strings.TrimSuffix(filepath.Base(path), ".hex") + "." + string(format)
			golden(t, name, out.String()+"# "+sum.String()+"\n")
		}
	}
}

// nameOf maps the vectors' names to ours, which are the specification's.
var nameOf = map[string]string{
	"ver": "ver", "rep_type": "rep_type", "in_type": "in_type", "report_length": "report_length",
	"md_length": "md_length", "rep_md_bits": "rep_md_bits", "hw_id": "hw_id", "seq": "sequence_number",
	"node": "node_id", "dropped": "d", "congested_queue": "q", "path_tracking_flow": "f",
	"ingress_port": "level_1_ingress_interface_id", "egress_port": "level_1_egress_interface_id",
	"hop_latency": "hop_latency", "queue_id": "queue_id", "queue_depth": "queue_occupancy",
	"timestamp": "ingress_timestamp", "egress_tstamp": "egress_timestamp",
	"ingress_if_id": "level_2_ingress_interface_id", "egress_if_id": "level_2_egress_interface_id",
	"eg_port_tx_util": "egress_port_tx_utilization", "buffer_id": "buffer_id", "buffer_occupancy": "buffer_occupancy",
	"drop_queue_id": "drop_queue_id", "drop_reason": "drop_reason",
}

// The vectors as a capture: every field expected of version 2.0 is in the JSON.
func TestVectorsOfOthers(t *testing.T) {
	data, err := os.ReadFile(testutil.Shared(t, "vectors/int/reports.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Name, Frame string
		Expect      map[string]any
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		if v.Expect["ver"] != 2.0 {
			continue
		}
		frame, err := hex.DecodeString(v.Frame)
		if err != nil {
			t.Fatal(err)
		}
		var pcap bytes.Buffer
		w, err := capture.NewWriter(&pcap)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(1_700_000_000_000_000_001, frame); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		sum, err := Decode(context.Background(), &out, &pcap, Options{Format: JSON, Port: 32766})
		if err != nil || sum.Malformed != 0 || sum.Reports != 1 {
			t.Fatalf("%s: got %v, %v", v.Name, sum, err)
		}
		got := map[string]any{}
		if err := json.Unmarshal(out.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		for field, want := range v.Expect {
			if name := nameOf[field]; name == "" || got[name] != want {
				t.Errorf("%s: %s: got %v, want %v", v.Name, field, got[name], want)
			}
		}
		for field, want := range map[string]string{
			"time": "2023-11-14T22:13:20.000000001Z", "source": "10.0.0.1:0", "destination": "10.0.0.9:32766",
		} {
			if got[field] != want {
				t.Errorf("%s: %s: got %v, want %v", v.Name, field, got[field], want)
			}
		}
	}
}

func TestPort(t *testing.T) {
	var pcap bytes.Buffer
	w, err := capture.NewWriter(&pcap)
	if err != nil {
		t.Fatal(err)
	}
	frame := []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0,
		0x45, 0, 0, 40, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
		0, 53, 0x25, 0x53, 0, 20, 0, 0,
		0x20, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 0}
	for port := range byte(3) {
		frame[37] = 0x53 + port
		if err := w.Write(0, frame); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	sum, err := Decode(context.Background(), &out, &pcap, Options{Format: JSON, Port: 9556})
	if err != nil || sum.Reports != 1 || sum.OtherPort != 2 || !strings.Contains(out.String(), `"destination":"10.0.0.2:9556"`) {
		t.Errorf("got %v, %v: %s", sum, err, out.String())
	}
}

func TestDamagedCaptureIsAnObject(t *testing.T) {
	pcap := make([]byte, 30)
	copy(pcap, []byte{0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0})
	var out strings.Builder
	sum, err := Decode(context.Background(), &out, bytes.NewReader(pcap), Options{Format: JSON})
	want := `{"frame":1,"stream_offset":24,"error":"the stream ends within a record header: got 6 bytes, want 16"}` + "\n"
	if err != nil || sum.Malformed != 1 || out.String() != want {
		t.Errorf("got %v, %v: %s", sum, err, out.String())
	}
}

func TestRefusals(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	_, err := Decode(ctx, &strings.Builder{}, strings.NewReader(""), Options{Format: "xml"})
	if err == nil || !strings.Contains(err.Error(), `format: got "xml"`) {
		t.Errorf("got %v", err)
	}
	_, err = Decode(ctx, &strings.Builder{}, strings.NewReader("\x00\x01\x02\x03"), Options{Format: JSON})
	if err == nil || !strings.Contains(err.Error(), "cannot tell the format") {
		t.Errorf("got %v", err)
	}
	cancel()
	if _, err = Decode(ctx, &strings.Builder{}, strings.NewReader("00"), Options{Format: JSON}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	full := errors.New("disk full")
	_, err = Decode(context.Background(), failing{full}, strings.NewReader("00"), Options{Format: JSON})
	if !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func FuzzDecode(f *testing.F) {
	f.Add([]byte("20000000000000010304000000000000\n"))
	f.Fuzz(func(t *testing.T, datagram []byte) {
		text := hex.EncodeToString(datagram) + "\n"
		var out bytes.Buffer
		sum, err := Decode(context.Background(), &out, strings.NewReader(text), Options{Format: JSON})
		if err != nil {
			t.Fatal(err)
		}
		lines := 0
		for line := range bytes.Lines(out.Bytes()) {
			lines++
			if !json.Valid(line) {
				t.Fatalf("not JSON: %s", line)
			}
		}
		if lines != sum.Reports+sum.Malformed {
			t.Fatalf("got %d objects, want %d reports and %d errors", lines, sum.Reports, sum.Malformed)
		}
	})
}

// inputs are the datagrams of testdata/all.hex: each kind of report there is.
func inputs(t testing.TB) string {
	t.Helper()
	var b strings.Builder
	put := func(what string, reports ...*report.Report) {
		var e report.Encoder
		if err := e.Reset(report.Group{HwID: 5, Sequence: 77, NodeID: 12}); err != nil {
			t.Fatal(err)
		}
		for _, r := range reports {
			if err := e.Add(r); err != nil {
				t.Fatal(err)
			}
		}
		b.WriteString("# " + what + "\n" + hex.EncodeToString(e.Bytes()) + "\n")
	}
	ipv4 := []byte{0x45, 0, 0, 48, 0, 7, 0x40, 0, 63, 6, 0, 0, 192, 0, 2, 1, 198, 51, 100, 2, 0x30, 0x39, 0, 80}
	hop := &report.Report{RepType: report.INT, InType: report.InIPv4, Flags: report.Tracked | report.Congested, MdBits: 0x7c00,
		Level1In: 1, Level1Out: 2, HopLatency: 3, QueueID: 4, QueueOccupancy: 5, IngressTime: 6, EgressTime: 7, Inner: ipv4}
	hop.SetExtension(&report.Extension{Bits: 0xfc00, PacketID: 8, Epoch: 1, Colour: 2, Stage: 1, FlowHash: 9, VNI: 10, Length: 11, EnqDepth: 12, Rule: 13}, nil)
	drop := &report.Report{RepType: report.INT, InType: report.InNone, Flags: report.Dropped, MdBits: report.MdDrop, DropQueueID: 1, DropReason: 29, DropPadding: 3}
	put("hop postcard and drop, coalesced", hop, drop)
	put("every metadata bit, another domain", &report.Report{RepType: report.INT, MdBits: 0xffff, DomainID: 0x5453, DSMdBits: 0x8000, DSMdStatus: 2,
		Bit0: 1, Reserved: bytes.Repeat([]byte{0, 0, 0, 9}, 6), DSMetadata: []byte{1, 2, 3, 4}, TxUtilization: 5, BufferID: 6, BufferOccupancy: 7, Level2In: 8, Level2Out: 9})
	var tlvs []byte
	for _, tlv := range []report.TLV{{Type: report.TLVDomainExtension, Template: 7, Data: []byte{1, 2, 3, 4}}, {Type: report.TLVIPv4, Data: ipv4}, {Type: 9}} {
		var err error
		if tlvs, err = report.AppendTLV(tlvs, tlv); err != nil {
			t.Fatal(err)
		}
	}
	put("TLVs", &report.Report{RepType: report.InnerOnly, InType: report.InTLV, Inner: tlvs})
	put("domain extension, IOAM, reserved types", &report.Report{RepType: report.INT, InType: report.InDomainExtension, Inner: []byte{1, 2, 3, 4}},
		&report.Report{RepType: report.IOAM, Inner: []byte{5, 6, 7, 8}}, &report.Report{RepType: 9}, &report.Report{InType: 12, Inner: []byte{9, 9, 9, 9}})
	tunnel := append([]byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x81, 0, 0, 42, 0x88, 0x47, 0, 0x01, 0x01, 64,
		0x45, 0, 0, 200, 0x12, 0x34, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
		0xc0, 0x01, 0x12, 0xb5, 0, 180, 0, 0, 8, 0, 0, 0, 0, 0, 7, 0,
		2, 0, 0, 0, 1, 2, 2, 0, 0, 0, 1, 1, 0x86, 0xdd},
		append(append([]byte{0x60, 0, 0, 0, 0, 4, 58, 64}, bytes.Repeat([]byte{0x20}, 32)...), 128, 0)...)
	put("VLAN, MPLS, VXLAN, IPv6, cut", &report.Report{RepType: report.InnerOnly, InType: report.InEthernet, Inner: tunnel[:len(tunnel)-len(tunnel)%4]})
	put("to the end of the datagram", &report.Report{RepType: report.InnerOnly, InType: report.InIPv4, Inner: ipv4[:21]})
	b.WriteString("# version 0.5, local and drop; version 1.0, all metadata and a word more\n" +
		"0220000307880ba0fffffff0000003e9000c01540701234500000110000000000002\n018000010000000500000063000003e9000c000000470000\n" +
		"1b3f81c30000000700000008000000090001000200000003040000050000000608090000000000070000000845\n")
	b.WriteString("# malformed: version, length, metadata beyond, then good, trailing bytes\n30000000\n2000000100000001000500000000\n" +
		"20000001000000011003010008000000000000000000000000000000aabbcc\n# TLV leads out\n200000010000000101010000000500ff\n# no hex\n2g\n")
	return b.String()
}

func TestInputsAreUpToDate(t *testing.T) { golden(t, "all.hex", inputs(t)) }

// Everything that others made decodes, the older versions too.
func TestAllVectorsOfOthersAreRead(t *testing.T) {
	data, err := os.ReadFile(testutil.Shared(t, "vectors/int/reports.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Payload string `json:"udp_payload"`
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, v := range vectors {
		text.WriteString(v.Payload + "\n")
	}
	var out strings.Builder
	sum, err := Decode(context.Background(), &out, strings.NewReader(text.String()), Options{Format: JSON})
	if err != nil || sum.Malformed != 0 || sum.Reports != len(vectors) || strings.Count(out.String(), `"inner":{`) != len(vectors) {
		t.Errorf("got %v, %v:\n%s", sum, err, out.String())
	}
}
