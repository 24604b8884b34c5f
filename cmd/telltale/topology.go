package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/telltale-net/telltale/topology"
)

// readTopology reads the fabric in a file, or from standard input if path is "-".
func readTopology(path string, stdin io.Reader) (topology.Fabric, error) {
	var data []byte
	var err error
	if path == "-" {
		data, err = io.ReadAll(stdin)
	} else {
		data, err = os.ReadFile(path)
	}
	if err != nil {
		return topology.Fabric{}, fmt.Errorf("cannot read the topology: %w", err)
	}
	fabric, err := topology.Read(data)
	if err != nil {
		return topology.Fabric{}, fmt.Errorf("cannot use topology %s: %w", path, err)
	}
	return fabric, nil
}

func newTopologyCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "topology",
		Short: "Make and check topology files",
	}
	cmd.AddCommand(newTopologyNewCmd(), newTopologyCheckCmd())
	return cmd
}

func newTopologyNewCmd() *cobra.Command {
	cfg := topology.DefaultLeafSpine()
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Print a leaf-spine fabric with tenants as a topology file",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			fabric, err := topology.LeafSpine(cfg)
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(topology.Write(fabric))
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Name, "name", cfg.Name, "name of the fabric")
	f.IntVar(&cfg.Spines, "spines", cfg.Spines, "spines")
	f.IntVar(&cfg.Leaves, "leaves", cfg.Leaves, "leaves")
	f.IntVar(&cfg.VSwitches, "vswitches", cfg.VSwitches, "vswitches per leaf")
	f.IntVar(&cfg.VNETs, "vnets", cfg.VNETs, "VNETs")
	f.IntVar(&cfg.HostsPerVNET, "hosts", cfg.HostsPerVNET, "hosts per VNET")
	return cmd
}

func newTopologyCheckCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE|-",
		Short: "Read a topology file and say what is wrong with it, or what it holds",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := readTopology(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d nodes, %d links, %d VNETs, %d hosts\n",
				f.Name, len(f.Nodes), len(f.Links), len(f.VNETs), len(f.Hosts))
			return err
		},
	}
}
