package worlds

import "math/rand/v2"

// flowlets: packets do not carry the epoch. What a node sends in the last moments of one, the
// next node counts in the following; flows pause.
func flowlets(rng *rand.Rand) *world {
	w := newWorld(rng)
	w.net = anyNetwork(rng)
	w.populate(20+rng.IntN(150), false)
	drops := drawDrops(rng, w.net, pick(rng, 0.05, 0.2))
	late := between(rng, 0, 0.1) // share of packets that cross an epoch's end on a link
	for _, f := range w.flows {
		for from := uint64(1 + rng.IntN(3)); from <= 8; from += 2 + uint64(rng.IntN(2)) {
			to := min(from+uint64(rng.IntN(3)), 8)
			// n packets by epoch as the first node counts them
			by := map[uint64]uint64{}
			for e := from; e <= to; e++ {
				by[e] = size(rng)
			}
			path := w.paths[f]
			for i, at := range path {
				for e, n := range by {
					w.count(at, "", e, f, n)
				}
				if i+1 == len(path) {
					break
				}
				l, next := link{at, path[i+1]}, map[uint64]uint64{}
				for e := from; e <= 20; e++ {
					n := by[e]
					if n == 0 {
						continue
					}
					d := min(n, drops(f, l, n))
					w.lose(0, l, f, d)
					n -= d
					later := thin(rng, n, late)
					next[e] += n - later
					next[e+1] += later
				}
				by = next
			}
			from = to
			for e, n := range by {
				if n > 0 {
					from = max(from, e)
				}
			}
		}
	}
	w.encodeAll(documentedSchemes(rng, 3, 2), 3, 0.5, 0, 0)
	w.links, w.losses = true, true
	w.args = []string{"--flowlets"}
	w.summed = true
	return w
}
