package blame

import (
	"math"
	"slices"
)

// suspect is what is thought of a column.
type suspect struct {
	col         int32
	fault       bool
	logOdds     float64
	theta       float64
	probability float64
	either      float64 // probability of this link or a device of it, where hypotheses were weighed, else 0
	share       float64 // of the packets of the flow that is looked at
}

// posterior returns all columns that losing flows cross.
func (m *fit) posterior() []suspect {
	var out []suspect
	around := m.average()
	at := make([]int32, len(m.of))
	for c := range m.of {
		at[c] = -1
		if !m.suspected(int32(c)) {
			continue
		}
		at[c] = int32(len(out))
		if m.theta[c] > 0 {
			out = append(out, suspect{col: int32(c), fault: true, theta: m.theta[c]})
			continue
		}
		o, theta := m.odds(int32(c))
		out = append(out, suspect{col: int32(c), logOdds: o, theta: theta, probability: logistic(o)})
	}
	images := m.weigh()
	var all []others
	instead := map[int32]inPlace{}
	for _, c := range slices.Clone(m.faults) {
		theta := m.theta[c]
		none := m.without(c)
		m.remove(c)
		own, _ := m.odds(c)
		none += own
		o := others{col: c, none: math.Exp(none - own), rivals: m.rivals(c)}
		for _, x := range o.rivals {
			odds, theta := m.odds(x)
			odds += m.healthy(x) - own - m.healthy(c) // against the same
			o.weight = append(o.weight, math.Exp(min(odds, 300)))
			if best, ok := instead[x]; !ok || odds > best.odds {
				instead[x] = inPlace{odds, theta}
			}
		}
		all = append(all, o)
		out[at[c]].logOdds = own - none
		m.add(c, theta)
	}
	for i := range all {
		out[at[all[i].col]].probability = all[i].share(all, images, func(x int32, p float64) {
			s := &out[at[x]]
			if p > s.probability && !s.fault { // a suspect for a fault's sake, at the rate it has in its place
				s.theta = instead[x].theta
			}
			if s.probability = 1 - (1-s.probability)*(1-p); !s.fault {
				s.logOdds = max(s.logOdds, logit(s.probability))
			}
		})
	}
	if around != nil && len(images) == 0 {
		around.weigh(out)
	}
	return out
}

// inPlace is a column in the place of the fault that it is likeliest to be taken for.
type inPlace struct {
	odds  float64 // log, against that fault
	theta float64
}

// maxJoint bounds how many faults are weighed with the noise fitted anew.
const maxJoint = 100

// without returns the log odds of none at a column that has a fault, with the noise
// fitted to that.
func (m *fit) without(c int32) float64 {
	theta, back := m.theta[c], m.saved()
	if len(m.faults) > maxJoint {
		m.remove(c)
		own, _ := m.odds(c)
		m.add(c, theta)
		return -own
	}
	with := m.objective()
	m.remove(c)
	own, _ := m.odds(c)
	m.fitNoise()
	m.fitOwn()
	none := m.objective()
	back()
	return max(none-with, -own)
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// logit is the log of the odds of a probability, bounded.
func logit(p float64) float64 { return math.Log(max(p, 1e-12) / max(1-p, 1e-12)) }
