package stf

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/spec"
	"github.com/telltale-net/telltale/internal/testutil"
	"github.com/telltale-net/telltale/p4src"
)

// TestVectors runs p4c's behaviour tests, all of which simple_switch passes.
func TestVectors(t *testing.T) {
	dir := os.DirFS(testutil.Shared(t, "vectors/stf"))
	n := scripts(t, func(name, _ string) {
		t.Run(strings.TrimSuffix(name, ".stf"), func(t *testing.T) {
			r := RunFile(dir, name, strings.TrimSuffix(name, ".stf")+".json", engine.Config{})
			if !r.Passed() {
				t.Error(r.Err)
			}
		})
	})
	if n != 115 {
		t.Errorf("got %d scripts; want 115", n)
	}
}

// TestVectorsNotice: a script whose expectations are changed fails, at the change.
func TestVectorsNotice(t *testing.T) {
	dir := os.DirFS(testutil.Shared(t, "vectors/stf"))
	changed := 0
	scripts(t, func(name, src string) {
		s, err := Parse(name, src)
		if err != nil {
			t.Fatal(err)
		}
		data, err := readProgram(dir, strings.TrimSuffix(name, ".stf")+".json")
		if err != nil {
			t.Fatal(err)
		}
		for _, st := range s.Statements {
			e, ok := st.(*Expect)
			if !ok || e.Any || e.Data == "" || strings.Trim(e.Data, "*") == "" {
				continue
			}
			old := e.Data
			at := strings.IndexFunc(old, func(r rune) bool { return r != '*' })
			e.Data = old[:at] + string("123456789abcdef0"[strings.IndexByte("0123456789abcdef", old[at])]) + old[at+1:]
			r := Run(data, engine.Config{}, s)
			m, ok := r.Err.(*Mismatch)
			if !ok || m.Pos != e.Pos || m.digit != at {
				t.Errorf("%s: changed digit %d of the packet at %s: got %v", name, at, e.Pos, r.Err)
			}
			e.Data = old
			changed++
		}
	})
	if changed < 200 {
		t.Errorf("changed %d expectations; want most of 258", changed)
	}
}

func readProgram(dir fs.FS, name string) (*engine.Program, error) {
	data, err := fs.ReadFile(dir, name)
	if err != nil {
		return nil, err
	}
	return load(data)
}

func load(data []byte) (*engine.Program, error) {
	p, err := spec.Load(data)
	if err != nil {
		return nil, err
	}
	return engine.Compile(p)
}

func fabric(t *testing.T) *engine.Program {
	t.Helper()
	p, err := load(p4src.Fabric.JSON)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// forwarding routes 10.0.1.0/24 to port 2 on fabric.p4; the packet is UDP to
// 10.0.1.9 with TTL 64.
const (
	forwarding = `
add routes ipv4_dst:0x0a000100/24 set_nexthop(nexthop_id:1)
add nexthops nexthop_id:1 forward(port:2, smac:0x020000000001, dmac:0x020000000002)
`
	udpPacket = "packet 1 ffffffffffff 000000000001 0800 45000020 00004000 401125c4 0a000001 0a000109 1000 2000 000c 0000 01020304\n"
	forwarded = "expect 2 020000000002 020000000001 0800 45000020 00004000 3f1126c4 0a000001 0a000109 1000 2000 000c 0000 01020304$\n"
)

func TestRun(t *testing.T) {
	p := fabric(t)
	f := func(script string, want ...string) {
		t.Helper()
		s, err := Parse("s", script)
		if err != nil {
			t.Error(err)
			return
		}
		got := "passed"
		if r := Run(p, engine.Config{}, s); r.Err != nil {
			got = r.Err.Error()
		}
		if len(want) == 0 {
			want = []string{"passed"}
		}
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s\ngot %s\nwant %q", script, got, w)
			}
		}
	}
	f("")
	f(udpPacket)
	f(udpPacket + "no_packet")
	f(forwarding + udpPacket + forwarded)
	f(forwarding + forwarded + udpPacket)
	f(forwarding + udpPacket + "expect 2")
	f(forwarding + udpPacket + udpPacket + forwarded + "expect 2 0200")
	f(forwarding + udpPacket + "no_packet\n" + forwarded)
	f(forwarding+udpPacket+"wait\nremove all\n"+udpPacket+forwarded+"expect 2", "missing: got 1 packets on this port")
	f(udpPacket+forwarded, "s:2:1: port 2, packet 1: missing: got 0 packets", "expected")
	f(forwarding+udpPacket+forwarded+udpPacket, "s:1:1: port 2, packet 2: not expected: got 2 packets on this port; want 1")
	f(forwarding + udpPacket) // port 2 is not named
	f(forwarding+udpPacket+"no_packet", "port 2, packet 1: not expected")
	f(forwarding+udpPacket+strings.Replace(forwarded, "3f11", "4011", 1), "port 2, packet 1: byte 22: got 3f; want 40")
	f(forwarding+udpPacket+strings.Replace(forwarded, "04$", "$", 1), "too long: got 46 bytes; want 45")
	f(forwarding+udpPacket+strings.Replace(forwarded, "04$", "040*", 1), "too short: got 46 bytes; want 47")

	f("add tables k:1 a()", "s:1:1: no table \"tables\" in the program")
	f("add watch k:1 a()", "table watch has no key field \"k\"")
	f("add s k:1 a()", "table \"s\" is ambiguous: ")
	f("add routes ipv4:0/1 set_nexthop(nexthop_id:1)", "table routes has no key field \"ipv4\"")
	f("add routes ipv4_dst:0x100000000/1 set_nexthop(nexthop_id:1)", "key field ipv4_dst: 0x100000000 does not fit in 32 bits")
	f("add routes ipv4_dst:1/33 set_nexthop(nexthop_id:1)", "prefix length 33; want at most 32")
	f("add routes ipv4_dst:1/3 forward()", "no action of table routes \"forward\"")
	f("add routes ipv4_dst:1/3 set_nexthop()", "argument nexthop_id of set_nexthop is missing")
	f("add routes ipv4_dst:1/3 set_nexthop(x:1)", "set_nexthop has no parameter \"x\"")
	f("add routes ipv4_dst:1/3 set_nexthop(nexthop_id:0x10000)", "argument nexthop_id of set_nexthop: 0x10000 does not fit in 16 bits")
	f("add nexthops nexthop_id:0x* forward(port:1, smac:1, dmac:1)", "matched by exact; want a number without '*'")
	f("add nexthops nexthop_id:1/3 forward(port:1, smac:1, dmac:1)", "got a prefix length for a field matched by exact")
	f(forwarding+"add routes ipv4_dst:0x0a000100/24 to_cpu()", "s:4:1:", device.ErrExists.Error())
	f("setdefault routes set_nexthop(nexthop_id:1)\n" + forwarding[strings.Index(forwarding, "add nexthops"):] + udpPacket + forwarded)

	f(forwarding + udpPacket + "check_counter port_in(1) packets == 1\ncheck_counter port_in(1) bytes == 46\ncheck_counter port_in(0)")
	f(forwarding+udpPacket+"check_counter port_in(1) packets > 1", "counter port_in: got 1 packets; want > 1")
	f(strings.Replace(forwarding, "id:1)\n", "id:1) = A\n", 1) + udpPacket + "check_counter routes_counter($A) packets == 1\ncheck_counter routes_counter(0) packets >= 1")
	f(forwarding + udpPacket + "check_counter port_in(1) bytes == 50\ncheck_counter port_in(1) bytes < 47\ncheck_counter port_in(1) bytes >= 49\ncheck_counter port_in(1) packets != 2")
	f(forwarding+udpPacket+"check_counter port_in(1) bytes == 48", "got 46 bytes, 50 with frame check sequences; want == 48")
	f("check_counter routes_counter($A)", "no entry has the label \"A\"")
	f("check_counter nothing(1)", "no counter \"nothing\"")
	f(forwarding+"check_counter routes_counter(1)", "got index 1; table routes has 1 entries")
	f(forwarding + "counter_write routes_counter 0 5 6\ncheck_counter routes_counter(0) bytes == 6")
	f("counter_write port_out 3 5 6\ncheck_counter port_out(3) packets <= 5")
	f("counter_read port_out 512", "s:1:1:")
	f("register_write report_seq 0 0x400000", "4194304 does not fit in 22 bits")
	f("register_read queue_depth 512", "s:1:1:")
	f("register_read nothing 1", "no register")
	f("meter_set_rates nothing 1 1:1 1:1", "no meter")

	f("mirroring_get 5", "no clone session 5")
	f("mirroring_add 5 1\nmirroring_get 5\nmirroring_delete 5\nmirroring_get 5", "s:4:1: no clone session 5")
	f("mc_mgrp_create 1\nmc_mgrp_create 1", "group 1 is there already")
	f("mc_node_associate 1 0", "no multicast group 1")
	f("mc_mgrp_create 1\nmc_node_associate 1 0", "no multicast node 0")
	f("mc_node_update 0 1", "no multicast node 0")
	f("mc_mgrp_create 4294967296", "want at most")
}

func TestReadingCommands(t *testing.T) {
	script := `register_write queue_depth 3 77
register_read queue_depth 3
register_reset depth
register_read queue_depth 3
counter_write port_in 1 2 3
counter_read port_in 1
mc_mgrp_create 9
mc_node_create 400 6 7
mc_node_create 401 8
mc_node_associate 9 0
mirroring_add_mc 5 9
mirroring_get 5
mc_node_associate 9 1
mc_node_update 0 5
mirroring_get 5`
	s, err := Parse("s", script)
	if err != nil {
		t.Fatal(err)
	}
	r := newRunner(fabric(t), engine.Config{}, "s")
	if err := r.run(s); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"s:2:1: queue_depth[3]= 77",
		"s:4:1: queue_depth[3]= 0",
		"s:6:1: port_in[1]: 2 packets, 3 bytes",
		"s:12:1: clone session 5: [{Port:6 Instance:400} {Port:7 Instance:400}]",
		"s:15:1: clone session 5: [{Port:5 Instance:400} {Port:8 Instance:401}]",
	}
	if !slices.Equal(r.result.Log, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(r.result.Log, "\n"), strings.Join(want, "\n"))
	}
	groups := fmt.Sprint(r.sw.MulticastGroups())
	if want := "[{9 [{5 400} {8 401}]}]"; groups != want {
		t.Errorf("got groups %s; want %s", groups, want)
	}
}

func TestMismatch(t *testing.T) {
	e := &Expect{Pos: Pos{"s.stf", 4, 1}, Port: 7, Data: "000102030405060708090a0b0c0d0e0f1011**13", Exact: true}
	f := func(seen string, want string) {
		t.Helper()
		got := "the same"
		if m := compare(e, 7, 2, []byte(seen)); m != nil {
			got = m.Error()
		}
		if got != strings.TrimPrefix(want, "\n") {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	f("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13", "the same")
	f("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x23", `
s.stf:4:1: port 7, packet 2: byte 19: got 23; want 13
        expected                                          seen
  0000  00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f | 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f
  0010  10 11 ** 13                                     | 10 11 12 23
                 ^                                                 ^`)
	f("\x00\x01\x02", `
s.stf:4:1: port 7, packet 2: too short: got 3 bytes; want 20
        expected                                          seen
  0000  00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f | 00 01 02
                 ^                                                 ^
  0010  10 11 ** 13                                     | `)
}

// TestTernaryDigits: what is written is compared, what is not is open.
func TestTernaryDigits(t *testing.T) {
	f := func(kind device.MatchKind, width int, text, want string) {
		t.Helper()
		s, err := Parse("s", "add t k:"+text+" a()")
		if err != nil {
			t.Fatal(err)
		}
		m, err := match(spec.KeyField{Kind: kind, Width: width}, s.Statements[0].(*Add).Keys[0].Value)
		got := fmt.Sprintf("%x %x %x %d", m.Value, m.Mask, m.High, m.PrefixLen)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s of %d bits, %s: got %s; want %s", kind, width, text, got, want)
		}
	}
	f(device.Ternary, 32, "0x0202****", "02020000 ffff0000  0")
	f(device.Ternary, 32, "0x25**", "00002500 0000ff00  0")
	f(device.Ternary, 9, "0x1**", "0100 0100  0")
	f(device.Ternary, 9, "0b1*0*", "0008 000a  0")
	f(device.Ternary, 9, "0xfff", "0xfff does not fit in 9 bits")
	f(device.Ternary, 16, "5", "0005 ffff  0")
	f(device.LPM, 32, "0x0a010203", "0a010203   32")
	f(device.LPM, 32, "0x0a0102**", "0a010200   24")
	f(device.LPM, 32, "10/8", "00000000   8")
	f(device.LPM, 32, "7", "00000007   32")
	f(device.Range, 16, "7", "0007  0007 0")
	f(device.Exact, 48, "0xa1a2a3a4a5a6", "a1a2a3a4a5a6   0")
	f(device.Valid, 1, "0b1", "01   0")
}

func TestFieldNames(t *testing.T) {
	table := &spec.Table{Name: "t"}
	for _, n := range []string{"h.f", "hdr.eth.dst", "stack[1].x", "hdr.ip.$valid$", "odd$", "$valid$"} {
		table.Key = append(table.Key, spec.KeyField{Name: n})
	}
	f := func(name, want string) {
		t.Helper()
		i, err := field(table, name)
		got := "none"
		if err == nil {
			got = table.Key[i].Name
		}
		if got != want {
			t.Errorf("%s: got %s; want %s", name, got, want)
		}
	}
	f("h.f", "h.f")
	f("f", "h.f")
	f("dst", "hdr.eth.dst")
	f("eth.dst", "hdr.eth.dst")
	f("th.dst", "none")
	f("stack$1.x", "stack[1].x")
	f("hdr.ip", "hdr.ip.$valid$")
	f("hdr.ip.valid", "hdr.ip.$valid$")
	f("valid", "$valid$")
	f("odd", "odd$")
}

func TestRunDir(t *testing.T) {
	dir := fstest.MapFS{
		"a.stf":   {Data: []byte(udpPacket)},
		"a.json":  {Data: p4src.Fabric.JSON},
		"b.stf":   {Data: []byte("packet x")},
		"c.stf":   {Data: []byte("wait")},
		"d.stf":   {Data: []byte("wait")},
		"d.json":  {Data: []byte("{")},
		"e.stf":   {Data: []byte("expect 1")},
		"e.json":  {Data: p4src.VSwitch.JSON},
		"foo.txt": {Data: []byte("not a script")},
	}
	var got []string
	passed, failed, err := RunDir(dir, engine.Config{}, func(r Result) { got = append(got, fmt.Sprintf("%s %v", r.Script, r.Err)) })
	if passed != 1 || failed != 4 || err != nil {
		t.Errorf("got %d passed, %d failed, %v; want 1, 4", passed, failed, err)
	}
	for i, want := range []string{"a.stf <nil>", "b.stf b.stf:1:8: ", "c.stf cannot read the program", "d.stf d.json: ", "e.stf e.stf:1:1: port 1, packet 1: missing"} {
		if i >= len(got) || !strings.HasPrefix(got[i], want) {
			t.Errorf("result %d: got %q; want %q…", i, got, want)
		}
	}
	if _, _, err := RunDir(fstest.MapFS{}, engine.Config{}, nil); err == nil || !strings.Contains(err.Error(), "no *.stf") {
		t.Errorf("got %v for an empty folder", err)
	}
}

// TestMeters runs what p4c's scripts leave out: meters, ranges, optional keys,
// a clone session that follows a multicast group.
func TestMeters(t *testing.T) {
	data, err := os.ReadFile("testdata/meters.json")
	if err != nil {
		t.Fatal(err)
	}
	p, err := load(data)
	if err != nil {
		t.Fatal(err)
	}
	f := func(script, want string) {
		t.Helper()
		s, err := Parse("m", script)
		if err != nil {
			t.Fatal(err)
		}
		r := Run(p, engine.Config{}, s)
		if got := fmt.Sprint(r.Err); !strings.Contains(got, want) {
			t.Errorf("%s\ngot %s\nwant %s", script, got, want)
		}
	}
	const rules = `
add choose 10 value:7 send(port:3)
add choose 5 port:1 send(port:4)
add choose 1 copy(port:5)
`
	f(rules+"packet 1 0700\nexpect 3 07\npacket 1 0800\nexpect 4 08\npacket 2 0800\nexpect 5 08", "<nil>")
	f("mirroring_add_mc 7 2\nmc_mgrp_create 2\nmc_node_create 1 8 9\nmc_node_associate 2 0"+rules+
		"packet 2 0800\nexpect 5 0800\nexpect 8 08\nexpect 9 08", "<nil>")
	f(rules+"packet 1 07ff\nexpect 3 0700", "<nil>")
	// Nothing refills: one packet within the peak burst is yellow, the rest are red.
	f("meter_set_rates flow_meter 1 0.000001:0 0.000001:1\nmeter_get_rates flow_meter 1\nmeter_get_rates flow_meter 0"+rules+
		"packet 1 07ff\nexpect 3 0701\npacket 1 07ff\nexpect 3 0702", "<nil>")
	f("meter_array_set_rates meter 0.000001:0 0.000001:0"+rules+"packet 1 07ff\nexpect 3 0702", "<nil>")
	f("meter_get_rates flow_meter 4", "m:1:1: ")
	f("add choose 1 value:0x1* send(port:1)", "matched by range; want a number without '*'")
}

func FuzzRun(f *testing.F) {
	data, err := os.ReadFile("testdata/meters.json")
	if err != nil {
		f.Fatal(err)
	}
	p, err := load(data)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("add choose 10 value:7 port:0b1 send(port:3)\npacket 1 0700\nexpect 3 07\nsetdefault choose copy(port:2)")
	f.Add("mirroring_add_mc 7 2\nmc_mgrp_create 2\nmc_node_create 1 8 9\nmc_node_associate 2 0\npacket 1 07")
	f.Add("meter_set_rates flow_meter 1 0.5:1 2:3\nmeter_array_set_rates meter 1:1 1:2\nremove all\nwait\nno_packet")
	f.Fuzz(func(t *testing.T, src string) {
		s, err := Parse("fuzz", src)
		if err != nil || len(s.Statements) > 100 {
			return
		}
		if r := Run(p, engine.Config{}, s); r.Err != nil && r.Err.Error() == "" {
			t.Error("a failure without words")
		}
	})
}
