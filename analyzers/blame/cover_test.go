package blame

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"strings"
	"testing"
)

// failed writes flows with losses over random links.
func failed(rng *rand.Rand, flows, links, hops int) string {
	var b strings.Builder
	for f := range flows {
		var path []string
		for range 1 + rng.IntN(hops) {
			path = append(path, fmt.Sprintf(`"l%d"`, rng.IntN(links)))
		}
		fmt.Fprintf(&b, `{"flow":"f%d","path":[%s],"packets":9,"lost":%d}`+"\n", f, strings.Join(path, ","), 1+rng.IntN(3))
	}
	return b.String()
}

// TestBinary compares with all subsets of links.
func TestBinary(t *testing.T) {
	for seed := range 300 {
		rng := rand.New(rand.NewPCG(uint64(seed), 1))
		s, _ := read(t, failed(rng, 1+rng.IntN(14), 2+rng.IntN(10), 4))
		want := s.links.Len()
		for set := range uint32(1) << s.links.Len() {
			ok := bits.OnesCount32(set) < want
			for i := 0; ok && i < s.Len(); i++ {
				hit := false
				for _, l := range s.Path(i) {
					hit = hit || set>>l&1 == 1
				}
				ok = hit
			}
			if ok {
				want = bits.OnesCount32(set)
			}
		}
		r := Binary(s)
		if got := len(r.BadLinks()); got != want || r.Bound != want {
			t.Fatalf("seed %d: got %d links, at least %d; want %d", seed, got, r.Bound, want)
		}
		covers(t, s, &r)
		g := Cover(s)
		if len(g.BadLinks()) < want {
			t.Fatalf("seed %d: greedy has %d links, fewer than %d", seed, len(g.BadLinks()), want)
		}
		covers(t, s, &g)
		in := Integer(s)
		covers(t, s, &in)
		sum, lost := 0.0, 0.0
		for _, l := range in.Links {
			sum += l.Score
		}
		for i := range s.Len() {
			lost += float64(s.Lost(i))
		}
		if sum != lost {
			t.Fatalf("seed %d: integer gives away %v losses, want %v", seed, sum, lost)
		}
	}
}

// covers wants each flow to have a bad link, and that to be its cause.
func covers(t *testing.T, s *Set, r *Result) {
	t.Helper()
	bad := map[string]bool{}
	for _, l := range r.BadLinks() {
		bad[l] = true
	}
	for _, f := range r.Flows {
		if !bad[f.Cause] {
			t.Fatalf("%s: flow %s has the cause %s, want a bad link", r.Method, f.Flow, f.Cause)
		}
	}
}

// TestBinaryBounded: a search that is cut off says how few links there could be.
func TestBinaryBounded(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for f := range 200 {
		fmt.Fprintf(&b, `{"flow":"f%d","path":["l%d","l%d","l%d"],"packets":9,"lost":1}`+"\n", f, rng.IntN(70), rng.IntN(70), rng.IntN(70))
	}
	s, _ := read(t, b.String())
	p := newCover(s)
	sub := &search{p: p, work: 5000}
	rows := make([]int32, len(p.rows))
	for i := range rows {
		rows[i] = int32(i)
	}
	chosen, bound := sub.solve(rows)
	if bound >= len(chosen) || bound < 1 {
		t.Errorf("got %d links, at least %d", len(chosen), bound)
	}
	r := p.answer("binary", chosen, bound)
	covers(t, s, &r)
}
