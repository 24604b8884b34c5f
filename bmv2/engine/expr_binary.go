package engine

import (
	"math/big"

	"github.com/telltale-net/telltale/bmv2/spec"
)

func (k *compiler) binary(e spec.Binary, base int) intFn {
	if f := k.binaryConst(e, base); f != nil {
		return f
	}
	switch e.Op {
	case spec.OpAdd, spec.OpSub, spec.OpMul, spec.OpBitAnd, spec.OpBitOr, spec.OpBitXor:
		x, y := k.int(e.X, base), k.int(e.Y, base)
		switch e.Op {
		case spec.OpAdd:
			return func(p *packet) uint64 { return x(p) + y(p) }
		case spec.OpSub:
			return func(p *packet) uint64 { return x(p) - y(p) }
		case spec.OpMul:
			return func(p *packet) uint64 { return x(p) * y(p) }
		case spec.OpBitAnd:
			return func(p *packet) uint64 { return x(p) & y(p) }
		case spec.OpBitOr:
			return func(p *packet) uint64 { return x(p) | y(p) }
		default:
			return func(p *packet) uint64 { return x(p) ^ y(p) }
		}
	case spec.OpShl:
		x, y := k.int(e.X, base), k.shift(e.Y, base)
		return func(p *packet) uint64 { return x(p) << y(p) }
	}
	xi, yi := k.interval(e.X), k.interval(e.Y)
	if !xi.narrow() || (!yi.narrow() && e.Op != spec.OpShr) {
		return k.lowOfWide(e, base)
	}
	x := k.int(e.X, base)
	signed := !xi.within(uint64s)
	switch e.Op {
	case spec.OpShr:
		y := k.shift(e.Y, base)
		if signed {
			return func(p *packet) uint64 { return uint64(int64(x(p)) >> y(p)) }
		}
		return func(p *packet) uint64 { return x(p) >> y(p) }
	case spec.OpDiv, spec.OpMod:
		if signed || !yi.within(uint64s) {
			return k.lowOfWide(e, base)
		}
		y, mod := k.int(e.Y, base), e.Op == spec.OpMod
		return func(p *packet) uint64 {
			a, b := x(p), y(p)
			switch {
			case b == 0:
				return 0
			case mod:
				return a % b
			}
			return a / b
		}
	case spec.OpTwoCompMod:
		return signExtender(x, int(yi.hi.Int64()))
	case spec.OpUSatCast, spec.OpSatCast:
		w := unsigned(int(yi.hi.Int64()))
		if e.Op == spec.OpSatCast {
			w = interval{signedLo(yi), signedHi(yi)}
		}
		if xi.within(w) {
			return x
		}
		lo, hi := lowWord(w.lo), lowWord(w.hi)
		if signed {
			// x is an int64; a bound beyond is never reached.
			low, high := int64(-1<<63), int64(1<<63-1)
			if w.lo.IsInt64() {
				low = int64(lo)
			}
			if w.hi.IsInt64() {
				high = int64(hi)
			}
			return func(p *packet) uint64 { return uint64(min(max(int64(x(p)), low), high)) }
		}
		if !w.hi.IsUint64() {
			return x
		}
		return func(p *packet) uint64 { return min(x(p), hi) }
	}
	panic("BUG: an integer operator of unknown kind")
}

func signedLo(w interval) *big.Int { return signed(int(w.hi.Int64())).lo }

func signedHi(w interval) *big.Int { return signed(int(w.hi.Int64())).hi }

func signExtender(x intFn, width int) intFn {
	if width >= 64 {
		return x
	}
	s := uint(64 - width)
	return func(p *packet) uint64 { return uint64(int64(x(p)<<s) >> s) }
}

// binaryConst compiles the forms with a constant on the right that programs are
// full of; nil when e is none of them.
func (k *compiler) binaryConst(e spec.Binary, base int) intFn {
	c, ok := e.Y.(spec.Const)
	if !ok {
		return nil
	}
	v := lowWord(c.Value)
	switch e.Op {
	case spec.OpAdd:
		x := k.int(e.X, base)
		return func(p *packet) uint64 { return x(p) + v }
	case spec.OpSub:
		x := k.int(e.X, base)
		return func(p *packet) uint64 { return x(p) - v }
	case spec.OpBitAnd:
		x := k.int(e.X, base)
		if x := k.interval(e.X); x.lo.Sign() >= 0 && x.hi.IsUint64() && v&lowWord(x.hi) == lowWord(x.hi) && allOnes(x.hi) {
			return k.int(e.X, base) // the mask takes nothing away
		}
		return func(p *packet) uint64 { return x(p) & v }
	case spec.OpBitOr:
		x := k.int(e.X, base)
		return func(p *packet) uint64 { return x(p) | v }
	}
	return nil
}

func allOnes(v *big.Int) bool {
	return v.TrailingZeroBits() == 0 && new(big.Int).Add(v, bigOne).TrailingZeroBits() == uint(v.BitLen())
}
