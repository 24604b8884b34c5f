package ipfix

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netsampler/goflow2/v2/decoders/netflow"

	"github.com/telltale-net/telltale/collector/postcard"
)

// someEpochs are n flows in epochs, IPv4 and IPv6, seen and lost.
func someEpochs(n int) []EpochFlow {
	rng := rand.New(rand.NewPCG(3, 4))
	all := make([]EpochFlow, n)
	for i := range all {
		f := &all[i]
		*f = EpochFlow{
			Node: postcard.NodeID(rng.IntN(3000)), Name: []string{"leaf1", "", strings.Repeat("ö", 40), "spine2"}[rng.IntN(4)],
			Flow: postcard.Flow{Src: addr("10.0.0.1"), Dst: addr("10.0.1.1"), SrcPort: uint16(rng.IntN(1 << 16)), DstPort: 443, Proto: 6},
			VNI:  uint32(rng.IntN(1 << 24)), HasVNI: rng.IntN(2) == 0, Epoch: rng.Uint64(), From: 1_790_000_000_000_000_000 + rng.Int64N(1e10), OneIn: 1 << rng.IntN(10), Packets: rng.Uint64N(1e9),
		}
		f.To = f.From + 8_192_000
		if rng.IntN(2) == 0 {
			f.Flow.Src, f.Flow.Dst = addr("2001:db8::1"), addr("2001:db8::f")
		}
		if f.Place = Place(rng.IntN(4)); f.Place != 0 {
			f.Lost, f.Port, f.Next, f.NextName = 1+rng.Uint64N(1e6), rng.Uint32N(100), postcard.NodeID(rng.IntN(3000)), []string{"", "spine1", "host with a name that is far longer than anything that anybody would ever want to read"}[rng.IntN(3)]
		}
	}
	return all
}

func cut(s string) string {
	for len(s) > MaxName {
		r := []rune(s)
		s = string(r[:len(r)-1])
	}
	return s
}

func epochMessages(cfg Config, all []EpochFlow, each bool) (messages [][]byte) {
	e := NewEncoder(cfg, func(m []byte, _ int) { messages = append(messages, bytes.Clone(m)) })
	e.Time(1_790_000_001)
	e.Templates()
	e.Flush()
	for i := range all {
		if e.Epoch(&all[i]); each {
			e.Flush()
		}
	}
	e.Flush()
	return messages
}

// What is written of epochs comes back, as RFC 7011 reads it and as goflow2 does, in
// messages of any length.
func TestEpochs(t *testing.T) {
	all := someEpochs(500)
	for _, length := range []int{MinLength, 600, 1400, 65535} {
		cfg := config
		cfg.Length = length
		var d decoder
		known := netflow.CreateTemplateSystem()
		var theirs []map[string][]byte
		for _, m := range epochMessages(cfg, all, false) {
			if len(m) > length {
				t.Fatalf("a message of %d bytes, want at most %d", len(m), length)
			}
			if err := d.message(m); err != nil {
				t.Fatal(err)
			}
			var base netflow.NFv9Packet
			var p netflow.IPFIXPacket
			if err := netflow.DecodeMessageVersion(bytes.NewBuffer(m), known, &base, &p); err != nil {
				t.Fatal(err)
			}
			for _, set := range p.FlowSets {
				if s, ok := set.(netflow.DataFlowSet); ok {
					for _, r := range s.Records {
						values := map[string][]byte{}
						for _, v := range r.Values {
							name := fmt.Sprint(v.Type)
							if v.PenProvided {
								name = fmt.Sprintf("%d/%d", v.Pen, v.Type&^(1<<15))
							}
							values[name], _ = v.Value.([]byte)
						}
						theirs = append(theirs, values)
					}
				}
			}
		}
		if len(d.records) != len(all) || len(theirs) != len(all) {
			t.Fatalf("got %d and %d records, want %d", len(d.records), len(theirs), len(all))
		}
		own := func(id int) string { return fmt.Sprintf("%d/%d", Documentation, id) }
		for i := range all {
			f, r := &all[i], &d.records[i]
			for name, v := range r.values {
				if !bytes.Equal(v, theirs[i][name]) {
					t.Errorf("record %d, element %s: %x, goflow2 has %x", i, name, v, theirs[i][name])
				}
			}
			want := map[string]uint64{"138": uint64(f.Node), "156": ntp(f.From), "157": ntp(f.To), "7": uint64(f.Flow.SrcPort), "34": uint64(f.OneIn), own(12): f.Epoch, "351": segment(f.VNI, f.HasVNI)}
			names := map[string]string{own(13): cut(f.Name)}
			if f.Place == 0 {
				want["2"] = f.Packets
			} else {
				want["133"], want[own(17)], want["14"], want["89"], want[own(16)], want[own(14)] = f.Lost, f.Packets, uint64(f.Port), 128, uint64(f.Place), uint64(f.Next)
				names[own(15)] = cut(f.NextName)
			}
			for name, v := range want {
				if r.u(name) != v {
					t.Errorf("record %d, element %s: got %d, want %d", i, name, r.u(name), v)
				}
			}
			for name, v := range names {
				if string(r.values[name]) != v {
					t.Errorf("record %d, element %s: got %q, want %q", i, name, r.values[name], v)
				}
			}
		}
	}
}

// tshark shows every field as it is meant.
func TestEpochsAgainstTshark(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("CI must have tshark")
		}
		t.Skip("no tshark on PATH")
	}
	all := someEpochs(100)
	path := filepath.Join(t.TempDir(), "epochs.pcap")
	writePcap(t, path, epochMessages(config, all, true))
	out, err := exec.Command(tshark, "-n", "-r", path, "-O", "cflow").Output()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(out), "Malformed") || strings.Contains(string(out), "No template") {
		t.Fatalf("tshark does not understand it:\n%s", out)
	}
	frames := strings.Split(string(out), "\nFrame ")
	if len(frames) <= len(all) {
		t.Fatalf("got %d messages, want templates and %d flows", len(frames), len(all))
	}
	frames = frames[len(frames)-len(all):]
	at := func(ns int64) string { return time.Unix(0, ns).UTC().Format("Jan _2, 2006 15:04:05.000000000 UTC") }
	for i := range all {
		f, got := &all[i], shown(frames[i])
		want := map[string]string{
			"Observation Point Id": fmt.Sprint(f.Node), "StartTime": at(f.From), "EndTime": at(f.To), "SrcAddr": f.Flow.Src.String(), "DstAddr": f.Flow.Dst.String(),
			"SrcPort": fmt.Sprint(f.Flow.SrcPort), "DstPort": "443", "Protocol": "TCP (6)", "Layer2 Segment Id": fmt.Sprint(segment(f.VNI, f.HasVNI)), "Sampling interval": fmt.Sprint(f.OneIn),
			"12": fmt.Sprintf("%016x", f.Epoch),
		}
		if f.Place == 0 {
			want["Packets"] = fmt.Sprint(f.Packets)
		} else {
			want["OutputInt"], want["ForwardingStatus"], want["ForwardingStatusDropCode"], want["Dropped Packets"] = fmt.Sprint(f.Port), "Drop (2)", "Dropped (Unknown) (0)", fmt.Sprint(f.Lost)
			want["16"], want["17"], want["14"] = fmt.Sprintf("%02x", f.Place), fmt.Sprintf("%016x", f.Packets), fmt.Sprintf("%08x", f.Next)
		}
		for id, name := range map[string]string{"13": f.Name, "15": f.NextName} {
			if name = cut(name); name != "" && (id == "13" || f.Place != 0) {
				want[id] = fmt.Sprintf("%x", name[:min(len(name), 24)]) // as much as is shown
			}
		}
		for label, v := range want {
			if got[label] != v {
				t.Errorf("%d: %s: got %q, want %q", i, label, got[label], v)
			}
		}
		if i == 0 && t.Failed() {
			t.Fatal(frames[i])
		}
	}
}

func TestEpochAllocations(t *testing.T) {
	all := someEpochs(100)
	e := NewEncoder(config, func([]byte, int) {})
	if n := testing.AllocsPerRun(20, func() {
		for i := range all {
			e.Epoch(&all[i])
		}
	}); n != 0 {
		t.Errorf("got %g allocations for writing %d flows, want none", n, len(all))
	}
}

func BenchmarkEpoch(b *testing.B) {
	all := someEpochs(1000)
	cfg := config
	cfg.Length = 1400
	e := NewEncoder(cfg, func([]byte, int) {})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		e.Epoch(&all[i%len(all)])
	}
}
