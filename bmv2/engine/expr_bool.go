package engine

import "github.com/telltale-net/telltale/bmv2/spec"

// bool compiles a boolean expression.
func (k *compiler) bool(e spec.Expr, base int) boolFn {
	switch e := e.(type) {
	case spec.Bool:
		v := e.Value
		return func(*packet) bool { return v }
	case spec.Cond:
		c, x, y := k.bool(e.If, base), k.bool(e.Then, base), k.bool(e.Else, base)
		return func(p *packet) bool {
			if c(p) {
				return x(p)
			}
			return y(p)
		}
	case spec.Unary:
		return k.boolUnary(e, base)
	case spec.Binary:
		return k.boolBinary(e, base)
	}
	panic("BUG: a boolean expression of unknown kind")
}

func (k *compiler) boolUnary(e spec.Unary, base int) boolFn {
	switch e.Op {
	case spec.OpNot:
		x := k.bool(e.X, base)
		return func(p *packet) bool { return !x(p) }
	case spec.OpDataToBool:
		if f, ok := e.X.(spec.FieldRef); ok && k.field(f).words == 1 {
			slot := k.field(f).slot
			return func(p *packet) bool { return p.phv[slot] != 0 }
		}
		return k.compare(spec.OpNe, e.X, spec.Const{Value: bigZero}, base)
	case spec.OpValid:
		if h, ok := e.X.(spec.HeaderRef); ok {
			slot := k.headers[h.Header].valid
			return func(p *packet) bool { return p.phv[slot] != 0 }
		}
		h := k.headerOf(e.X, base)
		return func(p *packet) bool { return p.phv[h(p).valid] != 0 }
	case spec.OpValidUnion:
		u := k.unionOf(e.X, base)
		return func(p *packet) bool {
			u := u(p)
			return u != nil && p.phv[u.slot] != 0
		}
	}
	panic("BUG: a boolean operator of unknown kind")
}

func (k *compiler) boolBinary(e spec.Binary, base int) boolFn {
	switch e.Op {
	case spec.OpAnd:
		x, y := k.bool(e.X, base), k.bool(e.Y, base)
		return func(p *packet) bool { return x(p) && y(p) }
	case spec.OpOr:
		x, y := k.bool(e.X, base), k.bool(e.Y, base)
		return func(p *packet) bool { return x(p) || y(p) }
	case spec.OpEqBool:
		x, y := k.bool(e.X, base), k.bool(e.Y, base)
		return func(p *packet) bool { return x(p) == y(p) }
	case spec.OpNeBool:
		x, y := k.bool(e.X, base), k.bool(e.Y, base)
		return func(p *packet) bool { return x(p) != y(p) }
	case spec.OpEqHeader, spec.OpNeHeader:
		x, y, want := k.headerOf(e.X, base), k.headerOf(e.Y, base), e.Op == spec.OpEqHeader
		return func(p *packet) bool { return equalHeaders(p.phv, x(p), y(p)) == want }
	case spec.OpEqUnion, spec.OpNeUnion:
		x, y, want, headers := k.unionOf(e.X, base), k.unionOf(e.Y, base), e.Op == spec.OpEqUnion, k.headers
		return func(p *packet) bool { return equalUnions(p.phv, headers, x(p), y(p)) == want }
	case spec.OpEqVarBit, spec.OpNeVarBit:
		x, y := k.field(spec.FieldRef(e.X.(spec.VarBitRef))), k.field(spec.FieldRef(e.Y.(spec.VarBitRef)))
		want := e.Op == spec.OpEqVarBit
		return func(p *packet) bool { return equalVarBits(p.phv, &x, &y) == want }
	case spec.OpEq, spec.OpNe, spec.OpLt, spec.OpGt, spec.OpLe, spec.OpGe:
		return k.compare(e.Op, e.X, e.Y, base)
	}
	panic("BUG: a boolean operator of unknown kind")
}

// equalHeaders is BMv2's ==h: both valid, of one type and with equal fields.
func equalHeaders(phv []uint64, x, y *header) bool {
	if x.typ != y.typ || phv[x.valid] == 0 || phv[y.valid] == 0 {
		return false
	}
	for i := range x.fields {
		f, g := &x.fields[i], &y.fields[i]
		if f.varbit {
			if !equalVarBits(phv, f, g) {
				return false
			}
			continue
		}
		for w := range f.words {
			if phv[f.slot+w] != phv[g.slot+w] {
				return false
			}
		}
	}
	return true
}

// equalVarBits compares varbit fields as simple_switch does: as integers.
func equalVarBits(phv []uint64, x, y *field) bool {
	last := func(f *field, i int) byte { // the i-th byte from the end
		at := int(phv[f.slot])/8 - 1 - i
		if at < 0 {
			return 0
		}
		return byte(phv[int(f.slot)+1+at/8] >> (56 - 8*(at%8)))
	}
	for i := range int(max(phv[x.slot], phv[y.slot])+7) / 8 {
		if last(x, i) != last(y, i) {
			return false
		}
	}
	return true
}

func equalUnions(phv []uint64, headers []header, x, y *union) bool {
	if x == nil || y == nil || phv[x.slot] == 0 || phv[x.slot] != phv[y.slot] {
		return false
	}
	m := phv[x.slot] - 1
	return equalHeaders(phv, &headers[x.members[m]], &headers[y.members[m]])
}

// compare compiles a comparison of integers.
func (k *compiler) compare(op spec.Op, ex, ey spec.Expr, base int) boolFn {
	xi, yi := k.interval(ex), k.interval(ey)
	both := interval{bigMin(xi.lo, yi.lo), bigMax(xi.hi, yi.hi)}
	if !both.narrow() {
		return k.compareWide(op, ex, ey, max(xi.words(), yi.words()), base)
	}
	if c, ok := ey.(spec.Const); ok {
		if f, ok := ex.(spec.FieldRef); ok && !k.field(f).signed && (op == spec.OpEq || op == spec.OpNe) {
			slot, v := k.field(f).slot, lowWord(c.Value)
			if op == spec.OpEq {
				return func(p *packet) bool { return p.phv[slot] == v }
			}
			return func(p *packet) bool { return p.phv[slot] != v }
		}
	}
	x, y := k.int(ex, base), k.int(ey, base)
	switch op {
	case spec.OpEq:
		return func(p *packet) bool { return x(p) == y(p) }
	case spec.OpNe:
		return func(p *packet) bool { return x(p) != y(p) }
	case spec.OpGt:
		return k.less(both, y, x)
	case spec.OpLt:
		return k.less(both, x, y)
	case spec.OpGe:
		l := k.less(both, x, y)
		return func(p *packet) bool { return !l(p) }
	default:
		l := k.less(both, y, x)
		return func(p *packet) bool { return !l(p) }
	}
}

func (k *compiler) less(both interval, x, y intFn) boolFn {
	if both.within(uint64s) {
		return func(p *packet) bool { return x(p) < y(p) }
	}
	return func(p *packet) bool { return int64(x(p)) < int64(y(p)) }
}

func (k *compiler) compareWide(op spec.Op, ex, ey spec.Expr, n, base int) boolFn {
	xlo, xhi := k.tmp(base, n)
	ylo, yhi := k.tmp(xhi, n)
	x, y := k.wide(ex, n, yhi), k.wide(ey, n, yhi)
	return func(p *packet) bool {
		a, b := p.sw.scratch[xlo:xhi], p.sw.scratch[ylo:yhi]
		x(p, a)
		y(p, b)
		c := wideCmp(a, b)
		switch op {
		case spec.OpEq:
			return c == 0
		case spec.OpNe:
			return c != 0
		case spec.OpGt:
			return c > 0
		case spec.OpLt:
			return c < 0
		case spec.OpGe:
			return c >= 0
		default:
			return c <= 0
		}
	}
}
