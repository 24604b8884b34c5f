package block

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSorterAgainstSlices(t *testing.T) {
	var s sorter
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		s.reset()
		mask := rng.Uint64() & rng.Uint64()
		for i := range rng.IntN(200) {
			s.add(rng.Uint64()&mask, i)
		}
		want := slices.Clone(s.list)
		slices.SortStableFunc(want, func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
		s.sort()
		if !slices.Equal(s.list, want) {
			t.Fatalf("got %v, want %v", s.list, want)
		}
	}
}
