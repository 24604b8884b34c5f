package patterns

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// slowCover is the definition: all places of all points, the best one at a time.
func slowCover(s *space, p points, least int64, at levels) (out []cluster) {
	gone := make([]bool, len(p.side))
	type place struct {
		level [dims]int
		at    [dims]key
	}
	for {
		points := map[place][]int32{}
		for i, x := range p.side {
			if gone[i] {
				continue
			}
			var pl place
			var each func(d int)
			each = func(d int) {
				if d == dims {
					points[pl] = append(points[pl], int32(i))
					return
				}
				k, known := s.key(x, d)
				for l, b := range at[d] {
					if b <= known {
						pl.level[d], pl.at[d] = l, k.first(b)
						each(d + 1)
					}
				}
			}
			each(0)
		}
		better := func(a, b place, ma, mb int64) bool {
			la, lb := 0, 0
			for d := range dims {
				la, lb = la+a.level[d], lb+b.level[d]
			}
			if la != lb {
				return la > lb
			}
			if ma != mb {
				return ma > mb
			}
			for d := range dims {
				if a.level[d] != b.level[d] {
					return a.level[d] > b.level[d]
				}
				if c := a.at[d].compare(b.at[d]); c != 0 {
					return c < 0
				}
			}
			return false
		}
		var best place
		most := int64(-1)
		for pl, in := range points {
			m := int64(0)
			for _, i := range in {
				m += p.mass[i]
			}
			if m >= least && (most < 0 || better(pl, best, m, most)) {
				best, most = pl, m
			}
		}
		if most < 0 {
			return out
		}
		c := cluster{at: best.at, mass: most, points: points[best]}
		for d, l := range best.level {
			c.bits[d] = at[d][l]
		}
		for _, i := range c.points {
			gone[i] = true
		}
		slices.Sort(c.points)
		out = append(out, c)
	}
}

// testNetwork has three firewalls, two NATs and a node without a type.
func testNetwork(t testing.TB) *records.Network {
	net, err := records.NewNetwork([]records.NodeSpec{
		{Name: "fw1", Type: "firewall"}, {Name: "nat1", Type: "nat"}, {Name: "fw2", Type: "firewall"},
		{Name: "x"}, {Name: "nat2", Type: "nat"}, {Name: "fw3", Type: "firewall"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return net
}

func v4(a, b, c, d byte) netip.Addr { return netip.AddrFrom4([4]byte{a, b, c, d}) }

// TestCoverIsTheDefinition holds the fast cover against the slow one, over few points and
// levels so that everything happens, and over all levels of one or two dimensions.
func TestCoverIsTheDefinition(t *testing.T) {
	net := testNetwork(t)
	coarse := levels{{0, 16, 32}, {0, 96, 112, 128}, {0, 96, 112, 128}, {0, 12, 14, 16}, {0, 14, 16}, {0, 8}}
	none := levels{{0, 32}, {0, 128}, {0, 128}, {0, 16}, {0, 16}, {0, 8}}
	full := inSteps(1)
	reported, above := 0, 0
	for seed := range uint64(16) {
		rng := rand.New(rand.NewPCG(seed, 1))
		at := coarse
		if seed%4 != 0 {
			at = none
			at[dimSrc] = append([]int{0}, full[dimSrc][64*(int(seed)%2)+1:]...)
			if seed%4 > 1 {
				at = none
				at[dimSport], at[dimDport], at[dimNode] = full[dimSport], full[dimDport], full[dimNode]
			}
		}
		var flows []records.Flow
		var p points
		for range 1 + rng.IntN(18) {
			addr := func() netip.Addr {
				if rng.IntN(20) == 0 {
					return netip.MustParseAddr("2001:db8::1")
				}
				if rng.IntN(30) == 0 {
					return netip.Addr{}
				}
				return v4(10, byte(rng.IntN(2)), byte(rng.IntN(2)), byte(rng.IntN(4)))
			}
			f := records.NewFlow(addr(), addr(), []uint8{6, 17}[rng.IntN(2)], uint16(2000+rng.IntN(6)), uint16(79+rng.IntN(4)))
			x := Side{Node: int32(rng.IntN(6)), Flow: records.FlowID(slices.Index(flows, f))}
			if x.Flow == records.NoFlow {
				x.Flow = records.FlowID(len(flows))
				flows = append(flows, f)
			}
			if rng.IntN(30) == 0 {
				x.Flow = records.NoFlow
			}
			if !slices.Contains(p.side, x) {
				p.side, p.mass = append(p.side, x), append(p.mass, 1+int64(rng.IntN(1<<rng.IntN(8))))
			}
		}
		s := newSpace(net, flows)
		var total int64
		for _, m := range p.mass {
			total += m
		}
		least := 1 + rng.Int64N(total)/(1+rng.Int64N(12))
		c := newCovering(s, p, least, 2)
		rest, ok := c.at(at, 0)
		got := append(c.single, rest...)
		want := slowCover(s, p, least, at)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(cluster{}, key{})); !ok || diff != "" {
			t.Fatalf("seed %d, %d points, threshold %d of %d (-want +got):\n%s", seed, len(p.side), least, total, diff)
		}
		reported += len(got)
		for _, c := range got {
			if len(c.points) > 1 {
				above++
			}
		}
	}
	t.Logf("%d clusters reported alike, %d of them of several points", reported, above)
	if above < 10 {
		t.Errorf("only %d clusters of several points: the test says little", above)
	}
}

func ExamplePorts() {
	fmt.Println(Ports{0, 65535}, Ports{53, 53}, Ports{2000, 2007})
	// Output: * 53 2000-2007
}
