package journal

import (
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/telltale-net/telltale/collector/block"
	"github.com/telltale-net/telltale/collector/postcard"
)

// Config says where the log is and what it keeps. [DefaultConfig] is a good one but
// for Dir.
type Config struct {
	Dir string // data folder of the server in this process; empty = URL says where the log is

	URL         string // of a NATS server or cluster, comma-separated
	Credentials string // file with NATS credentials; empty = none
	CA          string // file with the certificate authority of the server's certificate; empty = the system's
	Cert, Key   string // files with our certificate; empty = none
	Replicas    int    // of the stream on a cluster

	Stream   string        // its name; subjects start with it, too
	MaxAge   time.Duration // older blocks go; 0 = never
	MaxBytes int64         // the oldest blocks go beyond; 0 = no limit
	Sync     bool          // every block is written through to the disk before it counts as stored (server in this process)
	Reserve  int64         // bytes that stay free on the disk, 1 MiB at least (server in this process)

	BlockRecords int           // records in a full block
	BlockAge     time.Duration // the longest that a record waits for its block to fill
	Unit         time.Duration // Received is rounded down to
	Pending      int           // full blocks that may wait; then Append waits
	Encoders     int           // goroutines that pack blocks
	Patience     time.Duration // how long a block is tried before it is shed

	// ReadOnly opens a log that is there for reading: nothing is made, no limit of the
	// stream is changed, and Append fails.
	ReadOnly bool

	Log *slog.Logger // takes what the server in this process warns of; nil = nothing

	// OnStored, where not nil, takes the records of a block that is in the log, OnShed
	// those of one that is not and will not be. One call at a time; the records are
	// theirs during the call only.
	OnStored func([]postcard.Record)
	OnShed   func([]postcard.Record, error)

	free func(dir string) (int64, error) // bytes left on the disk; nil = what the system says
}

const maxEncoders = 16

// DefaultConfig returns the configuration that telltale starts with.
func DefaultConfig() Config {
	return Config{
		Replicas:     1,
		Stream:       "telltale",
		MaxAge:       24 * time.Hour,
		MaxBytes:     8 << 30,
		Reserve:      256 << 20,
		BlockRecords: 8192,
		BlockAge:     time.Second,
		Unit:         time.Microsecond,
		Pending:      64,
		Encoders:     min(runtime.GOMAXPROCS(0), maxEncoders),
		Patience:     30 * time.Second,
	}
}

// Check returns what is wrong with the configuration, or nil.
func (c *Config) Check() error {
	if (c.Dir == "") == (c.URL == "") {
		return fmt.Errorf("journal configuration: got folder %q and URL %q, want one of them", c.Dir, redact(c.URL))
	}
	if c.Stream == "" || !plain(c.Stream) {
		return fmt.Errorf("journal configuration: stream: got %q, want letters, digits, - and _", c.Stream)
	}
	if (c.Cert == "") != (c.Key == "") {
		return fmt.Errorf("journal configuration: got certificate %q and key %q, want both or none", c.Cert, c.Key)
	}
	for _, f := range []struct {
		name     string
		got      int64
		min, max int64
	}{
		{"replicas", int64(c.Replicas), 1, 5},
		{"largest age", int64(c.MaxAge), 0, 1<<63 - 1},
		{"largest size", c.MaxBytes, 0, 1<<63 - 1},
		{"reserve", c.Reserve, 0, 1<<63 - 1},
		{"records in a block", int64(c.BlockRecords), 1, block.MaxRecords},
		{"age of a block", int64(c.BlockAge), int64(time.Millisecond), int64(time.Hour)},
		{"unit", int64(c.Unit), 1, int64(time.Second)},
		{"pending blocks", int64(c.Pending), 1, 1 << 16},
		{"encoders", int64(c.Encoders), 1, maxEncoders},
		{"patience", int64(c.Patience), int64(time.Millisecond), int64(time.Hour)},
	} {
		if f.got < f.min || f.got > f.max {
			return fmt.Errorf("journal configuration: %s: got %d, want %d to %d", f.name, f.got, f.min, f.max)
		}
	}
	return nil
}

func plain(s string) bool {
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
		default:
			return false
		}
	}
	return true
}
