package lab

import (
	"cmp"
	"slices"

	"github.com/telltale-net/telltale/topology"
)

// divide makes as many parts as the greatest owner asks for and one for the collector,
// gives each node with its hosts to its owner, and moves pending events along.
func (l *Lab) divide(owner []int) {
	s := &l.schedule
	old := s.parts
	s.parts = make([]*part, slices.Max(owner)+2)
	for i := range s.parts {
		s.parts[i] = &part{lab: l, id: i, now: l.now, soon: forever, first: forever, worker: s.workers[0],
			inbox: make([]event, 0, usualInbox), taken: make([]event, 0, usualInbox)}
	}
	for i, n := range l.nodes {
		n.part = s.parts[owner[i]]
		if n.Role == topology.Collector {
			n.part = s.parts[s.collector()]
		}
	}
	for _, w := range l.wires {
		w.dst = l.partOf(w.to)
		if w.from.kind == atHost {
			w.dst.soon = min(w.dst.soon, w.lookahead())
		}
	}
	s.distance = l.distances()
	s.home = l.homes()
	for i, p := range old {
		s.parts[i%len(s.parts)].events += p.events
	}
	l.move(old)
}

// homes gives parts that are near each other to one worker, about as many nodes to each.
func (l *Lab) homes() (home [maxWorkers]mask) {
	s := &l.schedule
	owner, given := l.group(len(s.workers), 0), mask(0)
	for i, n := range l.nodes {
		if bit := mask(1) << n.part.id; n.Role != topology.Collector && given&bit == 0 {
			home[owner[i]] |= bit
			given |= bit
		}
	}
	return home
}

// distances returns, for each part and by part, how long after an event there at the
// soonest a frame that follows from it arrives here.
func (l *Lab) distances() [][]uint32 {
	n := len(l.schedule.parts)
	d := make([][]uint32, n)
	for i := range d {
		d[i] = slices.Repeat([]uint32{farOff}, n)
	}
	for _, w := range l.wires {
		if from := l.partOf(w.from); from != w.dst && w.from.kind == atSwitch {
			far := &d[w.dst.id][from.id]
			*far = uint32(min(Time(*far), w.lookahead()))
		}
	}
	// Floyd and Warshall's way; the diagonal becomes the shortest way round.
	for k := range d {
		for i := range d {
			for j := range d {
				d[i][j] = min(d[i][j], d[i][k]+d[k][j])
			}
		}
	}
	return d
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
		for len(p.sends.heap) > 0 {
			e := p.sends.pop()
			l.ownerOf(e.rank).sends.push(e)
		}
		for len(p.last.heap) > 0 {
			e := p.last.pop()
			l.ownerOf(e.rank).last.push(e)
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

// Parts are made of nodes that links join whose lookahead is below 1/closer of that of
// the links between parts, if there are at least perWorker of them for each worker:
// there is more to do at a time then. Otherwise each switch is one.
const (
	closer    = 8
	perWorker = 2
)

// partition returns for each node the part that it shall belong to, of so many workers.
func (l *Lab) partition(workers int) []int {
	if workers == 1 {
		return make([]int, len(l.nodes))
	}
	var cuts []Time
	for _, w := range l.joints() {
		cuts = append(cuts, w.lookahead())
	}
	for _, cut := range slices.Compact(cuts) {
		if owner := l.group(maxParts, cut/closer); slices.Max(owner)+1 >= perWorker*workers {
			return owner
		}
	}
	return l.group(maxParts, 0)
}

// joints returns the wires between switches, those of greatest lookahead first.
func (l *Lab) joints() (ws []*wire) {
	for _, w := range l.wires {
		if w.from.kind == atSwitch && !w.last {
			ws = append(ws, w)
		}
	}
	slices.SortStableFunc(ws, func(a, b *wire) int { return cmp.Compare(b.lookahead(), a.lookahead()) })
	return ws
}

// group returns for each switch one of at most so many groups. Nodes that links of a
// lookahead of near or less join are in one; then those that links of little lookahead
// join, as long as groups stay of about one size; what is left over is packed.
func (l *Lab) group(most int, near Time) []int {
	size, root := make([]int, len(l.nodes)), make([]int, len(l.nodes))
	left := 0
	for i, n := range l.nodes {
		root[i], size[i] = i, 1
		if n.Role != topology.Collector {
			left++
		}
	}
	find := func(i int) int {
		for root[i] != i {
			root[i] = root[root[i]]
			i = root[i]
		}
		return i
	}
	join := func(a, b int) {
		if a, b = find(a), find(b); a != b {
			root[b], size[a] = a, size[a]+size[b]
			left--
		}
	}
	fair := (left + most - 1) / most
	joints := l.joints()
	slices.Reverse(joints)
	for _, w := range joints {
		a, b := int(w.from.ref), int(w.to.ref)
		if w.lookahead() <= near || left > most && size[find(a)]+size[find(b)] <= fair {
			join(a, b)
		}
	}
	var roots []int
	for i, n := range l.nodes {
		if find(i) == i && n.Role != topology.Collector {
			roots = append(roots, i)
		}
	}
	for ; len(roots) > most; roots = roots[:len(roots)-1] {
		slices.SortStableFunc(roots, func(a, b int) int { return cmp.Compare(size[b], size[a]) })
		join(roots[len(roots)-2], roots[len(roots)-1])
	}
	number := map[int]int{}
	owner := make([]int, len(l.nodes))
	for i, n := range l.nodes {
		if n.Role == topology.Collector {
			continue
		}
		r := find(i)
		if _, ok := number[r]; !ok {
			number[r] = len(number)
		}
		owner[i] = number[r]
	}
	return owner
}
