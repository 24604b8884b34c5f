package queue

import (
	"slices"

	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// comparison is how long the victims of a region stayed where they suffered, as it was
// and without each candidate.
type comparison struct {
	r       *region
	victims []suffering
	gains   [][]gain                // by victim
	flows   [][]diagnosis.FlowScore // by candidate
	more    []int32
	paths   map[[2]int][]diagnosis.Step  // by candidate and victim's lane
	rests   map[[3]int][]diagnosis.Cause // by lane and rows
	quality quality
}

// suffering is a victim in its region.
type suffering struct {
	lane, row int
	stay      int64 // at its queue, in the model
	least     int64 // with no candidate there
}

// gain is how much shorter a victim's stay is without a candidate. Where the candidate
// held the packet back until it met another one here, the gain is that, too: without it,
// the packet would have been gone by then.
type gain struct {
	cand  int16
	ns    int64
	saved bool // and is not lost
}

// compare replays the region without each candidate, and without all.
func (r *region) compare(victims []int, at []located) *comparison {
	c := &comparison{r: r, victims: make([]suffering, len(victims)), gains: make([][]gain, len(victims)), paths: map[[2]int][]diagnosis.Step{}, rests: map[[3]int][]diagnosis.Cause{}, quality: r.quality()}
	for k, i := range victims {
		li := r.byQueue[at[i].queue]
		l := &r.lanes[li]
		row := at[i].row - l.first
		c.victims[k] = suffering{lane: int(li), row: row, stay: l.dep[row] - l.arr[row]}
	}
	all := make([]int, len(victims))
	for k := range all {
		all[k] = k
	}
	p := newReplay(r)
	for id := range r.cands {
		if !c.matters(&r.cands[id], all) {
			continue
		}
		p.removed[id] = true
		p.run()
		p.removed[id] = false
		for k := range c.victims {
			if g, ok := c.gain(p, int16(id), k); ok {
				c.gains[k] = append(c.gains[k], g)
			}
		}
	}
	p.remove(true)
	p.run()
	p.remove(false)
	for k := range c.victims {
		c.victims[k].least = p.stay(c.victims[k].lane, c.victims[k].row)
	}
	c.joint(p)
	c.flows, c.more = make([][]diagnosis.FlowScore, len(r.cands)), make([]int32, len(r.cands))
	return c
}

// gain returns what victim k gains in a replay without a candidate; ok is false where
// that is nothing.
func (c *comparison) gain(p *replay, id int16, k int) (g gain, ok bool) {
	v := &c.victims[k]
	g = gain{id, v.stay - p.stay(v.lane, v.row), p.saved(v.lane, v.row)}
	if g.saved {
		g.ns = v.stay
	}
	return g, g.ns != 0 || g.saved
}

// matters reports whether a candidate can be a cause of any of the victims: it came
// before it, at its node or upstream, and brought more than nothing compared to its wait.
func (c *comparison) matters(x *candidate, victims []int) bool {
	lane, weight := -1, 0.0
	for _, k := range victims {
		v := &c.victims[k]
		if l := &c.r.lanes[v.lane]; l.arr[v.row]-l.shift < x.from-c.r.lanes[x.lane].shift-c.r.a.clockSlack {
			continue
		}
		if v.lane != lane {
			lane, weight = v.lane, c.r.weight(x, v.lane)
		}
		if weight > 0 && weight >= leastScore*float64(v.stay) {
			return true
		}
	}
	return false
}

// leastScore is the share of a wait below which a cause is not named.
const leastScore = 0.02

// conclude writes what the replays say about victim k.
func (c *comparison) conclude(k int, d *diagnosis.Diagnosis) {
	v := &c.victims[k]
	l := &c.r.lanes[v.lane]
	own := min(int64(l.s.Need(l.bytes(int32(v.row)))), v.stay)
	wait := float64(max(v.stay-own, 1))
	for _, s := range c.scores(k, wait) {
		if s.score >= leastScore {
			d.Causes = append(d.Causes, c.cause(s.cand, v, s.score))
		}
	}
	rest := c.rest(v, float64(v.least-own)/wait)
	d.Causes = append(d.Causes, rest...)
	d.Uncertainty.Unexplained = c.unexplained(v, wait, rest)
	slices.SortStableFunc(d.Causes, compareCauses)
	if len(d.Causes) > c.r.a.cfg.MaxCauses {
		d.Causes = d.Causes[:c.r.a.cfg.MaxCauses]
	}
	c.doubt(v, d)
}

// unexplained returns the share of a wait that neither candidates nor the rest account
// for.
func (c *comparison) unexplained(v *suffering, wait float64, rest []diagnosis.Cause) float64 {
	explained := max(0, float64(v.stay-v.least)/wait)
	for i := range rest {
		explained += rest[i].Score
	}
	return min(1, max(0, 1-explained))
}

// scored is a candidate's score for one victim.
type scored struct {
	cand  int16
	score float64
}

// scores turns what the victim gains from each candidate's absence into scores.
//
// In a long queuing period the gains of many candidates may each be the whole wait: any
// of them away, the queue would have been empty by then. Small ones matter by chance,
// those that brought most of the work would be blamed by anybody. So no candidate gets
// more than the work it brought, and those that brought less than the largest of the
// decisive ones get down to half.
//
// A victim that is itself part of a burst would not be there without it, which is no
// answer to why it waited: where another candidate is decisive, too, the burst gets
// ownShare of its gain.
func (c *comparison) scores(k int, wait float64) []scored {
	v := &c.victims[k]
	l := &c.r.lanes[v.lane]
	most, heaviest, others := 0.0, 1.0, 0.0
	part := func(g *gain) bool { return l.burst[v.row] >= 0 && c.r.cands[g.cand].is(g.cand, l.burst[v.row]) }
	for i := range c.gains[k] {
		g := &c.gains[k][i]
		most = max(most, float64(g.ns))
		if !part(g) {
			others = max(others, float64(g.ns))
		}
	}
	out := make([]scored, 0, len(c.gains[k]))
	for i := range c.gains[k] {
		g := &c.gains[k][i]
		if w := c.r.weight(&c.r.cands[g.cand], v.lane); float64(g.ns) > decisive*most && !part(g) {
			heaviest = max(heaviest, w)
		}
	}
	for i := range c.gains[k] {
		g := &c.gains[k][i]
		w := c.r.weight(&c.r.cands[g.cand], v.lane)
		score := min(float64(g.ns), wait) / wait
		switch {
		case g.saved:
		case l.lost(v.row):
			score *= 0.5 // it would have waited less, and be lost
		default:
			score = min(score, w/wait)
		}
		score *= 0.5 + 0.5*min(1, w/heaviest)
		if part(g) && others > decisive*wait {
			score *= ownShare
		}
		out = append(out, scored{g.cand, score})
	}
	return out
}

const (
	decisive = 0.5
	ownShare = 0.5
)

// cause describes a candidate as the cause of a victim.
func (c *comparison) cause(id int16, v *suffering, score float64) diagnosis.Cause {
	x := &c.r.cands[id]
	l := &c.r.lanes[x.lane]
	out := diagnosis.Cause{Node: l.q.Node, Kind: x.reason(), Score: score, From: x.from, To: x.to, Packets: x.packets}
	if c.flows[id] == nil {
		c.flows[id], c.more[id] = rankFlows(x.flows, 1, c.r.a.cfg.MaxFlows)
	}
	out.Flows = slices.Clone(c.flows[id])
	for i := range out.Flows {
		out.Flows[i].Score *= score
	}
	out.More = c.more[id]
	out.Steps = c.path(id, v.lane)
	return out
}

// maxOrigins bounds the sources named for what no candidate explains.
const maxOrigins = 4

// rest names where what no candidate explains comes from: the traffic that shared the
// victim's queuing period, by where it entered.
func (c *comparison) rest(v *suffering, score float64) []diagnosis.Cause {
	if score < leastScore {
		return nil
	}
	l := &c.r.lanes[v.lane]
	first := l.firstArrival(c.r.a.periodStart(int(l.queue), l.arr[v.row], l.from))
	last := v.row
	if last-first > 2*sharedRows { // victims near one another share the answer
		last -= last % sharedRows
	}
	key := [3]int{v.lane, first, last}
	o, ok := c.rests[key]
	if !ok {
		o = c.origins(v.lane, first, last)
		c.rests[key] = o
	}
	out := slices.Clone(o)
	for i := range out {
		x := &out[i]
		x.Score *= min(score, 1)
		x.Flows = slices.Clone(x.Flows)
		for k := range x.Flows {
			x.Flows[k].Score *= min(score, 1)
		}
	}
	return out
}

// sharedRows is how many rows of a lane share what is said about the traffic in their
// queuing period.
const sharedRows = 64

// origins returns the traffic of rows first to last of a lane by where it entered, as
// causes whose scores add up to 1.
func (c *comparison) origins(lane, first, last int) []diagnosis.Cause {
	r := c.r
	l := &r.lanes[lane]
	origins := map[int32]*blamed{}
	total := 0.0
	for i := first; i <= last; i++ {
		if l.burst[i] >= 0 {
			continue // counted already
		}
		at := place{int16(lane), int32(i)}
		for b := r.before(at); b.lane >= 0; b = r.before(at) {
			at = b
		}
		from := &r.lanes[at.lane]
		o := origins[from.q.Node]
		if o == nil {
			o = &blamed{from: from.arr[at.row], to: from.arr[at.row], flows: map[records.FlowID]float64{}}
			origins[from.q.Node] = o
		}
		total++
		o.score++
		o.packets++
		o.from, o.to = min(o.from, from.arr[at.row]), max(o.to, from.arr[at.row])
		o.flows[from.flow(int(at.row))]++
	}
	var out []diagnosis.Cause
	for node, o := range origins {
		x := diagnosis.Cause{Node: node, Kind: diagnosis.Traffic, Score: o.score / total, From: o.from, To: o.to, Packets: o.packets}
		x.Flows, x.More = rankFlows(o.flows, x.Score, r.a.cfg.MaxFlows)
		out = append(out, x)
	}
	slices.SortFunc(out, compareCauses)
	return out[:min(len(out), maxOrigins)]
}
