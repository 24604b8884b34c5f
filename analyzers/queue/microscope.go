package queue

import (
	"cmp"
	"slices"

	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// microscope is the paper's method in a region.
type microscope struct {
	r     *region
	blame map[culprit]*blamed
}

// culprit is a node and what it did.
type culprit struct {
	lane int16
	kind diagnosis.Kind
}

// blamed is how much of the queue a culprit accounts for, in packets.
type blamed struct {
	score    float64
	from, to int64
	packets  int32
	flows    map[records.FlowID]float64
}

// period is a queuing period up to a time: the rows that arrived in it, and the scores.
type period struct {
	lane     int
	from, to int // rows
	begin    int64
	end      int64
	in, out  float64 // packets that arrived, that were taken
	si, sp   float64
	expected float64 // ns that the node needs at peak rate for what arrived
}

// period returns the queuing period of a lane at the arrival of a row: since the queue
// was last empty, or held no more than Config.Depth packets.
func (m *microscope) period(lane, row int) period {
	l := &m.r.lanes[lane]
	depth := max(0, m.r.a.cfg.Depth)
	p := period{lane: lane, from: row, to: row, end: l.arr[row]}
	// taken[k] packets were taken before row k came; walk back while more than depth
	// of those before were still there.
	for p.from > 0 {
		k := p.from - 1 // would the period begin with row p.from? Not if k or others before it were there.
		there := 0
		for ; k >= 0; k-- {
			if l.lost(k) {
				continue
			}
			if l.takenAt(k) <= l.arr[p.from] {
				break
			}
			if there++; there > depth {
				break
			}
		}
		if there <= depth {
			break
		}
		p.from--
	}
	p.begin = l.arr[p.from]
	for ; p.to < l.n && l.arr[p.to] <= p.end; p.to++ {
	}
	for k := p.from; k < p.to; k++ {
		if l.lost(k) {
			continue
		}
		p.in++
		if l.takenAt(k) <= p.end {
			p.out++
		}
	}
	if l.s.Norm > 0 {
		can := float64(p.end-p.begin) / l.s.Norm
		p.expected = p.in * l.s.Norm
		if p.in >= can {
			p.si, p.sp = p.in-can, can-p.out
		} else {
			p.sp = p.in - p.out
		}
	}
	p.sp = max(p.sp, 0)
	return p
}

// takenAt returns when the server took the row's packet, or, where that is not known,
// when it left.
func (l *lane) takenAt(row int) int64 {
	if s := l.q.Start(l.first + row); s != records.Absent {
		return s
	}
	return l.depart(row)
}

// explain fills in the causes of a victim.
func (m *microscope) explain(lane, row int, d *diagnosis.Diagnosis) {
	m.blame = map[culprit]*blamed{}
	p := m.period(lane, row)
	total := p.si + p.sp
	if total <= 0 {
		// It met no queue: what it waited for, it waited in the server.
		l := &m.r.lanes[lane]
		d.Causes = []diagnosis.Cause{{Node: l.q.Node, Kind: diagnosis.Processing, Score: 1, Low: 1, High: 1, From: l.arr[row], To: l.dep[row], Packets: 1,
			Flows: []diagnosis.FlowScore{{Flow: l.flow(row), Score: 1}}}}
		d.Uncertainty.Unexplained = 0
		return
	}
	m.split(&p, total, len(m.r.lanes))
	explained := 0.0
	for who, b := range m.blame {
		c := diagnosis.Cause{Node: m.r.lanes[who.lane].q.Node, Kind: who.kind, Score: b.score / total, From: b.from, To: b.to, Packets: b.packets}
		explained += c.Score
		c.Low, c.High = c.Score, c.Score
		c.Flows, c.More = rankFlows(b.flows, c.Score, m.r.a.cfg.MaxFlows)
		d.Causes = append(d.Causes, c)
	}
	slices.SortFunc(d.Causes, compareCauses)
	if most := m.r.a.cfg.MaxCauses; len(d.Causes) > most {
		d.Causes = d.Causes[:most]
	}
	d.Uncertainty.Unexplained = max(0, 1-explained)
}

// compareCauses orders by score, then by time and place.
func compareCauses(x, y diagnosis.Cause) int {
	return cmp.Or(cmp.Compare(y.Score, x.Score), cmp.Compare(x.From, y.From), cmp.Compare(x.Node, y.Node), cmp.Compare(x.Kind, y.Kind))
}

// rankFlows returns the flows with most weight, their scores adding up to score over all.
func rankFlows(weights map[records.FlowID]float64, score float64, most int) (flows []diagnosis.FlowScore, more int32) {
	total := 0.0
	for f, w := range weights {
		if f != records.NoFlow {
			flows = append(flows, diagnosis.FlowScore{Flow: f, Score: w})
		}
		total += w
	}
	slices.SortFunc(flows, func(a, b diagnosis.FlowScore) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Flow, b.Flow))
	})
	if len(flows) > most {
		flows, more = flows[:most:most], int32(len(flows)-most)
	}
	for i := range flows {
		flows[i].Score *= score / total
	}
	return flows, more
}

// accuse adds to a culprit's score.
func (m *microscope) accuse(who culprit, score float64, begin, end int64, rows []int32) {
	b := m.blame[who]
	if b == nil {
		b = &blamed{from: begin, to: end, flows: map[records.FlowID]float64{}}
		m.blame[who] = b
	}
	b.score += score
	b.from, b.to = min(b.from, begin), max(b.to, end)
	b.packets = max(b.packets, int32(len(rows)))
	for _, row := range rows {
		b.flows[m.r.lanes[who.lane].flow(int(row))] += score / float64(len(rows))
	}
}

// split divides a credit between the processing of the period's node and its input,
// and follows the input upstream.
func (m *microscope) split(p *period, credit float64, depth int) {
	if p.si+p.sp <= 0 || credit <= 0 {
		return
	}
	rows := make([]int32, 0, p.to-p.from)
	l := &m.r.lanes[p.lane]
	for k := p.from; k < p.to; k++ {
		if !l.lost(k) {
			rows = append(rows, int32(k))
		}
	}
	if part := credit * p.sp / (p.si + p.sp); part > 0 {
		m.accuse(culprit{int16(p.lane), diagnosis.Processing}, part, p.begin, p.end, rows)
	}
	if part := credit * p.si / (p.si + p.sp); part > 0 {
		m.propagate(p, part, rows, depth)
	}
}

// way is the rows of the packets of a PreSet that came along the same path.
type way struct {
	lanes []int16 // from the victim's side to the source
	rows  [][]int32
}

// share is a part of a credit.
type share struct {
	way, hop int // hop −1: nothing upstream is known, the traffic entered here
	credit   float64
}

// propagate divides the input's credit among the hops that the PreSet came along, by how
// much each made its timespan shorter; a way counts for as much as it has packets.
func (m *microscope) propagate(p *period, credit float64, rows []int32, depth int) {
	ways := m.ways(p.lane, rows)
	shares, sum := m.shares(p, ways)
	if sum == 0 {
		m.accuse(culprit{int16(p.lane), diagnosis.Traffic}, credit, p.begin, p.end, rows)
		return
	}
	// One recursion per node upstream, at the first packet that came through it.
	type upstream struct {
		lane, first, last int
		credit            float64
		rows              []int32
	}
	var ups []upstream
	for _, s := range shares {
		x, c := &ways[s.way], s.credit*credit/sum
		if s.hop < 0 {
			m.accuse(culprit{int16(p.lane), diagnosis.Traffic}, c, p.begin, p.end, x.rows[0])
			continue
		}
		lane, hop := int(x.lanes[s.hop]), x.rows[s.hop]
		first, last := int(slices.Min(hop)), int(slices.Max(hop))
		if l := &m.r.lanes[lane]; l.source {
			m.accuse(culprit{int16(lane), diagnosis.Traffic}, c, l.arr[first], l.arr[last], hop)
			continue
		}
		k := slices.IndexFunc(ups, func(u upstream) bool { return u.lane == lane })
		if k < 0 {
			k = len(ups)
			ups = append(ups, upstream{lane: lane, first: first, last: last})
		}
		u := &ups[k]
		u.first, u.last, u.credit, u.rows = min(u.first, first), max(u.last, last), u.credit+c, append(u.rows, hop...)
	}
	for _, u := range ups {
		up := m.period(u.lane, u.first)
		if depth == 0 || up.si+up.sp <= 0 {
			// The first packet met no queue there: what squeezed them came with or after it.
			l := &m.r.lanes[u.lane]
			m.accuse(culprit{int16(u.lane), diagnosis.Processing}, u.credit, l.arr[u.first], l.arr[u.last], u.rows)
			continue
		}
		m.split(&up, u.credit, depth-1)
	}
}

// shares returns what each hop of each way earns, and the sum.
func (m *microscope) shares(p *period, ways []way) (shares []share, sum float64) {
	for w := range ways {
		x := &ways[w]
		packets := float64(len(x.rows[0]))
		n := len(x.lanes)
		if n == 0 {
			shares, sum = append(shares, share{w, -1, packets}), sum+packets
			continue
		}
		// Timespans from the source on; a hop that makes it longer earns nothing, and
		// the one before earns less.
		span := make([]float64, n)
		for h := range n {
			span[h] = m.timespan(x.lanes[h], x.rows[h])
			if h > 0 {
				span[h] = max(span[h], span[h-1])
			}
		}
		if p.expected <= span[0] {
			continue
		}
		before := p.expected
		for h := n - 1; h >= 0; h-- {
			if c := (before - span[h]) / (p.expected - span[0]) * packets; c > 0 {
				shares, sum = append(shares, share{w, h, c}), sum+c
			}
			before = min(before, span[h])
		}
	}
	return shares, sum
}

// ways groups rows of a lane by the path their packets came along.
func (m *microscope) ways(lane int, rows []int32) []way {
	var ways []way
	index := map[string]int{}
	var key []byte
	var path []place
	for _, row := range rows {
		key, path = key[:0], path[:0]
		for at := m.r.before(place{int16(lane), row}); at.row >= 0; at = m.r.before(at) {
			key = append(key, byte(at.lane), byte(at.lane>>8))
			path = append(path, at)
		}
		w, ok := index[string(key)]
		if !ok {
			w = len(ways)
			index[string(key)] = w
			x := way{rows: make([][]int32, max(1, len(path)))}
			for _, at := range path {
				x.lanes = append(x.lanes, at.lane)
			}
			ways = append(ways, x)
		}
		if len(path) == 0 {
			ways[w].rows[0] = append(ways[w].rows[0], row)
		}
		for h, at := range path {
			ways[w].rows[h] = append(ways[w].rows[h], at.row)
		}
	}
	return ways
}

// timespan returns the time between the first and the last departure of the rows.
func (m *microscope) timespan(lane int16, rows []int32) float64 {
	l := &m.r.lanes[lane]
	first, last := l.depart(int(rows[0])), l.depart(int(rows[0]))
	for _, row := range rows {
		d := l.depart(int(row))
		first, last = min(first, d), max(last, d)
	}
	return float64(last - first)
}
