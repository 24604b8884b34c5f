package lab

import (
	"testing"
	"time"

	"github.com/telltale-net/telltale/bmv2/lab/traffic"
)

func TestNoAllocationPerEvent(t *testing.T) {
	l := fakes(t, Config{Fabric: small(t)})
	addMix(t, l, traffic.Mix{PPS: 20000})
	for i, always := range []bool{true, false} { // queues, pools and heaps reach their size
		l.plan.always = always
		runUntil(t, l, time.Duration(i+1)*time.Second)
	}
	at, before := 2*time.Second, l.Stats().Events
	n := testing.AllocsPerRun(20, func() {
		at += 10 * time.Millisecond
		runUntil(t, l, at)
	})
	events := float64(l.Stats().Events-before) / 21
	if n/events > 0.001 {
		t.Fatalf("%v allocations in %v events, want none in steady state", n, events)
	}
}

// delivered counts frames that reached the far end of any wire.
func delivered(s *Stats) (n uint64) {
	for _, w := range s.Links {
		n += w.Delivered
	}
	return n
}

// Events and frames (per wire) through 14 switches that do next to nothing: what the
// lab itself costs a worker.
func BenchmarkEvents(b *testing.B) {
	l := fakes(b, Config{Fabric: small(b), Workers: 1})
	addMix(b, l, traffic.Mix{PPS: 100000})
	runUntil(b, l, 100*time.Millisecond)
	b.ReportAllocs()
	before, at := l.Stats(), 100*time.Millisecond
	for b.Loop() {
		at += time.Millisecond
		runUntil(b, l, at)
	}
	after := l.Stats()
	b.ReportMetric(float64(after.Events-before.Events)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(delivered(&after)-delivered(&before))/b.Elapsed().Seconds(), "frames/s")
}
