package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"github.com/telltale-net/telltale/cmd/internal/collect"
	"github.com/telltale-net/telltale/cmd/internal/live/watch"
	"github.com/telltale-net/telltale/cmd/internal/recordlog"
	"github.com/telltale-net/telltale/collector"
	"github.com/telltale-net/telltale/collector/block"
	"github.com/telltale-net/telltale/collector/journal"
	"github.com/telltale-net/telltale/collector/postcard"
)

// blameFlags are the flags of the command.
type blameFlags struct {
	log               collect.Log
	listen            string
	topology          string
	since             string
	follow, once      bool
	format            string
	window            time.Duration
	rate              int
	profiles, domains []string
}

func newBlameCmd() *cobra.Command {
	var f blameFlags
	cmd := &cobra.Command{
		Use:   "blame (--data DIR | --nats URL | --listen ADDRESS) --topology FILE [flags]",
		Short: "Which links lose packets, as it happens",
		Long: `Read postcards from a log of records, a folder (--data) or a NATS cluster (--nats), or
receive reports (--listen), and say for one window of time after the other which links or
devices lose packets: with what probability, what share of their packets, how many were
seen to vanish there, and, where the queues' depths tell, whether it is congestion or
corruption. Packets that a switch dropped for a reason other than a full queue are
nobody's loss. The evidence of a window
counts in the next ones, less each time. Reports that are missing are not taken for
packets that are, and each window says what share of them is.

Without --follow the log is read to its end; --once then prints the last window only,
which has the evidence of those before. A folder that a collector writes to is that
collector's; follow it over NATS. "telltale collect --topology" does the same on the way
into the log.

The exit status is 0 when everything was read, 1 when blocks were damaged and left out,
and 2 when the input or output itself failed.`,
		Example: `  telltale blame --data /var/lib/telltale --topology fabric.yaml --since 1h --once
  telltale blame --nats nats://127.0.0.1:4222 --topology fabric.yaml --since 5m --follow
  telltale blame --listen :9555 --topology fabric.yaml --window 1s --format json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	f.log.Flags(fs)
	fs.StringVar(&f.listen, "listen", "", "UDP address for telemetry reports, instead of a log")
	fs.StringVar(&f.topology, "topology", "", "topology file, - for the standard input")
	fs.StringVar(&f.since, "since", "", "received at or after: RFC 3339, ns since 1970, or how long ago (15m)")
	fs.BoolVar(&f.follow, "follow", false, "go on with what comes into the log")
	fs.BoolVar(&f.once, "once", false, "print only the last window of what is there")
	fs.DurationVar(&f.window, "window", 10*time.Second, "span of time that is judged at once")
	fs.IntVar(&f.rate, "rate", 50_000, "records a second that are analysed at most; of more, whole packets are sampled")
	fs.StringVar(&f.format, "format", string(watch.Text), "how to print: text or json")
	collect.DecodingFlags(fs, &f.profiles, &f.domains)
	if err := cmd.MarkFlagRequired("topology"); err != nil {
		panic("BUG: " + err.Error())
	}
	return cmd
}

func (f *blameFlags) run(cmd *cobra.Command) error {
	opt := watch.Options{Format: watch.Format(f.format), Length: f.window, Rate: f.rate, Once: f.once}
	if err := errors.Join(f.check(), opt.Check()); err != nil {
		return err
	}
	fabric, err := readTopology(f.topology, cmd.InOrStdin())
	if err != nil {
		return err
	}
	var sum watch.Summary
	if f.listen != "" {
		cfg := collector.DefaultConfig()
		cfg.Listen = f.listen
		if err := collect.Decoding(&cfg, f.profiles, f.domains); err != nil {
			return err
		}
		sum, err = watch.Listen(cmd.Context(), cmd.OutOrStdout(), cfg, fabric, opt, func(a netip.AddrPort) {
			fmt.Fprintf(cmd.ErrOrStderr(), "reports: udp %v\n", a)
		})
		fmt.Fprintln(cmd.ErrOrStderr(), sum.String())
		return err
	}
	from, err := recordlog.Instant(f.since, time.Now())
	if err != nil {
		return fmt.Errorf("--since: %w", err)
	}
	q := block.Query{From: from}
	return withLog(cmd.Context(), &f.log, func(j *journal.Journal) error {
		var stats journal.ReadStats
		sum, err := watch.Records(cmd.Context(), cmd.OutOrStdout(), f.source(j, q, &stats), fabric, opt)
		fmt.Fprintf(cmd.ErrOrStderr(), "%s; %s\n", sum.String(), recordlog.Note(&stats))
		if err == nil && stats.Damaged > 0 {
			return errWrong
		}
		return err
	})
}

func (f *blameFlags) check() error {
	switch {
	case f.listen != "" && (f.log.Data != "" || f.log.NATS != ""):
		return errors.New("--listen: got a log, too, want one of them")
	case f.listen != "" && (f.since != "" || f.once || f.follow):
		return errors.New("--listen: got --since, --once or --follow, which are for a log")
	case f.once && f.follow:
		return errors.New("--once and --follow: want one of them")
	case f.follow && f.log.Data != "":
		return errors.New("--follow: got a folder, into which nothing comes while we read it; want --nats or --listen")
	}
	return nil
}

// source is what the log has, and with --follow what comes into it.
func (f *blameFlags) source(j *journal.Journal, q block.Query, stats *journal.ReadStats) recordlog.Source {
	if !f.follow {
		return recordlog.FromLog(j, q, stats)
	}
	return func(ctx context.Context, fn func([]postcard.Record) error) error {
		var err error
		*stats, err = j.Tail(ctx, q, fn)
		return err
	}
}
