package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/telltale-net/telltale/cmd/internal/collect"
	"github.com/telltale-net/telltale/cmd/internal/recordlog"
	"github.com/telltale-net/telltale/collector"
	"github.com/telltale-net/telltale/collector/journal"
	"github.com/telltale-net/telltale/collector/pipeline"
)

// recordFlags are the flags of "record" as they are written.
type recordFlags struct {
	log               collect.Log
	from, listen      string
	pcap              string
	port              uint16
	span              time.Duration
	profiles, domains []string
}

func newRecordCmd() *cobra.Command {
	var f recordFlags
	cmd := &cobra.Command{
		Use:   "record {--from FILE | --listen ADDRESS:PORT} {--data DIR | --nats URL | --pcap FILE} [flags]",
		Short: "Put telemetry into a log, from a capture or from the network",
		Long: `Read Telemetry Reports and data packets with INT from a pcap or pcapng file (--from; "-" is
the standard input), or Telemetry Reports from a UDP socket (--listen, until SIGINT or
--for has passed), and put their records into a log, with the account of what was lost.
From a capture its times are when they were received. "telltale collect" listens too, and
gives out what it knows.

With --listen and --pcap the datagrams go into a capture file as they are, whatever they
hold; "--from" reads it again, as do the usual tools.

Nothing is ever removed from the log: its limits of age and size are lifted. The exit
status is 0 when everything was read and kept, 1 when something was malformed, 2 when
the input or the log failed.`,
		Example: `  telltale record --from capture.pcap --port 9555 --data DIR
  telltale record --listen :9555 --for 1m --pcap reports.pcap`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg := collector.DefaultConfig()
			if err := collect.Decoding(&cfg, f.profiles, f.domains); err != nil {
				return err
			}
			switch {
			case (f.from == "") == (f.listen == ""):
				return fmt.Errorf("got --from %q and --listen %q, want one of them", f.from, f.listen)
			case f.from != "" && f.pcap != "":
				return errors.New("--pcap is for --listen: a capture is there already")
			case f.from != "":
				return f.capture(cmd, cfg)
			}
			cfg.Listen = f.listen
			ctx := cmd.Context()
			if f.span > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, f.span)
				defer cancel()
			}
			if f.pcap != "" {
				return f.dump(ctx, cmd, cfg)
			}
			return f.network(ctx, cmd, cfg)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&f.from, "from", "", "pcap or pcapng file, - for the standard input")
	fs.Uint16Var(&f.port, "port", 0, "of a capture only datagrams to this UDP port are reports (0 = all)")
	fs.StringVar(&f.listen, "listen", "", "UDP address and port to receive reports at")
	fs.DurationVar(&f.span, "for", 0, "end after so long (0 = not before SIGINT)")
	fs.StringVar(&f.pcap, "pcap", "", "file for the datagrams, instead of a log")
	f.log.Flags(fs)
	collect.DecodingFlags(fs, &f.profiles, &f.domains)
	return cmd
}

// journal returns the configuration of a log of which nothing is removed.
func (f *recordFlags) journal() journal.Config {
	conf := f.log.Config()
	conf.MaxAge, conf.MaxBytes = 0, 0
	return conf
}

// capture puts a capture into the log.
func (f *recordFlags) capture(cmd *cobra.Command, cfg collector.Config) error {
	var sum recordlog.Captured
	source, done, err := captureSource(cmd, f.from, cfg, f.port, &sum)
	if err != nil {
		return err
	}
	defer done()
	j, err := journal.Open(cmd.Context(), f.journal())
	if err != nil {
		return err
	}
	err = recordlog.Record(cmd.Context(), source, sum.Ledger(), j)
	err = errors.Join(err, j.Close(context.WithoutCancel(cmd.Context())))
	fmt.Fprintln(cmd.ErrOrStderr(), &sum)
	if err != nil {
		return err
	}
	if s := j.Stats(); s.Stored != sum.Records {
		return fmt.Errorf("the log kept %d of %d records: %s", s.Stored, sum.Records, s.Alarm)
	}
	if sum.Malformed > 0 {
		return errWrong
	}
	return nil
}

// network puts what comes in at a socket into the log.
func (f *recordFlags) network(ctx context.Context, cmd *cobra.Command, cfg collector.Config) error {
	conf := pipeline.DefaultConfig()
	conf.Collector, conf.Journal, conf.PathRate = cfg, f.journal(), 0
	p, err := pipeline.Open(cmd.Context(), conf, f.listening(cmd))
	if err != nil {
		return err
	}
	err = p.Run(ctx)
	s := p.Snapshot()
	fmt.Fprint(cmd.ErrOrStderr(), collect.Text(&s))
	return f.verdict(err, s.Rejected+s.Malformed)
}

// dump puts what comes in at a socket into a capture file.
func (f *recordFlags) dump(ctx context.Context, cmd *cobra.Command, cfg collector.Config) error {
	if f.log.Data != "" || f.log.NATS != "" {
		return errors.New("got a capture file and a log to record to, want one of them")
	}
	file, err := os.Create(f.pcap)
	if err != nil {
		return fmt.Errorf("cannot make the capture file: %w", err)
	}
	c, err := recordlog.Dump(ctx, cfg, file, f.listening(cmd))
	err = errors.Join(err, file.Close())
	s := pipeline.Snapshot{Collector: c, Account: pipeline.Account{Datagrams: c.Datagrams, Rejected: c.Rejected, Reports: c.Sum.Reports, Malformed: c.Sum.Malformed}}
	for i := range c.Sockets {
		s.KernelDrops += c.Sockets[i].KernelDrops
	}
	fmt.Fprint(cmd.ErrOrStderr(), collect.Received(&s))
	return f.verdict(err, s.Rejected+s.Malformed)
}

func (f *recordFlags) listening(cmd *cobra.Command) func(netip.AddrPort) {
	return func(a netip.AddrPort) { fmt.Fprintf(cmd.ErrOrStderr(), "reports: udp %v\n", a) }
}

func (f *recordFlags) verdict(err error, malformed uint64) error {
	if err == nil && malformed > 0 {
		return errWrong
	}
	return err
}

// captureSource returns a source of the records of a capture, and what ends it.
func captureSource(cmd *cobra.Command, path string, cfg collector.Config, port uint16, sum *recordlog.Captured) (recordlog.Source, func(), error) {
	if path == "-" {
		return recordlog.FromCapture(cmd.InOrStdin(), cfg, port, sum), func() {}, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the capture: %w", err)
	}
	r, shown := watched(cmd, f, "reading")
	return recordlog.FromCapture(r, cfg, port, sum), func() {
		shown()
		f.Close()
	}, nil
}
