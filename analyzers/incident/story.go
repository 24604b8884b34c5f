package incident

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/telltale-net/telltale/analyzers"
)

// key names a story: at most one is open for each.
type key struct {
	kind      analyzers.Kind
	node      int32
	port      uint32
	rule, vni uint32
	what      int32 // leaf index of route-missing, reason of drops
}

// candidate is a finding whose evidence suffices now.
type candidate struct {
	key     key
	fresh   int64 // when the latest evidence came in
	finding analyzers.Finding
}

// story is an open finding.
type story struct {
	id       uint64
	key      key
	fresh    int64 // when the latest evidence came in
	finding  analyzers.Finding
	reported analyzers.Finding // as in the latest event
	event    int64             // when that was
}

// EventType is what happened to a finding.
type EventType uint8

// The types of events.
const (
	Opened EventType = iota
	Updated
	Closed
)

func (t EventType) String() string {
	switch t {
	case Opened:
		return "opened"
	case Updated:
		return "updated"
	case Closed:
		return "closed"
	}
	return fmt.Sprintf("EventType(%d)", uint8(t))
}

// MarshalJSON writes the type as a word.
func (t EventType) MarshalJSON() ([]byte, error) { return json.Marshal(t.String()) }

// Event is a change of one finding.
type Event struct {
	Type    EventType         `json:"event"`
	ID      uint64            `json:"id"`    // the same over a finding's life, counted from 1
	At      int64             `json:"at_ns"` // collector's clock
	Finding analyzers.Finding `json:"finding"`
}

// settle applies the candidates to the stories.
func (a *Analyzer) settle(cands []candidate) (events []Event) {
	for i := range cands {
		c := &cands[i]
		c.finding.Analyzer = "incident"
		s := a.story(c.key)
		if s == nil {
			if c.fresh < a.ago(a.cfg.Quiet) {
				continue // over before it could be known
			}
			if len(a.stories) >= a.cfg.MaxOpen {
				a.shed++
				continue
			}
			a.nextID++
			c.finding.Decided = a.now
			s = &story{id: a.nextID, key: c.key, fresh: c.fresh, finding: c.finding}
			a.stories = append(a.stories, s)
			events = append(events, a.report(s, Opened))
			continue
		}
		if c.fresh <= s.fresh {
			continue // nothing new; what the network does afterwards must not rewrite it
		}
		s.fresh = c.fresh
		c.finding.Decided = s.finding.Decided
		c.finding.Since = min(c.finding.Since, s.finding.Since)
		c.finding.Until = max(c.finding.Until, s.finding.Until)
		c.finding.Packets = max(c.finding.Packets, s.finding.Packets)
		c.finding.Flows = max(c.finding.Flows, s.finding.Flows)
		s.finding = c.finding
		if a.now-s.event >= int64(a.cfg.UpdateEvery) && s.moved() {
			events = append(events, a.report(s, Updated))
		}
	}
	a.stories = slices.DeleteFunc(a.stories, func(s *story) bool {
		if s.fresh >= a.ago(a.cfg.Quiet) {
			return false
		}
		events = append(events, a.report(s, Closed))
		return true
	})
	return events
}

func (a *Analyzer) story(k key) *story {
	for _, s := range a.stories {
		if s.key == k {
			return s
		}
	}
	return nil
}

// moved reports whether the finding says something new: twice the packets, another
// place, another confidence.
func (s *story) moved() bool {
	f, r := &s.finding, &s.reported
	return f.Packets >= 2*r.Packets || f.Place.Prefix != r.Place.Prefix || math.Abs(f.Confidence-r.Confidence) >= 0.05
}

func (a *Analyzer) report(s *story, t EventType) Event {
	s.reported, s.event = s.finding, a.now
	return Event{Type: t, ID: s.id, At: a.now, Finding: s.finding}
}

// Findings returns the open findings, the most important first: by confidence times
// the order of magnitude of the packets that suffered, then by age.
func (a *Analyzer) Findings() []analyzers.Finding {
	open := slices.Clone(a.stories)
	slices.SortStableFunc(open, func(x, y *story) int {
		return cmp.Or(cmp.Compare(weight(&y.finding), weight(&x.finding)), cmp.Compare(x.finding.Since, y.finding.Since), cmp.Compare(x.id, y.id))
	})
	out := make([]analyzers.Finding, len(open))
	for i, s := range open {
		out[i] = s.finding
	}
	return out
}

func weight(f *analyzers.Finding) float64 {
	return f.Confidence * math.Log2(2+float64(f.Packets))
}

// confidence joins strengths by noisy-or; see the package comment.
func confidence(reportLoss float64, strengths ...float64) float64 {
	rest := 1.0
	for _, s := range strengths {
		rest *= 1 - s
	}
	c := min((1-rest)*(1-reportLoss/2), 0.99)
	return math.Round(c*100) / 100
}

// enough is the strength of n like observations: one half at half, towards 1.
func enough(n uint64, half float64) float64 { return float64(n) / (float64(n) + half) }
