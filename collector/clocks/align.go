package clocks

import (
	"cmp"
	"container/heap"
	"math"
	"slices"

	"github.com/telltale-net/telltale/collector/postcard"
)

// Slack is by how much bounds may contradict each other before a clock is taken to
// have been set, ns: the clocks of v1model tick in microseconds, at either end.
const Slack = 2000

// Clock is how a node's clock differs from the reference's.
type Clock struct {
	Node    postcard.NodeID
	Aligned bool    // false: nothing is known but the node's name
	Hops    int     // links to the reference
	Origin  int64   // of the node's clock, ns: the middle of the window of the last of these links
	Reach   int64   // half the window's length, ns
	Offset  float64 // node's clock − reference's at Origin, ns
	Drift   float64 // s/s
	Start   float64 // largest error of the difference at the window's start, ns
	End     float64 // and at its end; in between at most what lies on the straight line
	Wobble  float64 // largest error of Drift, s/s
}

// bound is the larger of the errors at the ends.
func (c *Clock) bound() float64 { return max(c.Start, c.End) }

// Aligned is the clocks of a fabric at a moment: a value, nothing shared with the
// aligner.
type Aligned struct {
	Reference postcard.NodeID
	clocks    map[postcard.NodeID]Clock
}

// Align estimates the clocks from what has been gathered. The reference is the node
// that most two-way links meet, the lowest id among equals, unless reference is one of
// the nodes.
func (a *Aligner) Align(reference postcard.NodeID) *Aligned {
	lines := a.lines()
	nodes := map[postcard.NodeID]int{}
	for d := range a.ways {
		nodes[d.from] += 0
		nodes[d.to] += 0
	}
	for d := range lines {
		nodes[d.from]++
	}
	out := &Aligned{Reference: reference, clocks: map[postcard.NodeID]Clock{}}
	if _, ok := nodes[reference]; !ok {
		out.Reference = busiest(nodes)
	}
	for n := range nodes {
		out.clocks[n] = Clock{Node: n}
	}
	if len(nodes) > 0 {
		out.spread(lines)
	}
	return out
}

func busiest(nodes map[postcard.NodeID]int) (best postcard.NodeID) {
	most := -1
	for n, links := range nodes {
		if links > most || links == most && n < best {
			best, most = n, links
		}
	}
	return best
}

// lines fits every link that has been passed in both directions, for both.
func (a *Aligner) lines() map[direction]line {
	out := map[direction]line{}
	for d := range a.ways {
		if d.from > d.to {
			continue
		}
		if l, ok := a.line(d); ok {
			out[d], out[direction{d.to, d.from}] = l, l.reverse()
		}
	}
	return out
}

// line fits one link, forgetting the older half of its past as often as it does not go
// with the rest.
func (a *Aligner) line(d direction) (line, bool) {
	there, back := a.ways[d], a.ways[direction{d.to, d.from}]
	if back == nil {
		return line{}, false
	}
	for len(there.points) > 0 && len(back.points) > 0 {
		if l, ok := fit(there.points, back.points, a.cfg.MaxDrift, Slack); ok {
			return l, true
		}
		a.stats.Resets++
		there.halve()
		back.halve()
	}
	return line{}, false
}

// spread walks from the reference along the links with the smallest bounds (Dijkstra).
func (o *Aligned) spread(lines map[direction]line) {
	links := map[postcard.NodeID][]direction{}
	for d := range lines {
		links[d.from] = append(links[d.from], d)
	}
	for _, l := range links {
		slices.SortFunc(l, func(a, b direction) int { return cmp.Compare(a.to, b.to) })
	}
	queue := &frontier{{Node: o.Reference, Aligned: true}}
	for queue.Len() > 0 {
		c := heap.Pop(queue).(Clock)
		if o.clocks[c.Node].Aligned {
			continue
		}
		o.clocks[c.Node] = c
		for _, d := range links[c.Node] {
			if o.clocks[d.to].Aligned {
				continue
			}
			heap.Push(queue, c.then(d.to, lines[d]))
		}
	}
}

// then returns the clock of a neighbour of c's node.
func (c *Clock) then(to postcard.NodeID, l line) Clock {
	mine, _ := c.at(l.origin) // l's times are on this node's clock
	_, start := c.at(l.origin - l.reach)
	_, end := c.at(l.origin + l.reach)
	return Clock{
		Node: to, Aligned: true, Hops: c.Hops + 1,
		Origin: l.origin + int64(math.Round(l.offset)),
		Reach:  l.reach,
		Offset: mine + l.offset,
		Drift:  c.Drift + l.drift,
		Start:  start + l.start,
		End:    end + l.end,
		Wobble: c.Wobble + l.wobble,
	}
}

// at returns the clock's difference from the reference's and its bound when the clock
// shows t.
func (c *Clock) at(t int64) (offset, bound float64) {
	if c.Hops == 0 { // the reference: no error at any time
		return 0, 0
	}
	dt, reach := float64(t-c.Origin), float64(c.Reach)
	offset = c.Offset + c.Drift*dt
	switch {
	case dt < -reach:
		return offset, c.Start + c.Wobble*(-reach-dt)
	case dt > reach:
		return offset, c.End + c.Wobble*(dt-reach)
	case reach == 0:
		return offset, c.bound()
	}
	return offset, c.Start + (c.End-c.Start)*(dt+reach)/(2*reach)
}

type frontier []Clock

func (f frontier) Len() int { return len(f) }
func (f frontier) Less(i, j int) bool {
	if a, b := f[i].bound(), f[j].bound(); a != b {
		return a < b
	}
	return f[i].Node < f[j].Node
}
func (f frontier) Swap(i, j int) { f[i], f[j] = f[j], f[i] }
func (f *frontier) Push(x any)   { *f = append(*f, x.(Clock)) }
func (f *frontier) Pop() any {
	old := *f
	c := old[len(old)-1]
	*f = old[:len(old)-1]
	return c
}

// Clocks returns the clocks of all nodes, by id.
func (o *Aligned) Clocks() []Clock {
	out := make([]Clock, 0, len(o.clocks))
	for _, c := range o.clocks {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Clock) int { return cmp.Compare(a.Node, b.Node) })
	return out
}

// Time turns a time on a node's clock into the reference's, with the largest error, ns.
// ok is false when the node is not aligned.
func (o *Aligned) Time(node postcard.NodeID, t uint64) (reference int64, bound int64, ok bool) {
	c, known := o.clocks[node]
	if !known || !c.Aligned {
		return 0, 0, false
	}
	offset, b := c.at(int64(t))
	return int64(t) - int64(math.Round(offset)), int64(math.Ceil(b)), true
}

// Verdict says what a transit time is worth.
type Verdict uint8

// The verdicts.
const (
	Unaligned  Verdict = iota // one of the clocks is not aligned: the difference means nothing
	Measured                  // positive beyond the error
	Small                     // within the error of zero: between 0 and the bound
	Impossible                // negative beyond the error: a clock was set, or the packets are not the same
)

// Transit is the time from one node to the next.
type Transit struct {
	NS      int64 // never negative unless the verdict is Impossible
	Bound   int64 // largest error, ns
	Verdict Verdict
}

// Transit returns how long a packet took from leaving one node to reaching another. A
// time that the clocks make negative comes back as zero when their error explains it,
// and as Impossible when it does not.
func (o *Aligned) Transit(from postcard.NodeID, egress uint64, to postcard.NodeID, ingress uint64) Transit {
	a, ea, ok := o.Time(from, egress)
	b, eb, ok2 := o.Time(to, ingress)
	if !ok || !ok2 {
		return Transit{}
	}
	t := Transit{NS: b - a, Bound: ea + eb, Verdict: Measured}
	switch {
	case t.NS < -t.Bound:
		t.Verdict = Impossible
	case t.NS < 0:
		t.NS, t.Verdict = 0, Small
	case t.NS <= t.Bound:
		t.Verdict = Small
	}
	return t
}
