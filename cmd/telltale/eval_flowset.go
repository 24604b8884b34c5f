package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/lipgloss/table"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/telltale-net/telltale/cmd/internal/evalflowset"
)

func newEvalFlowsetCmd() *cobra.Command {
	var cfg evalflowset.Config
	var format, out string
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
			return runEvalFlowset(cmd, cfg, format, out)
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
	f.StringVar(&out, "out", "", "folder for figures.csv and the plots")
	f.StringVar(&format, "format", "text", "text or json")
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

func runEvalFlowset(cmd *cobra.Command, cfg evalflowset.Config, format, out string) error {
	if format != "text" && format != "json" {
		return fmt.Errorf("unknown format %q; want json or text", format)
	}
	progress := func(_, _ int) {}
	if isTerminal(cmd.ErrOrStderr()) {
		bar := progressbar.NewOptions(-1, progressbar.OptionSetWriter(cmd.ErrOrStderr()), progressbar.OptionSetWidth(30),
			progressbar.OptionSetDescription("epochs"), progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
		defer func() { _ = bar.Finish() }() // the screen is not the result
		progress = func(done, total int) {
			bar.ChangeMax(total)
			_ = bar.Set(done)
		}
	}
	res, err := evalflowset.Run(cmd.Context(), cfg, processorClock, progress)
	if err != nil {
		return err
	}
	if out != "" {
		if err := writeFlowsetFiles(out, res); err != nil {
			return err
		}
	}
	if format == "json" {
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetIndent("", "  ")
		err = enc.Encode(res)
	} else {
		err = printEvalFlowset(cmd.OutOrStdout(), res)
	}
	if err != nil {
		return fmt.Errorf("cannot print the result: %w", err)
	}
	return nil
}

func printEvalFlowset(out io.Writer, res *evalflowset.Result) error {
	for _, t := range res.Tables {
		tab := table.New().Border(lipgloss.NormalBorder()).Headers(t.Columns...).
			StyleFunc(func(_, _ int) lipgloss.Style { return lipgloss.NewStyle().Padding(0, 1) })
		for _, row := range t.Rows {
			tab.Row(row...)
		}
		if _, err := fmt.Fprintf(out, "%s\n%s\n\n", t.Title, tab.Render()); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "k=%d, %d epochs per point from seed %d\n", res.K, res.Epochs, res.FirstSeed)
	return err
}

// writeFlowsetFiles writes the figures and the pictures into a folder.
func writeFlowsetFiles(dir string, res *evalflowset.Result) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("cannot make the folder for the figures: %w", err)
	}
	write := func(name string, to func(io.Writer) error) error {
		var b bytes.Buffer
		if err := to(&b); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil {
			return fmt.Errorf("cannot write the figures: %w", err)
		}
		return nil
	}
	if err := write("figures.csv", res.WriteCSV); err != nil {
		return err
	}
	for i := range res.Tables {
		t := &res.Tables[i]
		if len(t.Lines) == 0 {
			continue
		}
		for _, format := range []string{"svg", "png"} {
			name := fmt.Sprintf("%s-%d.%s", t.Experiment, i, format)
			if err := write(name, func(w io.Writer) error { return t.Draw(w, format) }); err != nil {
				return err
			}
		}
	}
	return nil
}
