package queue

import (
	"context"
	"flag"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
	"github.com/telltale-net/telltale/analyzers/queue/records"
	"github.com/telltale-net/telltale/bmv2/lab/chain"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	minute = flag.Int("queue.minute", 2, "seconds of traffic that BenchmarkMinute streams; 60 = the minute")
	tail   = flag.Float64("queue.tail", 0.9995, "percentile above which BenchmarkMinute's packets are victims")
)

// looped is one simulated second of 1.6 million packets a second over the 16 nodes with
// natural noise, as records in the order of time, ready to be repeated.
type looped struct {
	net     *records.Network
	flows   []records.Flow
	all     []records.Record
	packets uint64
	span    int64
}

func newLooped(tb testing.TB, rate float64, length time.Duration) *looped {
	c := chain.Paper()
	c.Rate, c.Duration, c.Noise = rate, length, chain.Noisy()
	run, err := chain.Simulate(c)
	if err != nil {
		tb.Fatal(err)
	}
	data := dataSet(tb, run, run.Logs, "")
	l := &looped{net: data.Network, flows: data.Flows, packets: uint64(len(run.Flow)), span: int64(length) + 20e6}
	l.all = make([]records.Record, 0, data.Records())
	for q := range data.Queues {
		for i := range data.Queues[q].Len() {
			l.all = append(l.all, data.Record(q, i))
		}
	}
	slices.SortStableFunc(l.all, func(a, b records.Record) int {
		switch x, y := a.At(), b.At(); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	return l
}

// feed streams the records so many times over.
func (l *looped) feed(times int, add func([]records.Record) error) error {
	batch := make([]records.Record, 0, 4096)
	for k := range times {
		shift, first := int64(k)*l.span, uint64(k)*l.packets
		for i := range l.all {
			r := l.all[i]
			r.Packet += first
			for _, t := range [...]*int64{&r.Arrive, &r.Start, &r.Depart} {
				if *t != records.Absent {
					*t += shift
				}
			}
			if batch = append(batch, r); len(batch) == cap(batch) {
				if err := add(batch); err != nil {
					return err
				}
				batch = batch[:0]
			}
		}
	}
	return add(batch)
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkMinute streams 1.6 million packets a second over 16 nodes and diagnoses the
// victims on two threads: at the 99.95th percentile some 80,000 a minute (packet and
// node), at the 99.9th twice as many. Figures are per streamed second.
func BenchmarkMinute(b *testing.B) {
	l := newLooped(b, 1.6e6, time.Second)
	runtime.GC()
	for b.Loop() {
		victims, begin, wall := 0, cpuTime(), time.Now()
		var peak uint64
		s := NewStream(l.net, func() []records.Flow { return l.flows }, StreamConfig{Workers: 2, Quantile: *tail}, func(_ *records.Trace, d []diagnosis.Diagnosis) error {
			victims += len(d)
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.Sys-m.HeapReleased)
			return nil
		})
		ctx := context.Background()
		if err := l.feed(*minute, func(batch []records.Record) error { return s.Add(ctx, batch) }); err != nil {
			b.Fatal(err)
		}
		if err := s.Close(ctx); err != nil {
			b.Fatal(err)
		}
		n := float64(*minute)
		b.ReportMetric(float64(victims)/n, "victims/s")
		b.ReportMetric(float64(len(l.all)), "records/s")
		b.ReportMetric((cpuTime()-begin).Seconds()/n, "cpu-s/s")
		b.ReportMetric(time.Since(wall).Seconds()/n, "wall-s/s")
		b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
	}
}
