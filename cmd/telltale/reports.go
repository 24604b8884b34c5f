package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

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
				var done func()
				in, done = watched(cmd, f)
				defer done()
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

// watched returns a reader of a file that shows how far it has been read, and what
// ends the showing. It shows nothing unless a person watches the standard error
// while the reports go elsewhere.
func watched(cmd *cobra.Command, f *os.File) (io.Reader, func()) {
	if !isTerminal(cmd.ErrOrStderr()) || isTerminal(cmd.OutOrStdout()) {
		return f, func() {}
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return f, func() {}
	}
	bar := progressbar.NewOptions64(info.Size(),
		progressbar.OptionSetWriter(cmd.ErrOrStderr()),
		progressbar.OptionSetWidth(30),
		progressbar.OptionSetDescription("decoding"),
		progressbar.OptionShowBytes(true),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionThrottle(100*time.Millisecond),
	)
	r := progressbar.NewReader(f, bar)
	return &r, func() { _ = bar.Finish() } // the screen is not the result
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
