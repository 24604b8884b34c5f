package blame

import "math"

// A common cause (a line card, a power supply, an upgrade) takes several links of one
// device, which is less than the device and more likely than so many faults by themselves.
// As likely as any number of a device's links, from two on, is any other, and each choice
// of that many as any other one.

// commonPrior is the odds of several links of a device at fault for one cause against a
// link's.
const commonPrior = 0.3

// alike is how much less than the most a link of a device loses may lose for the same cause.
const alike = 0.1

// sharing is what is known of links that share a device.
type sharing struct {
	links [][]int32 // by device
	at    []int32   // faults that are links, by device
}

// shared divides links by device.
func shared(ends [][2]int32, devices int) sharing {
	s := sharing{make([][]int32, devices), make([]int32, devices)}
	for l, e := range ends {
		s.each(e, func(n int32) { s.links[n] = append(s.links[n], int32(l)) })
	}
	return s
}

// each does something for the devices at the ends of a link.
func (s *sharing) each(ends [2]int32, do func(device int32)) {
	if ends[0] >= 0 {
		do(ends[0])
		if ends[1] != ends[0] {
			do(ends[1])
		}
	}
}

// share counts a fault that comes or goes.
func (m *fit) share(c, times int32) {
	if int(c) < m.links {
		m.sharing.each(m.ends[c], func(n int32) { m.sharing.at[n] += times })
	}
}

// common is the log of how much more probable the faults of a device's links are, and one
// more that loses at a rate (-1 = none), than as many by themselves. Of one cause are those
// that lose at about the same rate.
func (m *fit) common(device, more int32, theta float64) float64 {
	links := m.sharing.links[device]
	if !m.few || len(links) < 3 || m.sharing.at[device] == 0 {
		return 0
	}
	most := theta
	for _, l := range links {
		most = max(most, m.theta[l])
	}
	return m.together(device, links, func(l int32) bool {
		rate := m.theta[l]
		if l == more {
			rate = theta
		}
		return rate > most*alike
	}, [2]float64{})
}

// together is the log of how much more probable those of a device's links are that fail for one
// cause or by themselves, besides so many faults elsewhere, than by themselves.
func (m *fit) together(device int32, links []int32, fails func(l int32) bool, besides [2]float64) float64 {
	j, whole := 0, map[int32]bool{} // neighbours to which all links fail
	for _, l := range links {
		other := m.ends[l][0] + m.ends[l][1] - device
		if !fails(l) {
			whole[other] = false
			continue
		}
		j++
		if _, known := whole[other]; !known {
			whole[other] = true
		}
	}
	if j < 2 {
		return 0
	}
	k, alone := 0, 0.0 // faults inside, where there is such a class
	if m.classes.links[0] == 0 {
		k = 1
	}
	for i := 1; i < j; i++ {
		before := besides
		before[k] += float64(i)
		alone += m.classes.odds(k, before)
	}
	odds := logAdd(0, some(len(links), j)-alone)
	for _, l := range links {
		if fails(l) && !whole[m.ends[l][0]+m.ends[l][1]-device] {
			return odds // a part of a port
		}
	}
	ports := 0
	for _, all := range whole {
		if all {
			ports++
		}
	}
	return logAdd(odds, some(len(whole), ports)-alone)
}

// some is the log of the odds of k of n for one cause.
func some(n, k int) float64 {
	return math.Log(commonPrior/max(float64(n-1), 1)) - logChoose(float64(n), float64(k))
}

// next is the log of how much more probable faults of links between the devices at a column's
// ends make another one there, of such a rate.
func (m *fit) next(c int32, theta float64) float64 {
	if int(c) >= m.links {
		return 0
	}
	more := 0.0
	m.sharing.each(m.ends[c], func(n int32) {
		if m.sharing.at[n] > 0 {
			more += m.common(n, c, theta) - m.common(n, -1, 0)
		}
	})
	return more
}

// causes is the sum of common over all devices.
func (m *fit) causes() float64 {
	sum, seen := 0.0, map[int32]bool{}
	for _, c := range m.faults {
		if int(c) >= m.links {
			continue
		}
		m.sharing.each(m.ends[c], func(n int32) {
			if !seen[n] {
				seen[n] = true
				sum += m.common(n, -1, 0)
			}
		})
	}
	return sum
}

// logAdd is log(exp(a)+exp(b)).
func logAdd(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	return a + math.Log1p(math.Exp(b-a))
}
