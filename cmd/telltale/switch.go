package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/telltale-net/telltale/bmv2/runner"
)

func newSwitchCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "switch",
		Short: "Run one P4 switch: live, in tests, over captures, against BMv2",
	}
	cmd.AddCommand(newSwitchSTFCmd(), newSwitchReplayCmd(), newSwitchBenchCmd(),
		newSwitchTraceCmd(), newSwitchDiffCmd(), newSwitchRunCmd())
	return cmd
}

// setupFlags are the flags that say what is in a switch and what enters it.
type setupFlags struct {
	program, p4info, entries string
	inputs                   []string
	seed                     uint64
}

func (s *setupFlags) register(cmd *cobra.Command, inputsRequired bool) {
	f := cmd.Flags()
	f.StringVar(&s.program, "program", "", "BMv2 JSON, as p4c writes it")
	f.StringVar(&s.p4info, "p4info", "", "P4Info in text format")
	f.StringVar(&s.entries, "write", "", "entries: a p4.v1.WriteRequest in text format, written over P4Runtime")
	f.StringArrayVar(&s.inputs, "in", nil, "PORT=FILE (pcap, pcapng, or a packet in hex per line) or PORT=hex:DIGITS; may be repeated")
	f.Uint64Var(&s.seed, "seed", 1, "of the program's random numbers")
	must(cmd.MarkFlagRequired("program"))
	must(cmd.MarkFlagRequired("p4info"))
	if inputsRequired {
		must(cmd.MarkFlagRequired("in"))
	}
}

// setup reads the program and its entries.
func (s *setupFlags) setup() (out runner.Setup, err error) {
	if out.Program, err = runner.ReadProgram(s.program, s.p4info); err != nil {
		return out, err
	}
	out.Entries, err = runner.ReadEntries(s.entries)
	out.Engine.Seed = s.seed
	return out, err
}

// open opens the inputs; close closes them and ends the showing of progress.
func (s *setupFlags) open(cmd *cobra.Command, what string) (inputs []runner.Input, close func(), err error) {
	show := &progress{out: cmd.ErrOrStderr(), what: what, began: time.Now()}
	closers := []func() error{show.close}
	close = func() {
		for _, c := range closers {
			_ = c() // files only read, and a screen
		}
	}
	for _, arg := range s.inputs {
		in, size, closeFile, err := runner.OpenInput(arg)
		if err != nil {
			close()
			return nil, nil, err
		}
		show.total += size
		closers = append(closers, closeFile)
		in.R = &progressReader{in.R, show}
		inputs = append(inputs, in)
	}
	return inputs, close, nil
}

// progress shows how far something is that takes longer than progressAfter, where a
// person watches.
type progress struct {
	out   io.Writer
	what  string
	began time.Time
	total int64
	done  atomic.Int64
	bar   *progressbar.ProgressBar
}

const progressAfter = 2 * time.Second

func (p *progress) set(done int64) {
	p.done.Store(done)
	if p.bar == nil {
		if time.Since(p.began) < progressAfter || !isTerminal(p.out) {
			return
		}
		p.bar = progressbar.NewOptions64(p.total,
			progressbar.OptionSetWriter(p.out),
			progressbar.OptionSetWidth(30),
			progressbar.OptionSetDescription(p.what),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionThrottle(100*time.Millisecond),
		)
	}
	_ = p.bar.Set64(done)
}

func (p *progress) close() error {
	if p.bar == nil {
		return nil
	}
	return p.bar.Finish()
}

type progressReader struct {
	io.Reader
	show *progress
}

func (r *progressReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	r.show.set(r.show.done.Load() + int64(n))
	return n, err
}

// must is for flags that were registered a line ago.
func must(err error) {
	if err != nil {
		panic("BUG: " + err.Error())
	}
}

// checkFormat refuses what is neither text nor JSON.
func checkFormat(format string) error {
	if format != "text" && format != "json" {
		return fmt.Errorf("unknown format %q; want text or json", format)
	}
	return nil
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("cannot print the result: %w", err)
	}
	return nil
}

func newSwitchReplayCmd() *cobra.Command {
	var s setupFlags
	var dir string
	cmd := &cobra.Command{
		Use:   "replay --program P.json --p4info P.txtpb [--write ENTRIES.txtpb] --in PORT=FILE … --out DIR",
		Short: "Feed captures to a switch and write what leaves it, a capture per port",
		Long: `Feed captures to a switch and write what leaves it, a capture per port.

Time is that of the captures: the switch starts with the first packet, and packets of
several captures enter in the order of their times. The output is DIR/port-N.pcap for
every port that packets leave by, each packet at the instant its last bit left; files
of that name from before are removed. The same inputs give the same bytes.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			setup, err := s.setup()
			if err != nil {
				return err
			}
			inputs, done, err := s.open(cmd, "replaying")
			if err != nil {
				return err
			}
			sum, err := runner.Replay(cmd.Context(), runner.ReplayConfig{Setup: setup, Inputs: inputs, Dir: dir})
			done()
			if err != nil {
				return err
			}
			return printReplay(cmd.OutOrStdout(), &sum)
		},
	}
	s.register(cmd, true)
	cmd.Flags().StringVar(&dir, "out", "", "folder for the captures of what left")
	must(cmd.MarkFlagRequired("out"))
	return cmd
}

func printReplay(w io.Writer, sum *runner.ReplaySummary) error {
	var errs []error
	line := func(format string, args ...any) {
		_, err := fmt.Fprintf(w, format+"\n", args...)
		errs = append(errs, err)
	}
	line("%d packets in, %d out, %v of virtual time", sum.Packets, sum.Stats.Transmitted, sum.Virtual)
	for _, p := range sum.Ports {
		line("port %d: %d packets, %d bytes", p.Port, p.Packets, p.Bytes)
	}
	if sum.Late > 0 {
		line("%d packets dated before the packet in front of them entered with it", sum.Late)
	}
	if lost := stats(&sum.Stats); lost != "" {
		line("inside the switch: %s", lost)
	}
	return errors.Join(errs...)
}

func newSwitchBenchCmd() *cobra.Command {
	var s setupFlags
	var packets int
	var format string
	cmd := &cobra.Command{
		Use:   "bench --program P.json --p4info P.txtpb [--write ENTRIES.txtpb] --in PORT=FILE …",
		Short: "Measure how fast the model takes packets through a program",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			setup, err := s.setup()
			if err != nil {
				return err
			}
			inputs, done, err := s.open(cmd, "loading")
			if err != nil {
				return err
			}
			defer done()
			res, err := runner.Bench(cmd.Context(), runner.BenchConfig{Setup: setup, Inputs: inputs, Packets: packets})
			if err != nil {
				return err
			}
			if format == "json" {
				return printJSON(cmd.OutOrStdout(), res)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d packets in %.3f s, %d sent: %.0f packets/s, %.1f ns/packet, %.3f allocs/packet, %.3f Gbit/s\n",
				res.Packets, res.Seconds, res.Transmitted, res.PacketsPerSecond, res.NsPerPacket, res.AllocsPerPacket, res.BitsPerSecond/1e9)
			if lost := stats(&res.Stats); err == nil && lost != "" {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "inside the switch: %s\n", lost)
			}
			return err
		},
	}
	s.register(cmd, true)
	cmd.Flags().IntVar(&packets, "packets", 1_000_000, "packets to measure; the inputs are repeated as often as it takes")
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	return cmd
}
