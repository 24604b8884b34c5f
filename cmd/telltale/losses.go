package main

import (
	"github.com/spf13/cobra"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/loss"
	"github.com/telltale-net/telltale/analyzers/flowset/postcards"
	"github.com/telltale-net/telltale/cmd/internal/analyzeflowset"
)

func newLossesCmd() *cobra.Command {
	var s flowSource
	var flowlets, byFlow bool
	var out flowOutputs
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

With --ipfix the losses of flows are sent instead of shown (templates 264 and 265 of
docs/outputs.md), with --remote-write the metrics telltale_flowset_…, as the collector has
them, at the times at which they would have been so; --format prometheus writes these as
text that VictoriaMetrics imports. Of files, when the epochs were must be said.

The exit status is 0 when everything was read, 1 when something was malformed, and 2 when
the input or output itself failed.`,
		Example: `  telltale losses --data /var/lib/telltale --topology fabric.yaml --from 1h
  telltale losses --data /var/lib/telltale --topology fabric.yaml --from 24h --remote-write http://127.0.0.1:8428/api/v1/write
  telltale losses --data log --topology fabric.yaml --format prometheus | curl --data-binary @- http://127.0.0.1:8428/api/v1/import/prometheus
  telltale losses --ipfix 127.0.0.1:4739 --epoch-length 10ms --epoch-zero 1h sets.jsonl`,
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault),
		RunE: func(cmd *cobra.Command, args []string) error {
			format := analyzeflowset.Format(s.format)
			log, err := s.fromLog(args)
			if err != nil {
				return err
			}
			cfg := loss.Config{Flowlets: flowlets}
			net, err := s.network(cmd)
			if err != nil {
				return err
			}
			to, err := out.open(cmd, net, !log, s.format == prometheus, &s.show)
			if err != nil {
				return err
			}
			defer to.abandon()
			switch {
			case log && to != nil:
				return s.count(cmd, net, postcards.Config{}, func(e *postcards.Epoch) error { return to.epoch(e, 0) }, to.close)
			case log && byFlow:
				w, err := analyzeflowset.NewLossWriter(cmd.OutOrStdout(), s.show, format)
				if err != nil {
					return err
				}
				return s.count(cmd, net, postcards.Config{}, w.Postcards, func(postcards.Stats) error { return w.Flush() })
			case log:
				var sum postcards.Totals
				return s.count(cmd, net, postcards.Config{}, func(e *postcards.Epoch) error {
					sum.Add(e)
					return nil
				}, func(stats postcards.Stats) error {
					return analyzeflowset.WritePorts(cmd.OutOrStdout(), &sum, stats, format)
				})
			}
			if net != nil {
				cfg.Links = analyzeflowset.Links(net)
			}
			s.opt.OwnClocks = flowlets
			return s.decoded(cmd, args, func(all []*flowset.Decoded, sum *analyzeflowset.Summary) error {
				cfg.Links = append(cfg.Links, sum.Links...)
				if to != nil {
					return to.losses(all, loss.NewMap(cfg))
				}
				err := analyzeflowset.WriteLosses(cmd.OutOrStdout(), all, loss.NewMap(cfg), s.show, format)
				if err == nil {
					err = analyzeflowset.WriteSegments(cmd.OutOrStdout(), sum.Segments, s.show, format)
				}
				return err
			})
		},
	}
	s.flags(cmd)
	cmd.Flags().Lookup("format").Usage = "how to write the answer: text, json or prometheus (metrics with their times)"
	out.ipfixFlags(cmd)
	out.metricsFlags(cmd)
	cmd.Flags().BoolVar(&flowlets, "flowlets", false, "epochs are not carried by packets: compare flows when they fall silent")
	cmd.Flags().BoolVar(&byFlow, "flows", false, "with a log: epoch by epoch and flow by flow")
	return cmd
}
