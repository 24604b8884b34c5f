package engine

import "github.com/telltale-net/telltale/bmv2/spec"

// shift compiles a shift distance: a negative one counts as none, one that does
// not fit in 64 bits as longer than everything.
func (k *compiler) shift(e spec.Expr, base int) intFn {
	if c, ok := e.(spec.Const); ok {
		n := uint64(0)
		switch {
		case c.Value.IsUint64():
			n = c.Value.Uint64()
		case c.Value.Sign() > 0:
			n = ^uint64(0)
		}
		return func(*packet) uint64 { return n }
	}
	switch v := k.interval(e); {
	case v.within(uint64s):
		return k.int(e, base)
	case v.within(int64s):
		x := k.int(e, base)
		return func(p *packet) uint64 { return uint64(max(int64(x(p)), 0)) }
	default:
		return k.saturated(e, 0, base)
	}
}

// index compiles an array index: values that are no uint64 become the greatest.
func (k *compiler) index(e spec.Expr, base int) intFn {
	if k.interval(e).narrow() { // a negative one is a great one
		return k.int(e, base)
	}
	return k.saturated(e, ^uint64(0), base)
}

// cell compiles the index of a register, counter or meter: as in simple_switch its
// low 32 bits, if it is not negative.
func (k *compiler) cell(e spec.Expr) intFn {
	if v := k.interval(e); v.lo.Sign() < 0 || v.hi.BitLen() <= 32 {
		return k.index(e, 0)
	}
	x := k.int(e, 0)
	return func(p *packet) uint64 { return uint64(uint32(x(p))) }
}

// saturated clamps to a uint64; negative is what negative numbers become.
func (k *compiler) saturated(e spec.Expr, negative uint64, base int) intFn {
	n := k.interval(e).words()
	lo, hi := k.tmp(base, n)
	x := k.wide(e, n, hi)
	return func(p *packet) uint64 {
		t := p.sw.scratch[lo:hi]
		x(p, t)
		if signOf(t) != 0 {
			return negative
		}
		for _, w := range t[1:] {
			if w != 0 {
				return ^uint64(0)
			}
		}
		return t[0]
	}
}
