package loss

import (
	"cmp"
	"slices"

	"github.com/telltale-net/telltale/analyzers/flowset"
)

// epochMap is an epoch being compared.
type epochMap struct {
	m     *Map
	out   Epoch
	links map[[2]int32]*Link
	gaps  map[[2]string]*Link
	fresh map[addr]map[int32]int32 // votes of this epoch: see Map.home
	edges map[int32]bool           // nodes with addresses behind them; nil = not looked for
	odd   map[flowset.Key]bool     // flows with anomalies
	whole map[int32]bool           // places whose tables were decoded as a whole
}

// chain returns the places of a flow in the order of links between them, in either
// direction; ok is false where they do not form one chain.
func (m *Map) chain(s []sight) (order []sight, ok bool) {
	if len(s) < 2 {
		return s, true
	}
	degree := make([]int, len(s))
	for i := range s {
		for j := range s {
			if i != j && m.linked[[2]int32{s[i].at, s[j].at}] {
				degree[i]++
			}
		}
	}
	start := -1
	for i, d := range degree {
		switch {
		case d == 0 || d > 2:
			return nil, false
		case d == 1 && start < 0:
			start = i
		}
	}
	if start < 0 {
		return nil, false // a circle
	}
	used := make([]bool, len(s))
	for at := start; at >= 0; {
		used[at] = true
		order = append(order, s[at])
		next := -1
		for j := range s {
			if !used[j] && m.linked[[2]int32{s[at].at, s[j].at}] {
				next = j
				break
			}
		}
		at = next
	}
	return order, len(order) == len(s)
}

// byNode returns one place of every node: the first at which it counts.
func (m *Map) byNode(s []sight) []sight {
	if !m.staged {
		return s
	}
	var out []sight
	for _, v := range s {
		p := m.points[v.at]
		if p.stage == flowset.StageEgress && slices.ContainsFunc(s, func(x sight) bool {
			return m.points[x.at] == point{p.node, flowset.StageIngress}
		}) {
			continue
		}
		out = append(out, sight{m.point(p.node, ""), v.packets})
	}
	return out
}

// byStage is the opposite of byNode for a way.
func (e *epochMap) byStage(way, s []sight, unsure bool) []sight {
	m := e.m
	if !m.staged {
		return way
	}
	var out []sight
	for _, v := range way {
		for _, stage := range []string{"", flowset.StageIngress, flowset.StageEgress} {
			i := m.point(m.points[v.at].node, stage)
			if x := slices.IndexFunc(s, func(x sight) bool { return x.at == i }); x >= 0 {
				out = append(out, s[x])
			} else if n := len(out); stage == flowset.StageEgress && !unsure && e.whole[i] && n > 0 && e.m.points[out[n-1].at] == (point{e.m.points[v.at].node, flowset.StageIngress}) {
				out = append(out, sight{i, 0}) // it came in, and nothing of it went out
			}
		}
	}
	return out
}

// way orders a flow's places along its way. chain says that neighbours in the order are
// neighbours in the network; ok is false where there is no single way.
func (e *epochMap) way(k flowset.Key, s *seen) (order []sight, chain, ok bool) {
	m := e.m
	if m.cfg.Path != nil {
		if nodes := m.cfg.Path(k, int(s.keyBytes)); nodes != nil {
			return e.along(nodes, s), true, true
		}
	}
	if len(m.linked) > 0 {
		if c, ok := m.chain(m.byNode(s.sights)); ok {
			if c = slices.Clone(c); e.backwards(k, s, c) {
				slices.Reverse(c)
			}
			return e.byStage(c, s.sights, s.unsure), true, true
		}
		return nil, false, false
	}
	order = slices.Clone(s.sights)
	slices.SortStableFunc(order, func(a, b sight) int { return cmp.Compare(b.packets, a.packets) })
	return order, false, true
}

// along returns the counts at the places of a known way; where nothing was counted and all
// would have been, none.
func (e *epochMap) along(nodes []string, s *seen) []sight {
	var out []sight
	for _, n := range nodes {
		for _, stage := range []string{"", flowset.StageIngress, flowset.StageEgress} {
			i, ok := e.m.names[n+"\x00"+stage]
			if !ok {
				continue
			}
			whole, counts := e.whole[int32(i)]
			if !counts {
				continue
			}
			x := slices.IndexFunc(s.sights, func(v sight) bool { return v.at == int32(i) })
			switch {
			case x >= 0:
				out = append(out, s.sights[x])
			case slices.Contains(s.blank, int32(i)):
			case whole && !s.unsure && e.m.partial[int32(i)] <= s.since:
				out = append(out, sight{int32(i), 0})
			}
		}
	}
	return out
}

// backwards reports whether a chain runs from the destination to the source.
func (e *epochMap) backwards(k flowset.Key, s *seen, c []sight) bool {
	c = slices.DeleteFunc(slices.Clone(c), func(v sight) bool { // counts that are not all of it
		return slices.ContainsFunc(s.blank, func(at int32) bool { return e.m.nodePoint(at) == e.m.nodePoint(v.at) })
	})
	if len(c) == 0 {
		return false
	}
	first, last := c[0], c[len(c)-1]
	if src, dst, ok := addrs(k, int(s.keyBytes)); ok && len(c) > 1 {
		from, to := e.homes(src), e.homes(dst)
		if a, b := slices.Contains(from, first.at), slices.Contains(from, last.at); a != b {
			return b
		}
		if a, b := slices.Contains(to, first.at), slices.Contains(to, last.at); a != b {
			return a
		}
	}
	return first.packets < last.packets
}

// flow compares a flow's counts.
func (e *epochMap) flow(k flowset.Key, s *seen) {
	if s.unsure && len(s.sights) == 0 {
		e.out.Undecided++
		return
	}
	if e.m.cfg.Flowlets {
		e.gather(k, s)
		return
	}
	if e.loop(k, s) {
		return
	}
	order, chain, ok := e.way(k, s)
	if !ok {
		e.out.Rerouted++
		e.rerouted(k, s)
		return
	}
	if len(order) == 0 {
		return
	}
	e.compare(k, s, order, chain)
	e.blackhole(k, s, order)
	e.remember(k, s, order)
}

// compare adds a way's counts to the links.
func (e *epochMap) compare(k flowset.Key, s *seen, order []sight, chain bool) {
	for i := 1; i < len(order); i++ {
		a, b := order[i-1], order[i]
		lost := a.packets - b.packets
		if !chain && lost == 0 {
			continue // which of the two came first is not known
		}
		if lost < 0 {
			lost = 0 // more arrived than left: not decoded upstream, or duplicated
		}
		var l *Link
		if chain && (e.m.linked[[2]int32{a.at, b.at}] || e.m.cfg.Path != nil) {
			l = e.link(a.at, b.at)
		} else if chain {
			l = e.stretch([]int32{a.at}, []int32{b.at}, true)
		} else {
			l = e.gap(order, i)
		}
		l.Sent += uint64(a.packets)
		l.Lost += uint64(lost)
		if lost > 0 {
			l.Flows++
			e.lossOf(k, s, l, uint64(a.packets), uint64(lost))
		}
	}
}

func (e *epochMap) lossOf(k flowset.Key, s *seen, l *Link, sent, lost uint64) {
	if len(e.out.Flows) >= maxFlowLosses {
		e.out.Shed++
		return
	}
	e.out.Flows = append(e.out.Flows, Flow{Key: k, KeyBytes: int(s.keyBytes), Order: s.order, From: l.From, To: l.To, Sent: sent, Lost: lost})
}

func (e *epochMap) link(a, b int32) *Link {
	l := e.links[[2]int32{a, b}]
	if l == nil {
		l = &Link{From: e.m.points[a].node, To: e.m.points[b].node}
		e.links[[2]int32{a, b}] = l
	}
	return l
}

// gap is the stretch between places whose order is known by counts alone: after all that
// counted as many as order[i-1], before all that counted as many as order[i].
func (e *epochMap) gap(order []sight, i int) *Link {
	level := func(n int64) (out []int32) {
		for _, s := range order {
			if s.packets == n {
				out = append(out, s.at)
			}
		}
		return out
	}
	return e.stretch(level(order[i-1].packets), level(order[i].packets), true)
}

// stretch is what lies between places: a link, or a gap.
func (e *epochMap) stretch(from, to []int32, gap bool) *Link {
	if !gap {
		return e.link(from[0], to[0])
	}
	key := [2]string{e.m.nodesOf(from), e.m.nodesOf(to)}
	if e.gaps == nil {
		e.gaps = map[[2]string]*Link{}
	}
	l := e.gaps[key]
	if l == nil {
		l = &Link{From: key[0], To: key[1], Gap: true}
		e.gaps[key] = l
	}
	return l
}
