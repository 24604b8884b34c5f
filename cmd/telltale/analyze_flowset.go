package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/telltale-net/telltale/analyzers/flowset/jsonl"
	"github.com/telltale-net/telltale/cmd/internal/analyzeflowset"
)

func newAnalyzeFlowsetCmd() *cobra.Command {
	var opt analyzeflowset.Options
	var format string
	var out flowOutputs
	cmd := &cobra.Command{
		Use:   "flowset [flags] FILE|-…",
		Short: "Decode encoded flow sets: every flow's packets at every node",
		Long: `Read encoded flow sets (JSON Lines, one object per node and epoch, see docs/datasets.md;
gzip and zstd are unpacked; "-" is the standard input) and decode them, those of one
epoch with each other's help: one line per flow and node, and a last line that says how
much could be decoded and what is missing. Counts are exact; a flow whose packets could
not be determined has null. With --ipfix they are sent instead of written (templates 262 and
263 of docs/outputs.md).

A summary goes to the standard error. The exit status is 0 when everything was read, 1
when objects were malformed, and 2 when the input or output itself failed.`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault),
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.Format = analyzeflowset.Format(format)
			to, err := out.open(cmd, nil, true, false, &analyzeflowset.Filter{Epoch: -1})
			if err != nil {
				return err
			}
			defer to.abandon()
			inputs, done, err := openInputs(cmd, args)
			if err != nil {
				return err
			}
			defer done()
			if to != nil {
				all, sum, err := analyzeflowset.Decoded(cmd.Context(), inputs, opt)
				if err == nil {
					err = to.flows(all)
				}
				return flowsetSummary(cmd, &sum, err)
			}
			sum, err := analyzeflowset.Run(cmd.Context(), cmd.OutOrStdout(), inputs, opt)
			return flowsetSummary(cmd, &sum, err)
		},
	}
	f := cmd.Flags()
	f.StringVar(&format, "format", string(analyzeflowset.JSON), "how to write the answer: json or text (coverage only)")
	flowsetFlags(cmd, &opt)
	out.ipfixFlags(cmd)
	return cmd
}

// flowsetFlags defines how flow sets are read and decoded.
func flowsetFlags(cmd *cobra.Command, opt *analyzeflowset.Options) {
	f := cmd.Flags()
	f.BoolVar(&opt.Alone, "alone", false, "decode each flow set by itself")
	f.IntVar(&opt.MaxCells, "max-cells", jsonl.DefaultMaxCells, "cells held in memory at most, some 100 bytes each")
	f.IntVar(&opt.Workers, "workers", 0, "threads (0 = one per processor)")
}

// flowsetSummary writes what was read to the standard error.
func flowsetSummary(cmd *cobra.Command, sum *analyzeflowset.Summary, err error) error {
	for _, p := range sum.Problems {
		fmt.Fprintln(cmd.ErrOrStderr(), p)
	}
	for _, n := range sum.Notes {
		fmt.Fprintln(cmd.ErrOrStderr(), n)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(cmd.ErrOrStderr(), sum)
	if sum.Stats.Bad > 0 {
		return errWrong
	}
	return nil
}
