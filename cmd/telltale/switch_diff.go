package main

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
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
		Use:   "diff --program P.json --p4info P.txtpb [--write ENTRIES.txtpb] [--in PORT=FILE …] [--random N]",
		Short: "Hold the model against simple_switch_grpc: same program, entries and packets",
		Long: `Hold the model against simple_switch_grpc: same program, entries and packets.

BMv2's switch, which must be on PATH, is started, programmed over P4Runtime and given
every packet over its gRPC packet stream, one after the other. Bytes that depend on
the clock or on random numbers are found out by running several models with other
clocks, and are not compared. With --random, packets are made from the parser's graph
and, unless --write gives them, entries from the P4Info; --seed chooses both.

Every difference is printed with what only the model and what only BMv2 sent, and the
packet's walk through the model. The exit status is 0 without differences, 1 with, 2
when the comparison could not be made.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.register(cmd, false)
	cmd.Flags().IntVar(&f.random, "random", 0, "random packets")
	cmd.Flags().IntVar(&f.show, "show", 10, "differences to print in full; the rest is counted by kind")
	cmd.Flags().UintSliceVar(&f.ports, "ports", []uint{0, 1, 2, 3, 4, 5, 6, 7}, "ports of random packets and entries")
	cmd.Flags().StringVar(&f.format, "format", "text", "text or json, of the summary")
	return cmd
}

func (f *diffFlags) run(cmd *cobra.Command) error {
	if err := checkFormat(f.format); err != nil {
		return err
	}
	if f.random <= 0 && len(f.inputs) == 0 {
		return errors.New("nothing to compare: want --in, --random, or both")
	}
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
	for _, p := range f.ports {
		if p > 510 {
			return fmt.Errorf("--ports: got %d, want at most 510", p)
		}
		cfg.Ports = append(cfg.Ports, uint16(p))
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

// startBMv2 starts simple_switch_grpc, without a CPU port, so that packets to and from
// the controller are packets of a port like others.
func startBMv2(ctx context.Context) (j differ.Judge, err error) {
	path, err := simpleswitch.Find()
	if err != nil {
		return j, err
	}
	j.Device = 1
	p, err := simpleswitch.Start(ctx, simpleswitch.Config{Path: path, DeviceID: j.Device, Dataplane: true})
	if err != nil {
		return j, err
	}
	var conns []*grpc.ClientConn
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
	const maxErrors = 8 << 20 // bytes of trailers, where errors of writes come
	for _, addr := range []string{p.Addr(), p.DataplaneAddr()} {
		c, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithMaxHeaderListSize(maxErrors))
		if err != nil {
			return j, errors.Join(fmt.Errorf("cannot reach %s at %s: %w", simpleswitch.Binary, addr, err), j.Stop())
		}
		conns = append(conns, c)
	}
	j.P4RT, j.Data = conns[0], conns[1]
	return j, nil
}

// diffPrinter prints the first differences and counts them all.
type diffPrinter struct {
	w       io.Writer
	most    int
	printed int
	classes map[string]int
}

func (d *diffPrinter) print(diff *differ.Difference) error {
	d.classes[diff.Class()]++
	if d.printed++; d.printed > d.most {
		return nil
	}
	var b strings.Builder
	if diff.Update != nil {
		fmt.Fprintf(&b, "DIFFERENT write: %v\n  model: %s\n  BMv2:  %s\n", diff.Update, answer(diff.Model), answer(diff.JudgeAnswer))
	} else {
		fmt.Fprintf(&b, "DIFFERENT packet %d, port %d: %x\n", diff.Packet, diff.Port, diff.Data)
		if diff.Died != nil {
			fmt.Fprintf(&b, "  BMv2 died: %v\n", diff.Died)
		}
		sideBySide(&b, diff.OnlyModel, diff.OnlyJudge)
		b.WriteString("  the model's walk:\n")
		for _, s := range diff.Steps {
			fmt.Fprintf(&b, "    %v\n", s)
		}
	}
	if _, err := io.WriteString(d.w, b.String()); err != nil {
		return fmt.Errorf("cannot print a difference: %w", err)
	}
	return nil
}

func answer(err error) string {
	if err == nil {
		return "accepted"
	}
	return err.Error()
}

// sideBySide prints what only BMv2 and what only the model sent, sixteen bytes a line
// with what differs marked.
func sideBySide(b *strings.Builder, model, judge []differ.Output) {
	for i := range max(len(model), len(judge)) {
		var m, j *differ.Output
		if i < len(model) {
			m = &model[i]
		}
		if i < len(judge) {
			j = &judge[i]
		}
		fmt.Fprintf(b, "  %-50s   %s\n", "expected (BMv2): "+heading(j), "seen (model): "+heading(m))
		const line = 16
		for at := 0; at < max(length(j), length(m)); at += line {
			l, r := bytesOf(j, at, line), bytesOf(m, at, line)
			mark := " "
			if string(l) != string(r) {
				mark = "≠"
			}
			fmt.Fprintf(b, "  %4d  %-44s %s %s\n", at, spaced(l), mark, spaced(r))
		}
	}
}

func heading(o *differ.Output) string {
	if o == nil {
		return "nothing"
	}
	return fmt.Sprintf("port %d, %d bytes", o.Port, len(o.Data))
}

func length(o *differ.Output) int {
	if o == nil {
		return 0
	}
	return len(o.Data)
}

func bytesOf(o *differ.Output, at, n int) []byte {
	if o == nil || at >= len(o.Data) {
		return nil
	}
	return o.Data[at:min(at+n, len(o.Data))]
}

// spaced is hexadecimal in groups of two bytes.
func spaced(b []byte) string {
	var parts []string
	for len(b) > 0 {
		n := min(2, len(b))
		parts = append(parts, hex.EncodeToString(b[:n]))
		b = b[n:]
	}
	return strings.Join(parts, " ")
}

func (d *diffPrinter) summary(sum *differ.Summary, took time.Duration, f *diffFlags) error {
	if f.format == "json" {
		if err := printJSON(d.w, struct {
			differ.Summary
			Seconds float64        `json:"seconds"`
			Seed    uint64         `json:"seed"`
			Kinds   map[string]int `json:"kinds"`
		}{*sum, took.Seconds(), f.seed, d.classes}); err != nil {
			return err
		}
	} else {
		var b strings.Builder
		kinds := slices.Collect(maps.Keys(d.classes))
		slices.SortFunc(kinds, func(x, y string) int {
			return cmp.Or(cmp.Compare(d.classes[y], d.classes[x]), cmp.Compare(x, y))
		})
		const most = 20
		for i, k := range kinds {
			if i == most {
				fmt.Fprintf(&b, "… and %d more kinds\n", len(kinds)-most)
				break
			}
			fmt.Fprintf(&b, "%d × %s\n", d.classes[k], k)
		}
		fmt.Fprintf(&b, "%d packets, %d entries, seed %d: %d differences; %d packets left BMv2, %d bytes depend on time or chance; %.1f s\n",
			sum.Packets, sum.Updates, f.seed, sum.Differences, sum.Out, sum.TimeBytes, took.Seconds())
		fmt.Fprintf(&b, "reached: %v\n", sum.Covered)
		if sum.Endless > 0 {
			fmt.Fprintf(&b, "%d packets would circle without end and were not given to BMv2\n", sum.Endless)
		}
		if sum.Refused > 0 || sum.TimePackets > 0 {
			fmt.Fprintf(&b, "%d entries refused by both; the fate of %d packets depends on time or chance\n", sum.Refused, sum.TimePackets)
		}
		if _, err := io.WriteString(d.w, b.String()); err != nil {
			return fmt.Errorf("cannot print the result: %w", err)
		}
	}
	if sum.Differences > 0 {
		return errWrong
	}
	return nil
}
