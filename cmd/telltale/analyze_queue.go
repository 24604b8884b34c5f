package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/telltale-net/telltale/cmd/internal/analyzequeue"
)

func newAnalyzeQueueCmd() *cobra.Command {
	var opt analyzequeue.Options
	var format, method string
	methods := make([]string, 0, len(analyzequeue.Methods()))
	for _, m := range analyzequeue.Methods() {
		methods = append(methods, string(m))
	}
	cmd := &cobra.Command{
		Use:   "queue [flags] FILE|-…",
		Short: "Who filled the queue that these packets waited in",
		Long: `Read which packet was at which queue when (JSON Lines, see docs/datasets.md; gzip and
zstd are unpacked; "-" is the standard input) and say for each victim who filled the
queue it waited in: a node that stalled, flows that are slow to serve, a burst, through
how many hops.

Victims are packets that took longer than 99 % of all (p99; any other percentile), the
lost ones (lost), those at which a flow's throughput broke in (throughput), or those of
a file: {"pkt":17,"node":"vpn1"} per line.

Methods: microscope replays the queues without each suspect; microscope-plain is the
published algorithm to the letter; netmedic and window are baselines.

A summary goes to the standard error. The exit status is 0 when everything was read, 1
when lines were malformed or victims of a file are not in the data set, and 2 when the
input or output itself failed.`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault),
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.Format, opt.Method = analyzequeue.Format(format), analyzequeue.Method(method)
			return runAnalyzeQueue(cmd, args, opt)
		},
	}
	f := cmd.Flags()
	f.StringVar(&format, "format", string(analyzequeue.Text), "how to write the answers: text or json")
	f.BoolVar(&opt.Patterns, "patterns", false, "aggregate the answers into patterns of culprits and victims")
	f.StringVar(&opt.Victims, "victims", "p99", "whom to ask about: p99, p99.9, lost, throughput, or a file")
	f.StringVar(&method, "method", string(analyzequeue.Microscope), "how: "+strings.Join(methods, ", "))
	f.IntVar(&opt.Workers, "workers", 0, "threads (0 = one per processor)")
	f.IntVar(&opt.Limit, "max-records", analyzequeue.DefaultLimit, "records held in memory at most, some 30 bytes each")
	return cmd
}

func runAnalyzeQueue(cmd *cobra.Command, args []string, opt analyzequeue.Options) error {
	var inputs []analyzequeue.Input
	for _, name := range args {
		if name == "-" {
			inputs = append(inputs, analyzequeue.Input{Name: "standard input", Reader: cmd.InOrStdin()})
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("cannot analyse: %w", err)
		}
		defer f.Close()
		in, done := watched(cmd, f, "reading")
		defer done()
		inputs = append(inputs, analyzequeue.Input{Name: name, Reader: in})
	}
	if isTerminal(cmd.ErrOrStderr()) && !isTerminal(cmd.OutOrStdout()) {
		opt.Progress = diagnosing(cmd)
	}
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
