package loss

import (
	"cmp"
	"slices"

	"github.com/telltale-net/telltale/analyzers/flowset"
)

// entry returns the count where a flow enters the network: at its source's home, or else
// the most that only one place has.
func (e *epochMap) entry(k flowset.Key, s *seen) (int64, bool) {
	if e.m.cfg.Path != nil {
		if nodes := e.m.cfg.Path(k, int(s.keyBytes)); len(nodes) > 0 {
			for _, v := range s.sights {
				if e.m.points[v.at].node == nodes[0] && e.m.points[v.at].stage != flowset.StageEgress {
					return v.packets, true
				}
			}
		}
	}
	if src, _, ok := addrs(k, int(s.keyBytes)); ok {
		homes := e.homes(src)
		most := int64(0)
		for _, v := range s.sights {
			if slices.Contains(homes, e.m.nodePoint(v.at)) {
				most = max(most, v.packets)
			}
		}
		return most, most > 0
	}
	return 0, false
}

// loop finds a flow whose packets went round: nodes that counted more of them than
// entered the network, at least two, linked with one another (the paper: a circle whose
// counts exceed the count before it; a reroute does not).
func (e *epochMap) loop(k flowset.Key, s *seen) bool {
	in, ok := e.entry(k, s)
	if !ok || s.unsure {
		return false
	}
	var round []int32
	more := int64(0)
	for _, v := range s.sights {
		if v.packets > in {
			round = append(round, v.at)
			more = max(more, v.packets-in)
		}
	}
	if e.falls(k, s) {
		return false
	}
	nodes := e.m.where(round)
	slices.Sort(nodes)
	nodes = slices.Compact(nodes)
	if len(nodes) < 2 || !slices.ContainsFunc(round, func(a int32) bool {
		return slices.ContainsFunc(round, func(b int32) bool { return e.m.linked[[2]int32{a, b}] || e.m.cfg.Path != nil })
	}) {
		return false
	}
	e.anomaly(Anomaly{Kind: "loop", Key: k, KeyBytes: int(s.keyBytes), Order: s.order, Nodes: nodes, Packets: uint64(more)})
	return true
}

// falls reports whether counts fall along the flow's nodes in one direction, which loss
// explains as well as a loop does, if it is the flow's; only if its source's home is known
// beyond doubt to be where they are lowest, it is not.
func (e *epochMap) falls(k flowset.Key, s *seen) bool {
	if e.m.cfg.Path != nil {
		return false
	}
	c, ok := e.m.chain(e.m.byNode(s.sights))
	if !ok || len(c) < 2 {
		return false
	}
	c = slices.Clone(c)
	if c[0].packets < c[len(c)-1].packets {
		slices.Reverse(c)
	}
	if !slices.IsSortedFunc(c, func(a, b sight) int { return cmp.Compare(b.packets, a.packets) }) {
		return false
	}
	src, dst, ok := addrs(k, int(s.keyBytes))
	if !ok {
		return true
	}
	high, low := c[0].at, c[len(c)-1].at
	of := func(a addr, at, other int32) bool {
		v := e.m.home[a]
		return v[at] >= sureHome && v[at] >= sureHome*v[other]
	}
	return !of(src, low, high) || !of(dst, high, low)
}

// sureHome is how many votes, and times as many as the other end, make a home sure.
const sureHome = 5

func (e *epochMap) anomaly(a Anomaly) {
	e.odd[a.Key] = true
	if len(e.out.Anomalies) >= maxFlowLosses {
		e.out.Shed++
		return
	}
	e.out.Anomalies = append(e.out.Anomalies, a)
}

// blackhole finds a flow whose way ends before its destination's home, although the next
// node would have counted it.
func (e *epochMap) blackhole(k flowset.Key, s *seen, order []sight) {
	if s.unsure {
		return
	}
	last := len(order) - 1
	for last >= 0 && order[last].packets == 0 {
		last--
	}
	if last < 0 {
		return
	}
	if last < len(order)-1 { // a known way, and nothing arrived
		if order[last].packets >= leastBlackhole {
			e.anomaly(Anomaly{Kind: "blackhole", Key: k, KeyBytes: int(s.keyBytes), Order: s.order, Nodes: e.m.where([]int32{order[last].at, order[last+1].at}), Packets: uint64(order[last].packets)})
		}
		return
	}
	end, next := e.vanished(k, s, order)
	if len(next) == 0 {
		return
	}
	lost := uint64(order[end].packets)
	l := e.stretch([]int32{order[end].at}, next, len(next) != 1)
	l.Sent += lost
	l.Lost += lost
	l.Flows++
	e.lossOf(k, s, l, lost, lost)
	if lost < leastBlackhole {
		return
	}
	e.anomaly(Anomaly{Kind: "blackhole", Key: k, KeyBytes: int(s.keyBytes), Order: s.order, Nodes: []string{l.From, l.To}, Packets: lost})
}

// vanished returns behind which of a way's places all of a flow's packets were lost, and
// where they were to go next; nothing where they may have arrived.
func (e *epochMap) vanished(k flowset.Key, s *seen, order []sight) (end int, next []int32) {
	_, dst, ok := addrs(k, int(s.keyBytes))
	if e.m.cfg.Path != nil || !ok {
		return 0, nil
	}
	end = len(order) - 1
	first, last := order[0].at, order[end].at
	if was := e.m.last[k]; was != nil { // it went on in the epoch before
		x := slices.Index(was.path, last)
		if y := slices.Index(was.path, first); x >= 0 && y >= 0 && y <= x && x+1 < len(was.path) && e.m.linked[[2]int32{last, was.path[x+1]}] && e.missed(s, was.path[x+1]) {
			return end, was.path[x+1 : x+2]
		}
	}
	enters, ends := e.m.nodePoint(first), e.m.nodePoint(last)
	homes := e.homes(dst)
	if slices.Contains(homes, ends) || !e.settled(dst) {
		return 0, nil // it arrived, or who knows
	}
	homes = slices.DeleteFunc(homes, func(p int32) bool { return p == enters })
	if len(homes) != 1 || !e.whole[homes[0]] || ends != enters && (!e.m.transit[ends] || e.edge(ends)) {
		return 0, nil // the address may be behind its last node: several may lead to one
	}
	next = e.m.onward(k, last, homes[0])
	return end, slices.DeleteFunc(next, func(p int32) bool { return !e.missed(s, p) })
}

// missed reports whether a place would have counted the flow, and did not.
func (e *epochMap) missed(s *seen, at int32) bool {
	return e.whole[at] && !slices.ContainsFunc(s.sights, func(v sight) bool { return v.at == at })
}

// edge reports whether addresses are behind a node and behind no other.
func (e *epochMap) edge(at int32) bool {
	if e.edges == nil {
		e.edges = map[int32]bool{}
		for _, votes := range []map[addr]map[int32]int32{e.m.home, e.fresh} {
			for a := range votes {
				if h := e.homes(a); len(h) == 1 {
					e.edges[h[0]] = true
				}
			}
		}
	}
	return e.edges[at]
}

// leastBlackhole is how many packets of a flow, all of them, must vanish between two nodes
// to be more than bad luck.
const leastBlackhole = 3

// onward returns the places where a flow's packets were to go next: by its way of the
// epoch before, or else by the shortest ways to its destination's home.
func (m *Map) onward(k flowset.Key, at, home int32) []int32 {
	if was := m.last[k]; was != nil {
		if x := slices.Index(was.path, at); x >= 0 && x+1 < len(was.path) {
			return was.path[x+1 : x+2]
		}
	}
	if stage := m.points[at].stage; stage != "" { // the next one counts what comes in
		home = m.point(m.points[home].node, flowset.StageIngress)
	}
	dist := m.distances(home)
	var next []int32
	for p := range int32(len(m.points)) {
		if m.linked[[2]int32{at, p}] && dist[p] >= 0 && dist[p]+1 == dist[at] && m.points[p].stage == m.points[home].stage {
			next = append(next, p)
		}
	}
	return next
}

// distances returns how many links every place is from one, -1 where there is no way.
func (m *Map) distances(to int32) []int32 {
	if m.far == nil || m.farPoints != len(m.points) {
		m.far, m.farPoints = map[int32][]int32{}, len(m.points)
		m.next = make([][]int32, len(m.points))
		for l := range m.linked {
			m.next[l[0]] = append(m.next[l[0]], l[1])
		}
	}
	if d, ok := m.far[to]; ok {
		return d
	}
	d := make([]int32, len(m.points))
	for i := range d {
		d[i] = -1
	}
	d[to] = 0
	for todo := []int32{to}; len(todo) > 0; todo = todo[1:] {
		for _, p := range m.next[todo[0]] {
			if d[p] < 0 {
				d[p] = d[todo[0]] + 1
				todo = append(todo, p)
			}
		}
	}
	m.far[to] = d
	return d
}

// rerouted compares the ends of a flow that used several ways.
func (e *epochMap) rerouted(k flowset.Key, s *seen) {
	in, ok := e.entry(k, s)
	src, dst, known := addrs(k, int(s.keyBytes))
	if !ok || !known || s.unsure {
		return
	}
	from, to := e.homes(src), e.homes(dst)
	if len(from) != 1 || len(to) != 1 || from[0] == to[0] || !e.whole[to[0]] {
		return
	}
	out := int64(0)
	for _, v := range e.m.byNode(s.sights) {
		if v.at == to[0] {
			out = v.packets
		}
	}
	if out >= in {
		return
	}
	l := e.stretch(from, to, true)
	l.Sent += uint64(in)
	l.Lost += uint64(in - out)
	l.Flows++
	e.lossOf(k, s, l, uint64(in), uint64(in-out))
}

// nodePoint returns the place that stands for a place's node.
func (m *Map) nodePoint(at int32) int32 {
	if !m.staged {
		return at
	}
	return m.point(m.points[at].node, "")
}
