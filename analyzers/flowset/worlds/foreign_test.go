package worlds

import (
	"fmt"
	"math/rand/v2"
)

// foreign are the tables of other programs, as they would be written down by the contract.
func foreign(rng *rand.Rand) *world {
	w := newWorld(rng)
	w.net = pick(rng, chain(1), chain(3), leafSpine(3, 2))
	w.populate(30+rng.IntN(300), false)
	w.sendAll(1)
	w.refusable = true
	switch rng.IntN(3) {
	case 0: // FlowRadar for BMv2: MurmurHash3 with seeds 1…20, of which 1…4 for the table, too
		w.kind = "BMv2"
		f := func(n int, key []byte, m uint64) uint64 { return murmur3(uint64(n+1), key) % m }
		s := &scheme{text: pick(rng, "", "murmur3", "murmur3:seeds=1/2/3/4"), order: protoLast, cell: f, bit: f}
		bits, hashes := 0, 0
		if rng.IntN(2) == 0 {
			bits, hashes = 32768, 20
		}
		most := 0
		for _, c := range w.counts {
			most = max(most, len(c))
		}
		cells := uint64(4)
		for cells*4 < uint64(most)*3/2 {
			cells *= 2
		}
		w.encodeSized(func(int) *scheme { return s }, 4, cells, bits, hashes)
		for _, t := range w.tables {
			if t.hidden > 0 {
				w.uncertain = "the filter hid flows"
			}
		}
	case 1: // OmniSketch: polynomials in 64 bits over one table of a prime length
		w.kind = "OmniSketch"
		a := make([][3]uint64, 8)
		for i := range a {
			a[i] = [3]uint64{rng.Uint64(), rng.Uint64(), rng.Uint64()}
		}
		s := &scheme{text: "AwareHash", order: protoLast, whole: true}
		s.cell = func(n int, key []byte, m uint64) uint64 {
			h := a[n][0]
			for _, b := range key {
				h = h*a[n][1] + uint64(int64(int8(b)))
			}
			return (h ^ a[n][2]) % m
		}
		w.encodeSized(func(int) *scheme { return s }, 3, 499/3, 0, 0)
		for _, t := range w.tables {
			t.cells = uint64(len(t.at))
		}
	case 2: // eBPF FlowRadar: a hash of 16 bits of host, number and the struct in memory, over one table
		w.kind = "eBPF"
		w.encodeSized(func(node int) *scheme {
			s := &scheme{text: "rs16", order: protoLast, whole: true}
			s.cell = func(n int, key []byte, m uint64) uint64 {
				h, x := uint32(n), uint32(63689)
				for _, b := range append([]byte{byte(node), 0}, key...) {
					h = h*x + uint32(int32(int8(b)))
					x *= 378551
				}
				return uint64(uint16(h)^uint16(h>>16)) % m
			}
			return s
		}, 6, 200, 0, 0)
	}
	w.kind = fmt.Sprint(w.kind)
	return w
}
