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
