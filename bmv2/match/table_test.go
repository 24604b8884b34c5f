package match

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/telltale-net/telltale/bmv2/device"
)

// TestAgainstLinear drives a table and the linear one with the same calls.
func TestAgainstLinear(t *testing.T) {
	exact := []device.MatchKind{device.Exact, device.Exact, device.Valid}
	any := []device.MatchKind{device.Exact, device.Ternary, device.Ternary, device.LPM, device.Range, device.Valid}
	narrow := []int{1, 3, 8, 9, 12, 16, 24}
	mixed := []int{1, 3, 8, 9, 16, 24, 32, 48, 64, 65, 128}
	f := func(name string, rounds, steps int, layout func(r random) []Field) {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(rounds) {
				r := newRandom(seed)
				fields := layout(r)
				table, err := New(fields)
				if err != nil {
					t.Fatalf("seed %d: cannot make a table of %+v: %v", seed, fields, err)
				}
				l, _ := newLayout(fields)
				soon(table.store)
				run(t, r, seed, table, &linear{l: l}, steps)
			}
		})
	}
	f("exact", 12, 400, func(r random) []Field { return r.layout(exact, mixed, 5) })
	f("lpm narrow", 20, 600, func(r random) []Field { return []Field{{Kind: device.LPM, Width: 1 + r.IntN(32)}} })
	f("lpm wide", 10, 600, func(r random) []Field { return []Field{{Kind: device.LPM, Width: 33 + r.IntN(100)}} })
	f("lpm and exact", 20, 600, func(r random) []Field {
		fields := r.layout(exact, mixed, 3)
		fields[r.IntN(len(fields))] = Field{Kind: device.LPM, Width: []int{9, 16, 32, 48, 128}[r.IntN(5)]}
		return fields
	})
	f("mixed", 15, 500, func(r random) []Field { return append(r.layout(any, mixed, 5), Field{Kind: device.Ternary, Width: 8}) })
	f("ranges", 12, 600, func(r random) []Field {
		return append(r.layout([]device.MatchKind{device.Range}, mixed, 2), r.layout(any, narrow, 2)...)
	})
	f("one narrow ternary", 6, 1500, func(r random) []Field {
		return []Field{{Kind: device.Ternary, Width: narrow[2+r.IntN(3)]}, {Kind: device.Range, Width: 8}}
	})
	f("very wide", 3, 300, func(r random) []Field {
		return []Field{{Kind: device.Ternary, Width: 1 + r.IntN(4096)}, {Kind: device.Range, Width: 1 + r.IntN(500)}}
	})
	f("no fields", 1, 20, func(r random) []Field { return nil })
}

// soon makes groups grow large with few rules.
func soon(s store) {
	switch s := s.(type) {
	case *ternary[[1]uint64]:
		s.growAt, s.shrinkAt = 24, 8
	case *ternary[[2]uint64]:
		s.growAt, s.shrinkAt = 6, 2
	}
}

func run(t *testing.T, r random, seed uint64, table *Table, oracle *linear, steps int) {
	t.Helper()
	type known struct {
		ms       []device.Match
		priority int32
	}
	var entries []known
	forMost := 1 + r.IntN(4) // of priorities
	fields := table.fields
	fail := func(step int, format string, args ...any) {
		t.Helper()
		t.Fatalf("seed %d step %d, fields %+v: %s", seed, step, fields, fmt.Sprintf(format, args...))
	}
	for step := range steps {
		deleting := 3
		if step*3 > steps*2 {
			deleting = 12 // the last third empties the table
		}
		e := known{r.matches(fields), int32(r.IntN(forMost * forMost * 20))}
		if len(entries) > 0 && r.pick(3) {
			e.ms = entries[r.IntN(len(entries))].ms
		}
		switch n := r.IntN(16); {
		case n < deleting && len(entries) > 0:
			i := r.IntN(len(entries))
			e = entries[i]
			rule, _ := table.rule(e.ms, e.priority)
			want, _ := oracle.find(rule)
			got, err := remove(table, e.ms, e.priority)
			if err != nil || got != want {
				fail(step, "delete %s: got %d, %v; want %d", table.format(e.ms, e.priority), got, err, want)
			}
			oracle.remove(rule)
			entries[i] = entries[len(entries)-1]
			entries = entries[:len(entries)-1]
		case n == 15 && len(entries) > 0:
			e = entries[r.IntN(len(entries))]
			rule, _ := table.rule(e.ms, e.priority)
			oracle.set(rule, int32(step))
			if err := set(table, e.ms, e.priority, int32(step)); err != nil {
				fail(step, "set: %v", err)
			}
		default:
			rule, err := table.rule(e.ms, e.priority)
			if err != nil {
				fail(step, "%v", err)
			}
			_, there := oracle.find(rule)
			err = insert(table, e.ms, e.priority, int32(step))
			if there != errors.Is(err, device.ErrExists) || !there && err != nil {
				fail(step, "insert %s: got %v; already there: %v", table.format(e.ms, e.priority), err, there)
			}
			if !there {
				oracle.insert(rule, int32(step))
				entries = append(entries, e)
			}
		}
		if table.Len() != oracle.len() {
			fail(step, "got %d entries; want %d", table.Len(), oracle.len())
		}
		for range 4 {
			near := r.matches(fields)
			if len(entries) > 0 {
				near = entries[r.IntN(len(entries))].ms
			}
			key := r.key(fields, near)
			got, ok := table.Lookup(key)
			want, hit := oracle.lookup(key)
			if got != want || ok != hit {
				fail(step, "lookup %x: got %d, %v; want %d, %v", key, got, ok, want, hit)
			}
		}
	}
}

// TestManyFlows asks again and again, between writes, for the keys of a table that
// remembers answers.
func TestManyFlows(t *testing.T) {
	table, keys := acl(t, 300, true, false)
	oracle := &linear{l: table.layout}
	r := newRandom(9)
	var all [][]device.Match
	for i := range 3000 {
		if i%10 == 0 {
			ms := r.matches(table.fields)
			for i := range ms { // wide enough to matter
				if ms[i].Kind == device.Ternary {
					clear(ms[i].Value[1:])
					clear(ms[i].Mask[1:])
				}
			}
			if insert(table, ms, 1<<20, int32(i)) == nil {
				rule, _ := table.rule(ms, 1<<20)
				oracle.insert(rule, int32(i))
				all = append(all, ms)
			}
			if len(all) > 5 {
				rule, _ := table.rule(all[0], 1<<20)
				oracle.remove(rule)
				if _, err := remove(table, all[0], 1<<20); err != nil {
					t.Fatal(err)
				}
				all = all[1:]
			}
		}
		key := keys[r.IntN(20)]
		if want, ok := oracle.lookup(key); ok {
			if got, _ := table.Lookup(key); got != want {
				t.Fatalf("step %d: lookup %x: got %d; want %d", i, key, got, want)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	fields := []Field{
		{Name: "port", Kind: device.Exact, Width: 9},
		{Name: "src", Kind: device.Ternary, Width: 32},
		{Name: "dst", Kind: device.LPM, Width: 32},
		{Name: "sport", Kind: device.Range, Width: 16},
		{Name: "ipv4", Kind: device.Valid, Width: 1},
	}
	good := func() []device.Match {
		return []device.Match{
			{Kind: device.Exact, Value: []byte{1, 2}},
			{Kind: device.Ternary, Value: []byte{10, 0, 0, 0}, Mask: []byte{255, 0, 0, 0}},
			{Kind: device.LPM, Value: []byte{10, 1, 0, 0}, PrefixLen: 16},
			{Kind: device.Range, Value: []byte{0, 5}, High: []byte{0, 9}},
			{Kind: device.Valid, Value: []byte{1}},
		}
	}
	f := func(want string, change func(ms []device.Match) []device.Match) {
		t.Helper()
		table, err := New(fields)
		if err != nil {
			t.Fatal(err)
		}
		err = insert(table, change(good()), 1, 0)
		if want == "" {
			if err != nil {
				t.Errorf("got error %v; want none", err)
			}
			return
		}
		if !errors.Is(err, device.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v; want one with %q", err, want)
		}
		if table.Len() != 0 {
			t.Errorf("a refused entry is there")
		}
	}
	f("", func(ms []device.Match) []device.Match { return ms })
	f("got 4 matches; want 5", func(ms []device.Match) []device.Match { return ms[:4] })
	f("kind lpm; want exact", func(ms []device.Match) []device.Match { ms[0].Kind = device.LPM; return ms })
	f("value of 1 bytes; want 2 for 9 bits", func(ms []device.Match) []device.Match { ms[0].Value = []byte{1}; return ms })
	f("overflows 9 bits", func(ms []device.Match) []device.Match { ms[0].Value = []byte{2, 0}; return ms })
	f("bits outside mask", func(ms []device.Match) []device.Match { ms[1].Value[3] = 1; return ms })
	f("mask of 0 bytes", func(ms []device.Match) []device.Match { ms[1].Mask = nil; return ms })
	f("beyond prefix length 15", func(ms []device.Match) []device.Match { ms[2].PrefixLen = 15; return ms })
	f("prefix length 33; want 0 to 32", func(ms []device.Match) []device.Match { ms[2].PrefixLen = 33; return ms })
	f("prefix length -1", func(ms []device.Match) []device.Match { ms[2].PrefixLen = -1; return ms })
	f("low end not above", func(ms []device.Match) []device.Match { ms[3].High = []byte{0, 4}; return ms })
	f("high end of 1 bytes", func(ms []device.Match) []device.Match { ms[3].High = []byte{4}; return ms })
	f("key field 4 (ipv4)", func(ms []device.Match) []device.Match { ms[4].Value = []byte{2}; return ms })
}

func TestLayoutRefusals(t *testing.T) {
	f := func(want string, fields ...Field) {
		t.Helper()
		_, err := New(fields)
		if !errors.Is(err, device.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v; want one with %q", err, want)
		}
	}
	f("got 0 bits", Field{})
	f("got 4097 bits", Field{Width: 4097})
	f("valid field of 2 bits", Field{Kind: device.Valid, Width: 2})
	f("2 lpm fields", Field{Kind: device.LPM, Width: 2}, Field{Kind: device.LPM, Width: 2})
	f("want 2 bytes for 9 bits", Field{Width: 9, Mask: []byte{1}})
	f("want 2 bytes for 9 bits", Field{Width: 9, Mask: []byte{2, 0}})
	f("mask on a field matched by lpm", Field{Kind: device.LPM, Width: 8, Mask: []byte{1}})
	f("unknown match kind", Field{Kind: 17, Width: 8})
}

func TestNotFound(t *testing.T) {
	table, err := New([]Field{{Name: "x", Kind: device.Exact, Width: 16}})
	if err != nil {
		t.Fatal(err)
	}
	ms := []device.Match{{Kind: device.Exact, Value: []byte{0xab, 0xcd}}}
	_, find := find(table, ms, 0)
	_, del := remove(table, ms, 0)
	for _, err := range []error{find, del, set(table, ms, 0, 1)} {
		if !errors.Is(err, device.ErrNotFound) || !strings.Contains(err.Error(), "x=abcd") {
			t.Errorf("got error %v; want one that wraps ErrNotFound and names x=abcd", err)
		}
	}
	if err := insert(table, ms, 5, 1); err != nil {
		t.Fatal(err)
	}
	if err := insert(table, ms, 6, 1); !errors.Is(err, device.ErrExists) {
		t.Errorf("a priority made two entries of one in an unordered table: got %v", err)
	}
}

func TestTieGoesToTheOlder(t *testing.T) {
	table, err := New([]Field{{Kind: device.Ternary, Width: 8}, {Kind: device.Range, Width: 8}})
	if err != nil {
		t.Fatal(err)
	}
	add := func(value, mask, low, high byte, result int32) {
		t.Helper()
		err := insert(table, []device.Match{
			{Kind: device.Ternary, Value: []byte{value}, Mask: []byte{mask}},
			{Kind: device.Range, Value: []byte{low}, High: []byte{high}},
		}, 10, result)
		if err != nil {
			t.Fatal(err)
		}
	}
	add(0, 0, 3, 9, 1)
	add(0x10, 0xf0, 0, 255, 2)
	for i := range 600 { // the second mask gets a hash table
		insert(table, []device.Match{
			{Kind: device.Ternary, Value: []byte{byte(i) << 4 & 0xf0}, Mask: []byte{0xf0}},
			{Kind: device.Range, Value: []byte{0}, High: []byte{255}},
		}, 10-int32(i/16), int32(100+i))
	}
	if got, ok := table.Lookup([]uint64{0x12, 5}); !ok || got != 1 {
		t.Errorf("got %d, %v; want the oldest, 1", got, ok)
	}
	if got, ok := table.Lookup([]uint64{0x12, 0}); !ok || got != 2 {
		t.Errorf("got %d, %v; want 2", got, ok)
	}
}
