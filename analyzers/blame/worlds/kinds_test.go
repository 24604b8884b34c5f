package worlds

import (
	"math"
	"math/rand/v2"
)

// world is a network for the time of one epoch, and what is told of it.
type world struct {
	kind         string
	seed         uint64
	rng          *rand.Rand
	net          *network
	noise        []float64 // loss rate of every link when healthy
	noiseMost    float64
	noisePerFlow bool // drawn anew for every flow and link, as 007's simulation does
	run          float64
	load         []int // packets that set out to cross each link
	took         []int // packets that faults took there
	faults       []fault
	flows        []flow
	style        style
}

// floor is what the likelihood must reach over the worlds of a kind.
type floor struct{ precision, recall, flows float64 }

// kind makes worlds of a kind: draw changes an empty one.
type kind struct {
	name  string
	floor floor
	draw  func(w *world)
}

// large kinds are made a quarter as often.
var large = map[string]bool{"007": true, "flock": true, "flock, skewed": true, "flock, device": true}

// newWorld makes the world of a kind and number.
func newWorld(k kind, seed uint64) *world {
	w := &world{kind: k.name, seed: seed, rng: rand.New(rand.NewPCG(seed, hash(k.name)))}
	k.draw(w)
	w.happen()
	w.tell()
	return w
}

func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range []byte(s) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

// any draws a network, its noise, and flows.
func (w *world) any() *world { return w.on(newNetwork(w.rng), int(between(w.rng, 500, 20000))) }

// on settles everything but faults, on a given network.
func (w *world) on(n *network, flows int) *world {
	w.net = n
	n.baptize(w.rng.IntN(6))
	w.quiet(pick(w.rng, 0, 1e-7, 1e-6, 1e-5))
	w.style.shuffled = w.rng.IntN(2) == 0
	w.send(flows, newPairs(n, w.rng), newSizes(w.rng))
	return w
}

// quiet draws the noise of all links.
func (w *world) quiet(most float64) {
	w.noiseMost = most
	w.noise = make([]float64, len(w.net.links))
	for i := range w.noise {
		w.noise[i] = most * w.rng.Float64()
	}
}

// uneven draws the noise of all links, each some times as much or as little as the usual one.
func (w *world) uneven(usual, spread float64) {
	w.noiseMost = 0
	for i := range w.noise {
		w.noise[i] = usual * math.Exp(spread*w.rng.NormFloat64())
		w.noiseMost = max(w.noiseMost, w.noise[i])
	}
}

// broken has a few links at fault.
func (w *world) broken() {
	w.breakLinks("link", 4, max(1e-4, 20*w.noiseMost), 0.3, nil)
}

// Floors are what the first two worlds and the first sixteen reach, less some. What keeps
// the lower ones down is known:
//
//	noisy, uneven    a link that loses more than ten times what healthy ones do in the mean is
//	                 called bad, though it may only be the noisiest
//	prefix           a fault that takes all packets of some flows and none of others fits no
//	                 rate: links behind it are blamed beside it, or in its place
//	alternatives     losses of big flows count as if each packet might have taken another path
//	rehashed         paths that are not true contradict the true ones
//	device, links    noise by flow makes a fault of every link where most flows lose (10)
//	many faults      with a third of the links at fault there is no healthy rule (25), or
//	                 the four links of a fan stand for one before them (8)
//	line card        most links of a device, or all those that carry much, look like all of it
//	only losing      nobody knows how much links carried
//	device's links   a flow's loss on the way in and on the way out look alike
var kinds = []kind{
	{"healthy", floor{1, 1, 0}, func(w *world) { w.any() }},
	{"healthy, noisy", floor{1, 1, 0}, func(w *world) { w.any().quiet(between(w.rng, 1e-5, 1e-3)) }},
	{"healthy, spurious", floor{1, 1, 0}, func(w *world) {
		w.any()
		w.style.spurious = between(w.rng, 1e-4, 3e-2)
	}},
	{"healthy, uneven", floor{1, 1, 0}, func(w *world) { w.any().uneven(between(w.rng, 1e-6, 1e-4), 1.2*w.rng.Float64()) }},
	{"links", floor{0.9, 0.9, 0.9}, func(w *world) { w.any().broken() }},
	{"faint", floor{0.9, 0.9, 0.85}, func(w *world) {
		w.any()
		w.breakLinks("link", 5, max(1e-5, 10*w.noiseMost), max(1e-3, 30*w.noiseMost), nil)
	}},
	{"dead", floor{0.9, 0.9, 0.9}, func(w *world) { // nearly everything is lost
		w.any().breakLinks("link", 2, 0.3, 1, nil)
		for i := range w.faults {
			if w.rng.IntN(2) == 0 {
				w.faults[i].rate = 1
			}
		}
	}},
	{"many faults", floor{0.85, 0.85, 0.85}, func(w *world) { w.any().breakLinks("link", 20, max(1e-4, 20*w.noiseMost), 0.1, nil) }},
	{"noisy", floor{0.9, 0.9, 0.85}, func(w *world) {
		w.any().quiet(between(w.rng, 1e-5, 1e-3))
		w.breakLinks("link", 4, 15*w.noiseMost, 0.5, nil)
	}},
	{"uneven", floor{0.9, 0.9, 0.85}, func(w *world) {
		w.any().uneven(between(w.rng, 1e-6, 1e-4), 1.2*w.rng.Float64())
		w.breakLinks("link", 4, 3*w.noiseMost, max(0.3, 10*w.noiseMost), nil)
	}},
	{"bursts", floor{0.8, 0.85, 0.85}, func(w *world) {
		w.run = 2 + w.rng.Float64()*20
		w.style.bursts = w.rng.IntN(2) == 0
		w.any().broken()
	}},
	{"congestion", floor{0.9, 0.9, 0.85}, func(w *world) { w.any().congest(1+w.rng.IntN(5), 1e-3, 5e-2) }},
	{"congestion, link", floor{0.9, 0.9, 0.9}, func(w *world) {
		w.any().congest(1+w.rng.IntN(3), 1e-3, 5e-2)
		w.broken()
	}},
	{"hash bucket", floor{0.9, 0.9, 0.85}, func(w *world) { // some flows only, by their hash
		w.any().broken()
		share := pick[uint64](w.rng, 2, 4, 16)
		for i := range w.faults {
			w.faults[i].rate = max(w.faults[i].rate, 0.01)
			w.faults[i].hits = func(f *flow) bool { return f.hash%share == uint64(i)%share }
		}
	}},
	{"prefix", floor{0.65, 0.8, 0.55}, func(w *world) { // some destinations only, of which it loses all
		w.any().breakLinks("prefix", 1, 1, 1, nil)
		for i := range w.faults {
			w.faults[i].hits = func(f *flow) bool { return f.dst%4 == w.flows[0].dst%4 }
		}
	}},
	{"device", floor{0.9, 0.85, 0.9}, func(w *world) { w.any().breakDevice(true, max(1e-3, 20*w.noiseMost), 0.3) }},
	{"device's links", floor{0.9, 0.9, 0.5}, func(w *world) { w.any().breakDevice(false, max(1e-3, 20*w.noiseMost), 0.3) }},
	{"device, links", floor{0.75, 0.9, 0.7}, func(w *world) {
		w.any().breakDevice(true, max(1e-3, 20*w.noiseMost), 0.3)
		w.broken()
	}},
	{"line card", floor{0.85, 0.85, 0.7}, func(w *world) { w.any().breakCard(max(1e-3, 20*w.noiseMost), 0.3) }},
	{"cable", floor{0.9, 0.9, 0.9}, func(w *world) {
		w.any()
		for range 1 + w.rng.IntN(2) {
			if l, ok := w.loaded(func(l int) bool { return w.load[l^1] > 0 }); ok {
				rate := between(w.rng, max(1e-3, 20*w.noiseMost), 0.3)
				w.link("cable", l, rate)
				w.link("cable", l^1, rate)
			}
		}
	}},
	{"host's link", floor{0.9, 0.9, 0.9}, func(w *world) {
		w.on(clos(2+w.rng.IntN(2), 3+w.rng.IntN(4), 2+w.rng.IntN(3), 4, 1, 4+w.rng.IntN(8)), int(between(w.rng, 2000, 20000)))
		w.breakLinks("host", 3, max(1e-3, 20*w.noiseMost), 1, func(l int) bool { return !w.between(l) })
	}},
	{"one packet", floor{0.9, 0.9, 0.9}, func(w *world) { // a flow each
		w.on(newNetwork(w.rng), 0)
		w.send(int(between(w.rng, 500, 20000)), newPairs(w.net, w.rng), upTo(1))
		w.breakLinks("link", 3, 0.03, 1, nil)
	}},
	{"flags", floor{0.9, 0.9, 0.9}, func(w *world) { // lost says whether, not how many
		w.any().broken()
		w.style.flags = true
	}},
	{"few flows", floor{0.9, 0.9, 0.9}, func(w *world) {
		w.on(newNetwork(w.rng), 20+w.rng.IntN(200))
		w.breakLinks("link", 1, 0.02, 1, nil)
	}},
	{"elephants", floor{0.9, 0.9, 0.9}, func(w *world) {
		w.on(newNetwork(w.rng), 0)
		w.send(int(between(w.rng, 200, 5000)), newPairs(w.net, w.rng), elephants)
		w.broken()
	}},
	{"incast", floor{0.9, 0.9, 0.8}, func(w *world) {
		w.on(newNetwork(w.rng), 0)
		w.send(int(between(w.rng, 500, 20000)), toOne(w.net, w.rng, 1), newSizes(w.rng))
		w.broken()
	}},
	{"retransmissions", floor{0.9, 0.9, 0.9}, func(w *world) {
		w.any().broken()
		w.style.over = 0.1 + 2*w.rng.Float64()
	}},
	{"spurious", floor{0.9, 0.9, 0.9}, func(w *world) {
		w.any().broken()
		w.style.spurious = between(w.rng, 1e-4, 3e-2)
	}},
	{"only losing", floor{0.9, 0.8, 0.9}, func(w *world) {
		w.any().broken()
		w.style.losing = true
	}},
	{"sampled", floor{0.9, 0.9, 0.9}, func(w *world) {
		w.any().broken()
		w.style.sampled = 0.05 + 0.5*w.rng.Float64()
	}},
	{"good sampled", floor{0.9, 0.9, 0.9}, func(w *world) { // flows with losses all, of the others some
		w.any().broken()
		w.style.good = 0.02 + 0.3*w.rng.Float64()
	}},
	{"rehashed", floor{0.65, 0.9, 0.45}, func(w *world) {
		w.any().broken()
		w.style.rehashed = 0.02 + 0.2*w.rng.Float64()
	}},
	{"pathless", floor{0.9, 0.85, 0.9}, func(w *world) {
		w.any().broken()
		w.style.pathless = 0.1 + 0.8*w.rng.Float64()
	}},
	{"alternatives", floor{0.65, 0.85, 0.9}, func(w *world) {
		w.any().broken()
		w.style.alts = 0.1 + 0.9*w.rng.Float64()
	}},
	{"gaps", floor{0.85, 0.85, 0.9}, func(w *world) {
		w.any()
		w.net.baptize(0)
		w.broken()
		w.style.gaps = 0.05 + 0.3*w.rng.Float64()
	}},
	{"messy file", floor{0.9, 0.9, 0.85}, func(w *world) {
		w.any().broken()
		w.style.messy, w.style.again, w.style.idle, w.style.spurious = true, 0.05, 0.1, 1e-4
	}},
	{"007", floor{0.9, 0.9, 0.9}, func(w *world) { // as in the released simulator, at its size
		w.net = clos(2, 20, 8, 10, 1, 40)
		w.net.baptize(0)
		w.quiet(1e-6)
		w.noisePerFlow = true
		w.send(96000, hot(w.net, w.rng, pick(w.rng, 0, 0.2, 0.5, 0.8)), upTo(100))
		switches := map[int]bool{}
		for n := 1 + w.rng.IntN(10); len(w.faults) < n; {
			l, ok := w.loaded(func(l int) bool { return w.between(l) })
			if from := w.net.links[l].from; ok && (!switches[from] || w.rng.IntN(10) == 0) {
				switches[from] = true
				w.link("link", l, 1e-4+(1e-2-1e-4)*w.rng.Float64())
			}
		}
	}},
	{"flock", floor{0.85, 0.9, 0.9}, func(w *world) { w.flock(uniform) }},
	{"flock, skewed", floor{0.9, 0.9, 0.85}, func(w *world) {
		w.flock(func(n *network) pairs { return busy(n, w.rng, 0.05, 0.35+0.35*w.rng.Float64()) })
	}},
	{"flock, device", floor{0.9, 0.9, 0.4}, func(w *world) {
		w.flock(uniform)
		w.faults = w.faults[:0]
		w.breakDevice(false, 2e-3, 2e-2)
	}},
}

// flock has the settings of Flock's simulator: Pareto flows, healthy links that lose up to
// 1e-4 and others that lose 2e-3 to 2e-2.
func (w *world) flock(who func(n *network) pairs) {
	w.net = fatTree(8, 4)
	w.net.baptize(0)
	w.quiet(1e-4)
	w.send(20000, who(w.net), pareto)
	for range 1 + w.rng.IntN(8) {
		if l, ok := w.loaded(w.between); ok {
			w.link("link", l, 2e-3+1.8e-2*w.rng.Float64())
		}
	}
}
