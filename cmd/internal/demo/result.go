package demo

import (
	"time"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/incident"
)

// Want is what a right verdict on a fault says. Fields of Place that are zero may be
// anything in the verdict.
type Want struct {
	Kind  analyzers.Kind  `json:"kind"`
	Place analyzers.Place `json:"place"`
}

// Matches reports whether a finding names the right reason and place.
func (w Want) Matches(f *analyzers.Finding) bool {
	p, q := w.Place, f.Place
	same := func(want, got string) bool { return want == "" || want == got }
	number := func(want, got uint32) bool { return want == 0 || want == got }
	return w.Kind == f.Kind &&
		same(p.Node, q.Node) && same(p.Peer, q.Peer) && same(p.Prefix, q.Prefix) && same(p.VNET, q.VNET) &&
		number(p.Port, q.Port) && number(p.VNI, q.VNI) && number(p.Rule, q.Rule)
}

// Outcome is one fault and what was made of it.
type Outcome struct {
	Fault    string        `json:"fault"`
	What     string        `json:"what"` // in words, with the place
	Injected time.Duration `json:"injected_ns"`
	Reverted time.Duration `json:"reverted_ns"`
	Want     Want          `json:"want"`
	// Findings opened between the injection and the next one, in order, as they stood
	// at their end.
	Findings []analyzers.Finding `json:"findings"`
	// Correct: there is exactly one finding, and it is the wanted one.
	Correct bool `json:"correct"`
	// TimeToVerdict is from the injection to the decision; zero without a right verdict.
	TimeToVerdict time.Duration `json:"time_to_verdict_ns"`
}

// Verdict returns the finding that matches, or nil.
func (o *Outcome) Verdict() *analyzers.Finding {
	for i := range o.Findings {
		if o.Want.Matches(&o.Findings[i]) {
			return &o.Findings[i]
		}
	}
	return nil
}

func (o *Outcome) judge() {
	v := o.Verdict()
	o.Correct = v != nil && len(o.Findings) == 1
	if v != nil {
		o.TimeToVerdict = time.Duration(v.Decided) - o.Injected
	}
}

// Healthy is the period before the first fault.
type Healthy struct {
	From     time.Duration       `json:"from_ns"`
	To       time.Duration       `json:"to_ns"`
	Findings []analyzers.Finding `json:"findings"` // none, if all is well
}

// Traffic is the hosts' own account: ground truth.
type Traffic struct {
	Flows     int    `json:"flows"`
	Sent      uint64 `json:"sent"`
	Delivered uint64 `json:"delivered"`
}

// Reports is the collector's account.
type Reports struct {
	Datagrams uint64 `json:"datagrams"`
	Records   uint64 `json:"records"`
	Malformed uint64 `json:"malformed"`
	Lost      uint64 `json:"lost"` // by sequence number
}

// Result is the whole demo. Everything but Wall depends on the configuration alone.
type Result struct {
	Fabric   string        `json:"fabric"`
	Seed     uint64        `json:"seed"`
	Duration time.Duration `json:"duration_ns"`
	Healthy  Healthy       `json:"healthy"`
	Faults   []Outcome     `json:"faults"`
	Traffic  Traffic       `json:"traffic"`
	Reports  Reports       `json:"reports"`
	Entries  int           `json:"entries"` // written by the controller, all switches
	Correct  bool          `json:"correct"`
	Wall     Wall          `json:"wall_clock"`
}

// Wall is what the machine took; it differs from run to run.
type Wall struct {
	Seconds float64 `json:"seconds"`
}

func (r *Result) judge() {
	r.Correct = len(r.Healthy.Findings) == 0
	for i := range r.Faults {
		r.Faults[i].judge()
		r.Correct = r.Correct && r.Faults[i].Correct
	}
}

// Event is something to tell the onlooker, at an instant of virtual time.
type Event struct {
	At      time.Duration
	Kind    EventKind
	Text    string             // of Step, Injected, Reverted
	Finding *analyzers.Finding // of Finding
	Change  incident.EventType // of Finding
}

// EventKind says which fields of an Event hold.
type EventKind uint8

// The kinds of events.
const (
	Step EventKind = iota
	Injected
	Reverted
	Finding
	Progress // time has passed, nothing else
)
