package engine

import (
	"maps"

	"github.com/telltale-net/telltale/bmv2/spec"
)

// Most headers leave as they came. So that they need not be written again, a
// tracked header knows where it stands in the packet: its origin, which is set when
// it is extracted, goes along when it is assigned, and is marked, in the slot behind
// it, by whatever changes a field. Unless it is marked, the bytes there are those that the deparser would write;
// else they are so but for the fields that the program may write.
//
// Headers that are changed in more ways than by naming a field in an action are not
// tracked; their origin is always 0.

// trackHeaders decides which headers are tracked.
func (l *layout) trackHeaders() {
	alike, parsed := l.alike(), l.parsed()
	for i := range l.prog.Headers {
		h := &l.headers[i]
		h.tracked = parsed[alike[i]] && !h.meta && h.varbit < 0 && h.union == none
	}
	for _, s := range l.stacks {
		for _, h := range s.elems {
			l.headers[h].tracked = false
		}
	}
	not := func(e spec.Expr) {
		switch e := e.(type) {
		case spec.FieldRef:
			l.headers[e.Header].tracked = false
		case spec.HeaderRef:
			l.headers[e.Header].tracked = false
		}
	}
	for i := range l.prog.Parsers {
		for j := range l.prog.Parsers[i].States {
			for _, op := range l.prog.Parsers[i].States[j].Ops {
				switch op.Kind {
				case spec.OpSet:
					not(op.Args[0])
				case spec.OpPrimitive:
					for _, e := range places(op.Primitive) {
						not(e)
					}
				}
			}
		}
	}
	for i := range l.prog.Deparsers {
		for j := range l.prog.Deparsers[i].Primitives {
			for _, e := range places(&l.prog.Deparsers[i].Primitives[j]) {
				not(e)
			}
		}
	}
	for i := range l.prog.Actions {
		for j := range l.prog.Actions[i].Primitives {
			if c := &l.prog.Actions[i].Primitives[j]; c.Op == "mark_to_drop" {
				not(c.Args[0])
			}
		}
	}
	for _, list := range l.prog.FieldLists {
		for _, e := range list.Elements {
			if e.Kind == spec.SizedField {
				not(e.Field)
			}
		}
	}
	for i := range l.prog.Meters {
		if m := &l.prog.Meters[i]; m.Direct {
			not(m.Result)
		}
	}
}

// places are the arguments that a primitive may write to.
func places(c *spec.Primitive) []spec.Expr {
	switch {
	case len(c.Args) == 0:
		return nil
	case c.Op == "execute_meter":
		return c.Args[2:3]
	}
	return c.Args[:1]
}

// alike groups headers that are assigned to one another: those of a group have the
// same number.
func (l *layout) alike() []int {
	group := make([]int, len(l.headers))
	for i := range group {
		group[i] = i
	}
	for i := range l.prog.Actions {
		for j := range l.prog.Actions[i].Primitives {
			c := &l.prog.Actions[i].Primitives[j]
			if c.Op != "assign_header" && c.Op != "copy_header" {
				continue
			}
			d, ok := c.Args[0].(spec.HeaderRef)
			s, ok2 := c.Args[1].(spec.HeaderRef)
			if !ok || !ok2 {
				continue
			}
			from, to := group[s.Header], group[d.Header]
			for h, g := range group {
				if g == from {
					group[h] = to
				}
			}
		}
	}
	return group
}

// parsed says which groups have headers that the parser extracts by name.
func (l *layout) parsed() map[int]bool {
	alike, groups := l.alike(), map[int]bool{}
	for i := range l.prog.Parsers {
		for j := range l.prog.Parsers[i].States {
			for _, op := range l.prog.Parsers[i].States[j].Ops {
				if op.Kind != spec.OpExtract && op.Kind != spec.OpExtractVL {
					continue
				}
				if h, ok := op.Args[0].(spec.HeaderRef); ok {
					groups[alike[h.Header]] = true
				}
			}
		}
	}
	return groups
}

// findPatches notes which fields of tracked headers a program may write: the same
// for headers that are assigned to one another.
func (l *layout) findPatches() {
	alike := l.alike()
	written := map[int]map[int]bool{}
	write := func(e spec.Expr) {
		if f, ok := e.(spec.FieldRef); ok {
			if written[f.Header] == nil {
				written[f.Header] = map[int]bool{}
			}
			written[f.Header][f.Field] = true
		}
	}
	for i := range l.prog.Actions {
		for j := range l.prog.Actions[i].Primitives {
			c := &l.prog.Actions[i].Primitives[j]
			for _, e := range places(c) {
				write(e)
			}
		}
	}
	for i := range l.prog.Checksums {
		if c := &l.prog.Checksums[i]; c.Update {
			write(c.Target)
		}
	}
	fields := map[int]map[int]bool{} // by root
	for h, w := range written {
		r := alike[h]
		if fields[r] == nil {
			fields[r] = map[int]bool{}
		}
		maps.Copy(fields[r], w)
	}
	for i := range l.headers {
		if h := &l.headers[i]; h.tracked {
			h.patches = h.wire.patches(fields[alike[i]])
		}
	}
}

// anywhere is added to origins, so that they are not 0.
const anywhere = 1 << 32

// origin is how a PHV says that a header stands at a byte of the buffer. It stays
// the same when the packet is copied.
func (p *packet) origin(at int) uint64 { return anywhere + uint64(at-p.head) }

// place is the byte where an origin is.
func (p *packet) place(origin uint64) int { return p.head + int(uint32(origin)) }
