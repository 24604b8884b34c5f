package tree

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func testSchema(t testing.TB) *Schema {
	t.Helper()
	s, err := ParseSchema(map[string]string{"o": `
		counter64 /m:a/b[k]/c
		string /m:a/b[k]/d/e
		uint32 /m:a/n:x/y
		string /m:l/i[p][q]/s/t`})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func elems(e ...Elem) []Elem { return e }

// slowMatch tries every beginning of path and every way to spread "..." over it.
func slowMatch(query, path []Elem) (int, bool) {
	var exact func(q, p []Elem) bool
	exact = func(q, p []Elem) bool {
		if len(q) == 0 {
			return len(p) == 0
		}
		if q[0].Name == Deep {
			return exact(q[1:], p) || len(p) > 0 && exact(q, p[1:])
		}
		return len(p) > 0 && q[0].accepts(&p[0]) && exact(q[1:], p[1:])
	}
	for n := range len(path) + 1 {
		if exact(query, path[:n]) {
			return n, true
		}
	}
	return 0, false
}

func randomQuery(r *rand.Rand) []Elem {
	all := []Elem{E("a"), E("b"), E("b", "k", "1"), E("b", "k", "2"), E("b", "k", "*"), E("c"), E("d"), E("e"), E("x"), E("y"), E("l"),
		E("i", "p", "1"), E("i", "q", "2"), E("s"), E("t"), E(Any), E(Deep)}
	q := make([]Elem, r.IntN(5))
	for i := range q {
		q[i] = all[r.IntN(len(all))]
	}
	return q
}

// Selecting walks the tree; the oracle looks at every leaf there ever was.
func TestAgainstPlainMap(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		tr := New(testSchema(t), Limits{Leaves: 1000, Subscribers: 10, Backlog: 1 << 30})
		sub, err := tr.Subscribe()
		if err != nil {
			t.Fatal(err)
		}
		watched := Path{Target: Any, Origin: "o", Elems: randomQuery(r)}
		sub.Watch(watched, AllUnits, true)
		plain, mirror := map[string]Value{}, map[string]Value{}
		where := map[string]Path{}
		for range 200 {
			k := fmt.Sprint(r.IntN(3))
			p := []Path{
				{Elems: elems(E("a"), E("b", "k", k), E("c"))},
				{Elems: elems(E("a"), E("b", "k", k), E("d"), E("e"))},
				{Elems: elems(E("a"), E("x"), E("y"))},
				{Elems: elems(E("l"), E("i", "p", k, "q", "2"), E("s"), E("t"))},
			}
			c := r.IntN(4)
			path := p[c]
			path.Target, path.Origin = fmt.Sprint("t", r.IntN(2)), "o"
			n := uint64(r.IntN(3))
			v := []Value{Count(n), Text(fmt.Sprint(n)), Number(uint32(n)), Text(k)}[c]
			if r.IntN(4) == 0 {
				q := Path{Target: path.Target, Origin: "o", Elems: randomQuery(r)}
				tr.Delete(q, 1)
				for name, at := range where {
					if _, ok := slowMatch(q.Elems, at.Elems); ok && at.Target == q.Target {
						delete(plain, name)
					}
				}
			} else {
				if err := tr.Update(path, v, 1); err != nil {
					t.Fatal(err)
				}
				plain[path.String()], where[path.String()] = v, path
			}
			q := Path{Target: Any, Origin: "o", Elems: randomQuery(r)}
			var got, want []string
			for _, s := range tr.Select(q) {
				got = append(got, s.Unit.Path.String()+"="+s.Leaves[0].Value.String())
			}
			for name, v := range plain {
				if _, ok := slowMatch(q.Elems, where[name].Elems); ok {
					want = append(want, name+"="+v.String())
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d, %s: got %v, want %v", seed, q, got, want)
			}
			if tr.Leaves() != len(plain) {
				t.Fatalf("seed %d: got %d leaves, want %d", seed, tr.Leaves(), len(plain))
			}
			if r.IntN(3) == 0 {
				drain(sub, mirror)
			}
		}
		drain(sub, mirror)
		want := map[string]string{}
		for name, v := range plain {
			if _, ok := slowMatch(watched.Elems, where[name].Elems); ok {
				want[name] = v.String()
			}
		}
		got := map[string]string{}
		for name, v := range mirror {
			got[name] = v.String()
		}
		if !maps.Equal(got, want) {
			t.Fatalf("seed %d, watching %s: the subscriber has %v, want %v", seed, watched, got, want)
		}
		sub.Close()
		for _, s := range tr.Select(Path{Target: Any, Origin: "o"}) {
			if len(s.Unit.watches) != 0 {
				t.Fatalf("seed %d: %s is still watched", seed, s.Unit.Path)
			}
		}
		if len(tr.entries) != 0 || tr.subs != 0 {
			t.Fatalf("seed %d: got %d entries of %d subscribers after the last was closed", seed, len(tr.entries), tr.subs)
		}
	}
}

// A subscriber's bound on units frees what is deleted.
func TestUnitsAreFreed(t *testing.T) {
	tr := New(testSchema(t), Limits{Leaves: 2, Subscribers: 1, Backlog: 1 << 30})
	sub, err := tr.Subscribe()
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	sub.Watch(Path{Target: "t", Origin: "o"}, AllUnits, true)
	round := sub.Entry(Path{Target: "t", Origin: "o"}, Counters)
	for range 20 {
		if err := tr.Update(counter, Count(1), 1); err != nil {
			t.Fatal(err)
		}
		round.Round(false)
		tr.Delete(counter, 2)
		round.Round(false)
		drain(sub, map[string]Value{})
	}
	if err := sub.Err(); err != nil || sub.units != 0 {
		t.Errorf("got %d units and %v, want none and no cut", sub.units, err)
	}
}

func drain(s *Subscriber, into map[string]Value) (values int) {
	for items := make([]Item, 0, 3); ; {
		items = s.Next(items)
		if len(items) == 0 {
			return values
		}
		for _, i := range items {
			if i.State == nil {
				continue
			}
			values += 1 + int(i.Duplicates)
			if i.State.Deleted {
				delete(into, i.State.Unit.Path.String())
			} else {
				into[i.State.Unit.Path.String()] = i.State.Leaves[0].Value
			}
		}
	}
}

func TestMatch(t *testing.T) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 2))
		q := randomQuery(r)
		p := slices.DeleteFunc(randomQuery(r), func(e Elem) bool { return e.Name == Any || e.Name == Deep })
		n, ok := Match(q, p)
		if wantN, want := slowMatch(q, p); n*b2i(ok) != wantN || ok != want {
			t.Fatalf("%v in %v: got %d %v, want %d %v", q, p, n, ok, wantN, want)
		}
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

var counter = Path{Target: "t", Origin: "o", Elems: []Elem{E("a"), E("b", "k", "1"), E("c")}}

func TestCoalesce(t *testing.T) {
	tr := New(testSchema(t), Limits{Leaves: 10, Subscribers: 1, Backlog: 5})
	sub, err := tr.Subscribe()
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	sub.Watch(Path{Target: "t", Origin: "o"}, AllUnits, true)
	for i := range uint64(6) {
		if err := tr.Update(counter, Count(i), int64(i)); err != nil {
			t.Fatal(err)
		}
	}
	items := sub.Next(make([]Item, 0, 4))
	if len(items) != 1 || items[0].Duplicates != 5 || items[0].State.Leaves[0].Value.Bits() != 5 || sub.Behind() != 0 {
		t.Fatalf("got %+v, want the last value and 5 passed over", items)
	}
	for i := range uint64(7) {
		if err := tr.Update(counter, Count(100+i), 7); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-sub.Cut():
	default:
		t.Error("six values behind, and not cut")
	}
	if items := sub.Next(items); len(items) != 0 {
		t.Errorf("got %v after the cut", items)
	}
}

func TestLimits(t *testing.T) {
	tr := New(testSchema(t), Limits{Leaves: 1, Subscribers: 1, Backlog: 1})
	if err := tr.Update(counter, Count(1), 1); err != nil {
		t.Fatal(err)
	}
	other := Path{Target: "t", Origin: "o", Elems: elems(E("a"), E("x"), E("y"))}
	if err := tr.Update(other, Number(1), 1); !errors.Is(err, ErrFull) || tr.Refused() != 1 {
		t.Errorf("got %v and %d refused, want full and 1", err, tr.Refused())
	}
	sub, err := tr.Subscribe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Subscribe(); !errors.Is(err, ErrFull) {
		t.Errorf("got %v, want full", err)
	}
	sub.Close()
	if tr.Delete(Path{Target: "t", Origin: "o"}, 2) != 1 || len(tr.roots) != 0 {
		t.Error("the tree is not empty")
	}
}

func TestOutsideTheSchema(t *testing.T) {
	tr := New(testSchema(t), Limits{Leaves: 10})
	for _, c := range []struct {
		p Path
		v Value
	}{
		{Path{Origin: "none", Elems: counter.Elems}, Count(1)},
		{Path{Origin: "o", Elems: elems(E("a"), E("b"), E("c"))}, Count(1)},
		{Path{Origin: "o", Elems: elems(E("a"), E("b", "z", "1"), E("c"))}, Count(1)},
		{Path{Origin: "o", Elems: elems(E("a"))}, Count(1)},
		{counter, Uint(1)},
	} {
		if err := tr.Update(c.p, c.v, 1); err == nil {
			t.Errorf("%s took a value of kind %d", c.p, c.v.Kind())
		}
	}
	if _, err := ParseSchema(map[string]string{"o": "float /a"}); err == nil {
		t.Error("a schema with an unknown type is read")
	}
}

func TestDecimal(t *testing.T) {
	for f, want := range map[float64]string{0: "0.0", 0.875: "0.875", -0.5: "-0.5", 1: "1.0", 1e-7: "0.0", 123456.000001: "123456.000001", 2.0000004: "2.0"} {
		if v, ok := Fixed(f); !ok || v.String() != want {
			t.Errorf("%g: got %s, want %s", f, v.String(), want)
		}
	}
	for _, f := range []float64{math.NaN(), math.Inf(-1), 1e13} {
		if _, ok := Fixed(f); ok {
			t.Errorf("%g is a decimal64", f)
		}
	}
}

func TestPathString(t *testing.T) {
	p := Path{Target: "t", Origin: "o", Elems: elems(E("a/b"), E("c", "y", "]", "x", `\`))}
	if got, want := p.String(), `t o:/a\/b/c[x=\\][y=\]]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if strings.Count((Path{}).String(), "/") != 1 {
		t.Error("the root is no slash")
	}
}

// A change that many subscribers wait for already costs no memory but its state.
func TestAllocations(t *testing.T) {
	tr := New(testSchema(t), Limits{Leaves: 10, Subscribers: 100, Backlog: 1 << 30})
	for range 100 {
		s, err := tr.Subscribe()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		s.Watch(Path{Target: "t", Origin: "o"}, AllUnits, true)
	}
	n := uint64(0)
	got := testing.AllocsPerRun(100, func() {
		n++
		if err := tr.Update(counter, Count(n), int64(n)); err != nil {
			t.Fatal(err)
		}
	})
	if got > 2 {
		t.Errorf("got %g allocations, want the state and its leaf", got)
	}
}

// Syncing containers with their leaves is syncing the leaves one by one: the same is
// there, the same is refused.
func TestSyncOfContainers(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2))
		limits := Limits{Leaves: 1 + r.IntN(8), Subscribers: 1, Backlog: 1}
		if r.IntN(2) == 0 {
			limits.Leaves = 1000
		}
		whole, single := New(testSchema(t), limits), New(testSchema(t), limits)
		for now := range int64(20) {
			var containers, leaves []Change
			for range r.IntN(4) {
				c := Change{Path: Path{Target: "t", Origin: "o", Elems: elems(E("a"), E("b", "k", fmt.Sprint(r.IntN(3))))}, Each: true}
				if r.IntN(3) == 0 {
					c.Path.Elems = append(c.Path.Elems, E("d"))
				}
				for range 1 + r.IntN(3) {
					l := Leaf{Path: elems([]Elem{E("c"), E("e"), E("none")}[r.IntN(3)]), Value: []Value{Count(uint64(r.IntN(3))), Text("x")}[r.IntN(2)]}
					c.Leaves = append(c.Leaves, l)
					leaves = append(leaves, Change{Path: c.Path.Join(l.Path...), Value: l.Value})
				}
				containers = append(containers, c)
			}
			below := []Path{{Target: "t", Origin: "o", Elems: elems(E("a"))}}
			e1, e2 := whole.Sync(below, containers, now), single.Sync(below, leaves, now)
			if fmt.Sprint(e1) != fmt.Sprint(e2) || whole.Leaves() != single.Leaves() || whole.Refused() != single.Refused() {
				t.Fatalf("seed %d: got %d leaves and %v, want %d and %v", seed, whole.Leaves(), e1, single.Leaves(), e2)
			}
			text := func(tr *Tree) (s string) {
				for _, st := range tr.Select(Path{Target: Any, Origin: "o"}) {
					s += fmt.Sprintln(st.Unit.Path, st.Leaves[0].Value.String(), st.Time, st.Version)
				}
				return s
			}
			if got, want := text(whole), text(single); got != want {
				t.Fatalf("seed %d: got\n%swant\n%s", seed, got, want)
			}
		}
	}
}

// No text in the tree keeps a message from being sent.
func TestTextIsUTF8(t *testing.T) {
	one, list := Text("a\xff"), Texts([]string{"ok", "\xc3"})
	if one.Text() != "a\uFFFD" || !slices.Equal(list.List(), []string{"ok", "\uFFFD"}) {
		t.Errorf("got %q and %q", one.Text(), list.List())
	}
}
