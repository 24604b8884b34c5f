package loss

import (
	"slices"

	"github.com/telltale-net/telltale/analyzers/flowset"
)

// learnHomes finds behind which node addresses are: at an end of all their flows' ways.
// Flows that skip says nothing good of have no vote.
func (e *epochMap) learnHomes(keys []flowset.Key, flows map[flowset.Key]*seen, into map[addr]map[int32]int32, skip map[flowset.Key]bool) {
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
	votes := e.votes(a)
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

// settled reports whether more than two thirds of an address's flows have an end at the same place.
// Where some end elsewhere, the most frequent end may be that of those it speaks to.
func (e *epochMap) settled(a addr) bool {
	best, all := int32(0), int32(0)
	for _, n := range e.votes(a) {
		best, all = max(best, n), all+n
	}
	return 3*best > all // a flow whose direction is open has one vote at each end
}

// votes returns where an address's flows ended, in epochs before or else in this one.
func (e *epochMap) votes(a addr) map[int32]int32 {
	if v := e.m.home[a]; len(v) > 0 {
		return v
	}
	return e.fresh[a]
}
