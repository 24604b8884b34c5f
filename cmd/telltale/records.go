package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/telltale-net/telltale/cmd/internal/collect"
	"github.com/telltale-net/telltale/cmd/internal/recordlog"
	"github.com/telltale-net/telltale/collector/block"
	"github.com/telltale-net/telltale/collector/journal"
	"github.com/telltale-net/telltale/collector/report/profile"
)

func newRecordsCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "records",
		Short: "Look into a log of records",
	}
	const which = `

The log is a folder (--data), which no other process may have open, or on a NATS cluster
(--nats). The filters narrow it down; blocks that cannot hold what they ask for are not
opened. The loss of the reports of the window is said, too: with --format json in a last
line {"loss": …} (stat: in its field "loss"). The exit status is 1 when blocks were damaged
and left out.`
	cmd.AddCommand(
		newRecordsSubCmd("ls", "List the blocks of a log", "List the blocks of a log that may hold what the filters ask for."+which, listRecords),
		newRecordsSubCmd("cat", "Print the records of a log", "Print the records of a log, as a table or as JSON Lines."+which, catRecords),
		newRecordsSubCmd("stat", "Count the records of a log", "Count the records of a log by node and drop reason."+which, statRecords),
	)
	return cmd
}

// recordsFlags are the flags that all commands about a log share.
type recordsFlags struct {
	log     collect.Log
	filter  recordlog.Filter
	format  string
	reasons string
}

func newRecordsSubCmd(use, short, long string, run func(*cobra.Command, *journal.Journal, block.Query, recordlog.Output) (journal.ReadStats, error)) *cobra.Command {
	var f recordsFlags
	cmd := &cobra.Command{
		Use: use + " --data DIR [flags]", Short: short, Long: long, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q, err := f.filter.Query(time.Now())
			if err != nil {
				return err
			}
			out, err := f.output()
			if err != nil {
				return err
			}
			return withLog(cmd.Context(), &f.log, func(j *journal.Journal) error {
				stats, err := run(cmd, j, q, out)
				if err != nil {
					return err
				}
				fmt.Fprintln(cmd.ErrOrStderr(), recordlog.Note(&stats))
				if use != "stat" {
					if err := writeLoss(cmd, recordlog.LedgerOf(j), &q, out.JSON); err != nil {
						return err
					}
				}
				if stats.Damaged > 0 {
					return errWrong
				}
				return nil
			})
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	f.log.Flags(fs)
	f.filter.Flags(fs, "from", "to")
	fs.StringVar(&f.format, "format", "text", "how to print: text or json")
	fs.StringVar(&f.reasons, "reasons", profile.Telltale.Name, "emitter whose names drop reasons get: "+strings.Join(profile.Names(), ", "))
	return cmd
}

// writeLoss writes what of the reports of a window did not arrive, or could not be read or
// kept: behind JSON as its last line, else beside the output.
func writeLoss(cmd *cobra.Command, losses recordlog.Ledger, q *block.Query, asJSON bool) error {
	loss, err := losses.Loss(cmd.Context(), q)
	if err != nil {
		return err
	}
	fmt.Fprintln(cmd.ErrOrStderr(), &loss)
	if !asJSON {
		return nil
	}
	return recordlog.WriteLoss(cmd.OutOrStdout(), &loss)
}

func (f *recordsFlags) output() (recordlog.Output, error) {
	p := profile.ByName(f.reasons)
	if p == nil {
		return recordlog.Output{}, fmt.Errorf("--reasons: got %q, want one of %s", f.reasons, strings.Join(profile.Names(), ", "))
	}
	if f.format != "text" && f.format != "json" {
		return recordlog.Output{}, fmt.Errorf("--format: got %q, want text or json", f.format)
	}
	return recordlog.Output{JSON: f.format == "json", Reasons: p.Reasons}, nil
}

// withLog opens a log for reading while f runs.
func withLog(ctx context.Context, log *collect.Log, f func(*journal.Journal) error) (err error) {
	cfg, err := log.Reading()
	if err != nil {
		return err
	}
	j, err := journal.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close(context.WithoutCancel(ctx))) }()
	return f(j)
}

func listRecords(cmd *cobra.Command, j *journal.Journal, q block.Query, out recordlog.Output) (journal.ReadStats, error) {
	return recordlog.List(cmd.Context(), cmd.OutOrStdout(), j, &q, out)
}

func catRecords(cmd *cobra.Command, j *journal.Journal, q block.Query, out recordlog.Output) (journal.ReadStats, error) {
	return recordlog.Cat(cmd.Context(), cmd.OutOrStdout(), j, q, out)
}

func statRecords(cmd *cobra.Command, j *journal.Journal, q block.Query, out recordlog.Output) (journal.ReadStats, error) {
	s, stats, err := recordlog.Count(cmd.Context(), j, q, out.Reasons)
	if err != nil {
		return stats, err
	}
	return stats, writeStat(cmd.OutOrStdout(), &s, out.JSON)
}

func writeStat(w io.Writer, s *recordlog.Stat, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(s)
	}
	return s.Write(w)
}
