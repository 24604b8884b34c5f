package model

import (
	"testing"

	"github.com/telltale-net/telltale/collector/postcard"
)

func batch() []postcard.Record {
	b := make([]postcard.Record, 1024)
	for i := range b {
		b[i] = postcard.Record{
			Node: postcard.NodeID(i % 16), OutPort: uint32(i / 16 % 8), Queue: uint8(i / 128),
			Has: postcard.HasLatency | postcard.HasQueue | postcard.HasLength, Latency: uint32(i), Length: 100,
		}
	}
	return b
}

func TestObserveAllocations(t *testing.T) {
	a, b := NewAggregates(1024), batch()
	a.Observe(b)
	if got := testing.AllocsPerRun(10, func() { a.Observe(b) }); got != 0 {
		t.Errorf("got %g allocations in 1024 records of known queues, want none", got)
	}
}

func BenchmarkObserve(b *testing.B) {
	a, records := NewAggregates(1024), batch()
	b.ReportAllocs()
	for b.Loop() {
		a.Observe(records)
	}
	b.ReportMetric(float64(b.N)*float64(len(records))/b.Elapsed().Seconds(), "records/s")
}
