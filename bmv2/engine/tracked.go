package engine

import "github.com/telltale-net/telltale/bmv2/spec"

// Most headers leave as they came. So that they need not be written again, a
// tracked header knows where it stands in the packet: its origin, which is set when
// it is extracted, goes along when it is assigned, and is cleared by whatever changes
// a field. The bytes there are then those that the deparser would write.
//
// Headers that are changed in more ways than by naming a field in an action are not
// tracked; their origin is always 0.

// trackHeaders decides which headers are tracked.
func (l *layout) trackHeaders() {
	for i := range l.prog.Headers {
		h := &l.headers[i]
		h.tracked = !h.meta && h.varbit < 0 && h.union < 0
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

// origin is how a PHV says that a header stands at a byte of the buffer: never 0,
// and not changed when the packet is copied.
func (p *packet) origin(at int) uint64 { return 1<<32 + uint64(at-p.head) }
