package blame

import (
	"container/heap"
	"slices"
)

// The search adds, takes out and replaces one fault at a time; where that gets it nowhere
// it leaps: a device that is at fault may rather be several of its links, noise far above
// the usual may rather be several links, and several faults their image.

// quiet is how many links are looked for in place of noise: where more lose packets, it is
// noise.
func (m *fit) quiet() int { return max(quietLinks, m.carrying()/quietShare) }

const (
	quietLinks = 4
	quietShare = 8
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
			}, m.most)
		}) {
			changed = true
		}
	}
	if m.noise*m.level() > faultOverNoise*m.usualNoise() && m.attempt(func() {
		m.noise = m.usualNoise() / m.level()
		m.sprout(func(c int32) bool { return int(c) < m.links }, min(m.most, len(m.faults)+m.quiet()))
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
