package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/telltale-net/telltale/cmd/internal/analyzeblame"
)

func newAnalyzeBlameCmd() *cobra.Command {
	var opt analyzeblame.Options
	var format, method string
	cmd := &cobra.Command{
		Use:   "blame [flags] FILE|-…",
		Short: "Which link lost these flows' packets",
		Long: `Read flows with their paths and losses (JSON Lines, see docs/datasets.md; gzip and zstd
are unpacked; "-" is the standard input) and say which links lost packets, how certain
that is, and what caused each flow's loss: a link, noise, or unknown.

Methods: likelihood weighs each link's losses against all packets that crossed it and
estimates the noise from the data; votes is 007 (NSDI'18) to the letter. For comparison:
binary is the fewest links that explain all losses, integer the same with losses given
to links, cover picks greedily; these and votes know certain paths only.

A flow may have several possible paths, or one with gaps; a line may also be a link's or a
device's counters, or what a queue looked like when packets were lost, which tells corruption
from congestion.

Several files are one data set, or, with --epochs, one epoch each, in order: one answer a
file, and likelihood carries the evidence of a file to the next ones.

A summary goes to the standard error. The exit status is 0 when everything was read, 1
when lines were malformed, and 2 when the input or output itself failed.`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault),
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.Format, opt.Method = analyzeblame.Format(format), analyzeblame.Method(method)
			return runAnalyzeBlame(cmd, args, opt)
		},
	}
	f := cmd.Flags()
	f.StringVar(&format, "format", string(analyzeblame.Text), "how to write the answer: text or json")
	f.StringVar(&method, "method", string(analyzeblame.Likelihood), fmt.Sprintf("how: one of %v", analyzeblame.Methods()))
	f.BoolVar(&opt.Epochs, "epochs", false, "each file is one epoch: answer each, given the ones before")
	f.IntVar(&opt.Limit, "max-flows", analyzeblame.DefaultLimit, "flows held in memory at most, some 50 bytes each")
	return cmd
}

func runAnalyzeBlame(cmd *cobra.Command, args []string, opt analyzeblame.Options) error {
	inputs, done, err := openInputs(cmd, args)
	if err != nil {
		return err
	}
	defer done()
	sum, err := analyzeblame.Run(cmd.Context(), cmd.OutOrStdout(), inputs, opt)
	for _, p := range sum.Problems {
		fmt.Fprintln(cmd.ErrOrStderr(), p)
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
