package engine

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/telltale-net/telltale/bmv2/spec"
)

// wire is how fields stand in a packet one behind the other: those of a header
// type, with slots relative to the header's first field, or those of a
// calculation's input.
//
// Headers without a varbit field are extracted and emitted in words: a field, or
// a word of a wide field, is part of 8 bytes, shifted and masked; 8 bytes of output are the union of shifted slots. Buffers have 8 bytes
// to spare behind the packet for that.
type wire struct {
	bytes   int // without the varbit field
	windows []window
	splits  []split
	parts   []part
	varbit  int // index into bits, -1 = none
	bits    []bitField
}

// window is 8 bytes and the fields that are taken from them: those of which all bits
// lie within.
type window struct {
	off   uint32 // byte in the header
	loads []load
}

type load struct {
	slot  uint32
	shift uint8
	mask  uint64
}

// split takes a field that straddles 9 bytes.
type split struct {
	slot uint32
	off  uint32
	left uint8 // how far the first 8 bytes are shifted
	mask uint64
}

// part is a slot's share of 8 bytes of output.
type part struct {
	slot uint32
	off  uint32 // of the 8 bytes
	left uint8  // shift to the left
	down uint8  // shift to the right, if left is 0
	last bool   // of these 8 bytes
}

// bitField is a field for the slow path of headers with a varbit field.
type bitField struct {
	slot   uint32
	width  uint32
	varbit bool
}

func newWire(t *spec.HeaderType) *wire {
	var fields []bitField
	slot := uint32(0)
	for _, f := range t.Fields {
		fields = append(fields, bitField{slot, uint32(f.Width), f.VarBit})
		slot += uint32((f.Width + 63) / 64)
		if f.VarBit {
			slot++
		}
	}
	return packWire(fields)
}

// packWire arranges fields one behind the other.
func packWire(fields []bitField) *wire {
	w := &wire{varbit: -1, bits: fields}
	total := 0
	for i, f := range fields {
		if f.varbit {
			w.varbit = i
			continue
		}
		total += int(f.width)
	}
	w.bytes = total / 8
	if w.varbit >= 0 {
		return w
	}
	end := 0
	for _, f := range fields {
		end += int(f.width)
		for word := uint32(0); word*64 < f.width; word++ {
			hi := end - int(word)*64 // first bit behind the word
			n := min(int(f.width-word*64), 64)
			w.piece(f.slot+word, hi-n, n)
		}
	}
	slices.SortStableFunc(w.parts, func(a, b part) int { return cmp.Compare(a.off, b.off) })
	for i := range w.parts {
		w.parts[i].last = i == len(w.parts)-1 || w.parts[i+1].off != w.parts[i].off
	}
	return w
}

// piece adds n ≤ 64 bits at bit lo of the header, kept in a slot.
func (w *wire) piece(slot uint32, lo, n int) {
	off, within := lo/8, lo%8
	if within+n <= 64 {
		last := len(w.windows) - 1
		if last < 0 || lo < int(w.windows[last].off)*8 || lo+n > int(w.windows[last].off)*8+64 {
			w.windows = append(w.windows, window{off: uint32(off)})
			last++
		}
		win := &w.windows[last]
		win.loads = append(win.loads, load{slot, uint8(int(win.off)*8 + 64 - lo - n), topMask(n)})
	} else {
		w.splits = append(w.splits, split{slot, uint32(off), uint8(within + n - 64), topMask(n)})
	}
	for off := lo / 64 * 8; off*8 < lo+n && off < w.bytes; off += 8 {
		p := part{slot: slot, off: uint32(off)}
		if d := off*8 + 64 - (lo + n); d >= 0 {
			p.left = uint8(d)
		} else {
			p.down = uint8(-d)
		}
		w.parts = append(w.parts, p)
	}
}

// extract fills fields from data, which has 8 bytes to spare behind the header.
func (w *wire) extract(fields []uint64, data []byte) {
	splits := w.splits // held in registers
	for _, win := range w.windows {
		v := binary.BigEndian.Uint64(data[win.off:])
		for i := range win.loads {
			l := &win.loads[i]
			fields[l.slot] = v >> (l.shift & 63) & l.mask
		}
	}
	for i := range splits {
		s := &splits[i]
		fields[s.slot] = (binary.BigEndian.Uint64(data[s.off:])<<s.left | uint64(data[s.off+8])>>(8-s.left)) & s.mask
	}
}

// emit writes the fields to out, which is as long as the header.
func (w *wire) emit(out []byte, fields []uint64) {
	if w.varbit >= 0 {
		w.emitBits(out, fields)
		return
	}
	var v uint64
	parts := w.parts
	for i := range parts {
		p := &parts[i]
		v |= fields[p.slot] << (p.left & 63) >> (p.down & 63)
		if !p.last {
			continue
		}
		if rest := out[p.off:]; len(rest) >= 8 {
			binary.BigEndian.PutUint64(rest, v)
		} else {
			putTail(rest, v)
		}
		v = 0
	}
}

// sum adds what emit would write to a ones' complement sum of 16-bit words: in
// such a sum it does not matter which of a word's 16-bit places a number has.
func (w *wire) sum(sum uint64, fields []uint64) uint64 {
	var v, carry uint64
	parts := w.parts
	for i := range parts {
		p := &parts[i]
		v |= fields[p.slot] << (p.left & 63) >> (p.down & 63)
		if p.last {
			sum, carry = bits.Add64(sum, v, carry)
			v = 0
		}
	}
	sum, carry = bits.Add64(sum, 0, carry)
	return sum + carry
}

// putTail writes the upper bytes of v.
func putTail(out []byte, v uint64) {
	if len(out)&4 != 0 {
		binary.BigEndian.PutUint32(out, uint32(v>>32))
		out, v = out[4:], v<<32
	}
	if len(out)&2 != 0 {
		binary.BigEndian.PutUint16(out, uint16(v>>48))
		out, v = out[2:], v<<16
	}
	if len(out)&1 != 0 {
		out[0] = byte(v >> 56)
	}
}

// emitBits is emit for headers with a varbit field.
func (w *wire) emitBits(out []byte, fields []uint64) {
	at := 0
	for _, f := range w.bits {
		at = putField(out, at, f, fields)
	}
}

// putField writes a field at bit at and returns the bit behind it.
func putField(out []byte, at int, f bitField, fields []uint64) int {
	if f.varbit {
		n := int(fields[f.slot])
		if at%8 == 0 {
			for i, left := 0, n/8; left > 0; i, left = i+1, left-8 {
				v, to := fields[int(f.slot)+1+i], out[at/8+8*i:]
				if left >= 8 {
					binary.BigEndian.PutUint64(to, v)
				} else {
					putTail(to[:left], v)
				}
			}
			return at + n
		}
		for i := 0; i < n; i += 8 {
			word := fields[int(f.slot)+1+i/64]
			putBits(out, at+i, min(8, n-i), word>>(56-i%64)&0xff)
		}
		return at + n
	}
	for left := f.width; left > 0; {
		n := (left-1)%64 + 1
		left -= n
		putBits(out, at, int(n), fields[f.slot+left/64])
		at += int(n)
	}
	return at
}

// putBits writes the low n ≤ 64 bits of v at bit at.
func putBits(out []byte, at, n int, v uint64) {
	for n > 0 {
		room := 8 - at%8
		k := min(room, n)
		b := byte(v>>(n-k)) & (1<<k - 1)
		shift := room - k
		out[at/8] = out[at/8]&^((1<<k-1)<<shift) | b<<shift
		at, n = at+k, n-k
	}
}

// getBits reads n ≤ 64 bits at bit at.
func getBits(data []byte, at, n int) (v uint64) {
	for n > 0 {
		room := 8 - at%8
		k := min(room, n)
		v = v<<k | uint64(data[at/8]>>(room-k)&(1<<k-1))
		at, n = at+k, n-k
	}
	return v
}

// getField reads a field of fixed width at bit at.
func getField(data []byte, at int, f bitField, fields []uint64) {
	for left := f.width; left > 0; {
		n := (left-1)%64 + 1
		left -= n
		fields[f.slot+left/64] = getBits(data, at, int(n))
		at += int(n)
	}
}

// getVarBit reads n bits at bit at into a varbit field and clears its rest.
func getVarBit(data []byte, at, n int, f bitField, fields []uint64) {
	words := fields[f.slot+1 : f.slot+1+(f.width+63)/64]
	clear(words)
	fields[f.slot] = uint64(n)
	for i := 0; i < n; i += 64 {
		k := min(64, n-i)
		words[i/64] = getBits(data, at+i, k) << (64 - k)
	}
}
