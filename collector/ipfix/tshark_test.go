package ipfix

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/telltale-net/telltale/collector/postcard"
)

// tshark shows every field of what we write as it is meant.
func TestAgainstTshark(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("CI must have tshark")
		}
		t.Skip("no tshark on PATH")
	}
	flows := someFlows(200)
	path := filepath.Join(t.TempDir(), "flows.pcap")
	writePcap(t, path, messagesOf(flows))
	out, err := exec.Command(tshark, "-n", "-r", path, "-O", "cflow").Output()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(out), "Malformed") || strings.Contains(string(out), "No template") {
		t.Fatalf("tshark does not understand it:\n%s", out)
	}
	frames := strings.Split(string(out), "\nFrame ")
	first := len(frames) - len(flows) - 2 // behind templates
	if first < 1 {
		t.Fatalf("got %d messages, want templates, %d flows and two counts", len(frames), len(flows))
	}
	for i := range flows {
		got := shown(frames[first+i])
		for label, want := range expected(&flows[i]) {
			if got[label] != want {
				t.Errorf("%+v: %s: got %q, want %q", flows[i].Key, label, got[label], want)
			}
		}
	}
	for i, want := range []map[string]string{
		{"Observation Domain Id": "7", "FlowExporter": "9", "PacketsExp": "1", "FlowsExp": "2", "OctetsExp": "3", "Ignored Packets": "4", "Not Sent Flows": "5", "Not Sent Packets": "6"},
		{"Observation Point Id": "2001", "10": "00000000000003e8", "11": "000000000000000a"},
	} {
		got := shown(frames[first+len(flows)+i])
		for label, v := range want {
			if got[label] != v {
				t.Errorf("counts %d: %s: got %q, want %q", i, label, got[label], v)
			}
		}
	}
}

var (
	fieldLine   = regexp.MustCompile(`^\s+([A-Za-z0-9 ]+): (.*)$`)
	privateLine = regexp.MustCompile(`\(Example Enterprise Number for Documentation Use\) Type (\d+): Value \(hex bytes\): ([0-9a-f ]+)`)
)

// shown returns the labels and values that tshark shows in a frame, those of enterprise
// elements by number.
func shown(frame string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(frame) {
		line = strings.TrimRight(line, "\n")
		if m := privateLine.FindStringSubmatch(line); m != nil {
			all[m[1]] = strings.ReplaceAll(m[2], " ", "")
		} else if m := fieldLine.FindStringSubmatch(line); m != nil {
			all[m[1]] = m[2]
		} else if _, text, ok := strings.Cut(line, " = ForwardingStatus"); ok {
			name, value, _ := strings.Cut(text, ": ")
			all["ForwardingStatus"+name] = value
		}
	}
	return all
}

// expected is what is to be shown of a flow.
func expected(f *Flow) map[string]string {
	at := func(ns int64) string { return time.Unix(0, ns).UTC().Format("Jan _2, 2006 15:04:05.000000000 UTC") }
	ip := func(a postcard.Addr) string {
		if a == (postcard.Addr{}) {
			return "0.0.0.0"
		}
		return a.String()
	}
	m := map[string]string{
		"Observation Point Id": fmt.Sprint(f.Node), "StartTime": at(f.First), "EndTime": at(f.Last), "SrcAddr": ip(f.Flow.Src), "DstAddr": ip(f.Flow.Dst),
		"SrcPort": fmt.Sprint(f.Flow.SrcPort), "DstPort": fmt.Sprint(f.Flow.DstPort), "Protocol": map[uint8]string{6: "TCP (6)", 17: "UDP (17)"}[f.Flow.Proto],
		"Flow End Reason": "Forced end (4)", "InputInt": fmt.Sprint(f.InPort), "OutputInt": fmt.Sprint(f.OutPort), "8": fmt.Sprintf("%02x", f.Queue), "Layer2 Segment Id": "0",
	}
	if f.HasVNI {
		m["Layer2 Segment Id"] = fmt.Sprint(uint64(1)<<56 | uint64(f.VNI))
	}
	if !f.Dropped {
		m["ForwardingStatus"], m["Octets"], m["Packets"] = "Forward (1)", fmt.Sprint(f.Octets), fmt.Sprint(f.Packets)
		m["1"], m["2"] = fmt.Sprintf("%08x", f.LatencyMin), fmt.Sprintf("%08x", f.LatencyMax)
		m["3"], m["4"] = fmt.Sprintf("%016x", f.LatencySum), fmt.Sprintf("%016x", f.Latencies)
		m["5"], m["6"], m["7"] = fmt.Sprintf("%08x", f.DepthMax), fmt.Sprintf("%016x", f.DepthSum), fmt.Sprintf("%016x", f.Depths)
		return m
	}
	m["ForwardingStatus"], m["Dropped Octets"], m["Dropped Packets"], m["9"] = "Drop (2)", fmt.Sprint(f.Octets), fmt.Sprint(f.Packets), fmt.Sprintf("%02x", f.Reason)
	m["ForwardingStatusDropCode"] = map[uint8]string{26: "Drop bad TTL (9)", 60: "Drop ACL Deny (1)", 130: "Drop RPF (12)"}[f.Reason]
	if m["ForwardingStatusDropCode"] == "" {
		m["ForwardingStatusDropCode"] = "Dropped (Unknown) (0)"
	}
	return m
}
