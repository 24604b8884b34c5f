package engine

import (
	"github.com/telltale-net/telltale/bmv2/spec"
)

func always(step stepFn) parseOp {
	return func(p *packet) int64 {
		step(p)
		return accept
	}
}

func advance(bits intFn, ps *parser) parseOp {
	short, bad := ps.errors[packetTooShort], ps.errors[parserInvalidArgument]
	return func(p *packet) int64 {
		n := bits(p)
		if n%8 != 0 {
			return bad
		}
		if uint64(p.end-p.pos) < n/8 {
			return short
		}
		p.pos += int(n / 8)
		return accept
	}
}

// extract compiles an extraction; length gives the bits of the varbit field.
func (k *compiler) extract(target spec.Expr, length intFn, ps *parser) parseOp {
	headers := k.headers
	switch t := target.(type) {
	case spec.HeaderRef:
		h := &k.headers[t.Header]
		return k.extractTo(h.typ, func(*packet) *header { return h }, length, ps)
	case spec.StackRef:
		s := &k.stacks[t.Stack]
		out := ps.errors[stackOutOfBounds]
		do := k.extractTo(k.prog.Stacks[t.Stack].Type, func(p *packet) *header { return &headers[s.elems[p.phv[s.next]]] }, length, ps)
		return push(s, do, out)
	case spec.UnionStackMember:
		s, unions := &k.ustacks[t.UnionStack], k.unions
		typ := k.prog.UnionTypes[k.prog.UnionStacks[t.UnionStack].Type].Members[t.Member].Type
		do := k.extractTo(typ, func(p *packet) *header { return &headers[unions[s.elems[p.phv[s.next]]].members[t.Member]] }, length, ps)
		return push(s, do, ps.errors[stackOutOfBounds])
	}
	panic("BUG: a target of extract of unknown kind")
}

// push wraps an extraction to the next element of a stack.
func push(s *stack, do parseOp, full int64) parseOp {
	return func(p *packet) int64 {
		if p.phv[s.next] >= uint64(len(s.elems)) {
			return full
		}
		if code := do(p); code != accept {
			return code
		}
		p.phv[s.next]++
		return accept
	}
}

// extract extracts a plain header; false if the packet is too short.
func (p *packet) extract(h *header) bool {
	w := h.wire
	if p.end-p.pos < w.bytes {
		return false
	}
	w.extract(p.phv[h.first:h.first+h.n], p.buf[p.pos:])
	p.phv[h.valid] = 1
	if h.tracked {
		p.phv[h.origin], p.phv[h.origin+1] = p.origin(p.pos), 0
	}
	p.pos += w.bytes
	return true
}

// extractTo extracts to a header of a type, known at run time.
func (k *compiler) extractTo(typ int, to headFn, length intFn, ps *parser) parseOp {
	short, long, bad := ps.errors[packetTooShort], ps.errors[headerTooShort], ps.errors[parserInvalidArgument]
	t := &k.prog.HeaderTypes[typ]
	if t.VarBit < 0 {
		return func(p *packet) int64 {
			h := to(p)
			if p.end-p.pos < h.wire.bytes {
				return short
			}
			h.wire.extract(p.phv[h.first:h.first+h.n], p.buf[p.pos:])
			h.setValid(p.phv)
			p.pos += h.wire.bytes
			return accept
		}
	}
	if length == nil {
		k.self = true
		length = k.index(t.LengthExp, 0)
		k.self = false
	}
	own := t.LengthExp != nil
	return func(p *packet) int64 {
		h := to(p)
		w, fields := h.wire, p.phv[h.first:h.first+h.n]
		room := p.end - p.pos - w.bytes
		if room < 0 {
			return short
		}
		p.extracting = h
		var n uint64
		// check refuses a length before anything of the varbit field is read.
		check := func() int64 {
			switch n = length(p); {
			case n%8 != 0:
				return bad
			case n/8 > uint64(room):
				return short
			case n > uint64(w.bits[w.varbit].width):
				return long
			}
			return accept
		}
		if !own {
			if code := check(); code != accept {
				return code
			}
		}
		at := 8 * p.pos
		for i, f := range w.bits {
			if i != w.varbit {
				getField(p.buf, at, f, fields)
				at += int(f.width)
				continue
			}
			if own { // it depends on the fields before
				if code := check(); code != accept {
					return code
				}
			}
			getVarBit(p.buf, at, int(n), f, fields)
			at += int(n)
		}
		h.setValid(p.phv)
		p.pos = at / 8
		return accept
	}
}
