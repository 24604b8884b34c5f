package tm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// slow is the specification: every queue a slice, every question a scan.
type slow struct {
	ports      map[uint16]*slowPort
	priorities int
	clock      int64
}

type slowPort struct {
	rate   Rate
	queues [][]slowPacket
	last   []int64 // departure of each queue, -1 = none yet
	free   int64
	floor  int64
}

type slowPacket struct {
	id, bytes int
	at        int64
}

func (s *slow) port(n uint16) *slowPort {
	p := s.ports[n]
	if p == nil {
		p = &slowPort{queues: make([][]slowPacket, s.priorities), last: make([]int64, s.priorities)}
		for i := range p.last {
			p.last[i] = -1
		}
		s.ports[n] = p
	}
	return p
}

// next returns what leaves first.
func (s *slow) next() (at int64, port uint16, priority int, ok bool) {
	at = math.MaxInt64
	for n := 0; n < 500; n += 100 { // the test uses no others
		p := s.ports[uint16(n)]
		if p == nil || p.rate.Paused {
			continue
		}
		ready := func(i int) int64 {
			t := p.queues[i][0].at + p.rate.Latency
			if pps := p.rate.PacketsPerSecond; pps > 0 && p.last[i] >= 0 {
				t = max(t, p.last[i]+(1e9+pps-1)/pps)
			}
			return max(t, p.free, p.floor)
		}
		soonest := int64(math.MaxInt64)
		for i := range p.queues {
			if len(p.queues[i]) > 0 {
				soonest = min(soonest, ready(i))
			}
		}
		if soonest >= at {
			continue
		}
		for i := range p.queues {
			if len(p.queues[i]) > 0 && ready(i) == soonest {
				at, port, priority, ok = soonest, uint16(n), i, true // the last one is the highest
			}
		}
	}
	return at, port, priority, ok
}

func TestAgainstSlow(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		priorities, depth := 1+r.IntN(8), 1+r.IntN(20)
		m := New[int](priorities, depth)
		s := &slow{ports: map[uint16]*slowPort{}, priorities: priorities}
		now, id := int64(0), 0
		dropped := uint64(0)
		step := func() string { return fmt.Sprintf("seed %d, packet %d, time %d", seed, id, now) }
		for range 3000 {
			port := uint16(r.IntN(5) * 100)
			p := s.port(port)
			switch r.IntN(12) {
			case 0:
				rate := Rate{
					BitsPerSecond:    []int64{0, 1e6, 1e9, 1 + r.Int64N(1e10)}[r.IntN(4)],
					PacketsPerSecond: []int64{0, 0, 1e6, 1 + r.Int64N(1e7)}[r.IntN(4)],
					Depth:            r.IntN(10),
					Paused:           r.IntN(6) == 0,
					Latency:          r.Int64N(2000) * r.Int64N(2),
				}
				m.SetRate(port, rate)
				p.rate, p.floor = rate, s.clock
			case 1, 2, 3, 4, 5, 6:
				now += r.Int64N(3000) * r.Int64N(2)
				s.clock = now
				priority, bytes := r.IntN(priorities), r.IntN(1500)
				capacity := depth
				if p.rate.Depth > 0 {
					capacity = p.rate.Depth
				}
				q := &p.queues[priority]
				id++
				got, ok := m.Enqueue(now, port, priority, bytes, id)
				if want := len(*q); got != want || ok != (want < capacity) {
					t.Fatalf("%s: enqueue: got depth %d, %v; want %d of %d", step(), got, ok, want, capacity)
				}
				if !ok {
					dropped++
					continue
				}
				*q = append(*q, slowPacket{id, bytes, now})
			default:
				now += r.Int64N(2000) * r.Int64N(2)
				s.clock = now
				at, n, priority, ok := s.next()
				if got, any := m.Next(); any != ok || any && got != at {
					t.Fatalf("%s: next: got %d, %v; want %d, %v", step(), got, any, at, ok)
				}
				got, due := m.Dequeue(now)
				if due != (ok && at <= now) {
					t.Fatalf("%s: dequeue: got %v; want %v, %d", step(), due, ok, at)
				}
				if !due {
					continue
				}
				p := s.ports[n]
				head := p.queues[priority][0]
				p.queues[priority] = p.queues[priority][1:]
				p.last[priority] = at
				p.free = at
				if bps := p.rate.BitsPerSecond; bps > 0 {
					p.free = at + int64(math.Ceil(float64(head.bytes)*8e9/float64(bps)))
				}
				want := Packet[int]{
					Item: head.id, Port: n, Priority: priority, Bytes: head.bytes, EnqueuedAt: head.at,
					EnqDepth: got.EnqDepth, At: at, DeqDepth: len(p.queues[priority]), Done: got.Done,
				}
				if got != want || got.Done < p.free-1 || got.Done > p.free+1 { // the float rounds
					t.Fatalf("%s: dequeue: got %+v; want %+v, done %d", step(), got, want, p.free)
				}
				p.free = got.Done
			}
		}
		left := 0
		for n, p := range s.ports {
			for i, q := range p.queues {
				left += len(q)
				if got := m.Depth(n, i); got != len(q) {
					t.Errorf("%s: port %d queue %d: got depth %d; want %d", step(), n, i, got, len(q))
				}
			}
		}
		st := m.Stats()
		if st.Enqueued != st.Dequeued+uint64(left) || st.Enqueued+st.TailDrops != uint64(id) || st.TailDrops != dropped {
			t.Errorf("%s: packets are not conserved: %+v, %d left, %d dropped", step(), st, left, dropped)
		}
	}
}

// TestRateIsNeverExceeded floods ports and looks at any window of departures.
func TestRateIsNeverExceeded(t *testing.T) {
	f := func(rate Rate, queues, bytes int) {
		t.Helper()
		m := New[int](queues, 1000)
		m.SetRate(3, rate)
		for i := range 1000 {
			m.Enqueue(0, 3, i%queues, bytes, i)
		}
		var all []Packet[int]
		for {
			at, ok := m.Next()
			if !ok {
				break
			}
			p, _ := m.Dequeue(at)
			all = append(all, p)
		}
		if len(all) != 1000 {
			t.Fatalf("got %d packets; want 1000", len(all))
		}
		for i := 1; i < len(all); i++ {
			if all[i].At < all[i-1].Done {
				t.Fatalf("%+v: packet %d leaves at %d, before %d is done at %d", rate, i, all[i].At, i-1, all[i-1].Done)
			}
		}
		span := float64(all[999].At-all[0].At) / 1e9
		if bps := rate.BitsPerSecond; bps > 0 {
			if got := float64(999*8*bytes) / span; got > float64(bps) || got < 0.99*float64(bps) && rate.PacketsPerSecond == 0 {
				t.Errorf("%+v: got %.0f bit/s", rate, got)
			}
		}
		if pps := rate.PacketsPerSecond; pps > 0 {
			got := (1000/float64(queues) - 1) / span
			if got > float64(pps) || got < 0.99*float64(pps) && rate.BitsPerSecond == 0 {
				t.Errorf("%+v: got %.0f packets/s and queue", rate, got)
			}
		}
	}
	f(Rate{BitsPerSecond: 1e9}, 1, 1500)
	f(Rate{BitsPerSecond: 3e9 + 1}, 8, 64)
	f(Rate{PacketsPerSecond: 1000}, 1, 1500)
	f(Rate{PacketsPerSecond: 300_007}, 4, 1500)
	f(Rate{BitsPerSecond: 1e8, PacketsPerSecond: 5000}, 2, 700)
}

func TestStrictPriority(t *testing.T) {
	m := New[string](3, 0)
	m.SetRate(1, Rate{BitsPerSecond: 8e9}) // a byte per ns
	m.Enqueue(0, 1, 0, 100, "first, low")
	m.Enqueue(1, 1, 0, 100, "low")
	m.Enqueue(2, 1, 2, 100, "high")
	m.Enqueue(3, 1, 1, 100, "middle")
	m.Enqueue(4, 1, 2, 100, "high too")
	m.Enqueue(3, 0, 0, 1, "another port")
	want := []string{"0 first, low", "3 another port", "100 high", "200 high too", "300 middle", "400 low"}
	for _, w := range want {
		p, ok := m.Dequeue(1000)
		if got := fmt.Sprintf("%d %s", p.At, p.Item); !ok || got != w {
			t.Errorf("got %q; want %q", got, w)
		}
	}
}

// TestLateCaller: departures do not depend on when Dequeue is called.
func TestLateCaller(t *testing.T) {
	m := New[int](1, 0)
	m.SetRate(1, Rate{PacketsPerSecond: 1000})
	for i := range 3 {
		m.Enqueue(0, 1, 0, 10, i)
	}
	for i := range 3 {
		if p, ok := m.Dequeue(5e9); !ok || p.At != int64(i)*1e6 {
			t.Errorf("packet %d: got %+v; want it to leave at %d", i, p, int64(i)*1e6)
		}
	}
}

// TestFasterRate: a port that becomes fast does not send in the past.
func TestFasterRate(t *testing.T) {
	m := New[int](1, 0)
	m.SetRate(1, Rate{PacketsPerSecond: 1})
	m.Enqueue(0, 1, 0, 10, 1)
	m.Enqueue(0, 1, 0, 10, 2)
	m.Dequeue(5)
	m.SetRate(1, Rate{})
	if p, ok := m.Dequeue(9); !ok || p.At != 5 {
		t.Errorf("got %+v, %v; want a departure at 5", p, ok)
	}
}

func TestSent(t *testing.T) {
	m := New[int](1, 0)
	m.SetRate(1, Rate{BitsPerSecond: 8e9})
	for i := range 3 {
		m.Enqueue(0, 1, 0, 100, i)
	}
	p, _ := m.Dequeue(0)
	if done := m.Sent(1, p.At, 150); done != 150 {
		t.Errorf("got done %d for a packet that grew; want 150", done)
	}
	if at, _ := m.Next(); at != 150 {
		t.Errorf("got next %d; want 150", at)
	}
	p, _ = m.Dequeue(200)
	if done := m.Sent(1, p.At, 0); done != 150 {
		t.Errorf("got done %d for a packet that was dropped; want 150", done)
	}
	if at, _ := m.Next(); at != 150 {
		t.Errorf("got next %d; want 150", at)
	}
}

func TestQueueSettings(t *testing.T) {
	m := New[int](2, 4)
	if err := m.SetQueue(7, 1, 1, 10); err != nil {
		t.Fatal(err)
	}
	if err := m.SetQueue(7, 2, 1, 10); err == nil || !strings.Contains(err.Error(), "queue 2 of port 7") {
		t.Errorf("got error %v; want one that names the queue", err)
	}
	for i := range 6 {
		m.Enqueue(0, 7, i%2, 1, i)
	}
	if m.Depth(7, 0) != 3 || m.Depth(7, 1) != 1 || m.TailDrops(7, 1) != 2 || m.TailDrops(7, 0) != 0 {
		t.Errorf("got depths %d and %d, drops %d and %d; want 3, 1, 0, 2", m.Depth(7, 0), m.Depth(7, 1), m.TailDrops(7, 0), m.TailDrops(7, 1))
	}
	if _, ok := m.Enqueue(0, 7, 2, 1, 0); ok || m.Stats().BadPriority != 1 {
		t.Errorf("a priority that does not exist was taken or not counted")
	}
	if m.Depth(9, 0) != 0 || m.TailDrops(9, 5) != 0 {
		t.Errorf("queues nobody used are not empty")
	}
}

func TestEnormousTimes(t *testing.T) {
	m := New[int](1, 0)
	m.SetRate(1, Rate{BitsPerSecond: 1})
	m.Enqueue(0, 1, 0, math.MaxInt, 1)
	m.Enqueue(0, 1, 0, 1, 2)
	if p, ok := m.Dequeue(0); !ok || p.Done != math.MaxInt64 {
		t.Errorf("got %+v; want a packet that is never done", p)
	}
	if _, ok := m.Dequeue(math.MaxInt64 - 1); ok {
		t.Errorf("a packet left behind one that is never done")
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	m := New[[4]int](8, 0)
	work := func() {
		for port := range uint16(32) {
			for i := range 16 {
				m.Enqueue(0, port, i%8, 100, [4]int{})
			}
		}
		for {
			if _, ok := m.Dequeue(math.MaxInt64); !ok {
				break
			}
		}
	}
	work()
	if n := testing.AllocsPerRun(10, work); n != 0 {
		t.Errorf("got %v allocations; want 0", n)
	}
}

func BenchmarkEnqueueDequeue(b *testing.B) {
	f := func(ports, priorities int) {
		b.Run(fmt.Sprintf("%dports-%dqueues", ports, priorities), func(b *testing.B) {
			m := New[uint64](priorities, 64)
			for port := range ports {
				m.SetRate(uint16(port), Rate{BitsPerSecond: 1e9})
			}
			now, i := int64(0), 0
			for range 8 * ports { // queues are not empty
				m.Enqueue(now, uint16(i%ports), i%priorities, 1000, 0)
				i++
			}
			b.ReportAllocs()
			for b.Loop() {
				now, _ = m.Next()
				p, _ := m.Dequeue(now)
				m.Enqueue(now, p.Port, i%priorities, 1000, p.Item)
				i++
			}
		})
	}
	f(1, 1)
	f(32, 1)
	f(512, 8)
}
