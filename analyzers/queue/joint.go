package queue

import (
	"cmp"
	"slices"
)

// Where many small things of one kind came together at one place, as a hundred packets
// each served slowly that have no flow in common, none of them matters by itself: without
// it, the next one would have kept the queue full. Together they do.

// fewest is how many candidates there must be to be tried together.
const fewest = 2

const (
	// alone is the share of what all candidates together explain of a wait above which
	// one of them is answer enough.
	alone = 0.5
	// better is how many times as much as the best by itself candidates must explain
	// together to be named together.
	better = 1.5
)

// kin are candidates that may be one: all processing of a lane, or all traffic that
// entered at one.
type kin struct {
	lane    int16
	traffic bool
	members []int16
}

// joint replays the region without all candidates of a kind at one place, for victims
// that no candidate explains by itself.
func (c *comparison) joint(p *replay) {
	var needy []int
	for k := range c.victims {
		if v := &c.victims[k]; float64(c.best(k)) < alone*float64(v.stay-v.least) {
			needy = append(needy, k)
		}
	}
	if len(needy) == 0 {
		return
	}
	for _, g := range c.kins() {
		x := c.merged(&g)
		if !c.matters(&x, needy) {
			continue
		}
		id := int16(len(c.r.cands))
		c.r.cands = append(c.r.cands, x)
		for _, m := range g.members {
			p.removed[m] = true
		}
		p.run()
		for _, k := range needy {
			if got, ok := c.gain(p, id, k); ok && float64(got.ns) > better*float64(c.best(k)) {
				c.gains[k] = append(slices.DeleteFunc(c.gains[k], func(o gain) bool { return slices.Contains(g.members, o.cand) }), got)
			}
		}
		for _, m := range g.members {
			p.removed[m] = false
		}
	}
}

// best returns the most that a victim gains from one candidate's absence.
func (c *comparison) best(k int) int64 {
	most := int64(0)
	for _, g := range c.gains[k] {
		most = max(most, g.ns)
	}
	return most
}

// kins returns the candidates by what they may be together, where there are several.
func (c *comparison) kins() []kin {
	var all []kin
	for id := range c.r.cands {
		x := &c.r.cands[id]
		i := slices.IndexFunc(all, func(k kin) bool { return k.lane == x.lane && k.traffic == (x.kind == burst) })
		if i < 0 {
			i = len(all)
			all = append(all, kin{lane: x.lane, traffic: x.kind == burst})
		}
		all[i].members = append(all[i].members, int16(id))
	}
	all = slices.DeleteFunc(all, func(k kin) bool { return len(k.members) < fewest })
	slices.SortFunc(all, func(a, b kin) int { return cmp.Compare(len(b.members), len(a.members)) })
	return all
}

// merged returns candidates as one.
func (c *comparison) merged(g *kin) candidate {
	x := candidate{kind: stall, lane: g.lane, from: notFirst, to: notFirst, members: g.members}
	if g.traffic {
		x.kind = burst
	}
	for _, m := range g.members {
		of := &c.r.cands[m]
		x.extend(of.from, of.to)
		x.packets += of.packets
		for f, w := range of.flows {
			x.add(f, w)
		}
		for _, t := range of.touches {
			x.touch(t.lane, t.from, t.weight)
			x.touch(t.lane, t.to, 0)
		}
	}
	return x
}
