package chain

import (
	"fmt"
	"slices"
)

// Log is what happened at one node, a row per packet in the order of arrival; packets
// that arrive together keep the order of the nodes they come from, and those of one
// node the order of departure. Times are in nanoseconds. At a source the three times
// are the same. A packet that was lost has Lost as start and departure.
type Log struct {
	Packet []uint32
	Arrive []int64
	Start  []int64
	Depart []int64
}

// Len returns the number of rows.
func (l *Log) Len() int { return len(l.Packet) }

func newLog(n int) Log {
	return Log{Packet: make([]uint32, n), Arrive: make([]int64, n), Start: make([]int64, n), Depart: make([]int64, n)}
}

// slice returns rows i to j−1, sharing them.
func (l *Log) slice(i, j int) Log {
	return Log{Packet: l.Packet[i:j], Arrive: l.Arrive[i:j], Start: l.Start[i:j], Depart: l.Depart[i:j]}
}

// Trace is a run: what happened at every node. Nothing in it must be changed.
type Trace struct {
	Config Config
	Nodes  []Node
	Flows  []Flow   // a five-tuple may be there more than once
	Flow   []uint32 // by packet
	Size   []uint16 // bytes by packet; nil = all 64
	Logs   []Log    // by node

	run *run
}

// Owner returns the problem that a packet belongs to, -1 for the base traffic.
func (t *Trace) Owner(packet uint32) int { return t.run.owner(packet) }

// Path returns the nodes on the way of a packet, the source first.
func (t *Trace) Path(packet uint32) []int {
	r := t.run
	p := &r.o.paths[r.o.flow[packet]]
	var nodes []int
	for s := range r.g.depth() {
		if n := r.g.node(p, s); n >= 0 {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// run is a configuration made ready: everything that was drawn.
type run struct {
	cfg     *Config
	g       *graph
	o       *offered
	natural [][]interval // by node

	without int // the problem that is left out, -1 = none
}

// Simulate runs the chain.
func Simulate(cfg Config) (*Trace, error) {
	if err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("cannot simulate the chain: %w", err)
	}
	cfg.Problems = slices.Clone(cfg.Problems)
	r := &run{cfg: &cfg, g: newGraph(&cfg), without: -1}
	for i := range cfg.Problems {
		if err := r.checkPlace(&cfg.Problems[i]); err != nil {
			return nil, fmt.Errorf("cannot simulate the chain: problem %d: %w", i, err)
		}
	}
	r.o = newOffered(&cfg, r.g)
	r.natural = make([][]interval, len(r.g.nodes))
	for n := range r.natural {
		r.natural[n] = union(naturalStalls(&cfg, n))
	}
	return &Trace{
		Config: cfg, Nodes: r.g.nodes,
		Flows: r.o.flows, Flow: r.o.flow, Size: r.o.size,
		Logs: r.all(), run: r,
	}, nil
}

// checkPlace makes sure that a problem's flows pass its node.
func (r *run) checkPlace(p *Problem) error {
	stage := r.g.nodes[p.Node].Stage
	for i := range p.Flows {
		w := r.g.path(&p.Flows[i])
		if r.g.node(&w, stage) != p.Node {
			return fmt.Errorf("%s: flow %d does not pass node %s", p.Kind, i, r.g.nodes[p.Node].Name)
		}
	}
	return nil
}

// owner returns the problem that a packet belongs to, -1 for the base traffic.
func (r *run) owner(packet uint32) int {
	if int(packet) < r.o.base {
		return -1
	}
	i, _ := slices.BinarySearch(r.o.first, packet+1)
	return i - 1
}

// service returns how long the packet is served at the node.
func (r *run) service(node int, packet uint32) int64 {
	base := r.g.service[node]
	if int(packet) >= r.o.base {
		if p := r.owner(packet); r.cfg.Problems[p].Kind == Bug && p != r.without && r.cfg.Problems[p].Node == node {
			base = int64(1e9 / r.cfg.Problems[p].Rate)
		}
	}
	if r.o.size != nil {
		base += int64(r.g.perByte[node] * float64(r.o.size[packet]-minimumSize))
	}
	j := r.cfg.Noise.Jitter
	if j == 0 {
		return base
	}
	q := exponential[mix(r.g.salt, uint64(node), uint64(packet))%quantiles]
	return int64(float64(base) * (1 - j + j*q))
}

// present reports whether the packet exists in this run.
func (r *run) present(packet uint32) bool {
	if r.without < 0 || int(packet) < r.o.base {
		return true
	}
	return r.owner(packet) != r.without || r.cfg.Problems[r.without].Kind != Burst
}

// stalls returns when the node stands still, from the given time on.
func (r *run) stalls(node int, from int64) []interval {
	all := slices.Clone(r.natural[node])
	for i := range r.cfg.Problems {
		if p := &r.cfg.Problems[i]; p.Kind == Interrupt && p.Node == node && i != r.without {
			all = append(all, interval{int64(p.At), int64(p.At + p.Length)})
		}
	}
	all = union(all)
	k := 0
	for k < len(all) && all[k].to <= from {
		k++
	}
	return all[k:]
}

func (r *run) server(node int, from int64) *server {
	return &server{node: node, batch: r.cfg.Batch, queue: r.cfg.Queue, stalls: r.stalls(node, from), run: r}
}

// feed is what one node sends to another, by time of arrival there.
type feed struct {
	at     []int64
	packet []uint32
}

// all runs the whole chain.
func (r *run) all() []Log {
	logs := make([]Log, len(r.g.nodes))
	for s := range r.g.first[1] {
		logs[s] = r.source(s, 0, forever)
	}
	feeds := make([][]feed, len(r.g.nodes)) // by receiver, then by sender
	for n := range feeds {
		feeds[n] = make([]feed, len(r.g.nodes))
	}
	for n := range logs {
		if !r.g.nodes[n].IsSource() {
			logs[n] = merge(feeds[n], forever)
			feeds[n] = nil
			r.server(n, 0).serve(&logs[n], 0, 0, nil)
		}
		r.send(n, &logs[n], feeds)
	}
	return logs
}

// source returns what source s sends in [from, to).
func (r *run) source(s int, from, to int64) Log {
	var l Log
	take := func(lo, hi int) {
		for i := lo; i < hi; i++ {
			d := r.o.depart[i]
			if d < from || d >= to || !r.present(uint32(i)) || r.g.node(&r.o.paths[r.o.flow[i]], 0) != s {
				continue
			}
			l.Packet = append(l.Packet, uint32(i))
			l.Depart = append(l.Depart, d)
		}
	}
	lo, _ := slices.BinarySearch(r.o.depart[:r.o.base], from)
	hi, _ := slices.BinarySearch(r.o.depart[:r.o.base], to)
	room := (hi - lo + len(r.o.flow) - r.o.base) / r.g.first[1]
	l.Packet, l.Depart = make([]uint32, 0, room), make([]int64, 0, room)
	take(lo, hi)
	base := len(l.Packet)
	take(r.o.base, len(r.o.flow))
	interleave(&l, base)
	l.Arrive, l.Start = l.Depart, l.Depart
	return l
}

// interleave merges the rows from base on, sorted per problem, into the sorted rows
// before, which come first among equals.
func interleave(l *Log, base int) {
	if base == len(l.Packet) {
		return
	}
	extra := make([]int, len(l.Packet)-base)
	for i := range extra {
		extra[i] = base + i
	}
	slices.SortStableFunc(extra, func(a, b int) int {
		switch {
		case l.Depart[a] < l.Depart[b]:
			return -1
		case l.Depart[a] > l.Depart[b]:
			return 1
		}
		return 0
	})
	packets, departs := make([]uint32, len(extra)), make([]int64, len(extra))
	for i, k := range extra {
		packets[i], departs[i] = l.Packet[k], l.Depart[k]
	}
	for i, k, at := base-1, len(extra)-1, len(l.Packet)-1; k >= 0; at-- {
		if i >= 0 && l.Depart[i] > departs[k] {
			l.Packet[at], l.Depart[at] = l.Packet[i], l.Depart[i]
			i--
		} else {
			l.Packet[at], l.Depart[at] = packets[k], departs[k]
			k--
		}
	}
}

// send hands what node n sent to the nodes after it.
func (r *run) send(n int, l *Log, feeds [][]feed) {
	stage := r.g.nodes[n].Stage
	next := func(i int) int {
		if l.Depart[i] == Lost {
			return -1
		}
		return r.g.after(&r.o.paths[r.o.flow[l.Packet[i]]], stage)
	}
	counts := make([]int, len(r.g.nodes))
	to := make([]uint8, len(l.Packet)) // place in Next, +1
	place := make([]uint8, len(r.g.nodes))
	for k, m := range r.g.nodes[n].Next {
		place[m] = uint8(k + 1)
	}
	for i := range l.Packet {
		if m := next(i); m >= 0 {
			counts[m]++
			to[i] = place[m]
		}
	}
	out := make([]*feed, len(r.g.nodes[n].Next)+1)
	delay := make([]int64, len(out))
	for k, m := range r.g.nodes[n].Next {
		f := &feeds[m][n]
		f.at = slices.Grow(f.at, counts[m])
		f.packet = slices.Grow(f.packet, counts[m])
		out[k+1], delay[k+1] = f, r.g.delay[n][m]
	}
	for i, k := range to {
		if k > 0 {
			out[k].at = append(out[k].at, l.Depart[i]+delay[k])
			out[k].packet = append(out[k].packet, l.Packet[i])
		}
	}
}

// merge makes a log of arrivals, up to and including the given time, out of what the
// senders feed; the first sender comes first among equals.
func merge(feeds []feed, until int64) Log {
	var live []feed
	total := 0
	for _, f := range feeds {
		n := len(f.at)
		if until != forever {
			n, _ = slices.BinarySearch(f.at, until+1)
		}
		if n > 0 {
			live = append(live, feed{f.at[:n], f.packet[:n]})
			total += n
		}
	}
	l := newLog(total)
	heads := make([]int64, len(live))
	at := make([]int, len(live))
	for k := range live {
		heads[k] = live[k].at[0]
	}
	for i := 0; i < total; {
		best, second := 0, forever
		for k := 1; k < len(heads); k++ {
			if heads[k] < heads[best] {
				second = min(second, heads[best])
				best = k
			} else {
				second = min(second, heads[k])
			}
		}
		f, k := &live[best], at[best]
		// A run of one sender's packets before anybody else's.
		h := heads[best]
		for {
			l.Arrive[i], l.Packet[i] = h, f.packet[k]
			i++
			k++
			if k == len(f.at) {
				h = forever
				break
			}
			if h = f.at[k]; h >= second && h != l.Arrive[i-1] {
				break
			}
		}
		at[best], heads[best] = k, h
	}
	return l
}
