package live

import (
	"fmt"
	"slices"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/incident"
	"github.com/telltale-net/telltale/cmd/internal/live/window"
)

// Finding is a finding and its name, the same over its life.
type Finding struct {
	ID string `json:"id"`
	analyzers.Finding
}

// Results are what is known at a moment. They are not changed any more.
type Results struct {
	At       int64          `json:"at_ns"`                   // the collector's clock; 0 = nothing has happened
	OneIn    uint64         `json:"one_packet_in"`           // is analysed: what findings and windows count are those
	Findings []Finding      `json:"findings"`                // open ones, in the order in which they were opened
	Recent   []Finding      `json:"recent"`                  // closed ones, the latest first
	Losses   []window.Loss  `json:"losses"`                  // of links since the start, estimates where packets were sampled
	Window   *window.Window `json:"latest_window,omitempty"` // the latest one judged
}

// OnePacketIn returns how many packets there are for each one that is analysed now.
func (l *Live) OnePacketIn() uint64 { return 1 << l.counts.level.Load() }

// Results returns what is known now. It may be called from any goroutine.
func (l *Live) Results() *Results { return l.results.Load() }

// tell gives out what a step brought.
func (l *Live) tell(res window.Results) {
	if len(res.Events) == 0 && len(res.Windows) == 0 {
		return
	}
	now := *l.results.Load()
	now.At, now.OneIn = l.deps.Now(), l.OnePacketIn()
	if len(res.Events) > 0 {
		now.Findings = slices.Clone(now.Findings)
		now.Recent = slices.Clone(now.Recent)
	}
	for i := range res.Events {
		e := &res.Events[i]
		now.apply(e, l.cfg.Recent)
		l.counts.events[e.Type].Add(1)
	}
	for _, w := range res.Windows {
		now.Window = w
		l.counts.windows.Add(1)
		if w.Blame == nil {
			l.counts.unblamed.Add(1)
		}
	}
	if len(res.Windows) > 0 {
		now.Losses = l.core.Totals()
	}
	l.results.Store(&now)
	if l.deps.OnEvent != nil {
		for _, e := range res.Events {
			l.deps.OnEvent(e)
		}
	}
	if l.deps.OnWindow != nil {
		for _, w := range res.Windows {
			l.deps.OnWindow(w)
		}
	}
	if l.deps.Changed != nil {
		l.deps.Changed()
	}
}

// apply changes the findings by an event.
func (r *Results) apply(e *incident.Event, recent int) {
	f := Finding{ID(e), e.Finding}
	at := slices.IndexFunc(r.Findings, func(x Finding) bool { return x.ID == f.ID })
	switch {
	case e.Type == incident.Closed:
		if at >= 0 {
			r.Findings = slices.Delete(r.Findings, at, at+1)
		}
		r.Recent = slices.Insert(r.Recent, 0, f)
		r.Recent = r.Recent[:min(len(r.Recent), recent)]
	case at >= 0:
		r.Findings[at] = f
	default:
		r.Findings = append(r.Findings, f)
	}
}

// ID names the finding of an event.
func ID(e *incident.Event) string { return fmt.Sprintf("incident-%d", e.ID) }
