package window

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// trace builds a trace of source → a → b from records.
func trace(t testing.TB, rs []records.Record) *records.Trace {
	t.Helper()
	net, err := records.NewNetwork([]records.NodeSpec{
		{Name: "s", Type: records.Source, Next: []string{"a"}}, {Name: "a", Next: []string{"b"}}, {Name: "b"}, {Name: "aside"},
	})
	if err != nil {
		t.Fatal(err)
	}
	b := records.NewBuilder(net, 0)
	for i, r := range rs {
		r.Flow = records.NoFlow
		r.Packet = uint64(i)
		if err := b.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	return b.Trace()
}

// slowStates computes states instant by instant.
func slowStates(rs []records.Record, node int32, length, from int64, windows int) []State {
	out := make([]State, windows)
	for i, r := range rs {
		if r.Node != node {
			continue
		}
		at, begun := r.Arrive, r.Start
		if at == records.Absent {
			at, begun = r.Depart, r.Depart
		}
		if begun == records.Absent {
			begun = r.Depart
		}
		out[(at-from)/length][In]++
		if r.Depart == records.Absent {
			out[(at-from)/length][Drops]++
			continue
		}
		out[(r.Depart-from)/length][Out]++
		for x := at; x < begun; x++ {
			out[(x-from)/length][Queue] += 1 / float64(length)
		}
		depth := 0.0
		for k, o := range rs {
			if o.Node != node || k == i || o.Depart == records.Absent || o.Arrive == records.Absent {
				continue
			}
			start := o.Start
			if start == records.Absent {
				start = o.Depart
			}
			if (o.Arrive < at || o.Arrive == at && k < i) && start > at {
				depth++
			}
		}
		w := &out[(at-from)/length]
		w[QueueMax] = max(w[QueueMax], depth)
	}
	for x := range int64(windows) * length {
		for _, r := range rs {
			start := r.Start
			if start == records.Absent {
				start = r.Arrive
			}
			if r.Node == node && r.Arrive != records.Absent && r.Depart != records.Absent && start <= from+x && from+x < r.Depart {
				out[x/length][Busy] += 1 / float64(length)
				break
			}
		}
	}
	return out
}

func TestStatesAreWhatTheySay(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 3))
		var rs []records.Record
		for node := int32(1); node < 3; node++ {
			at, free := int64(100), int64(0)
			for range 20 {
				at += 1 + int64(rng.IntN(40))
				start := max(at, free+int64(rng.IntN(10)))
				free = start + int64(rng.IntN(60))
				r := records.Record{Node: node, Arrive: at, Start: start, Depart: free}
				if rng.IntN(8) == 0 {
					r.Start, r.Depart = records.Absent, records.Absent
				}
				if seed%2 == 0 {
					r.Start = records.Absent
				}
				rs = append(rs, r)
			}
		}
		rs = append(rs, records.Record{Node: 0, Arrive: records.Absent, Start: records.Absent, Depart: 130})
		tr := trace(t, rs)
		length := int64(1 + rng.IntN(100))
		s, err := New(tr, length)
		if err != nil {
			t.Fatal(err)
		}
		from, _ := tr.Span()
		for node := range int32(3) {
			want := slowStates(rs, node, length, from, s.Windows)
			for w := range want {
				for v := range Variables {
					if got := s.At(node, w)[v]; math.Abs(got-want[w][v]) > 1e-9 {
						t.Fatalf("seed %d, node %d, window %d of %d ns, variable %d: got %v, want %v", seed, node, w, length, v, got, want[w][v])
					}
				}
			}
		}
	}
}

func TestZIsOverTheOtherWindows(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var rs []records.Record
	for i := range 1000 {
		at := int64(i*10 + rng.IntN(300))
		rs = append(rs, records.Record{Node: 1, Arrive: at, Start: at, Depart: at + int64(rng.IntN(50))})
	}
	s, err := New(trace(t, rs), 100)
	if err != nil {
		t.Fatal(err)
	}
	for w := range s.Windows {
		for v := range Variables {
			var n, sum, sq float64
			for o := range s.Windows {
				if o != w {
					n++
					sum += s.At(1, o)[v]
				}
			}
			for o := range s.Windows {
				if o != w {
					sq += math.Pow(s.At(1, o)[v]-sum/n, 2)
				}
			}
			want := math.Abs(s.At(1, w)[v]-sum/n) / math.Sqrt(sq/n)
			if sq == 0 {
				want = 0
			}
			if got := s.Z(1, w, v); math.Abs(got-want) > 1e-6*(1+want) {
				t.Fatalf("window %d, variable %d: got %v, want %v", w, v, got, want)
			}
		}
	}
}

// TestTheStallIsNamed: node a stands still in one window; victims at a and b are
// explained by it, and by no node that b's packets never saw.
func TestTheStallIsNamed(t *testing.T) {
	var rs []records.Record
	freeA, freeB := int64(0), int64(0)
	rng := rand.New(rand.NewPCG(2, 2))
	for i := range int64(20000) {
		at := i*1000 + int64(rng.IntN(1000))
		rs = append(rs, records.Record{Node: 0, Arrive: records.Absent, Start: records.Absent, Depart: at})
		start := max(at, freeA)
		if at > 10_000_000 && start < 10_900_000 {
			start = 10_900_000
		}
		freeA = start + 500 + int64(rng.IntN(100))
		startB := max(freeA, freeB)
		freeB = startB + 400 + int64(rng.IntN(100))
		rs = append(rs, records.Record{Node: 1, Arrive: at, Start: start, Depart: freeA}, records.Record{Node: 2, Arrive: freeA, Start: startB, Depart: freeB})
	}
	s, err := New(trace(t, rs), 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	r := NewRanker(s)
	for node := int32(1); node <= 2; node++ {
		d := r.Diagnose(diagnosis.Victim{Node: node, Arrive: 10_500_000})
		if len(d.Causes) != int(node)+1 || d.Causes[0].Node != 1 || d.Causes[0].Kind != diagnosis.Processing {
			t.Errorf("victim at node %d: got %+v", node, d.Causes)
		}
		if again := r.Diagnose(diagnosis.Victim{Node: node, Arrive: 10_500_001}); &again.Causes[0] != &d.Causes[0] {
			t.Error("the ranking was made twice")
		}
	}
}

func TestTooManyWindows(t *testing.T) {
	rs := []records.Record{{Node: 1, Arrive: 0, Start: 0, Depart: 1}, {Node: 1, Arrive: 1 << 60, Start: 1 << 60, Depart: 1<<60 + 1}}
	if _, err := New(trace(t, rs), 0); err == nil {
		t.Error("got no error for a trace of 36 years")
	}
	if _, err := New(trace(t, rs), -1); err == nil {
		t.Error("got no error for windows of a negative length")
	}
	if s, err := New(trace(t, nil), 0); err != nil || s.Windows != 1 {
		t.Errorf("got %v, %v for no records", s, err)
	}
}
