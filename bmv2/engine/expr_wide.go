package engine

import "github.com/telltale-net/telltale/bmv2/spec"

// wide compiles e to its value modulo 2^(64n). dst must not be part of the
// scratch memory from base on.
func (k *compiler) wide(e spec.Expr, n, base int) wideFn {
	if v := k.interval(e); v.narrow() {
		x, unsigned := k.int(e, base), v.within(uint64s)
		return func(p *packet, dst []uint64) {
			dst[0] = x(p)
			if n > 1 {
				fill(dst[1:], dst[0], unsigned)
			}
		}
	}
	switch e := e.(type) {
	case spec.Const:
		v := make([]uint64, n)
		bigWide(v, e.Value)
		return func(_ *packet, dst []uint64) { copy(dst, v) }
	case spec.FieldRef:
		f := k.field(e)
		return func(p *packet, dst []uint64) { loadWide(p.phv, &f, dst) }
	case spec.StackField, spec.UnionStackField, spec.AccessField:
		h, f := k.memberOf(e, base)
		return func(p *packet, dst []uint64) { loadWide(p.phv, &h(p).fields[f], dst) }
	case spec.ParamRef:
		if k.self {
			f := e.Index
			return func(p *packet, dst []uint64) { loadWide(p.phv, &p.extracting.fields[f], dst) }
		}
		at, words := k.arg(e), uint32(e.Width+63)/64
		return func(p *packet, dst []uint64) { loadWords(dst, p.phv[at:at+words]) }
	case spec.RegisterCell:
		r, words, index := e.Register, (k.prog.Registers[e.Register].Width+63)/64, k.index(e.Index, base)
		return func(p *packet, dst []uint64) {
			cells := p.sw.registers[r].cells
			if i := index(p); i < uint64(len(cells)/words) {
				loadWords(dst, cells[int(i)*words:(int(i)+1)*words])
				return
			}
			p.sw.stats.IndexErrors++
			clear(dst)
		}
	case spec.Lookahead:
		return func(p *packet, dst []uint64) { p.peekWide(e.Offset, e.Width, dst) }
	case spec.Cond:
		c, x, y := k.bool(e.If, base), k.wide(e.Then, n, base), k.wide(e.Else, n, base)
		return func(p *packet, dst []uint64) {
			if c(p) {
				x(p, dst)
			} else {
				y(p, dst)
			}
		}
	case spec.Unary: // only ~ can be wide
		x := k.wide(e.X, n, base)
		return func(p *packet, dst []uint64) {
			x(p, dst)
			for i := range dst {
				dst[i] = ^dst[i]
			}
		}
	case spec.Binary:
		return k.wideBinary(e, n, base)
	}
	panic("BUG: an integer expression of unknown kind")
}

func fill(dst []uint64, low uint64, unsigned bool) {
	sign := uint64(0)
	if !unsigned {
		sign = uint64(int64(low) >> 63)
	}
	for i := range dst {
		dst[i] = sign
	}
}

func loadWords(dst, src []uint64) { clear(dst[copy(dst, src):]) }

func loadWide(phv []uint64, f *field, dst []uint64) {
	loadWords(dst, phv[f.slot:f.slot+f.words])
	if f.signed {
		wideExtend(dst, int(f.width))
	}
}

func (k *compiler) wideBinary(e spec.Binary, n, base int) wideFn {
	switch e.Op {
	case spec.OpAdd, spec.OpSub, spec.OpMul, spec.OpBitAnd, spec.OpBitOr, spec.OpBitXor:
		xlo, xhi := k.tmp(base, n)
		ylo, yhi := k.tmp(xhi, n)
		x, y, op := k.wide(e.X, n, yhi), k.wide(e.Y, n, yhi), e.Op
		return func(p *packet, dst []uint64) {
			a, b := p.sw.scratch[xlo:xhi], p.sw.scratch[ylo:yhi]
			x(p, a)
			y(p, b)
			wideOp(op, dst, a, b)
		}
	case spec.OpShl:
		x, y := k.wide(e.X, n, base), k.shift(e.Y, base)
		return func(p *packet, dst []uint64) {
			by := y(p)
			x(p, dst)
			wideShl(dst, dst, by)
		}
	}
	// The others need their left operand exactly, and give no more words than it.
	xi := k.interval(e.X)
	m := max(xi.words(), n)
	if e.Op == spec.OpTwoCompMod {
		m = max((int(k.interval(e.Y).hi.Int64())+63)/64, n)
	}
	switch e.Op {
	case spec.OpShr:
		xlo, xhi := k.tmp(base, m)
		x, y := k.wide(e.X, m, xhi), k.shift(e.Y, xhi)
		return func(p *packet, dst []uint64) {
			a := p.sw.scratch[xlo:xhi]
			by := y(p)
			x(p, a)
			wideShr(a, a, by)
			copy(dst, a)
		}
	case spec.OpDiv, spec.OpMod:
		m = max(m, k.interval(e.Y).words())
		xlo, xhi := k.tmp(base, m)
		ylo, yhi := k.tmp(xhi, m)
		x, y, mod := k.wide(e.X, m, yhi), k.wide(e.Y, m, yhi), e.Op == spec.OpMod
		return func(p *packet, dst []uint64) {
			a, b := p.sw.scratch[xlo:xhi], p.sw.scratch[ylo:yhi]
			x(p, a)
			y(p, b)
			wideDivMod(a, a, b, mod)
			copy(dst, a)
		}
	case spec.OpTwoCompMod:
		xlo, xhi := k.tmp(base, m)
		x, width := k.wide(e.X, m, xhi), int(k.interval(e.Y).hi.Int64())
		return func(p *packet, dst []uint64) {
			a := p.sw.scratch[xlo:xhi]
			x(p, a)
			wideExtend(a, width)
			copy(dst, a)
		}
	case spec.OpUSatCast, spec.OpSatCast:
		w := unsigned(int(k.interval(e.Y).hi.Int64()))
		if e.Op == spec.OpSatCast {
			w = signed(int(k.interval(e.Y).hi.Int64()))
		}
		m = max(m, w.words())
		xlo, xhi := k.tmp(base, m)
		x := k.wide(e.X, m, xhi)
		low, high := make([]uint64, m), make([]uint64, m)
		bigWide(low, w.lo)
		bigWide(high, w.hi)
		return func(p *packet, dst []uint64) {
			a := p.sw.scratch[xlo:xhi]
			x(p, a)
			switch {
			case wideCmp(a, low) < 0:
				copy(dst, low)
			case wideCmp(a, high) > 0:
				copy(dst, high)
			default:
				copy(dst, a)
			}
		}
	}
	panic("BUG: an integer operator of unknown kind")
}

func wideOp(op spec.Op, dst, a, b []uint64) {
	switch op {
	case spec.OpAdd:
		wideAdd(dst, a, b)
	case spec.OpSub:
		wideSub(dst, a, b)
	case spec.OpMul:
		wideMul(dst, a, b)
	case spec.OpBitAnd:
		for i := range dst {
			dst[i] = a[i] & b[i]
		}
	case spec.OpBitOr:
		for i := range dst {
			dst[i] = a[i] | b[i]
		}
	default:
		for i := range dst {
			dst[i] = a[i] ^ b[i]
		}
	}
}
