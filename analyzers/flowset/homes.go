package flowset

import "slices"

// learnHomes finds behind which node addresses are: at an end of all their flows' ways.
// Flows that skip says nothing good of have no vote.
func (e *epochMap) learnHomes(keys []Key, flows map[Key]*seen, into map[addr]map[int32]int32, skip map[Key]bool) {
	if len(e.m.linked) == 0 || e.m.cfg.Path != nil || e.m.cfg.Flowlets {
		return // flowlets: what one epoch shows of a flow may be any part of its way
	}
	vote := func(a addr, at, weight int32) {
		v := into[a]
		if v == nil {
			if len(into) >= e.m.cfg.MaxFlows {
				return
			}
			v = map[int32]int32{}
			into[a] = v
		}
		v[at] += weight
	}
	for _, k := range keys {
		s := flows[k]
		src, dst, ok := addrs(k, int(s.keyBytes))
		if !ok || s.unsure || len(s.sights) < 2 || skip[k] {
			continue
		}
		c, ok := e.m.chain(e.m.byNode(s.sights))
		if !ok || len(c) < 2 {
			continue
		}
		for _, v := range c[1 : len(c)-1] {
			e.m.transit[v.at] = true
		}
		first, last := c[0], c[len(c)-1]
		if first.packets == last.packets { // either may be the source
			for _, a := range []addr{src, dst} {
				vote(a, first.at, 1)
				vote(a, last.at, 1)
			}
			continue
		}
		if first.packets < last.packets {
			first, last = last, first
		}
		vote(src, first.at, 2)
		vote(dst, last.at, 2)
	}
}

// homes returns the places behind which an address may be: those that were an end of
// nearly as many of its flows' ways as any, in epochs before or else in this one.
func (e *epochMap) homes(a addr) (at []int32) {
	votes := e.m.home[a]
	if len(votes) == 0 {
		votes = e.fresh[a]
	}
	best := int32(0)
	for _, n := range votes {
		best = max(best, n)
	}
	for p, n := range votes {
		if 5*n >= 4*best {
			at = append(at, p)
		}
	}
	slices.Sort(at)
	return at
}
