package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/lipgloss/table"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/incident"
	"github.com/telltale-net/telltale/cmd/internal/demo"
)

func newDemoCmd() *cobra.Command {
	cfg := demo.DefaultConfig()
	var topologyFile, format string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch an emulated fabric suffer faults and be diagnosed from its postcards",
		Long: `Watch an emulated fabric suffer faults and be diagnosed from its postcards.

P4 switches are emulated, programmed over P4Runtime, and carry the traffic of
tenants in virtual time. Every hop sends telemetry reports; faults are injected
one after another, and the analyzers, which know nothing of them, must say what is
wrong and where. The exit status is 0 only if every verdict names the right place
and reason and the healthy period raised none; 1 if not; 2 if the demo could not run.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if topologyFile != "" {
				fabric, err := readTopology(topologyFile, cmd.InOrStdin())
				if err != nil {
					return err
				}
				cfg.Fabric = fabric
			}
			return runDemo(cmd, cfg, format)
		},
	}
	f := cmd.Flags()
	f.Uint64Var(&cfg.Seed, "seed", cfg.Seed, "chooses traffic and where faults strike")
	f.StringSliceVar(&cfg.Faults, "faults", cfg.Faults, "faults in order: "+strings.Join(demo.Faults(), ", "))
	f.StringVar(&topologyFile, "topology", "", "topology file, - for standard input (default: 2 spines, 4 leaves, 8 vswitches, 3 VNETs)")
	f.Float64Var(&cfg.Load, "load", cfg.Load, "packets per second of all tenants together")
	f.DurationVar(&cfg.Warmup, "warmup", cfg.Warmup, "healthy traffic before the first fault, virtual time")
	f.DurationVar(&cfg.Fault, "fault-time", cfg.Fault, "how long each fault lasts, virtual time")
	f.DurationVar(&cfg.Recover, "recover", cfg.Recover, "healthy traffic after each fault, virtual time")
	f.StringVar(&format, "format", "text", "text or json")
	return cmd
}

func runDemo(cmd *cobra.Command, cfg demo.Config, format string) error {
	out := cmd.OutOrStdout()
	var tell func(demo.Event)
	done := func() {}
	switch format {
	case "text":
		tell, done = narrate(out, cmd.ErrOrStderr(), cfg)
	case "json":
		tell = func(demo.Event) {}
	default:
		return fmt.Errorf("unknown format %q; want text or json", format)
	}
	res, err := demo.Run(cmd.Context(), cfg, tell)
	done()
	if err != nil {
		return err
	}
	if format == "json" {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(res); err != nil {
			return fmt.Errorf("cannot print the result: %w", err)
		}
	} else if err := printResult(out, &res); err != nil {
		return fmt.Errorf("cannot print the result: %w", err)
	}
	if !res.Correct {
		return errWrong
	}
	return nil
}

// narrate prints a line per event, and a progress bar where a person watches.
func narrate(out, errOut io.Writer, cfg demo.Config) (tell func(demo.Event), done func()) {
	var bar *progressbar.ProgressBar
	if f, ok := errOut.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		bar = progressbar.NewOptions64(int64(cfg.Duration()),
			progressbar.OptionSetWriter(errOut),
			progressbar.OptionSetWidth(30),
			progressbar.OptionSetDescription("virtual time"),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionThrottle(100*time.Millisecond),
		)
	}
	line := func(at time.Duration, mark, text string) {
		if bar != nil {
			_ = bar.Clear()
		}
		fmt.Fprintf(out, "%8.3fs  %s %s\n", at.Seconds(), mark, text)
	}
	tell = func(e demo.Event) {
		switch e.Kind {
		case demo.Step:
			line(e.At, " ", e.Text)
		case demo.Injected:
			line(e.At, "✗", e.Text)
		case demo.Reverted:
			line(e.At, "✓", e.Text)
		case demo.Finding:
			if e.Change == incident.Opened {
				line(e.At, "▶", fmt.Sprintf("verdict: %s at %s (confidence %.2f)", e.Finding.Kind, incident.Place(e.Finding.Place), e.Finding.Confidence))
			} else if e.Change == incident.Closed {
				line(e.At, "◼", fmt.Sprintf("over:    %s at %s", e.Finding.Kind, incident.Place(e.Finding.Place)))
			}
		case demo.Progress:
			if bar != nil {
				_ = bar.Set64(int64(e.At))
			}
		}
	}
	return tell, func() {
		if bar != nil {
			_ = bar.Finish()
		}
	}
}

func printResult(out io.Writer, res *demo.Result) error {
	t := table.New().
		Border(lipgloss.NormalBorder()).
		Headers("fault", "injected", "verdict", "evidence", "after").
		BorderRow(true).
		Width(width(out)).
		Wrap(true).
		StyleFunc(func(_, _ int) lipgloss.Style { return lipgloss.NewStyle().Padding(0, 1) })
	for i := range res.Faults {
		o := &res.Faults[i]
		verdict, evidence, after := "✗ none", "", "–"
		if v := o.Verdict(); v != nil {
			verdict = fmt.Sprintf("✓ %s at %s", v.Kind, incident.Place(v.Place))
			after = o.TimeToVerdict.Round(time.Millisecond).String()
			evidence = evidenceText(v.Evidence)
		}
		for k := range o.Findings {
			if f := &o.Findings[k]; !o.Want.Matches(f) {
				verdict += fmt.Sprintf("\n✗ %s at %s", f.Kind, incident.Place(f.Place))
				if evidence == "" {
					evidence = evidenceText(f.Evidence)
				}
			}
		}
		t.Row(o.Fault, o.What, verdict, evidence, after)
	}
	word := "every verdict names the right place and reason, and the healthy period raised none"
	if !res.Correct {
		word = "WRONG: a verdict is missing, mistaken or one too many"
		for i := range res.Healthy.Findings {
			f := &res.Healthy.Findings[i]
			word += fmt.Sprintf("\n  healthy, and yet: %s at %s", f.Kind, incident.Place(f.Place))
		}
	}
	_, err := fmt.Fprintf(out, "\n%s\n%d of %d packets delivered; %d reports received, %d lost, %d malformed; %v of virtual time in %.1f s\nseed %d: %s\n",
		t.Render(), res.Traffic.Delivered, res.Traffic.Sent, res.Reports.Records, res.Reports.Lost, res.Reports.Malformed,
		res.Duration, res.Wall.Seconds, res.Seed, word)
	return err
}

// width is how wide a table may be: the terminal's width within reason.
func width(out io.Writer) int {
	const least, usual, most = 80, 120, 160
	if f, ok := out.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil {
			return min(max(w, least), most)
		}
	}
	return usual
}

// evidenceText puts the observations one below the other.
func evidenceText(evidence []analyzers.Evidence) string {
	lines := make([]string, len(evidence))
	for i, e := range evidence {
		lines[i] = "• " + e.Text
	}
	return strings.Join(lines, "\n")
}
