package match

import (
	"math/bits"
	"slices"
)

// activate recomputes which slices lookups look at, without reordering those that
// stay.
func (p *pool) activate() {
	old := p.active
	p.active = make([]activeSlice, 0, len(p.slices))
	for _, a := range old {
		p.appendActive(a.slice)
	}
	for c := range p.slices {
		if !slices.ContainsFunc(old, func(a activeSlice) bool { return a.slice == c }) {
			p.appendActive(c)
		}
	}
}

func (p *pool) appendActive(c int) {
	if sl := &p.slices[c]; sl.care > 0 {
		p.active = append(p.active, activeSlice{
			word: int32(sl.word), shift: int32(sl.shift), mask: sl.ones(), first: sl.first * p.stride, slice: c,
		})
	}
}

// changed counts a change; when half the pool has changed it sorts the active
// slices anew.
func (p *pool) changed() {
	p.change++
	if 2*p.change < p.n {
		return
	}
	p.change = 0
	told := make([]float64, len(p.slices))
	for _, a := range p.active {
		told[a.slice] = p.tells(&p.slices[a.slice])
	}
	slices.SortStableFunc(p.active, func(a, b activeSlice) int {
		switch {
		case told[a.slice] > told[b.slice]:
			return -1
		case told[a.slice] < told[b.slice]:
			return 1
		}
		return 0
	})
}

// tells is how many rules a slice excludes for a key that looks there like one of
// the rules that care: a byte all rules share tells nothing, random ones much. It
// judges by the rules of the first tile.
func (p *pool) tells(sl *keySlice) float64 {
	var some [tile]uint64 // rules that care
	for v := range 1 << sl.width {
		for b := range p.stride {
			some[b] |= *p.word(sl.first+v, int32(b))
		}
	}
	care := 0
	for _, w := range some {
		care += bits.OnesCount64(w)
	}
	sum, weight := 0, 0
	for v := range 1 << sl.width {
		excluded := 0
		for b := range p.stride {
			excluded += bits.OnesCount64(*p.word(sl.first+v, int32(b)))
		}
		sum += (care - excluded) * excluded
		weight += care - excluded
	}
	if weight == 0 {
		return 0
	}
	return float64(sum) / float64(weight)
}
