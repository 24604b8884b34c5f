package engine

import (
	"math/big"

	"github.com/telltale-net/telltale/bmv2/spec"
)

// maxWideBits bounds intermediate results. p4c masks after every operation that
// could grow further; what grows beyond is kept modulo 2^maxWideBits.
const maxWideBits = 2 * maxFieldWidth

// interval bounds the values an expression may have, ends included.
type interval struct{ lo, hi *big.Int }

var (
	bigZero  = new(big.Int)
	bigOne   = big.NewInt(1)
	anyValue = interval{new(big.Int).Neg(power(maxWideBits - 1)), below(maxWideBits - 1)}
	int64s   = interval{new(big.Int).Neg(power(63)), below(63)}
	uint64s  = interval{bigZero, below(64)}
)

func power(n int) *big.Int { return new(big.Int).Lsh(bigOne, uint(n)) }

// below is 2^n - 1.
func below(n int) *big.Int { p := power(n); return p.Sub(p, bigOne) }

func unsigned(bits int) interval { return interval{bigZero, below(bits)} }
func signed(bits int) interval {
	return interval{new(big.Int).Neg(power(bits - 1)), below(bits - 1)}
}

func (v interval) within(o interval) bool { return v.lo.Cmp(o.lo) >= 0 && v.hi.Cmp(o.hi) <= 0 }

// narrow says whether 64 bits hold every value exactly, given the sign.
func (v interval) narrow() bool { return v.within(int64s) || v.within(uint64s) }

// words is how many words hold every value as two's complement.
func (v interval) words() int {
	n := max(v.lo.BitLen(), v.hi.BitLen()) + 1
	return (n + 63) / 64
}

func (v interval) clamp() interval {
	if v.within(anyValue) {
		return v
	}
	return anyValue
}

func (l *layout) fieldInterval(f field) interval {
	if f.signed {
		return signed(int(f.width))
	}
	return unsigned(int(f.width))
}

// interval bounds an integer expression.
func (l *layout) interval(e spec.Expr) interval {
	switch e := e.(type) {
	case spec.Const:
		return interval{e.Value, e.Value}.clamp()
	case spec.FieldRef:
		return l.fieldInterval(l.field(e))
	case spec.StackField:
		return l.fieldInterval(l.typeField(l.prog.Stacks[e.Stack].Type, e.Field))
	case spec.UnionStackField:
		return l.fieldInterval(l.typeField(l.prog.UnionTypes[l.prog.UnionStacks[e.UnionStack].Type].Members[e.Member].Type, e.Field))
	case spec.AccessField:
		return l.fieldInterval(l.typeField(e.HeaderType, e.Field))
	case spec.ParamRef:
		return unsigned(e.Width)
	case spec.RegisterCell:
		return unsigned(l.prog.Registers[e.Register].Width)
	case spec.Lookahead:
		return unsigned(e.Width).clamp()
	case spec.Cond:
		a, b := l.interval(e.Then), l.interval(e.Else)
		return interval{bigMin(a.lo, b.lo), bigMax(a.hi, b.hi)}
	case spec.Unary:
		switch e.Op {
		case spec.OpBitNot:
			x := l.interval(e.X)
			return interval{new(big.Int).Not(x.hi), new(big.Int).Not(x.lo)}.clamp()
		case spec.OpBoolToData:
			return unsigned(1)
		case spec.OpLastStackIndex, spec.OpSizeStack:
			return unsigned(64)
		}
	case spec.Binary:
		return binaryInterval(e, l.interval(e.X), l.interval(e.Y)).clamp()
	}
	return anyValue
}

// typeField is the field of a header type's void instance: its shape.
func (l *layout) typeField(headerType, f int) field {
	return l.field(spec.FieldRef{Header: int(l.voids[headerType]), Field: f})
}

func bigMin(a, b *big.Int) *big.Int {
	if a.Cmp(b) < 0 {
		return a
	}
	return b
}

func bigMax(a, b *big.Int) *big.Int {
	if a.Cmp(b) > 0 {
		return a
	}
	return b
}

func binaryInterval(e spec.Binary, x, y interval) interval {
	n := func() *big.Int { return new(big.Int) }
	corners := func(f func(a, b *big.Int) *big.Int) interval {
		v := f(x.lo, y.lo)
		out := interval{v, v}
		for _, v := range []*big.Int{f(x.lo, y.hi), f(x.hi, y.lo), f(x.hi, y.hi)} {
			out = interval{bigMin(out.lo, v), bigMax(out.hi, v)}
		}
		return out
	}
	switch e.Op {
	case spec.OpAdd:
		return interval{n().Add(x.lo, y.lo), n().Add(x.hi, y.hi)}
	case spec.OpSub:
		return interval{n().Sub(x.lo, y.hi), n().Sub(x.hi, y.lo)}
	case spec.OpMul:
		return corners(func(a, b *big.Int) *big.Int { return n().Mul(a, b) })
	case spec.OpShl:
		if y.hi.Cmp(big.NewInt(maxWideBits)) > 0 {
			return anyValue
		}
		return corners(func(a, b *big.Int) *big.Int { return n().Lsh(a, uint(bigMax(b, bigZero).Uint64())) })
	case spec.OpShr:
		by := uint(maxWideBits)
		if y.lo.Cmp(big.NewInt(maxWideBits)) < 0 {
			by = uint(bigMax(y.lo, bigZero).Uint64())
		}
		if y.lo.Cmp(y.hi) == 0 {
			return interval{n().Rsh(x.lo, by), n().Rsh(x.hi, by)}
		}
		return interval{bigMin(x.lo, bigZero), bigMax(x.hi, bigZero)}
	case spec.OpDiv:
		return interval{bigZero, bigMax(x.hi, bigZero)}
	case spec.OpMod:
		return interval{bigZero, bigMax(bigMin(x.hi, y.hi), bigZero)}
	case spec.OpBitAnd:
		switch a, b := x.lo.Sign() >= 0, y.lo.Sign() >= 0; {
		case a && b:
			return interval{bigZero, bigMin(x.hi, y.hi)}
		case a:
			return interval{bigZero, x.hi}
		case b:
			return interval{bigZero, y.hi}
		}
		return signed(bitsOf(x, y))
	case spec.OpBitOr, spec.OpBitXor:
		if x.lo.Sign() >= 0 && y.lo.Sign() >= 0 {
			return unsigned(max(x.hi.BitLen(), y.hi.BitLen()))
		}
		return signed(bitsOf(x, y))
	case spec.OpTwoCompMod:
		if w := signed(int(y.hi.Int64())); !x.within(w) {
			return w
		}
		return x
	case spec.OpUSatCast:
		return unsigned(int(y.hi.Int64()))
	case spec.OpSatCast:
		return signed(int(y.hi.Int64()))
	}
	return anyValue
}

// bitsOf is the bits that hold both intervals as two's complement.
func bitsOf(x, y interval) int {
	return 1 + max(x.lo.BitLen(), x.hi.BitLen(), y.lo.BitLen(), y.hi.BitLen())
}
