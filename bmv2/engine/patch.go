package engine

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/telltale-net/telltale/bmv2/spec"
)

// patch is eight bytes of a header of which a program may change some. What they
// are is what they were, except for those fields:
//
//	bytes   │ tos │ total_len │ … │ ttl │ protocol │ checksum │ …
//	keep      ff     ffff           00       ff        0000
//	parts                          ttl                checksum
type patch struct {
	off   uint32
	keep  uint64
	parts []part
}

// of returns the eight bytes as they are by now. fields are those of the header.
func (w *patch) of(was uint64, fields []uint64) uint64 {
	v := was & w.keep
	for i := range w.parts {
		p := &w.parts[i]
		v |= fields[p.slot] << (p.left & 63) >> (p.down & 63)
	}
	return v
}

// patch writes what a program changed into a header that stands where it stood.
// There are eight bytes to spare behind it.
func (h *emission) patch(data []byte, fields []uint64) {
	for i := range h.patches {
		w := &h.patches[i]
		at := data[w.off : w.off+8]
		binary.BigEndian.PutUint64(at, w.of(binary.BigEndian.Uint64(at), fields))
	}
}

// patches are the changes to a header in which some fields may be written.
func (w *wire) patches(written map[int]bool) (all []patch) {
	for i := 0; i < len(w.parts); i++ {
		off := w.parts[i].off
		if n := len(all); n == 0 || all[n-1].off != off {
			all = append(all, patch{off: off, keep: ^uint64(0)})
		}
		p := &all[len(all)-1]
		f := w.fieldAt(w.parts[i].slot)
		if !written[f] {
			continue
		}
		p.parts = append(p.parts, w.parts[i])
		mask := ^uint64(0)
		if word := uint32(w.parts[i].slot - w.bits[f].slot); (word+1)*64 > w.bits[f].width {
			mask = topMask(int(w.bits[f].width))
		}
		p.keep &^= mask << (w.parts[i].left & 63) >> (w.parts[i].down & 63)
	}
	return slices.DeleteFunc(all, func(p patch) bool { return len(p.parts) == 0 })
}

// fieldAt is the index of the field with that slot.
func (w *wire) fieldAt(slot uint32) int {
	for i, f := range w.bits {
		if slot < f.slot+(f.width+63)/64 {
			return i
		}
	}
	panic("BUG: a slot of no field")
}

// sumWord is eight bytes of a header that is summed as it stands in the packet.
type sumWord struct {
	patch
	take uint64 // bits that are summed
}

// standing is how to sum fields of one tracked header without gathering them: nil
// if that gives another sum, because a field's place in the input differs from that
// in the header by more than whole 16-bit words.
func (h *header) standing(inputs []spec.FieldRef) (words []sumWord) {
	w, at := h.wire, 0
	place := make([]int, len(w.bits))
	end := 0
	for i, f := range w.bits {
		place[i], end = end, end+int(f.width)
	}
	named := map[int]bool{}
	for _, in := range inputs {
		if in.Field == spec.ValidField || named[in.Field] || (place[in.Field]-at)%16 != 0 {
			return nil
		}
		named[in.Field] = true
		at += int(w.bits[in.Field].width)
	}
	take := w.patches(named)
	for _, p := range take {
		s := sumWord{patch{off: p.off, keep: ^uint64(0)}, ^p.keep}
		for _, q := range h.patches {
			if q.off == p.off {
				s.patch = q
			}
		}
		words = append(words, s)
	}
	return words
}

// sumStanding adds the words of a header at data to a ones' complement sum.
func sumStanding(sum uint64, words []sumWord, data []byte, changed bool, fields []uint64) uint64 {
	var carry uint64
	for i := range words {
		w := &words[i]
		v := binary.BigEndian.Uint64(data[w.off : w.off+8])
		if changed {
			v = w.of(v, fields)
		}
		sum, carry = bits.Add64(sum, v&w.take, carry)
	}
	sum, carry = bits.Add64(sum, 0, carry)
	return sum + carry
}
