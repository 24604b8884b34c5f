package lab

import (
	"slices"

	"github.com/telltale-net/telltale/topology"
)

// divide makes as many parts as the greatest owner asks for, gives each node with its
// hosts to its owner and the collector to part 0, and moves pending events along.
func (l *Lab) divide(owner []int) {
	old := l.parts
	l.parts = make([]*part, slices.Max(owner)+1)
	for i := range l.parts {
		l.parts[i] = &part{lab: l, id: i, now: l.now, pace: pace{alarm: make(chan struct{}, 1)}}
		l.parts[i].want.Store(awake)
	}
	for i, n := range l.nodes {
		n.part = l.parts[owner[i]]
		if n.Role == topology.Collector {
			n.part = l.parts[0]
		}
	}
	for _, w := range l.wires {
		w.dst = l.partOf(w.to)
	}
	for _, p := range l.parts {
		p.in, p.out = make([]*channel, len(l.parts)), make([]*channel, len(l.parts))
	}
	l.plan.lookahead = forever
	for _, w := range l.wires {
		from := l.partOf(w.from)
		if from == w.dst || w.from.kind == atCollector { // which sends nothing
			continue
		}
		c := from.out[w.dst.id]
		if c == nil {
			c = newChannel(from, w.dst)
			from.out[w.dst.id], w.dst.in[from.id] = c, c
		}
		if w.last {
			c.lookaheadLast = min(c.lookaheadLast, w.lookahead())
		} else {
			c.lookahead = min(c.lookahead, w.lookahead())
			l.plan.lookahead = min(l.plan.lookahead, w.lookahead())
		}
	}
	for i, p := range old {
		x := l.parts[i%len(l.parts)]
		x.events += p.events
		x.pool.free = append(x.pool.free, p.pool.free...)
	}
	l.move(old)
}

// partOf returns the part that an end of a wire belongs to.
func (l *Lab) partOf(e end) *part {
	if e.kind == atHost {
		return l.hosts[e.ref].node.part
	}
	return l.nodes[e.ref].part
}

// move takes the pending events of former parts to where they belong now.
func (l *Lab) move(old []*part) {
	for _, p := range old {
		// In order, so that events of one wire keep theirs.
		for len(p.queue.heap) > 0 {
			e := p.queue.pop()
			l.ownerOf(e.rank).queue.push(e)
		}
		for len(p.last.heap) > 0 {
			e := p.last.pop()
			l.wires[e.rank.ref()].dst.last.push(e)
		}
	}
}

// ownerOf returns the part in which an event happens.
func (l *Lab) ownerOf(r rank) *part {
	switch r.kind() {
	case evArrive:
		return l.wires[r.ref()].dst
	case evSend:
		return l.flows[r.ref()].from.node.part
	default:
		return l.nodes[r.ref()].part
	}
}
