package engine

import "github.com/telltale-net/telltale/bmv2/spec"

// branch goes on if e is not what is wanted, and returns the jumps that are taken
// if it is.
func (l *lowerer) branch(e spec.Expr, want bool) (jumps []uint32) {
	switch e := e.(type) {
	case spec.Bool:
		if e.Value == want {
			jumps = []uint32{l.emit(instr{op: opJump})}
		}
		return jumps
	case spec.Cond:
		no := l.branch(e.If, false)
		jumps = l.branch(e.Then, want)
		end := l.emit(instr{op: opJump})
		l.land(no...)
		jumps = append(jumps, l.branch(e.Else, want)...)
		l.land(end)
		return jumps
	case spec.Unary:
		switch e.Op {
		case spec.OpNot:
			return l.branch(e.X, !want)
		case spec.OpDataToBool:
			if b, ok := e.X.(spec.Unary); ok && b.Op == spec.OpBoolToData {
				return l.branch(b.X, want)
			}
			if l.interval(e.X).narrow() {
				return l.nonZero(e.X, want)
			}
		case spec.OpValid:
			if h, ok := e.X.(spec.HeaderRef); ok {
				return l.nonZero(spec.FieldRef{Header: h.Header, Field: spec.ValidField}, want)
			}
		}
	case spec.Binary:
		switch e.Op {
		case spec.OpAnd, spec.OpOr:
			// With "and" for "or" and true for false it is the same.
			if decides := e.Op == spec.OpOr; decides == want {
				return append(l.branch(e.X, want), l.branch(e.Y, want)...)
			}
			no := l.branch(e.X, !want)
			jumps = l.branch(e.Y, want)
			l.land(no...)
			return jumps
		case spec.OpEq, spec.OpNe, spec.OpLt, spec.OpGt, spec.OpLe, spec.OpGe:
			if j, ok := l.compare(e, want); ok {
				return []uint32{j}
			}
		}
	}
	in := instr{op: opIfNotTest, a: uint32(len(l.tests))}
	if want {
		in.op = opIfTest
	}
	l.reads(e)
	l.tests = append(l.tests, l.bool(e, 0))
	return []uint32{l.emit(in)}
}

func (l *lowerer) nonZero(e spec.Expr, want bool) []uint32 {
	if f, ok := e.(spec.FieldRef); ok {
		if b, ok := l.known[l.field(f).slot].(spec.Unary); ok {
			return l.branch(b.X, want)
		}
	}
	depth := l.depth
	in := instr{op: opUnless, a: l.operand(e, ^uint64(0))}
	if want {
		in.op = opIf
	}
	l.depth = depth
	return []uint32{l.emit(in)}
}

// contrary is the comparison that holds when another does not.
var contrary = map[spec.Op]spec.Op{spec.OpEq: spec.OpNe, spec.OpNe: spec.OpEq,
	spec.OpLt: spec.OpGe, spec.OpGe: spec.OpLt, spec.OpGt: spec.OpLe, spec.OpLe: spec.OpGt}

// mirrored is the comparison with its sides exchanged.
var mirrored = map[spec.Op]spec.Op{spec.OpEq: spec.OpEq, spec.OpNe: spec.OpNe,
	spec.OpLt: spec.OpGt, spec.OpGt: spec.OpLt, spec.OpLe: spec.OpGe, spec.OpGe: spec.OpLe}

// compare writes a comparison of numbers that 64 bits hold.
func (l *lowerer) compare(e spec.Binary, want bool) (jump uint32, ok bool) {
	xi, yi := l.interval(e.X), l.interval(e.Y)
	both := interval{bigMin(xi.lo, yi.lo), bigMax(xi.hi, yi.hi)}
	equality := e.Op == spec.OpEq || e.Op == spec.OpNe
	if !both.within(uint64s) && !(equality && both.narrow()) {
		return 0, false
	}
	op, x, y := e.Op, e.X, e.Y
	if !want {
		op = contrary[op]
	}
	if _, ok := x.(spec.Const); ok {
		op, x, y = mirrored[op], y, x
	}
	depth := l.depth
	defer func() { l.depth = depth }()
	a := l.operand(x, ^uint64(0))
	if c, ok := y.(spec.Const); ok {
		k := lowWord(c.Value)
		in := instr{a: a, k: k}
		switch op {
		case spec.OpEq:
			in.op = opIfEq
		case spec.OpNe:
			in.op = opIfNe
		case spec.OpLt:
			in.op = opIfLt
		case spec.OpGe:
			in.op = opIfGe
		}
		// a > k is a >= k+1, if there is such a number.
		if k != ^uint64(0) {
			switch op {
			case spec.OpGt:
				in.op, in.k = opIfGe, k+1
			case spec.OpLe:
				in.op, in.k = opIfLt, k+1
			}
		}
		if in.op != 0 {
			return l.emit(in), true
		}
	}
	in := instr{a: a, b: l.operand(y, ^uint64(0))}
	if op == spec.OpGt || op == spec.OpLe {
		op, in.a, in.b = mirrored[op], in.b, in.a
	}
	switch op {
	case spec.OpEq:
		in.op = opIfSame
	case spec.OpNe:
		in.op = opIfDiff
	case spec.OpLt:
		in.op = opIfLess
	case spec.OpGe:
		in.op = opIfNotLess
	}
	return l.emit(in), true
}
