package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/telltale-net/telltale/cmd/internal/evalqueue"
)

func newEvalQueueDatasetCmd() *cobra.Command {
	var d evalqueue.DataSet
	var truth, ids string
	cmd := &cobra.Command{
		Use:   "dataset [flags] FILE",
		Short: "Write a run's records and the truth about it, for any tool to be judged by",
		Long: `Write one simulated run as a data set of the queue analyzers, JSON Lines, and the
truth about it to a file beside it: the problems, then every victim with its record's
line, its problem, and by how much that problem delayed it. Feed the data set to
"telltale analyze queue", or to anything else.

A second of 1.2 million packets makes about 5.5 million records and 1.2 GB.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if truth == "" {
				truth = args[0] + ".truth"
			}
			return writeDataset(&d, args[0], truth, ids)
		},
	}
	f := cmd.Flags()
	f.StringVar(&d.Scenario, "scenario", "paper", "which: "+strings.Join(evalqueue.Scenarios(), ", "))
	f.Uint64Var(&d.Seed, "seed", 1, "chooses traffic and problems")
	f.DurationVar(&d.Duration, "duration", 500*time.Millisecond, "traffic, virtual time")
	f.Float64Var(&d.Rate, "rate", 1.2e6, "packets per second of all sources")
	f.Float64Var(&d.Records.Loss, "loss", 0, "share of the records that are missing")
	f.Float64Var(&d.Records.Duplicate, "duplicate", 0, "share of the records that come twice")
	f.Float64Var(&d.Records.Reorder, "reorder", 0, "share of the records that come late")
	f.DurationVar(&d.Records.Clock, "clock-error", 0, "how far each node's clock may be off, either way")
	f.BoolVar(&d.ShortIDs, "short-ids", false, "packets have the 16 bits of their IP header as id")
	f.BoolVar(&d.NoRates, "no-rates", false, "do not say how fast nodes are")
	f.StringVar(&truth, "truth", "", "file for the truth (default FILE.truth)")
	f.StringVar(&ids, "ids", "", "file for every record's true packet number, a line each")
	return cmd
}

func writeDataset(d *evalqueue.DataSet, data, truth, ids string) error {
	var files []*os.File
	create := func(name string) (io.Writer, error) {
		f, err := os.Create(name)
		if err != nil {
			return nil, fmt.Errorf("cannot write a data set: %w", err)
		}
		files = append(files, f)
		return f, nil
	}
	dataOut, err := create(data)
	if err != nil {
		return err
	}
	truthOut, err := create(truth)
	if err == nil {
		var idsOut io.Writer
		if ids != "" {
			idsOut, err = create(ids)
		}
		if err == nil {
			err = d.Write(dataOut, truthOut, idsOut)
		}
	}
	for _, f := range files {
		if closeErr := f.Close(); closeErr != nil && err == nil {
			err = fmt.Errorf("cannot write a data set: %w", closeErr)
		}
	}
	return err
}
