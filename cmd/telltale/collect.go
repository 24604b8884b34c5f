package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/telltale-net/telltale/cmd/internal/collect"
)

func newCollectCmd() *cobra.Command {
	var config, format string
	var check, dump bool
	settings, names := collect.NewSettings()
	cmd := &cobra.Command{
		Use:   "collect --data DIR [flags]",
		Short: "Receive telemetry reports from a network and keep them in a log",
		Long: `Receive Telemetry Reports (0.5, 1.0, 2.0; INT stacks in them) over UDP, account for
every one of them by source and sequence number, and keep the records in a log: a folder
(--data), or a NATS cluster (--nats). See "telltale records" and "telltale replay" for
what to do with it.

What the collector knows is given out beside: over gNMI (--gnmi), where it can be
compared with what the devices say themselves (--gnmi-device), as metrics (--http,
--remote-write) and as flow records (--ipfix). With a topology, records are analysed as
they come in: findings, losses of links and who is to blame go to the standard error, to
/findings, and with all the rest.

Every flag is also a setting of the YAML file (--config) by the same name, and of the
environment: --receive-buffer is TELLTALE_COLLECT_RECEIVE_BUFFER. A flag wins over the
environment, that over the file.

It runs until it gets SIGINT or SIGTERM, stores what it has, and prints where every
record has gone. The exit status is 0, or 2 when it could not run or had to give records
up to end in time; with --check it is 1 when the settings are wrong.`,
		Example: `  telltale collect --data /var/lib/telltale
  telltale collect --listen :9555 --nats nats://127.0.0.1:4222 --topology fabric.yaml
  telltale collect --data log --gnmi :9339 --http :8080 --topology fabric.yaml
  telltale collect --data log --topology fabric.yaml --gnmi-device leaf1=10.0.0.1:9339,ca=ca.pem,login=leaf1.login
  telltale collect --config collect.yaml --check`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return fmt.Errorf("--format: got %q, want text or json", format)
			}
			err := collect.Load(names, config, os.Environ())
			if err == nil && (check || !dump) {
				_, err = settings.Pipeline()
			}
			switch {
			case check && err != nil:
				fmt.Fprintln(cmd.OutOrStdout(), err)
				return errWrong
			case err != nil:
				return err
			case check:
				fmt.Fprintln(cmd.OutOrStdout(), "the settings are right")
				return nil
			case dump:
				text, err := collect.Dump(names)
				if err != nil {
					return err
				}
				_, err = cmd.OutOrStdout().Write(text)
				return err
			}
			return runCollect(cmd, settings, format)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.AddFlagSet(names)
	fs.StringVar(&config, "config", "", "YAML file with settings")
	fs.BoolVar(&check, "check", false, "say what is wrong with the settings, and do nothing")
	fs.BoolVar(&dump, "dump-config", false, "print the settings in force as YAML, and do nothing")
	fs.StringVar(&format, "format", "text", "how to print where the records have gone: text or json")
	return cmd
}

func runCollect(cmd *cobra.Command, settings *collect.Settings, format string) error {
	errOut := cmd.ErrOrStderr()
	log := slog.New(slog.NewTextHandler(errOut, nil))
	sum, err := collect.Run(cmd.Context(), settings, log, func(r collect.Ready) {
		fmt.Fprintf(errOut, "reports: udp %v\n", r.Reports)
		if r.HTTP != "" {
			fmt.Fprintf(errOut, "metrics: tcp %s\n", r.HTTP)
		}
		for _, o := range r.Outputs {
			fmt.Fprintf(errOut, "%s: tcp %s\n", o.Output, o.Address)
		}
	})
	if sum.Collector.Sockets == nil { // it never came to receiving
		return err
	}
	if format == "json" {
		if failed := json.NewEncoder(cmd.OutOrStdout()).Encode(&sum.Account); err == nil {
			err = failed
		}
		return err
	}
	if _, failed := fmt.Fprint(cmd.OutOrStdout(), collect.Text(&sum)); err == nil {
		err = failed
	}
	return err
}
