package decode_test

import (
	"math/rand/v2"
	"testing"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/decode"
	"github.com/telltale-net/telltale/analyzers/flowset/flowsettest"
	"github.com/telltale-net/telltale/analyzers/flowset/hash"
)

// Linear functions confirm whatever three flows add up to: nothing may come of it.
func TestLinear(t *testing.T) {
	for _, alg := range []hash.Algorithm{hash.CRC32, hash.CRC32C} {
		for _, cells := range []int{64, 122, 125} { // all subtables alike, in part, not
			for _, bits := range []uint64{0, 6} {
				var sum score
				for seed := range uint64(4) {
					e, err := flowsettest.New(flowsettest.Config{
						Tree: flowsettest.FatTree{K: 4}, FlowsPerNode: (100 + 15*int(seed)) * cells / 64, Seed: seed, Cells: cells, CheckBytes: 2, Algorithm: alg,
						FilterBits: 250 * bits, FilterHashes: 4, Losses: int(seed) * 10,
					})
					if err != nil {
						t.Fatal(err)
					}
					got := judge(e, decode.Tables(e.Tables, decode.Options{}))
					sum.flows += got.flows
					sum.right += got.right
					sum.found += got.found
					sum.wrong += got.wrong
					sum.invented += got.invented
				}
				if sum.invented > 0 || 1000*sum.wrong > sum.right {
					t.Errorf("%s, %d cells, filter of %d bits: %+v", alg, cells, 250*bits, sum)
				}
				t.Logf("%s, %d cells, filter of %d bits: %+v", alg, cells, 250*bits, sum)
			}
		}
	}
}

// Two flows that share all their cells have a known sum. If each loses a packet at a
// different place, neighbours' counts split it wrongly, and nothing contradicts them.
func TestTwins(t *testing.T) {
	wrong, told := 0, 0
	for seed := range uint64(400) {
		e, err := flowsettest.New(flowsettest.Config{Tree: flowsettest.FatTree{K: 4}, FlowsPerNode: 14, Seed: seed, Cells: 6, CheckBytes: 2, FilterBits: 500, FilterHashes: 17, Losses: 30, MaxPackets: 20})
		if err != nil {
			t.Fatal(err)
		}
		got := judge(e, decode.Tables(e.Tables, decode.Options{Neighbours: e.Neighbours(), Workers: 1}))
		wrong += got.wrong
		told += got.right
	}
	t.Logf("%d told, %d wrong", told, wrong)
	if wrong*3000 > told {
		t.Errorf("%d of %d counts told are wrong", wrong, told)
	}
}

// Past the cliff, what the epoch before had brings the flows back, and with them the counts
// of this one; flows that have ended are not invented.
func TestEarlier(t *testing.T) {
	for _, bits := range []uint64{8, 25} {
		c := flowsettest.Config{Tree: flowsettest.FatTree{K: 4}, FlowsPerNode: 400, Seed: 2, Epoch: 1, Cells: 110, CheckBytes: 2, FilterBits: 400 * bits, FilterHashes: int(bits * 7 / 10), Losses: 50}
		first, err := flowsettest.New(c)
		if err != nil {
			t.Fatal(err)
		}
		was := decode.Tables(first.Tables, decode.Options{Neighbours: first.Neighbours()})
		c.Epoch, c.Cells = 2, 50
		next, err := c.Next(first, 0.7)
		if err != nil {
			t.Fatal(err)
		}
		with := judge(next, decode.Tables(next.Tables, decode.Options{Neighbours: next.Neighbours(), Earlier: was}))
		without := judge(next, decode.Tables(next.Tables, decode.Options{Neighbours: next.Neighbours()}))
		t.Logf("%d bits: %+v; without %+v", bits, with, without)
		if with.invented+with.wrong > 0 || 100*with.right < 99*with.flows || 100*(without.right+without.found) > 10*without.flows {
			t.Errorf("%d bits: got %+v, and %+v without the epoch before", bits, with, without)
		}
	}
	// One switch by itself is helped, too.
	c := flowsettest.Config{Tree: flowsettest.FatTree{K: 4}, FlowsPerNode: 400, Seed: 2, Epoch: 1, Cells: 200, CheckBytes: 2, FilterBits: 400 * 25, FilterHashes: 17}
	first, err := flowsettest.New(c)
	if err != nil {
		t.Fatal(err)
	}
	was := decode.Tables(first.Tables[:1], decode.Options{})
	c.Epoch, c.Cells = 2, 130
	next, err := c.Next(first, 0.9)
	if err != nil {
		t.Fatal(err)
	}
	with, without := decode.Tables(next.Tables[:1], decode.Options{Earlier: was})[0].Coverage, decode.Tables(next.Tables[:1], decode.Options{})[0].Coverage
	if with.Decoded < with.Flows || 2*without.Decoded > without.Flows {
		t.Errorf("alone: got %+v, and %+v without the epoch before", with, without)
	}
}

// Settings of all kinds, most of them poor: tables too small, filters of few bits or none,
// links that lose much. Next to nothing that is told is wrong, and nothing breaks.
func TestSettings(t *testing.T) {
	var sum score
	for seed := uint64(40); seed < 56; seed++ {
		rng := rand.New(rand.NewPCG(seed, 77))
		flows := 100 + rng.IntN(900)
		bits := []uint64{0, 3, 6, 10, 16, 25}[rng.IntN(6)]
		c := flowsettest.Config{
			Tree: flowsettest.FatTree{K: 4}, FlowsPerNode: flows, Seed: seed, Cells: int((0.35 + 0.8*rng.Float64()) * float64(flows) / 3), CheckBytes: []int{0, 1, 2, 4}[rng.IntN(4)],
			FilterBits: uint64(flows) * bits, FilterHashes: int(bits*7/10) + 1, Losses: rng.IntN(1 + flows*4*rng.IntN(3)), Subtables: 3 + rng.IntN(3)/2, MaxPackets: []int64{3, 10, 1000}[rng.IntN(3)],
		}
		for range rng.IntN(3) {
			i := rng.IntN(20)
			n := c.Tree.Neighbours(i)
			c.Lossy = append(c.Lossy, flowsettest.Link{From: int32(i), To: int32(n[rng.IntN(len(n))]), Rate: []float64{0.001, 0.01, 0.1, 1}[rng.IntN(4)]})
		}
		e, err := flowsettest.New(c)
		if err != nil {
			t.Fatal(err)
		}
		opt := decode.Options{Neighbours: e.Neighbours()}
		switch rng.IntN(4) {
		case 0:
			opt.Visits = e.Visits()
		case 1:
			opt.Neighbours = nil
		}
		got := judge(e, decode.Tables(e.Tables, opt))
		sum.right += got.right
		sum.wrong += got.wrong
		sum.invented += got.invented
	}
	t.Logf("%+v", sum)
	if sum.invented > 0 || 10_000*sum.wrong > sum.right {
		t.Errorf("got %+v", sum)
	}
}

// Where epochs are those of each switch's own clock, neighbours count the same flow
// differently: flows are taken from them, counts are not.
func TestOwnClocks(t *testing.T) {
	told, wrong, helped := 0, map[bool]int{}, 0
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 3))
		var tables []*flowset.Table
		var truth [3]map[flowset.Key]int64
		for i := range truth {
			table, err := flowset.NewTable(flowset.Shape{Node: string(rune('a' + i)), Subtables: 2, Cells: 60, KeyBytes: flowset.KeyIPv4, CheckBytes: 2, Hash: hash.Family{Algorithm: hash.SplitMix64, Seed: seed*10 + uint64(i)}})
			if err != nil {
				t.Fatal(err)
			}
			tables, truth[i] = append(tables, table), map[flowset.Key]int64{}
		}
		for range 75 {
			k, n := flowset.Key{rng.Uint64(), rng.Uint64() >> 24 << 24}, 2+rng.Int64N(20)
			for i := range truth {
				truth[i][k] = n
				if i > 0 && rng.IntN(3) == 0 { // a packet crosses the epoch's end
					truth[i][k] += 2*rng.Int64N(2) - 1
				}
				tables[i].Add(k, truth[i][k], true)
			}
		}
		alone := decode.Tables(tables, decode.Options{Alone: true})
		for _, own := range []bool{false, true} {
			for i, d := range decode.Tables(tables, decode.Options{OwnClocks: own}) {
				if own {
					helped += d.Len() - alone[i].Len()
				}
				for f := range d.Len() {
					if n, ok := d.Packets(f); ok && n != truth[i][d.Key(f)] {
						wrong[own]++
					} else if ok && own {
						told++
					}
				}
			}
		}
	}
	t.Logf("%d counts told, %d flows by neighbours' help; wrong %d, and %d if epochs were packets'", told, helped, wrong[true], wrong[false])
	if wrong[true] > 0 || told < 1000 || helped < 100 {
		t.Errorf("%d counts wrong of %d, %d flows by neighbours' help", wrong[true], told, helped)
	}
}
