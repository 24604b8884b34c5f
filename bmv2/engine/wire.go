package engine

import (
	"encoding/binary"

	"github.com/telltale-net/telltale/bmv2/spec"
)

// wire is how fields stand in a packet one behind the other: those of a header
// type, with slots relative to the header's first field, or those of a
// calculation's input.
//
// Headers without a varbit field are extracted and emitted in words: a field, or
// a word of a wide field, is loaded with one unaligned 8-byte load, a shift and a
// mask; 8 bytes of output are the union of shifted slots. Buffers have 8 bytes
// to spare behind the packet for that.
type wire struct {
	bytes  int // without the varbit field
	loads  []load
	splits []split
	emits  []emit
	tail   int // bytes of the last emitted word, 1…8
	varbit int // index into bits, -1 = none
	bits   []bitField
}

// load takes a field of which all bits lie within 8 bytes.
type load struct {
	slot  int32
	off   int32 // byte in the header
	shift uint8
	mask  uint64
}

// split takes a field that straddles 9 bytes.
type split struct {
	slot int32
	off  int32
	left uint8 // how far the first 8 bytes are shifted
	mask uint64
}

// emit makes 8 bytes.
type emit struct{ parts []part }

// part is a slot's share of 8 bytes.
type part struct {
	slot int32
	left uint8 // shift to the left
	down uint8 // shift to the right, if left is 0
}

// bitField is a field for the slow path of headers with a varbit field.
type bitField struct {
	slot   int32
	width  int32
	varbit bool
}

func newWire(t *spec.HeaderType) *wire {
	var fields []bitField
	slot := int32(0)
	for _, f := range t.Fields {
		fields = append(fields, bitField{slot, int32(f.Width), f.VarBit})
		slot += int32((f.Width + 63) / 64)
		if f.VarBit {
			slot++
		}
	}
	return packWire(fields)
}

// packWire arranges fields one behind the other.
func packWire(fields []bitField) *wire {
	w := &wire{varbit: -1, bits: fields}
	bits := 0
	for i, f := range fields {
		if f.varbit {
			w.varbit = i
			continue
		}
		bits += int(f.width)
	}
	w.bytes = bits / 8
	if w.varbit >= 0 {
		return w
	}
	w.emits = make([]emit, (w.bytes+7)/8)
	w.tail = (w.bytes+7)%8 + 1
	end := 0
	for _, f := range fields {
		end += int(f.width)
		for word := int32(0); word*64 < f.width; word++ {
			hi := end - int(word)*64 // first bit behind the word
			n := min(int(f.width-word*64), 64)
			w.piece(f.slot+word, hi-n, n)
		}
	}
	return w
}

// piece adds n ≤ 64 bits at bit lo of the header, kept in a slot.
func (w *wire) piece(slot int32, lo, n int) {
	off, within := lo/8, lo%8
	if within+n <= 64 {
		w.loads = append(w.loads, load{slot, int32(off), uint8(64 - within - n), topMask(n)})
	} else {
		w.splits = append(w.splits, split{slot, int32(off), uint8(within + n - 64), topMask(n)})
	}
	for i := lo / 64; i < len(w.emits) && i*64 < lo+n; i++ {
		switch d := (i+1)*64 - (lo + n); {
		case d >= 0:
			w.emits[i].parts = append(w.emits[i].parts, part{slot: slot, left: uint8(d)})
		default:
			w.emits[i].parts = append(w.emits[i].parts, part{slot: slot, down: uint8(-d)})
		}
	}
}

// extract fills fields from data, which has 8 bytes to spare behind the header.
func (w *wire) extract(fields []uint64, data []byte) {
	for i := range w.loads {
		l := &w.loads[i]
		fields[l.slot] = binary.BigEndian.Uint64(data[l.off:]) >> l.shift & l.mask
	}
	for i := range w.splits {
		s := &w.splits[i]
		fields[s.slot] = (binary.BigEndian.Uint64(data[s.off:])<<s.left | uint64(data[s.off+8])>>(8-s.left)) & s.mask
	}
}

// emit writes the fields to out, which is as long as the header.
func (w *wire) emit(out []byte, fields []uint64) {
	if w.varbit >= 0 {
		w.emitBits(out, fields)
		return
	}
	last := len(w.emits) - 1
	for i := range w.emits {
		var v uint64
		for _, p := range w.emits[i].parts {
			v |= fields[p.slot] << (p.left & 63) >> (p.down & 63)
		}
		if i < last || w.tail == 8 {
			binary.BigEndian.PutUint64(out[8*i:], v)
			continue
		}
		rest := out[8*i:]
		if w.tail >= 4 {
			binary.BigEndian.PutUint32(rest, uint32(v>>32))
			rest, v = rest[4:], v<<32
		}
		if w.tail&2 != 0 {
			binary.BigEndian.PutUint16(rest, uint16(v>>48))
			rest, v = rest[2:], v<<16
		}
		if w.tail&1 != 0 {
			rest[0] = byte(v >> 56)
		}
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
