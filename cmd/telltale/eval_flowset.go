package main

import (
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/telltale-net/telltale/cmd/internal/evalflowset"
)

func newEvalFlowsetCmd() *cobra.Command {
	var cfg evalflowset.Config
	var e evaluation
	var quick bool
	cmd := &cobra.Command{
		Use:   "flowset",
		Short: "Every flow's packets from encoded flow sets: FlowRadar's and LossRadar's experiments",
		Long: `Rerun the experiments of the FlowRadar (NSDI 2016) and LossRadar (CoNEXT 2016) papers on
fat trees of 20 and 80 switches. What the papers published stands beside our figures.

  memory   cells, memory and bandwidth that 1 K to 1 M flows need, for a switch by itself and
           with the others' help, so that 99 or 99.9 % of epochs are decoded
  accept   100 K flows in 2.36 MB
  time     decoding by threads, and by flows
  counts   flows known and counts told by how full tables are and by lost packets
  earlier  past the cliff, with what the epoch before had
  losses   single lost packets found by comparing counters
  digests  LossRadar's digests: decoded by cells per loss
  causes   LossRadar's classifier: precision and recall by cause

All of it takes some half an hour on two cores; --quick, seconds. Epochs that need more
than --memory are left out, and the table says how much they need.

With --out, figures.csv and the pictures as SVG and PNG are written to that folder.
The exit status is 0 when everything ran, 2 when not; targets are for tests to hold.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if quick {
				quickFlowset(cmd, &cfg)
			}
			if cfg.Memory < 1<<28 {
				return fmt.Errorf("got --memory %d, want at least %d bytes", cfg.Memory, 1<<28)
			}
			debug.SetMemoryLimit(cfg.Memory) // garbage is collected in time
			return runEvalFlowset(cmd, cfg, &e)
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Experiment, "experiment", "all", "which: all, "+strings.Join(evalflowset.Experiments(), ", "))
	f.IntSliceVar(&cfg.Ks, "k", []int{4, 8}, "pods of the fat trees; the first is that of time, counts, earlier and losses")
	f.IntVar(&cfg.Epochs, "epochs", 10, "epochs of accept with 20 switches; fewer with more")
	f.IntVar(&cfg.LossEpochs, "loss-epochs", 1000, "epochs of the experiment with single losses")
	f.IntVar(&cfg.Digests, "digests", 1000, "pairs of digests per figure; fewer of more than 1 000 losses")
	f.IntVar(&cfg.Windows, "windows", 30, "windows of 100 ms for every mixture of causes")
	f.Uint64Var(&cfg.FirstSeed, "first-seed", 1, "chooses the traffic")
	f.IntSliceVar(&cfg.Sizes, "sizes", []int{1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000}, "flows per switch whose memory is looked for")
	f.IntVar(&cfg.Flows, "flows", 100_000, "flows per switch of the experiments accept and time, ten times those of counts and earlier; memory goes with it")
	f.IntVar(&cfg.Budget, "budget", 2_500_000, "flows at switches decoded for a point of memory: epochs are fewer where flows are many, but at least 10 switches' and at most 1 000")
	f.Int64Var(&cfg.Memory, "memory", 6<<30, "bytes that this process may use")
	f.IntVar(&cfg.Workers, "workers", 0, "threads (0 = one per processor)")
	f.BoolVar(&quick, "quick", false, "few and small epochs, for a first look")
	e.flags(cmd)
	return cmd
}

// quickFlowset is what --quick stands for, where the flags do not say otherwise.
func quickFlowset(cmd *cobra.Command, cfg *evalflowset.Config) {
	set := func(name string, to func()) {
		if !cmd.Flags().Changed(name) {
			to()
		}
	}
	set("k", func() { cfg.Ks = []int{4} })
	set("epochs", func() { cfg.Epochs = 2 })
	set("loss-epochs", func() { cfg.LossEpochs = 40 })
	set("digests", func() { cfg.Digests = 50 })
	set("windows", func() { cfg.Windows = 2 })
	set("sizes", func() { cfg.Sizes = []int{1000} })
	set("flows", func() { cfg.Flows = 5000 })
	set("budget", func() { cfg.Budget = 40_000 })
}

// processorClock tells the wall's and the process's time.
func processorClock() (time.Time, time.Duration) {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return time.Now(), 0
	}
	return time.Now(), time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func runEvalFlowset(cmd *cobra.Command, cfg evalflowset.Config, e *evaluation) error {
	var res *evalflowset.Result
	return e.run(cmd, "epochs",
		func(progress func(done, total int)) (_ any, err error) {
			res, err = evalflowset.Run(cmd.Context(), cfg, processorClock, progress)
			return res, err
		},
		func(to saver) error { return saveEvalFlowset(to, res) },
		func(w io.Writer) error { return printEvalFlowset(w, res) },
	)
}

func printEvalFlowset(out io.Writer, res *evalflowset.Result) error {
	for _, t := range res.Tables {
		if _, err := fmt.Fprintf(out, "%s\n%s\n\n", t.Title, figures(t.Columns, t.Rows)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "from seed %d\n", res.FirstSeed)
	return err
}

// saveEvalFlowset writes the figures and the pictures.
func saveEvalFlowset(to saver, res *evalflowset.Result) error {
	if err := to("figures.csv", res.WriteCSV); err != nil {
		return err
	}
	for i := range res.Tables {
		t := &res.Tables[i]
		if len(t.Lines) == 0 {
			continue
		}
		if err := savePictures(to, fmt.Sprintf("%s-%d", t.Experiment, i), t.Draw); err != nil {
			return err
		}
	}
	return nil
}
