package blame

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Where there are few suspects, hypotheses around the best one are weighed against each
// other (an Occam's window): a fault whose losses several others could explain together, in
// ways in which no single one could, is then as doubtful as it should be.

// What is looked at, at most.
const (
	averageColumns = 96   // with more suspects than these, nothing is
	averageRows    = 1024 // … or more rows
	averageFaults  = 16   // … or more faults in the best hypothesis
	averageTries   = 128  // hypotheses fitted
	averageOdds    = 5    // how much worse than the best, as log odds, hypotheses are from which others are derived
	averageAdds    = 3    // suspects added to each, and put in the place of each fault
)

// hypothesis is a set of faults with everything fitted to it.
type hypothesis struct {
	faults    []int32 // ascending
	objective float64
	load      func()
	expanded  bool
}

// window is hypotheses that were looked at.
type window struct {
	m    *fit
	from float64 // the noise before
	all  []*hypothesis
	seen map[string]bool
}

// countFew finds out whether there are few suspects.
func (m *fit) countFew() {
	suspects := 0
	for c := range m.of {
		if m.suspected(int32(c)) {
			suspects++
		}
	}
	m.few = suspects > 0 && suspects <= averageColumns && len(m.end)+len(m.mix.rows) <= averageRows
}

// average looks for hypotheses around the current one, makes the best of them the current
// one, and returns all with their probabilities; nil where that would be too much.
func (m *fit) average() *window {
	if !m.few || len(m.faults) > averageFaults {
		return nil
	}
	w := &window{m: m, from: m.noise, seen: map[string]bool{}}
	w.take()
	for len(w.all) < averageTries {
		best := w.best()
		var next *hypothesis
		for _, h := range w.all {
			if !h.expanded && h.objective > best.objective-averageOdds && (next == nil || h.objective > next.objective) {
				next = h
			}
		}
		if next == nil {
			break
		}
		next.expanded = true
		w.derive(next)
	}
	w.best().load()
	return w
}

func (w *window) best() *hypothesis {
	return slices.MaxFunc(w.all, func(a, b *hypothesis) int { return cmp.Compare(a.objective, b.objective) })
}

// take adds the current hypothesis, unless it was there.
func (w *window) take() {
	faults := slices.Sorted(slices.Values(w.m.faults))
	if key := fmt.Sprint(faults); !w.seen[key] {
		w.seen[key] = true
		back := w.m.saved()
		w.all = append(w.all, &hypothesis{faults: faults, objective: w.m.objective(), load: func() {
			back()
			w.m.faults = slices.Clone(w.m.faults) // back's own may be loaded again
		}})
	}
}

// try makes a change to a hypothesis and fits everything to it.
func (w *window) try(h *hypothesis, change func()) {
	if len(w.all) >= averageTries {
		return
	}
	h.load()
	change()
	if w.seen[fmt.Sprint(slices.Sorted(slices.Values(w.m.faults)))] {
		return
	}
	w.m.settle()
	if w.m.noise < w.from/faultOverNoise && !w.oneCause() {
		return // faults all over instead of noise are noise
	}
	w.take()
}

// oneCause reports whether all faults that were not there first are of one device.
func (w *window) oneCause() bool {
	m, more := w.m, slices.Clone(w.m.faults)
	more = slices.DeleteFunc(more, func(c int32) bool { return slices.Contains(w.all[0].faults, c) })
	if len(more) == 0 {
		return true
	}
	touches := func(c, device int32) bool {
		return int(c) >= m.links && c == int32(m.links)+device || int(c) < m.links && slices.Contains(m.ends[c][:], device)
	}
	devices := []int32{more[0] - int32(m.links)}
	if int(more[0]) < m.links {
		devices = m.ends[more[0]][:]
	}
	return slices.ContainsFunc(devices, func(d int32) bool {
		return d >= 0 && !slices.ContainsFunc(more, func(c int32) bool { return !touches(c, d) })
	})
}

// derive tries what differs from a hypothesis by a fault more, less or elsewhere, by a device
// or other links of it instead of some of its links, by links instead of the device, or by
// links instead of noise.
func (w *window) derive(h *hypothesis) {
	m := w.m
	replace := func(c int32, by []candidate) {
		for _, x := range by {
			w.try(h, func() {
				if c >= 0 {
					m.remove(c)
				}
				if _, theta := m.odds(x.col); m.theta[x.col] == 0 {
					m.add(x.col, theta)
				}
			})
		}
	}
	h.load()
	replace(-1, m.likely(func(int32) bool { return true }))
	for _, c := range h.faults {
		w.try(h, func() { m.remove(c) })
		h.load()
		m.remove(c)
		rivals := m.rivals(c)
		by := m.likely(func(x int32) bool { return x != c && slices.Contains(rivals, x) })
		replace(c, by)
		if int(c) >= m.links {
			w.try(h, func() {
				m.remove(c)
				m.sprout(func(x int32) bool {
					return int(x) < m.links && slices.Contains(m.ends[x][:], c-int32(m.links))
				}, m.cfg.MaxFaults)
			})
		}
	}
	h.load()
	var devices []int32
	for n, links := range m.sharing.at {
		if c := int32(m.links + n); links > 1 && int(c) < len(m.theta) && m.theta[c] == 0 {
			devices = append(devices, c)
		}
	}
	for _, d := range devices {
		of := func(c int32) bool { return int(c) < m.links && slices.Contains(m.ends[c][:], d-int32(m.links)) }
		leave := func() {
			for _, c := range h.faults {
				if of(c) {
					m.remove(c)
				}
			}
		}
		w.try(h, func() {
			leave()
			_, theta := m.odds(d)
			m.add(d, theta)
		})
		w.try(h, func() {
			leave()
			m.sprout(func(c int32) bool { return of(c) && !slices.Contains(h.faults, c) }, m.cfg.MaxFaults)
		})
	}
	h.load()
	if m.noise > faultOverNoise*usualNoise {
		m.noise = usualNoise
		quiet := m.likely(func(int32) bool { return true })
		for _, x := range quiet {
			w.try(h, func() {
				m.noise = usualNoise
				_, theta := m.odds(x.col)
				m.add(x.col, theta)
			})
		}
		w.try(h, func() {
			m.noise = usualNoise
			m.sprout(func(c int32) bool { return int(c) < m.links }, m.cfg.MaxFaults)
		})
	}
}

// likely returns the suspects among some, not at fault yet, that are the likeliest ones.
func (m *fit) likely(among func(c int32) bool) []candidate {
	var q []candidate
	for c := range m.of {
		if c := int32(c); m.theta[c] == 0 && m.suspected(c) && among(c) {
			if o, _ := m.odds(c); !math.IsInf(o, -1) {
				q = append(q, candidate{odds: o, col: c})
			}
		}
	}
	slices.SortFunc(q, func(a, b candidate) int { return cmp.Or(cmp.Compare(b.odds, a.odds), cmp.Compare(a.col, b.col)) })
	return q[:min(len(q), averageAdds)]
}

// weigh sets the probabilities of suspects to those over all hypotheses.
func (w *window) weigh(out []suspect) {
	best := w.best().objective
	own, any, total := make([]float64, len(w.m.theta)), make([]float64, w.m.links), 0.0
	for _, h := range w.all {
		weight := math.Exp(h.objective - best)
		total += weight
		some := map[int32]bool{}
		for _, c := range h.faults {
			own[c] += weight
			if int(c) < w.m.links {
				some[c] = true
			}
		}
		for l, ends := range w.m.ends {
			for _, n := range ends {
				if n >= 0 && w.m.links+int(n) < len(own) && slices.Contains(h.faults, int32(w.m.links)+n) {
					some[int32(l)] = true
				}
			}
		}
		for c := range some {
			any[c] += weight
		}
	}
	for i := range out {
		x := &out[i]
		x.probability = min(x.probability, own[x.col]/total)
		if int(x.col) >= w.m.links {
			continue
		}
		x.either = any[x.col] / total
		byDevice := false
		for _, n := range w.m.ends[x.col] {
			byDevice = byDevice || n >= 0 && w.m.links+int(n) < len(own) && own[w.m.links+int(n)] >= total/2
		}
		if !byDevice {
			x.probability = any[x.col] / total
		}
	}
}
