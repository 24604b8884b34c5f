package sequence

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var (
	limits = Limits{Streams: 4, Bucket: 10, Buckets: 8}
	here   = netip.MustParseAddr("192.0.2.1")
)

// slowAccounts is what Accounts should be, by lists and without thought of speed:
// every datagram is kept.
type slowAccounts struct {
	order   []Key // the least recently heard first
	events  map[Key][]event
	evicted int
}

type event struct {
	at, lost int64
	kind     Kind
}

func (s *slowAccounts) observe(at int64, key Key, seq uint32, streams map[Key]*Stream) {
	known := false
	for i, k := range s.order {
		if k == key {
			s.order = append(s.order[:i:i], s.order[i+1:]...)
			known = true
			break
		}
	}
	if !known {
		if len(s.order) == limits.Streams {
			delete(s.events, s.order[0])
			delete(streams, s.order[0])
			s.order = s.order[1:]
			s.evicted++
		}
		stream := NewStream(key.bits())
		streams[key] = &stream
	}
	s.order = append(s.order, key)
	kind, lost := streams[key].Observe(seq)
	s.events[key] = append(s.events[key], event{at, lost, kind})
}

func TestAccountsAgainstOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := NewAccounts(limits)
		slow := &slowAccounts{events: map[Key][]event{}}
		streams := map[Key]*Stream{}
		now := int64(-30)
		for range rapid.IntRange(0, 120).Draw(t, "datagrams") {
			now += rapid.Int64Range(0, 6).Draw(t, "pause")
			key := Key{Source: here, Node: rapid.Uint32Range(1, 3).Draw(t, "node"), HwID: rapid.Uint8Range(0, 1).Draw(t, "hw_id"), Version: 2}
			seq := rapid.Uint32Range(0, 30).Draw(t, "sequence")
			a.Observe(now, key, seq)
			slow.observe(now, key, seq, streams)
		}
		var got, want []Key
		for _, s := range a.Sources(nil) {
			got = append(got, s.Key)
			var totals Totals
			for _, e := range slow.events[s.Key] {
				totals.Datagrams++
				totals.Lost += e.lost
				totals.Kinds[e.kind]++
			}
			if s.Totals != totals {
				t.Fatalf("%v: got %+v, want %+v", s.Key, s.Totals, totals)
			}
		}
		for i := range slow.order {
			want = append(want, slow.order[len(slow.order)-1-i])
		}
		if diff := cmp.Diff(got, want, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Fatalf("streams, newest first (-got, +want):\n%s", diff)
		}
		if n, _ := a.Evicted(); int(n) != slow.evicted {
			t.Fatalf("got %d evicted, want %d", n, slow.evicted)
		}
		from := rapid.Int64Range(-40, now).Draw(t, "from")
		to := rapid.Int64Range(from, now+20).Draw(t, "to")
		for node := range uint32(5) {
			l := a.Loss(node, from, to)
			var w Loss
			for key, events := range slow.events {
				if key.Node != node {
					continue
				}
				w.Streams++
				newest := floorDiv(events[len(events)-1].at, limits.Bucket)
				var lost int64
				for _, e := range events {
					b := floorDiv(e.at, limits.Bucket)
					if b < floorDiv(from, limits.Bucket) || b > floorDiv(to, limits.Bucket) {
						continue
					}
					if kept := b > newest-int64(limits.Buckets); !kept {
						// A ring may still hold it where nothing came to overwrite it.
						if !l.Partial {
							t.Fatalf("node %d: history is gone and the loss is not partial", node)
						}
						w.Partial = true
						continue
					}
					lost += e.lost
					if e.kind != Duplicate {
						w.Received++
					}
				}
				w.Lost += max(lost, 0)
			}
			if !w.Partial && (l.Received != w.Received || l.Lost != w.Lost) || l.Streams != w.Streams {
				t.Fatalf("node %d, %d to %d: got %+v, want %+v", node, from, to, l, w)
			}
		}
	})
}

func TestTheCallersCounts(t *testing.T) {
	a := NewAccounts(limits)
	key := Key{Source: here, Node: 1, Version: 2}
	_, totals := a.Observe(0, key, 1)
	totals.Reports += 15
	a.Shed(key, 3)
	for node := range uint32(4) {
		a.Observe(1, Key{Source: here, Node: 10 + node, Version: 2}, 1)
	}
	a.Shed(key, 2) // of a stream forgotten meanwhile
	n, retired := a.Evicted()
	if n != 1 || retired.Reports != 15 || retired.Shed != 5 || retired.Datagrams != 1 {
		t.Errorf("got %d evicted, %+v", n, retired)
	}
}

func TestOldVersionsCountTo32Bits(t *testing.T) {
	a := NewAccounts(limits)
	f := func(version uint8, seq uint32, want Kind) {
		t.Helper()
		if got, _ := a.Observe(0, Key{Source: here, Version: version}, seq); got != want {
			t.Errorf("version %d, number %d: got %v, want %v", version, seq, got, want)
		}
	}
	f(2, 1<<22-1, First)
	f(2, 0, Next)
	f(1, 1<<22-1, First)
	f(1, 1<<22, Next)
	f(0, 1<<32-1, First)
	f(0, 0, Next)
}

func TestFraction(t *testing.T) {
	f := func(l Loss, want float64) {
		t.Helper()
		if got := l.Fraction(); got != want {
			t.Errorf("%+v: got %v, want %v", l, got, want)
		}
	}
	f(Loss{}, 0)
	f(Loss{Received: 3, Lost: 1}, 0.25)
	f(Loss{Lost: 1}, 1)
}

func TestObserveAllocatesNothing(t *testing.T) {
	a := NewAccounts(Limits{Streams: 64, Bucket: 1000, Buckets: 8})
	var n uint32
	step := func() {
		n++
		a.Observe(int64(n), Key{Source: here, Node: n % 100, Version: 2}, n) // evicts all the time
	}
	for range 1000 {
		step()
	}
	if got := testing.AllocsPerRun(1000, step); got != 0 {
		t.Errorf("got %v allocations, want none", got)
	}
}

func BenchmarkObserve(b *testing.B) {
	a := NewAccounts(Limits{Streams: 1024, Bucket: 1e9, Buckets: 120})
	var n uint32
	b.ReportAllocs()
	for b.Loop() {
		n++
		a.Observe(int64(n), Key{Source: here, Node: n % 512, Version: 2}, n/512)
	}
}
