package clocks

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/telltale-net/telltale/collector/postcard"
)

// truth is clocks that are known.
type truth struct {
	offset, drift []float64 // by node; ns at 0, s/s
	tick          float64   // ns
}

func (c *truth) show(node int, t float64) uint64 {
	return uint64(math.Floor((t+c.offset[node]+c.drift[node]*t)/c.tick) * c.tick)
}

func randomTruth(rng *rand.Rand, nodes int, tick float64) *truth {
	c := &truth{tick: tick}
	for range nodes {
		c.offset = append(c.offset, 1e12+rng.NormFloat64()*1e9)
		c.drift = append(c.drift, (rng.Float64()-0.5)*100e-6)
	}
	return c
}

// traffic sends packets over a chain of nodes both ways, with queues in the way.
func traffic(a *Aligner, rng *rand.Rand, c *truth, from, to float64, packets int, least int64) {
	n := len(c.offset)
	for k := range packets {
		t := from + (float64(k)+rng.Float64()*5)/float64(packets)*(to-from) // reports overtake each other now and then
		i := rng.IntN(n - 1)
		x, y := i, i+1
		if rng.IntN(2) == 0 {
			x, y = y, x
		}
		transit := 5000 + rng.ExpFloat64()*20_000
		a.Passage(postcard.NodeID(x), postcard.NodeID(y), c.show(x, t), c.show(y, t+transit), least)
	}
}

func TestOffsetsLieWithinTheirBounds(t *testing.T) {
	worst := 0.0
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 1))
		c := randomTruth(rng, 6, []float64{1, 1000}[seed%2])
		least := []int64{0, 4000}[seed/2%2]
		a := New(Config{})
		traffic(a, rng, c, 0, 8e9, 40_000, least)
		o := a.Align(0)
		if o.Reference != 0 || a.Stats().Resets != 0 {
			t.Fatalf("seed %d: got reference %d and %d resets, want 0 and 0", seed, o.Reference, a.Stats().Resets)
		}
		for node := range c.offset {
			for at := 0.0; at <= 9e9; at += 1e9 {
				shown := c.show(node, at)
				ref, bound, ok := o.Time(postcard.NodeID(node), shown)
				if !ok {
					t.Fatalf("seed %d: node %d is not aligned", seed, node)
				}
				miss := math.Abs(float64(ref) - float64(c.show(0, at)))
				if miss > float64(bound)+2*c.tick {
					t.Fatalf("seed %d, node %d at %.0f s: off by %.0f ns, the bound says %d", seed, node, at/1e9, miss, bound)
				}
				if at >= 1e9 && at <= 8e9 {
					worst = max(worst, miss)
					if bound > 60_000 {
						t.Errorf("seed %d, node %d at %.0f s: bound of %d ns over %d links, want at most 60 µs", seed, node, at/1e9, bound, node)
					}
				}
			}
		}
	}
	t.Logf("largest error within the window: %.0f ns", worst)
}

func TestTransits(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	c := randomTruth(rng, 4, 1000)
	a := New(Config{})
	traffic(a, rng, c, 0, 5e9, 20_000, 4000)
	o := a.Align(1)
	for range 1000 {
		at, transit := rng.Float64()*5e9, rng.Float64()*50_000
		x := rng.IntN(3)
		got := o.Transit(postcard.NodeID(x), c.show(x, at), postcard.NodeID(x+1), c.show(x+1, at+transit))
		if got.Verdict != Measured && got.Verdict != Small || got.NS < 0 || math.Abs(float64(got.NS)-transit) > float64(got.Bound)+2000 {
			t.Fatalf("a transit of %.0f ns: got %+v", transit, got)
		}
	}
	if got := o.Transit(0, c.show(0, 1e9+1e6), 1, c.show(1, 1e9)); got.Verdict != Impossible || got.NS >= 0 {
		t.Errorf("a packet that arrives a millisecond before it left: got %+v", got)
	}
	if got := o.Transit(0, 0, 77, 0); got.Verdict != Unaligned {
		t.Errorf("a node nobody knows: got %+v", got)
	}
}

func TestClockThatIsSet(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	c := randomTruth(rng, 3, 1)
	a := New(Config{})
	traffic(a, rng, c, 0, 4e9, 10_000, 0)
	c.offset[2] += 5e6 // five milliseconds
	traffic(a, rng, c, 4e9, 8e9, 10_000, 0)
	o := a.Align(0)
	if a.Stats().Resets == 0 {
		t.Error("a clock was set and nobody noticed")
	}
	ref, bound, ok := o.Time(2, c.show(2, 7e9))
	if miss := math.Abs(float64(ref) - float64(c.show(0, 7e9))); !ok || miss > float64(bound) {
		t.Errorf("off by %.0f ns, the bound says %d (aligned: %v)", miss, bound, ok)
	}
}

func TestOneWayIsNoAlignment(t *testing.T) {
	a := New(Config{})
	for i := range uint64(100) {
		a.Passage(1, 2, i*1e6, i*1e6+5000, 0)
		a.Passage(3, 1, i*1e6, i*1e6+5000, 0)
		a.Passage(1, 3, i*1e6, i*1e6+5000, 0)
	}
	o := a.Align(1)
	if _, _, ok := o.Time(2, 5e6); ok {
		t.Error("a node is aligned that answers nobody")
	}
	if _, bound, ok := o.Time(3, 5e6); !ok || bound > 9000 {
		t.Errorf("got bound %d (aligned: %v), want 5000, and 3000 for the ticks and the slope", bound, ok)
	}
	if n := len(o.Clocks()); n != 3 {
		t.Errorf("got %d clocks, want 3", n)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	a := New(Config{Links: 10, Buckets: 5})
	for i := range 1000 {
		for b := range uint64(50) {
			a.Passage(postcard.NodeID(i), postcard.NodeID(i+1), b*1e9, b*1e9, 0)
		}
	}
	if len(a.ways) != 10 || a.Stats().Beyond != 990*50 {
		t.Errorf("got %d links and %d passages beyond, want 10 and %d", len(a.ways), a.Stats().Beyond, 990*50)
	}
	for d, w := range a.ways {
		if len(w.points) != 5 {
			t.Errorf("%v: got %d points, want 5", d, len(w.points))
		}
	}
}

func BenchmarkPassage(b *testing.B) {
	a := New(Config{})
	b.ReportAllocs()
	i := uint64(0)
	for b.Loop() {
		a.Passage(postcard.NodeID(i&15), postcard.NodeID(i&15+1), i*1000, i*1000+5000, 0)
		i++
	}
}

func BenchmarkAlign(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	c := randomTruth(rng, 64, 1000)
	a := New(Config{})
	traffic(a, rng, c, 0, 10e9, 200_000, 0)
	b.ReportAllocs()
	for b.Loop() {
		a.Align(0)
	}
}
