package engine

import (
	"github.com/telltale-net/telltale/bmv2/spec"
)

// extend reads a field's slot as the number it means, modulo 2^64.
func extend(v uint64, f *field) uint64 {
	if f.signed && f.width < 64 {
		s := uint(64 - f.width)
		return uint64(int64(v<<s) >> s)
	}
	return v
}

func loadField(f field) intFn {
	slot := f.slot
	if f.signed && f.width < 64 {
		s := uint(64 - f.width)
		return func(p *packet) uint64 { return uint64(int64(p.phv[slot]<<s) >> s) }
	}
	return func(p *packet) uint64 { return p.phv[slot] }
}

// param reads a run-time argument.
func (k *compiler) param(e spec.ParamRef) intFn {
	if k.self {
		f := e.Index
		return func(p *packet) uint64 { return p.phv[p.extracting.fields[f].slot] }
	}
	at := k.arg(e)
	return func(p *packet) uint64 { return p.phv[at] }
}

func (k *compiler) registerCell(e spec.RegisterCell, base int) intFn {
	r, words := e.Register, (k.prog.Registers[e.Register].Width+63)/64
	index := k.index(e.Index, base)
	return func(p *packet) uint64 {
		cells := p.sw.registers[r].cells
		if i := index(p); i < uint64(len(cells)/words) {
			return cells[int(i)*words]
		}
		p.sw.stats.IndexErrors++
		return 0
	}
}

func (k *compiler) stackOf(e spec.Expr) *stack {
	if u, ok := e.(spec.UnionStackRef); ok {
		return &k.ustacks[u.UnionStack]
	}
	return &k.stacks[e.(spec.StackRef).Stack]
}

// headerOf compiles a header expression.
func (k *compiler) headerOf(e spec.Expr, base int) headFn {
	switch e := e.(type) {
	case spec.HeaderRef:
		h := &k.headers[e.Header]
		return func(*packet) *header { return h }
	case spec.Deref:
		s, index, headers := &k.stacks[e.Stack], k.index(e.Index, base), k.headers
		return func(p *packet) *header {
			if i := index(p); i < uint64(len(s.elems)) {
				return &headers[s.elems[i]]
			}
			p.sw.stats.IndexErrors++
			return &headers[s.void]
		}
	case spec.StackLast:
		s, headers := &k.stacks[e.Stack], k.headers
		return func(p *packet) *header {
			if n := p.phv[s.next]; n > 0 {
				return &headers[s.elems[n-1]]
			}
			p.sw.stats.IndexErrors++
			return &headers[s.void]
		}
	case spec.AccessUnion:
		u, m, headers := k.unionOf(e.Union, base), e.Member, k.headers
		void := k.voids[k.prog.UnionTypes[e.UnionType].Members[m].Type]
		return func(p *packet) *header {
			if u := u(p); u != nil {
				return &headers[u.members[m]]
			}
			return &headers[void]
		}
	}
	panic("BUG: a header expression of unknown kind")
}

// unionOf compiles a union expression; nil for an index out of range.
func (k *compiler) unionOf(e spec.Expr, base int) func(p *packet) *union {
	switch e := e.(type) {
	case spec.UnionRef:
		u := &k.unions[e.Union]
		return func(*packet) *union { return u }
	case spec.DerefUnion:
		s, index, unions := &k.ustacks[e.UnionStack], k.index(e.Index, base), k.unions
		return func(p *packet) *union {
			if i := index(p); i < uint64(len(s.elems)) {
				return &unions[s.elems[i]]
			}
			p.sw.stats.IndexErrors++
			return nil
		}
	}
	panic("BUG: a union expression of unknown kind")
}

// memberOf compiles the header of a field chosen at run time, and the field's
// index in it.
func (k *compiler) memberOf(e spec.Expr, base int) (headFn, int) {
	var h headFn
	var f, typ int
	switch e := e.(type) {
	case spec.StackField:
		s, headers := &k.stacks[e.Stack], k.headers
		typ = k.prog.Stacks[e.Stack].Type
		h, f = func(p *packet) *header {
			if n := p.phv[s.next]; n > 0 {
				return &headers[s.elems[n-1]]
			}
			p.sw.stats.IndexErrors++
			return &headers[s.void]
		}, e.Field
	case spec.UnionStackField:
		s, headers, unions, m := &k.ustacks[e.UnionStack], k.headers, k.unions, e.Member
		typ = k.prog.UnionTypes[k.prog.UnionStacks[e.UnionStack].Type].Members[m].Type
		void := k.voids[typ]
		h, f = func(p *packet) *header {
			if n := p.phv[s.next]; n > 0 {
				return &headers[unions[s.elems[n-1]].members[m]]
			}
			p.sw.stats.IndexErrors++
			return &headers[void]
		}, e.Field
	case spec.AccessField:
		h, f, typ = k.headerOf(e.Header, base), e.Field, e.HeaderType
	default:
		panic("BUG: a field of unknown kind")
	}
	if f == spec.ValidField {
		f = len(k.prog.HeaderTypes[typ].Fields) // kept behind the others
	}
	return h, f
}
