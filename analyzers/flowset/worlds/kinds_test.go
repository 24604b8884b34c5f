package worlds

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

func anyNetwork(rng *rand.Rand) *network {
	switch rng.IntN(3) {
	case 0:
		return fatTree()
	case 1:
		return leafSpine(2+rng.IntN(4), 1+rng.IntN(3))
	}
	return chain(2 + rng.IntN(5))
}

// documentedSchemes are those of docs/datasets.md, with another seed for every node.
func documentedSchemes(rng *rand.Rand, k, checkBytes int) func(int) *scheme {
	name := pick(rng, documentedNames...)
	base := uint64(rng.IntN(1000))
	return func(node int) *scheme { return contract(name, base+uint64(node), k, checkBytes) }
}

// easy are loads, flows per cell, below which a table by itself decodes for sure if it is not small.
var easy = map[int]float64{1: 0.02, 2: 0.25, 3: 0.65, 4: 0.6, 5: 0.55}

// strict follows the contract to the letter.
func strict(rng *rand.Rand) *world {
	w := newWorld(rng)
	w.net = anyNetwork(rng)
	w.populate(10+rng.IntN(600), false)
	w.sendAll(7, 8)
	k := 2 + rng.IntN(4)
	w.encodeAll(documentedSchemes(rng, k, pick(rng, 1, 2, 4, 8)), k, easy[k]*between(rng, 0.3, 1), 0, 0)
	return w
}

// cliff is loaded past what a table by itself can give; neighbours have the same flows.
func cliff(rng *rand.Rand) *world {
	w := newWorld(rng)
	w.net = anyNetwork(rng)
	w.populate(200+rng.IntN(2000), rng.IntN(5) == 0)
	w.sendAll(3)
	k := 3 + rng.IntN(2)
	bits, hashes := 0, 0
	if rng.IntN(2) == 0 {
		bits, hashes = pick(rng, 12, 20, 38), pick(rng, 2, 7, 20)
	}
	w.encodeAll(documentedSchemes(rng, k, pick(rng, 0, 2, 4)), k, between(rng, 0.75, 1.1), bits, hashes)
	if rng.IntN(2) == 0 {
		w.tellNeighbours()
	}
	w.links = rng.IntN(2) == 0
	w.hideFlows()
	return w
}

// hideFlows: where a filter kept flows out of the cells, the table's own sums say less than is true.
func (w *world) hideFlows() {
	for _, t := range w.tables {
		if t.hidden > 0 {
			w.uncertain = "the filter hid flows"
		}
	}
}

// lossy: packets carry the epoch; links lose single packets, bursts, all of some flows, all.
func lossy(rng *rand.Rand) *world {
	w := newWorld(rng)
	w.net = anyNetwork(rng)
	w.populate(20+rng.IntN(400), rng.IntN(5) == 0)
	w.drop = drawDrops(rng, w.net, pick(rng, 0.02, 0.1, 0.3))
	w.sendAll(7, 8)
	k := 3
	w.encodeAll(documentedSchemes(rng, k, 2), k, 0.5, 0, 0)
	w.links = true
	w.losses = true
	return w
}

// drawDrops draws which links lose what.
func drawDrops(rng *rand.Rand, net *network, share float64) func(flow, link, uint64) uint64 {
	drops := map[link]func(flow, uint64) uint64{}
	for a, next := range net.next {
		for _, b := range next {
			if rng.Float64() > share {
				continue
			}
			switch rng.IntN(4) {
			case 0: // silent random loss
				p := pick(rng, 0.001, 0.01, 0.1)
				drops[link{a, b}] = func(_ flow, n uint64) uint64 { return thin(rng, n, p) }
			case 1: // one packet, once
				done := false
				drops[link{a, b}] = func(flow, uint64) uint64 {
					if done || rng.IntN(10) > 0 {
						return 0
					}
					done = true
					return 1
				}
			case 2: // bursts
				drops[link{a, b}] = func(_ flow, n uint64) uint64 {
					if rng.IntN(20) > 0 {
						return 0
					}
					return 1 + rng.Uint64N(n)
				}
			case 3: // all of some flows
				mod := uint16(2 + rng.IntN(10))
				drops[link{a, b}] = func(f flow, n uint64) uint64 {
					if f.sport%mod == 0 {
						return n
					}
					return 0
				}
			}
		}
	}
	return func(f flow, l link, n uint64) uint64 {
		if d := drops[l]; d != nil {
			return d(f, n)
		}
		return 0
	}
}

// unlinked is lossy without a word about links.
func unlinked(rng *rand.Rand) *world {
	w := lossy(rng)
	w.links = false
	return w
}

// queues lose between a node's ingress and egress counts, links behind them too.
func queues(rng *rand.Rand) *world {
	w := newWorld(rng)
	w.net = anyNetwork(rng)
	w.staged = true
	w.populate(20+rng.IntN(200), false)
	wire := drawDrops(rng, w.net, 0.1)
	full := map[int]float64{}
	for i := range w.net.nodes {
		if rng.IntN(4) == 0 {
			full[i] = pick(rng, 0.01, 0.2)
		}
	}
	w.drop = func(f flow, l link, n uint64) uint64 {
		if l.from == l.to {
			return thin(rng, n, full[l.from])
		}
		return wire(f, l, n)
	}
	w.sendAll(1, 2)
	w.encodeAll(documentedSchemes(rng, 3, 2), 3, 0.5, 0, 0)
	w.links = true
	w.losses = true
	return w
}

// anomalous: loops, black holes, flows sent another way.
func anomalous(rng *rand.Rand) *world { return odd(rng, rng.IntN(3)) }

// doubled: a link doubles packets.
func doubled(rng *rand.Rand) *world { return odd(rng, 3) }

func odd(rng *rand.Rand, kind int) *world {
	w := newWorld(rng)
	w.net = pick(rng, fatTree(), leafSpine(4, 2), chain(5))
	w.populate(40+rng.IntN(200), false)
	hole := link{-1, -1}
	for e := uint64(1); e <= 3; e++ {
		for _, f := range w.flows {
			n := 3 + size(rng)
			path := w.paths[f]
			if e != 2 || len(path) < 4 && kind == 0 || len(path) < 3 || rng.IntN(8) > 0 {
				if e == 2 && kind == 1 && hole.from >= 0 {
					w.drop = func(_ flow, l link, n uint64) uint64 {
						if l == hole {
							return n
						}
						return 0
					}
				}
				got := w.send(f, path, e, n)
				w.drop = nil
				if got == 0 {
					w.holes[f] = hole
				}
				continue
			}
			i := rng.IntN(len(path) - 2)
			if kind == 0 {
				i = 1 + rng.IntN(len(path)-3) // a loop at the first node looks like more packets from the host
			}
			switch kind {
			case 0: // goes round between two nodes, then on or until the time to live is out
				a, b := path[i], path[i+1]
				for j := 0; j <= i+1; j++ {
					w.count(path[j], "", e, f, n)
				}
				for range 1 + rng.IntN(5) {
					w.count(a, "", e, f, n)
					w.count(b, "", e, f, n)
				}
				for j := i + 2; j < len(path); j++ {
					w.count(path[j], "", e, f, n)
				}
				w.loops[f] = link{a, b}
			case 1: // a link is a black hole from here on
				if hole.from < 0 {
					hole = link{path[i], path[i+1]}
				}
				w.send(f, path, e, n)
			case 2: // another way from the middle of the epoch
				other := w.net.path(rng, path[0], path[len(path)-1])
				m := 1 + rng.Uint64N(n-1)
				w.send(f, path, e, m)
				w.send(f, other, e, n-m)
				if !slices.Equal(path, other) {
					w.reroutes[f] = link{}
				}
			case 3: // a link doubles packets
				d := rng.Uint64N(n) + 1
				for j, at := range path {
					if j == i+1 {
						n += d
					}
					w.count(at, "", e, f, n)
				}
				w.duplicates[f] = link{path[i], path[i+1]}
			}
		}
	}
	w.encodeAll(documentedSchemes(rng, 3, 2), 3, 0.5, 0, 0)
	w.links = true
	w.losses = true
	return w
}

// formats writes the contract in the ways that JSON and hex leave open.
func formats(rng *rand.Rand) *world {
	w := newWorld(rng)
	w.net = pick(rng, chain(1), chain(3), leafSpine(3, 2))
	w.populate(10+rng.IntN(200), rng.IntN(4) == 0)
	w.sendAll(0, 7, 8)
	k := 2 + rng.IntN(4)
	s := documentedSchemes(rng, k, pick(rng, 0, 1, 2, 4))
	w.encodeAll(s, k, easy[k]/2, 0, 0)
	yes := func() bool { return rng.IntN(3) == 0 }
	w.format = format{
		upper: yes(), prefix: yes(), strip: yes(), decimal: rng.IntN(6) == 0, sparse: pick(rng, "", "", "cell", "subtable"),
		pretty: yes(), gz: yes(), omitZero: yes(), files: yes(), shuffle: yes(), stringEpoch: rng.IntN(6) == 0, noCells: rng.IntN(6) == 0,
	}
	if w.format.sparse == "" {
		w.format.nested = rng.IntN(6) == 0
	}
	return w
}

// strangers name, seed and place their hash functions in other ways than documented.
func strangers(rng *rand.Rand) *world {
	w := newWorld(rng)
	w.net = pick(rng, chain(1), chain(3), leafSpine(3, 2))
	w.populate(60+rng.IntN(400), false)
	w.sendAll(1)
	k := 2 + rng.IntN(3)
	w.refusable = true
	name, s := stranger(rng, k)
	w.kind = name
	load := easy[k] * 0.8
	if s(0).whole {
		load = easy[k] * 0.7
	}
	w.encodeAll(s, k, load, 0, 0)
	return w
}

// spellings tell the seeds in many ways.
func spellings(rng *rand.Rand) *world {
	w := newWorld(rng)
	w.net = pick(rng, chain(1), chain(3), leafSpine(3, 2))
	w.populate(60+rng.IntN(400), false)
	w.sendAll(1)
	k := 2 + rng.IntN(3)
	w.refusable = true
	var s func(int) *scheme
	w.kind, s = spelled(rng, k)
	w.encodeAll(s, k, easy[k]*0.8, 0, 0)
	return w
}

// totals have all cells in "cells", or numbers with a decimal point.
func totals(rng *rand.Rand) *world {
	w := formats(rng)
	w.format.total = rng.IntN(3) > 0
	w.format.floatNumbers = !w.format.total
	w.format.noCells = false
	w.kind = fmt.Sprintf("%+v", w.format)
	return w
}

var kinds = []struct {
	name  string
	make  func(*rand.Rand) *world
	floor floor
}{
	{"strict", strict, floor{decoded: .999, counted: .999}},
	{"cliff", cliff, floor{decoded: .8, counted: .8}},
	{"lossy", lossy, floor{decoded: .98, counted: .98, partial: .95, whole: .3, anomalies: .3}},
	{"unlinked", unlinked, floor{decoded: .98, counted: .98, partial: .95}},
	{"queues", queues, floor{decoded: .99, counted: .99, partial: .98, whole: .7}},
	{"anomalous", anomalous, floor{decoded: .999, counted: .999, whole: .5, anomalies: .5}},
	{"doubled", doubled, floor{decoded: .999, counted: .999, surplus: true}},
	{"flowlets", flowlets, floor{decoded: .99, counted: .99, partial: .3, wrong: .001}},
	{"formats", formats, floor{decoded: .999, counted: .999}},
	{"totals", totals, floor{decoded: .999, counted: .999}},
	{"spellings", spellings, floor{decoded: .999, counted: .999}},
	{"strangers", strangers, floor{decoded: .7, counted: .7, behind: .3}},
	{"foreign", foreign, floor{decoded: .5, counted: .5, behind: .5}},
	{"corrupt", corrupt, floor{decoded: .9, counted: .8, wrong: .01, damaged: true}},
}
