package postcards

import (
	"cmp"
	"slices"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/blame"
)

// row is a row of the set: packets of one flow over the same links.
type row struct {
	flow    analyzers.TenantFlow
	paths   [][]int32
	weights []float64
	packets uint32
	lost    uint32
	runs    uint32 // of lost packets, one right after the other
	last    int    // number of the last lost packet
}

type rowKey struct {
	flow  analyzers.TenantFlow
	links string
}

type sampleKey struct {
	link  int32
	depth uint32
}

// flow turns the packets of a flow into rows.
func (b *builder) flow(f *flow) {
	b.number++ // no run goes on from another flow
	for i := range f.packets {
		p := &f.packets[i]
		b.number++
		ws := b.waysOf(p, f.ways)
		if len(ws) == 0 {
			b.account.Unplaced++
			continue
		}
		b.account.Packets++
		b.judge(p, ws)
	}
}

// judge adds what one packet tells, which took one of these ways.
func (b *builder) judge(p *packet, ws []way) {
	last := p.last(ws)
	switch {
	case p.arrived:
		b.account.Delivered++
		b.crossed(p, ws, func(w *way) int { return len(w.ports) })
	case last.dropped:
		b.account.Announced[last.reason]++
		b.crossed(p, ws, func(w *way) int { return slices.Index(w.nodes, last.node) })
		if port := b.net.PortAt(last.node, uint32(last.port)); last.reason == queueFull && port.Kind == analyzers.ToSwitch {
			l := b.link(last.node, last.port)
			b.add(p.flow, [][]int32{{l}}, nil, 1)
			b.sample(l, last, 1)
		}
	default:
		b.vanished(p, ws, last)
	}
}

// last returns the last hop of a packet on its way: the same in all ways.
func (p *packet) last(ws []way) seen {
	last := p.hops[0]
	at := func(h seen) int { return slices.Index(ws[0].nodes, h.node) }
	for _, h := range p.hops {
		if i := at(h); i > at(last) || i == at(last) && h.dropped {
			last = h
		}
	}
	return last
}

// spare gives excuses to packets that were seen one hop before the last switch, before others
// get them: most of these arrived, and their reports are the missing ones.
func (b *builder) spare() {
	for i := range b.flows {
		f := &b.flows[i]
		for j := range f.packets {
			p := &f.packets[j]
			if p.arrived {
				continue
			}
			if ws := b.waysOf(p, f.ways); len(ws) > 0 {
				last := p.last(ws)
				p.excused = !last.dropped && slices.Index(ws[0].nodes, last.node) == len(ws[0].nodes)-2 && b.silent(p, p.dst, last.at)
			}
		}
	}
}

// vanished adds a packet that was last seen at a hop and did not arrive.
func (b *builder) vanished(p *packet, ws []way, last seen) {
	var behind [][]int32
	silent := map[int32]bool{} // switches whose silence is excused, asked once a packet
	for i := range ws {
		w := &ws[i]
		from := slices.Index(w.nodes, last.node)
		to := from + 1
		for ; to < len(w.nodes); to++ {
			x := w.nodes[to]
			excused, asked := silent[x]
			if !asked {
				excused = p.excused || b.silent(p, x, last.at)
				silent[x] = excused
			}
			if !excused {
				break
			}
		}
		if to >= len(w.nodes) {
			b.account.Undecided++
			return
		}
		behind = append(behind, b.linksOf(w, from, to))
	}
	b.account.Lost++
	b.crossed(p, ws, func(w *way) int { return slices.Index(w.nodes, last.node) })
	paths, weights := distinct(behind)
	if len(paths) > b.cfg.MaxPaths {
		b.account.TooMany++
		paths, weights = [][]int32{common(paths)}, nil
	}
	if len(paths) == 1 && len(paths[0]) == 1 {
		b.sample(paths[0][0], last, 1)
	}
	b.add(p.flow, paths, weights, 1)
}

// crossed adds a packet that crossed the first links of its way, and the queues it met.
func (b *builder) crossed(p *packet, ws []way, links func(*way) int) {
	var paths [][]int32
	for i := range ws {
		paths = append(paths, b.linksOf(&ws[i], 0, links(&ws[i])))
	}
	for _, h := range p.hops {
		if i := slices.Index(ws[0].nodes, h.node); !h.dropped && i < links(&ws[0]) && b.peer(h) >= 0 {
			b.sample(b.link(h.node, h.port), h, 0)
		}
	}
	paths, weights := distinct(paths)
	if len(paths) > b.cfg.MaxPaths {
		b.account.TooMany++
		paths, weights = [][]int32{common(paths)}, nil
	}
	if len(paths) == 1 && len(paths[0]) == 0 {
		return // never left its first switch
	}
	b.add(p.flow, paths, weights, 0)
}

// distinct joins paths that are the same, with their shares of all.
func distinct(paths [][]int32) (out [][]int32, weights []float64) {
	at := map[string]int{}
	for _, p := range paths {
		k := describe([][]int32{p})
		i, ok := at[k]
		if !ok {
			i = len(out)
			at[k] = i
			out, weights = append(out, p), append(weights, 0)
		}
		weights[i]++
	}
	return out, weights
}

// common returns the links that are on all paths.
func common(paths [][]int32) []int32 {
	return slices.DeleteFunc(slices.Clone(paths[0]), func(l int32) bool {
		return slices.ContainsFunc(paths, func(p []int32) bool { return !slices.Contains(p, l) })
	})
}

// add adds a packet to the row of its links.
func (b *builder) add(f analyzers.TenantFlow, paths [][]int32, weights []float64, lost uint32) {
	k := rowKey{f, describe(paths)}
	r := b.rows[k]
	if r == nil {
		r = &row{flow: f, paths: paths, weights: weights}
		b.rows[k] = r
		b.order = append(b.order, r)
	}
	r.packets++
	if lost == 0 {
		return
	}
	if r.lost == 0 || r.last != b.number-1 {
		r.runs++
	}
	r.lost += lost
	r.last = b.number
}

// sample adds a packet that met a queue before a link.
func (b *builder) sample(link int32, h seen, lost uint32) {
	if !h.hasDepth {
		return
	}
	k := sampleKey{link, h.depth}
	if b.samples[k] == nil {
		b.samples[k] = new([2]uint32)
	}
	b.samples[k][0]++
	b.samples[k][1] += lost
}

// addSamples adds the samples to the set, in order.
func (b *builder) addSamples() {
	keys := make([]sampleKey, 0, len(b.samples))
	for k := range b.samples {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(x, y sampleKey) int {
		return cmp.Or(cmp.Compare(x.link, y.link), cmp.Compare(x.depth, y.depth))
	})
	for _, k := range keys {
		n := b.samples[k]
		b.set.AddSample(blame.Sample{Link: k.link, Depth: float64(k.depth), Packets: n[0], Lost: n[1]})
	}
}
