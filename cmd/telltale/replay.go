package main

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/telltale-net/telltale/cmd/internal/collect"
	"github.com/telltale-net/telltale/cmd/internal/recordlog"
	"github.com/telltale-net/telltale/collector"
	"github.com/telltale-net/telltale/collector/journal"
)

// replayFlags are the flags of "replay" as they are written.
type replayFlags struct {
	log               collect.Log
	filter            recordlog.Filter
	capture           string
	port              uint16
	profiles, domains []string
	speed, to         string
	analyze, topology string
	limit             int
}

func newReplayCmd() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay {--data DIR | --nats URL | --from FILE} {--to ADDRESS:PORT | --analyze NAME --topology FILE} [flags]",
		Short: "Send recorded telemetry to a collector again, or analyse it",
		Long: `Read records from a log, or from a pcap or pcapng file, in the order in which they were
received, at the speed at which they were, or faster, and

  --to        send them to a collector as Telemetry Reports 2.0. Sequence numbers start
              anew, so what is lost on the way shows
  --analyze   give them to an analyzer, and print what it says as JSON Lines: blame,
              drops, flowset, incident, latency; the last line is the loss of the window's
              reports. queue prints the data set for "telltale analyze queue"

The exit status is 1 when blocks of the log were damaged, or reports of the capture
malformed.`,
		Example: `  telltale replay --data DIR --speed 1 --to 127.0.0.1:9555
  telltale replay --data DIR --analyze incident --topology fabric.yaml
  telltale replay --data DIR --analyze queue --topology fabric.yaml | telltale analyze queue -`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	f.log.Flags(fs)
	f.filter.Flags(fs, "since", "until")
	fs.StringVar(&f.capture, "from", "", "pcap or pcapng file to read instead of a log, - for the standard input")
	fs.Uint16Var(&f.port, "port", 0, "of a capture only datagrams to this UDP port are reports (0 = all)")
	collect.DecodingFlags(fs, &f.profiles, &f.domains)
	fs.StringVar(&f.speed, "speed", "", "times as fast as received, or max (default: 1 with --to, max with --analyze)")
	fs.StringVar(&f.to, "to", "", "address and port of a collector to send to")
	fs.StringVar(&f.analyze, "analyze", "", "analyzer: "+strings.Join(recordlog.Analyzers(), ", "))
	fs.StringVar(&f.topology, "topology", "", "topology file for the analyzer")
	fs.IntVar(&f.limit, "max-records", 5_000_000, "records that --analyze blame and queue hold in memory, some 200 bytes each")
	return cmd
}

func (f *replayFlags) run(cmd *cobra.Command) error {
	speed, err := f.pace()
	if err != nil {
		return err
	}
	if (f.to == "") == (f.analyze == "") {
		return fmt.Errorf("got --to %q and --analyze %q, want one of them", f.to, f.analyze)
	}
	if f.analyze != "" && (!slices.Contains(recordlog.Analyzers(), f.analyze) || f.topology == "") {
		return fmt.Errorf("got --analyze %q and --topology %q, want one of %s, and a file", f.analyze, f.topology, strings.Join(recordlog.Analyzers(), ", "))
	}
	q, err := f.filter.Query(time.Now())
	if err != nil {
		return err
	}
	if f.capture == "" {
		return withLog(cmd.Context(), &f.log, func(j *journal.Journal) error {
			var stats journal.ReadStats
			err := f.give(cmd, recordlog.Input{Records: recordlog.Paced(recordlog.FromLog(j, q, &stats), speed), Losses: recordlog.LedgerOf(j), Query: q})
			fmt.Fprintln(cmd.ErrOrStderr(), recordlog.Note(&stats))
			if err == nil && stats.Damaged > 0 {
				return errWrong
			}
			return err
		})
	}
	if f.log.Data != "" || f.log.NATS != "" {
		return errors.New("got a capture and a log, want one of them")
	}
	cfg := collector.DefaultConfig()
	if err := collect.Decoding(&cfg, f.profiles, f.domains); err != nil {
		return err
	}
	var sum recordlog.Captured
	source, done, err := captureSource(cmd, f.capture, cfg, f.port, &sum)
	if err != nil {
		return err
	}
	defer done()
	err = f.give(cmd, recordlog.Input{Records: recordlog.Paced(recordlog.Wanted(source, q), speed), Losses: sum.Ledger(), Query: q})
	fmt.Fprintln(cmd.ErrOrStderr(), &sum)
	if err == nil && sum.Malformed > 0 {
		return errWrong
	}
	return err
}

// pace returns how many times as fast as received, 0 as fast as it goes.
func (f *replayFlags) pace() (float64, error) {
	switch {
	case f.speed == "max", f.speed == "" && f.analyze != "":
		return 0, nil
	case f.speed == "":
		return 1, nil
	}
	v, err := strconv.ParseFloat(f.speed, 64)
	if err != nil || !(v >= 1e-3 && v <= 1e6) {
		return 0, fmt.Errorf("--speed: got %q, want 0.001 to 1000000, or max", f.speed)
	}
	return v, nil
}

// give sends the records or analyses them.
func (f *replayFlags) give(cmd *cobra.Command, in recordlog.Input) error {
	if f.to != "" {
		to, err := netip.ParseAddrPort(strings.Replace(f.to, "localhost:", "127.0.0.1:", 1))
		if err != nil || to.Port() == 0 {
			return fmt.Errorf("--to: got %q, want ADDRESS:PORT", f.to)
		}
		sent, err := recordlog.Relay(cmd.Context(), in.Records, to)
		fmt.Fprintln(cmd.OutOrStdout(), sent)
		return err
	}
	fabric, err := readTopology(f.topology, cmd.InOrStdin())
	if err != nil {
		return err
	}
	in.Limit = f.limit
	loss, err := recordlog.Analyze(cmd.Context(), cmd.OutOrStdout(), in, f.analyze, fabric)
	if err == nil {
		fmt.Fprintln(cmd.ErrOrStderr(), &loss)
	}
	return err
}
