package runner_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/hash"
	"github.com/telltale-net/telltale/bmv2/lab/frame"
	"github.com/telltale-net/telltale/bmv2/runner"
	"github.com/telltale-net/telltale/bmv2/simpleswitch"
	"github.com/telltale-net/telltale/controlplane/intent"
	"github.com/telltale-net/telltale/internal/capture"
	"github.com/telltale-net/telltale/p4src"
	"github.com/telltale-net/telltale/topology"
)

var throughput = flag.Int("throughput", 0, "packets that TestThroughput gives to simple_switch_grpc, 0 = skip it")

// workload is a program, what is in its tables and what comes in.
type workload struct {
	name    string
	program *runner.Program
	updates []*p4v1.Update
	ports   []uint16 // that packets enter or leave by
	in      uint16
	frames  [][]byte
}

// TestThroughput measures the embedded engine beside the real switch: the same program,
// entries and packets, one after the other in one run. The real switch reads a capture
// as fast as it can, on all cores; ours runs on one goroutine. Its rate is generous: all
// packets that went in, whether they came out or not, over the time from the first to
// the last that came out. Print it with
//
//	go test ./bmv2/runner -run TestThroughput -v -throughput 200000
func TestThroughput(t *testing.T) {
	if *throughput == 0 {
		t.Skip("a measurement; run it with -throughput 200000")
	}
	path, err := simpleswitch.Find()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Logf("%-38s %16s %16s %7s", "", "simple_switch", "engine, one core", "ratio")
	for _, w := range []workload{
		router(t, "router, 16 routes, 4 rules", 16, 4),
		router(t, "router, 10 000 routes, 500 rules", 10_000, 500),
		fabric(t, "fabric.p4, a postcard per packet", true),
		fabric(t, "fabric.p4, no postcards", false),
		vswitch(t, "vswitch.p4, encapsulation, postcards", true),
	} {
		theirs := w.real(t, path)
		ours := w.engine(t)
		t.Logf("%-38s %10.0f pkt/s %10.0f pkt/s %6.1f×", w.name, theirs, ours, ours/theirs)
	}
}

// engine returns the engine's packets per second, the best of three.
func (w *workload) engine(t *testing.T) float64 {
	t.Helper()
	best := 0.0
	for range 3 {
		res, err := runner.Bench(t.Context(), runner.BenchConfig{
			Setup: runner.Setup{
				Program: w.program,
				Engine:  engine.Config{CPUPort: p4src.CPUPort},
				Entries: &p4v1.WriteRequest{Updates: w.updates},
			},
			Inputs:  []runner.Input{{Port: w.in, Name: w.name, R: bytes.NewReader(w.capture(t, len(w.frames)))}},
			Packets: 1_000_000,
		})
		if err != nil {
			t.Fatal(err)
		}
		if res.Transmitted < uint64(res.Packets) {
			t.Fatalf("%s: %d packets in, %d out: %+v", w.name, res.Packets, res.Transmitted, res.Stats)
		}
		best = max(best, res.PacketsPerSecond)
	}
	return best
}

// capture returns n packets as a capture.
func (w *workload) capture(t *testing.T, n int) []byte {
	t.Helper()
	var buf bytes.Buffer
	out, err := capture.NewWriter(&buf)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := out.Write(int64(i)*1000, w.frames[i%len(w.frames)]); err != nil {
			t.Fatal(err)
		}
	}
	return buf.Bytes()
}

// real returns the real switch's packets per second.
func (w *workload) real(t *testing.T, path string) float64 {
	t.Helper()
	const wait = 4 * time.Second // for the program and the entries
	dir := t.TempDir()
	empty := workload{}
	interfaces := map[uint16]string{}
	for _, port := range w.ports {
		name := fmt.Sprintf("p%d", port)
		interfaces[port] = name
		data := empty.capture(t, 0)
		if port == w.in {
			data = w.capture(t, *throughput)
		}
		if err := os.WriteFile(filepath.Join(dir, name+"_in.pcap"), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	began := time.Now()
	p, err := simpleswitch.Start(ctx, simpleswitch.Config{
		Path: path, DeviceID: 1, CPUPort: p4src.CPUPort, Interfaces: interfaces, Captures: dir, Wait: wait,
	})
	if err != nil {
		t.Fatal(err)
	}
	stop := func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	}
	defer stop()
	w.fill(t, ctx, p.Addr())
	if ready := time.Since(began); ready > wait {
		t.Fatalf("%s: the entries took %v, longer than the switch waits", w.name, ready)
	}
	// The switch is done when its captures have stopped growing.
	last, still := int64(-1), 0
	for still < 4 {
		time.Sleep(500 * time.Millisecond)
		size := int64(0)
		for _, name := range interfaces {
			if info, err := os.Stat(filepath.Join(dir, name+"_out.pcap")); err == nil {
				size += info.Size()
			}
		}
		if size == last && time.Since(began) > wait+time.Second {
			still++
		} else {
			still = 0
		}
		last = size
	}
	stop()
	first, end, out := span(t, dir, interfaces)
	if out < 2 {
		t.Fatalf("%s: %d packets came out of the real switch; it printed:\n%s", w.name, out, p.Output())
	}
	return float64(*throughput) / end.Sub(first).Seconds()
}

// fill gives the real switch its program and entries.
func (w *workload) fill(t *testing.T, ctx context.Context, addr string) {
	t.Helper()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithMaxHeaderListSize(8<<20))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c, err := runner.NewController(ctx, conn, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Push(ctx, w.program.Info, w.program.JSON); err != nil {
		t.Fatal(err)
	}
	if err := c.WriteAll(ctx, &p4v1.WriteRequest{Updates: w.updates}); err != nil {
		t.Fatal(err)
	}
}

// span reads from the switch's captures when the first and the last packet left.
func span(t *testing.T, dir string, interfaces map[uint16]string) (first, last time.Time, n int) {
	t.Helper()
	for _, name := range interfaces {
		data, err := os.ReadFile(filepath.Join(dir, name+"_out.pcap"))
		if err != nil {
			t.Fatal(err)
		}
		for b := data[min(24, len(data)):]; len(b) >= 16; n++ {
			at := time.Unix(int64(binary.LittleEndian.Uint32(b)), int64(binary.LittleEndian.Uint32(b[4:]))*1000)
			if first.IsZero() || at.Before(first) {
				first = at
			}
			if at.After(last) {
				last = at
			}
			b = b[min(len(b), 16+int(binary.LittleEndian.Uint32(b[8:]))):]
		}
	}
	return first, last, n
}

// leaf and host of the default fabric that the workloads of our programs use.
const (
	leafName    = "leaf1"
	vswitchName = "vs1"
)

func ours(t *testing.T, node string, postcards bool) (ix *topology.Index, w workload) {
	t.Helper()
	f, err := topology.LeafSpine(topology.DefaultLeafSpine())
	if err != nil {
		t.Fatal(err)
	}
	if ix, err = topology.NewIndex(f); err != nil {
		t.Fatal(err)
	}
	n, _ := ix.Node(node)
	src, err := p4src.ByName(n.Program)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := intent.ParseSchema(src.Name, src.P4Info)
	if err != nil {
		t.Fatal(err)
	}
	set := intent.DefaultSettings()
	set.AllHops = postcards
	entities, err := intent.For(ix, node, set, schema)
	if err != nil {
		t.Fatal(err)
	}
	w.program = compile(t, src.JSON, src.P4Info)
	w.updates = intent.Updates(entities)
	for _, p := range ix.Ports(node) {
		w.ports = append(w.ports, uint16(p))
	}
	if p, ok := ix.TelemetryPort(node); ok && !contains(w.ports, uint16(p)) {
		w.ports = append(w.ports, uint16(p))
	}
	for _, h := range ix.HostsAt(node) {
		if !contains(w.ports, uint16(h.At.Port)) {
			w.ports = append(w.ports, uint16(h.At.Port))
		}
	}
	return ix, w
}

func contains(ports []uint16, p uint16) bool {
	for _, q := range ports {
		if q == p {
			return true
		}
	}
	return false
}

// vswitch encapsulates what a host sends to hosts behind other vswitches.
func vswitch(t *testing.T, name string, postcards bool) workload {
	t.Helper()
	ix, w := ours(t, vswitchName, postcards)
	w.name = name
	from := ix.HostsAt(vswitchName)[0]
	w.in = uint16(from.At.Port)
	for _, to := range ix.Fabric().Hosts {
		if to.VNET != from.VNET || to.At.Node == vswitchName {
			continue
		}
		for sport := range 16 {
			w.frames = append(w.frames, frame.AppendTenant(nil, &frame.Tenant{
				SrcMAC: from.MAC, DstMAC: to.MAC, Src: from.Address, Dst: to.Address,
				Proto: frame.UDP, SrcPort: uint16(40000 + sport), DstPort: 9000, TTL: 64, Length: 200,
			}))
		}
	}
	return w
}

// fabric routes what that vswitch sends through its leaf.
func fabric(t *testing.T, name string, postcards bool) workload {
	t.Helper()
	source := vswitch(t, "", false)
	ix, w := ours(t, leafName, postcards)
	w.name = name
	target, err := runner.NewTarget(runner.TargetConfig{Engine: engine.Config{CPUPort: p4src.CPUPort}})
	if err != nil {
		t.Fatal(err)
	}
	if err := target.Install(source.program); err != nil {
		t.Fatal(err)
	}
	c, end, err := target.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.WriteAll(t.Context(), &p4v1.WriteRequest{Updates: source.updates}); err != nil {
		t.Fatal(err)
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
	for _, p := range ix.Ports(leafName) {
		if peer, ok := ix.Peer(topology.Endpoint{Node: leafName, Port: p}); ok && peer.Node == vswitchName {
			w.in = uint16(p)
		}
	}
	for i, f := range source.frames {
		now := engine.Time(i) * 1000
		target.Switch().Receive(now, source.in, f)
		target.Switch().Run(now, func(tx engine.Tx) { w.frames = append(w.frames, bytes.Clone(tx.Data)) })
	}
	return w
}

// router is the engine's yardstick program with so many routes and rules.
func router(t *testing.T, name string, routes, rules int) workload {
	t.Helper()
	read := func(file string) []byte {
		b, err := os.ReadFile(filepath.Join("..", "engine", "testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	w := workload{name: name, in: 1, program: compile(t, read("router.json"), read("router.p4info.txtpb"))}
	for p := range uint16(8) {
		w.ports = append(w.ports, p+1)
	}
	add := func(table, action string, priority int32, matches []*p4v1.FieldMatch, args ...[]byte) {
		w.updates = append(w.updates, entry(t, w.program.Info, table, action, priority, matches, args))
	}
	exact := func(v ...byte) []*p4v1.FieldMatch {
		return []*p4v1.FieldMatch{{FieldId: 1, FieldMatchType: &p4v1.FieldMatch_Exact_{Exact: &p4v1.FieldMatch_Exact{Value: canonical(v)}}}}
	}
	for i := range routes {
		dst := binary.BigEndian.AppendUint32(nil, 0x0a000000+uint32(i)<<8)
		add("I.routes", "I.set_nexthop", 0, []*p4v1.FieldMatch{{FieldId: 1, FieldMatchType: &p4v1.FieldMatch_Lpm{
			Lpm: &p4v1.FieldMatch_LPM{Value: canonical(dst), PrefixLen: 24}}}}, []byte{10, 0, 0, byte(i)}, []byte{byte(1 + i%8)})
	}
	for i := range 256 {
		add("I.neighbours", "I.set_dmac", 0, exact(10, 0, 0, byte(i)), []byte{2, 0, 0, 0, 0, byte(i)})
	}
	for i := range 8 {
		add("E.ports", "E.set_smac", 0, exact(byte(1+i)), []byte{2, 1, 0, 0, 0, byte(i)})
	}
	for i := range rules {
		var m []*p4v1.FieldMatch
		field := func(id uint32, wanted bool, v ...byte) {
			if !wanted {
				return
			}
			mask := bytes.Repeat([]byte{0xff}, len(v))
			m = append(m, &p4v1.FieldMatch{FieldId: id, FieldMatchType: &p4v1.FieldMatch_Ternary_{
				Ternary: &p4v1.FieldMatch_Ternary{Value: canonical(v), Mask: mask}}})
		}
		field(1, i%2 == 0, 192, 168, byte(i>>8), byte(i))
		field(2, true, 172, 16, byte(i>>8), byte(i))
		field(3, i/2%2 == 0, 6)
		field(5, i/4%2 == 0, 0, 22)
		add("I.acl", "I.drop", int32(1+i), m)
	}
	for i := range 256 {
		f := make([]byte, 98)
		copy(f, "\x02\x00\x00\x00\x00\xfe\x02\x00\x00\x00\x00\x01\x08\x00\x45")
		binary.BigEndian.PutUint16(f[16:], uint16(len(f)-14))
		f[22], f[23] = 64, 17
		copy(f[26:], []byte{10, 9, 0, 1})
		binary.BigEndian.PutUint32(f[30:], 0x0a000001+uint32(i*7%routes)<<8)
		binary.BigEndian.PutUint16(f[24:], hash.Checksum(f[14:34]))
		binary.BigEndian.PutUint16(f[34:], 1000)
		binary.BigEndian.PutUint16(f[36:], 80)
		w.frames = append(w.frames, f)
	}
	return w
}

func compile(t *testing.T, json, info []byte) *runner.Program {
	t.Helper()
	p, err := runner.NewProgram(json, info)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// entry builds an INSERT by names.
func entry(t *testing.T, info *configv1.P4Info, table, action string, priority int32, matches []*p4v1.FieldMatch, args [][]byte) *p4v1.Update {
	t.Helper()
	te := &p4v1.TableEntry{Match: matches, Priority: priority}
	for _, tb := range info.GetTables() {
		if tb.GetPreamble().GetName() == table {
			te.TableId = tb.GetPreamble().GetId()
		}
	}
	call := &p4v1.Action{}
	for _, a := range info.GetActions() {
		if a.GetPreamble().GetName() == action {
			call.ActionId = a.GetPreamble().GetId()
			for i, p := range a.GetParams() {
				call.Params = append(call.Params, &p4v1.Action_Param{ParamId: p.GetId(), Value: canonical(args[i])})
			}
		}
	}
	if te.TableId == 0 || call.ActionId == 0 {
		t.Fatalf("no table %s or action %s", table, action)
	}
	te.Action = &p4v1.TableAction{Type: &p4v1.TableAction_Action{Action: call}}
	return &p4v1.Update{Type: p4v1.Update_INSERT, Entity: &p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: te}}}
}

func canonical(b []byte) []byte {
	if s := strings.TrimLeft(string(b), "\x00"); s != "" {
		return []byte(s)
	}
	return []byte{0}
}
