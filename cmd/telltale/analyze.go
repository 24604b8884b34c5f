package main

import "github.com/spf13/cobra"

func newAnalyzeCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "analyze",
		Short: "Analyse a recorded data set",
	}
	cmd.AddCommand(newAnalyzeBlameCmd(), newAnalyzeFlowsetCmd(), newAnalyzeQueueCmd())
	return cmd
}
