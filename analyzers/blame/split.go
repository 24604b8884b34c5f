package blame

import (
	"container/heap"
	"slices"
)

// The search adds, takes out and replaces one fault at a time; where that gets it nowhere
// it leaps: a device that is at fault may rather be several of its links, noise far above
// the usual may rather be several links, and several faults their image.

// quietFaults is how many links are looked for in place of noise, at most, and in quietShare
// of how many links one of them: where more lose packets, it is noise.
const (
	quietFaults = 24
	quietShare  = 8
)

// leap tries them and reports whether one was better.
func (m *fit) leap() bool {
	changed := false
	for _, d := range slices.Clone(m.faults) {
		if int(d) < m.links {
			continue
		}
		if m.attempt(func() {
			m.remove(d)
			m.sprout(func(c int32) bool {
				return int(c) < m.links && slices.Contains(m.ends[c][:], d-int32(m.links))
			}, m.cfg.MaxFaults)
		}) {
			changed = true
		}
	}
	if m.noise > faultOverNoise*usualNoise && m.attempt(func() {
		m.noise = usualNoise
		m.sprout(func(c int32) bool { return int(c) < m.links }, min(m.cfg.MaxFaults, len(m.faults)+min(quietFaults, m.carrying()/quietShare)))
	}) {
		changed = true
	}
	for _, x := range m.images() {
		if m.attempt(func() { m.apply(x) }) {
			return true // the others are images of what was
		}
	}
	return changed
}

// carrying is how many links packets cross, or may.
func (m *fit) carrying() int {
	n := 0
	for c := range m.links {
		if m.survivors[c] > 0 || m.suspected(int32(c)) {
			n++
		}
	}
	return n
}

// sprout adds faults among some suspects while they pay at the noise of the moment, then
// fits everything and takes those out again that do not pay any more.
func (m *fit) sprout(among func(c int32) bool, most int) {
	var q queue
	for c := range m.of {
		if c := int32(c); m.theta[c] == 0 && m.suspected(c) && among(c) {
			if o, _ := m.odds(c); o > 0 {
				q = append(q, candidate{o, c, len(m.faults)})
			}
		}
	}
	heap.Init(&q)
	var added []int32
	for len(q) > 0 && len(m.faults) < most {
		top := heap.Pop(&q).(candidate)
		o, theta := m.odds(top.col)
		switch {
		case o <= 0:
		case top.stamp < len(m.faults):
			heap.Push(&q, candidate{o, top.col, len(m.faults)})
		default:
			m.add(top.col, theta)
			added = append(added, top.col)
		}
	}
	m.settle()
	slices.Reverse(added)
	for _, c := range added {
		theta := m.theta[c]
		m.remove(c)
		if o, _ := m.odds(c); o > 0 {
			m.add(c, theta)
		}
	}
}
