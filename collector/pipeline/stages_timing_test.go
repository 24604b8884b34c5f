//go:build unix

package pipeline

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/telltale-net/telltale/collector"
	"github.com/telltale-net/telltale/collector/journal"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/report/send"
)

// BenchmarkStages measures what each stage of a report's way costs of the processors,
// one stage at a time, 15 reports to a datagram: the network (sender, kernel, reading,
// decoding, accounting, batches), paths at two million reports a second, and the log
// (filling, packing, publishing).
func BenchmarkStages(b *testing.B) {
	var all []postcard.Record
	b.Run("network", func(b *testing.B) {
		for b.Loop() {
			all = network(b, all[:0])
		}
	})
	if len(all) == 0 {
		return // another stage is asked for
	}
	for i := range all {
		all[i].Received = 1_800_000_000e9 + int64(i)*500
	}
	batches := func(f func([]postcard.Record)) {
		for at := 0; at < len(all); at += 1024 {
			f(all[at:min(at+1024, len(all))])
		}
	}
	b.Run("paths", func(b *testing.B) {
		cfg := DefaultConfig()
		p := newPaths(&cfg)
		before, n := cpu(b), 0
		for b.Loop() {
			batches(p.observe)
			n += len(all)
			for i := range all {
				all[i].Received += int64(len(all)) * 500
			}
		}
		b.ReportMetric(float64((cpu(b)-before).Nanoseconds())/float64(n), "cpu-ns/report")
	})
	b.Run("log", func(b *testing.B) {
		cfg := journal.DefaultConfig()
		cfg.Dir, cfg.Reserve = b.TempDir(), 0
		j, err := journal.Open(b.Context(), cfg)
		if err != nil {
			b.Fatal(err)
		}
		before, n := cpu(b), 0
		for b.Loop() {
			batches(func(batch []postcard.Record) {
				if err := j.Append(batch); err != nil {
					b.Fatal(err)
				}
			})
			if err := j.Flush(b.Context()); err != nil {
				b.Fatal(err)
			}
			n += len(all)
		}
		b.ReportMetric(float64((cpu(b)-before).Nanoseconds())/float64(n), "cpu-ns/report")
		if err := j.Close(context.Background()); err != nil {
			b.Fatal(err)
		}
	})
}

// network sends reports to a collector, and appends their records to all.
func network(b *testing.B, all []postcard.Record) []postcard.Record {
	cfg := collector.DefaultConfig()
	cfg.Listen = "127.0.0.1:0"
	ready := make(chan netip.AddrPort, 1)
	c, err := collector.New(cfg, collector.Deps{
		Sink:  func(batch []postcard.Record) { all = append(all, batch...) },
		Ready: func(a netip.AddrPort) { ready <- a },
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	to := <-ready
	before := cpu(b)
	sent := load(b, send.Config{To: to, Rate: *rate, Sources: 4, Coalesce: 15, Count: 300_000})
	for s := c.Snapshot(); s.Datagrams+s.Sockets[0].KernelDrops+s.Sockets[1].KernelDrops < sent.Datagrams; s = c.Snapshot() {
		time.Sleep(time.Millisecond)
	}
	spent := cpu(b) - before
	cancel()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(len(all)), "cpu-ns/report")
	return all
}
