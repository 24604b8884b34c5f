package collect

import (
	"fmt"
	"log/slog"
	"syscall"
	"testing"
	"time"

	"github.com/telltale-net/telltale/collector/gnmi/model"
	"github.com/telltale-net/telltale/collector/gnmi/tree"
	"github.com/telltale-net/telltale/collector/pipeline"
	"github.com/telltale-net/telltale/collector/postcard"
)

// every is records of so many queues, one of each.
func every(queues int) []postcard.Record {
	b := make([]postcard.Record, queues)
	for i := range b {
		b[i] = postcard.Record{
			Node: postcard.NodeID(1 + i/512), OutPort: uint32(1 + i/8%64), Queue: uint8(i % 8), VNI: uint32(i % 16),
			Has: postcard.HasLatency | postcard.HasQueue | postcard.HasLength | postcard.HasVNI, Latency: uint32(i), QueueDepth: 3, Length: 100,
		}
	}
	return b
}

func spent(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkSums is what gNMI and the other users of sums cost the network's goroutine,
// per record.
func BenchmarkSums(b *testing.B) {
	for _, queues := range []int{256, 4096} {
		b.Run(fmt.Sprint(queues), func(b *testing.B) {
			s, records := newSums(), every(queues)
			before := spent(b)
			b.ReportAllocs()
			for b.Loop() {
				s.observe(records)
			}
			b.ReportMetric(float64(spent(b)-before)/float64(b.N*len(records)), "cpu-ns/record")
		})
	}
}

// BenchmarkFill is what it costs to bring the tree up to date, which is done once in
// --gnmi-refresh: so many queues, all of which have changed.
func BenchmarkFill(b *testing.B) {
	for _, queues := range []int{256, 4096} {
		b.Run(fmt.Sprint(queues), func(b *testing.B) { fill(b, every(queues)) })
	}
}

func fill(b *testing.B, records []postcard.Record) {
	from := &source{Snapshot: func() pipeline.Snapshot { return pipeline.Snapshot{} }, Sums: newSums(), Log: slog.New(slog.DiscardHandler)}
	o := &gnmiOutput{target: "telltale", from: from, tree: tree.New(model.Schema(), tree.Limits{Leaves: 500_000, Subscribers: 10, Backlog: 1e9})}
	before := spent(b)
	b.ReportAllocs()
	for b.Loop() {
		from.Sums.observe(records)
		o.fill()
	}
	b.ReportMetric(float64(spent(b)-before)/float64(b.N)/1e6, "cpu-ms/refresh")
	b.ReportMetric(float64(o.tree.Leaves()), "leaves")
}
