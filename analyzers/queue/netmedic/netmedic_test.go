package netmedic

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
	"github.com/telltale-net/telltale/analyzers/queue/records"
	"github.com/telltale-net/telltale/analyzers/queue/window"
)

// chain is two sources, two nodes a and b before c, and d after it.
func chain(t testing.TB) *records.Network {
	t.Helper()
	net, err := records.NewNetwork([]records.NodeSpec{
		{Name: "s1", Type: records.Source, Next: []string{"a", "b"}}, {Name: "s2", Type: records.Source, Next: []string{"b"}},
		{Name: "a", Next: []string{"c"}}, {Name: "b", Next: []string{"c", "d"}}, {Name: "c", Next: []string{"d"}}, {Name: "d"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return net
}

// trace is traffic along s1→a→c→d for n windows of 1 ms, where a stands still for most of
// window stall.
func trace(t testing.TB, n, stall int, seed uint64) *records.Trace {
	b := records.NewBuilder(chain(t), 0)
	rng := rand.New(rand.NewPCG(seed, 1))
	var free [6]int64
	service := [6]int64{2: 600, 3: 600, 4: 500, 5: 400}
	for i := range int64(n) * 1000 {
		at := i*1000 + int64(rng.IntN(900))
		way := [][]int32{{0, 2, 4, 5}, {0, 2, 4, 5}, {1, 3, 4, 5}, {1, 3, 5}}[rng.IntN(4)]
		for k, node := range way {
			r := records.Record{Node: node, Packet: uint64(i), Flow: records.NoFlow, Arrive: at, Start: at, Depart: at}
			if k == 0 {
				r.Arrive, r.Start = records.Absent, records.Absent
			} else {
				r.Start = max(at, free[node])
				if from := int64(stall) * 1_000_000; node == 2 && r.Start >= from+100_000 && r.Start < from+800_000 {
					r.Start = from + 800_000
				}
				at = r.Start + service[node] + int64(rng.IntN(50))
				free[node], r.Depart = at, at
			}
			if err := b.Add(r); err != nil {
				t.Fatal(err)
			}
		}
	}
	return b.Trace()
}

func ranker(t testing.TB, n, stall int, seed uint64) *Ranker {
	s, err := window.New(trace(t, n, stall, seed), 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	return NewRanker(s, Config{})
}

// TestTheStallIsNamed: what stood still comes first for victims behind it.
func TestTheStallIsNamed(t *testing.T) {
	right := 0
	for seed := range uint64(10) {
		r := ranker(t, 60, 40, seed)
		for node := int32(2); node <= 5; node++ {
			d := r.Diagnose(diagnosis.Victim{Node: node, Arrive: 40_850_000})
			if len(d.Causes) != []int{2: 2, 3: 3, 4: 5, 5: 6}[node] {
				t.Fatalf("victim at %d: got %d causes", node, len(d.Causes))
			}
			sum := 0.0
			for _, c := range d.Causes {
				sum += c.Score
			}
			if math.Abs(sum-1) > 1e-9 {
				t.Errorf("scores add up to %v", sum)
			}
			if node != 3 && d.Causes[0].Node == 2 {
				right++
			}
		}
	}
	t.Logf("the node that stood still is first for %d of 30 victims", right)
	if right < 15 {
		t.Errorf("got the stall first for %d of 30 victims, want at least half", right)
	}
}

// TestWeightIsTheFormula recomputes an edge's weight step by step.
func TestWeightIsTheFormula(t *testing.T) {
	r := ranker(t, 60, 40, 1)
	checked := 0
	for w := range 60 {
		r.load(w)
		for i := range r.edges {
			e := &r.edges[i]
			want := slowWeight(r, e, w)
			if got := math.Exp(e.weight); math.Abs(got-want) > 1e-9 {
				t.Fatalf("window %d, edge %d→%d: got %v, want %v", w, e.from, e.to, got, want)
			}
			if want != noImpact {
				checked++
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d edges between abnormal nodes", checked)
	}
}

func slowWeight(r *Ranker, e *edge, w int) float64 {
	worst := func(node int32) (m float64) {
		for _, a := range r.states.Abnormality(node, w) {
			m = max(m, a)
		}
		return m
	}
	if worst(e.from) < 0.1 || worst(e.to) < 0.1 {
		return 0.1
	}
	distance := func(v *view, node int32, t int) float64 {
		a := r.states.Abnormality(node, w)
		num, den := 0.0, 0.0
		for i := range window.Variables {
			if !v.use[i] {
				continue
			}
			den += a[i]
			lo, hi := slices.Min(v.value[i]), slices.Max(v.value[i])
			if hi > lo {
				num += a[i] * math.Abs(v.value[i][t]-v.value[i][w]) / (hi - lo)
			}
		}
		if den == 0 {
			return 0
		}
		return num / den
	}
	var others []int
	for t := range r.states.Windows {
		if t != w {
			others = append(others, t)
		}
	}
	sum, weights := 0.0, 0.0
	for k := range 10 {
		chunk := others[k*len(others)/10 : (k+1)*len(others)/10]
		best := slices.MinFunc(chunk, func(a, b int) int {
			x, y := distance(&e.s, e.from, a), distance(&e.s, e.from, b)
			switch {
			case x < y-1e-12:
				return -1
			case x > y+1e-12:
				return 1
			}
			return 0
		})
		if d := distance(&e.s, e.from, best); d <= 1.0/3 {
			sum += (1 - distance(&e.d, e.to, best)) * (1 - d)
			weights += 1 - d
		}
	}
	if weights == 0 {
		return 0.8
	}
	return sum / weights
}

// TestImpactIsTheBestPath holds impacts against all paths of a random network.
func TestImpactIsTheBestPath(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 9))
		n := 2 + rng.IntN(7)
		r := &Ranker{out: make([][]int32, n)}
		for i := range n {
			for j := i + 1; j < n; j++ {
				if rng.IntN(2) == 0 {
					r.out[i] = append(r.out[i], int32(len(r.edges)))
					r.edges = append(r.edges, edge{from: int32(i), to: int32(j), weight: math.Log(rng.Float64())})
				}
			}
		}
		want := make([]float64, n)
		var walk func(at int32, sum float64, length int)
		walk = func(at int32, sum float64, length int) {
			i := 1.0
			if length > 0 {
				i = math.Exp(sum / float64(length))
			}
			want[at] = max(want[at], i)
			for _, k := range r.out[at] {
				walk(r.edges[k].to, sum+r.edges[k].weight, length+1)
			}
		}
		walk(0, 0, 0)
		for x, got := range r.impacts(0) {
			if math.Abs(got-want[x]) > 1e-12 {
				t.Fatalf("seed %d: impact on %d: got %v, want %v", seed, x, got, want[x])
			}
		}
	}
}

// TestAggregatesAreTakenApart: what arrives at c is the sum of what leaves a and b; seen
// from a, only a's part is left.
func TestAggregatesAreTakenApart(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	columns := make([][window.Variables][]float64, 3)
	for i := range columns {
		for v := range columns[i] {
			columns[i][v] = make([]float64, 50)
			for w := range columns[i][v] {
				columns[i][v][w] = rng.Float64()
			}
		}
	}
	for w := range 50 {
		columns[2][window.In][w] = columns[0][window.Out][w] + columns[1][window.Out][w]
	}
	got := alone(columns, []int32{0, 1}, 0, 2)
	for w := range 50 {
		if math.Abs(got[window.In][w]-columns[0][window.Out][w]) > 1e-12 {
			t.Fatalf("window %d: got %v, want a's %v", w, got[window.In][w], columns[0][window.Out][w])
		}
		if got[window.Busy][w] != columns[2][window.Busy][w] {
			t.Fatal("a variable that is no aggregate was changed")
		}
	}
}

func BenchmarkRank(b *testing.B) {
	r := ranker(b, 500, 40, 1)
	b.ReportAllocs()
	w := 0
	for b.Loop() {
		r.rank(w%500, 5)
		w++
	}
}
