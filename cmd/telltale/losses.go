package main

import (
	"github.com/spf13/cobra"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/postcards"
	"github.com/telltale-net/telltale/cmd/internal/analyzeflowset"
)

func newLossesCmd() *cobra.Command {
	var s flowSource
	var flowlets, byFlow bool
	cmd := &cobra.Command{
		Use:   "losses [flags] {FILE|-… | --data DIR|--nats URL --topology FILE}",
		Short: "Which link lost how many packets of which flows",
		Long: `Compare what switches counted of the same packets, epoch by epoch: lost packets per
link, device and flow, loops, and black holes. From encoded flow sets (see
docs/datasets.md; links come from the data set or from --topology), from digests of the
packets at both ends of a segment (LossRadar), which tell every lost packet and why it was
lost, or from the postcards
of the collector's log, where a missing postcard is told from a missing packet as far as
the other hops allow; the loss of the reports of the window is said, too, with --format
json in a last line {"loss": …}.

With --flowlets the epochs are those of the switches' own clocks, and a flow is compared
once it has been silent for an epoch (FlowRadar); without, packets carry their epoch and
every epoch is exact.

The exit status is 0 when everything was read, 1 when something was malformed, and 2 when
the input or output itself failed.`,
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault),
		RunE: func(cmd *cobra.Command, args []string) error {
			format := analyzeflowset.Format(s.format)
			log, err := s.fromLog(args)
			if err != nil {
				return err
			}
			cfg := flowset.LossConfig{Flowlets: flowlets}
			if log {
				return s.count(cmd, postcards.Config{Flows: byFlow}, func(w *postcards.Window) error {
					if byFlow {
						return analyzeflowset.WriteLosses(cmd.OutOrStdout(), w.Flows, flowset.NewLossMap(cfg), s.show, format)
					}
					return analyzeflowset.WritePorts(cmd.OutOrStdout(), w, format)
				})
			}
			if s.topology != "" {
				net, err := s.network(cmd)
				if err != nil {
					return err
				}
				cfg.Links = analyzeflowset.Links(net)
			}
			inputs, done, err := openInputs(cmd, args)
			if err != nil {
				return err
			}
			defer done()
			all, sum, err := analyzeflowset.Decoded(cmd.Context(), inputs, s.opt)
			if err == nil {
				cfg.Links = append(cfg.Links, sum.Links...)
				err = analyzeflowset.WriteLosses(cmd.OutOrStdout(), all, flowset.NewLossMap(cfg), s.show, format)
			}
			if err == nil {
				err = analyzeflowset.WriteSegments(cmd.OutOrStdout(), sum.Segments, s.show, format)
			}
			return flowsetSummary(cmd, &sum, err)
		},
	}
	s.flags(cmd)
	cmd.Flags().BoolVar(&flowlets, "flowlets", false, "epochs are not carried by packets: compare flows when they fall silent")
	cmd.Flags().BoolVar(&byFlow, "flows", false, "with a log: epoch by epoch and flow by flow")
	return cmd
}
