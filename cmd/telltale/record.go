package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/telltale-net/telltale/cmd/internal/collect"
	"github.com/telltale-net/telltale/cmd/internal/recordlog"
	"github.com/telltale-net/telltale/collector"
	"github.com/telltale-net/telltale/collector/journal"
)

func newRecordCmd() *cobra.Command {
	var log collect.Log
	var from string
	var port uint16
	var profiles, domains []string
	cmd := &cobra.Command{
		Use:   "record --from FILE --data DIR [flags]",
		Short: "Put the telemetry of a capture into a log",
		Long: `Read Telemetry Reports and data packets with INT from a pcap or pcapng file ("-" is the
standard input) and put their records into a log, the times of the capture being when
they were received. "telltale collect" does the same from the network.

Nothing is ever removed from the log: its limits of age and size are lifted. The exit
status is 0 when everything was read and kept, 1 when something was malformed, 2 when
the input or the log failed.`,
		Example: "  telltale record --from capture.pcap --port 9555 --data DIR",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			cfg := collector.DefaultConfig()
			if err := collect.Decoding(&cfg, profiles, domains); err != nil {
				return err
			}
			var sum recordlog.Captured
			source, done, err := captureSource(cmd, from, cfg, port, &sum)
			if err != nil {
				return err
			}
			defer done()
			conf := log.Config()
			conf.MaxAge, conf.MaxBytes = 0, 0
			j, err := journal.Open(cmd.Context(), conf)
			if err != nil {
				return err
			}
			err = recordlog.Record(cmd.Context(), source, sum.Ledger(), j)
			err = errors.Join(err, j.Close(context.WithoutCancel(cmd.Context())))
			fmt.Fprintln(cmd.ErrOrStderr(), &sum)
			if err != nil {
				return err
			}
			if s := j.Stats(); s.Stored != sum.Records {
				return fmt.Errorf("the log kept %d of %d records: %s", s.Stored, sum.Records, s.Alarm)
			}
			if sum.Malformed > 0 {
				return errWrong
			}
			return nil
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&from, "from", "", "pcap or pcapng file, - for the standard input")
	fs.Uint16Var(&port, "port", 0, "only datagrams to this UDP port are reports (0 = all)")
	log.Flags(fs)
	collect.DecodingFlags(fs, &profiles, &domains)
	if err := cmd.MarkFlagRequired("from"); err != nil {
		panic("BUG: " + err.Error())
	}
	return cmd
}

// captureSource returns a source of the records of a capture, and what ends it.
func captureSource(cmd *cobra.Command, path string, cfg collector.Config, port uint16, sum *recordlog.Captured) (recordlog.Source, func(), error) {
	if path == "-" {
		return recordlog.FromCapture(cmd.InOrStdin(), cfg, port, sum), func() {}, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the capture: %w", err)
	}
	r, shown := watched(cmd, f, "reading")
	return recordlog.FromCapture(r, cfg, port, sum), func() {
		shown()
		f.Close()
	}, nil
}
