package blame

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// twoSpines is packets between leaves that have two spines between them, who knows which:
// rates says what a link loses.
func twoSpines(t *testing.T, rates map[string]float64) *Set {
	t.Helper()
	l := NewLinks()
	s := NewSet(l)
	for i := range 4 {
		for j := range 4 {
			if i == j {
				continue
			}
			var paths [][]int32
			through := 0.0
			for spine := range 2 {
				a, b := fmt.Sprintf("l%d>s%d", i, spine), fmt.Sprintf("s%d>l%d", spine, j)
				paths = append(paths, []int32{l.ID(a), l.ID(b)})
				through += (1 - rates[a]) * (1 - rates[b]) / 2
			}
			// Packets are rows by what became of them, as postcards of the ends give them.
			lost := uint32(math.Round(4000 * (1 - through)))
			for n := range 50 {
				of := lost / 50
				if n < int(lost%50) {
					of++
				}
				for _, x := range [][2]uint32{{80 - of, 0}, {of, of}} {
					if x[0] == 0 {
						continue
					}
					if err := s.AddPaths([]byte(fmt.Sprint(i, j, n)), paths, nil, x[0], x[1]); err != nil {
						t.Fatal(err)
					}
					s.SetRuns(x[1])
				}
			}
		}
	}
	return s
}

// TestImages: of two faults that an exchange of the spines turns into two others that
// explain as much, nothing is said that is surer than a tie.
func TestImages(t *testing.T) {
	truth := []string{"l1>s0", "s1>l3"}
	r := Likelihood(twoSpines(t, map[string]float64{truth[0]: 0.04, truth[1]: 0.02}), Config{})
	tied := 0
	for _, x := range r.Links {
		p := *x.Probability
		if mirror := []string{"l1>s1", "s0>l3"}; slices.Contains(truth, x.Link) || slices.Contains(mirror, x.Link) {
			if math.Abs(p-0.5) > 0.06 {
				t.Errorf("%s has probability %g, want about a half", x.Link, p)
			}
			tied++
		} else if p > 0.05 {
			t.Errorf("%s has probability %g, want hardly any", x.Link, p)
		}
	}
	if tied != 4 {
		t.Errorf("got %d of 4 links", tied)
	}
}

// TestSplitDevice: a device half of whose links lose packets is not at fault as a whole,
// though with one fault in place of four it is the first that is found.
func TestSplitDevice(t *testing.T) {
	l := NewLinks()
	s := NewSet(l)
	bad := []string{"l0>s0", "s0>l0", "l1>s0", "s0>l1"}
	for i := range 8 {
		for j := range 8 {
			if i == j {
				continue
			}
			for n := range 6 {
				a, b := l.ID(fmt.Sprintf("l%d>s%d", i, n%2)), l.ID(fmt.Sprintf("s%d>l%d", n%2, j))
				name := []byte(fmt.Sprint(i, j, n))
				add := func(path []int32, packets, lost uint32) {
					if err := s.Add(name, path, packets, lost); err != nil {
						t.Fatal(err)
					}
					s.SetRuns(lost)
				}
				add([]int32{a, b}, 300, 0)
				for _, x := range []int32{a, b} {
					if slices.Contains(bad, l.Name(x)) {
						add([]int32{x}, 3, 3)
					}
				}
			}
		}
	}
	r := Likelihood(s, Config{})
	got := slices.Sorted(slices.Values(r.BadLinks()))
	if slices.Sort(bad); !slices.Equal(got, bad) || len(r.Devices) > 0 {
		t.Errorf("got %v %v, want %v and no device", got, r.Devices, bad)
	}
}
