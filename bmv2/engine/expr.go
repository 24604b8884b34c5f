package engine

import (
	"math/big"

	"github.com/telltale-net/telltale/bmv2/spec"
)

// Expressions that are no code become closures over slot numbers. An integer
// expression is compiled in one of two ways:
//
//   - narrow: a uint64, the value modulo 2^64. Sums, products, left shifts and bit
//     operations need no more of their operands than that; right shifts, division,
//     comparison and saturation need exact operands, which the narrow form gives
//     when the operand's [interval] fits into an int64 or a uint64.
//   - wide: words of scratch memory, for everything else.
//
// So arithmetic is exact, as in simple_switch, and yet what programs do all day
// runs on machine words.
type (
	intFn  func(p *packet) uint64
	boolFn func(p *packet) bool
	wideFn func(p *packet, dst []uint64)
	headFn func(p *packet) *header
)

// compiler makes closures. It remembers how much scratch memory they need.
type compiler struct {
	*layout
	scratch  int
	pool     map[uint64]uint32 // slots of constants, by value
	temps    []uint32          // slots of intermediate results
	argAt    []int             // of the action being compiled: where each argument's words start
	std      standard
	setUses  []setUse
	keyWords int    // of the longest lookup or transition key
	touch    stepFn // of the last primitive, if it has another form for the trace
	self     bool   // a length expression is being compiled: arguments are the header's own fields
}

// tmp says where n words of scratch are, given that base words are taken.
func (k *compiler) tmp(base, n int) (lo, hi int) {
	k.scratch = max(k.scratch, base+n)
	return base, base + n
}

// int compiles e to its value modulo 2^64.
func (k *compiler) int(e spec.Expr, base int) intFn {
	switch e := e.(type) {
	case spec.Const:
		v := lowWord(e.Value)
		return func(*packet) uint64 { return v }
	case spec.FieldRef:
		return loadField(k.field(e))
	case spec.StackField, spec.UnionStackField, spec.AccessField:
		h, f := k.memberOf(e, base)
		return func(p *packet) uint64 {
			f := &h(p).fields[f]
			return extend(p.phv[f.slot], f)
		}
	case spec.ParamRef:
		return k.param(e)
	case spec.RegisterCell:
		return k.registerCell(e, base)
	case spec.Lookahead:
		return lookahead(e)
	case spec.Cond:
		c, x, y := k.bool(e.If, base), k.int(e.Then, base), k.int(e.Else, base)
		return func(p *packet) uint64 {
			if c(p) {
				return x(p)
			}
			return y(p)
		}
	case spec.Unary:
		return k.unary(e, base)
	case spec.Binary:
		return k.binary(e, base)
	}
	panic("BUG: an integer expression of unknown kind")
}

func lowWord(v *big.Int) uint64 {
	w := new(big.Int).And(v, maxWord)
	return w.Uint64()
}

func (k *compiler) unary(e spec.Unary, base int) intFn {
	switch e.Op {
	case spec.OpBitNot:
		x := k.int(e.X, base)
		return func(p *packet) uint64 { return ^x(p) }
	case spec.OpBoolToData:
		x := k.bool(e.X, base)
		return func(p *packet) uint64 {
			if x(p) {
				return 1
			}
			return 0
		}
	case spec.OpSizeStack, spec.OpLastStackIndex:
		next := k.stackOf(e.X).next
		less := uint64(0)
		if e.Op == spec.OpLastStackIndex {
			less = 1
		}
		return func(p *packet) uint64 { return p.phv[next] - less }
	}
	panic("BUG: an integer operator of unknown kind")
}

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

// lowOfWide computes e, whose operands are not all narrow, as a wide number and
// takes its lowest word.
func (k *compiler) lowOfWide(e spec.Binary, base int) intFn {
	lo, hi := k.tmp(base, 1)
	x := k.wideBinary(e, 1, hi)
	return func(p *packet) uint64 {
		t := p.sw.scratch[lo:hi]
		x(p, t)
		return t[0]
	}
}
