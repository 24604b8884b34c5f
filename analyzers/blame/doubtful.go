package blame

import (
	"math"
	"slices"
)

// doubtfulFlow returns the cause of the loss of flow i, whose path is uncertain: the path
// that its loss makes likeliest, and of that the likeliest cause.
func (t *Tracker) doubtfulFlow(s *Set, m *fit, byCol []*suspect, i int, sure []crossing, x *bundle) FlowResult {
	b := &m.mix.bundles[m.mix.byPaths[x]]
	rate := func(cols []crossing) float64 {
		sum := 0.0
		for _, x := range cols {
			c, part := x.of()
			sum += byCol[c].probability * part * byCol[c].theta
		}
		return sum
	}
	loses := make([]float64, len(b.paths))
	best, sum := 0, 0.0
	packets := max(float64(s.packets[i]), 1)
	for p, cols := range b.paths {
		loses[p] = b.weight[p] * -math.Expm1(-packets*(rate(sure)+rate(cols)+m.noiseOf(slices.Concat(s.Path(i), x.paths[p]), s.packets[i])))
		sum += loses[p]
		if loses[p] > loses[best] {
			best = p
		}
	}
	// What each suspect and the noise contribute, over all alternatives.
	share, noise := map[int32]float64{}, 0.0
	for p, cols := range b.paths {
		total, some := rate(sure)+rate(cols), 0.0
		if sum <= 0 {
			continue
		}
		of := loses[p] / sum
		for _, x := range sure {
			if c, _ := x.of(); partOf(cols, c) == 0 {
				some += byCol[c].probability
			}
		}
		for _, x := range cols {
			c, _ := x.of()
			some += byCol[c].probability
		}
		alone := noiseShare(some, total, m.noiseOf(slices.Concat(s.Path(i), x.paths[p]), s.packets[i]))
		noise += of * alone
		for _, list := range [][]crossing{sure, cols} {
			for _, x := range list {
				if c, part := x.of(); total > 0 {
					share[c] += of * (1 - alone) * byCol[c].probability * part * byCol[c].theta / total
				}
			}
		}
	}
	r := FlowResult{Flow: s.Name(i), Cause: CauseUnknown}
	at, most := int32(-1), 0.0
	for c, p := range share {
		if p > most || p == most && c < at {
			at, most = c, p
		}
	}
	r.judge(most, noise)
	if sum > 0 {
		q := round(loses[best] / sum)
		r.PathProbability = &q
		for _, l := range x.paths[best] {
			r.Path = append(r.Path, s.links.Name(l))
		}
	}
	switch {
	case most < leastCause:
	case int(at) < m.links:
		r.Cause = s.links.Name(at)
	default:
		r.Device = t.links.nodes[int(at)-m.links]
		path := slices.Concat(s.Path(i), x.paths[best])
		r.Cause = s.links.Name(t.reaching(path, at-int32(m.links)))
	}
	return r
}

// keptKey is the alternatives and the magnitude of packets that arrived.
type keptKey struct {
	bundle    *bundle
	magnitude int
}

// carryMix carries a flow whose path is uncertain to the next epoch: one with losses by
// itself, packets that arrived with others over the same alternatives.
func (t *Tracker) carryMix(x *bundle, path []int32, k, scale, arrived float64, kept map[keptKey]int) {
	d := t.cfg.Decay
	if k > 0 {
		if len(t.carried)+len(t.doubtful) >= t.cfg.MaxCarried {
			t.shed++
		} else {
			t.doubtful = append(t.doubtful, doubtful{bundle: x, path: slices.Clone(path), weight: d, k: k, scale: scale})
		}
	}
	if arrived <= 0 {
		return
	}
	key := keptKey{x, magnitude(arrived)}
	i, ok := kept[key]
	if !ok {
		i = len(t.doubtful)
		kept[key] = i
		t.doubtful = append(t.doubtful, doubtful{bundle: x})
	}
	c := &t.doubtful[i]
	c.arrived = (c.arrived*c.weight + arrived*d) / (c.weight + d)
	c.weight += d
}

// losing is how many flows with losses are carried.
func (t *Tracker) losing() int {
	n := len(t.carried)
	for i := range t.doubtful {
		if t.doubtful[i].k > 0 {
			n++
		}
	}
	return n
}
