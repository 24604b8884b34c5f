package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/cmd/internal/analyzequeue"
	"github.com/telltale-net/telltale/cmd/internal/collect"
	"github.com/telltale-net/telltale/cmd/internal/recordlog"
	"github.com/telltale-net/telltale/collector/journal"
)

// queueLog is where "analyze queue" reads a log of postcards.
type queueLog struct {
	log      collect.Log
	filter   recordlog.Filter
	topology string
}

func newAnalyzeQueueCmd() *cobra.Command {
	var opt analyzequeue.Options
	var from queueLog
	var format, method string
	methods := make([]string, 0, len(analyzequeue.Methods()))
	for _, m := range analyzequeue.Methods() {
		methods = append(methods, string(m))
	}
	cmd := &cobra.Command{
		Use:   "queue [flags] {FILE|-… | --data DIR|--nats URL --topology FILE}",
		Short: "Who filled the queue that these packets waited in",
		Long: `Read which packet was at which queue when (JSON Lines, see docs/datasets.md; gzip and
zstd are unpacked; "-" is the standard input) and say for each victim who filled the
queue it waited in: a node that stalled, flows that are slow to serve, a burst, through
how many hops.

With --data or --nats the records come from the collector's log instead: queues are the
switches' ports in the topology, read off postcards of every hop.

Victims are packets that took longer than 99 % of all (p99; any other percentile), the
lost ones (lost), those at which a flow's throughput broke in (throughput), or those of
a file: {"pkt":17,"node":"vpn1"} per line.

Methods: microscope replays the queues without each suspect; microscope-plain is the
published algorithm to the letter; netmedic and window are baselines.

A summary goes to the standard error. The exit status is 0 when everything was read, 1
when lines were malformed or victims of a file are not in the data set, and 2 when the
input or output itself failed.`,
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault),
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.Format, opt.Method = analyzequeue.Format(format), analyzequeue.Method(method)
			switch fromLog := from.topology != ""; {
			case fromLog && len(args) == 0:
				return runAnalyzeQueueLog(cmd, &from, opt)
			case fromLog || len(args) == 0 || from.log.Data != "" || from.log.NATS != "":
				return fmt.Errorf("got %d files, --data %q and --topology %q; want files, or a log and a topology", len(args), from.log.Data, from.topology)
			}
			return runAnalyzeQueue(cmd, args, opt)
		},
	}
	f := cmd.Flags()
	f.StringVar(&format, "format", string(analyzequeue.Text), "how to write the answers: text or json")
	f.BoolVar(&opt.Patterns, "patterns", false, "aggregate the answers into patterns of culprits and victims")
	f.StringVar(&opt.Victims, "victims", "p99", "whom to ask about: p99, p99.9, lost, throughput, or a file")
	f.StringVar(&method, "method", string(analyzequeue.Microscope), "how: "+strings.Join(methods, ", "))
	f.IntVar(&opt.Workers, "workers", 0, "threads (0 = one per processor)")
	from.log.Flags(f)
	from.filter.Flags(f, "from", "to")
	f.StringVar(&from.topology, "topology", "", "topology file that says which port is whose")
	f.IntVar(&opt.Limit, "max-records", analyzequeue.DefaultLimit, "records held in memory at most, some 30 bytes each")
	return cmd
}

func runAnalyzeQueue(cmd *cobra.Command, args []string, opt analyzequeue.Options) error {
	inputs, done, err := openInputs(cmd, args)
	if err != nil {
		return err
	}
	defer done()
	showDiagnosing(cmd, &opt)
	sum, err := analyzequeue.Run(cmd.Context(), cmd.OutOrStdout(), inputs, opt)
	for _, p := range sum.Problems {
		fmt.Fprintln(cmd.ErrOrStderr(), p)
	}
	if err != nil {
		return err
	}
	for _, n := range sum.Notes {
		fmt.Fprintln(cmd.ErrOrStderr(), n)
	}
	fmt.Fprintln(cmd.ErrOrStderr(), sum)
	if sum.Records.Bad > 0 || sum.Missing > 0 {
		return errWrong
	}
	return nil
}

// runAnalyzeQueueLog analyses the postcards of a log.
func runAnalyzeQueueLog(cmd *cobra.Command, from *queueLog, opt analyzequeue.Options) error {
	q, err := from.filter.Query(time.Now())
	if err != nil {
		return err
	}
	fabric, err := readTopology(from.topology, cmd.InOrStdin())
	if err != nil {
		return err
	}
	net, err := analyzers.NewNetwork(fabric)
	if err != nil {
		return err
	}
	return withLog(cmd.Context(), &from.log, func(j *journal.Journal) error {
		var read journal.ReadStats
		trace, stats, err := recordlog.Queues(cmd.Context(), recordlog.FromLog(j, q, &read), net, opt.Limit)
		if err != nil {
			return err
		}
		fmt.Fprintln(cmd.ErrOrStderr(), recordlog.Note(&read))
		fmt.Fprintf(cmd.ErrOrStderr(), "%d postcards, %d of them used: %d of unknown nodes or ports, %d without ports or times, %d never queued, %d of reports to the collector\n",
			stats.Postcards, stats.Used, stats.Unknown, stats.NoPlace+stats.Backwards, stats.NotQueued, stats.Telemetry)
		showDiagnosing(cmd, &opt)
		sum, err := analyzequeue.Diagnose(cmd.Context(), cmd.OutOrStdout(), trace, opt)
		if err != nil {
			return err
		}
		fmt.Fprintln(cmd.ErrOrStderr(), sum)
		if err := writeLoss(cmd, recordlog.LedgerOf(j), &q, false); err != nil {
			return err
		}
		if read.Damaged > 0 || sum.Missing > 0 {
			return errWrong
		}
		return nil
	})
}

// showDiagnosing shows the progress where somebody watches.
func showDiagnosing(cmd *cobra.Command, opt *analyzequeue.Options) {
	if isTerminal(cmd.ErrOrStderr()) && !isTerminal(cmd.OutOrStdout()) {
		opt.Progress = diagnosing(cmd)
	}
}

// diagnosing returns what shows how many victims have been asked about.
func diagnosing(cmd *cobra.Command) func(done, of int) {
	var bar *progressbar.ProgressBar
	return func(done, of int) {
		if bar == nil {
			bar = progressbar.NewOptions(of,
				progressbar.OptionSetWriter(cmd.ErrOrStderr()),
				progressbar.OptionSetWidth(30),
				progressbar.OptionSetDescription("diagnosing"),
				progressbar.OptionClearOnFinish(),
				progressbar.OptionThrottle(100*time.Millisecond),
			)
		}
		_ = bar.Set(done) // the screen is not the result
	}
}
