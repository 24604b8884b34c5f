package blame

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestCommon: what causes have in common does not depend on the order in which faults are
// added, and links that lose far less than others of their device are none of its.
func TestCommon(t *testing.T) {
	links := NewLinks()
	for i := range 6 {
		links.ID(fmt.Sprintf("l%d>s", i))
		links.ID(fmt.Sprintf("s>l%d", i))
	}
	columns := links.Len() + len(links.nodes)
	m := &fit{links: links.Len(), ends: links.ends, few: true, theta: make([]float64, columns), of: make([][]crossing, columns),
		classes: classify(links.ends, len(links.nodes), columns), sharing: shared(links.ends, len(links.nodes))}
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		sum := 0.0
		order := rng.Perm(links.Len())
		for k, c := range order {
			sum += m.next(int32(c), 0.01)
			m.add(int32(c), 0.01)
			if got := m.causes(); math.Abs(got-sum) > 1e-9 {
				t.Fatalf("seed %d: %d faults: got %.6f, one by one %.6f", seed, k+1, got, sum)
			}
		}
		for _, c := range slices.Clone(m.faults) {
			m.remove(c)
		}
		if slices.Max(m.sharing.at) != 0 {
			t.Fatalf("seed %d: no fault is left, and %v are counted", seed, m.sharing.at)
		}
	}
	for c := range int32(4) {
		m.add(c, 0.01)
	}
	if more := m.next(4, 1e-4); more > 1e-9 {
		t.Errorf("a link that loses a hundredth of the others has %.3f in common with them", more)
	}
	if m.few = false; m.causes() != 0 {
		t.Error("many suspects, and causes in common")
	}
}

// TestAverage: two links that lose what two others together could have lost are as doubtful
// as these.
func TestAverage(t *testing.T) {
	links := NewLinks()
	s := NewSet(links)
	add := func(packets, lost uint32, path ...string) {
		var ids []int32
		for _, l := range path {
			ids = append(ids, links.ID(l))
		}
		if err := s.Add([]byte("f"), ids, packets, lost); err != nil {
			t.Fatal(err)
		}
	}
	for from := range 3 {
		for spine := range 2 {
			for host := range 2 {
				in, up := fmt.Sprintf("h%d>l%d", from, from), fmt.Sprintf("l%d>s%d", from, spine)
				add(1000, 4, in, up, fmt.Sprintf("s%d>l9", spine), fmt.Sprintf("l9>g%d", host))
				for leaf := 3; leaf < 5; leaf++ {
					add(1000, 0, in, up, fmt.Sprintf("s%d>l%d", spine, leaf), fmt.Sprintf("l%d>g%d%d", leaf, leaf, host))
				}
			}
		}
	}
	r := Likelihood(s, Config{})
	p := map[string]float64{}
	for _, l := range r.Links {
		p[l.Link] = *l.Probability
	}
	inside, edge := p["s0>l9"], p["l9>g0"]
	if math.Abs(inside-p["s1>l9"]) > 0.05 || math.Abs(edge-p["l9>g1"]) > 0.05 || inside > 0.98 || edge > 0.98 || inside+edge < 0.8 {
		t.Errorf("got %.3f and %.3f for the links into l9, %.3f and %.3f for those out of it; want doubts, alike for both of a kind", p["s0>l9"], p["s1>l9"], p["l9>g0"], p["l9>g1"])
	}
}
