package blame

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
)

// Verdict is what is thought of a link or device.
type Verdict string

// The verdicts.
const (
	Bad     Verdict = "bad"     // at fault as good as certainly: probability 0.95 and more
	Unknown Verdict = "unknown" // may well be at fault: probability 0.05 to 0.95
	Good    Verdict = "good"
)

// Causes of a flow's loss that are no link.
const (
	CauseNoise   = "noise"   // no fault: losses as everywhere
	CauseUnknown = "unknown" // several explanations, none of them likely, or no path known
)

// LinkResult is what is thought of a link.
type LinkResult struct {
	Link        string   `json:"link"`
	Verdict     Verdict  `json:"verdict"`
	Score       float64  `json:"score"`                 // likelihood: log of the posterior odds; votes: adjusted votes when it was chosen or at the end; cover, binary: flows with losses that cross it; integer: losses given to it
	Probability *float64 `json:"probability,omitempty"` // likelihood only: by itself, or with Device
	Votes       float64  `json:"votes"`                 // of 007, before any adjustment
	LossRate    float64  `json:"loss_rate,omitempty"`   // likelihood only: estimated share of packets lost there, if at fault
	Device      string   `json:"device,omitempty"`      // at fault only because this device is
	// Kind is why it loses packets, where queue depths or runs of losses were observed,
	// and KindProbability that of this kind (of the likelier one where it is unknown).
	Kind            Kind     `json:"kind,omitempty"`
	KindProbability *float64 `json:"kind_probability,omitempty"`
}

// DeviceResult is what is thought of a device: a fault of all its links at once. It is bad where it
// is at fault more likely than not, and it or a part of it as good as certainly.
type DeviceResult struct {
	Device      string  `json:"device"`
	Verdict     Verdict `json:"verdict"`
	Score       float64 `json:"score"`
	Probability float64 `json:"probability"`
	LossRate    float64 `json:"loss_rate"`
}

// FlowResult is the cause of a flow's loss.
type FlowResult struct {
	Flow        string   `json:"flow"`
	Cause       string   `json:"cause"`                 // a link of its path, CauseNoise or CauseUnknown
	Probability *float64 `json:"probability,omitempty"` // likelihood only: of that cause
	Noise       float64  `json:"noise,omitempty"`       // likelihood only: probability that it is none's fault, where that is greater than the cause's
	Device      string   `json:"device,omitempty"`      // the fault is this device's; cause is the link by which packets reach it
	// Path is the likeliest of several paths, but for what all of them cross, and
	// PathProbability that it was the one, given the loss; both only where it is uncertain.
	Path            []string `json:"path,omitempty"`
	PathProbability *float64 `json:"path_probability,omitempty"`
}

// Result is the answer about one set: links crossed by flows with losses, bad ones first,
// then by score; devices not good; groups of bad links; all flows with losses, in the set's order.
type Result struct {
	Method  string         `json:"method"`
	Links   []LinkResult   `json:"links"`
	Devices []DeviceResult `json:"devices,omitempty"`
	// RiskGroups is bad links that have a cause in common; likelihood only.
	RiskGroups []RiskGroup  `json:"risk_groups,omitempty"`
	Flows      []FlowResult `json:"flows"`
	Noise      float64      `json:"noise,omitempty"`   // likelihood only: estimated loss rate of a healthy link
	Bound      int          `json:"bound,omitempty"`   // binary, integer: no cover has fewer links
	Carried    int          `json:"carried,omitempty"` // losing flows of earlier epochs that count
	Shed       int          `json:"shed,omitempty"`    // losing flows that were not carried for want of room
	// EqualTraffic says that the set has only flows with losses: without denominators,
	// likelihood took all links to carry the same, and rates mean little.
	EqualTraffic bool `json:"equal_traffic,omitempty"`
}

// BadLinks returns the names of the links found bad.
func (r *Result) BadLinks() []string {
	var bad []string
	for i := range r.Links {
		if r.Links[i].Verdict == Bad {
			bad = append(bad, r.Links[i].Link)
		}
	}
	return bad
}

// WriteJSON writes the result as one line.
func (r *Result) WriteJSON(w io.Writer) error {
	c := *r
	if c.Links == nil {
		c.Links = []LinkResult{}
	}
	if c.Flows == nil {
		c.Flows = []FlowResult{}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false) // links are named with '>'
	if err := enc.Encode(&c); err != nil {
		return fmt.Errorf("cannot write the result: %w", err)
	}
	return nil
}

// round keeps six significant digits: more would feign precision.
func round(x float64) float64 {
	if x == 0 || math.IsInf(x, 0) || math.IsNaN(x) {
		return x
	}
	m := math.Pow(10, 5-math.Floor(math.Log10(math.Abs(x))))
	if math.IsInf(m, 0) || m == 0 {
		return x
	}
	return math.Round(x*m) / m
}
