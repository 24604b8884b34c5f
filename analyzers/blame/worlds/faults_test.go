package worlds

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// fault is what loses more packets than others do.
type fault struct {
	kind   string
	links  []int            // which are at fault; of a device, all of its
	rate   float64          // share of packets lost
	device int              // the packets are lost inside this node, once per visit; -1 = on the links
	hits   func(*flow) bool // which flows; nil = all
	run    float64          // mean packets lost one after another; 0 = each by itself
}

// binomial draws how many of n things happen that each have probability p.
func binomial(rng *rand.Rand, n int, p float64) int {
	switch {
	case n <= 0 || p <= 0:
		return 0
	case p >= 1:
		return n
	case p > 0.5:
		return n - binomial(rng, n, 1-p)
	case float64(n)*p > 1000:
		x := float64(n)*p + rng.NormFloat64()*math.Sqrt(float64(n)*p*(1-p))
		return min(n, max(0, int(math.Round(x))))
	}
	k := 0
	for i := 0; ; k++ { // from one that happens to the next
		i += 1 + int(min(float64(n), math.Log(1-rng.Float64())/math.Log1p(-p)))
		if i > n {
			return k
		}
	}
}

// lose draws how many of n packets are lost, and in how many runs.
func lose(rng *rand.Rand, n int, rate, run float64) (lost, runs int) {
	if run <= 1 {
		k := binomial(rng, n, rate)
		return k, k
	}
	for range binomial(rng, n, rate/run) {
		length := 1 + int(math.Log(1-rng.Float64())/math.Log1p(-1/run))
		if lost < n {
			lost, runs = min(n, lost+length), runs+1
		}
	}
	return lost, runs
}

// link makes a link lose packets.
func (w *world) link(kind string, l int, rate float64) *fault {
	w.faults = append(w.faults, fault{kind: kind, links: []int{l}, rate: rate, device: -1, run: w.run})
	return &w.faults[len(w.faults)-1]
}

// loaded draws a link that is not at fault yet, carries packets, and suits.
func (w *world) loaded(suits func(l int) bool) (int, bool) {
	for range 1000 {
		l := w.rng.IntN(len(w.load))
		if w.load[l] > 0 && (suits == nil || suits(l)) && !slices.ContainsFunc(w.faults, func(f fault) bool { return slices.Contains(f.links, l) }) {
			return l, true
		}
	}
	return 0, false
}

// breakLinks makes up to most links lose packets at rates between two.
func (w *world) breakLinks(kind string, most int, lo, hi float64, suits func(l int) bool) {
	for range 1 + w.rng.IntN(most) {
		if l, ok := w.loaded(suits); ok {
			w.link(kind, l, between(w.rng, lo, hi))
		}
	}
}

func (w *world) between(l int) bool {
	return !w.net.nodes[w.net.links[l].from].host && !w.net.nodes[w.net.links[l].to].host
}

// breakDevice makes a switch lose packets inside, or on all of its links by itself.
func (w *world) breakDevice(inside bool, lo, hi float64) {
	l, ok := w.loaded(w.between)
	if !ok {
		return
	}
	at := w.net.links[l].from
	f := fault{kind: "device", rate: between(w.rng, lo, hi), device: -1, run: w.run}
	if inside {
		f.device = at
	}
	for _, l := range w.net.out[at] {
		f.links = append(f.links, l, l^1)
	}
	w.faults = append(w.faults, f)
}

// breakCard makes some ports of a switch lose packets, both ways.
func (w *world) breakCard(lo, hi float64) {
	l, ok := w.loaded(w.between)
	if !ok {
		return
	}
	ports := slices.Clone(w.net.out[w.net.links[l].from])
	w.rng.Shuffle(len(ports), func(i, j int) { ports[i], ports[j] = ports[j], ports[i] })
	rate := between(w.rng, lo, hi)
	for _, p := range ports[:min(len(ports), 2+w.rng.IntN(3))] {
		w.link("card", p, rate)
		w.link("card", p^1, rate)
	}
}

// congest makes the links that carry most lose packets, in runs.
func (w *world) congest(links int, lo, hi float64) {
	order := make([]int, len(w.load))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return w.load[b] - w.load[a] })
	for _, l := range order[:min(links, len(order))] {
		if w.load[l] > 0 {
			w.link("congestion", l, between(w.rng, lo, hi)).run = 5
		}
	}
}

// happen lets all packets be lost that are.
func (w *world) happen() {
	on, in := make([][]*fault, len(w.net.links)), map[int][]*fault{}
	w.took = make([]int, len(w.net.links))
	for i := range w.faults {
		f := &w.faults[i]
		if f.device >= 0 {
			in[f.device] = append(in[f.device], f)
			continue
		}
		for _, l := range f.links {
			on[l] = append(on[l], f)
		}
	}
	noise := func(l int) float64 {
		if w.noisePerFlow {
			return w.noiseMost * w.rng.Float64()
		}
		return w.noise[l]
	}
	for i := range w.flows {
		f := &w.flows[i]
		left, all := f.packets, 0
		take := func(l, device int, rate, run float64, faulty bool) {
			lost, runs := lose(w.rng, left, rate, run)
			left, f.lost, f.bursts = left-lost, f.lost+lost, f.bursts+runs
			if faulty {
				all += lost
				w.took[l] += lost
				if lost > f.most {
					f.most, f.culprit, f.device = lost, l, device
				}
			}
		}
		for h, l := range f.path {
			if h > 0 {
				for _, x := range in[w.net.links[l].from] {
					if x.hits == nil || x.hits(f) {
						take(l, x.device, x.rate, x.run, true)
					}
				}
			}
			take(l, -1, noise(l), 0, false)
			for _, x := range on[l] {
				if x.hits == nil || x.hits(f) {
					take(l, -1, x.rate, x.run, true)
				}
			}
		}
		f.second = all - f.most
	}
}

func (f *fault) describe(n *network) string {
	where := n.links[f.links[0]].name
	if f.kind == "device" {
		where = n.nodes[n.links[f.links[0]].from].name
	}
	return fmt.Sprintf("%s at %s (%.2g)", f.kind, where, f.rate)
}
