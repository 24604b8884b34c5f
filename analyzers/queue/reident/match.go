package reident

import (
	"cmp"
	"slices"

	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// matcher finds the links.
type matcher struct {
	*Links
	cfg    Config
	links  []link
	degree []uint8 // pairs that a record's departure is in, at most 255
	fits   []uint8 // pairs that a record's arrival is in
	seen   []bool  // records whose arrival was in a pair
	gone   []bool  // records whose departure is linked
}

// link is the way from a node to a queue behind it.
type link struct {
	pairs   []pair // by arrival, then departure
	anchors []pair // likewise; none overtakes another
}

// pair is a departure and an arrival that may be of one packet.
type pair struct {
	left, came int64 // ns
	from, to   int32 // numbers of the records
}

func (a pair) compare(b pair) int {
	return cmp.Or(cmp.Compare(a.came, b.came), cmp.Compare(a.left, b.left), cmp.Compare(a.to, b.to), cmp.Compare(a.from, b.from))
}

// overtakes reports whether one of two packets left first and came last.
func (a pair) overtakes(b pair) bool {
	return a.left < b.left && a.came > b.came || a.left > b.left && a.came < b.came
}

// departures are those of a node, by id and then time.
type departures struct {
	first [IDs + 1]int32 // of an id
	at    []int64
	n     []int32 // numbers of the records
}

func (m *matcher) departures(node int32, d *departures) {
	clear(d.first[:])
	d.at, d.n = d.at[:0], d.n[:0]
	queues, base := m.trace.Of(node), int(m.trace.FirstOf(node))
	total := 0
	for k := range queues {
		q := &queues[k]
		for i, id := range q.Packet {
			if id < IDs && !q.Lost(i) {
				d.first[id+1]++
				total++
			}
		}
	}
	for id := range IDs {
		d.first[id+1] += d.first[id]
	}
	d.at, d.n = slices.Grow(d.at, total)[:total], slices.Grow(d.n, total)[:total]
	fill := d.first
	for k := range queues {
		q := &queues[k]
		for j := range q.Departures() {
			i := q.ByDepart(j)
			if id := q.Packet[i]; id < IDs {
				d.at[fill[id]], d.n[fill[id]] = q.Depart(i), m.base[base+k]+int32(i)
				fill[id]++
			}
		}
	}
	if len(queues) > 1 { // of several queues, each was in order
		for id := range IDs {
			d.sort(int(d.first[id]), int(d.first[id+1]))
		}
	}
}

func (d *departures) sort(lo, hi int) {
	for i := lo + 1; i < hi; i++ {
		for j := i; j > lo && d.at[j-1] > d.at[j]; j-- {
			d.at[j-1], d.at[j], d.n[j-1], d.n[j] = d.at[j], d.at[j-1], d.n[j], d.n[j-1]
		}
	}
}

// list lists the pairs of every link.
func (m *matcher) list() {
	m.degree, m.fits, m.seen = make([]uint8, len(m.up)), make([]uint8, len(m.up)), make([]bool, len(m.up))
	m.gone = make([]bool, len(m.up))
	var d departures
	var at [IDs]int32
	for node := range m.trace.Network.Nodes {
		next := m.trace.Network.Nodes[node].Next
		if len(next) == 0 {
			continue
		}
		m.departures(int32(node), &d)
		for _, n := range next {
			for q := range m.trace.Of(n) {
				copy(at[:], d.first[:])
				m.links = append(m.links, m.pairsOf(&d, &at, int(m.trace.FirstOf(n))+q))
			}
		}
	}
	for i, n := range m.fits {
		m.seen[i] = n > 0
	}
}

// pairsOf lists the pairs of departures and the arrivals at a queue; at says where the
// departures of an id begin.
func (m *matcher) pairsOf(d *departures, at *[IDs]int32, queue int) (l link) {
	q, way := &m.trace.Queues[queue], m.way(queue)
	for i, id := range q.Packet {
		if id >= IDs {
			continue
		}
		came, to := q.Arrive[i], m.base[queue]+int32(i)
		k, end := at[id], d.first[id+1]
		for k < end && d.at[k] < came-way {
			k++
		}
		at[id] = k
		for ; k < end && d.at[k] <= came+m.cfg.Clock; k++ {
			if d.n[k] == to {
				continue
			}
			l.pairs = append(l.pairs, pair{d.at[k], came, d.n[k], to})
			more(&m.degree[d.n[k]])
			more(&m.fits[to])
		}
	}
	return l
}

func more(n *uint8) {
	if *n < 255 {
		*n++
	}
}

// settle finds anchors and drops what contradicts them, until nothing changes.
func (m *matcher) settle() {
	for round := 0; ; round++ {
		found := 0
		for k := range m.links {
			found += m.anchor(&m.links[k], round == 0)
		}
		if found == 0 && round > 0 {
			return
		}
		clear(m.degree)
		clear(m.fits)
		for k := range m.links {
			l := &m.links[k]
			l.prune(m)
			for _, p := range l.pairs {
				more(&m.degree[p.from])
				more(&m.fits[p.to])
			}
		}
	}
}

// anchor makes anchors of the link's pairs that are in no conflict, as far as they are in
// one chain, and drops the others of them.
func (m *matcher) anchor(l *link, first bool) (found int) {
	single, rest := make([]pair, 0, len(l.pairs)), l.pairs[:0]
	for _, p := range l.pairs {
		if m.degree[p.from] == 1 && m.fits[p.to] == 1 {
			single = append(single, p)
		} else {
			rest = append(rest, p)
		}
	}
	l.pairs = rest
	if len(single) == 0 {
		return 0
	}
	slices.SortFunc(single, pair.compare)
	single = chain(single) // none overtakes an older anchor: what did was dropped
	if first {
		l.anchors = single
		m.Stats.Only += uint64(len(single))
	} else {
		l.anchors = append(l.anchors, single...)
		slices.SortFunc(l.anchors, pair.compare)
		m.Stats.Order += uint64(len(single))
	}
	m.link(single)
	return len(single)
}

func (m *matcher) link(pairs []pair) {
	for _, p := range pairs {
		if m.up[p.to] >= 0 || m.gone[p.from] {
			panic("BUG: a record is linked twice")
		}
		m.up[p.to], m.gone[p.from] = p.from, true
	}
}

// chain returns a longest part of sorted pairs in which none overtakes another.
func chain(sorted []pair) []pair {
	ok := true
	for i := 1; i < len(sorted); i++ {
		ok = ok && sorted[i-1].left <= sorted[i].left
	}
	if ok {
		return sorted
	}
	tail := make([]int32, 0, len(sorted)) // tail[k]: the pair that ends a chain of k+1 earliest
	before := make([]int32, len(sorted))
	for i, p := range sorted {
		k, _ := slices.BinarySearchFunc(tail, p.left, func(t int32, left int64) int {
			if sorted[t].left <= left {
				return -1
			}
			return 1
		})
		before[i] = -1
		if k > 0 {
			before[i] = tail[k-1]
		}
		if k == len(tail) {
			tail = append(tail, int32(i))
		} else {
			tail[k] = int32(i)
		}
	}
	out := make([]pair, len(tail))
	for i, k := tail[len(tail)-1], len(tail)-1; i >= 0; i, k = before[i], k-1 {
		out[k] = sorted[i]
	}
	return out
}

// prune drops the pairs that contradict an anchor: its record is linked already, or it
// would have overtaken one of the link.
func (l *link) prune(m *matcher) {
	kept := l.pairs[:0]
	for _, p := range l.pairs {
		if m.up[p.to] < 0 && !m.gone[p.from] && l.allows(p) {
			kept = append(kept, p)
		}
	}
	l.pairs = kept
}

// allows reports whether a pair overtakes no anchor.
func (l *link) allows(p pair) bool {
	i, _ := slices.BinarySearchFunc(l.anchors, p.came, func(a pair, came int64) int { return cmp.Compare(a.came, came) })
	if i > 0 && l.anchors[i-1].left > p.left {
		return false
	}
	for i < len(l.anchors) && l.anchors[i].came == p.came {
		i++
	}
	return i == len(l.anchors) || l.anchors[i].left >= p.left
}

func (m *matcher) count() {
	for q := range m.trace.Queues {
		c := &m.trace.Queues[q]
		if m.trace.Network.Nodes[c.Node].IsSource() {
			continue
		}
		for i, id := range c.Packet {
			switch n := m.base[q] + int32(i); {
			case id == records.NoPacket:
				m.Stats.NoID++
			case m.up[n] >= 0:
			case m.seen[n]:
				m.Stats.Ambiguous++
			default:
				m.Stats.Alone++
			}
		}
	}
}
