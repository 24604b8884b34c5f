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
	share       float64 // of the packets of the flow that is looked at
}

// posterior returns all columns that losing flows cross.
func (m *fit) posterior() []suspect {
	var out []suspect
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
	for _, c := range slices.Clone(m.faults) {
		theta := m.theta[c]
		none := m.without(c)
		m.remove(c)
		own, _ := m.odds(c)
		none += own
		rivals := m.rivals(c)
		logs := make([]float64, len(rivals))
		most := max(none, own)
		for i, x := range rivals {
			logs[i], _ = m.odds(x)
			most = max(most, logs[i])
		}
		sum := math.Exp(none-most) + math.Exp(own-most)
		for _, l := range logs {
			sum += math.Exp(l - most)
		}
		out[at[c]].logOdds, out[at[c]].probability = own-none, math.Exp(own-most)/sum
		for i, x := range rivals {
			s := &out[at[x]]
			s.probability = 1 - (1-s.probability)*(1-math.Exp(logs[i]-most)/sum)
		}
		m.add(c, theta)
	}
	return out
}

// maxJoint bounds how many faults are weighed with the noise fitted anew.
const maxJoint = 100

// without returns the log odds of none at a column that has a fault, with the noise
// fitted to that.
func (m *fit) without(c int32) float64 {
	theta, noise := m.theta[c], m.noise
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
	none := m.objective()
	m.noise = noise
	m.add(c, theta)
	return max(none-with, -own)
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
