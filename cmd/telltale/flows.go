package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/postcards"
	"github.com/telltale-net/telltale/cmd/internal/analyzeflowset"
	"github.com/telltale-net/telltale/cmd/internal/collect"
	"github.com/telltale-net/telltale/cmd/internal/recordlog"
	"github.com/telltale-net/telltale/collector/block"
	"github.com/telltale-net/telltale/collector/journal"
)

// flowSource is where flows and losses come from: files of flow sets, or a log of
// postcards and its topology.
type flowSource struct {
	opt      analyzeflowset.Options
	log      collect.Log
	from, to string // of the log
	topology string
	format   string
	show     analyzeflowset.Filter
}

func (s *flowSource) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.format, "format", string(analyzeflowset.Text), "how to write the answer: text or json")
	flowsetFlags(cmd, &s.opt)
	s.log.Flags(f)
	f.StringVar(&s.from, "from", "", "of a log: received at or after: RFC 3339, ns since 1970, or how long ago (15m)")
	f.StringVar(&s.to, "to", "", "of a log: received before: the same")
	f.StringVar(&s.topology, "topology", "", "topology file: names switches and links")
	f.StringSliceVar(&s.show.Prefixes, "prefix", nil, "show only flows from or to these prefixes")
	f.Int64Var(&s.show.Epoch, "epoch", -1, "show only this epoch (-1 = all)")
	f.IntVar(&s.show.Limit, "limit", 0, "show at most so many flows of an epoch (0 = all, or 10 in words)")
}

// fromLog reports whether the records come from a log.
func (s *flowSource) fromLog(args []string) (bool, error) {
	log := s.log.Data != "" || s.log.NATS != ""
	if log == (len(args) > 0) || log && s.topology == "" {
		return false, fmt.Errorf("got %d files, --data %q and --topology %q; want files, or a log and a topology", len(args), s.log.Data, s.topology)
	}
	return log, nil
}

// network reads the topology; nil where none is named.
func (s *flowSource) network(cmd *cobra.Command) (*analyzers.Network, error) {
	if s.topology == "" {
		return nil, nil
	}
	fabric, err := readTopology(s.topology, cmd.InOrStdin())
	if err != nil {
		return nil, err
	}
	return analyzers.NewNetwork(fabric)
}

// query is the window of the log. It has no other conditions: a packet whose postcards are
// chosen by what each says looks lost behind those that are left out.
func (s *flowSource) query(now time.Time) (q block.Query, err error) {
	if q.From, err = recordlog.Instant(s.from, now); err != nil {
		return q, fmt.Errorf("--from: %w", err)
	}
	if q.To, err = recordlog.Instant(s.to, now); err != nil {
		return q, fmt.Errorf("--to: %w", err)
	}
	return q, nil
}

// count tells of the epochs of the log's postcards, and says what is missing of the
// reports. done is called behind the last epoch.
func (s *flowSource) count(cmd *cobra.Command, net *analyzers.Network, cfg postcards.Config, use func(*postcards.Epoch) error, done func(postcards.Stats) error) error {
	q, err := s.query(time.Now())
	if err != nil {
		return err
	}
	return withLog(cmd.Context(), &s.log, func(j *journal.Journal) error {
		var read journal.ReadStats
		stats, err := recordlog.Epochs(cmd.Context(), recordlog.FromLog(j, q, &read), net, cfg, use)
		if err != nil {
			return err
		}
		fmt.Fprintln(cmd.ErrOrStderr(), recordlog.Note(&read))
		if stats.Unnamed+stats.Room+stats.Late > 0 {
			fmt.Fprintf(cmd.ErrOrStderr(), "%d postcards without packet id or of unknown nodes, %d of packets left out for want of room, %d too late for their epoch\n", stats.Unnamed, stats.Room, stats.Late)
		}
		if err := done(stats); err != nil {
			return err
		}
		if err := writeLoss(cmd, recordlog.LedgerOf(j), &q, s.format == string(analyzeflowset.JSON)); err != nil {
			return err
		}
		if read.Damaged > 0 {
			return errWrong
		}
		return nil
	})
}

// decoded reads and decodes the files.
func (s *flowSource) decoded(cmd *cobra.Command, args []string, use func([]*flowset.Decoded, *analyzeflowset.Summary) error) error {
	inputs, done, err := openInputs(cmd, args)
	if err != nil {
		return err
	}
	defer done()
	all, sum, err := analyzeflowset.Decoded(cmd.Context(), inputs, s.opt)
	if err == nil {
		err = use(all, &sum)
	}
	return flowsetSummary(cmd, &sum, err)
}

func newFlowsCmd() *cobra.Command {
	var s flowSource
	var out flowOutputs
	cmd := &cobra.Command{
		Use:   "flows [flags] {FILE|-… | --data DIR|--nats URL --topology FILE}",
		Short: "Every flow's packets at every hop",
		Long: `Show how many packets of every flow every switch saw, epoch by epoch: from encoded flow
sets (see docs/datasets.md), or counted off the postcards of the collector's log, where
an epoch is a period of 8.192 ms of the source vswitch's clock.

A packet that hops further on reported counts as seen by a hop whose postcard is missing.
With a log, the loss of the reports of the window is said, too: with --format json in a
last line {"loss": …}.

With --ipfix the flows are sent instead of shown, each with its node and epoch (templates
262 and 263 of docs/outputs.md), those of a log with the times at which they were.

The exit status is 0 when everything was read, 1 when something was malformed, and 2 when
the input or output itself failed.`,
		Example: `  telltale flows --data /var/lib/telltale --topology fabric.yaml --from 15m --limit 20
  telltale flows --ipfix 127.0.0.1:4739 --epoch-length 10ms --epoch-zero 2026-11-22T06:00:00Z sets.jsonl`,
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault),
		RunE: func(cmd *cobra.Command, args []string) error {
			format := analyzeflowset.Format(s.format)
			log, err := s.fromLog(args)
			if err != nil {
				return err
			}
			net, err := s.network(cmd)
			if err != nil {
				return err
			}
			to, err := out.open(cmd, net, !log, false, &s.show)
			if err != nil {
				return err
			}
			defer to.abandon()
			switch {
			case log:
				err = s.count(cmd, net, postcards.Config{Counts: true}, func(e *postcards.Epoch) error {
					if to != nil {
						e.Flows = nil
						return to.epoch(e, 0)
					}
					return analyzeflowset.WriteFlows(cmd.OutOrStdout(), e.Decoded(net), s.show, format)
				}, to.close)
			case to != nil:
				err = s.decoded(cmd, args, func(all []*flowset.Decoded, _ *analyzeflowset.Summary) error { return to.flows(all) })
			default:
				err = s.decoded(cmd, args, func(all []*flowset.Decoded, _ *analyzeflowset.Summary) error {
					return analyzeflowset.WriteFlows(cmd.OutOrStdout(), all, s.show, format)
				})
			}
			return err
		},
	}
	s.flags(cmd)
	out.ipfixFlags(cmd)
	cmd.Flags().StringSliceVar(&s.show.Nodes, "at", nil, "show only flows that these nodes saw")
	return cmd
}
