package engine_test

import (
	"encoding/binary"
	"os"
	"regexp"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/spec"
)

// BenchmarkPacketBesideControl is how long one packet takes while another goroutine
// fills a table up to 100 000 entries, modifies and deletes them, over and over. It
// works in turns, so that half of the packets tell what the machine does by itself.
//
//	p50-ns … max-ns   of packets in the quiet half, and of those beside writes
//	over20us          packets beside writes that took more than 20 µs …
//	switched          … and during which the thread was taken off its core
//	waits, waited-ns  packets that found the control plane inside, and the longest of them as a whole
//	gc-max-ns         the longest stop of the world for the garbage collector
//	steps             what the other goroutine did: writes, batches, lists
func BenchmarkPacketBesideControl(b *testing.B) {
	be32 := func(v int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }
	hop := action("I.set_nexthop", []byte{10, 0, 0, 1}, []byte{0, 1})
	other := action("I.set_nexthop", []byte{10, 0, 0, 2}, []byte{0, 2})
	lpm := func(i int, t device.Target) device.Entry {
		return device.Entry{Matches: []device.Match{{Kind: device.LPM, Value: be32(0x14000000 + i<<8), PrefixLen: 24}}, Target: t}
	}
	exactly := func(i int, _ device.Target) device.Entry {
		return device.Entry{Matches: []device.Match{{Kind: device.Exact, Value: be32(0x14000000 + i)}}, Target: action("I.set_dmac", []byte{2, 0, 0, 0, 0, byte(i)})}
	}
	ternary := func(i int, _ device.Target) device.Entry {
		t := func(mask byte, v ...byte) device.Match {
			m := make([]byte, len(v))
			for i := range m {
				v[i] &= mask
				m[i] = mask
			}
			return device.Match{Kind: device.Ternary, Value: v, Mask: m}
		}
		return device.Entry{Priority: int32(1 + i%1000), Target: action("I.drop"), Matches: []device.Match{
			t(0xff, 99, byte(i>>16), byte(i>>8), byte(i)), t(byte(-(i % 2)), 1, 2, 3, 4), t(byte(-(i / 2 % 2)), 6), t(0, 0, 0), t(byte(-(i / 4 % 2)), 0, 22)}}
	}
	beside(b, "exact", writer("I.neighbours", hop, hop, exactly))
	beside(b, "lpm", writer("I.routes", hop, other, lpm))
	beside(b, "ternary", writer("I.acl", hop, hop, ternary))
	beside(b, "batches of 64", func(s *engine.Switch, i int) {
		if i < 0 {
			return
		}
		s.Atomically(func(d device.Device) bool {
			for j := range 64 {
				if n := i*64 + j; n/20_000%2 == 0 {
					_ = d.Insert("I.routes", lpm(n%20_000, hop))
				} else {
					_ = d.Delete("I.routes", lpm(n%20_000, hop))
				}
			}
			return true
		})
	})
	beside(b, "lists", func(s *engine.Switch, _ int) { _, _ = s.Entries("I.routes") })
	beside(b, "stats", func(s *engine.Switch, _ int) { s.Stats() })
}

// Writers move a table between these numbers of entries, across the one at which
// hash tables of a power of two double.
const fewest, most = 65_000, 100_000

// writer inserts until a table holds most entries, then deletes until it holds the
// fewest, and so on; every fourth step modifies an entry.
func writer(table string, first, second device.Target, entry func(int, device.Target) device.Entry) func(*engine.Switch, int) {
	return func(s *engine.Switch, i int) {
		if i < 0 { // before packets flow
			for n := range fewest {
				_ = s.Insert(table, entry(n, first))
			}
			return
		}
		walk, at := i-i/4, i%4
		n := walk % (most - fewest)
		switch {
		case at == 3:
			_ = s.Modify(table, entry(i%fewest, second))
		case walk/(most-fewest)%2 == 0:
			_ = s.Insert(table, entry(fewest+n, first))
		default:
			_ = s.Delete(table, entry(most-1-n, first))
		}
	}
}

// turnLength is how many packets a turn has.
const turnLength = 20_000

// beside measures packets while disturb is called, and while it is not.
func beside(b *testing.B, name string, disturb func(s *engine.Switch, i int)) {
	b.Run(name, func(b *testing.B) {
		s := roomyRouter(b)
		disturb(s, -1)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		var busy, stop atomic.Bool
		stopped := make(chan int)
		go func() {
			steps := 0
			for !stop.Load() {
				if busy.Load() {
					disturb(s, steps)
					steps++
				} else {
					time.Sleep(50 * time.Microsecond)
				}
			}
			stopped <- steps
		}()
		frame, now := vxlanFrame(0)[:98], engine.Time(0)
		out := func(engine.Tx) {}
		var took [2][]time.Duration
		var over, switched, waits int
		var waited time.Duration
		seen, runs := s.ControlWaits(), switches()
		paused := longestPause()
		for i := 0; b.Loop(); i++ {
			half := i / turnLength % 2
			if i%turnLength == 0 {
				busy.Store(half == 1)
			}
			now += 1000
			start := time.Now()
			s.Receive(now, 1, frame)
			s.Run(now, out)
			t := time.Since(start)
			took[half] = append(took[half], t)
			if w := s.ControlWaits(); w != seen {
				seen, waits, waited = w, waits+1, max(waited, t)
			}
			if t > 20*time.Microsecond || i%100 == 0 {
				r := switches()
				if t > 20*time.Microsecond && half == 1 {
					over++
					if r != runs {
						switched++
					}
				}
				runs = r
			}
		}
		stop.Store(true)
		b.ReportMetric(float64(<-stopped), "steps")
		for half, name := range []string{"quiet", "beside"} {
			t := took[half]
			if len(t) == 0 {
				continue
			}
			slices.Sort(t)
			b.ReportMetric(float64(t[len(t)/2]), name+"-p50-ns")
			b.ReportMetric(float64(t[len(t)*99/100]), name+"-p99-ns")
			b.ReportMetric(float64(t[len(t)*999/1000]), name+"-p99.9-ns")
			b.ReportMetric(float64(t[len(t)-1]), name+"-max-ns")
		}
		b.ReportMetric(float64(over), "over20us")
		b.ReportMetric(float64(switched), "switched")
		b.ReportMetric(float64(waits), "waits")
		b.ReportMetric(float64(waited), "waited-ns")
		b.ReportMetric(1e9*max(0, longestPause()-paused), "gc-max-ns")
		b.ReportMetric(0, "ns/op")
	})
}

// roomyRouter is the router with room for many entries in every table.
func roomyRouter(tb testing.TB) *engine.Switch {
	tb.Helper()
	text, err := os.ReadFile("testdata/router.json")
	if err != nil {
		tb.Fatal(err)
	}
	text = regexp.MustCompile(`("max_size" *: *)\d+`).ReplaceAll(text, []byte("${1}1000000"))
	loaded, err := spec.Load(text)
	if err != nil {
		tb.Fatal(err)
	}
	p, err := engine.Compile(loaded)
	if err != nil {
		tb.Fatal(err)
	}
	s := engine.New(p, engine.Config{})
	fillRouter(tb, s, 10_000, 500)
	return s
}

// switches counts how often the thread was taken off its core.
func switches() int64 {
	const thisThread = 1 // RUSAGE_THREAD
	var u syscall.Rusage
	if err := syscall.Getrusage(thisThread, &u); err != nil {
		panic(err)
	}
	return u.Nivcsw
}

// longestPause is the longest stop of the world for the garbage collector so far, as
// the upper end of its bucket, in seconds.
func longestPause() (most float64) {
	sample := []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}}
	metrics.Read(sample)
	h := sample[0].Value.Float64Histogram()
	for i, n := range h.Counts {
		if n > 0 {
			most = h.Buckets[i+1]
		}
	}
	return most
}
