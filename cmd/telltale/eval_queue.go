package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/telltale-net/telltale/cmd/internal/evalqueue"
)

func newEvalQueueCmd() *cobra.Command {
	var cfg evalqueue.Config
	var methods []string
	var e evaluation
	var quick bool
	cmd := &cobra.Command{
		Use:   "queue",
		Short: "Who filled the queue: Microscope's experiments, judged by a counterfactual truth",
		Long: `Rerun the experiments of the Microscope paper (SIGCOMM 2020) on a simulated chain of
16 network functions: bursts, interrupts and bugs are injected, methods that know
nothing of them name the culprit of each victim, and the truth, found by running the
chain again without each problem, judges. Figures are medians over the seeds, in
brackets the least and the greatest; what the paper published stands beside them.

Experiments: fig11 (rank of the culprit), fig12 (by kind), fig13 (both sweeps),
sweep-burst, sweep-interrupt, hops, patterns, noise (natural noise and three problems at
once), sizes (packets of many lengths), other (other chains), degrade (records lost,
doubled, late, clocks off), sparse (no start times, no rates, 16-bit ids, five-tuples at
the end only).

With --out, figures.csv and every sweep as SVG and PNG are written to that folder.
The exit status is 0 when everything ran, 2 when not; targets are for tests to hold.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if quick {
				cfg = quickConfig(cmd, cfg)
			}
			for _, m := range methods {
				cfg.Methods = append(cfg.Methods, evalqueue.Method(m))
			}
			return runEvalQueue(cmd, cfg, &e)
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Experiment, "experiment", "all", "which: "+strings.Join(evalqueue.Experiments(), ", "))
	f.IntVar(&cfg.Seeds, "seeds", 10, "runs of every scenario")
	f.Uint64Var(&cfg.FirstSeed, "first-seed", 1, "seed of the first run; the others follow")
	f.DurationVar(&cfg.Duration, "duration", 2*time.Second, "traffic of a run, virtual time; half of it for other chains and bad records")
	f.Float64Var(&cfg.Rate, "rate", 1.2e6, "packets per second of all sources")
	f.IntVar(&cfg.Workers, "workers", runtime.GOMAXPROCS(0), "runs at a time")
	f.StringSliceVar(&methods, "methods", nil, fmt.Sprintf("which methods to compare (default all of %v)", evalqueue.Methods()))
	f.BoolVar(&quick, "quick", false, "two seeds of 400 ms, for a first look")
	e.flags(cmd)
	cmd.AddCommand(newEvalQueueDatasetCmd())
	return cmd
}

// quickConfig is what --quick stands for, where the flags do not say otherwise.
func quickConfig(cmd *cobra.Command, cfg evalqueue.Config) evalqueue.Config {
	if !cmd.Flags().Changed("seeds") {
		cfg.Seeds = 2
	}
	if !cmd.Flags().Changed("duration") {
		cfg.Duration = 400 * time.Millisecond
	}
	return cfg
}

func runEvalQueue(cmd *cobra.Command, cfg evalqueue.Config, e *evaluation) error {
	begin := time.Now()
	var res *evalqueue.Result
	return e.run(cmd, "runs judged",
		func(progress func(done, total int)) (_ any, err error) {
			res, err = evalqueue.Run(cmd.Context(), cfg, time.Now, progress)
			return res, err
		},
		func(to saver) error { return saveEvalQueue(to, res) },
		func(w io.Writer) error { return printEvalQueue(w, res, time.Since(begin)) },
	)
}

func printEvalQueue(out io.Writer, res *evalqueue.Result, took time.Duration) error {
	for i := range res.Tables {
		t := &res.Tables[i]
		var rows [][]string
		for k := range t.Rows {
			rows = append(rows, t.Cells(k))
		}
		if _, err := fmt.Fprintf(out, "%s, %%\n%s\n\n", t.Title, figures(t.Columns(), rows)); err != nil {
			return err
		}
	}
	var rows [][]string
	for _, r := range res.Runs {
		var costs []string
		for _, m := range evalqueue.Methods() {
			if ns, ok := r.CostNanos[m]; ok {
				costs = append(costs, fmt.Sprintf("%s %.0f", m, ns/1e3))
			}
		}
		rows = append(rows, []string{r.Scenario, r.Variant, fmt.Sprint(r.Seeds), fmt.Sprint(r.Problems), fmt.Sprint(r.Victims), fmt.Sprint(r.Judged), fmt.Sprint(r.Unseen), r.Spread.String(), strings.Join(costs, ", ")})
	}
	_, err := fmt.Fprintf(out, "%s\nspread: victims at other nodes than the culprit's; unseen: victims whose record was lost\nmedian (least–greatest) of %d seeds from %d on, %s of %.3g packets/s each; %.0f s\n",
		figures([]string{"scenario", "records", "runs", "problems", "victims", "judged", "unseen", "spread, %", "µs per victim"}, rows), res.Seeds, res.FirstSeed, res.Duration, res.Rate, took.Seconds())
	return err
}

// saveEvalQueue writes the figures, and a picture of every sweep.
func saveEvalQueue(to saver, res *evalqueue.Result) error {
	if err := to("figures.csv", res.WriteCSV); err != nil {
		return err
	}
	drawn := map[string]int{}
	for i := range res.Tables {
		t := &res.Tables[i]
		if !t.Drawable() {
			continue
		}
		name := t.Experiment
		if drawn[name]++; drawn[name] > 1 {
			name = fmt.Sprintf("%s-%d", name, drawn[name])
		}
		if err := savePictures(to, name, t.Draw); err != nil {
			return err
		}
	}
	return nil
}
