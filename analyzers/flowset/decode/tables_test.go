package decode_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/decode"
	"github.com/telltale-net/telltale/analyzers/flowset/flowsettest"
	"github.com/telltale-net/telltale/analyzers/flowset/hash"
)

// score is how decoding fared against the truth: a slow map of what every switch counted.
type score struct {
	flows, right, found, wrong, invented int
}

func judge(e *flowsettest.Epoch, got []*flowset.Decoded) (s score) {
	truth := make([]map[flowset.Key]int64, len(e.Tables))
	for i := range truth {
		truth[i] = map[flowset.Key]int64{}
	}
	for _, f := range e.Flows {
		for h, at := range f.Path {
			if f.Packets[h] > 0 {
				truth[at][f.Key] += f.Packets[h]
			}
		}
	}
	for i, d := range got {
		s.flows += len(truth[i])
		for f := range d.Len() {
			want, ok := truth[i][d.Key(f)]
			n, counted := d.Packets(f)
			switch {
			case !ok:
				s.invented++
			case !counted:
				s.found++
			case n != want:
				s.wrong++
			default:
				s.right++
			}
			delete(truth[i], d.Key(f))
		}
	}
	return s
}

// Alone, decoding breaks down at the cliff; network-wide it goes on, with losses and
// without, whether ways are known or not, with a filter, a poor one, or none.
func TestNetwork(t *testing.T) {
	for _, c := range []struct {
		load       int // flows per 100 cells
		losses     int
		bits       int // of filter per flow
		check      int
		paths      bool
		low, alone float64 // at least, %; at most alone, %
	}{
		{load: 76, bits: 25, check: 2, low: 100, alone: 100},
		{load: 98, bits: 25, check: 2, low: 100, alone: 30},
		{load: 98, bits: 25, check: 2, losses: 40, low: 100, alone: 30},
		{load: 98, bits: 25, check: 2, losses: 40, low: 100, paths: true, alone: 30},
		{load: 98, bits: 8, check: 2, losses: 40, low: 99.5, alone: 30},
		{load: 98, bits: 25, check: 0, losses: 40, low: 99.9, alone: 30},
		{load: 98, bits: 0, check: 2, losses: 40, low: 100, alone: 30},
		{load: 130, bits: 25, check: 2, losses: 10, low: 99.9, alone: 15},
		{load: 155, bits: 25, check: 2, losses: 20, low: 100, alone: 15},
		{load: 155, bits: 25, check: 2, losses: 1000, low: 99.9, alone: 15},
		{load: 155, bits: 25, check: 2, losses: 1000, low: 99.9, paths: true, alone: 15},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			e, err := flowsettest.New(flowsettest.Config{
				Tree: flowsettest.FatTree{K: 4}, FlowsPerNode: 6 * c.load, Seed: 1, Cells: 200,
				CheckBytes: c.check, FilterBits: uint64(6 * c.load * c.bits), FilterHashes: max(1, c.bits*7/10), Losses: c.losses,
			})
			if err != nil {
				t.Fatal(err)
			}
			alone := judge(e, decode.Tables(e.Tables, decode.Options{Alone: true}))
			opt := decode.Options{Neighbours: e.Neighbours(), Workers: 2}
			if c.paths {
				opt.Visits = e.Visits()
			}
			got := judge(e, decode.Tables(e.Tables, opt))
			if share := 100 * float64(got.right) / float64(got.flows); share < c.low || got.invented > 0 || (c.bits == 25 || c.bits == 0) && got.wrong > 0 {
				t.Errorf("got %+v, want %v %% right and none invented", got, c.low)
			}
			if share := 100 * float64(alone.right) / float64(alone.flows); share > c.alone || alone.invented > 0 {
				t.Errorf("alone: got %+v", alone)
			}
			t.Logf("alone %+v, together %+v", alone, got)
		})
	}
}

// Far past the cliff, with filters good, bad and none, with checks and without, and with
// many losses, next to nothing that is said is wrong, and no flow is invented.
func TestOverfull(t *testing.T) {
	for _, bits := range []uint64{0, 4, 10, 25} {
		for _, check := range []int{0, 2} {
			var sum score
			for seed := range uint64(12) {
				e, err := flowsettest.New(flowsettest.Config{
					Tree: flowsettest.FatTree{K: 4}, FlowsPerNode: 400, Seed: seed, Cells: 50 + 8*int(seed), CheckBytes: check,
					FilterBits: 400 * bits, FilterHashes: int(bits*7/10) + 1, Losses: int(seed) * 30,
				})
				if err != nil {
					t.Fatal(err)
				}
				got := judge(e, decode.Tables(e.Tables, decode.Options{Neighbours: e.Neighbours()}))
				sum.right += got.right
				sum.found += got.found
				sum.wrong += got.wrong
				sum.invented += got.invented
			}
			if sum.invented > 0 || 1000*sum.wrong > sum.right+sum.found || sum.right == 0 {
				t.Errorf("%d bits, check of %d bytes: %+v", bits, check, sum)
			}
			t.Logf("%d bits, check of %d bytes: %+v", bits, check, sum)
		}
	}
}

// The number of threads does not show, and tables are not changed.
func TestWorkersDoNotShow(t *testing.T) {
	e, err := flowsettest.New(flowsettest.Config{
		Tree: flowsettest.FatTree{K: 4}, FlowsPerNode: 550, Seed: 3, Cells: 180, CheckBytes: 2, FilterBits: 6000, FilterHashes: 6, Losses: 30,
	})
	if err != nil {
		t.Fatal(err)
	}
	first := decode.Tables(e.Tables, decode.Options{Workers: 1})
	for _, workers := range []int{1, 2, 5} {
		if got := decode.Tables(e.Tables, decode.Options{Workers: workers}); !reflect.DeepEqual(got, first) {
			t.Errorf("%d workers decode otherwise than one", workers)
		}
	}
}

// Whatever is in a table, decoded flows are what the oracle, a map, says; and what
// coverage says adds up.
func TestSingleAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keyBytes := rapid.SampledFrom([]int{flowset.KeyIPv4, flowset.KeyIPv6, flowset.KeyVNI4, flowset.KeyVNI6, 5}).Draw(t, "key bytes")
		table, err := flowset.NewTable(flowset.Shape{
			Node: "s", Subtables: rapid.IntRange(1, 5).Draw(t, "subtables"), Cells: rapid.IntRange(1, 60).Draw(t, "cells"), KeyBytes: keyBytes,
			CheckBytes: rapid.IntRange(0, 8).Draw(t, "check"),
			Hash:       hash.Family{Algorithm: rapid.SampledFrom(hash.Algorithms()).Draw(t, "hash"), Seed: rapid.Uint64().Draw(t, "seed")},
		})
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "flows"), 1))
		want := map[flowset.Key]int64{}
		enc := flowset.NewEncoder(table)
		for range rapid.IntRange(0, 80).Draw(t, "n") {
			b := make([]byte, keyBytes)
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
			k := flowset.MakeKey(b)
			for range 1 + rng.IntN(3) {
				n := 1 + rng.Int64N(9)
				enc.Add(k, n)
				want[k] += n
			}
		}
		d := decode.Tables([]*flowset.Table{table}, decode.Options{})[0]
		for i := range d.Len() {
			n, ok := d.Packets(i)
			if !ok || n != want[d.Key(i)] {
				t.Fatalf("flow %x: got %d, %v, want %d", d.Key(i), n, ok, want[d.Key(i)])
			}
		}
		c := d.Coverage
		if c.Flows != int64(len(want)) || c.Decoded != int64(d.Len()) || (d.Missing == nil) != (d.Len() == len(want)) || c.Refused+c.Inconsistent > 0 {
			t.Fatalf("%d flows of %d: coverage %+v, missing %+v", d.Len(), len(want), c, d.Missing)
		}
		if m := d.Missing; m != nil && m.Flows != c.Flows-c.Decoded {
			t.Fatalf("missing %+v of %+v", m, c)
		}
	})
}

// A cell with one flow and a wrong check, or a key that does not belong there, is refused.
func TestRefused(t *testing.T) {
	table, err := flowset.NewTable(flowset.Shape{Node: "s", Subtables: 3, Cells: 50, KeyBytes: flowset.KeyIPv4, CheckBytes: 2, Hash: hash.Family{Algorithm: hash.SplitMix64}})
	if err != nil {
		t.Fatal(err)
	}
	enc := flowset.NewEncoder(table)
	for i := range uint64(10) {
		enc.Add(flowset.Key{i + 1, 6 << 56}, 3)
	}
	for s := range 3 {
		for i := range 50 {
			if xor, flows, packets, check := table.Cell(s, i); flows == 1 && xor[0] == 4 {
				table.Set(s, i, xor, flows, packets, check^1)
			} else if flows == 1 && xor[0] == 7 {
				xor[0] ^= 1 << 40
				table.Set(s, i, xor, flows, packets, check)
			}
		}
	}
	d := decode.Tables([]*flowset.Table{table}, decode.Options{})[0]
	if d.Len() != 8 || d.Coverage.Refused != 6 || d.Missing == nil || d.Missing.Flows != 2 {
		t.Errorf("got %d flows, %+v, missing %+v; want 8, 6 cells refused, 2 flows missing", d.Len(), d.Coverage, d.Missing)
	}
}

// What a filter hides is found by its packets.
func TestHidden(t *testing.T) {
	hidden := 0
	for seed := range uint64(20) {
		e, err := flowsettest.New(flowsettest.Config{
			Tree: flowsettest.FatTree{K: 4}, FlowsPerNode: 500, Seed: seed, Cells: 220, CheckBytes: 2, FilterBits: 10 * 500, FilterHashes: 7,
		})
		if err != nil {
			t.Fatal(err)
		}
		got := decode.Tables(e.Tables, decode.Options{Neighbours: e.Neighbours()})
		for _, d := range got {
			hidden += d.Coverage.Hidden
		}
		if s := judge(e, got); s.invented > 0 || 1000*s.right < 998*s.flows {
			t.Errorf("seed %d: %+v", seed, s)
		}
	}
	if hidden < 50 {
		t.Errorf("found %d hidden flows, want many", hidden)
	}
}

// Decoding allocates columns, not flows.
func TestAllocations(t *testing.T) {
	e, err := flowsettest.New(flowsettest.Config{Tree: flowsettest.FatTree{K: 4}, FlowsPerNode: 2000, Seed: 1, Cells: 900, CheckBytes: 2})
	if err != nil {
		t.Fatal(err)
	}
	table := e.Tables[:1]
	if n := testing.AllocsPerRun(5, func() { decode.Tables(table, decode.Options{Workers: 1}) }); n > 60 {
		t.Errorf("got %v allocations for 2000 flows, want at most 60", n)
	}
}
