package collect

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/telltale-net/telltale/collector/journal"
)

// Log says which log.
type Log struct {
	Data        string
	NATS        string
	Credentials string
	CA          string
	Cert, Key   string
	Stream      string
}

// Flags defines the settings of which log.
func (l *Log) Flags(fs *pflag.FlagSet) {
	d := journal.DefaultConfig()
	fs.StringVar(&l.Data, "data", "", "folder of the log")
	fs.StringVar(&l.NATS, "nats", "", "NATS server or cluster that keeps the log instead, comma-separated URLs")
	maskURLs(fs, "nats")
	fs.StringVar(&l.Credentials, "nats-credentials", "", "file with NATS credentials")
	fs.StringVar(&l.CA, "nats-ca", "", "file with the authority of the NATS server's certificate (default: the system's)")
	fs.StringVar(&l.Cert, "nats-cert", "", "file with our certificate for NATS")
	fs.StringVar(&l.Key, "nats-key", "", "file with its key")
	fs.StringVar(&l.Stream, "stream", d.Stream, "JetStream stream of the log")
}

// Config returns the configuration of the log, the rest being the default.
func (l *Log) Config() journal.Config {
	c := journal.DefaultConfig()
	c.Dir, c.URL, c.Credentials, c.CA, c.Cert, c.Key, c.Stream = l.Data, l.NATS, l.Credentials, l.CA, l.Cert, l.Key, l.Stream
	return c
}

// Reading returns the configuration of the log for reading.
func (l *Log) Reading() (journal.Config, error) {
	c := l.Config()
	c.ReadOnly = true
	if (c.Dir == "") == (c.URL == "") {
		return c, fmt.Errorf("which log? got --data %q and --nats %q, want one of them", l.Data, mask(l.NATS))
	}
	return c, nil
}

// Keep says what of the log is kept, and how it is written.
type Keep struct {
	Age          time.Duration
	Bytes        int64
	Replicas     int
	Sync         bool
	Reserve      int64
	BlockRecords int
	BlockAge     time.Duration
	Patience     time.Duration
}

// Flags defines the settings of what is kept.
func (k *Keep) Flags(fs *pflag.FlagSet) {
	d := journal.DefaultConfig()
	fs.DurationVar(&k.Age, "retain-age", d.MaxAge, "older blocks of the log go (0 = never)")
	fs.Int64Var(&k.Bytes, "retain-bytes", d.MaxBytes, "the oldest blocks of the log go beyond (0 = no limit)")
	fs.IntVar(&k.Replicas, "replicas", d.Replicas, "copies of the log on a NATS cluster")
	fs.BoolVar(&k.Sync, "sync", d.Sync, "write every block through to the disk before it counts as stored")
	fs.Int64Var(&k.Reserve, "reserve", d.Reserve, "bytes that stay free on the disk of the log")
	fs.IntVar(&k.BlockRecords, "block-records", d.BlockRecords, "records in a full block")
	fs.DurationVar(&k.BlockAge, "block-age", d.BlockAge, "the longest that a record waits for its block to fill")
	fs.DurationVar(&k.Patience, "patience", d.Patience, "how long a block is tried before it is shed")
}

func (k *Keep) to(c *journal.Config) {
	c.MaxAge, c.MaxBytes, c.Replicas, c.Sync, c.Reserve = k.Age, k.Bytes, k.Replicas, k.Sync, k.Reserve
	c.BlockRecords, c.BlockAge, c.Patience = k.BlockRecords, k.BlockAge, k.Patience
}

// mask takes the secrets out of a list of URLs: passwords, and tokens, which stand
// where a user's name would.
func mask(list string) string {
	if list == "" {
		return ""
	}
	parts := strings.Split(list, ",")
	for i, p := range parts {
		u, err := url.Parse(strings.TrimSpace(p))
		switch {
		case err != nil:
			parts[i] = "(unreadable URL)"
			continue
		case u.User == nil:
		default:
			if _, has := u.User.Password(); has {
				u.User = url.UserPassword(u.User.Username(), "MASKED")
			} else {
				u.User = url.User("MASKED")
			}
		}
		parts[i] = u.String()
	}
	return strings.Join(parts, ",")
}
