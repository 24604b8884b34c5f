package flowset

import (
	"cmp"
	"slices"
)

// entry returns the count where a flow enters the network: at its source's home, or else
// the most that only one place has.
func (e *epochMap) entry(k Key, s *seen) (int64, bool) {
	if e.m.cfg.Path != nil {
		if nodes := e.m.cfg.Path(k, int(s.keyBytes)); len(nodes) > 0 {
			for _, v := range s.sights {
				if e.m.points[v.at].node == nodes[0] && e.m.points[v.at].stage != StageEgress {
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
func (e *epochMap) loop(k Key, s *seen) bool {
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
func (e *epochMap) blackhole(k Key, s *seen, order []sight) {
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
	_, dst, ok := addrs(k, int(s.keyBytes))
	if e.m.cfg.Path != nil || !ok {
		return
	}
	homes := e.homes(dst)
	if slices.Contains(homes, e.m.nodePoint(order[last].at)) {
		return // it arrived
	}
	homes = slices.DeleteFunc(homes, func(p int32) bool { return p == e.m.nodePoint(order[0].at) })
	if len(homes) != 1 || !e.whole[homes[0]] {
		return
	}
	home := homes[0]
	if end := e.m.nodePoint(order[last].at); end != e.m.nodePoint(order[0].at) && (!e.m.transit[end] || e.edge(end)) {
		return // the address may be behind it: several nodes may lead to one
	}
	lost := uint64(order[last].packets)
	if e.m.staged {
		return // the queue's and the wire's losses are the links' already
	}
	next := e.m.onward(k, order[last].at, home)
	l := e.stretch([]int32{order[last].at}, next, len(next) != 1)
	l.Sent += lost
	l.Lost += lost
	l.Flows++
	e.lossOf(k, s, l, lost, lost)
	if lost < leastBlackhole {
		return
	}
	nodes := []string{l.From}
	if len(next) > 0 {
		nodes = append(nodes, l.To)
	}
	e.anomaly(Anomaly{Kind: "blackhole", Key: k, KeyBytes: int(s.keyBytes), Order: s.order, Nodes: nodes, Packets: lost})
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
func (m *LossMap) onward(k Key, at, home int32) []int32 {
	if was := m.last[k]; was != nil {
		if x := slices.Index(was.path, at); x >= 0 && x+1 < len(was.path) {
			return was.path[x+1 : x+2]
		}
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
func (m *LossMap) distances(to int32) []int32 {
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
func (e *epochMap) rerouted(k Key, s *seen) {
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

// remember keeps a flow's way, and its counts where flowlets are compared.
func (e *epochMap) remember(k Key, s *seen, order []sight) {
	w := e.m.last[k]
	if w == nil {
		if len(e.m.last) >= e.m.cfg.MaxFlows {
			e.out.Shed++
			return
		}
		w = &memory{}
		e.m.last[k] = w
	}
	w.epoch, w.width, w.order = e.out.Epoch, int(s.keyBytes), s.order
	if !e.m.cfg.Flowlets {
		w.path = make([]int32, len(order))
		for i, v := range order {
			w.path[i] = v.at
		}
		return
	}
	for _, v := range order {
		x := slices.Index(w.path, v.at)
		if x < 0 {
			x = len(w.path)
			w.path, w.sums = append(w.path, v.at), append(w.sums, 0)
		}
		w.sums[x] += v.packets
	}
}

// silent ends the flowlets of flows that no node saw this epoch, and forgets ways that
// have not been used for two.
func (e *epochMap) silent(flows map[Key]*seen) {
	var over []Key
	for k, w := range e.m.last {
		if flows[k] == nil && (e.m.cfg.Flowlets || w.epoch+1 < e.out.Epoch) {
			over = append(over, k)
		}
	}
	slices.SortFunc(over, func(a, b Key) int { return slices.Compare(a[:], b[:]) })
	for _, k := range over {
		w := e.m.last[k]
		delete(e.m.last, k)
		if !e.m.cfg.Flowlets {
			continue
		}
		sum := &seen{keyBytes: uint8(w.width), order: w.order}
		for i, at := range w.path {
			sum.sights = append(sum.sights, sight{at, w.sums[i]})
		}
		if order, chain, ok := e.way(k, sum); ok {
			e.compare(k, sum, order, chain)
		} else {
			e.out.Rerouted++
			e.rerouted(k, sum)
		}
	}
}

// result sums up.
func (e *epochMap) result() EpochLosses {
	devices := map[string]*DeviceLoss{}
	device := func(node string) *DeviceLoss {
		d := devices[node]
		if d == nil {
			d = &DeviceLoss{Node: node}
			devices[node] = d
		}
		return d
	}
	merged := map[[2]string]*LinkLoss{}
	add := func(l *LinkLoss) {
		m := merged[[2]string{l.From, l.To}]
		if m == nil {
			c := *l
			merged[[2]string{l.From, l.To}] = &c
			return
		}
		m.Sent += l.Sent
		m.Lost += l.Lost
		m.Flows += l.Flows
	}
	for _, l := range e.links {
		add(l)
	}
	for _, l := range e.gaps {
		add(l)
	}
	for _, l := range merged {
		e.out.Links = append(e.out.Links, *l)
		d := device(l.From)
		if l.From == l.To {
			d.Queue += l.Lost
		} else {
			d.Wire += l.Lost
			d.Sent += l.Sent
		}
	}
	slices.SortFunc(e.out.Links, func(a, b LinkLoss) int {
		return cmp.Or(cmp.Compare(b.Lost, a.Lost), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	for _, d := range devices {
		e.out.Devices = append(e.out.Devices, *d)
	}
	slices.SortFunc(e.out.Devices, func(a, b DeviceLoss) int { return cmp.Compare(a.Node, b.Node) })
	return e.out
}

// nodePoint returns the place that stands for a place's node.
func (m *LossMap) nodePoint(at int32) int32 {
	if !m.staged {
		return at
	}
	return m.point(m.points[at].node, "")
}
