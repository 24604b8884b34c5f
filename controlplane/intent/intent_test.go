package intent

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/protobuf/proto"

	"github.com/telltale-net/telltale/p4src"
	"github.com/telltale-net/telltale/topology"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", path, diff)
	}
}

func schemas(tb testing.TB) map[string]*Schema {
	tb.Helper()
	out := make(map[string]*Schema)
	for _, p := range []p4src.Program{p4src.Fabric, p4src.VSwitch} {
		s, err := ParseSchema(p.Name, p.P4Info)
		if err != nil {
			tb.Fatal(err)
		}
		out[p.Name] = s
	}
	return out
}

func demo(tb testing.TB) *topology.Index {
	tb.Helper()
	f, err := topology.LeafSpine(topology.DefaultLeafSpine())
	if err != nil {
		tb.Fatal(err)
	}
	return index(tb, f)
}

func index(tb testing.TB, f topology.Fabric) *topology.Index {
	tb.Helper()
	ix, err := topology.NewIndex(f)
	if err != nil {
		tb.Fatal(err)
	}
	return ix
}

func text(s *Schema, entities []*p4v1.Entity) string {
	var b strings.Builder
	for _, e := range entities {
		b.WriteString(s.Text(e) + "\n")
	}
	return b.String()
}

// TestGolden holds what one switch of each role gets in the demo's fabric.
func TestGolden(t *testing.T) {
	ix, ss := demo(t), schemas(t)
	set := DefaultSettings()
	set.Watch = []WatchRule{
		{Priority: 2, VNI: 1001, Src: netip.MustParsePrefix("192.168.0.1/32"), Proto: 6, DstPort: 80, Colour: 1},
		{Priority: 1, Dst: netip.MustParsePrefix("192.168.0.0/24")},
	}
	f := func(node string) {
		t.Helper()
		n, _ := ix.Node(node)
		entities, err := For(ix, node, set, ss[n.Program])
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "testdata/"+node+".golden", text(ss[n.Program], entities))
		again, err := For(ix, node, set, ss[n.Program])
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range entities {
			if !proto.Equal(e, again[i]) {
				t.Fatalf("%s: entity %d differs the second time: %v, then %v", node, i, e, again[i])
			}
		}
	}
	f("spine1")
	f("leaf1")
	f("vs1")
}

func TestUpdates(t *testing.T) {
	ix, ss := demo(t), schemas(t)
	entities, err := For(ix, "vs1", DefaultSettings(), ss["vswitch"])
	if err != nil {
		t.Fatal(err)
	}
	defaults := 0
	for i, u := range Updates(entities) {
		want := p4v1.Update_INSERT
		if u.Entity.GetTableEntry().GetIsDefaultAction() {
			want = p4v1.Update_MODIFY
			defaults++
		}
		if u.Type != want || u.Entity != entities[i] {
			t.Fatalf("update %d: got %v of %v, want %v of entity %d", i, u.Type, u.Entity, want, i)
		}
	}
	if defaults != 3 { // report_target, vtep, telemetry
		t.Fatalf("got %d default actions, want 3", defaults)
	}
}

func TestForRefuses(t *testing.T) {
	ix, ss := demo(t), schemas(t)
	f := func(node, program string, change func(*Settings), want string) {
		t.Helper()
		set := DefaultSettings()
		change(&set)
		got, err := For(ix, node, set, ss[program])
		if err == nil || got != nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("got %v entities and error %v, want an error with %q", len(got), err, want)
		}
	}
	same := func(*Settings) {}
	f("vs9", "vswitch", same, `intent of "vs9": it is not a switch of fabric demo`)
	f("collector", "vswitch", same, `it is not a switch`)
	f("vs1", "fabric", same, `intent of vs1: got the schema of program "fabric", want "vswitch"`)
	f("vs1", "vswitch", func(s *Settings) { s.ReportPort = 0 }, "intent of vs1: settings: report port is 0")
	f("vs1", "vswitch", func(s *Settings) { s.HwID = 64 }, "hw id out of range: got 64, want 0…63")
	f("vs1", "vswitch", func(s *Settings) { s.QueueWatch = 101 }, "queue watch out of range: got 101 %, want 0…100")
	f("vs1", "vswitch", func(s *Settings) { s.MTU = 67 }, "MTU out of range: got 67, want 0 or at least 68")
	f("vs1", "vswitch", func(s *Settings) { s.TenantMTU = 1 }, "tenant MTU out of range: got 1, want 0 or at least 68")

	watch := func(ws ...WatchRule) func(*Settings) { return func(s *Settings) { s.Watch = ws } }
	f("vs1", "vswitch", watch(WatchRule{}), "watch rule 1: priority out of range: got 0, want at least 1")
	f("vs1", "vswitch", watch(WatchRule{Priority: 1, VNI: 1 << 24}), "watch rule 1: VNI out of range: got 16777216, want at most 16777215")
	f("vs1", "vswitch", watch(WatchRule{Priority: 1, Colour: 4}), "watch rule 1: colour out of range: got 4, want 0…3")
	f("vs1", "vswitch", watch(WatchRule{Priority: 1, Src: netip.MustParsePrefix("fd00::/8")}), "watch rule 1: prefix fd00::/8 is not IPv4")
	f("vs1", "vswitch", watch(WatchRule{Priority: 1, Src: netip.MustParsePrefix("10.0.0.1/8")}, WatchRule{Priority: 1, Colour: 2, Src: netip.MustParsePrefix("10.0.0.2/8")}),
		"watch rule 2: matches the same with the same priority as rule 1")
}

// TestForTooMuch: a program promises a size, and a switch may take no more.
func TestForTooMuch(t *testing.T) {
	ss := schemas(t)
	c := topology.DefaultLeafSpine()
	c.Spines, c.Leaves, c.VSwitches, c.VNETs, c.HostsPerVNET = 65, 2, 1, 1, 2
	f, err := topology.LeafSpine(c)
	if err != nil {
		t.Fatal(err)
	}
	_, err = For(index(t, f), "leaf1", DefaultSettings(), ss["fabric"])
	if want := "action profile ecmp: group 1024: got 65 members, want at most 64"; err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("got error %v, want one with %q", err, want)
	}

	c.Spines = 1
	if f, err = topology.LeafSpine(c); err != nil {
		t.Fatal(err)
	}
	f.VNETs[0].ACL = nil
	for i := range 8193 {
		f.VNETs[0].ACL = append(f.VNETs[0].ACL, topology.ACLRule{ID: uint32(i + 1), Priority: int32(i + 1)})
	}
	_, err = For(index(t, f), "vs1", DefaultSettings(), ss["vswitch"])
	if want := "table acl: got 8193 entries, want at most 8192"; err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("got error %v, want one with %q", err, want)
	}
}

func TestACLEntry(t *testing.T) {
	ss := schemas(t)
	f := func(program string, vni uint32, r topology.ACLRule, want string) {
		t.Helper()
		e, err := ACLEntry(ss[program], vni, r)
		got := fmt.Sprint(err)
		if err == nil {
			got = ss[program].Text(e)
		}
		if got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	p := netip.MustParsePrefix
	f("vswitch", 1001, topology.ACLRule{ID: 7, Priority: topology.MaxPriority, Src: p("192.168.0.1/32"), Dst: p("192.168.0.0/24"), Proto: 6, DstPort: 80, Deny: true},
		"table acl: priority=16383 vni=1001 direction=0 src=192.168.0.1 dst=192.168.0.0/24 proto=6 dport=80 → deny(rule=7)")
	f("vswitch", 1001, topology.ACLRule{ID: 8, Priority: 1, Inbound: true, Src: p("0.0.0.0/0")},
		"table acl: priority=1 vni=1001 direction=1 → permit(rule=8)")
	f("vswitch", 1001, topology.ACLRule{ID: 8}, "program vswitch: table acl: rule 8: priority out of range: got 0, want at least 1")
	f("vswitch", 1<<24, topology.ACLRule{ID: 8, Priority: 1}, "program vswitch: table acl: key vni: got 0x01000000, want at most 24 bits")
	f("vswitch", 1, topology.ACLRule{ID: 8, Priority: 1, Dst: p("fd00::/8")}, "program vswitch: table acl: rule 8: prefix fd00::/8 is not IPv4")
	f("fabric", 1, topology.ACLRule{ID: 8, Priority: 1}, "program fabric: it has no table acl")
}

func TestRouteEntry(t *testing.T) {
	s := schemas(t)["fabric"]
	f := func(r Route, want string) {
		t.Helper()
		e, err := RouteEntry(s, r)
		got := fmt.Sprint(err)
		if err == nil {
			got = s.Text(e)
		}
		if got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	f(Route{Prefix: netip.MustParsePrefix("10.1.3.0/24"), NextHop: 3}, "table routes: ipv4_dst=10.1.3.0/24 → set_nexthop(nexthop_id=3)")
	f(Route{Prefix: netip.MustParsePrefix("10.1.3.7/24"), NextHop: 1024}, "table routes: ipv4_dst=10.1.3.0/24 → set_nexthop(nexthop_id=1024)")
	f(Route{Prefix: netip.MustParsePrefix("10.0.0.1/32")}, "table routes: ipv4_dst=10.0.0.1/32 → to_cpu()")
	f(Route{Prefix: netip.MustParsePrefix("0.0.0.0/0"), NextHop: 1}, "table routes: any → set_nexthop(nexthop_id=1)")
	f(Route{}, "program fabric: table routes: prefix invalid Prefix is not IPv4")
}

// TestRoutesOfDemo: the fault "a spine lost the route to one leaf" is one entry.
func TestRoutesOfDemo(t *testing.T) {
	ix := demo(t)
	f := func(node, want string) {
		t.Helper()
		var got []string
		for _, r := range Routes(ix, node) {
			got = append(got, fmt.Sprintf("%v>%s%v#%d", r.Prefix, r.Owner, r.Ports, r.NextHop))
		}
		if s := strings.Join(got, " "); s != want {
			t.Fatalf("%s: got\n%s\nwant\n%s", node, s, want)
		}
	}
	f("spine2", "10.0.0.2/32>spine2[]#0 10.1.1.0/24>leaf1[1]#1 10.1.2.0/24>leaf2[2]#2 10.1.3.0/24>leaf3[3]#3 10.1.4.0/24>leaf4[4]#4")
	f("leaf1", "10.0.0.1/32>spine1[1]#1 10.0.0.2/32>spine2[2]#2 10.1.1.1/32>leaf1[]#0 10.1.2.0/24>leaf2[1 2]#1024 10.1.3.0/24>leaf3[1 2]#1024 10.1.4.0/24>leaf4[1 2]#1024 10.1.1.11/32>vs1[3]#3 10.1.1.12/32>vs2[4]#4")
	f("vs1", "10.0.0.1/32>spine1[1]#1 10.0.0.2/32>spine2[1]#1 10.1.1.0/24>leaf1[1]#1 10.1.2.0/24>leaf2[1]#1 10.1.3.0/24>leaf3[1]#1 10.1.4.0/24>leaf4[1]#1")
	f("collector", "")
	f("nobody", "")
}

func BenchmarkFor(b *testing.B) {
	ix, ss := demo(b), schemas(b)
	b.ReportAllocs()
	for b.Loop() {
		for _, n := range ix.Fabric().Nodes {
			if n.Role == topology.Collector {
				continue
			}
			if _, err := For(ix, n.Name, DefaultSettings(), ss[n.Program]); err != nil {
				b.Fatal(err)
			}
		}
	}
}
