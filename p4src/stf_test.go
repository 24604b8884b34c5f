package p4src_test

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	"google.golang.org/protobuf/encoding/prototext"

	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/stf"
	"github.com/telltale-net/telltale/p4src"
)

var update = flag.Bool("update", false, "rewrite testdata/*.stf from the cases of these tests")

// A script is a behaviour test in p4c's STF, for any runner and any switch: what goes
// in, and what must come out as gopacket and the specifications have it.
type script struct {
	name, about string
	program     p4src.Program
	entries     string
	steps       []step
	counters    []string
}

type step struct {
	about string
	port  uint16
	data  []byte
	want  []frame
}

// scripts are made from the same cases as the Go tests. Bits that depend on a switch's
// clock are wild.
func scripts() []script {
	all := []script{fabricForward(), fabricPostcards(), packetIO(), encapsulation(), decapsulation(), localDelivery()}
	return append(all, dropScripts()...)
}

func fabricForward() script {
	s := script{name: "fabric-forward", about: "routes, next hop, TTL and its checksum", program: p4src.Fabric, entries: fabricRoute}
	f := func(about string, fl flow, payload int, opts ...ipv4Opt) {
		s.steps = append(s.steps, step{about, 1, packet(fl, payload, opts...), []frame{{port: 2, data: forwarded(fl, payload, opts...)}}})
	}
	f("UDP", underlay, 20)
	f("TCP", flow{"10.1.0.1", "10.2.0.2", tcp, 1, 2}, 0)
	f("ICMP", flow{"10.1.0.1", "10.2.0.2", icmp, 0, 0}, 8)
	f("TTL 2 is the last that travels", underlay, 4, ttl(2))
	f("IP options", underlay, 4, options(1, 2, 3, 4, 5, 6))
	f("a later fragment", underlay, 16, fragment(100))
	return s
}

func fabricPostcards() script {
	s := script{name: "fabric-postcards", about: "hop postcards; their length follows the packet's, cut to words and to 128 bytes",
		program: p4src.Fabric, entries: collectorEntry + "telemetry = telemetry_config(17, 0, 1, 0)\n" + fabricRoute}
	for i, payload := range []int{0, 18, 19, 86, 87, 150} {
		s.steps = append(s.steps, step{fmt.Sprintf("a frame of %d bytes", 42+payload), 1, packet(underlay, payload), []frame{
			{port: 2, data: forwarded(underlay, payload)},
			{port: collectorPort, data: report{
				node: 17, seq: uint32(i), f: true, in: 1, out: 2, hop: &hop{}, packetID: 7,
				hash: ptr(underlay.hash(0)), enqueued: ptr(uint32(0)), packet: forwarded(underlay, payload),
			}.frame(collector)},
		}})
	}
	return s
}

func packetIO() script {
	p := packet(underlay, 10)
	return script{name: "fabric-packet-io", about: "packet-in by a route, packet-out as it is", program: p4src.Fabric,
		entries: "routes 10.2.0.2/32 -> to_cpu()",
		steps: []step{
			{"a route to the controller", 300, p, []frame{{port: p4src.CPUPort, data: append([]byte{0x96, 0x00, 1}, p...)}}},
			{"a packet-out of port 300, with TTL 1", p4src.CPUPort, append([]byte{0x96, 0x00}, packet(underlay, 10, ttl(1))...),
				[]frame{{port: 300, data: packet(underlay, 10, ttl(1))}}},
		}}
}

func encapsulation() script {
	s := script{name: "vswitch-encapsulation", about: "tenants' frames into VXLAN", program: p4src.VSwitch, entries: hostA}
	f := func(about string, port uint16, vni uint32, fl flow, opts ...ipv4Opt) {
		p := packet(fl, 16, opts...)
		s.steps = append(s.steps, step{about, port, p, []frame{{port: 10, data: fromA(fl, vni, uint16(len(s.steps))).wrap(p)}}})
	}
	f("TCP", 1, 5000, tenant)
	f("the same addresses in another VNET", 2, 6000, tenant)
	f("ICMP", 1, 5000, flow{"10.9.0.1", "10.9.0.2", icmp, 0, 0})
	f("the inner TTL is the tenant's", 1, 5000, tenant, ttl(1))
	f("IP options", 1, 5000, tenant, options(9, 8, 7, 6))
	return s
}

func decapsulation() script {
	s := script{name: "vswitch-decapsulation", about: "VXLAN to tenants", program: p4src.VSwitch, entries: hostB}
	f := func(about string, vni uint32, port uint16, dmac string, opts ...ipv4Opt) {
		p := packet(tenant, 16, opts...)
		s.steps = append(s.steps, step{about, 10, fromA(tenant, vni, 9).wrap(p), []frame{{port: port, data: delivered(p, dmac)}}})
	}
	f("TCP", 5000, 1, "02:00:00:00:50:02")
	f("the same addresses in another VNET", 6000, 2, "02:00:00:00:60:02")
	f("IP options", 5000, 1, "02:00:00:00:50:02", options(9, 8, 7, 6))
	return s
}

func localDelivery() script {
	fl := flow{"10.9.0.1", "10.9.0.3", udp, 1, 2}
	want := delivered(packet(fl, 30), "02:00:00:00:50:03")
	return script{name: "vswitch-local", about: "between two VMs of one host; reported as all packets are", program: p4src.VSwitch,
		entries: collectorEntry + "telemetry = telemetry_config(18, 0, 1, 1)\n" + hostA,
		steps: []step{{"", 1, packet(fl, 30), []frame{{port: 3, data: want}, {port: collectorPort, data: report{
			node: 18, f: true, in: 1, out: 3, hop: &hop{}, hash: ptr(fl.hash(5000)), vni: 5000, enqueued: ptr(uint32(0)), packet: want,
		}.frame(collector)}}}}}
}

// dropScripts puts all drop cases with the same entries into one script.
func dropScripts() []script {
	var all []script
	byEntries := make(map[string]int)
	counts := make(map[string]map[uint8]int)
	tenants := make(map[string]uint16) // packet ids given out
	for _, c := range dropCases() {
		key := c.program.Name + c.entries
		i, ok := byEntries[key]
		if !ok {
			i = len(all)
			byEntries[key], counts[key] = i, make(map[uint8]int)
			name := c.program.Name + "-drops"
			if c.entries != fabricRoute && c.entries != hostA {
				name = strings.ToLower(regexp.MustCompile(`[^A-Za-z0-9]+`).ReplaceAllString(c.name, "-"))
			}
			all = append(all, script{name: name, about: "drops and their postcards", program: c.program,
				entries: collectorEntry + "telemetry = telemetry_config(21, 0, 0, 1)\n" + c.entries})
		}
		s := &all[i]
		want := c.want
		want.node, want.seq, want.d, want.in, want.reason, want.packet = 21, uint32(len(s.steps)), true, c.port, &c.reason, c.packet
		if c.program.Name == p4src.VSwitch.Name && c.port <= 3 {
			want.packetID = tenants[key]
			tenants[key]++
		}
		s.steps = append(s.steps, step{c.name + ": " + p4src.DropReasonName(c.reason), c.port, c.packet,
			[]frame{{port: collectorPort, data: want.frame(collector)}}})
		counts[key][c.reason]++
	}
	for key, i := range byEntries {
		for _, reason := range slices.Sorted(maps.Keys(counts[key])) {
			all[i].counters = append(all[i].counters, fmt.Sprintf("check_counter drop_counter(%d) packets == %d", reason, counts[key][reason]))
		}
	}
	return all
}

func (s script) text(tb testing.TB) []byte {
	tb.Helper()
	info := new(configv1.P4Info)
	if err := (prototext.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(s.program.P4Info, info); err != nil {
		tb.Fatal(err)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s.p4: %s\n\n", s.program.Name, s.about)
	c := stfWriter{r: &rig{TB: tb, info: info}, members: make(map[string]string)}
	for _, line := range strings.Split(s.entries, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			text, err := c.line(line)
			if err != nil {
				tb.Fatalf("cannot write %q as STF: %v", line, err)
			}
			b.WriteString(text)
		}
	}
	fmt.Fprintf(&b, "mirroring_add %d %d\n", p4src.ReportSession, collectorPort)
	for _, st := range s.steps {
		b.WriteString("\n")
		if st.about != "" {
			fmt.Fprintf(&b, "# %s\n", st.about)
		}
		fmt.Fprintf(&b, "packet %d %s\n", st.port, hex.EncodeToString(st.data))
		for _, f := range st.want {
			digits := []byte(hex.EncodeToString(f.data))
			for i, bits := range clockBits(f) {
				if bits&0xf0 != 0 {
					digits[2*i] = '*'
				}
				if bits&0x0f != 0 {
					digits[2*i+1] = '*'
				}
			}
			fmt.Fprintf(&b, "expect %d %s$\n", f.port, digits)
		}
	}
	if len(s.counters) > 0 {
		fmt.Fprintf(&b, "\n%s\n", strings.Join(s.counters, "\n"))
	}
	b.WriteString("no_packet\n")
	return b.Bytes()
}

// stfWriter turns the entries of [rig.install] into STF, in which an entry of a table
// with a selector names its action directly.
type stfWriter struct {
	r       *rig
	members map[string]string // member id to action call
}

func (w stfWriter) line(line string) (string, error) {
	if head, call, ok := strings.Cut(line, " = "); ok {
		if id, ok := strings.CutPrefix(head, "member "); ok {
			w.members[id] = call
			return "", nil
		}
		action, err := w.call(call)
		return "setdefault " + head + " " + action + "\n", err
	}
	head, call, _ := strings.Cut(line, "->")
	words := strings.Fields(head)
	table, priority, _ := strings.Cut(words[0], "/")
	if id, ok := strings.CutPrefix(strings.TrimSpace(call), "member "); ok {
		call = w.members[id]
	}
	action, err := w.call(call)
	if err != nil {
		return "", err
	}
	out := "add " + table
	if priority != "" {
		out += " " + priority
	}
	for _, t := range w.r.info.GetTables() {
		if t.GetPreamble().GetName() != table {
			continue
		}
		for i, f := range t.GetMatchFields() {
			if words[i+1] == "*" {
				continue
			}
			v, length, lpm := strings.Cut(words[i+1], "/")
			bytes, err := value(v, int(f.GetBitwidth()))
			if err != nil {
				return "", err
			}
			out += " " + f.GetName() + ":0x" + hex.EncodeToString(bytes)
			if lpm {
				out += "/" + length
			}
		}
	}
	return out + " " + action + "\n", nil
}

func (w stfWriter) call(call string) (string, error) {
	a, err := w.r.action(call)
	if err != nil {
		return "", err
	}
	var args []string
	for _, info := range w.r.info.GetActions() {
		if info.GetPreamble().GetName() == a.Name {
			for i, p := range info.GetParams() {
				args = append(args, p.GetName()+":0x"+hex.EncodeToString(a.Args[i]))
			}
		}
	}
	return a.Name + "(" + strings.Join(args, ", ") + ")", nil
}

// The scripts in testdata are those of the cases, and the embedded engine passes them.
func TestSTF(t *testing.T) {
	embeddedOnly(t, "is driven through P4Runtime here, not by scripts")
	names := make(map[string]bool)
	for _, s := range scripts() {
		names[s.name+".stf"] = true
		t.Run(s.name, func(t *testing.T) {
			path := filepath.Join("testdata", s.name+".stf")
			want := s.text(t)
			if *update {
				if err := os.MkdirAll("testdata", 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, want, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got, err := os.ReadFile(path)
			if err != nil {
				t.Fatalf("%v; run `go test ./p4src -run TestSTF -update`", err)
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("%s is not what the cases say; run `go test ./p4src -run TestSTF -update`", path)
			}
			parsed, err := stf.Parse(path, string(got))
			if err != nil {
				t.Fatal(err)
			}
			r := stf.Run(compiled(t, s.program), engine.Config{CPUPort: p4src.CPUPort, DropPort: p4src.DropPort}, parsed)
			if !r.Passed() {
				t.Error(r.Err)
			}
			if r.Packets != len(s.steps) {
				t.Errorf("%d packets were sent; want %d", r.Packets, len(s.steps))
			}
		})
	}
	files, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !f.IsDir() && !names[f.Name()] { // a folder is a fuzz corpus
			t.Errorf("testdata/%s belongs to no case", f.Name())
		}
	}
}
