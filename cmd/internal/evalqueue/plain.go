package evalqueue

import (
	"cmp"
	"slices"
	"sort"

	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// plain renders the steps of the paper and nothing more, as what the analyzer is
// measured against: queuing periods, one rate per node, timespans along each path
// against the same expected time, recursion on the first packet of the PreSet. Two
// readings are in its favour. Credits of paths are weighted by their packets; with
// equal weights, paths of a single packet outvote all. And a read that took all that
// had come ends a period; the paper tells it by a batch that is not full, which fails
// where records are missing.
type plain struct {
	t    *records.Trace
	rows [][]int32            // by queue, by packet: -1 = not seen
	ways map[wayKey][]int32   // queues on the way of a flow to a queue, the source first
	into [][]int32            // by queue: queues that send to it
	acc  map[plainKey]*credit // of the victim at hand
}

type wayKey struct {
	queue int32
	flow  records.FlowID
}

type plainKey struct {
	node int32
	kind diagnosis.Kind
}

type credit struct {
	score float64
	flows map[records.FlowID]float64
}

func newPlain(t *records.Trace, packets int) *plain {
	p := &plain{t: t, ways: map[wayKey][]int32{}}
	p.rows = make([][]int32, len(t.Queues))
	p.into = make([][]int32, len(t.Queues))
	for q := range t.Queues {
		rows := slices.Repeat([]int32{-1}, packets)
		for i, id := range t.Queues[q].Packet {
			rows[id] = int32(i)
		}
		p.rows[q] = rows
		for _, next := range t.Network.Nodes[t.Queues[q].Node].Next {
			for k := range t.Of(next) {
				to := t.FirstOf(next) + int32(k)
				p.into[to] = append(p.into[to], int32(q))
			}
		}
	}
	return p
}

// way returns the queues that the packet passed before queue q, the source first.
func (p *plain) way(q int32, flow records.FlowID, packet uint64) []int32 {
	key := wayKey{q, flow}
	if w, ok := p.ways[key]; ok {
		return w
	}
	var w []int32
	for at := q; ; {
		k := slices.IndexFunc(p.into[at], func(from int32) bool { return p.rows[from][packet] >= 0 })
		if k < 0 {
			break
		}
		at = p.into[at][k]
		w = append(w, at)
	}
	slices.Reverse(w)
	p.ways[key] = w
	return w
}

// period is a queuing period at a queue until a time: the packets that arrived in it and
// were not lost, and the local scores.
type period struct {
	rows   []int32
	si, sp float64
	texp   float64 // ns in which the node serves them at its peak rate
}

func (p *plain) period(q int32, until int64) period {
	c := &p.t.Queues[q]
	last := sort.Search(c.Len(), func(i int) bool { return c.Arrive[i] > until }) - 1
	// Back over what waits and over reads that left something, to the read that emptied
	// the queue: the row after what it took begins the period.
	from := last + 1
	for i := last; i >= 0; i-- {
		if c.Lost(i) {
			continue
		}
		if s := c.Start(i); s <= until && (from > last || c.Arrive[from] > s) {
			break
		}
		from = i
	}
	var rows []int32
	processed := 0
	for i := from; i <= last; i++ {
		if c.Lost(i) {
			continue
		}
		rows = append(rows, int32(i))
		if c.Start(i) <= until {
			processed++
		}
	}
	w := period{rows: rows}
	if len(rows) == 0 {
		return w
	}
	r := p.t.Network.Nodes[c.Node].RatePPS / 1e9
	ni, np := float64(len(rows)), float64(processed)
	span := float64(until - c.Arrive[rows[0]])
	w.texp = ni / r
	if ni >= r*span {
		w.si, w.sp = ni-r*span, r*span-np
	} else {
		w.sp = ni - np
	}
	return w
}

func (p *plain) blame(q int32, kind diagnosis.Kind, score float64, flows map[records.FlowID]float64) {
	if score <= 0 {
		return
	}
	key := plainKey{p.t.Queues[q].Node, kind}
	c := p.acc[key]
	if c == nil {
		c = &credit{flows: map[records.FlowID]float64{}}
		p.acc[key] = c
	}
	c.score += score
	total := 0.0
	for _, n := range flows {
		total += n
	}
	for f, n := range flows {
		c.flows[f] += score * n / total
	}
}

const plainDepth = 16

// walk splits score, the blame for the queue at q when a packet arrived, among causes.
func (p *plain) walk(q int32, until int64, score float64, depth int) {
	w := p.period(q, until)
	if len(w.rows) == 0 || w.si+w.sp <= 0 || depth == plainDepth {
		p.blame(q, diagnosis.Processing, score, nil)
		return
	}
	sp := max(0, w.sp)
	p.blame(q, diagnosis.Processing, score*sp/(w.si+sp), nil)
	if w.si > 0 {
		p.propagate(q, &w, score*w.si/(w.si+sp), depth)
	}
}

// group is the part of a PreSet that came the same way.
type group struct {
	way   []int32
	spans [][2]int64 // by hop: first and last departure
	first []int32    // by hop: the row of the first packet
	n     int
	flows map[records.FlowID]float64
}

func (p *plain) propagate(q int32, w *period, score float64, depth int) {
	groups := p.groups(q, w.rows)
	credits := make([][]float64, len(groups))
	sum := 0.0
	for k, g := range groups {
		// A hop that stretches the span takes from the credit of the hops before.
		hops := len(g.way)
		spans := make([]float64, hops)
		for h := hops - 1; h >= 0; h-- {
			spans[h] = min(w.texp, float64(g.spans[h][1]-g.spans[h][0]))
			if h < hops-1 {
				spans[h] = max(spans[h], spans[h+1])
			}
		}
		credits[k] = make([]float64, hops)
		if left := w.texp - spans[hops-1]; left > 0 {
			before := w.texp
			for h := range spans {
				credits[k][h] = (before - spans[h]) / left * float64(g.n)
				before = spans[h]
			}
			sum += float64(g.n)
		}
	}
	if sum == 0 {
		p.blame(q, diagnosis.Traffic, score, nil)
		return
	}
	// One recursion per node upstream, at the first packet that came through it.
	type upstream struct {
		queue, first int32
		share        float64
	}
	var ups []upstream
	for k, g := range groups {
		for h, c := range credits[k] {
			if c <= 0 {
				continue
			}
			up := g.way[h]
			if p.t.Network.Nodes[p.t.Queues[up].Node].IsSource() {
				p.blame(up, diagnosis.Traffic, score*c/sum, g.flows)
				continue
			}
			i := slices.IndexFunc(ups, func(u upstream) bool { return u.queue == up })
			if i < 0 {
				i = len(ups)
				ups = append(ups, upstream{queue: up, first: g.first[h]})
			}
			ups[i].first = min(ups[i].first, g.first[h])
			ups[i].share += c / sum
		}
	}
	for _, u := range ups {
		p.walk(u.queue, p.t.Queues[u.queue].Arrive[u.first], score*u.share, depth+1)
	}
}

func (p *plain) groups(q int32, rows []int32) []*group {
	c := &p.t.Queues[q]
	var groups []*group
	byWay := map[[12]int32]*group{}
	for _, i := range rows {
		way := p.way(q, c.Flow[i], c.Packet[i])
		if len(way) == 0 || len(way) > 12 {
			continue
		}
		var key [12]int32
		for h, u := range way {
			key[h] = u + 1
		}
		g := byWay[key]
		if g == nil {
			g = &group{way: way, spans: make([][2]int64, len(way)), first: slices.Repeat([]int32{-1}, len(way)), flows: map[records.FlowID]float64{}}
			byWay[key] = g
			groups = append(groups, g)
		}
		g.n++
		g.flows[c.Flow[i]]++
		for h, u := range way {
			r := p.rows[u][c.Packet[i]]
			if r < 0 || p.t.Queues[u].Lost(int(r)) {
				continue
			}
			d := p.t.Queues[u].Depart(int(r))
			if s := &g.spans[h]; g.first[h] < 0 {
				g.first[h], *s = r, [2]int64{d, d}
			} else {
				g.first[h] = min(g.first[h], r)
				s[0], s[1] = min(s[0], d), max(s[1], d)
			}
		}
	}
	return slices.DeleteFunc(groups, func(g *group) bool { return slices.Contains(g.first, -1) })
}

// Diagnose ranks the causes of one victim.
func (p *plain) Diagnose(s subject) diagnosis.Diagnosis {
	c := &p.t.Queues[s.Queue]
	p.acc = map[plainKey]*credit{}
	p.walk(int32(s.Queue), c.Arrive[s.Row], 1, 0)
	d := diagnosis.Diagnosis{Victim: diagnosis.Victim{Packet: c.Packet[s.Row], Flow: c.Flow[s.Row], Node: c.Node, Queue: c.Number, Arrive: c.Arrive[s.Row]}}
	for key, c := range p.acc {
		cause := diagnosis.Cause{Node: key.node, Kind: key.kind, Score: c.score}
		for f, score := range c.flows {
			cause.Flows = append(cause.Flows, diagnosis.FlowScore{Flow: f, Score: score})
		}
		slices.SortFunc(cause.Flows, func(a, b diagnosis.FlowScore) int {
			return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Flow, b.Flow))
		})
		d.Causes = append(d.Causes, cause)
	}
	slices.SortFunc(d.Causes, func(a, b diagnosis.Cause) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Node, b.Node), cmp.Compare(a.Kind, b.Kind))
	})
	return d
}
