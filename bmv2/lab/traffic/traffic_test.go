package traffic

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/telltale-net/telltale/bmv2/lab/frame"
	"github.com/telltale-net/telltale/topology"
)

func good() Flow {
	return Flow{Name: "x", Proto: frame.UDP, Sizes: Fixed(100), Arrivals: Arrivals{PPS: 1000}}
}

func TestCheck(t *testing.T) {
	f := func(want string, change func(*Flow)) {
		t.Helper()
		x := good()
		change(&x)
		err := x.Check()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("Check = %v, want %q", err, want)
		}
	}
	f("", func(*Flow) {})
	f("protocol 1", func(x *Flow) { x.Proto = 1 })
	f("no sizes", func(x *Flow) { x.Sizes = nil })
	f("65 bytes", func(x *Flow) { x.Sizes = Fixed(65) })
	f("77 bytes", func(x *Flow) { x.Proto, x.Sizes = frame.TCP, Fixed(77) })
	f("65550 bytes", func(x *Flow) { x.Sizes = Fixed(65550) })
	f("weight 0", func(x *Flow) { x.Sizes = Sizes{{100, 0}} })
	f("0 packets/s", func(x *Flow) { x.Arrivals.PPS = 0 })
	f("NaN packets/s", func(x *Flow) { x.Arrivals.PPS = math.NaN() })
	f("kind of arrivals 9", func(x *Flow) { x.Arrivals.Kind = 9 })
	f("bursts on for 0s", func(x *Flow) { x.Arrivals.Kind = Bursts })
	f("starts at 2s", func(x *Flow) { x.Start, x.Stop = 2*time.Second, time.Second })
}

// departures draws everything a flow sends.
func departures(f Flow, seed uint64) (at []int64, bytes int) {
	s := NewSource(&f, seed, 1)
	for {
		t, n, ok := s.Next()
		if !ok {
			return at, bytes
		}
		at, bytes = append(at, t), bytes+n
	}
}

// Every rhythm keeps its mean rate, its order and its bounds, and the mean size its
// mean.
func TestSources(t *testing.T) {
	f := func(a Arrivals, tolerance float64) []int64 {
		t.Helper()
		flow := Flow{Proto: frame.UDP, Sizes: IMIX(), Arrivals: a, Start: time.Second, Stop: 101 * time.Second}
		if err := flow.Check(); err != nil {
			t.Fatal(err)
		}
		at, bytes := departures(flow, 5)
		if again, _ := departures(flow, 5); !slices.Equal(at, again) {
			t.Errorf("%v: the same seed departs at other instants", a.Kind)
		}
		if !slices.IsSorted(at) || at[0] < int64(time.Second) || at[len(at)-1] >= int64(flow.Stop) {
			t.Errorf("%v: departures from %d to %d, sorted %v", a.Kind, at[0], at[len(at)-1], slices.IsSorted(at))
		}
		if got, want := float64(len(at))/100, a.MeanPPS(); math.Abs(got/want-1) > tolerance {
			t.Errorf("%v: %v packets/s, want %v", a.Kind, got, want)
		}
		if got, want := float64(bytes)/float64(len(at)), flow.Sizes.Mean(); math.Abs(got/want-1) > 0.05 {
			t.Errorf("%v: mean size %v, want %v", a.Kind, got, want)
		}
		return at
	}
	paced := f(Arrivals{Kind: Paced, PPS: 300}, 0)
	for i, at := range paced {
		if want := 1e9 + int64(float64(i)*1e9/300); at-want < -1 || at-want > 1 {
			t.Fatalf("paced packet %d departs at %d, want %d", i, at, want)
		}
	}
	poisson := f(Arrivals{Kind: Poisson, PPS: 300}, 0.03)
	longer := 0
	for i := 1; i < len(poisson); i++ {
		if poisson[i]-poisson[i-1] > 1_000_000_000/300 {
			longer++
		}
	}
	if r := float64(longer) / float64(len(poisson)); math.Abs(r-1/math.E) > 0.02 {
		t.Errorf("%v of the poisson gaps exceed the mean, want 1/e", r)
	}
	f(Arrivals{Kind: Bursts, PPS: 1000, On: 20 * time.Millisecond, Off: 60 * time.Millisecond}, 0.15)
}

// The sink agrees with a set that remembers everything, as long as nothing is later
// than its window.
func TestSinkAgainstSet(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 1))
		var s Sink
		const sent = 20000
		for range sent {
			s.Sent(100)
		}
		seen, highest := map[uint64]bool{}, int64(-1)
		want := Stats{Sent: sent, SentBytes: sent * 100}
		for n := 0; n < sent-Window; n += 1 + r.IntN(3)*r.IntN(2)*r.IntN(50) + r.IntN(1000)/999*3000 {
			seq := uint64(max(0, n-r.IntN(2)*r.IntN(Window-1)))
			if int64(seq) < highest-Window+1 || seq >= sent {
				continue
			}
			switch {
			case seen[seq]:
				want.Duplicated++
			case int64(seq) < highest:
				want.Reordered++
				fallthrough
			default:
				want.Delivered++
				want.DeliveredBytes += 100
			}
			seen[seq] = true
			highest = max(highest, int64(seq))
			if !s.Arrived(seq, 100, 1) {
				t.Fatalf("seed %d: packet %d was refused", seed, seq)
			}
		}
		if s.Arrived(sent, 100, 1) {
			t.Fatal("a packet that was never sent was counted")
		}
		got := s.Stats()
		got.Delay = Delay{}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Delay{})); diff != "" {
			t.Fatalf("seed %d: (-want +got):\n%s", seed, diff)
		}
	}
}

func TestDelayAgainstSort(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var (
		d   Delay
		all []time.Duration
		sum time.Duration
	)
	if d.Mean() != 0 || d.Quantile(0.5) != 0 {
		t.Error("an empty summary is not zero")
	}
	for range 10000 {
		x := time.Duration(math.Exp(r.Float64() * 20))
		d.add(int64(x))
		all, sum = append(all, x), sum+x
	}
	slices.Sort(all)
	if d.Min != all[0] || d.Max != all[len(all)-1] || d.Mean() != sum/time.Duration(len(all)) {
		t.Errorf("min %v max %v mean %v, want %v %v %v", d.Min, d.Max, d.Mean(), all[0], all[len(all)-1], sum/time.Duration(len(all)))
	}
	for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 0.999, 1} {
		want := all[max(0, int(q*float64(len(all))+0.5)-1)]
		if got := d.Quantile(q); got < want || float64(got) > float64(want)*(1+1.0/16)+1 {
			t.Errorf("quantile %v is %v, want %v…+1/16", q, got, want)
		}
	}
	for i := 1; i < octaves<<subBits; i++ {
		if b := bucket(ceiling(i)); b != i {
			t.Fatalf("bucket %d ends at %d, which falls into %d", i, ceiling(i), b)
		}
		if b := bucket(ceiling(i-1) + 1); b != i {
			t.Fatalf("bucket %d begins at %d, which falls into %d", i, ceiling(i-1)+1, b)
		}
	}
}

func demo(t *testing.T) topology.Fabric {
	t.Helper()
	f, err := topology.LeafSpine(topology.DefaultLeafSpine())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestMix(t *testing.T) {
	fab := demo(t)
	hosts := map[string]topology.Host{}
	for _, h := range fab.Hosts {
		hosts[h.Name] = h
	}
	leaf := leaves(&fab)
	for seed := range uint64(10) {
		m := Mix{Seed: seed, PPS: 5000, Stop: 10 * time.Second}
		flows, err := m.Make(&fab)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := m.Make(&fab)
		if diff := cmp.Diff(flows, again); diff != "" {
			t.Fatalf("seed %d: the same seed mixes otherwise:\n%s", seed, diff)
		}
		if len(flows) != 4*len(fab.Hosts) {
			t.Errorf("seed %d: %d flows, want %d", seed, len(flows), 4*len(fab.Hosts))
		}
		vnets, leafPairs, total := map[string]int{}, map[[2]string]bool{}, 0.0
		for _, f := range flows {
			from, to := hosts[f.From], hosts[f.To]
			a, b := leaf[from.At.Node], leaf[to.At.Node]
			if from.VNET != to.VNET || a == b {
				t.Errorf("seed %d: flow %s runs from %s on %s to %s on %s", seed, f.Name, from.VNET, a, to.VNET, b)
			}
			vnets[from.VNET]++
			leafPairs[[2]string{a, b}] = true
			total += f.Arrivals.MeanPPS()
		}
		if len(vnets) != len(fab.VNETs) || len(leafPairs) != 12 {
			t.Errorf("seed %d: %d VNETs, %d ordered pairs of leaves; want %d, 12", seed, len(vnets), len(leafPairs), len(fab.VNETs))
		}
		if math.Abs(total/5000-1) > 1e-9 {
			t.Errorf("seed %d: %v packets/s, want 5000", seed, total)
		}
	}
}

// Flows that policy denies are not mixed in; nothing but denial is an error.
func TestMixKeepsToPolicy(t *testing.T) {
	fab := demo(t)
	for i := range fab.VNETs {
		fab.VNETs[i].ACL = []topology.ACLRule{{ID: 1, Priority: 1, Deny: true, Proto: frame.TCP}, {ID: 2, Priority: 2, Proto: frame.TCP, DstPort: 443}}
	}
	flows, err := Mix{PPS: 1000, Flows: 300}.Make(&fab)
	if err != nil {
		t.Fatal(err)
	}
	udp, web := 0, 0
	for _, f := range flows {
		switch {
		case f.Proto == frame.UDP:
			udp++
		case f.DstPort == 443:
			web++
		default:
			t.Errorf("flow %s is denied", f.Name)
		}
	}
	if len(flows) != 300 || udp == 0 || web == 0 {
		t.Errorf("%d flows, %d UDP, %d web", len(flows), udp, web)
	}
	for i := range fab.VNETs {
		fab.VNETs[i].ACL = []topology.ACLRule{{ID: 1, Priority: 1, Deny: true}}
	}
	if _, err := (Mix{PPS: 1000}).Make(&fab); err == nil {
		t.Error("a mix was made though everything is denied")
	}
	fab.VNETs = nil
	if _, err := (Mix{PPS: 1000}).Make(&fab); err == nil {
		t.Error("a mix was made without VNETs")
	}
}

func BenchmarkSourceSink(b *testing.B) {
	f := Flow{Proto: frame.UDP, Sizes: IMIX(), Arrivals: Arrivals{Kind: Poisson, PPS: 1000}}
	s := NewSource(&f, 1, 1)
	var k Sink
	b.ReportAllocs()
	for n := uint64(0); b.Loop(); n++ {
		_, length, _ := s.Next()
		k.Sent(length)
		k.Arrived(n, length, 1000)
	}
}
