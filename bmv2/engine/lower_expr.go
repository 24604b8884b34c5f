package engine

import (
	"math/bits"

	"github.com/telltale-net/telltale/bmv2/spec"
)

// assign writes dst = src if dst is a plain field and 64 bits are enough, or if it
// is one field to another like it.
func (l *lowerer) assign(dst, src spec.Expr) bool {
	f, ok := l.staticField(dst)
	if !ok || f.sat || f.varbit {
		return false
	}
	if f.words == 1 {
		if !l.dead[f.slot] || !plainExpr(src) {
			l.into(f.slot, src, f.mask)
		}
		l.learn(f, src)
		return true
	}
	if s, ok := l.staticField(src); ok && s.width == f.width {
		for w := range f.words {
			l.emit(instr{op: opMove, d: f.slot + w, a: s.slot + w, k: ^uint64(0)})
			l.forget(f.slot + w)
		}
		l.reads(src)
		return true
	}
	return false
}

// into writes d = e & mask. d is written last: e may read it.
func (l *lowerer) into(d uint32, e spec.Expr, mask uint64) {
	depth := l.depth
	defer func() { l.depth = depth }()
	switch e := e.(type) {
	case spec.Const:
		l.set(d, lowWord(e.Value)&mask)
		return
	case spec.FieldRef:
		if f := l.field(l.same(e)); l.asStored(f, mask) {
			l.emit(instr{op: opMove, d: d, a: f.slot, k: mask})
			return
		}
	case spec.ParamRef:
		l.emit(instr{op: opMove, d: d, a: l.arg(e), k: mask})
		return
	case spec.Cond:
		no := l.branch(e.If, false)
		l.into(d, e.Then, mask)
		end := l.emit(instr{op: opJump})
		l.land(no...)
		l.into(d, e.Else, mask)
		l.land(end)
		return
	case spec.Unary:
		switch e.Op {
		case spec.OpBitNot:
			l.emit(instr{op: opNot, d: d, a: l.operand(e.X, mask), k: mask})
			return
		case spec.OpBoolToData:
			no := l.branch(e.X, false)
			l.set(d, 1&mask)
			end := l.emit(instr{op: opJump})
			l.land(no...)
			l.set(d, 0)
			l.land(end)
			return
		}
	case spec.Binary:
		if l.binary(d, e, mask) {
			return
		}
	}
	l.reads(e)
	l.evals = append(l.evals, l.int(e, 0))
	l.emit(instr{op: opEval, d: d, a: uint32(len(l.evals) - 1), k: mask})
}

// asStored says whether the bits of mask of a field's value are those of its slot.
func (l *lowerer) asStored(f field, mask uint64) bool {
	return !f.signed || f.width >= 64 || mask&^f.mask == 0
}

// binary writes d = e & mask, if there is an instruction for it.
func (l *lowerer) binary(d uint32, e spec.Binary, mask uint64) bool {
	in := instr{d: d, k: mask}
	below := uint64(1)<<bits.Len64(mask) - 1 // what the bits of mask may depend on
	x, y := mask, mask
	switch e.Op {
	case spec.OpBitAnd:
		if c, ok := e.Y.(spec.Const); ok {
			l.into(d, e.X, mask&lowWord(c.Value))
			return true
		}
		in.op = opAnd
	case spec.OpBitOr:
		in.op = opOr
	case spec.OpBitXor:
		in.op = opXor
	case spec.OpAdd:
		in.op, x, y = opAdd, below, below
	case spec.OpSub:
		in.op, x, y = opSub, below, below
	case spec.OpMul:
		in.op, x, y = opMul, below, below
	case spec.OpShl:
		in.op, x, y = opShl, below, ^uint64(0)
	case spec.OpShr:
		if !l.interval(e.X).within(uint64s) {
			return false
		}
		in.op, x, y = opShr, ^uint64(0), ^uint64(0)
	default:
		return false
	}
	if (in.op == opShl || in.op == opShr) && !l.interval(e.Y).within(uint64s) {
		return false
	}
	in.a = l.operand(e.X, x)
	in.b = l.operand(e.Y, y)
	l.emit(in)
	return true
}

// operand is a slot with e, of which only the bits of need have to be right.
func (l *lowerer) operand(e spec.Expr, need uint64) uint32 {
	e = l.bare(e, need)
	switch e := e.(type) {
	case spec.Const:
		return l.constant(lowWord(e.Value))
	case spec.FieldRef:
		if f := l.field(l.same(e)); l.asStored(f, need) {
			return f.slot
		}
	case spec.ParamRef:
		return l.arg(e)
	}
	t := l.temp()
	l.into(t, e, need)
	return t
}

// bare takes away masks that change none of the bits needed.
func (l *lowerer) bare(e spec.Expr, need uint64) spec.Expr {
	for {
		b, ok := e.(spec.Binary)
		if !ok || b.Op != spec.OpBitAnd {
			return e
		}
		c, ok := b.Y.(spec.Const)
		if !ok {
			return e
		}
		if m := lowWord(c.Value); m&need != need {
			v := l.interval(b.X)
			if v.lo.Sign() < 0 || !v.hi.IsUint64() || !covers(m, v.hi.Uint64()) {
				return e
			}
		}
		e = b.X
	}
}

// covers says whether a mask takes nothing away from numbers up to most.
func covers(mask, most uint64) bool {
	all := uint64(1)<<bits.Len64(most) - 1
	return mask&all == all
}

// set writes d = v.
func (l *lowerer) set(d uint32, v uint64) {
	l.emit(instr{op: opMove, d: d, a: l.constant(v), k: ^uint64(0)})
}

// arg is the first slot of an argument of the action that is being compiled.
func (k *compiler) arg(e spec.ParamRef) uint32 { return k.args + uint32(k.argAt[e.Index]) }

// constant is a slot that holds v in every packet.
func (k *compiler) constant(v uint64) uint32 {
	at, ok := k.pool[v]
	if !ok {
		if k.pool == nil {
			k.pool = map[uint64]uint32{}
		}
		at = k.take(1)
		k.constants[at], k.pool[v] = v, at
	}
	return at
}

// wordsOf is the first of the slots that hold words in every packet.
func (k *compiler) wordsOf(words []uint64) uint32 {
	if len(words) == 1 {
		return k.constant(words[0])
	}
	at := k.take(len(words))
	for i, w := range words {
		k.constants[at+uint32(i)] = w
	}
	return at
}

// temp is a slot for an intermediate result.
func (l *lowerer) temp() uint32 {
	if l.depth == len(l.temps) {
		l.temps = append(l.temps, l.take(1))
	}
	l.depth++
	return l.temps[l.depth-1]
}
