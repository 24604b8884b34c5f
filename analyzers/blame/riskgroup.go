package blame

import (
	"cmp"
	"math"
	"slices"
)

// RiskGroup is links of one device that are at fault, more likely for one cause than each by itself:
// a shared risk link group. That is a line card, say, or all of the device where its links lose too
// differently to be one fault.
type RiskGroup struct {
	Device      string   `json:"device"`
	Links       []string `json:"links"`       // at fault, in the order of their names
	Of          int      `json:"of"`          // links of the device that packets cross
	Probability float64  `json:"probability"` // of one cause, if these are at fault
}

// leastGroup is the least number of links that make a group.
const leastGroup = 3

// riskGroups returns the groups of the links found bad by themselves, the largest first. Links that
// belong to two groups are told in both.
func (t *Tracker) riskGroups(m *fit, bad map[int32]bool) []RiskGroup {
	var all [2]float64
	of := map[int32]int{}
	for l := range bad {
		all[m.classes.of(l)]++
		m.sharing.each(m.ends[l], func(n int32) { of[n]++ })
	}
	var out []RiskGroup
	for n, j := range of {
		if j < leastGroup {
			continue
		}
		var carrying []int32
		group, besides := RiskGroup{Device: t.links.nodes[n]}, all
		for _, l := range m.sharing.links[n] {
			if m.carries(l) {
				carrying = append(carrying, l)
			}
			if bad[l] {
				group.Links = append(group.Links, t.links.Name(l))
				besides[m.classes.of(l)]--
			}
		}
		odds := m.together(n, carrying, func(l int32) bool { return bad[l] }, besides)
		group.Of, group.Probability = len(carrying), round(-math.Expm1(-odds))
		if group.Probability >= 0.5 {
			slices.Sort(group.Links)
			out = append(out, group)
		}
	}
	slices.SortFunc(out, func(a, b RiskGroup) int {
		return cmp.Or(cmp.Compare(len(b.Links), len(a.Links)), cmp.Compare(a.Device, b.Device))
	})
	return out
}
