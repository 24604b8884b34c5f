package engine

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/telltale-net/telltale/bmv2/hash"
	"github.com/telltale-net/telltale/bmv2/spec"
)

// A header patched where it stands is what would be written anew, and what is behind
// it stays; its sum is that of the fields.
func TestPatches(t *testing.T) {
	for round := range 3000 {
		rnd := rand.New(rand.NewPCG(11, uint64(round)))
		ht := spec.HeaderType{Name: "h", VarBit: -1}
		bits := 0
		for range 1 + rnd.IntN(8) {
			w := 1 + rnd.IntN([]int{8, 16, 64, 130}[rnd.IntN(4)])
			ht.Fields, bits = append(ht.Fields, spec.Field{Width: w}), bits+w
		}
		ht.Fields = append(ht.Fields, spec.Field{Width: 8 - bits%8})
		w := newWire(&ht)
		data := make([]byte, w.bytes+slack)
		for i := range data {
			data[i] = byte(rnd.Uint32())
		}
		fields := make([]uint64, 64)
		w.extract(fields, data)
		written := map[int]bool{}
		for i, f := range w.bits {
			if rnd.IntN(3) == 0 {
				written[i] = true
				fields[f.slot] = rnd.Uint64() & topMask(min(int(f.width), 64))
			}
		}
		h := &header{wire: w, patches: w.patches(written)}
		want := slices.Clone(data)
		w.emit(want[:w.bytes], fields)
		before := slices.Clone(data)
		e := emission{wire: w, patches: h.patches}
		e.patch(data, fields)
		if !bytes.Equal(data, want) {
			t.Fatalf("round %d: got %x, want %x", round, data, want)
		}
		var inputs []spec.FieldRef
		for i := range w.bits {
			inputs = append(inputs, spec.FieldRef{Field: i})
		}
		if w.bytes%2 != 0 {
			continue
		}
		words := h.standing(inputs)
		sum := hash.Fold1071(sumStanding(0, words, before, true, fields))
		if all := hash.Fold1071(w.sum(0, fields)); sum != all {
			t.Fatalf("round %d: sum %04x, want %04x", round, sum, all)
		}
	}
}
