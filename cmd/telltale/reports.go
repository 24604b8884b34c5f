package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/telltale-net/telltale/collector/reportsjson"
)

func newReportsCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reports",
		Short: "Work with captured telemetry reports",
	}
	cmd.AddCommand(newReportsDecodeCmd())
	return cmd
}

func newReportsDecodeCmd() *cobra.Command {
	var format string
	var port uint16
	cmd := &cobra.Command{
		Use:   "decode [flags] FILE|-",
		Short: "Decode Telemetry Reports from a capture, one object per report",
		Long: `Decode Telemetry Reports from a pcap or pcapng file, or from text with one UDP
payload in hex per line (empty lines and lines that start with # are passed over).
"-" reads the standard input.

Every individual report becomes one JSON object on a line of its own, its fields
named as in the specification; what cannot be read becomes an object with "error"
and its position. A summary goes to the standard error.

The exit status is 0 when everything was read, 1 when anything was malformed, and 2
when the input or output itself failed.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := cmd.InOrStdin()
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return fmt.Errorf("cannot decode reports: %w", err)
				}
				defer f.Close()
				in = f
			}
			return decodeReports(cmd, in, reportsjson.Options{Format: reportsjson.Format(format), Port: port})
		},
	}
	cmd.Flags().StringVar(&format, "format", string(reportsjson.JSON), "how to write reports: json or text")
	cmd.Flags().Uint16Var(&port, "port", 0, "only datagrams to this UDP port (0 = all)")
	return cmd
}

func decodeReports(cmd *cobra.Command, in io.Reader, opt reportsjson.Options) error {
	sum, err := reportsjson.Decode(cmd.Context(), cmd.OutOrStdout(), in, opt)
	if err != nil {
		return fmt.Errorf("cannot decode reports: %w", err)
	}
	fmt.Fprintln(cmd.ErrOrStderr(), sum)
	if sum.Malformed > 0 {
		return errWrong
	}
	return nil
}
