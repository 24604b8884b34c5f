package match

import (
	"testing"

	"github.com/telltale-net/telltale/bmv2/device"
)

func mustTable(tb testing.TB, fields ...Field) *Table {
	tb.Helper()
	table, err := New(fields)
	if err != nil {
		tb.Fatal(err)
	}
	return table
}

// fill inserts n entries made by next, skipping duplicates.
func fill(tb testing.TB, table *Table, n int, next func(i int) ([]device.Match, int32)) [][]device.Match {
	tb.Helper()
	var all [][]device.Match
	for i := 0; table.Len() < n; i++ {
		ms, priority := next(i)
		if insert(table, ms, priority, int32(i)) == nil {
			all = append(all, ms)
		}
	}
	return all
}

func be(v uint64, width int) []byte {
	b := make([]byte, (width+7)/8)
	for i := range b {
		b[len(b)-1-i] = byte(v >> (8 * i))
	}
	return b
}

func benchLookup(b *testing.B, table *Table, keys [][]uint64) {
	b.Helper()
	b.ReportAllocs()
	hits, i := 0, 0
	for b.Loop() {
		if _, ok := table.Lookup(keys[i&(len(keys)-1)]); ok {
			hits++
		}
		i++
	}
	b.ReportMetric(100*float64(hits)/float64(b.N), "%hit")
}

func exactTable(tb testing.TB, words, n int) (*Table, [][]uint64) {
	fields := []Field{{Kind: device.Exact, Width: 48}, {Kind: device.Exact, Width: 32}, {Kind: device.Exact, Width: 64}, {Kind: device.Exact, Width: 64}}[:words]
	table := mustTable(tb, fields...)
	r := newRandom(1)
	var keys [][]uint64
	fill(tb, table, n, func(int) ([]device.Match, int32) {
		var ms []device.Match
		var key []uint64
		for _, f := range fields {
			v := r.Uint64() & (1<<f.Width - 1)
			if f.Width == 64 {
				v = r.Uint64()
			}
			ms = append(ms, device.Match{Kind: device.Exact, Value: be(v, f.Width)})
			key = append(key, v)
		}
		keys = append(keys, key)
		return ms, 0
	})
	return table, keys[:8192]
}

func BenchmarkExact10k(b *testing.B) {
	for _, words := range []int{1, 2, 4} {
		b.Run(map[int]string{1: "48bits", 2: "80bits", 4: "208bits"}[words], func(b *testing.B) {
			table, keys := exactTable(b, words, 10_000)
			benchLookup(b, table, keys)
		})
	}
}

// routes are n prefixes spread over lengths as in a backbone's table, mostly /24.
func routes(tb testing.TB, n int) (*Table, [][]uint64) {
	table := mustTable(tb, Field{Kind: device.LPM, Width: 32})
	r := newRandom(2)
	var keys [][]uint64
	fill(tb, table, n, func(i int) ([]device.Match, int32) {
		length := 24
		switch r.IntN(10) {
		case 0, 1, 2:
			length = 16 + r.IntN(8)
		case 3:
			length = 25 + r.IntN(8)
		case 4:
			length = 8 + r.IntN(8)
		}
		v := r.Uint32N(64)<<26 | r.Uint32N(1<<26)
		keys = append(keys, []uint64{uint64(v)})
		return []device.Match{{Kind: device.LPM, Value: be(uint64(v&(^uint32(0)<<(32-length))), 32), PrefixLen: length}}, 0
	})
	return table, keys[:8192]
}

func BenchmarkLPM10k(b *testing.B) {
	table, keys := routes(b, 10_000)
	b.Run("trie", func(b *testing.B) { benchLookup(b, table, keys) })
	b.Run("hash", func(b *testing.B) {
		s := *table.store.(*lpm[[1]uint64])
		s.width = trieWidth + 1
		benchLookup(b, &Table{layout: table.layout, store: &s}, keys)
	})
}

// acl is n rules over a 5-tuple as security groups have them.
func acl(tb testing.TB, n int, ranges, anyMask bool) (*Table, [][]uint64) {
	last := Field{Kind: device.Ternary, Width: 16}
	if ranges {
		last.Kind = device.Range
	}
	fields := []Field{
		{Kind: device.Ternary, Width: 32}, {Kind: device.Ternary, Width: 32}, {Kind: device.Ternary, Width: 8},
		{Kind: device.Ternary, Width: 16}, last,
	}
	table := mustTable(tb, fields...)
	r := newRandom(3)
	var keys [][]uint64
	prefix := func(lengths ...int) device.Match {
		mask := prefixBytes(32, lengths[r.IntN(len(lengths))])
		if anyMask {
			mask = be(uint64(r.Uint32()), 32)
		}
		v := be(uint64(10<<24|r.Uint32N(1<<20)), 32)
		for i := range v {
			v[i] &= mask[i]
		}
		return device.Match{Kind: device.Ternary, Value: v, Mask: mask}
	}
	orAny := func(p int, v uint64, width int) device.Match {
		if r.pick(p) {
			return device.Match{Kind: device.Ternary, Value: be(0, width), Mask: be(0, width)}
		}
		return device.Match{Kind: device.Ternary, Value: be(v, width), Mask: onesBytes(width)}
	}
	fill(tb, table, n, func(i int) ([]device.Match, int32) {
		ms := []device.Match{
			prefix(0, 8, 16, 24, 24, 28, 32, 32), prefix(0, 16, 20, 24, 24, 32, 32),
			orAny(4, uint64([]int{6, 17, 1}[r.IntN(3)]), 8), orAny(2, uint64(r.Uint32N(1<<16)), 16),
			orAny(3, uint64(r.Uint32N(1024)), 16),
		}
		if ranges {
			low := r.Uint32N(60000)
			ms[4] = device.Match{Kind: device.Range, Value: be(uint64(low), 16), High: be(uint64(low+r.Uint32N(5000)), 16)}
		}
		for range 2 {
			keys = append(keys, r.key(fields, ms))
		}
		return ms, int32(r.Uint32N(uint32(n)))
	})
	size := 1
	for size*2 <= len(keys) {
		size *= 2
	}
	r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	return table, keys[:min(size, 8192)]
}

func BenchmarkTernary(b *testing.B) {
	f := func(name string, n int, ranges, anyMask bool) {
		b.Run(name, func(b *testing.B) {
			table, keys := acl(b, n, ranges, anyMask)
			benchLookup(b, table, keys)
		})
	}
	f("4", 4, false, false)
	f("12", 12, false, false)
	f("16", 16, false, false)
	f("100", 100, false, false)
	f("500", 500, false, false)
	f("5000", 5000, false, false)
	f("500/ranges", 500, true, false)
	f("5000/ranges", 5000, true, false)
	f("500/masks", 500, false, true)
	f("5000/masks", 5000, false, true)
	b.Run("5000/256flows", func(b *testing.B) {
		table, keys := acl(b, 5000, true, false)
		benchLookup(b, table, keys[:256])
	})
}

func BenchmarkInsertDelete(b *testing.B) {
	f := func(name string, table *Table, fields ...device.Match) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := insert(table, fields, 77, 1); err != nil {
					b.Fatal(err)
				}
				if _, err := remove(table, fields, 77); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	table, _ := exactTable(b, 1, 10_000)
	f("exact10k", table, device.Match{Kind: device.Exact, Value: be(1, 48)})
	table, _ = routes(b, 10_000)
	f("lpm10k/24", table, device.Match{Kind: device.LPM, Value: be(0xfefefe00, 32), PrefixLen: 24})
	f("lpm10k/default", table, device.Match{Kind: device.LPM, Value: be(0, 32)})
	table, _ = acl(b, 5000, false, true)
	any := device.Match{Kind: device.Ternary, Value: be(0, 32), Mask: be(0, 32)}
	f("ternary5000", table, device.Match{Kind: device.Ternary, Value: be(0x0a000001, 32), Mask: be(0x0fff00ff, 32)}, any,
		device.Match{Kind: device.Ternary, Value: be(6, 8), Mask: be(255, 8)},
		device.Match{Kind: device.Ternary, Value: be(0, 16), Mask: be(0, 16)}, device.Match{Kind: device.Ternary, Value: be(0, 16), Mask: be(0, 16)})
}

func TestLookupAllocatesNothing(t *testing.T) {
	f := func(table *Table, keys [][]uint64) {
		t.Helper()
		i := 0
		if n := testing.AllocsPerRun(1000, func() {
			table.Lookup(keys[i&(len(keys)-1)])
			i++
		}); n != 0 {
			t.Errorf("got %v allocations per lookup; want 0", n)
		}
	}
	f(exactTable(t, 4, 9000))
	f(routes(t, 9000))
	f(acl(t, 1000, false, false))
	f(acl(t, 1000, true, true))
}
