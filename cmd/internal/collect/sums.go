package collect

import (
	"sync"

	"github.com/telltale-net/telltale/collector/aggregate"
	"github.com/telltale-net/telltale/collector/postcard"
)

// sums are the sums of all records that the log has taken, made once for all outputs.
type sums struct {
	mu    sync.Mutex
	table *aggregate.Table
}

func newSums() *sums { return &sums{table: aggregate.New(aggregate.DefaultLimits())} }

// limit sets how much is summed up, before there is anything.
func (s *sums) limit(l aggregate.Limits) {
	s.with(func(t *aggregate.Table) {
		if t.Records() > 0 {
			panic("BUG: limits of sums that there are")
		}
		s.table = aggregate.New(l)
	})
}

// observe is a pipeline.Tap.
func (s *sums) observe(batch []postcard.Record) {
	s.mu.Lock()
	s.table.Observe(batch)
	s.mu.Unlock()
}

// with lends the table. Records wait meanwhile: f copies what it wants, and does no more.
func (s *sums) with(f func(t *aggregate.Table)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.table)
}
