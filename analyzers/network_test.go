package analyzers

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/topology"
)

func demo(t *testing.T) *Network {
	t.Helper()
	f, err := topology.LeafSpine(topology.DefaultLeafSpine())
	if err != nil {
		t.Fatal(err)
	}
	n, err := NewNetwork(f)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestNetworkAgreesWithIndex holds the numbered layout against topology's look-ups by
// name, port for port.
func TestNetworkAgreesWithIndex(t *testing.T) {
	n := demo(t)
	for i, node := range n.Nodes {
		if got := n.ByID(postcard.NodeID(node.ID)); got != int32(i) {
			t.Errorf("ByID(%d) = %d, want %d", node.ID, got, i)
		}
		if got := n.ByAddr(postcard.AddrFrom(node.Address)); got != int32(i) {
			t.Errorf("ByAddr(%s) = %d, want %d", node.Address, got, i)
		}
		for p := range uint32(520) {
			e := topology.Endpoint{Node: node.Name, Port: topology.Port(p)}
			got := n.PortAt(int32(i), p)
			link, isLink := n.Link(e)
			host, isHost := n.HostAt(e)
			switch {
			case isHost:
				if got.Kind != ToHost || got.PeerName != host.Name || got.RateBps != host.RateBps {
					t.Errorf("%s: got %+v, want host %s", e, got, host.Name)
				}
			case isLink:
				peer, _ := n.Peer(e)
				if got.PeerName != peer.Node || n.Name(got.Peer) != peer.Node || got.RateBps != link.RateBps || (got.Kind == ToCollector) != link.Telemetry {
					t.Errorf("%s: got %+v, want link to %s", e, got, peer.Node)
				}
			case got != Port{}:
				t.Errorf("%s: got %+v, want nothing", e, got)
			}
		}
	}
}

func TestNetworkPlaces(t *testing.T) {
	n := demo(t)
	f := func(node, leaf, prefix string) {
		t.Helper()
		i := n.byName[node]
		l := n.Leaf(i)
		if n.Name(l) != leaf || l >= 0 && n.PrefixOf(l).String() != prefix {
			t.Errorf("%s is behind %s; want %s (%s)", node, n.Name(l), leaf, prefix)
		}
	}
	f("vs1", "leaf1", "10.1.1.0/24")
	f("vs8", "leaf4", "10.1.4.0/24")
	f("leaf3", "leaf3", "10.1.3.0/24")

	l := n.byName["leaf2"]
	n.Nodes[l].Prefix = n.PrefixOf(n.byName["collector"]) // invalid: has none behind it
	if got := n.PrefixOf(l).String(); got != "10.1.2.8/29" {
		t.Errorf("the prefix that covers 10.1.2.11 and 10.1.2.12 is %s, want 10.1.2.8/29", got)
	}
	if n.ByID(99) != -1 || n.Name(-1) != "?" || n.NameOf(99) != "node-99" || n.PortAt(-1, 1) != (Port{}) {
		t.Errorf("look-ups of what is not there must say so")
	}
}

func TestNewNetworkRefusesBrokenFabric(t *testing.T) {
	f, _ := topology.LeafSpine(topology.DefaultLeafSpine())
	f.Links[0].A.Node = "nowhere"
	if _, err := NewNetwork(f); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("got error %v, want one that names the place", err)
	}
}

func TestFlowHash(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	base := TenantFlow{VNI: 1001, Flow: postcard.Flow{SrcPort: 1, DstPort: 2, Proto: 6}}
	base.Flow.Src[15], base.Flow.Dst[15] = 1, 2
	seen := map[uint64]TenantFlow{}
	for range 200_000 {
		f := base
		switch rng.IntN(6) {
		case 0:
			f.VNI = rng.Uint32() & 0xffffff
		case 1:
			f.Flow.Src[rng.IntN(16)] = byte(rng.Uint32())
		case 2:
			f.Flow.Dst[rng.IntN(16)] = byte(rng.Uint32())
		case 3:
			f.Flow.SrcPort = uint16(rng.Uint32())
		case 4:
			f.Flow.DstPort = uint16(rng.Uint32())
		case 5:
			f.Flow.Proto = uint8(rng.Uint32())
		}
		if rng.IntN(2) == 0 {
			base = f
		}
		h := f.Hash()
		if o, ok := seen[h]; ok && o != f {
			t.Fatalf("hash %#x for both %+v and %+v", h, o, f)
		}
		seen[h] = f
	}
}
