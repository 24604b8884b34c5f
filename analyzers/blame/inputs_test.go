package blame

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestReadLines is the lines that are not a flow with its path.
func TestReadLines(t *testing.T) {
	s, r := read(t, `{"flow":"f1","paths":[["a>b","b>d","d>e"],["a>c","c>d","d>e"]],"weights":[3,1],"packets":10,"lost":1}
{"flow":"f2","path":["a>b",null,"d>e"],"packets":10,"lost":3,"bursts":2}
{"flow":17,"path":[4,5],"packets":10}
{"flow":{"src":"x"},"packets":10,"lost":1}
{"link":"a>b","packets":100,"lost":2}
{"link":"a>b","out":100,"in":99}
{"link":"a>b","depth":12.5,"packets":50,"lost":1,"epoch":3}
{"device":"d","in":70,"out":69}
`)
	if len(r.Problems) > 0 {
		t.Fatalf("got problems %v", r.Problems)
	}
	if want := (Stats{Flows: 4, Counters: 3, Samples: 1, Losing: 6, Packets: 310, Lost: 9, Pathless: 1, Unsure: 2}); r.Stats != want {
		t.Errorf("got %+v, want %+v", r.Stats, want)
	}
	s.complete()
	var got []string
	doubt := s.uncertain.walk()
	names := func(path []int32) (out []string) {
		for _, l := range path {
			out = append(out, s.links.Name(l))
		}
		return out
	}
	for i := range s.Len() {
		line := fmt.Sprintf("%s %v %d/%d", s.Name(i), names(s.Path(i)), s.Lost(i), s.Packets(i))
		if x := doubt(i); x != nil {
			for p := range x.paths {
				line += fmt.Sprintf(" %v*%v", names(x.paths[p]), x.weight[p])
			}
		}
		got = append(got, line)
	}
	want := []string{
		"f1 [d>e] 1/10 [a>b b>d]*0.75 [a>c c>d]*0.25",
		"f2 [a>b d>e] 3/10 [b>d]*1",
		"17 [4 5] 0/10",
		`{"src":"x"} [] 1/10`,
		"a>b [a>b] 2/100",
		"a>b [a>b] 1/100",
		"d [d] 1/70",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if d := s.links.ends[s.links.ID("d")]; d[0] < 0 || d[0] != d[1] || s.links.nodes[d[0]] != "d" {
		t.Errorf("link d has the ends %v, want the device d twice", d)
	}
	if len(s.samples) != 1 || s.samples[0] != (Sample{s.links.ID("a>b"), 12.5, 50, 1}) || !slices.Equal(s.bursts, []burst{{1, 2}}) {
		t.Errorf("got samples %v, bursts %v", s.samples, s.bursts)
	}
}

func TestReadLineProblems(t *testing.T) {
	for in, want := range map[string]string{
		`{"flow":"f","paths":[["a"],[null]],"packets":1}`:          "in:2: paths[1][0]: got null, want a link",
		`{"flow":"f","paths":[["a"]],"weights":[1,2],"packets":1}`: "in:2: weights: got 2, want one for each of the 1 paths",
		`{"flow":"f","paths":[["a"]],"weights":[-1],"packets":1}`:  "in:2: weights[0]: got -1, want a number from 0",
		`{"link":"a>b"}`:                        "in:2: packets: got none, want how many packets the link carried, or out and in",
		`{"link":"","packets":1}`:               "in:2: link: got an empty name, want a link",
		`{"link":"a>b","packets":1,"depth":-1}`: "in:2: depth: got -1, want a number from 0",
		`{"device":"a","in":1}`:                 "in:2: in: got not both in and out, want how many packets the device took in and sent out",
		`{"device":"a","in":1,"out":1.5}`:       "in:2: out: got 1.5, want a whole number from 0 to 2^32-1",
		`{"flow":"f","path":[{}],"packets":1}`:  "in:2: got {} as a link of a path, want its name, or null",
	} {
		s, r := read(t, "\n"+in+"\n")
		if s.Len() != 0 || r.Stats.Bad != 1 || len(r.Problems) != 1 || r.Problems[0].Error() != want {
			t.Errorf("%s: got %d flows, %v; want %s", in, s.Len(), r.Problems, want)
		}
		if s.Links().Len() != 0 {
			t.Errorf("%s: left links behind", in)
		}
	}
}

// TestCounters: a link's own counters, and a device's, blame what they count.
func TestCounters(t *testing.T) {
	var b strings.Builder
	for i := range 40 {
		lost, inside := 0, 5000
		if i == 7 {
			lost = 30
		}
		if i == 9 {
			inside = 4960
		}
		fmt.Fprintf(&b, `{"link":"n%d>n%d","packets":5000,"lost":%d}`+"\n", i, i+1, lost)
		fmt.Fprintf(&b, `{"device":"n%d","in":5000,"out":%d}`+"\n", i, inside)
	}
	s, _ := read(t, b.String())
	r := Likelihood(s, Config{})
	bad := r.BadLinks()
	slices.Sort(bad)
	if !slices.Equal(bad, []string{"n7>n8", "n9"}) {
		t.Errorf("got %v, want the link n7>n8 and the inside of n9", bad)
	}
}

// brute is the likelihood of a set of rates, packet by packet and path by path.
func (m *fit) brute(s *Set, noise float64, theta map[int32]float64) float64 {
	sum := 0.0
	doubt := s.uncertain.walk()
	for i := range s.Len() {
		paths, weights := [][]int32{nil}, []float64{1}
		if x := doubt(i); x != nil {
			paths, weights = x.paths, x.weight
		}
		through := 0.0
		for p := range paths {
			rate := 0.0
			for _, l := range slices.Concat(s.Path(i), paths[p]) {
				rate += noise + theta[l]
			}
			through += weights[p] * math.Exp(-float64(s.packets[i])*rate)
		}
		if s.lost[i] > 0 {
			sum += math.Log(1 - through)
		} else {
			sum += math.Log(through)
		}
	}
	return sum
}

// TestMixture compares the likelihood of flows with several paths with the definition.
func TestMixture(t *testing.T) {
	for seed := range 40 {
		rng := rand.New(rand.NewPCG(uint64(seed), 8))
		links := NewLinks()
		s := NewSet(links)
		for i := range 8 {
			links.ID(fmt.Sprintf("l%d", i))
		}
		for range 50 {
			var paths [][]int32
			var weights []float64
			for range 1 + rng.IntN(4) {
				p := []int32{int32(rng.IntN(2))}
				for range 2 {
					if l := int32(2 + rng.IntN(6)); !slices.Contains(p, l) {
						p = append(p, l)
					}
				}
				for len(p) < 3 {
					p = append(p, 0)
					p = slices.Compact(p)
					if len(p) == 2 {
						p = append(p, int32(2+(p[1]-1)%6))
					}
				}
				slices.Sort(p)
				p = slices.Compact(p)
				paths, weights = append(paths, p), append(weights, rng.Float64())
			}
			lost := uint32(0)
			packets := uint32(4)
			if rng.IntN(3) == 0 {
				lost = packets
			}
			if err := s.AddPaths(nil, paths, weights, packets, lost); err != nil {
				t.Fatal(err)
			}
		}
		m := model(s)
		m.noise = 0.01
		if len(m.mix.rows) == 0 {
			t.Fatal("no flow is uncertain")
		}
		m.set(2, 0.3)
		for c := int32(3); c < 8; c++ {
			// Noise is per hop and shared among alternatives by their mean length: compare gains.
			theta := 0.05 + rng.Float64()
			got := m.curve(c).at(theta)
			with := map[int32]float64{2: 0.3, c: theta}
			want := m.brute(s, 0.01, with) - m.brute(s, 0.01, map[int32]float64{2: 0.3})
			if math.Abs(got-want) > 0.15+0.02*math.Abs(want) {
				t.Errorf("seed %d, link %d: got a gain of %.4f, want %.4f", seed, c, got, want)
			}
		}
	}
}

// TestKinds: losses that come with long queues and in bursts are congestion.
func TestKinds(t *testing.T) {
	for _, c := range []struct {
		name  string
		lines func(rng *rand.Rand, b *strings.Builder)
		want  Kind
	}{
		{"losses at any depth", func(rng *rand.Rand, b *strings.Builder) {
			for d := range 64 {
				fmt.Fprintf(b, `{"link":"a>b","depth":%d,"packets":1000,"lost":%d}`+"\n", d, rng.IntN(5))
			}
		}, Corruption},
		{"losses where the queue is full", func(rng *rand.Rand, b *strings.Builder) {
			for d := range 64 {
				lost := 0
				if d > 55 {
					lost = rng.IntN(5)
				}
				fmt.Fprintf(b, `{"link":"a>b","depth":%d,"packets":1000,"lost":%d}`+"\n", d, lost)
			}
		}, Congestion},
		{"one depth", func(_ *rand.Rand, b *strings.Builder) {
			b.WriteString(`{"link":"a>b","depth":3,"packets":1000,"lost":9}` + "\n")
		}, KindUnknown},
		{"single losses", func(_ *rand.Rand, b *strings.Builder) {
			for i := range 10 {
				fmt.Fprintf(b, `{"flow":"s%d","path":["a>b"],"packets":100,"lost":3,"bursts":3}`+"\n", i)
			}
		}, Corruption},
		{"runs of losses", func(_ *rand.Rand, b *strings.Builder) {
			for i := range 10 {
				fmt.Fprintf(b, `{"flow":"s%d","path":["a>b"],"packets":100,"lost":5,"bursts":1}`+"\n", i)
			}
		}, Congestion},
		{"nothing seen", func(*rand.Rand, *strings.Builder) {}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b strings.Builder
			for i := range 60 {
				lost := 0
				if i%4 == 0 {
					lost = 3
				}
				fmt.Fprintf(&b, `{"flow":"f%d","path":["a>b"],"packets":100,"lost":%d}`+"\n", i, lost)
				fmt.Fprintf(&b, `{"flow":"g%d","path":["c>d"],"packets":1000,"lost":0}`+"\n", i)
			}
			c.lines(rand.New(rand.NewPCG(1, 1)), &b)
			s, _ := read(t, b.String())
			r := Likelihood(s, Config{})
			if len(r.Links) == 0 || r.Links[0].Verdict == Good || r.Links[0].Kind != c.want {
				t.Errorf("got %+v, want %q", r.Links[0], c.want)
			}
		})
	}
}
