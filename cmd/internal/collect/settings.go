package collect

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/telltale-net/telltale/collector"
	"github.com/telltale-net/telltale/collector/pipeline"
	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/collector/report/profile"
	"github.com/telltale-net/telltale/topology"
)

// Settings are what can be said about collecting.
type Settings struct {
	Receive
	Log
	Keep

	HTTP             string
	HTTPCert         string
	HTTPKey          string
	Topology         string
	PathRate         int
	PathWindow       time.Duration
	Align            time.Duration
	Drain            time.Duration
	Profiles, Domain []string

	outputs []outputSettings
}

// Receive says how to receive.
type Receive struct {
	Listen        string
	Sockets       int
	ReceiveBuffer int
	MaxDatagram   int
	Batch         int
	Queue         int
	Flush         time.Duration
	Overload      string
	Sources       int
}

// NewSettings returns settings and the flags that are their names, all at their
// defaults.
func NewSettings() (*Settings, *pflag.FlagSet) {
	s := &Settings{outputs: newOutputs()}
	fs := pflag.NewFlagSet("collect", pflag.ContinueOnError)
	fs.SortFlags = false
	d := pipeline.DefaultConfig()
	c := d.Collector
	fs.StringVar(&s.Listen, "listen", c.Listen, "UDP address for telemetry reports")
	fs.StringVar(&s.HTTP, "http", "127.0.0.1:8080", "address for /metrics, /healthz, /readyz and the pages of outputs, such as /findings (empty = none)")
	fs.StringVar(&s.HTTPCert, "http-cert", "", "file with the certificate of the HTTP listener, which then speaks TLS")
	fs.StringVar(&s.HTTPKey, "http-key", "", "file with its key")
	s.Log.Flags(fs)
	s.Keep.Flags(fs)
	fs.StringVar(&s.Topology, "topology", "", "topology file: links by which hops follow each other and clocks are aligned; with it, records are analysed as they come in")
	DecodingFlags(fs, &s.Profiles, &s.Domain)
	fs.IntVar(&s.Sockets, "sockets", c.Sockets, "sockets that share the address")
	fs.IntVar(&s.ReceiveBuffer, "receive-buffer", c.ReceiveBuffer, "bytes asked of the kernel per socket")
	fs.IntVar(&s.MaxDatagram, "max-datagram", c.MaxDatagram, "bytes; longer datagrams are cut and counted")
	fs.IntVar(&s.Batch, "batch", c.Batch, "records handed over at once")
	fs.IntVar(&s.Queue, "queue", c.Queue, "batches that may wait for the log")
	fs.DurationVar(&s.Flush, "flush", c.Flush, "the longest that a record waits for its batch to fill")
	fs.StringVar(&s.Overload, "overload", string(c.Overload), "what is given up when the log is slower than the network: newest, oldest, or wait (the kernel drops)")
	fs.IntVar(&s.Sources, "sources", c.Sources, "streams (source, node, subsystem) accounted for")
	fs.IntVar(&s.PathRate, "path-rate", d.PathRate, "records a second that packets' paths are put together of (0 = none)")
	fs.DurationVar(&s.PathWindow, "path-window", d.PathWindow, "how long a path waits for the records of its hops")
	fs.DurationVar(&s.Align, "align", d.Align, "how often the clocks are aligned")
	fs.DurationVar(&s.Drain, "drain", d.Drain, "how long the end may take; what is not in the log then is shed")
	for _, o := range s.outputs {
		o.Flags(fs)
	}
	return s, fs
}

// DecodingFlags defines the settings of how reports are read.
func DecodingFlags(fs *pflag.FlagSet, profiles, domains *[]string) {
	fs.StringArrayVar(profiles, "source-profile", nil, "profile of the emitters of a prefix, PREFIX=PROFILE (repeatable; the longest prefix wins; others are guessed): "+strings.Join(profile.Names(), ", "))
	fs.StringArrayVar(domains, "domain", nil, "words per bit of a domain's metadata, ID=N,N,… from bit 0 (repeatable)")
}

// Decoding reads the settings of how reports are read into c.
func Decoding(c *collector.Config, profiles, domains []string) error {
	var errs []error
	for _, p := range profiles {
		r, err := profile.ParseRule(p)
		if err != nil {
			errs = append(errs, fmt.Errorf("source-profile: %w", err))
			continue
		}
		c.Profiles = append(c.Profiles, r)
	}
	for _, s := range domains {
		d, err := report.ParseDomain(s)
		if err != nil {
			errs = append(errs, fmt.Errorf("domain: %w", err))
			continue
		}
		c.Domains = append(c.Domains, d)
	}
	return errors.Join(errs...)
}

// Pipeline returns what the settings say, or everything that is wrong with them.
func (s *Settings) Pipeline() (pipeline.Config, error) {
	c := pipeline.DefaultConfig()
	c.Journal = s.Log.Config()
	s.Keep.to(&c.Journal)
	r := &c.Collector
	r.Listen, r.Sockets, r.ReceiveBuffer, r.MaxDatagram = s.Listen, s.Sockets, s.ReceiveBuffer, s.MaxDatagram
	r.Batch, r.Queue, r.Flush, r.Overload, r.Sources = s.Batch, s.Queue, s.Flush, collector.Overload(s.Overload), s.Sources
	c.PathRate, c.PathWindow, c.Align, c.Drain = s.PathRate, s.PathWindow, s.Align, s.Drain
	errs := []error{Decoding(r, s.Profiles, s.Domain)}
	if _, err := net.ResolveUDPAddr("udp", s.Listen); err != nil {
		errs = append(errs, fmt.Errorf("listen: %w", err))
	}
	if s.HTTP != "" {
		if _, err := net.ResolveTCPAddr("tcp", s.HTTP); err != nil {
			errs = append(errs, fmt.Errorf("http: %w", err))
		}
	}
	if _, err := s.tls(); err != nil {
		errs = append(errs, err)
	}
	if s.Topology != "" {
		ix, err := readTopology(s.Topology)
		if err != nil {
			errs = append(errs, fmt.Errorf("topology: %w", err))
		}
		c.Topology = ix
	}
	errs = append(errs, c.Check())
	for _, o := range s.outputs {
		errs = append(errs, o.Check(&c))
	}
	return c, errors.Join(errs...)
}

func readTopology(path string) (*topology.Index, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f, err := topology.Read(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return topology.NewIndex(f)
}
