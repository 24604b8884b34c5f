package main

import (
	"fmt"
	"net/netip"
	"os"

	"github.com/spf13/cobra"

	"github.com/telltale-net/telltale/collector/reportsjson"
)

func newReportsEncodeCmd() *cobra.Command {
	var output, from, to string
	cmd := &cobra.Command{
		Use:   "encode [flags] FILE|-",
		Short: "Encode objects of \"reports decode\" back into datagrams and packets",
		Long: `Encode JSON objects as "telltale reports decode" writes them, one per line, back into
the datagrams and packets they were decoded from: hex text with one per line, or a pcap
file. "-" reads the standard input. Lengths and all that decode derives is derived
again; objects of one datagram stand together, "report" counting from 0.

In a pcap file a report goes from its "source" to its "destination" at its "time", or,
where an object has none, from --from to --to at 0.

The exit status is 0 when everything was encoded and 2 when not.`,
		Example:           `  telltale reports decode capture.pcap | jq -c 'select(.node_id == 7)' | telltale reports encode --output pcap - > node7.pcap`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault),
		RunE: func(cmd *cobra.Command, args []string) error {
			opt := reportsjson.EncodeOptions{Output: reportsjson.Output(output)}
			var err error
			if opt.Source, err = netip.ParseAddrPort(from); err != nil {
				return fmt.Errorf("--from: got %q, want ADDRESS:PORT", from)
			}
			if opt.Destination, err = netip.ParseAddrPort(to); err != nil {
				return fmt.Errorf("--to: got %q, want ADDRESS:PORT", to)
			}
			in := cmd.InOrStdin()
			if args[0] != "-" {
				file, err := os.Open(args[0])
				if err != nil {
					return fmt.Errorf("cannot encode reports: %w", err)
				}
				defer file.Close()
				var done func()
				in, done = watched(cmd, file, "encoding")
				defer done()
			}
			sum, err := reportsjson.Encode(cmd.Context(), cmd.OutOrStdout(), in, opt)
			if err != nil {
				return fmt.Errorf("cannot encode reports: %w", err)
			}
			fmt.Fprintln(cmd.ErrOrStderr(), sum)
			return nil
		},
	}
	cmd.Flags().StringVar(&output, "output", string(reportsjson.HexLines), "what to write: hex or pcap")
	cmd.Flags().StringVar(&from, "from", "192.0.2.1:0", "source of datagrams that have none, in a pcap file")
	cmd.Flags().StringVar(&to, "to", "192.0.2.2:9555", "destination of datagrams that have none, in a pcap file")
	return cmd
}
