//go:build unix

package pipeline

import (
	"flag"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/telltale-net/telltale/collector/report/send"
)

// BenchmarkLoopback sends as fast as one goroutine can, to a collector in the same
// process with its log in a folder, and reports what became of the reports, each
// second of sending. Sender, kernel, receiver and log share the cores.
func BenchmarkLoopback(b *testing.B) {
	for _, coalesce := range []int{15, 1} {
		b.Run(fmt.Sprintf("coalesced%d", coalesce), func(b *testing.B) {
			cfg := configFor(b)
			cfg.Journal.BlockAge = time.Second
			r := start(b, cfg)
			var sent send.Result
			seconds, before := 0.0, cpu(b)
			for b.Loop() {
				res := load(b, send.Config{To: r.addr, Sources: 4, Coalesce: coalesce, Count: uint64(20_000 * coalesce)})
				sent.Datagrams += res.Datagrams
				sent.Reports += res.Reports
				seconds += res.Seconds
			}
			r.settled(b, sent.Datagrams)
			if err := r.stop(); err != nil {
				b.Fatal(err)
			}
			spent := cpu(b) - before
			s := r.Snapshot()
			n, _ := read(b, cfg.Journal.Dir)
			check(b, &s, &sent, n)
			per := func(n uint64) float64 { return float64(n) / seconds }
			b.ReportMetric(per(sent.Reports), "sent/s")
			b.ReportMetric(per(s.Reports), "decoded/s")
			b.ReportMetric(per(s.Stored), "stored/s")
			b.ReportMetric(per(s.ShedQueue+s.ShedLog), "shed/s")
			b.ReportMetric(100*float64(sent.Datagrams-s.Datagrams)/float64(sent.Datagrams), "%kernel")
			b.ReportMetric(float64(spent.Nanoseconds())/float64(sent.Reports), "cpu-ns/report")
			b.ReportMetric(float64(s.Log.Bytes)/float64(max(s.Stored, 1)), "B/record")
		})
	}
}

// BenchmarkPerReport sends at a rate at which nothing is shed, and reports what a report
// costs of the processors, from the sender to the log, the kernel's part and the sender
// included: two cores have two seconds a second.
func BenchmarkPerReport(b *testing.B) {
	cfg := configFor(b)
	cfg.Journal.BlockAge = time.Second
	r := start(b, cfg)
	var sent send.Result
	before := cpu(b)
	for b.Loop() {
		res := load(b, send.Config{To: r.addr, Rate: *rate, Sources: 4, Coalesce: 15, Count: 300_000})
		sent.Datagrams += res.Datagrams
		sent.Reports += res.Reports
	}
	r.settled(b, sent.Datagrams)
	if err := r.stop(); err != nil {
		b.Fatal(err)
	}
	spent := cpu(b) - before
	s := r.Snapshot()
	n, _ := read(b, cfg.Journal.Dir)
	check(b, &s, &sent, n)
	per := float64(spent.Nanoseconds()) / float64(s.Stored)
	b.ReportMetric(per, "cpu-ns/report")
	b.ReportMetric(2e9/per, "reports/s-on-2-cores")
	b.ReportMetric(100*float64(s.Stored)/float64(sent.Reports), "%stored")
}

var rate = flag.Float64("rate", 600_000, "reports per second that BenchmarkPerReport sends")

// cpu returns the time that the process has had of all cores, the kernel's part too.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
