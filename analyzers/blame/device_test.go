package blame

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// pieces draws flows over a leaf-spine network and pieces of their paths, such as
// postcards make them; some are of uncertain spine.
func pieces(rng *rand.Rand, add func(paths [][]string, packets, lost uint32)) {
	const spines, leaves = 3, 4
	for range 200 {
		a, b := rng.IntN(leaves), rng.IntN(leaves-1)
		if b >= a {
			b++
		}
		way := func(s int) []string {
			return []string{fmt.Sprintf("h%d>l%d", a, a), fmt.Sprintf("l%d>s%d", a, s), fmt.Sprintf("s%d>l%d", s, b), fmt.Sprintf("l%d>h%d", b, b)}
		}
		from := rng.IntN(4)
		to := from + 1 + rng.IntN(4-from)
		first := rng.IntN(spines)
		paths := [][]string{way(first)[from:to]}
		if rng.IntN(3) == 0 {
			paths = append(paths, way((first + 1) % spines)[from:to])
		}
		packets := 1 + rng.Uint32N(40)
		lost := uint32(0)
		if rng.IntN(4) == 0 {
			lost = 1 + rng.Uint32N(packets)
		}
		add(paths, packets, lost)
	}
}

// TestDeviceIsItsLinks: a device that loses θ is as likely as links that lose θ/2 each, if
// these are the device's.
func TestDeviceIsItsLinks(t *testing.T) {
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 5))
		links := NewLinks()
		tr := NewTracker(links, Config{})
		set := func() *Set {
			s := NewSet(links)
			pieces(rng, func(paths [][]string, packets, lost uint32) {
				var ids [][]int32
				for _, p := range paths {
					var path []int32
					for _, l := range p {
						path = append(path, links.ID(l))
					}
					ids = append(ids, path)
				}
				if err := s.AddPaths([]byte("f"), ids, nil, packets, lost); err != nil {
					t.Fatal(err)
				}
			})
			return s
		}
		for range seed % 3 { // epochs that are carried
			tr.Next(set())
		}
		s := set()
		likelihood := func(change func(m *fit)) float64 {
			m := tr.model(s, false)
			m.noise = 1e-4
			change(m)
			j := m.mixed()
			for f := range m.end {
				j += m.lost[f] * log1mexp(m.scale[f]*m.base(int32(f)))
			}
			for c, theta := range m.theta {
				j -= theta * m.survivors[c]
			}
			return j
		}
		for n, name := range links.nodes {
			theta := math.Exp(-6 * rng.Float64())
			got := likelihood(func(m *fit) { m.set(int32(m.links+n), theta) })
			want := likelihood(func(m *fit) {
				for l, ends := range links.ends {
					if ends[0] == int32(n) || ends[1] == int32(n) {
						m.set(int32(l), theta/2)
					}
				}
			})
			if math.Abs(got-want) > 1e-6*math.Abs(want) {
				t.Errorf("seed %d, %s with rate %.3g: got log-likelihood %.6f, its links have %.6f", seed, name, theta, got, want)
			}
			// And what the search asks of the column is the same difference.
			none := likelihood(func(*fit) {})
			m := tr.model(s, false)
			m.noise = 1e-4
			if x := m.curve(int32(m.links + n)).at; m.mix.of != nil && math.Abs(x(theta)-(got-none)) > 1e-6*math.Abs(want) {
				t.Errorf("seed %d, %s with rate %.3g: got a gain of %.6f, want %.6f", seed, name, theta, x(theta), got-none)
			}
		}
	}
}

// TestPiecesOfADevice: packets known to be lost on some links of a device are no sign of
// the device, whose other links lose nothing.
func TestPiecesOfADevice(t *testing.T) {
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
		if lost > 0 {
			s.SetRuns(lost)
		}
	}
	for a := range 4 {
		for b := range 4 {
			if a == b {
				continue
			}
			in, up, down, out := fmt.Sprintf("h%d>l%d", a, a), fmt.Sprintf("l%d>s", a), fmt.Sprintf("s>l%d", b), fmt.Sprintf("l%d>h%d", b, b)
			add(300, 0, in, up, down, out)
			if a < 2 {
				add(6, 0, in)
				add(6, 6, up)
			}
			if b < 2 {
				add(6, 0, in, up)
				add(6, 6, down)
			}
		}
	}
	r := Likelihood(s, Config{})
	if got := fmt.Sprint(r.BadLinks()); len(r.BadLinks()) != 4 || len(r.Devices) > 0 {
		t.Errorf("got bad links %s and devices %v, want l0>s, l1>s, s>l0, s>l1 and none", got, r.Devices)
	}
}
