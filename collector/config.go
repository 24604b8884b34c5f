package collector

import (
	"fmt"
	"time"

	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/collector/report/profile"
)

// Overload says what is given up when the sink is slower than the network.
type Overload string

// The policies. Whatever is given up is counted by source.
const (
	ShedNewest Overload = "newest" // the batch that finds the queue full
	ShedOldest Overload = "oldest" // the batch that waited longest
	Wait       Overload = "wait"   // nothing: readers wait, and the kernel sheds and counts
)

// Config says how to collect. [DefaultConfig] is a good one.
type Config struct {
	Listen        string // UDP address, host:port
	Sockets       int    // sockets sharing the address; 1 where the system cannot share
	ReceiveBuffer int    // bytes asked of the kernel per socket; the effective size is in the snapshot
	MaxDatagram   int    // bytes; longer ones are cut and counted

	Batch    int           // records per hand-over to the sink
	Queue    int           // batches that may wait for the sink
	Flush    time.Duration // the longest that a record waits for its batch to fill
	Overload Overload

	Sources     int           // streams (source, node, hw_id) accounted for; least recently heard beyond
	LossBucket  time.Duration // resolution of the loss history
	LossBuckets int           // how many of them are kept per stream

	Domains  report.Domains // domain-specific metadata beside our own
	Profiles []profile.Rule // how the reports of a prefix are read; those of others are read by a guess
}

// DefaultConfig returns the configuration that telltale starts with.
func DefaultConfig() Config {
	return Config{
		Listen:        ":9555",
		Sockets:       2,
		ReceiveBuffer: 8 << 20,
		MaxDatagram:   9216,
		Batch:         1024,
		Queue:         128,
		Flush:         10 * time.Millisecond,
		Overload:      ShedNewest,
		Sources:       16384,
		LossBucket:    time.Second,
		LossBuckets:   120,
	}
}

// Check returns what is wrong with the configuration, or nil.
func (c *Config) Check() error {
	for _, f := range []struct {
		name     string
		got      int64
		min, max int64
	}{
		{"sockets", int64(c.Sockets), 1, 1024},
		{"receive buffer", int64(c.ReceiveBuffer), 1, 1 << 30},
		{"largest datagram", int64(c.MaxDatagram), 64, 65535},
		{"batch", int64(c.Batch), 1, 1 << 20},
		{"queue", int64(c.Queue), 1, 1 << 20},
		{"flush", int64(c.Flush), 1, int64(time.Minute)},
		{"sources", int64(c.Sources), shards, 1 << 24},
		{"loss bucket", int64(c.LossBucket), 1, int64(time.Hour)},
		{"loss buckets", int64(c.LossBuckets), 1, 1 << 16},
	} {
		if f.got < f.min || f.got > f.max {
			return fmt.Errorf("collector configuration: %s: got %d, want %d to %d", f.name, f.got, f.min, f.max)
		}
	}
	switch c.Overload {
	case ShedNewest, ShedOldest, Wait:
		return nil
	}
	return fmt.Errorf("collector configuration: overload: got %q, want %q, %q or %q", c.Overload, ShedNewest, ShedOldest, Wait)
}
