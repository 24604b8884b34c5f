package worlds

import (
	"math"
	"math/rand/v2"
)

func pick[T any](rng *rand.Rand, of ...T) T { return of[rng.IntN(len(of))] }

// between is log-uniform.
func between(rng *rand.Rand, lo, hi float64) float64 {
	return math.Exp(math.Log(lo) + rng.Float64()*math.Log(hi/lo))
}

// pairs draws sender and receiver of a flow, as indices of network.ends.
type pairs func(rng *rand.Rand) (src, dst int)

func uniform(n *network) pairs {
	return func(rng *rand.Rand) (int, int) { return rng.IntN(len(n.ends)), rng.IntN(len(n.ends)) }
}

// behind lists the ends behind one switch.
func behind(n *network, edge int) (ends []int) {
	for i, e := range n.edge {
		if e == edge {
			ends = append(ends, i)
		}
	}
	return ends
}

// hot sends a share of all flows to one rack, as 007's simulation does.
func hot(n *network, rng *rand.Rand, share float64) pairs {
	rack := behind(n, pick(rng, n.edge...))
	return func(rng *rand.Rand) (int, int) {
		if rng.Float64() < share {
			return rng.IntN(len(n.ends)), pick(rng, rack...)
		}
		return rng.IntN(len(n.ends)), rng.IntN(len(n.ends))
	}
}

// busy has a few racks among which a share of both senders and receivers is, as Flock's
// simulation does.
func busy(n *network, rng *rand.Rand, racks, share float64) pairs {
	var in []int
	for len(in) == 0 || rng.Float64() < racks*float64(len(n.ends))/float64(len(in))-1 {
		in = append(in, behind(n, pick(rng, n.edge...))...)
	}
	one := func(rng *rand.Rand) int {
		if rng.Float64() < share {
			return pick(rng, in...)
		}
		return rng.IntN(len(n.ends))
	}
	return func(rng *rand.Rand) (int, int) { return one(rng), one(rng) }
}

// toOne has most flows end at one place.
func toOne(n *network, rng *rand.Rand, share float64) pairs {
	sink := rng.IntN(len(n.ends))
	return func(rng *rand.Rand) (int, int) {
		if rng.Float64() < share {
			return rng.IntN(len(n.ends)), sink
		}
		return rng.IntN(len(n.ends)), rng.IntN(len(n.ends))
	}
}

// gravity has places of all sizes.
func gravity(n *network, rng *rand.Rand) pairs {
	sums := make([]float64, len(n.ends))
	total := 0.0
	for i := range sums {
		total += between(rng, 1, 50)
		sums[i] = total
	}
	one := func(rng *rand.Rand) int {
		x := rng.Float64() * total
		for i, s := range sums {
			if x < s {
				return i
			}
		}
		return len(sums) - 1
	}
	return func(rng *rand.Rand) (int, int) { return one(rng), one(rng) }
}

func newPairs(n *network, rng *rand.Rand) pairs {
	switch rng.IntN(8) {
	case 0:
		return hot(n, rng, 0.2+0.6*rng.Float64())
	case 1:
		return busy(n, rng, 0.05, 0.5)
	case 2:
		return toOne(n, rng, 0.5+0.5*rng.Float64())
	case 3:
		return gravity(n, rng)
	default:
		return uniform(n)
	}
}

// sizes draws how many packets a flow has.
type sizes func(rng *rand.Rand) int

func upTo(most int) sizes { return func(rng *rand.Rand) int { return 1 + rng.IntN(most) } }

// pareto is Flock's: 200 KB of 1,460 bytes a packet in the mean before the cap of 100 MB,
// shape 1.05.
func pareto(rng *rand.Rand) int {
	const mean, shape, most = 200 * 1024.0, 1.05, 100 << 20
	for {
		if x := mean * (shape - 1) / shape * math.Pow(1-rng.Float64(), -1/shape); x <= most {
			return max(1, int(math.Ceil(x/1460)))
		}
	}
}

// elephants are one flow in a hundred, with most of the packets.
func elephants(rng *rand.Rand) int {
	if rng.IntN(100) == 0 {
		return int(between(rng, 1e4, 1e6))
	}
	return int(between(rng, 1, 100))
}

func newSizes(rng *rand.Rand) sizes {
	return pick(rng, upTo(100), upTo(100), pareto, elephants, func(*rand.Rand) int { return 1 }, func(rng *rand.Rand) int { return int(between(rng, 100, 1e5)) })
}

// flow is what was, and what is told of it.
type flow struct {
	src, dst int // of network.ends
	hash     uint64
	path     []int // links it took
	packets  int
	lost     int // packets lost in fact
	bursts   int // in how many runs
	culprit  int // link at which faults took most of them, -1 = none
	device   int // the device inside which that was, -1 = none
	second   int // packets that faults took elsewhere
	most     int // packets that faults took there

	told  []int   // path as told; nil = no path
	alts  [][]int // or one of these
	wrong bool    // told is not path
	count int     // losses as told
}

// send draws the flows of a world.
func (w *world) send(flows int, who pairs, size sizes) {
	load := make([]int, len(w.net.links))
	for tries := 0; len(w.flows) < flows && tries < 20*flows; tries++ {
		s, d := who(w.rng)
		if w.net.ends[s] == w.net.ends[d] {
			continue
		}
		f := flow{src: s, dst: d, hash: w.rng.Uint64(), packets: size(w.rng), culprit: -1, device: -1}
		f.path = w.net.path(w.rng, w.net.ends[s], w.net.ends[d])
		for _, l := range f.path {
			load[l] += f.packets
		}
		w.flows = append(w.flows, f)
	}
	w.load = load
}
