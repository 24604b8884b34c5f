package engine

import "github.com/telltale-net/telltale/bmv2/spec"

// p4c copies much to temporaries that are read once. While code is written in a
// straight line, the lowerer knows what such a field is equal to, and uses that
// instead. Metadata that nothing reads any more is not written at all: the fast
// version of the code is written again without it, until that changes nothing.
//
// This is true of the fast version only. In the traced one every field has its value.

// learn notes that a field of one word was assigned src.
func (l *lowerer) learn(f field, src spec.Expr) {
	l.forget(f.slot)
	if l.version == traced || f.signed {
		return
	}
	src = l.bare(src, f.mask)
	if g, ok := src.(spec.FieldRef); ok {
		if e, ok := l.known[l.field(g).slot]; ok {
			src = e
		}
	}
	switch e := src.(type) {
	case spec.FieldRef:
		if g := l.field(e); g.slot == f.slot || g.signed || g.words != 1 || g.width > f.width {
			return
		}
	case spec.Unary:
		if e.Op != spec.OpBoolToData || !plainExpr(e) || l.mentions(e, f.slot) {
			return
		}
	default:
		return
	}
	if l.known == nil {
		l.known = map[uint32]spec.Expr{}
	}
	l.known[f.slot] = src
}

// forget notes that a slot changes.
func (l *lowerer) forget(slot uint32) {
	for s, e := range l.known {
		if s == slot || l.mentions(e, slot) {
			delete(l.known, s)
		}
	}
}

func (l *lowerer) mentions(e spec.Expr, slot uint32) (found bool) {
	visit(e, func(e spec.Expr) {
		switch e := e.(type) {
		case spec.FieldRef:
			found = found || l.field(e).slot == slot
		case spec.HeaderRef:
			found = found || l.headers[e.Header].valid == slot
		}
	})
	return found
}

// same is a field that has the value of f now.
func (l *lowerer) same(f spec.FieldRef) spec.FieldRef {
	if e, ok := l.known[l.field(f).slot].(spec.FieldRef); ok {
		f = e
	}
	l.reads(f)
	return f
}

// reads notes that fields in expressions are read.
func (l *lowerer) reads(all ...spec.Expr) {
	for _, e := range all {
		visit(e, func(e spec.Expr) {
			switch e := e.(type) {
			case spec.FieldRef:
				l.live[l.field(e).slot] = true
			case spec.HeaderRef:
				if h := &l.headers[e.Header]; h.meta {
					for _, f := range h.fields {
						l.live[f.slot] = true
					}
				}
			case spec.CalculationRef:
				l.readsOf(l.prog.calcs[e.Calculation])
			}
		})
	}
}

func (l *lowerer) readsOf(c *calculation) {
	for i := range c.runs {
		for _, f := range c.runs[i].wire.bits {
			l.live[f.slot] = true
		}
	}
}

// readsElsewhere notes what is read other than by code.
func (l *lowerer) readsElsewhere() {
	p := l.prog
	for _, slot := range p.std.slots {
		l.live[slot] = true
	}
	for _, t := range p.tables {
		for _, k := range t.key {
			l.live[k.slot] = true
		}
		for _, f := range t.spec.Key {
			l.reads(f.Expr)
		}
	}
	for _, c := range p.selectors {
		if c != nil {
			l.readsOf(c)
		}
	}
	for i := range p.spec.Checksums {
		c := &p.spec.Checksums[i]
		l.readsOf(p.calcs[c.Calculation])
		l.reads(c.If, c.Target)
	}
	for _, lists := range [][]spec.FieldList{p.spec.FieldLists, p.spec.LearnLists} {
		for i := range lists {
			for _, e := range lists[i].Elements {
				if e.Kind == spec.SizedField {
					l.reads(e.Field)
				}
			}
		}
	}
	for i := range p.spec.Deparsers {
		for j := range p.spec.Deparsers[i].Primitives {
			l.reads(p.spec.Deparsers[i].Primitives[j].Args...)
		}
	}
}

// unread is the slots of metadata that nothing reads.
func (l *lowerer) unread() map[uint32]bool {
	dead := map[uint32]bool{}
	for _, m := range l.metadata {
		for slot := m.first; slot < m.end; slot++ {
			if !l.live[slot] {
				dead[slot] = true
			}
		}
	}
	return dead
}
