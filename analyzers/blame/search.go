package blame

import (
	"container/heap"
	"slices"
)

// odds returns the log posterior odds of a fault at column c, given the others.
func (m *fit) odds(c int32) (logOdds, theta float64) {
	logBF, theta := m.evidence(c)
	return m.prior(c, m.count) + m.next(c, theta) + logBF, theta
}

func (m *fit) add(c int32, theta float64) {
	m.faults = append(m.faults, c)
	m.set(c, theta)
}

func (m *fit) remove(c int32) {
	m.set(c, 0)
	m.faults = slices.DeleteFunc(m.faults, func(x int32) bool { return x == c })
}

// search finds the hypothesis.
func (m *fit) search() {
	m.searchOnce()
	if m.equal {
		m.searchUnseen()
		return
	}
	m.searchBesides()
	m.searchUneven()
}

// searchFrom finds it from that of another fit of the same columns on, without noise by flow.
func (m *fit) searchFrom(other *fit) {
	m.begin()
	m.noise = other.noise
	for _, c := range other.faults {
		m.add(c, other.theta[c])
	}
	m.settle()
	m.improve()
	m.searchUneven()
}

func (m *fit) searchOnce() {
	m.begin()
	m.settle()
	m.improve()
}

// begin sets what a search begins with.
func (m *fit) begin() {
	m.noise = noiseLost / noiseWeight
	m.most = min(m.cfg.MaxFaults, max(mostOfFew, m.carrying()/mostShare))
}

// improve changes the hypothesis while that makes it better.
func (m *fit) improve() {
	for range 4 {
		grown := m.grow()
		refined := m.refine()
		if !m.leap() && !refined && !grown {
			return
		}
	}
}

// Noise is what most links do: no more than one of mostShare of those that packets cross are at
// fault, or mostOfFew where there are few.
const (
	mostShare = 3
	mostOfFew = 8
)

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

// candidate is a column with odds that may be stale, but then too large: what others
// explain meanwhile only makes a fault less needed.
type candidate struct {
	odds  float64
	col   int32
	stamp int
}

type queue []candidate

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].odds > q[j].odds || q[i].odds == q[j].odds && q[i].col < q[j].col
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(candidate)) }
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// tries is how many suspects whose odds do not suffice are tried with everything fitted
// anew, noise included: a fault that makes all noise may be needed to see that.
const tries = 3

// grow adds faults while they pay and reports whether it did.
func (m *fit) grow() bool {
	grown := false
	for m.growOnce() {
		grown = true
	}
	return grown
}

// growOnce adds faults, looking at stale odds first, until none pays at the noise of the
// moment; then it tries a few with the noise fitted anew.
func (m *fit) growOnce() bool {
	var q queue
	for c := range m.of {
		if m.theta[c] == 0 && m.suspected(int32(c)) {
			o, _ := m.odds(int32(c))
			q = append(q, candidate{o, int32(c), 0})
		}
	}
	heap.Init(&q)
	start, stamp := len(m.faults), 0
	for len(q) > 0 && len(m.faults) < m.most {
		top := heap.Pop(&q).(candidate)
		if top.stamp < stamp {
			o, _ := m.odds(top.col)
			heap.Push(&q, candidate{o, top.col, stamp})
			continue
		}
		if top.odds <= 0 {
			heap.Push(&q, top)
			break
		}
		_, theta := m.odds(top.col)
		m.add(top.col, theta)
		m.settle()
		stamp++
	}
	if len(m.faults) > start {
		return true
	}
	for range min(tries, len(q)) {
		if len(m.faults) >= m.most {
			break
		}
		top := heap.Pop(&q).(candidate)
		if m.attempt(func() {
			_, theta := m.odds(top.col)
			m.add(top.col, theta)
		}) {
			return true
		}
	}
	return false
}

// attempt makes a change, fits everything to it, and keeps it if the posterior is better.
func (m *fit) attempt(change func()) bool {
	before, back := m.objective(), m.saved()
	change()
	m.settle()
	if m.objective() > before+1e-6 {
		return true
	}
	back()
	return false
}

// saved returns what brings the current hypothesis back.
func (m *fit) saved() func() {
	faults, noise, own := slices.Clone(m.faults), m.noise, slices.Clone(m.uneven.g)
	thetas := make([]float64, len(faults))
	for i, c := range faults {
		thetas[i] = m.theta[c]
	}
	return func() {
		for _, c := range m.faults {
			m.set(c, 0)
		}
		m.faults, m.noise = slices.Clone(faults), noise
		for l, g := range own {
			m.setOwn(int32(l), g)
		}
		for i, c := range faults {
			m.set(c, thetas[i])
		}
	}
}

// refine takes each fault out, the weakest first, and puts what is best in its place:
// itself, another suspect, or none. It reports whether anything changed.
func (m *fit) refine() bool {
	changed := false
	for range 3 {
		moved := false
		order := slices.Clone(m.faults)
		slices.SortFunc(order, func(a, b int32) int { return len(m.of[a]) - len(m.of[b]) })
		for _, c := range order {
			theta := m.theta[c]
			m.remove(c)
			best, bestTheta, bestOdds := int32(-1), 0.0, m.healthy(c)
			for _, x := range append(m.rivals(c), c) {
				o, t := m.odds(x)
				if o += m.healthy(x); o > bestOdds+1e-9 || x == c && o > m.healthy(c) && o >= bestOdds-1e-9 {
					best, bestTheta, bestOdds = x, t, o
				}
			}
			if best == c {
				m.add(c, theta)
				continue
			}
			m.add(c, theta)
			if m.attempt(func() {
				m.remove(c)
				if best >= 0 {
					m.add(best, bestTheta)
				}
			}) {
				moved = true
			}
		}
		if !moved {
			return changed
		}
		changed = true
	}
	return changed
}

// rivals returns the suspects that cross at least half of the losses of column c's rows.
func (m *fit) rivals(c int32) []int32 {
	total := 0.0
	shared := map[int32]float64{}
	for _, at := range m.of[c] {
		f, _ := at.of()
		total += m.lost[f]
		for _, x := range m.row(f) {
			if x, _ := x.of(); x != c && m.theta[x] == 0 {
				shared[x] += m.lost[f]
			}
		}
	}
	if m.uncertain(c) {
		for _, i := range m.mix.of[c] {
			r := &m.mix.rows[i]
			if r.survive {
				continue
			}
			b := &m.mix.bundles[r.bundle]
			own := b.shareOf(c)
			if own == 0 {
				own = 1
			}
			total += r.weight * own
			for _, x := range r.sure {
				if x, _ := x.of(); x != c && m.theta[x] == 0 && b.shareOf(x) == 0 {
					shared[x] += r.weight * own
				}
			}
			for j, x := range b.cols {
				if x != c && m.theta[x] == 0 {
					shared[x] += r.weight * min(own, b.share[j])
				}
			}
		}
	}
	var out []int32
	for x, k := range shared {
		if k >= total/2 {
			out = append(out, x)
		}
	}
	slices.Sort(out)
	return out
}
