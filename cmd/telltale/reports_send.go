package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/telltale-net/telltale/collector/report/send"
)

func newReportsSendCmd() *cobra.Command {
	var cfg send.Config
	var to, rate, format string
	cmd := &cobra.Command{
		Use:   "send --to HOST:PORT [flags]",
		Short: "Send telemetry reports whose numbers are known: a load generator",
		Long: `Send Telemetry Reports 2.0 with known sequence numbers, node ids and records to a
collector, at a rate or as fast as the system takes them, and print what was sent: in
all, and of every source the last sequence number, so that a receiver can be judged.

Every source is a node with a UDP source port of its own (up to ` + strconv.Itoa(send.MaxSockets) + ` of them). The
destination is an address and a port; a name is not looked up, but for "localhost".
It ends after --count reports or after --duration, whichever is first; without either
after ten seconds.

What is counted was handed to the system; what the network or the receiver dropped,
only the receiver can know.`,
		Example: `  telltale reports send --to 127.0.0.1:9555 --rate max --sources 4 --coalesce 15 --duration 5s
  telltale reports send --to 127.0.0.1:9555 --rate 150000 --count 1000000 --format json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "text" && format != "json" {
				return fmt.Errorf("--format: got %q, want text or json", format)
			}
			var err error
			if cfg.To, err = netip.ParseAddrPort(strings.Replace(to, "localhost:", "127.0.0.1:", 1)); err != nil {
				return fmt.Errorf("--to: got %q, want ADDRESS:PORT", to)
			}
			cfg.Rate = 0
			if rate != "max" {
				if cfg.Rate, err = strconv.ParseFloat(rate, 64); err != nil || cfg.Rate <= 0 {
					return fmt.Errorf("--rate: got %q, want reports per second or max", rate)
				}
			}
			if cfg.Count == 0 && cfg.Duration == 0 {
				cfg.Duration = 10 * time.Second
			}
			done := watchSending(cmd, &cfg)
			result, err := send.Run(cmd.Context(), cfg)
			done()
			if result.Sources != nil {
				if failed := printSent(cmd.OutOrStdout(), &result, format); err == nil {
					err = failed
				}
			}
			return err
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&to, "to", "", "address and port to send to")
	fs.StringVar(&rate, "rate", "max", "reports per second, or max")
	fs.IntVar(&cfg.Sources, "sources", 1, "nodes that send, with a source port each")
	fs.IntVar(&cfg.Coalesce, "coalesce", 15, "reports per datagram")
	fs.Uint64Var(&cfg.Count, "count", 0, "end after so many reports")
	fs.DurationVar(&cfg.Duration, "duration", 0, "end after so long")
	fs.Uint32Var(&cfg.FirstNode, "first-node", 1, "node id of the first source; the others follow")
	fs.StringVar(&format, "format", "text", "how to print what was sent: text or json")
	if err := cmd.MarkFlagRequired("to"); err != nil {
		panic("BUG: " + err.Error())
	}
	return cmd
}

// watchSending shows how far sending is, where a person watches the standard error,
// and returns what ends the showing.
func watchSending(cmd *cobra.Command, cfg *send.Config) func() {
	if !isTerminal(cmd.ErrOrStderr()) {
		return func() {}
	}
	bar := progressbar.NewOptions64(1000,
		progressbar.OptionSetWriter(cmd.ErrOrStderr()),
		progressbar.OptionSetWidth(30),
		progressbar.OptionSetDescription("sending"),
		progressbar.OptionClearOnFinish(),
	)
	cfg.Progress = func(reports uint64, elapsed time.Duration) {
		part := 0.0
		if cfg.Count > 0 {
			part = float64(reports) / float64(cfg.Count)
		}
		if cfg.Duration > 0 {
			part = max(part, elapsed.Seconds()/cfg.Duration.Seconds())
		}
		_ = bar.Set64(int64(1000 * min(part, 1))) // the screen is not the result
	}
	return func() { _ = bar.Finish() }
}

// printSent prints what was sent; as text the first sources only.
func printSent(w io.Writer, r *send.Result, format string) error {
	if format == "json" {
		return json.NewEncoder(w).Encode(r)
	}
	const most = 16
	var b strings.Builder
	fmt.Fprintf(&b, "sent %d reports in %d datagrams, %d bytes, to %v in %.3f s: %.0f reports/s, %d system calls\n",
		r.Reports, r.Datagrams, r.Bytes, r.To, r.Seconds, r.Rate(), r.Calls)
	if r.Refused > 0 {
		fmt.Fprintf(&b, "nobody listened %d times\n", r.Refused)
	}
	for i := range r.Sources {
		if i == most {
			fmt.Fprintf(&b, "and %d more sources (--format json has them)\n", len(r.Sources)-most)
			break
		}
		s := &r.Sources[i]
		fmt.Fprintf(&b, "node %d from port %d: %d reports in %d datagrams, last sequence number %d\n", s.Node, s.Port, s.Reports, s.Datagrams, s.LastSequence)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
