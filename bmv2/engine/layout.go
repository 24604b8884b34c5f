package engine

import (
	"fmt"

	"github.com/telltale-net/telltale/bmv2/spec"
)

// A packet's headers and metadata (its PHV) are one flat slice of words:
//
//	validity    │ valid, origin, changed │ … of every header, since that is looked at most
//	header      │ field │ field, 64 < bits ≤ 128 │ varbit: bits, bytes…  │
//	slots       │   1   │ low word, high word    │ 1 + ⌈most bits/64⌉    │
//	stack       │ next │                                  one slot each
//	union       │ valid member + 1, or 0 │
//	code        │ arguments of an action │ constant │ intermediate result │
//
// A field of up to 64 bits is one slot, its value right-aligned and the bits
// above its width zero, also for signed fields. The bytes of a varbit field are
// left-aligned and big-endian in their words. Copying a PHV is one copy; a header
// is copied as one run of slots.
//
// Every header type has one more instance, the void: what an index out of range
// refers to. It is never valid unless the program makes it so, and never emitted.
type layout struct {
	prog      *spec.Program
	from, to  int    // slots that are cleared for every packet
	args      uint32 // slots of the arguments of the action that is being run
	headers   []header
	stacks    []stack
	unions    []union
	ustacks   []stack  // elements are unions
	voids     []uint32 // by header type: index into headers
	slots     int
	metadata  []metadata
	constants map[uint32]uint64 // by slot
	initial   []uint64          // a PHV as a packet starts: all zero but metadata's validity
}

// none stands for no slot.
const none = ^uint32(0)

// field is where a field lives.
type field struct {
	slot   uint32
	width  uint32
	words  uint32
	signed bool
	varbit bool   // slot holds the length in bits, the bytes follow
	sat    bool   // stores saturate
	mask   uint64 // of the only or the topmost word
}

// header is a header instance.
type header struct {
	name     string
	typ      int
	meta     bool
	valid    uint32 // slot of the validity
	first    uint32 // slots of the fields: first … first+n
	n        uint32
	fields   []field  // the last one is the validity
	varbit   int      // index into fields, -1 = none
	origin   uint32   // slot: where the header stands in the packet, or 0; behind it, whether it changed since
	tracked  bool     // the origin is kept up: see tracked.go
	patches  []patch  // what a program may change of a tracked header
	union    uint32   // slot of the union's valid member, none = not in a union
	member   uint64   // 1 + position in the union
	siblings []uint32 // validity of the union's other members
	wire     *wire
}

// metadata is where an instance of metadata lives: its validity and its fields.
type metadata struct{ valid, first, end uint32 }

// stack is a header stack or a stack of unions.
type stack struct {
	next  uint32   // slot: how many elements were pushed or extracted
	elems []uint32 // indices into headers or unions
	void  uint32   // of a header stack: index into headers
}

// union is a header union.
type union struct {
	slot    uint32 // 1 + position of the valid member, or 0
	members []uint32
}

// maxFieldWidth bounds fields that take part in expressions, in bits.
const maxFieldWidth = 4096

func newLayout(p *spec.Program) (*layout, error) {
	l := &layout{prog: p, constants: map[uint32]uint64{}}
	wires := make([]*wire, len(p.HeaderTypes))
	for i := range p.HeaderTypes {
		t := &p.HeaderTypes[i]
		for _, f := range t.Fields {
			if !f.VarBit && f.Width > maxFieldWidth {
				return nil, fmt.Errorf("header type %q: field %q of %d bits: the engine takes at most %d", t.Name, f.Name, f.Width, maxFieldWidth)
			}
		}
		wires[i] = newWire(t)
	}
	l.headers = make([]header, 0, len(p.Headers)+len(p.HeaderTypes))
	valid := l.take(3 * len(p.HeaderTypes))
	var voids []header
	for i := range p.HeaderTypes {
		l.voids = append(l.voids, uint32(len(p.Headers)+i))
		voids = append(voids, l.header("(no "+p.HeaderTypes[i].Name+")", i, false, wires[i], valid+uint32(3*i)))
	}
	if len(p.Stacks)+len(p.UnionStacks) == 0 {
		l.from = l.slots // nothing refers to them
	}
	valid = l.take(3 * len(p.Headers))
	for i := range p.Headers {
		h := &p.Headers[i]
		l.headers = append(l.headers, l.header(h.Name, h.Type, h.Metadata, wires[h.Type], valid+uint32(3*i)))
	}
	l.headers = append(l.headers, voids...)
	for i := range p.Unions {
		u := union{slot: l.take(1)}
		for j, h := range p.Unions[i].Headers {
			hd := &l.headers[h]
			hd.union, hd.member = u.slot, uint64(j+1)
			u.members = append(u.members, uint32(h))
		}
		for _, h := range u.members {
			for _, o := range u.members {
				if o != h {
					l.headers[h].siblings = append(l.headers[h].siblings, l.headers[o].valid)
				}
			}
		}
		l.unions = append(l.unions, u)
	}
	for i := range p.Stacks {
		s := stack{next: l.take(1), void: l.voids[p.Stacks[i].Type]}
		for _, h := range p.Stacks[i].Headers {
			s.elems = append(s.elems, uint32(h))
		}
		l.stacks = append(l.stacks, s)
	}
	for i := range p.UnionStacks {
		s := stack{next: l.take(1)}
		for _, u := range p.UnionStacks[i].Unions {
			s.elems = append(s.elems, uint32(u))
		}
		l.ustacks = append(l.ustacks, s)
	}
	for i := range l.headers {
		if h := &l.headers[i]; h.meta {
			l.metadata = append(l.metadata, metadata{h.valid, h.first, h.first + h.n})
		}
	}
	l.to = l.slots
	most := 0
	for i := range p.Actions {
		words := 0
		for _, prm := range p.Actions[i].Params {
			words += (prm.Width + 63) / 64
		}
		most = max(most, words)
	}
	l.args = l.take(most)
	l.trackHeaders()
	l.findPatches()
	return l, nil
}

// start makes the PHV that packets start with, when all slots are taken.
func (l *layout) start() {
	l.initial = make([]uint64, l.slots)
	for i := range l.headers {
		if h := &l.headers[i]; h.meta {
			l.initial[h.valid] = 1
		}
	}
	for slot, v := range l.constants {
		l.initial[slot] = v
	}
}

func (l *layout) take(n int) uint32 {
	at := l.slots
	l.slots += n
	return uint32(at)
}

// header lays out an instance. The slots at valid are taken already.
func (l *layout) header(name string, typ int, meta bool, w *wire, valid uint32) header {
	t := &l.prog.HeaderTypes[typ]
	h := header{name: name, typ: typ, meta: meta, valid: valid, origin: valid + 1, varbit: t.VarBit, union: none, wire: w}
	h.first = uint32(l.slots)
	for _, f := range t.Fields {
		words := (f.Width + 63) / 64
		fl := field{width: uint32(f.Width), words: uint32(words), signed: f.Signed, varbit: f.VarBit, sat: f.Saturating, mask: topMask(f.Width)}
		if f.VarBit {
			words++
		}
		fl.slot = l.take(words)
		h.fields = append(h.fields, fl)
	}
	h.n = uint32(l.slots) - h.first
	h.fields = append(h.fields, field{slot: h.valid, width: 1, words: 1, mask: 1})
	return h
}

// topMask is the mask of the topmost word of a width.
func topMask(width int) uint64 {
	if r := width % 64; r != 0 {
		return 1<<r - 1
	}
	return ^uint64(0)
}

// field returns the place of a field; its validity is a field of one bit.
func (l *layout) field(f spec.FieldRef) field {
	h := &l.headers[f.Header]
	if f.Field == spec.ValidField {
		return h.fields[len(h.fields)-1]
	}
	return h.fields[f.Field]
}

// setValid makes a header valid, and the other members of its union invalid.
func (h *header) setValid(phv []uint64) {
	phv[h.valid] = 1
	if h.union != none {
		for _, s := range h.siblings {
			phv[s] = 0
		}
		phv[h.union] = h.member
	}
}

// setInvalid makes a header invalid.
func (h *header) setInvalid(phv []uint64) {
	phv[h.valid] = 0
	if h.union != none && phv[h.union] == h.member {
		phv[h.union] = 0
	}
}

// bytes is the length of the header as it would be emitted.
func (h *header) bytes(phv []uint64) int {
	n := h.wire.bytes
	if h.varbit >= 0 {
		n += int(phv[h.fields[h.varbit].slot] / 8)
	}
	return n
}

// copyHeader assigns src to dst, of the same type: P4's header assignment.
func copyHeader(phv []uint64, dst, src *header) {
	if phv[src.valid] == 0 {
		dst.setInvalid(phv)
		return
	}
	dst.setValid(phv)
	copy(phv[dst.first:dst.first+dst.n], phv[src.first:src.first+src.n])
	if dst.tracked {
		phv[dst.origin], phv[dst.origin+1] = phv[src.origin], phv[src.origin+1]
	}
}

// swapHeaders exchanges two headers of one type, validity included.
func swapHeaders(phv []uint64, a, b *header) {
	phv[a.valid], phv[b.valid] = phv[b.valid], phv[a.valid]
	x, y := phv[a.first:a.first+a.n], phv[b.first:b.first+b.n]
	for i := range x {
		x[i], y[i] = y[i], x[i]
	}
}
