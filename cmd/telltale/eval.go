package main

import "github.com/spf13/cobra"

func newEvalCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "eval",
		Short: "Rerun the experiments of the papers that the analyzers come from",
	}
	cmd.AddCommand(newEvalQueueCmd(), newEvalBlameCmd(), newEvalFlowsetCmd())
	return cmd
}
