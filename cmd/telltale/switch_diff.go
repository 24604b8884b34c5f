package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/telltale-net/telltale/bmv2/differ"
	"github.com/telltale-net/telltale/bmv2/simpleswitch"
)

// diffFlags are what `switch diff` takes beyond a setup.
type diffFlags struct {
	setupFlags
	random int
	show   int
	ports  []uint
	format string
}

func newSwitchDiffCmd() *cobra.Command {
	var f diffFlags
	cmd := &cobra.Command{
		Use:   "diff --program P.json --p4info P.txtpb [--write ENTRIES.txtpb] [--in PORT=FILE …] [--random N] | DIR --random N",
		Short: "Hold the model against simple_switch_grpc: same program, entries and packets",
		Long: `Hold the model against simple_switch_grpc: same program, entries and packets.

BMv2's switch, which must be on PATH, is started, programmed over P4Runtime and given
every packet over its gRPC packet stream. In the end both are asked for their entries,
counters, registers, meters and digests. With --random, packets are made from the
parser's graph and, unless --write gives them, entries from the P4Info; --seed chooses
both. Of a folder, every P.json with a P.p4info.txtpb is compared; each is one line.

Many models run side by side with other clocks, random numbers and garbage in headers
that are not valid. Bits in which they differ are undefined and not compared; a packet
whose fate differs among them is undefined. Packets that BMv2 dies of, or that would
circle for ever, are excluded. All of that is counted.

Every difference is printed with what only the model and what only BMv2 sent, and the
packet's walk through the model. The exit status is 0 without differences, 1 with, 2
when the comparison could not be made; in a folder that is a failure like others.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFormat(f.format); err != nil {
				return err
			}
			if f.random <= 0 && len(f.inputs) == 0 {
				return errors.New("nothing to compare: want --in, --random, or both")
			}
			switch {
			case len(args) == 1:
				if f.program != "" || f.p4info != "" || f.entries != "" || len(f.inputs) > 0 {
					return fmt.Errorf("cannot compare folder %s with one program, entries or inputs: each of its programs has its own", args[0])
				}
				return f.runDir(cmd, args[0])
			case f.program == "" || f.p4info == "":
				return errors.New("want --program and --p4info, or a folder")
			}
			return f.run(cmd)
		},
	}
	f.register(cmd, false)
	for _, name := range []string{"program", "p4info"} { // a folder stands for both
		must(cmd.Flags().SetAnnotation(name, cobra.BashCompOneRequiredFlag, []string{"false"}))
	}
	cmd.Flags().IntVar(&f.random, "random", 0, "random packets")
	cmd.Flags().IntVar(&f.show, "show", 10, "differences to print in full; the rest is counted by kind")
	cmd.Flags().UintSliceVar(&f.ports, "ports", []uint{0, 1, 2, 3, 4, 5, 6, 7}, "ports of random packets and entries")
	cmd.Flags().StringVar(&f.format, "format", "text", "text or json, of the summary")
	return cmd
}

func (f *diffFlags) run(cmd *cobra.Command) error {
	setup, err := f.setup()
	if err != nil {
		return err
	}
	inputs, done, err := f.open(cmd, "reading")
	if err != nil {
		return err
	}
	defer done()
	show := &progress{out: cmd.ErrOrStderr(), what: "comparing", began: time.Now(), total: int64(f.random)}
	out := &diffPrinter{w: cmd.OutOrStdout(), most: f.show, classes: map[string]int{}}
	cfg := differ.Config{
		Setup: setup, Inputs: inputs, Random: f.random, Seed: f.seed,
		RandomEntries: f.random > 0 && f.entries == "", Report: out.print, Start: startBMv2,
	}
	if cfg.Ports, err = f.portNumbers(); err != nil {
		return err
	}
	if len(inputs) == 0 {
		cfg.Progress = func(n int) { show.set(int64(n)) }
	}
	began := time.Now()
	sum, err := differ.Run(cmd.Context(), cfg)
	_ = show.close()
	if err != nil {
		return err
	}
	return out.summary(&sum, time.Since(began), f)
}

func (f *diffFlags) portNumbers() (out []uint16, err error) {
	for _, p := range f.ports {
		if p > 510 {
			return nil, fmt.Errorf("--ports: got %d, want at most 510", p)
		}
		out = append(out, uint16(p))
	}
	return out, nil
}

// Packets that a BMv2 process takes at once: with queues that hold them all, or without
// Thrift, by which they are made so deep, as many as fit.
const (
	deepBatch    = 256
	shallowBatch = 16
	deepQueue    = 1 << 16
)

// startBMv2 starts simple_switch_grpc, without a CPU port, so that packets to and from
// the controller are packets of a port like others.
func startBMv2(ctx context.Context) (j differ.Judge, err error) {
	path, err := simpleswitch.Find()
	if err != nil {
		return j, err
	}
	j.Device, j.Batch = 1, shallowBatch
	p, err := simpleswitch.Start(ctx, simpleswitch.Config{Path: path, DeviceID: j.Device, Dataplane: true})
	if err != nil {
		return j, err
	}
	var conns []interface{ Close() error }
	j.Stop = func() error {
		var errs []error
		for _, c := range conns {
			errs = append(errs, c.Close())
		}
		errs = append(errs, p.Stop())
		if said := p.Output(); said != "" {
			errs = append(errs, fmt.Errorf("%s printed: %s", simpleswitch.Binary, said))
		}
		return errors.Join(errs...)
	}
	if r, err := simpleswitch.DialRuntime(ctx, p.RuntimeAddr()); err == nil { // else it was built without Thrift
		conns = append(conns, r)
		j.Batch, j.Registers, j.AddToValueSet = deepBatch, r.Registers, r.AddToValueSet
		j.Ready = func(ctx context.Context) error { return r.SetQueueDepths(ctx, deepQueue) }
	}
	const maxErrors = 8 << 20 // bytes of trailers, where errors of writes come
	for _, addr := range []string{p.Addr(), p.DataplaneAddr()} {
		c, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithMaxHeaderListSize(maxErrors))
		if err != nil {
			return j, errors.Join(fmt.Errorf("cannot reach %s at %s: %w", simpleswitch.Binary, addr, err), j.Stop())
		}
		conns = append(conns, c)
		switch addr {
		case p.Addr():
			j.P4RT = c
		default:
			j.Data = c
		}
	}
	return j, nil
}
