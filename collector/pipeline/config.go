package pipeline

import (
	"errors"
	"fmt"
	"time"

	"github.com/telltale-net/telltale/collector"
	"github.com/telltale-net/telltale/collector/journal"
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

	Drain time.Duration // how long Run may take to end, what is left then being shed
}

// DefaultConfig returns the configuration that telltale starts with.
func DefaultConfig() Config {
	return Config{
		Collector:  collector.DefaultConfig(),
		Journal:    journal.DefaultConfig(),
		PathRate:   50_000,
		PathWindow: 100 * time.Millisecond,
		Align:      10 * time.Second,
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
		{"drain time", int64(c.Drain), int64(time.Millisecond), int64(time.Hour)},
	} {
		if f.got < f.min || f.got > f.max {
			errs = append(errs, fmt.Errorf("pipeline configuration: %s: got %d, want %d to %d", f.name, f.got, f.min, f.max))
		}
	}
	return errors.Join(errs...)
}
