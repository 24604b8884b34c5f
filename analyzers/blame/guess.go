package blame

import "math"

// A loss of which nothing is known but that another flow lost packets over the same link is
// noise, as a rule. Who looks for the cause of that one flow's loss is helped more by the
// link that both crossed, with its small probability, than by noise: 007 names it, too, but
// also where only one flow's votes are for it.

// strongEvidence is the Bayes factor from which a link that several such flows crossed is
// named: ten is strong evidence (Jeffreys), however improbable faults are.
const strongEvidence = 10

// guess is the likeliest link of a flow the loss of which is called noise.
type guess struct {
	flow        int // in the result
	path        []int32
	link        int32
	probability float64
}

// guesses names links instead of noise.
func (t *Tracker) guesses(m *fit, flows []FlowResult, all []guess) {
	crossed := map[int32]int{}
	for _, g := range all {
		for _, l := range g.path {
			crossed[l]++
		}
	}
	for _, g := range all {
		if crossed[g.link] < 2 || g.probability < m.leastGuess(g.link) {
			continue
		}
		r := &flows[g.flow]
		p, noise := round(g.probability), *r.Probability
		r.Cause, r.Probability, r.Noise = t.links.Name(g.link), &p, noise
	}
}

// leastGuess is the probability from which a link is named.
func (m *fit) leastGuess(link int32) float64 {
	return min(leastCause, strongEvidence*math.Exp(m.classes.odds(m.classes.of(link), m.count)))
}
