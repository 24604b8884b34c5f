package worlds

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// corrupt are tables that were damaged on their way, or by the switch.
func corrupt(rng *rand.Rand) *world {
	w := newWorld(rng)
	w.net = pick(rng, chain(1), chain(3), leafSpine(3, 2), fatTree())
	w.populate(30+rng.IntN(500), false)
	w.sendAll(1, 2)
	k, length := 2+rng.IntN(3), pick(rng, 0, 1, 2, 4)
	filterBits, filterHashes := 0, 0
	if rng.IntN(3) == 0 {
		filterBits, filterHashes = 40, 4
	}
	w.encodeAll(documentedSchemes(rng, k, length), k, easy[k]*between(rng, 0.3, 1.3), filterBits, filterHashes)
	w.uncertain, w.refusable = "damaged", true
	t := pick(rng, w.tables...)
	full := func() *cell { // a cell with something in it
		for {
			if c := &t.at[rng.IntN(len(t.at))]; c.flows > 0 {
				return c
			}
		}
	}
	switch what := rng.IntN(8); what {
	case 0:
		w.kind = "bits of keys flipped"
		for range 1 + rng.IntN(4) {
			c := full()
			c.xor = slices.Clone(c.xor)
			c.xor[rng.IntN(len(c.xor))] ^= 1 << rng.IntN(8)
		}
	case 1:
		w.kind = "packets wrong"
		for range 1 + rng.IntN(4) {
			full().packets ^= 1 << rng.IntN(6)
		}
	case 2:
		w.kind = "flows wrong"
		for range 1 + rng.IntN(4) {
			full().flows ^= 1 << rng.IntN(2)
		}
	case 3:
		w.kind = "cells lost"
		for range 1 + rng.IntN(8) {
			*full() = cell{}
		}
	case 4:
		w.kind = "table cut short"
		t.at = t.at[:len(t.at)-1-rng.IntN(len(t.at)/2)]
	case 5:
		bits := pick(rng, 4, 8)
		w.kind = fmt.Sprintf("packets stop at %d bits", bits)
		for _, t := range w.tables {
			for i := range t.at {
				t.at[i].packets = min(t.at[i].packets, 1<<bits-1)
			}
		}
	case 6:
		w.kind = "packets wrap at 8 bits"
		for _, t := range w.tables {
			for i := range t.at {
				t.at[i].packets &= 255
			}
		}
	case 7:
		w.kind = "half of the cells read an epoch later"
		for _, u := range w.tables {
			if u.node == t.node && u.epoch != t.epoch {
				for i := rng.IntN(len(t.at)); i < len(t.at); i++ {
					t.at[i] = u.at[i]
				}
			}
		}
	}
	w.kind += fmt.Sprintf(", checks of %d", length)
	return w
}
