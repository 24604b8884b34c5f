package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/telltale-net/telltale/bmv2/runner"
)

func newSwitchTraceCmd() *cobra.Command {
	var s setupFlags
	var format string
	cmd := &cobra.Command{
		Use:   "trace --program P.json --p4info P.txtpb [--write ENTRIES.txtpb] --in PORT=FILE … | --in PORT=hex:DIGITS",
		Short: "Tell every step of packets through a switch",
		Long: `Tell every step of packets through a switch: parser states, table keys and the entry
that was hit, actions with arguments, fields before and after, conditions, queues, clones,
drops with their reason, and what left. Time is virtual, as in replay. With --format json every packet
is one object on a line of its own.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			setup, err := s.setup()
			if err != nil {
				return err
			}
			inputs, done, err := s.open(cmd, "tracing")
			if err != nil {
				return err
			}
			defer done()
			out := cmd.OutOrStdout()
			first := true
			return runner.Trace(cmd.Context(), runner.TraceConfig{Setup: setup, Inputs: inputs}, func(w *runner.Walk) (err error) {
				if format == "json" {
					err = json.NewEncoder(out).Encode(w)
				} else {
					gap := "\n"
					if first {
						gap = ""
					}
					_, err = fmt.Fprint(out, gap, w.Text())
				}
				first = false
				if err != nil {
					return fmt.Errorf("cannot print a walk: %w", err)
				}
				return nil
			})
		},
	}
	s.register(cmd, true)
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	return cmd
}
