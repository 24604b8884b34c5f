package queue

import (
	"cmp"
	"slices"

	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// flowKey is a property that flows with the same fate may share: some fields of the
// five-tuple, the rest zero. Aspect says which.
type flowKey struct {
	aspect uint8
	flow   records.Flow
}

// aspects are the ways to look at a flow, the most specific first.
const aspects = 6

func aspect(f *records.Flow, k uint8) flowKey {
	key := flowKey{aspect: k}
	switch k {
	case 0:
		key.flow = *f
	case 1:
		key.flow.Src, key.flow.Dst, key.flow.Proto = f.Src, f.Dst, f.Proto
	case 2:
		key.flow.Src = f.Src
	case 3:
		key.flow.Dst = f.Dst
	case 4:
		key.flow.DstPort, key.flow.Proto = f.DstPort, f.Proto
	case 5:
		key.flow.SrcPort, key.flow.Proto = f.SrcPort, f.Proto
	}
	return key
}

// suspect is a key and the slow groups that packets with it are in.
type suspect struct {
	key  flowKey
	in   []int32 // slow groups
	fine int     // groups with such packets that took no longer than they should
}

// blame decides for each slow group whether certain flows are served slowly or the
// server stalled. A group that took too long is a set of suspects: all its packets. A
// property of flows that many slow groups share, and that groups served in time do not
// have, explains them; what is left are stalls.
func (r *region) blame(li int, order []int32, slow []slowGroup) {
	l := &r.lanes[li]
	if len(slow) >= minSlowGroups {
		r.slowFlows(li, order, slow)
	}
	for _, g := range slow {
		if g.excess > 0 {
			// While it had the packets, nobody knows when: half way.
			from := g.begin + 1 + int64(float64(g.to-g.from)*l.s.Norm/2)
			l.downs = append(l.downs, down{from, from + g.excess, g.first, -1})
		}
	}
	slices.SortFunc(l.downs, func(x, y down) int { return cmp.Compare(x.from, y.from) })
}

// minSlowGroups is how many groups a property must make slow to be a cause.
const minSlowGroups = 3

// slowFlows finds the properties and moves the excess they explain from the groups to
// the packets.
func (r *region) slowFlows(li int, order []int32, slow []slowGroup) {
	l := &r.lanes[li]
	flows := r.a.t.Flows
	all := map[flowKey]*suspect{}
	for gi, g := range slow {
		for _, row := range order[g.from:g.to] {
			f := l.flow(int(row))
			if f == records.NoFlow {
				continue
			}
			for k := range uint8(aspects) {
				key := aspect(&flows[f], k)
				s := all[key]
				if s == nil {
					s = &suspect{key: key}
					all[key] = s
				}
				if n := len(s.in); n == 0 || s.in[n-1] != int32(gi) {
					s.in = append(s.in, int32(gi))
				}
			}
		}
	}
	for key, s := range all {
		if len(s.in) < minSlowGroups {
			delete(all, key)
		}
	}
	r.acquit(l, order, slow, all)
	cand := int16(-1)
	covered := make([]bool, len(slow))
	for {
		best := pickSuspect(all, covered)
		if best == nil {
			return
		}
		delete(all, best.key)
		if cand < 0 {
			cand = r.newCandidate(candidate{kind: slowFlow, lane: int16(li)})
		}
		r.convict(l, order, slow, best, covered, cand)
	}
}

// acquit counts the groups that were served in time although they had packets with a
// property, in the region and in the history before it, and drops the properties that
// had too many.
func (r *region) acquit(l *lane, order []int32, slow []slowGroup, all map[flowKey]*suspect) {
	if len(all) == 0 {
		return
	}
	flows := r.a.t.Flows
	var aspectsLeft [aspects]int
	for key := range all {
		aspectsLeft[key.aspect]++
	}
	see := func(f records.FlowID) {
		if f == records.NoFlow {
			return
		}
		for k := range uint8(aspects) {
			if aspectsLeft[k] == 0 {
				continue
			}
			key := aspect(&flows[f], k)
			s := all[key]
			if s == nil {
				continue
			}
			if s.fine++; s.fine > len(s.in)/4 {
				delete(all, key)
				aspectsLeft[k]--
			}
		}
	}
	at := 0
	for k, row := range order {
		for at < len(slow) && k >= slow[at].to {
			at++
		}
		if at < len(slow) && k >= slow[at].from {
			continue
		}
		see(l.flow(int(row)))
		if len(all) == 0 {
			return
		}
	}
	// History.
	q := l.q
	hi := q.FirstDeparture(l.from)
	lo := q.FirstDeparture(l.from - int64(r.a.cfg.History))
	free := int64(notFirst)
	if lo > 0 {
		free = q.Depart(q.ByDepart(lo - 1))
	}
	groups(q, lo, hi, free, func(g group) bool {
		n := float64(g.to - g.from)
		if float64(g.end-g.start)-g.needs(q, l.s) > r.noise(l, n) {
			return true
		}
		for k := g.from; k < g.to && len(all) > 0; k++ {
			see(q.Flow[q.ByDepart(k)])
		}
		return len(all) > 0
	})
}

// pickSuspect returns the property that explains the most groups not yet explained, the
// most specific of those that explain as many; nil where none explains enough.
func pickSuspect(all map[flowKey]*suspect, covered []bool) *suspect {
	var best *suspect
	most := minSlowGroups - 1
	for _, s := range all {
		n := 0
		for _, g := range s.in {
			if !covered[g] {
				n++
			}
		}
		if n > most || n == most && best != nil && lessKey(s.key, best.key) {
			best, most = s, n
		}
	}
	return best
}

func lessKey(a, b flowKey) bool {
	return cmp.Or(
		cmp.Compare(a.aspect, b.aspect),
		slices.Compare(a.flow.Src[:], b.flow.Src[:]), slices.Compare(a.flow.Dst[:], b.flow.Dst[:]),
		cmp.Compare(a.flow.Proto, b.flow.Proto), cmp.Compare(a.flow.SrcPort, b.flow.SrcPort), cmp.Compare(a.flow.DstPort, b.flow.DstPort),
	) < 0
}

// convict takes from the groups what packets with the property explain: as much per
// packet as is usual for them, or all where that is about it.
func (r *region) convict(l *lane, order []int32, slow []slowGroup, s *suspect, covered []bool, cand int16) {
	flows := r.a.t.Flows
	has := func(row int32) bool {
		f := l.flow(int(row))
		return f != records.NoFlow && aspect(&flows[f], s.key.aspect) == s.key
	}
	var per []int64
	for _, gi := range s.in {
		if covered[gi] {
			continue
		}
		g := &slow[gi]
		n := int64(0)
		for _, row := range order[g.from:g.to] {
			if has(row) {
				n++
			}
		}
		per = append(per, g.excess/n)
	}
	slices.Sort(per)
	each := per[len(per)/2]
	c := &r.cands[cand]
	for _, gi := range s.in {
		if covered[gi] {
			continue
		}
		covered[gi] = true
		g := &slow[gi]
		var rows []int32
		for _, row := range order[g.from:g.to] {
			if has(row) {
				rows = append(rows, row)
			}
		}
		part := g.excess
		if usual := int64(len(rows)) * each; float64(part) > 1.5*float64(usual)+r.noise(l, float64(g.to-g.from)) {
			part = usual
		}
		g.excess -= part
		for _, row := range rows {
			l.extra[row] = part / int64(len(rows))
			l.slow[row] = cand
			c.packets++
			c.add(l.flow(int(row)), float64(l.extra[row]))
		}
		c.extend(g.begin, g.begin+part)
	}
}
