package collect

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/blame"
	"github.com/telltale-net/telltale/analyzers/incident"
	"github.com/telltale-net/telltale/cmd/internal/live"
	"github.com/telltale-net/telltale/cmd/internal/live/window"
	"github.com/telltale-net/telltale/collector/pipeline"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/sequence"
)

// liveSettings say how records are analysed as they come in. That takes a topology.
type liveSettings struct {
	Rate   int
	Window time.Duration
}

func (l *liveSettings) Flags(fs *pflag.FlagSet) {
	fs.IntVar(&l.Rate, "analysis-rate", 50_000, "records a second that are analysed as they come in, where there is a topology; of more, whole packets are sampled (0 = none)")
	fs.DurationVar(&l.Window, "analysis-window", time.Second, "span of time by which losses of links are told")
}

func (l *liveSettings) config() live.Config {
	return live.Config{Rate: l.Rate, Window: window.Config{Length: l.Window}}
}

func (l *liveSettings) Check(c *pipeline.Config) error {
	if l.Window < 100*time.Millisecond || l.Window > time.Hour {
		return fmt.Errorf("analysis-window: got %v, want 100ms to 1h", l.Window)
	}
	if l.Rate == 0 {
		return nil
	}
	if err := l.config().Check(); err != nil {
		return fmt.Errorf("analysis-rate: %w", err)
	}
	return nil
}

func (l *liveSettings) Open(_ context.Context, s *source) (output, error) {
	if s.Topology == nil || l.Rate == 0 {
		return nil, nil
	}
	net, err := analyzers.NewNetwork(s.Topology.Fabric())
	if err != nil {
		return nil, fmt.Errorf("cannot analyse as records come in: %w", err)
	}
	o := &liveOutput{log: s.Log, flowSets: newFlowSets(net, l.Rate)}
	analysis, err := live.New(s.Topology.Fabric(), l.config(), live.Deps{
		ReportLoss: func(node postcard.NodeID, from, to int64) sequence.Loss { return s.Loss(node, from, to) },
		OnEvent:    o.event,
		OnWindow:   o.window,
		Changed:    s.tell,
		Beside:     o.flowSets,
	})
	if err != nil {
		return nil, fmt.Errorf("cannot analyse as records come in: %w", err)
	}
	o.Live, s.Live, s.FlowSets = analysis, analysis, o.flowSets
	return o, nil
}

// liveOutput analyses records as they come in. What it finds goes into the log of the
// process, to /findings, and to the outputs that are opened after it.
type liveOutput struct {
	*live.Live
	flowSets *flowSets
	log      *slog.Logger
	blamed   []string // links and devices, sorted; live's goroutine
}

func (o *liveOutput) Name() string { return "analysis" }
func (o *liveOutput) Ready() error { return nil }

// WriteMetrics writes the counts of the analysis, and what is known of lost packets.
func (o *liveOutput) WriteMetrics(w io.Writer) error {
	if err := o.Live.WriteMetrics(w); err != nil {
		return err
	}
	return o.flowSets.WriteMetrics(w)
}

// Mount serves what is known: live.Results as JSON.
func (o *liveOutput) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /findings", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		writeResults(w, o.Results())
	})
}

func writeResults(w io.Writer, r *live.Results) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false) // links are named with '>'
	_ = enc.Encode(r)        // who asked has gone
}

// event logs what became of a finding.
func (o *liveOutput) event(e incident.Event) {
	level := slog.LevelInfo
	if e.Type == incident.Opened {
		level = slog.LevelWarn
	}
	f := &e.Finding
	attrs := []slog.Attr{
		slog.String("event", e.Type.String()), slog.String("id", live.ID(&e)), slog.String("kind", string(f.Kind)),
		slog.String("place", strings.Join(strings.Fields(incident.Place(f.Place)), " ")), slog.Time("since", time.Unix(0, f.Since).UTC()),
		slog.Uint64("packets", f.Packets), slog.Float64("confidence", f.Confidence), slog.Float64("report_loss", f.ReportLoss),
	}
	if n := o.OnePacketIn(); n > 1 {
		attrs = append(attrs, slog.Uint64("one_packet_in", n)) // is counted
	}
	if e.Type != incident.Updated {
		attrs = append(attrs, slog.String("evidence", firstEvidence(f)))
	}
	o.log.LogAttrs(context.Background(), level, "finding", attrs...)
}

func firstEvidence(f *analyzers.Finding) string {
	if len(f.Evidence) == 0 {
		return ""
	}
	return f.Evidence[0].Text
}

// window logs who is blamed from this window on, and who no longer is.
func (o *liveOutput) window(w *window.Window) {
	if w.Blame == nil {
		return
	}
	now := blamed(w.Blame)
	var names []string
	for _, b := range now {
		names = append(names, b.name)
		if !slices.Contains(o.blamed, b.name) {
			o.log.Warn("packets are lost", "at", b.name, "kind", b.kind, "probability", b.probability, "loss_rate", b.rate, "report_loss", w.ReportLoss)
		}
	}
	for _, name := range o.blamed {
		if !slices.Contains(names, name) {
			o.log.Info("packets are no longer lost", "at", name)
		}
	}
	o.blamed = names
}

// suspect is a link or device that is found bad.
type suspect struct {
	name              string
	kind              blame.Kind
	probability, rate float64
}

// blamed returns the devices and the links that are found bad, without the links of bad
// devices.
func blamed(r *blame.Result) (out []suspect) {
	for _, d := range r.Devices {
		if d.Verdict == blame.Bad {
			out = append(out, suspect{d.Device, "", d.Probability, d.LossRate})
		}
	}
	for _, l := range r.Links {
		if l.Verdict == blame.Bad && l.Device == "" {
			out = append(out, suspect{l.Link, l.Kind, *l.Probability, l.LossRate})
		}
	}
	return out
}
