package engine

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/telltale-net/telltale/bmv2/hash"
	"github.com/telltale-net/telltale/bmv2/spec"
)

// The bytes of a calculation are its inputs one behind the other, without those of
// invalid headers; the checksum taken from the fields is that of the bytes.
func TestCalculationInput(t *testing.T) {
	for round := range 2000 {
		rnd := rand.New(rand.NewPCG(3, uint64(round)))
		p := &spec.Program{}
		var input []spec.Sized
		for h := range 3 {
			ht := spec.HeaderType{Name: fmt.Sprint("t", h), VarBit: -1}
			for f := range 1 + rnd.IntN(4) {
				w := []int{8, 16, 32, 48, 64, 128, 4, 12, 20}[rnd.IntN(9)]
				ht.Fields = append(ht.Fields, spec.Field{Name: fmt.Sprint("f", f), Width: w})
				ht.Bits += w
			}
			p.HeaderTypes = append(p.HeaderTypes, ht)
			p.Headers = append(p.Headers, spec.Header{Name: fmt.Sprint("h", h), Type: h, Stack: -1, Union: -1})
		}
		for range 1 + rnd.IntN(8) {
			if rnd.IntN(5) == 0 {
				w := []int{8, 16, 32, 4}[rnd.IntN(4)]
				input = append(input, spec.Sized{Kind: spec.SizedConst, Const: big.NewInt(rnd.Int64N(1 << w)), Width: w})
				continue
			}
			h := rnd.IntN(3)
			f := spec.FieldRef{Header: h, Field: rnd.IntN(len(p.HeaderTypes[h].Fields))}
			input = append(input, spec.Sized{Kind: spec.SizedField, Field: f, Width: p.Width(f)})
		}
		if rnd.IntN(2) == 0 {
			input = append(input, spec.Sized{Kind: spec.SizedPayload})
		}
		l, err := newLayout(p)
		if err != nil {
			t.Fatal(err)
		}
		k := &compiler{layout: l}
		c, err := k.calculation("csum16", input, nil)
		if err != nil {
			t.Fatal(err)
		}
		l.start()
		pk := &packet{sw: &Switch{}, phv: slices.Clone(l.initial), buf: make([]byte, 100), pos: 10, end: 10 + rnd.IntN(50), truncated: noTruncation}
		for i := range pk.buf {
			pk.buf[i] = byte(rnd.Uint32())
		}
		for i := range l.headers {
			h := &l.headers[i]
			pk.phv[h.valid] = uint64(rnd.IntN(2))
			for _, f := range h.fields[:len(h.fields)-1] {
				for w := range f.words {
					pk.phv[f.slot+w] = rnd.Uint64()
				}
				pk.phv[f.slot+f.words-1] &= f.mask
			}
		}

		all, bits := new(big.Int), 0
		payload := []byte(nil)
		for _, in := range input {
			v := in.Const
			switch {
			case in.Kind == spec.SizedPayload:
				payload = pk.buf[pk.pos:pk.end]
				continue
			case in.Kind == spec.SizedField && pk.phv[l.headers[in.Field.Header].valid] == 0:
				continue
			case in.Kind == spec.SizedField:
				v = fieldValue(l, pk.phv, in.Field)
			}
			all.Lsh(all, uint(in.Width)).Or(all, v)
			bits += in.Width
		}
		all.Lsh(all, uint(-bits&7)) // the last byte is padded right
		want := append(all.FillBytes(make([]byte, (bits+7)/8)), payload...)
		if got := c.input(pk); string(got) != string(want) {
			t.Fatalf("round %d: got %x, want %x", round, got, want)
		}
		if c.sums {
			if got, want := c.checksum(pk), uint64(hash.Checksum(want)); got != want {
				t.Fatalf("round %d: checksum %04x, want %04x", round, got, want)
			}
		}
	}
}
