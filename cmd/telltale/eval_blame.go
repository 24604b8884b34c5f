package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/telltale-net/telltale/cmd/internal/evalblame"
)

func newEvalBlameCmd() *cobra.Command {
	var cfg evalblame.Config
	var e evaluation
	cmd := &cobra.Command{
		Use:   "blame",
		Short: "Which link lost the packets: 007's simulations, and what they leave out",
		Long: `Rerun the simulations of 007 (NSDI 2018): links of a Clos network of 4160 directed
links fail, methods that know nothing of it are handed the flows of an epoch, and the
truth judges. Likelihood stands beside 007's votes, the binary and the integer program, greedy
cover, and what 007 published. Figures are over seeds: mean, standard error, median, least
and greatest.

Experiments: droprate, failures, skew, quirks (the same with the released simulator's
quirks: flag and count of losses drawn independently, last link left out; all others are
without), noise, connections, size, hard (devices, overlapping failures, little
knowledge), paths (unknown, or known but for ECMP), kinds (corruption or congestion), epochs
(evidence carried over ten epochs), healthy (false alarms). The sweep of skew also
gives the calibration: probability stated and true, by bins, and by setting how many bins are
as stated but for what chance explains (95 of 100).

With --out, figures.csv and every table as SVG and PNG are written to that folder. The exit
status is 0 when everything ran, 2 when not; targets are for tests to hold.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cfg.Quick {
				if !cmd.Flags().Changed("seeds") {
					cfg.Seeds = 2
				}
				if !cmd.Flags().Changed("healthy") {
					cfg.Healthy = 10
				}
			}
			return runEvalBlame(cmd, cfg, &e)
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Experiment, "experiment", "all", "which: "+strings.Join(evalblame.Experiments(), ", "))
	f.IntVar(&cfg.Seeds, "seeds", 30, "epochs of every setting")
	f.Uint64Var(&cfg.FirstSeed, "first-seed", 1, "seed of the first epoch; the others follow")
	f.IntVar(&cfg.Healthy, "healthy", 1000, "epochs without a failure")
	f.IntVar(&cfg.Workers, "workers", runtime.GOMAXPROCS(0), "epochs at a time")
	f.BoolVar(&cfg.Quick, "quick", false, "few settings, two seeds, for a first look")
	e.flags(cmd)
	return cmd
}

func runEvalBlame(cmd *cobra.Command, cfg evalblame.Config, e *evaluation) error {
	begin := time.Now()
	var res *evalblame.Result
	return e.run(cmd, "epochs judged",
		func(progress func(done, total int)) (_ any, err error) {
			res, err = evalblame.Run(cmd.Context(), cfg, progress)
			return res, err
		},
		func(to saver) error { return saveEvalBlame(to, res) },
		func(w io.Writer) error { return printEvalBlame(w, res, time.Since(begin)) },
	)
}

func printEvalBlame(out io.Writer, res *evalblame.Result, took time.Duration) error {
	var err error
	show := func(title string, headers []string, lines [][]string) {
		if err == nil {
			_, err = fmt.Fprintf(out, "%s\n%s\n\n", title, figures(headers, lines))
		}
	}
	for i := range res.Tables {
		t := &res.Tables[i]
		var lines [][]string
		for k := range t.Rows {
			lines = append(lines, t.Lines(k)...)
		}
		show(t.Title+" ("+t.NotWorse()+")", t.Columns(), lines)
	}
	if len(res.Calibration) > 0 {
		var lines, parts [][]string
		for i, c := range res.Calibration {
			for _, b := range c.Bins {
				if i == 0 {
					lines = append(lines, []string{fmt.Sprintf("%.3g", b.Below), fmt.Sprint(b.Links), fmt.Sprintf("%.4f", b.Stated), fmt.Sprintf("%.4f", b.Failed), yes(b.Within)})
				}
			}
			parts = append(parts, []string{c.What, fmt.Sprint(len(c.Bins)), fmt.Sprint(c.Within())})
		}
		show("Calibration, "+res.Calibration[0].What, []string{"stated below", "links", "stated, mean", "failed", "as stated but for chance"}, lines)
		show("Calibration, by setting", []string{"setting", "bins", "as stated but for chance"}, parts)
	}
	if len(res.Kinds) > 0 {
		var lines [][]string
		for _, k := range res.Kinds {
			lines = append(lines, []string{k.What, fmt.Sprint(k.Right), fmt.Sprint(k.Wrong), fmt.Sprint(k.Unknown), fmt.Sprint(k.Missed)})
		}
		show("Corruption or congestion, failed links", []string{"setting", "right", "wrong", "not told apart", "not suspected"}, lines)
	}
	if len(res.Epochs) > 0 {
		var lines [][]string
		for _, e := range res.Epochs {
			lines = append(lines, []string{fmt.Sprint(e.Epoch), fmt.Sprintf("%.4f", e.Found), fmt.Sprintf("%.2f", e.Median), fmt.Sprintf("%.2f", e.Low), fmt.Sprint(e.False)})
		}
		show("10 failures at 80 % skew, evidence carried: failed links found", []string{"epoch", "mean", "median", "least", "false, all seeds"}, lines)
	}
	if h := res.Healthy; h != nil && err == nil {
		_, err = fmt.Fprintf(out, "%d healthy epochs: %d with a false alarm by likelihood (largest probability %.4f), %d by votes\n\n", h.Epochs, h.Alarms[evalblame.Ours], h.Largest, h.Alarms[evalblame.Votes])
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "not worse: yes = no mean of accuracy, precision and F1 is below 007's; chance = below by at most two standard errors\n%d seeds from %d on; %.0f s\n", res.Seeds, res.FirstSeed, took.Seconds())
	return err
}

func yes(x bool) string {
	if x {
		return "yes"
	}
	return "no"
}

// saveEvalBlame writes the figures, and a picture of every table by every measure.
func saveEvalBlame(to saver, res *evalblame.Result) error {
	if err := to("figures.csv", res.WriteCSV); err != nil {
		return err
	}
	for i := range res.Tables {
		t := &res.Tables[i]
		for _, m := range evalblame.Measures() {
			draw := func(w io.Writer, format string) error { return t.Draw(w, m, format) }
			if err := savePictures(to, fmt.Sprintf("%s-%s", t.Experiment, m), draw); err != nil {
				return err
			}
		}
	}
	return nil
}
