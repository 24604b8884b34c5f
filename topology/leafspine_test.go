package topology

import (
	"strings"
	"testing"
)

func TestLeafSpineSizes(t *testing.T) {
	f := func(change func(*LeafSpineConfig), wantErr string) {
		t.Helper()
		c := DefaultLeafSpine()
		change(&c)
		fabric, err := LeafSpine(c)
		if wantErr != "" {
			if err == nil || !strings.Contains(err.Error(), wantErr) {
				t.Fatalf("got error %v, want one with %q", err, wantErr)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		switches := c.Spines + c.Leaves*(1+c.VSwitches)
		if got, want := len(fabric.Nodes), switches+1; got != want {
			t.Fatalf("got %d nodes, want %d", got, want)
		}
		if got, want := len(fabric.Links), c.Leaves*(c.Spines+c.VSwitches)+switches; got != want {
			t.Fatalf("got %d links, want %d", got, want)
		}
		if got, want := len(fabric.Hosts), c.VNETs*c.HostsPerVNET; got != want {
			t.Fatalf("got %d hosts, want %d", got, want)
		}
	}
	f(func(c *LeafSpineConfig) {}, "")
	f(func(c *LeafSpineConfig) { c.Spines, c.Leaves, c.VSwitches, c.VNETs, c.HostsPerVNET = 1, 1, 1, 1, 1 }, "")
	f(func(c *LeafSpineConfig) { c.Spines, c.Leaves, c.VSwitches = 16, 64, 8 }, "")
	f(func(c *LeafSpineConfig) { c.Spines, c.Leaves = 100, 254 }, "")
	f(func(c *LeafSpineConfig) { c.VNETs, c.HostsPerVNET = 80, 40 }, "")
	f(func(c *LeafSpineConfig) { c.Leaves, c.VSwitches, c.VNETs, c.HostsPerVNET = 1, 1, 1, 507 }, "")

	f(func(c *LeafSpineConfig) { c.Spines = 0 }, "spines: got 0, want 1…254")
	f(func(c *LeafSpineConfig) { c.Leaves = 255 }, "leaves: got 255, want 1…254")
	f(func(c *LeafSpineConfig) { c.VSwitches = -1 }, "vswitches per leaf: got -1, want 1…200")
	f(func(c *LeafSpineConfig) { c.VNETs = 0 }, "VNETs: got 0")
	f(func(c *LeafSpineConfig) { c.HostsPerVNET = 70000 }, "hosts per VNET: got 70000")
	f(func(c *LeafSpineConfig) { c.VNETs, c.HostsPerVNET = 100, 1000 }, "got 100000 hosts, want at most 65536")
	f(func(c *LeafSpineConfig) { c.Spines, c.Leaves = 254, 254 }, "too many links: got 66040, want at most 32768")
	f(func(c *LeafSpineConfig) { c.Leaves, c.VSwitches = 254, 200 }, "nodes, want at most 4096")
	f(func(c *LeafSpineConfig) { c.Leaves, c.VSwitches, c.VNETs, c.HostsPerVNET = 1, 1, 1, 508 }, "port out of range: got 510")
	f(func(c *LeafSpineConfig) { c.Name = "a b" }, "not a word")
	f(func(c *LeafSpineConfig) { c.Trunk.RateBps = -1 }, "rate out of range: got -1")
}

// TestLeafSpineDemo holds what the demo relies on.
func TestLeafSpineDemo(t *testing.T) {
	fabric, err := LeafSpine(DefaultLeafSpine())
	if err != nil {
		t.Fatal(err)
	}
	ix, err := NewIndex(fabric)
	if err != nil {
		t.Fatal(err)
	}
	roles := make(map[Role]int)
	for _, n := range fabric.Nodes {
		roles[n.Role]++
	}
	if roles[Spine] != 2 || roles[Leaf] != 4 || roles[VSwitch] != 8 || roles[Collector] != 1 || len(fabric.VNETs) != 3 {
		t.Fatalf("got %v and %d VNETs, want 2 spines, 4 leaves, 8 vswitches, 1 collector, 3 VNETs", roles, len(fabric.VNETs))
	}
	leafOf := func(vs string) string {
		peer, _ := ix.Peer(Endpoint{vs, 1})
		return peer.Node
	}
	for _, v := range fabric.VNETs {
		vswitches, leaves := make(map[string]bool), make(map[string]bool)
		for _, h := range fabric.Hosts {
			if h.VNET != v.Name {
				continue
			}
			vswitches[h.At.Node], leaves[leafOf(h.At.Node)] = true, true
			for _, other := range fabric.VNETs {
				if _, ok := ix.HostByAddress(other.VNI, h.Address); !ok {
					t.Errorf("vnet %s does not reuse %v of %s", other.Name, h.Address, v.Name)
				}
			}
		}
		if len(vswitches) < 6 || len(leaves) < 4 {
			t.Errorf("vnet %s is on %d vswitches under %d leaves, want at least 6 under 4", v.Name, len(vswitches), len(leaves))
		}
	}
}
