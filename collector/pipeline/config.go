package pipeline

import (
	"errors"
	"fmt"
	"time"

	"github.com/telltale-net/telltale/collector"
	"github.com/telltale-net/telltale/collector/journal"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/topology"
)

// Config says how the parts are set. [DefaultConfig] is a good one but for
// Journal.Dir.
type Config struct {
	Collector collector.Config
	Journal   journal.Config // OnStored and OnShed stay the caller's

	Topology   *topology.Index // nil = no link is known, and no clock is aligned
	PathRate   int             // records a second that paths are made of, at most; 0 = none
	PathWindow time.Duration   // how long a path waits for its records
	Align      time.Duration   // how often the clocks are aligned

	Ledger time.Duration // of how long a page of the ledger tells

	Drain time.Duration // how long Run may take to end, what is left then being shed

	Taps []Tap // in this order
}

// Tap sees every batch of records on its way into the log: right after the log has
// taken them to be stored (which it may yet fail to do, and then counts them as shed),
// and never those that the collector shed before. Calls come one at a time, from one
// goroutine, and the last one has returned before [Pipeline.Run] does.
//
// The batch is the pipeline's: a tap may neither keep nor change it. Nor may it wait for
// anything, since the network waits for it: a tap that cannot take a batch at once sheds
// it and counts that by itself.
type Tap func(batch []postcard.Record)

// DefaultConfig returns the configuration that telltale starts with.
func DefaultConfig() Config {
	return Config{
		Collector:  collector.DefaultConfig(),
		Journal:    journal.DefaultConfig(),
		PathRate:   50_000,
		PathWindow: 100 * time.Millisecond,
		Align:      10 * time.Second,
		Ledger:     10 * time.Second,
		Drain:      10 * time.Second,
	}
}

// Check returns everything that is wrong with the configuration, joined, or nil.
func (c *Config) Check() error {
	errs := []error{c.Collector.Check(), c.Journal.Check()}
	for _, f := range []struct {
		name     string
		got      int64
		min, max int64
	}{
		{"path rate", int64(c.PathRate), 0, 1e9},
		{"path window", int64(c.PathWindow), int64(time.Millisecond), int64(time.Minute)},
		{"alignment interval", int64(c.Align), int64(100 * time.Millisecond), int64(time.Hour)},
		{"span of a ledger's page", int64(c.Ledger), int64(10 * time.Millisecond), int64(10 * time.Second)},
		{"drain time", int64(c.Drain), int64(time.Millisecond), int64(time.Hour)},
	} {
		if f.got < f.min || f.got > f.max {
			errs = append(errs, fmt.Errorf("pipeline configuration: %s: got %d, want %d to %d", f.name, f.got, f.min, f.max))
		}
	}
	return errors.Join(errs...)
}
