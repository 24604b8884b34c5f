package blametest

import "github.com/telltale-net/telltale/analyzers/blame"

// Evidence is how many packets a failed link must have lost to be findable.
const Evidence = 3

// Score adds up answers against the truth.
type Score struct {
	Epochs           int
	Found, False     int // links called bad: failed ones, healthy ones
	Failed, Findable int // failed links, those that lost at least Evidence packets
	FoundFindable    int
	Flows, Right     int // flows that a failed link took packets of, causes that name it
	Noise, NoiseSaid int // flows that lost packets elsewhere only, causes that say so
	FalseEpochs      int // epochs with a healthy link called bad
}

// Add scores one answer.
func (s *Score) Add(n *Network, e *Epoch, faults Faults, r *blame.Result) {
	s.Epochs++
	wrong := false
	for _, name := range r.BadLinks() {
		l := n.Links.ID(name)
		if _, failed := faults[l]; !failed {
			s.False++
			wrong = true
			continue
		}
		s.Found++
		if e.Drops[l] >= Evidence {
			s.FoundFindable++
		}
	}
	if wrong {
		s.FalseEpochs++
	}
	s.Failed += len(faults)
	for l := range faults {
		if e.Drops[l] >= Evidence {
			s.Findable++
		}
	}
	for i, cause := range e.Cause {
		if _, failed := faults[cause]; !failed {
			s.Noise++
			if r.Flows[i].Cause == blame.CauseNoise {
				s.NoiseSaid++
			}
			continue
		}
		s.Flows++
		if r.Flows[i].Cause == n.Links.Name(cause) {
			s.Right++
		}
	}
}

// Precision is the share of links called bad that are.
func (s *Score) Precision() float64 { return share(s.Found, s.Found+s.False) }

// Recall is the share of failed links called bad.
func (s *Score) Recall() float64 { return share(s.Found, s.Failed) }

// RecallFindable is that of those that lost at least Evidence packets.
func (s *Score) RecallFindable() float64 { return share(s.FoundFindable, s.Findable) }

// F1 is the harmonic mean of precision and recall over the findable links.
func (s *Score) F1() float64 {
	p, r := s.Precision(), s.RecallFindable()
	if p+r == 0 {
		return 0
	}
	return 2 * p * r / (p + r)
}

// Accuracy is the share of flows hit by a failed link whose cause names it.
func (s *Score) Accuracy() float64 { return share(s.Right, s.Flows) }

// NoiseAccuracy is the share of flows hit by noise alone of which that is said.
func (s *Score) NoiseAccuracy() float64 { return share(s.NoiseSaid, s.Noise) }

func share(a, b int) float64 {
	if b == 0 {
		return 1
	}
	return float64(a) / float64(b)
}
