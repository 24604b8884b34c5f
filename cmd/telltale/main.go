// Command telltale says which queue, link, switch, rule or tenant made a packet
// late or lost, with the evidence.
//
// This folder holds flags and wiring, nothing else.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// errWrong ends the program with status 1 without a message: what was wrong has
// been printed already, as the result of the command.
var errWrong = errors.New("wrong result")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := newRootCmd().ExecuteContext(ctx)
	stop()
	switch {
	case err == nil:
	case errors.Is(err, errWrong):
		os.Exit(1)
	default:
		fmt.Fprintf(os.Stderr, "telltale: %v\n", err)
		os.Exit(2)
	}
}

func newRootCmd() *cobra.Command {
	root := &cobra.Command{
		Use:           "telltale",
		Short:         "Which queue, link, switch, rule or tenant made a packet late or lost",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newAnalyzeCmd(), newBlameCmd(), newCollectCmd(), newDemoCmd(), newEvalCmd(), newFlowsCmd(), newLossesCmd(), newRecordCmd(), newRecordsCmd(), newReplayCmd(), newReportsCmd(), newSwitchCmd(), newTopologyCmd())
	return root
}
