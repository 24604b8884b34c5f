package engine

import (
	"fmt"

	"github.com/telltale-net/telltale/bmv2/spec"
)

func (k *compiler) assignVarBit(dst, src spec.VarBitRef) (stepFn, error) {
	d, s := k.field(spec.FieldRef(dst)), k.field(spec.FieldRef(src))
	if d.width != s.width {
		return nil, fmt.Errorf("assignment between varbit fields of at most %d and %d bits", d.width, s.width)
	}
	return func(p *packet) { copy(p.phv[d.slot:d.slot+1+d.words], p.phv[s.slot:s.slot+1+s.words]) }, nil
}

func (k *compiler) assignHeader(dst, src spec.Expr) stepFn {
	if d, ok := dst.(spec.HeaderRef); ok {
		if s, ok := src.(spec.HeaderRef); ok {
			to, from := &k.headers[d.Header], &k.headers[s.Header]
			return func(p *packet) { copyHeader(p.phv, to, from) }
		}
	}
	to, from := k.headerOf(dst, 0), k.headerOf(src, 0)
	return func(p *packet) { copyHeader(p.phv, to(p), from(p)) }
}

func (k *compiler) assignUnion(dst, src spec.Expr) stepFn {
	to, from, headers := k.unionOf(dst, 0), k.unionOf(src, 0), k.headers
	return func(p *packet) {
		if d, s := to(p), from(p); d != nil && s != nil {
			copyUnion(p.phv, headers, d, s)
		}
	}
}

// copyUnion assigns member by member, as simple_switch does.
func copyUnion(phv []uint64, headers []header, dst, src *union) {
	for i := range dst.members {
		copyHeader(phv, &headers[dst.members[i]], &headers[src.members[i]])
	}
}

func (k *compiler) assignStack(dst, src spec.StackRef) stepFn {
	d, s, headers := &k.stacks[dst.Stack], &k.stacks[src.Stack], k.headers
	return func(p *packet) {
		p.phv[d.next] = p.phv[s.next]
		for i := range d.elems {
			copyHeader(p.phv, &headers[d.elems[i]], &headers[s.elems[i]])
		}
	}
}

func (k *compiler) assignUnionStack(dst, src spec.UnionStackRef) stepFn {
	d, s, headers, unions := &k.ustacks[dst.UnionStack], &k.ustacks[src.UnionStack], k.headers, k.unions
	return func(p *packet) {
		p.phv[d.next] = p.phv[s.next]
		for i := range d.elems {
			copyUnion(p.phv, headers, &unions[d.elems[i]], &unions[s.elems[i]])
		}
	}
}

// shiftStack compiles push_front and pop_front.
func (k *compiler) shiftStack(e, by spec.Expr, push bool) stepFn {
	s, n := k.stackOf(e), k.index(by, 0)
	headers, unions := k.headers, k.unions
	swap := func(phv []uint64, i, j int) { swapHeaders(phv, &headers[s.elems[i]], &headers[s.elems[j]]) }
	void := func(phv []uint64, i int) { headers[s.elems[i]].setInvalid(phv) }
	if e.Type() == spec.TypeUnionStack {
		swap = func(phv []uint64, i, j int) {
			a, b := &unions[s.elems[i]], &unions[s.elems[j]]
			phv[a.slot], phv[b.slot] = phv[b.slot], phv[a.slot]
			for m := range a.members {
				swapHeaders(phv, &headers[a.members[m]], &headers[b.members[m]])
			}
		}
		void = func([]uint64, int) {} // simple_switch leaves the unions that come in as they are
	}
	size := len(s.elems)
	if push {
		return func(p *packet) {
			by := int(min(n(p), uint64(size)))
			p.phv[s.next] = min(uint64(size), p.phv[s.next]+uint64(by))
			for i := size - 1; i >= by && by > 0; i-- {
				swap(p.phv, i, i-by)
			}
			for i := range by {
				void(p.phv, i)
			}
		}
	}
	return func(p *packet) {
		by := int(min(n(p), uint64(size)))
		p.phv[s.next] -= min(p.phv[s.next], uint64(by))
		for i := 0; i < size-by && by > 0; i++ {
			swap(p.phv, i, i+by)
		}
		for i := size - by; i < size; i++ {
			void(p.phv, i)
		}
	}
}

// validity compiles setValid and setInvalid, which keep count of the packet's length.
func (k *compiler) validity(op string, e spec.Expr) stepFn {
	var to headFn
	if r, ok := e.(spec.HeaderRef); ok {
		h := &k.headers[r.Header]
		to = func(*packet) *header { return h }
	} else {
		to = k.headerOf(e, 0)
	}
	switch op {
	case "add_header":
		return func(p *packet) { p.addHeader(to(p)) }
	case "add_header_fast":
		return func(p *packet) { to(p).setValid(p.phv) }
	default:
		return func(p *packet) { p.removeHeader(to(p)) }
	}
}

// addHeader is setValid of a header that was not: its fields become zero.
func (p *packet) addHeader(h *header) {
	if p.phv[h.valid] != 0 {
		return
	}
	clear(p.phv[h.first : h.first+h.n])
	p.phv[h.origin], p.phv[h.origin+1] = 0, 0
	h.setValid(p.phv)
	p.pktLength += h.bytes(p.phv)
}

func (p *packet) removeHeader(h *header) {
	if p.phv[h.valid] != 0 {
		p.pktLength -= h.bytes(p.phv)
		h.setInvalid(p.phv)
	}
}

func (k *compiler) markToDrop(op string, args []spec.Expr) (stepFn, error) {
	egress, group := k.std.egressSpec, k.std.mcastGroup
	if op == "mark_to_drop" {
		h := &k.headers[args[0].(spec.HeaderRef).Header]
		t := &k.prog.HeaderTypes[h.typ]
		egress, group = h.fields[t.Field("egress_spec")], field{slot: none}
		if i := t.Field("mcast_grp"); i >= 0 {
			group = h.fields[i]
		}
	}
	if egress.words != 1 || egress.varbit || group.slot != none && (group.words != 1 || group.varbit) {
		return nil, fmt.Errorf("egress_spec and mcast_grp must be of fixed width and at most 64 bits")
	}
	slot, mask, grp := egress.slot, egress.mask, group.slot
	if grp == none {
		return func(p *packet) { p.phv[slot] = p.sw.dropPort & mask }, nil
	}
	return func(p *packet) {
		p.phv[slot] = p.sw.dropPort & mask
		p.phv[grp] = 0
	}, nil
}
