package journal

import (
	"context"
	"flag"
	"testing"
	"time"

	"github.com/telltale-net/telltale/collector/block"
	"github.com/telltale-net/telltale/collector/block/blocktest"
	"github.com/telltale-net/telltale/collector/postcard"
)

var benchRecords = flag.Int("records", 10_000_000, "records in the log that BenchmarkColdQuery asks")

func benchJournal(b *testing.B, dir string) *Journal {
	cfg := DefaultConfig()
	cfg.Dir, cfg.Reserve = dir, 0
	j, err := Open(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	return j
}

func BenchmarkAppend(b *testing.B) {
	records := blocktest.Fabric(1, 1_800_000_000*second, 64*1024, 500)
	j := benchJournal(b, b.TempDir())
	b.ReportAllocs()
	for b.Loop() {
		if err := j.Append(records); err != nil {
			b.Fatal(err)
		}
		if err := j.Flush(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	s := j.Stats()
	b.ReportMetric(float64(s.Stored)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(s.Bytes)/float64(s.Stored), "bytes/record")
	if err := j.Close(context.Background()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkColdQuery opens a log of ten million records, twenty seconds of a fabric,
// and asks it one question: opening and asking is what is timed. The operating
// system's page cache is not emptied.
func BenchmarkColdQuery(b *testing.B) {
	dir := b.TempDir()
	start := int64(1_800_000_000) * second
	j := benchJournal(b, dir)
	const part = 500_000 // a second of traffic
	var some postcard.Record
	for i := 0; i < *benchRecords/part; i++ {
		records := blocktest.Fabric(uint64(i), start+int64(i)*second, part, 2000)
		if i == 7 {
			some = records[part/2]
		}
		if err := j.Append(records); err != nil {
			b.Fatal(err)
		}
	}
	if err := j.Close(context.Background()); err != nil {
		b.Fatal(err)
	}
	flow, node := []postcard.Flow{some.Inner}, []postcard.NodeID{some.Node}
	for _, c := range []struct {
		name string
		q    block.Query
	}{
		{"flow, node and a second", block.Query{Flows: flow, Nodes: node, From: some.Received - second/2, To: some.Received + second/2}},
		{"flow and node", block.Query{Flows: flow, Nodes: node}},
		{"node and a second", block.Query{Nodes: node, From: some.Received - second/2, To: some.Received + second/2}},
		{"drops", block.Query{Dropped: true}},
		{"all", block.Query{}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var stats ReadStats
			for b.Loop() {
				began := time.Now()
				j := benchJournal(b, dir)
				opened := time.Since(began)
				var err error
				if stats, err = j.Read(b.Context(), c.q, func([]postcard.Record) error { return nil }); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(opened.Seconds()*1000, "ms-to-open")
				b.StopTimer()
				if err := j.Close(context.Background()); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(stats.Wanted), "records")
			b.ReportMetric(float64(stats.Opened), "blocks-opened")
			b.ReportMetric(float64(stats.Blocks), "blocks")
		})
	}
}
