package aggregate

import (
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/telltale-net/telltale/collector/postcard"
)

// slowBucket looks through all bounds.
func slowBucket(ns uint32) int {
	for i, b := range Bounds {
		if ns <= b {
			return i
		}
	}
	return len(Bounds)
}

func TestBucket(t *testing.T) {
	check := func(ns uint32) {
		if got, want := Bucket(ns), slowBucket(ns); got != want {
			t.Fatalf("%d ns: got bucket %d, want %d", ns, got, want)
		}
	}
	for n := range 33 {
		for d := -2; d <= 2; d++ {
			check(uint32(1<<n + d))
		}
	}
	for _, b := range Bounds {
		check(b - 1)
		check(b)
		check(b + 1)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 100_000 {
		check(rng.Uint32() >> rng.IntN(32))
	}
}

func random(rng *rand.Rand, n int) []postcard.Record {
	batch := make([]postcard.Record, n)
	for i := range batch {
		r := &batch[i]
		r.Has = postcard.Fields(rng.Uint32())
		r.Node, r.OutPort, r.Queue = postcard.NodeID(rng.IntN(3)), uint32(rng.IntN(3)), uint8(rng.IntN(2))
		r.VNI = uint32(rng.IntN(3))
		r.Latency, r.QueueDepth, r.Length = rng.Uint32()>>rng.IntN(32), uint32(rng.IntN(50)), uint16(rng.IntN(1500))
		if rng.IntN(4) == 0 {
			r.Flags |= postcard.Dropped
			r.DropReason = uint8(rng.IntN(256))
		}
		if rng.IntN(4) == 0 {
			r.Flags |= postcard.Congested
		}
	}
	return batch
}

// The sums agree with those made by going through all records once for each.
func TestSums(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	a := New(Limits{Queues: 18, Tenants: 3})
	var all []postcard.Record
	for range 50 {
		b := random(rng, rng.IntN(40))
		a.Observe(b)
		all = append(all, b...)
	}
	queues, total := 0, uint64(0)
	for k, q := range a.Queues() {
		queues++
		total += q.Packets
		var want Queue
		reasons := map[uint8]uint64{}
		for i := range all {
			r := &all[i]
			if (Key{r.Node, r.OutPort, r.Queue}) != k {
				continue
			}
			want.Packets++
			if r.Lost() {
				want.Dropped++
				if r.Has&postcard.HasDropReason != 0 {
					reasons[r.DropReason]++
				} else {
					want.Reasons.None++
				}
			}
			if r.Flags&postcard.Congested != 0 {
				want.Congested++
			}
			if r.Has&postcard.HasLength != 0 {
				want.Bytes += uint64(r.Length)
			}
			if r.Has&postcard.HasLatency != 0 {
				if want.Latency.Count == 0 {
					want.Latency.Min = r.Latency
				}
				want.Latency.Min, want.Latency.Max = min(want.Latency.Min, r.Latency), max(want.Latency.Max, r.Latency)
				want.Latency.Count++
				want.Latency.Sum += uint64(r.Latency)
				want.Latency.Buckets[slowBucket(r.Latency)]++
			}
			if r.Has&postcard.HasQueue != 0 {
				want.Depths++
				want.DepthSum += uint64(r.QueueDepth)
				want.DepthMax = max(want.DepthMax, r.QueueDepth)
			}
		}
		want.peaks[0] = want.DepthMax
		if diff := cmp.Diff(maps.Collect(q.Reasons.All()), reasons); diff != "" {
			t.Errorf("%+v: reasons (-got +want):\n%s", k, diff)
		}
		got := *q
		got.Reasons.counts = nil
		if got != want {
			t.Errorf("%+v: got %+v, want %+v", k, got, want)
		}
	}
	if queues != 18 || total != a.Records() || int(total) != len(all) || a.Overflow() != (Overflow{}) {
		t.Errorf("got %d queues with %d packets of %d, overflow %+v", queues, total, len(all), a.Overflow())
	}
	for vni, n := range a.Tenants() {
		var want Tenant
		for i := range all {
			r := &all[i]
			if r.Has&postcard.HasVNI == 0 || r.VNI != vni {
				continue
			}
			want.Records++
			if r.Has&postcard.HasLength != 0 {
				want.Bytes += uint64(r.Length)
			}
			if r.Lost() {
				want.Dropped++
				if r.Has&postcard.HasDropReason == 0 {
					want.Reasons.None++
				}
			}
		}
		sum := n.Reasons.None
		for _, c := range n.Reasons.All() {
			sum += c
		}
		got := *n
		got.Reasons.counts = nil
		if got != want || sum != n.Dropped {
			t.Errorf("VNI %d: got %+v with %d drops by reason, want %+v", vni, got, sum, want)
		}
	}
}

func TestLimits(t *testing.T) {
	a := New(Limits{Queues: 1, Tenants: 1})
	a.Observe([]postcard.Record{
		{Node: 1, VNI: 1, Has: postcard.HasVNI}, {Node: 2, VNI: 2, Has: postcard.HasVNI}, {Node: 2}, {Node: 1, VNI: 1, Has: postcard.HasVNI},
	})
	if got, want := a.Overflow(), (Overflow{Queues: 2, Tenants: 1}); got != want {
		t.Errorf("overflow: got %+v, want %+v", got, want)
	}
	for k, q := range a.Queues() {
		if k.Node != 1 || q.Packets != 2 {
			t.Errorf("got %+v with %d packets, want node 1 with 2", k, q.Packets)
		}
	}
}

func TestClone(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	a := New(Limits{Queues: 5, Tenants: 2})
	a.Observe(random(rng, 100))
	b := a.Clone()
	look := func(t *Table) (all []any) {
		for k, q := range t.Queues() {
			copied := *q
			copied.Reasons.counts = nil
			all = append(all, k, copied, maps.Collect(q.Reasons.All()))
		}
		for vni, n := range t.Tenants() {
			all = append(all, vni, n.Records, n.Bytes, n.Dropped, n.Reasons.None, maps.Collect(n.Reasons.All()))
		}
		return append(all, t.Overflow(), t.Records())
	}
	same := cmp.AllowUnexported(Queue{}, Reasons{})
	before := look(a)
	if diff := cmp.Diff(look(b), before, same); diff != "" {
		t.Errorf("(-clone +table)\n%s", diff)
	}
	b.Observe(random(rng, 100))
	b.Turn()
	if diff := cmp.Diff(look(a), before, same); diff != "" {
		t.Errorf("the table changed with its clone\n%s", diff)
	}
}

func BenchmarkClone(b *testing.B) {
	a := New(DefaultLimits())
	for i := range 4096 {
		a.Observe([]postcard.Record{{OutPort: uint32(i), VNI: uint32(i), Has: postcard.HasVNI, Flags: postcard.Dropped}})
	}
	b.ReportAllocs()
	for b.Loop() {
		a.Clone()
	}
}

func TestPeak(t *testing.T) {
	a := New(DefaultLimits())
	check := func(peak uint32) {
		t.Helper()
		for _, q := range a.Queues() {
			if q.Peak() != peak || q.DepthMax != 9 {
				t.Errorf("got peak %d and maximum %d, want %d and 9", q.Peak(), q.DepthMax, peak)
			}
		}
	}
	depth := func(n uint32) {
		a.Observe([]postcard.Record{{Node: 1, Has: postcard.HasQueue, QueueDepth: n}})
	}
	depth(9)
	check(9)
	a.Turn()
	depth(4)
	check(9)
	a.Turn()
	check(4)
	a.Turn()
	check(0)
}

func fabric() []postcard.Record {
	b := make([]postcard.Record, 1024)
	for i := range b {
		b[i] = postcard.Record{
			Node: postcard.NodeID(i % 16), OutPort: uint32(i / 16 % 8), Queue: uint8(i / 128), VNI: uint32(i % 7),
			Has: postcard.HasLatency | postcard.HasQueue | postcard.HasLength | postcard.HasVNI, Latency: uint32(i) * 997, Length: 100,
		}
	}
	return b
}

func TestObserveAllocations(t *testing.T) {
	a, b := New(DefaultLimits()), fabric()
	a.Observe(b)
	if got := testing.AllocsPerRun(10, func() { a.Observe(b) }); got != 0 {
		t.Errorf("got %g allocations in 1024 records of known queues, want none", got)
	}
}

// BenchmarkObserve sums up records of which no two in a row are of one queue.
func BenchmarkObserve(b *testing.B) {
	a, records := New(DefaultLimits()), fabric()
	b.ReportAllocs()
	for b.Loop() {
		a.Observe(records)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(records)), "ns/record")
}
