package worlds

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// link is a directed link by the indices of its nodes; a node's own queue is a link from it to itself.
type link struct{ from, to int }

// world is a network with traffic, faults, and what its switches exported.
type world struct {
	rng    *rand.Rand
	net    *network
	flows  []flow
	paths  map[flow][]int
	counts map[place]map[flow]uint64
	lost   map[uint64]map[link]map[flow]uint64 // by epoch
	staged bool                                // nodes count at ingress and egress

	drop   func(f flow, l link, n uint64) uint64 // how many of n packets a link loses; nil: none
	tables []*table
	format format
	links  bool     // tell the links
	args   []string // of losses
	summed bool     // losses are judged by their sums over epochs; the truth has them all in epoch 0

	loops, holes, reroutes, duplicates map[flow]link
	uncertain                          string // why what is told cannot be held against the truth
	refusable                          bool   // an error is a right answer
	losses                             bool   // try the losses command, too
	kind                               string // what of its kind it is
}

func newWorld(rng *rand.Rand) *world {
	return &world{
		rng: rng, paths: map[flow][]int{}, counts: map[place]map[flow]uint64{}, lost: map[uint64]map[link]map[flow]uint64{},
		loops: map[flow]link{}, holes: map[flow]link{}, reroutes: map[flow]link{}, duplicates: map[flow]link{},
	}
}

// populate draws distinct flows.
func (w *world) populate(n int, v6 bool) {
	for len(w.flows) < n {
		f, path := w.net.draw(w.rng, v6)
		if _, ok := w.paths[f]; !ok {
			w.flows = append(w.flows, f)
			w.paths[f] = path
		}
	}
}

func (w *world) count(node int, stage string, epoch uint64, f flow, n uint64) {
	if n == 0 {
		return
	}
	p := place{w.net.nodes[node], stage, epoch}
	if w.counts[p] == nil {
		w.counts[p] = map[flow]uint64{}
	}
	w.counts[p][f] += n
}

func (w *world) lose(epoch uint64, l link, f flow, n uint64) {
	if n == 0 {
		return
	}
	if w.lost[epoch] == nil {
		w.lost[epoch] = map[link]map[flow]uint64{}
	}
	if w.lost[epoch][l] == nil {
		w.lost[epoch][l] = map[flow]uint64{}
	}
	w.lost[epoch][l][f] += n
}

// send takes n packets of a flow along a path and returns how many arrived.
func (w *world) send(f flow, path []int, epoch, n uint64) uint64 {
	for i, at := range path {
		if w.staged {
			w.count(at, "ingress", epoch, f, n)
			n -= w.dropped(epoch, link{at, at}, f, n)
			w.count(at, "egress", epoch, f, n)
		} else {
			w.count(at, "", epoch, f, n)
		}
		if i+1 < len(path) {
			n -= w.dropped(epoch, link{at, path[i+1]}, f, n)
		}
	}
	return n
}

func (w *world) dropped(epoch uint64, l link, f flow, n uint64) uint64 {
	if w.drop == nil || n == 0 {
		return 0
	}
	d := min(n, w.drop(f, l, n))
	w.lose(epoch, l, f, d)
	return d
}

// sendAll sends every flow for some epochs.
func (w *world) sendAll(epochs ...uint64) {
	for _, e := range epochs {
		for _, f := range w.flows {
			w.send(f, w.paths[f], e, size(w.rng))
		}
	}
}

// places are those with traffic, in a fixed order.
func (w *world) places() []place {
	return slices.SortedFunc(maps.Keys(w.counts), func(a, b place) int {
		switch {
		case a.epoch != b.epoch:
			return int(a.epoch) - int(b.epoch)
		case a.node != b.node:
			return slices.Index(w.net.nodes, a.node) - slices.Index(w.net.nodes, b.node)
		}
		return len(a.stage) - len(b.stage)
	})
}

// thin draws how many of n packets are hit, each with probability p.
func thin(rng *rand.Rand, n uint64, p float64) (hit uint64) {
	for range n {
		if rng.Float64() < p {
			hit++
		}
	}
	return hit
}

// encodeAll makes the tables: make gives the scheme of a node, load the flows per cell (of all
// subtables) of the fullest.
func (w *world) encodeAll(scheme func(node int) *scheme, k int, load float64, filterBits, filterHashes int) {
	most := 0
	for _, c := range w.counts {
		most = max(most, len(c))
	}
	cells := uint64(float64(most)/load/float64(k)) + 1
	w.encodeSized(scheme, k, cells, filterBits*most, filterHashes)
}

func (w *world) encodeSized(scheme func(node int) *scheme, k int, cells uint64, filterBits, filterHashes int) {
	order := slices.Clone(w.flows)
	for _, p := range w.places() {
		w.rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		s := scheme(slices.Index(w.net.nodes, p.node))
		n := cells
		if s.whole {
			n *= uint64(k)
		}
		w.tables = append(w.tables, encode(p, s, k, n, order, w.counts[p], uint64(filterBits), filterHashes))
	}
}

// tellNeighbours puts the names of each node's neighbours into its tables.
func (w *world) tellNeighbours() {
	for _, t := range w.tables {
		for _, n := range w.net.next[slices.Index(w.net.nodes, t.node)] {
			t.neighbours = append(t.neighbours, w.net.nodes[n])
		}
	}
}

// linkNames are all directed links.
func (w *world) linkNames() (names []string) {
	for a, next := range w.net.next {
		for _, b := range next {
			names = append(names, w.net.nodes[a]+">"+w.net.nodes[b])
		}
	}
	return names
}
