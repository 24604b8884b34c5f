package topology

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// slowPaths is the reference: every walk without repeated nodes, by trying
// everything, and then the shortest of them. It looks only at Fabric's slices.
func slowPaths(f Fabric, from, to string) []Path {
	roles := make(map[string]Role)
	for _, n := range f.Nodes {
		roles[n.Name] = n.Role
	}
	var all []Path
	var walk func(at string, seen []string, path Path)
	walk = func(at string, seen []string, path Path) {
		if at == to {
			all = append(all, slices.Clone(path))
			return
		}
		if at != from && roles[at] == VSwitch {
			return
		}
		for _, l := range f.Links {
			if l.Telemetry {
				continue
			}
			for _, h := range []Hop{{l.A, l.B}, {l.B, l.A}} {
				if h.Out.Node == at && !slices.Contains(seen, h.In.Node) {
					walk(h.In.Node, append(seen, h.In.Node), append(path, h))
				}
			}
		}
	}
	if from != to {
		walk(from, []string{from}, nil)
	}
	var shortest []Path
	for _, p := range all {
		if len(shortest) > 0 && len(p) > len(shortest[0]) {
			continue
		}
		if len(shortest) > 0 && len(p) < len(shortest[0]) {
			shortest = nil
		}
		shortest = append(shortest, p)
	}
	slices.SortFunc(shortest, comparePaths)
	return shortest
}

func comparePaths(a, b Path) int {
	for i := range min(len(a), len(b)) {
		if d := int(a[i].Out.Port) - int(b[i].Out.Port); d != 0 {
			return d
		}
	}
	return len(a) - len(b)
}

func TestPathsAgainstSlow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := randomFabric(t)
		ix, err := NewIndex(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range f.Nodes {
			for _, b := range f.Nodes {
				var want []Path
				if a.Role != Collector && b.Role != Collector {
					want = slowPaths(f, a.Name, b.Name)
				}
				got := slices.Collect(ix.Paths(a.Name, b.Name))
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("%s to %s (-want +got):\n%s\n%s", a.Name, b.Name, diff, Write(f))
				}
				first := make(map[Port]bool)
				for _, p := range want {
					first[p[0].Out.Port] = true
				}
				if got, want := ix.NextHops(a.Name, b.Name), slices.Sorted(maps.Keys(first)); !slices.Equal(got, want) {
					t.Fatalf("%s to %s: got next hops %v, want %v", a.Name, b.Name, got, want)
				}
				hops, ok := ix.Distance(a.Name, b.Name)
				if len(want) > 0 && (!ok || hops != len(want[0])) {
					t.Fatalf("%s to %s: got distance %d, %v, want %d", a.Name, b.Name, hops, ok, len(want[0]))
				}
			}
		}
	})
}

func demo(tb testing.TB) *Index {
	tb.Helper()
	f, err := LeafSpine(DefaultLeafSpine())
	if err != nil {
		tb.Fatal(err)
	}
	ix, err := NewIndex(f)
	if err != nil {
		tb.Fatal(err)
	}
	return ix
}

func TestPathsOfDemo(t *testing.T) {
	ix := demo(t)
	f := func(from, to, want string) {
		t.Helper()
		var got []string
		for p := range ix.Paths(from, to) {
			got = append(got, p.String())
		}
		if s := strings.Join(got, " "); s != want {
			t.Fatalf("%s to %s: got %q, want %q", from, to, s, want)
		}
	}
	f("vs1", "vs8", "vs1>leaf1>spine1>leaf4>vs8 vs1>leaf1>spine2>leaf4>vs8")
	f("vs1", "vs2", "vs1>leaf1>vs2")
	f("leaf1", "leaf2", "leaf1>spine1>leaf2 leaf1>spine2>leaf2")
	f("spine1", "spine2", "spine1>leaf1>spine2 spine1>leaf2>spine2 spine1>leaf3>spine2 spine1>leaf4>spine2")
	f("vs1", "vs1", "")
	f("vs1", "collector", "")
	f("collector", "vs1", "")
	f("vs1", "nobody", "")

	for p := range ix.Paths("vs1", "vs8") {
		if got, want := fmt.Sprint([]Hop(p)), "[vs1>leaf1 leaf1>spine1 spine1>leaf4 leaf4>vs8]"; got != want {
			t.Fatalf("got hops %s, want %s", got, want)
		}
		if got, want := p[1], (Hop{Endpoint{"leaf1", 1}, Endpoint{"spine1", 1}}); got != want {
			t.Fatalf("got second hop %+v, want %+v", got, want)
		}
		break // stopping early is allowed
	}
}

func TestIndex(t *testing.T) {
	ix := demo(t)
	f := func(what string, got, want any) {
		t.Helper()
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%s: got %v, want %v", what, got, want)
		}
	}
	n, ok := ix.Node("leaf2")
	f("Node", []any{n.ID, ok}, []any{2002, true})
	n, ok = ix.NodeByID(3005)
	f("NodeByID", []any{n.Name, ok}, []any{"vs5", true})
	n, ok = ix.NodeByAddress(netip.MustParseAddr("10.1.3.11"))
	f("NodeByAddress", []any{n.Name, ok}, []any{"vs5", true})
	f("Collector", ix.Collector().Name, "collector")
	e, ok := ix.Peer(Endpoint{"leaf2", 3})
	f("Peer", []any{e, ok}, []any{"vs3:1", true})
	e, ok = ix.Peer(e)
	f("Peer back", []any{e, ok}, []any{"leaf2:3", true})
	l, ok := ix.Link(Endpoint{"spine2", 4})
	f("Link", []any{l.A, l.B, l.RateBps, ok}, []any{"leaf4:2", "spine2:4", 1_000_000_000, true})
	f("Ports", ix.Ports("vs1"), []Port{1, 2, 3, 4, 500})
	f("Ports of nobody", ix.Ports("nobody"), []Port{})
	p, ok := ix.TelemetryPort("leaf1")
	f("TelemetryPort", []any{p, ok}, []any{500, true})
	p, ok = ix.TelemetryPort("collector")
	f("TelemetryPort of the collector", []any{p, ok}, []any{0, false})
	h, ok := ix.Host("green-3")
	f("Host", []any{h.At, ok}, []any{"vs1:3", true})
	h, ok = ix.HostAt(Endpoint{"vs1", 3})
	f("HostAt", []any{h.Name, ok}, []any{"green-3", true})
	h, ok = ix.HostByAddress(1002, netip.MustParseAddr("192.168.0.3"))
	f("HostByAddress", []any{h.Name, ok}, []any{"green-3", true})
	h, ok = ix.HostByAddress(1002, netip.MustParseAddr("192.168.0.9"))
	f("HostByAddress of nobody", []any{h, ok}, []any{Host{}, false})
	f("HostsAt", len(ix.HostsAt("vs1")), 3)
	f("HostsAt nobody", len(ix.HostsAt("nobody")), 0)
	v, ok := ix.VNET("blue")
	f("VNET", []any{v.VNI, ok}, []any{1003, true})
	v, ok = ix.VNETByVNI(1001)
	f("VNETByVNI", []any{v.Name, ok}, []any{"red", true})
	r, v, ok := ix.Rule(10021)
	f("Rule", []any{r.DstPort, v.Name, ok}, []any{23, "green", true})
	_, _, ok = ix.Rule(7)
	f("Rule of nobody", ok, false)
	_, ok = ix.Peer(Endpoint{"vs1", 3})
	f("Peer of a host's port", ok, false)
}

func TestIndexNoAllocs(t *testing.T) {
	ix := demo(t)
	ca := netip.MustParseAddr("192.168.0.3")
	if n := testing.AllocsPerRun(100, func() {
		ix.NodeByID(3005)
		ix.Peer(Endpoint{"leaf2", 3})
		ix.HostByAddress(1002, ca)
		ix.Rule(10021)
	}); n != 0 {
		t.Fatalf("got %v allocations per look-up, want 0", n)
	}
}

func TestNewIndexRefuses(t *testing.T) {
	if ix, err := NewIndex(Fabric{Name: "x"}); err == nil || ix != nil {
		t.Fatalf("got %v, %v, want an error", ix, err)
	}
}

func BenchmarkNewIndex(b *testing.B) {
	c := DefaultLeafSpine()
	c.Spines, c.Leaves, c.VSwitches, c.HostsPerVNET = 16, 64, 16, 1000
	f, err := LeafSpine(c)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewIndex(f); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPaths(b *testing.B) {
	ix := demo(b)
	b.ReportAllocs()
	for b.Loop() {
		for range ix.Paths("vs1", "vs8") {
		}
	}
}
