package collect

import (
	"math"

	"github.com/telltale-net/telltale/analyzers/blame"
	"github.com/telltale-net/telltale/cmd/internal/live"
	"github.com/telltale-net/telltale/cmd/internal/live/window"
	"github.com/telltale-net/telltale/collector/gnmi/model"
)

// news returns what the analysis knows, for the target of the collector: findings that
// are open, the loss map, and whom the latest window blames. What cannot be told is the
// error.
func news(target string, r *live.Results) ([]model.Batch, error) {
	all := make([]model.Finding, len(r.Findings))
	for i := range r.Findings {
		all[i] = finding(&r.Findings[i])
	}
	findings, err := model.Findings(target, all)
	links := make([]model.Link, len(r.Losses))
	for i, l := range r.Losses {
		links[i] = model.Link{Node: l.Node, Port: l.Port, Peer: l.Peer, Sent: l.Sent, Lost: l.Lost}
	}
	return []model.Batch{findings, model.LossMap(target, links), model.Verdicts(target, verdicts(r.Window))}, err
}

func finding(f *live.Finding) model.Finding {
	out := model.Finding{
		ID: f.ID, Analyzer: f.Analyzer, Kind: string(f.Kind),
		Node: f.Place.Node, Peer: f.Place.Peer, Prefix: f.Place.Prefix, VNET: f.Place.VNET,
		Port: f.Place.Port, VNI: f.Place.VNI, Rule: f.Place.Rule, Queue: f.Place.Queue,
		Since: f.Since, Until: f.Until, Decided: f.Decided, Packets: f.Packets, Flows: uint64(max(f.Flows, 0)),
		Confidence: f.Confidence, ReportLoss: f.ReportLoss,
	}
	for _, e := range f.Evidence {
		out.Evidence = append(out.Evidence, e.Text)
	}
	return out
}

// verdicts returns whom a window blames, nil where it blames nobody.
func verdicts(w *window.Window) *model.Blame {
	if w == nil || w.Blame == nil {
		return nil
	}
	r := w.Blame
	b := &model.Blame{Method: r.Method, From: w.From, Until: w.To, Flows: uint64(max(w.Flows, 0)), LosingFlows: uint64(len(r.Flows)), Noise: r.Noise}
	for i := range r.Links {
		l := &r.Links[i]
		b.Links = append(b.Links, model.Suspect{
			Name: l.Link, Verdict: string(l.Verdict), Probability: known(l.Probability), Score: l.Score, Votes: l.Votes,
			LossRate: rate(l.Verdict, l.LossRate), Device: l.Device,
		})
	}
	for i := range r.Devices {
		d := &r.Devices[i]
		b.Devices = append(b.Devices, model.Suspect{Name: d.Device, Verdict: string(d.Verdict), Probability: d.Probability, Score: d.Score, LossRate: rate(d.Verdict, d.LossRate)})
	}
	return b
}

// known returns a figure, or NaN where there is none.
func known(f *float64) float64 {
	if f == nil {
		return math.NaN()
	}
	return *f
}

// rate returns a loss rate, which whoever is good has none of.
func rate(v blame.Verdict, r float64) float64 {
	if v == blame.Good {
		return math.NaN()
	}
	return r
}
