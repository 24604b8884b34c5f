package evalqueue

import (
	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
	"github.com/telltale-net/telltale/analyzers/queue/records"
	"github.com/telltale-net/telltale/bmv2/lab/chain"
)

// patternOutcome is how a run's bug came out of aggregation.
type patternOutcome struct {
	Patterns int  // in all
	OfBug    int  // at the buggy node with flows of the bug
	Ports    bool // the one has the right ports
}

func (p *patternOutcome) one() float64 {
	if p.OfBug == 1 {
		return 1
	}
	return 0
}

func (p *patternOutcome) right() float64 {
	if p.OfBug == 1 && p.Ports {
		return 1
	}
	return 0
}

func judgePatterns(t *chain.Trace, data *records.Trace, answers []diagnosis.Diagnosis) (*patternOutcome, error) {
	return nil, nil
}
