package decode

import (
	"slices"
	"sync/atomic"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/hash"
)

// flowDecode is the paper's FlowDecode: flows decoded at a neighbour that the filter here
// knows are taken out of the cells here, until that helps nobody. Rounds, in each of which
// every table looks at what its neighbours had at the end of the one before, make the
// result the same for any number of workers.
func (n *network) flowDecode() {
	n.each(func(i int) {
		s := n.s[i]
		flows, _ := s.t.Totals(0)
		s.index(int(min(flows, int64(2*len(s.cells)))) + 1024)
	})
	n.seen = make([][]int, len(n.s))
	for i := range n.seen {
		n.seen[i] = make([]int, len(n.adj[i]))
	}
	n.view = make([]flowset.Keys, len(n.s), len(n.s)+len(n.opt.Earlier))
	n.kin = make([][]int, len(n.s))
	for _, d := range n.opt.Earlier {
		n.view = append(n.view, d.Keys)
		for i, s := range n.s {
			if t := s.t; t.Node == d.Node && t.Stage == d.Stage && t.KeyBytes == d.KeyBytes {
				n.kin[i] = append(n.kin[i], len(n.view)-1)
			}
		}
	}
	for round := range maxRounds {
		for i, s := range n.s {
			n.view[i] = s.keys
		}
		var progress atomic.Bool
		n.each(func(i int) {
			before := len(n.s[i].keys.A)
			n.listen(i, round == 0)
			if len(n.s[i].keys.A) > before {
				progress.Store(true)
			}
		})
		if !progress.Load() {
			return
		}
	}
}

// listen takes what the neighbours have found, and first what was there an epoch earlier.
func (n *network) listen(i int, first bool) {
	s := n.s[i]
	was := s.pending
	s.pending = nil
	if s.place.Doubtful() {
		n.offer(i)
	}
	for _, r := range was {
		n.consider(i, s, r)
	}
	for x, j := range n.adj[i] {
		if n.s[j].t.KeyBytes != s.t.KeyBytes {
			continue
		}
		for f := n.seen[i][x]; f < len(n.view[j].A); f++ {
			n.consider(i, s, ref{int32(j), int32(f)})
		}
		n.seen[i][x] = len(n.view[j].A)
	}
	for _, j := range n.kin[i] {
		for f := 0; first && f < len(n.view[j].A); f++ {
			n.consider(i, s, ref{int32(j), int32(f)})
		}
	}
}

// consider looks whether a neighbour's flow is here.
func (n *network) consider(i int, s *solver, r ref) {
	v := &n.view[r.table]
	a, b := v.A[r.flow], v.B[r.flow]
	var w *[3]uint64
	var d uint64
	if v.Wide != nil {
		w = &v.Wide[r.flow]
		d = hash.WideDigest(a, b, w, s.t.KeyBytes)
	} else {
		d = hash.Digest(a, b)
	}
	if f := s.find(a, b, w, d); f >= 0 {
		n.meet(s, f, r)
		return
	}
	if n.opt.Visits != nil {
		if !n.opt.Visits(i, v.At(int(r.flow))) {
			return
		}
	}
	if s.t.Filter != nil && !s.t.Filter.Knows(a, b, w, d) {
		return
	}
	var at [flowset.MaxSubtables]uint32
	check := s.place.Place(a, b, w, d, &at)
	for _, c := range at[:s.k] {
		if s.cells[c].Flows < 1 {
			if s.settled(c) { // all flows of one of its cells are known: it is not among them
				if s.t.Filter != nil { // but the filter may have hidden it: see repair
					n.meet(s, s.add(a, b, w, d, at[:s.k], rejected), r)
				}
				return
			}
		}
	}
	if s.t.Filter == nil && !s.pairs(a, b, w, check, at[:s.k]) {
		s.pending = append(s.pending, r)
		return
	}
	f := s.add(a, b, w, d, at[:s.k], taken)
	n.meet(s, f, r)
	s.takeOut(f, check, unknownPackets, false)
	s.drain()
}

// offer notes the flows of the neighbours' that are new.
func (n *network) offer(i int) {
	s := n.s[i]
	if s.offered == nil {
		s.offered = map[flowset.Key]struct{}{}
	}
	add := func(v *flowset.Keys, from int) {
		for f := from; f < len(v.A); f++ {
			s.offered[v.At(f)] = struct{}{}
		}
	}
	for x, j := range n.adj[i] {
		if n.s[j].t.KeyBytes == s.t.KeyBytes {
			add(&n.view[j], n.seen[i][x])
		}
	}
	for _, j := range n.kin[i] {
		add(&n.view[j], 0)
	}
}

// plausible reports whether a flow that is alone in a cell may be there at all, where
// functions are linear: the filter must know it, and if all subtables are alike, a
// neighbour.
func (s *solver) plausible(a, b uint64, w *[3]uint64, d uint64) bool {
	return (s.t.Filter == nil || s.t.Filter.Knows(a, b, w, d)) && (!s.place.Copies() || s.known(a, b, w))
}

// known reports whether a neighbour has a flow; it is asked only where cells say nothing,
// as their functions are linear.
func (s *solver) known(a, b uint64, w *[3]uint64) bool {
	if s.offered == nil {
		return true
	}
	k := flowset.Key{a, b}
	if w != nil {
		copy(k[2:], w[:])
	}
	_, ok := s.offered[k]
	return ok
}

// meet notes that flow f is r's at another table.
func (n *network) meet(s *solver, f int, r ref) {
	if int(r.table) >= len(n.s) {
		return // its packets then say nothing of those now
	}
	p := &s.peer[f]
	for x := range p {
		if p[x].table < 0 || p[x] == r {
			p[x] = r
			return
		}
	}
}

// pairs reports whether a flow is in a cell with one other, by what is left without it:
// that must be a key that belongs there. It does where there is no filter.
func (s *solver) pairs(a, b uint64, w *[3]uint64, check uint32, at []uint32) bool {
	for _, n := range at {
		c := &s.cells[n]
		if c.Flows != 2 {
			continue
		}
		oa, ob, oc := c.A^a, c.B^b, c.Check^check
		var ow *[3]uint64
		var d uint64
		if w != nil {
			rest := s.wide[n]
			xorWide(&rest, w)
			ow = &rest
			d = hash.WideDigest(oa, ob, ow, s.t.KeyBytes)
		} else {
			d = hash.Digest(oa, ob)
		}
		var there [flowset.MaxSubtables]uint32
		if s.place.Place(oa, ob, ow, d, &there) == oc && slices.Contains(there[:s.k], n) && s.known(oa, ob, ow) {
			return true
		}
	}
	return false
}
