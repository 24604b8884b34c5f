package differ

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

func same(out []output) []output { return out }

func TestMasks(t *testing.T) {
	out := func(port uint16, data ...byte) output { return output{port: port, data: data} }
	var shapes []*expected
	shapes = include(shapes, []output{out(1, 0b0000_1111, 7), out(2, 9)}, same)
	shapes = include(shapes, []output{out(1, 0b0000_1001, 7), out(2, 9)}, same)
	shapes = include(shapes, []output{out(1, 1, 2, 3)}, same)
	if len(shapes) != 2 || shapes[0].undefined() != 2 || shapes[0].bits() != 24 {
		t.Fatalf("got %d shapes, the first with %d of %d bits undefined; want 2, 2 of 24", len(shapes), shapes[0].undefined(), shapes[0].bits())
	}
	f := func(e *expected, want bool, judge ...output) {
		t.Helper()
		rest := e.pair(judge)
		if rest.empty() != want {
			t.Errorf("%v: got %v, want %v", judge, rest, want)
		}
	}
	e := shapes[0]
	f(e, true, out(1, 0b0000_1111, 7), out(2, 9))
	f(e, true, out(1, 0b0000_1011, 7), out(2, 9))  // a mixture of what was seen
	f(e, false, out(1, 0b0000_1110, 7), out(2, 9)) // a defined bit
	f(e, false, out(1, 0b0000_1111, 6), out(2, 9))
	f(e, false, out(1, 0b0000_1111, 7), out(3, 9))
	f(e, false, out(1, 0b0000_1111, 7))
	f(e, false, out(1, 0b0000_1111, 7), out(2, 9), out(2, 9))
	f(e, false)
	f(e, false, out(1, 0b0000_1111, 7, 0), out(2, 9))
	f(shapes[1], true, out(1, 1, 2, 3))
	f(&expected{}, true)
	f(&expected{}, false, out(1))
}

// TestCopiesComeInAnyOrder: of what one packet becomes on one port, any order will do.
func TestCopiesComeInAnyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		var out []output
		for i := range 1 + r.IntN(6) {
			out = append(out, output{port: uint16(r.IntN(2)), data: []byte{byte(i), 1}})
		}
		shapes := include(nil, byPort(slices.Clone(out)), same)
		r.Shuffle(len(out), func(i, k int) { out[i], out[k] = out[k], out[i] })
		if rest := shapes[0].pair(byPort(out)); !rest.empty() {
			t.Fatalf("got %v for %v", rest, out)
		}
		out[0].data = []byte{100, 1}
		if rest := shapes[0].pair(byPort(out)); len(rest.model) != 1 || len(rest.judge) != 1 {
			t.Fatalf("got %v for one that is other", rest)
		}
	}
}

// TestMasksAgainstSlow: a bit counts if all models have it alike, however many there are.
func TestMasksAgainstSlow(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 500 {
		base := make([]byte, 1+r.IntN(8))
		var all [][]byte
		for range 1 + r.IntN(5) {
			b := bytes.Clone(base)
			for range r.IntN(3) {
				b[r.IntN(len(b))] ^= 1 << r.IntN(8)
			}
			all = append(all, b)
		}
		var shapes []*expected
		for _, b := range all {
			shapes = include(shapes, []output{{port: 1, data: b}}, func(out []output) []output { return []output{{port: 1, data: bytes.Clone(out[0].data)}} })
		}
		judge := bytes.Clone(all[r.IntN(len(all))])
		judge[r.IntN(len(judge))] ^= byte(r.Uint32())
		want := true
		for bit := range 8 * len(judge) {
			get := func(b []byte) byte { return b[bit/8] >> (bit % 8) & 1 }
			defined := !slices.ContainsFunc(all, func(b []byte) bool { return get(b) != get(all[0]) })
			if defined && get(judge) != get(all[0]) {
				want = false
			}
		}
		if rest := shapes[0].pair([]output{{port: 1, data: judge}}); rest.empty() != want {
			t.Fatalf("%x among %x: got %v, want %v", judge, all, rest.empty(), want)
		}
	}
}

func TestCounters(t *testing.T) {
	f := func(spare, wrong, undefined int, all ...counter) {
		t.Helper()
		amiss, n := compareCounters(all, spare)
		if len(amiss) != wrong || n != undefined {
			t.Errorf("%v: got %v, %d undefined; want %d, %d", all, amiss, n, wrong, undefined)
		}
	}
	c := func(judge int64, models ...int64) counter {
		out := counter{judge: count{judge, 10 * judge}}
		for _, m := range models {
			out.models = append(out.models, count{m, 10 * m})
		}
		return out
	}
	f(0, 0, 0)
	f(0, 0, 0, c(3, 3, 3), c(0, 0, 0))
	f(0, 1, 0, c(3, 2, 2), c(0, 0, 0))
	f(0, 0, 3, c(5, 5, 6), c(0, 1, 0), c(1, 0, 0), c(4, 4, 4)) // the third is where the judge alone counted
	f(0, 1, 1, c(5, 5, 6), c(3, 4, 4))                         // lost one that all have
	f(0, 1, 2, c(6, 5, 6), c(3, 2, 2))                         // counted too many
	f(1, 0, 2, c(6, 5, 6), c(3, 2, 2))
	f(0, 1, 0, counter{judge: count{1, 9}, models: []count{{1, 10}}})
}

func TestDigestsInOrder(t *testing.T) {
	d := func(v ...byte) digest { return digest{list: "l", values: [][]byte{v}} }
	f := func(good bool, equal int, want []saying, got ...digest) {
		t.Helper()
		n, wrong := inOrder(want, got)
		if (wrong == "") != good || n != equal {
			t.Errorf("%v for %v: got %d, %q; want %d, %v", got, want, n, wrong, equal, good)
		}
	}
	a, b, c := saying{digest: d(1)}, saying{digest: d(2)}, saying{digest: d(3)}
	f(true, 0, nil)
	f(true, 3, []saying{a, b, c}, d(1), d(2), d(3))
	f(true, 2, []saying{a, a, b, a}, d(1), d(2)) // repetitions are not sent
	f(false, 0, []saying{a, b}, d(2), d(1))
	f(false, 1, []saying{a, b}, d(1))
	f(false, 2, []saying{a, b}, d(1), d(2), d(3))
	f(false, 1, []saying{a, b}, d(1), d(9))
	timed := saying{digest: d(5, 0), undef: [][]byte{{0, 0xff}}}
	f(true, 2, []saying{timed, timed}, d(5, 7), d(5, 9))
	f(true, 1, []saying{timed, timed}, d(5, 7)) // the second may be the same
	f(false, 0, []saying{timed}, d(4, 7))
	maybe := saying{digest: d(8), maybe: true}
	f(true, 2, []saying{a, maybe, b}, d(1), d(2))
	f(true, 3, []saying{a, maybe, b}, d(1), d(8), d(2))
}

func TestAgreeOnDigests(t *testing.T) {
	d := func(list string, v ...byte) digest { return digest{list: list, values: [][]byte{v}} }
	all := agreeOnDigests(nil, []digest{d("a", 1, 2)}, true)
	all = agreeOnDigests(all, []digest{d("a", 1, 3)}, false)
	if len(all) != 1 || all[0].maybe || all[0].undef[0][0] != 0 || all[0].undef[0][1] != 1 {
		t.Errorf("got %+v", all)
	}
	all = agreeOnDigests(all, nil, false)
	if len(all) != 1 || !all[0].maybe {
		t.Errorf("got %+v, want one that may be", all)
	}
	all = agreeOnDigests(nil, nil, true)
	all = agreeOnDigests(all, []digest{d("a", 1)}, false)
	if len(all) != 1 || !all[0].maybe {
		t.Errorf("got %+v, want one that may be", all)
	}
}
