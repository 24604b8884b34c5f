package main

import (
	"fmt"
	"io"
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
		Long: `Rerun the experiments of the FlowRadar paper (NSDI 2016) on a fat tree: how much memory
so many flows need, alone and with the neighbours' help; 100 K flows in 2.36 MB; the
time it takes; single lost packets found by comparing counters; and LossRadar's digests.
What the papers published stands beside our figures.

Experiments: memory, accept, time, losses, digests. The paper's network is --k 8, which
needs some 2 GB with 100 000 flows per switch.

With --out, figures.csv and the pictures as SVG and PNG are written to that folder.
The exit status is 0 when everything ran, 2 when not; targets are for tests to hold.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if quick {
				quickFlowset(cmd, &cfg)
			}
			return runEvalFlowset(cmd, cfg, &e)
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Experiment, "experiment", "all", "which: all, "+strings.Join(evalflowset.Experiments(), ", "))
	f.IntVar(&cfg.K, "k", 4, "pods of the fat tree")
	f.IntVar(&cfg.Epochs, "epochs", 10, "epochs of every point")
	f.IntVar(&cfg.LossEpochs, "loss-epochs", 1000, "epochs of the experiment with single losses")
	f.Uint64Var(&cfg.FirstSeed, "first-seed", 1, "chooses the traffic")
	f.IntSliceVar(&cfg.Sizes, "sizes", []int{1000, 10_000}, "flows per switch whose memory is looked for")
	f.IntVar(&cfg.Flows, "flows", 100_000, "flows per switch of the experiments accept and time; memory goes with it")
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
	set("epochs", func() { cfg.Epochs = 2 })
	set("loss-epochs", func() { cfg.LossEpochs = 40 })
	set("sizes", func() { cfg.Sizes = []int{1000} })
	set("flows", func() { cfg.Flows = 5000 })
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
	_, err := fmt.Fprintf(out, "k=%d, %d epochs per point from seed %d\n", res.K, res.Epochs, res.FirstSeed)
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
