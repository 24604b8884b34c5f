package engine

import (
	"fmt"
	"math/big"

	"github.com/telltale-net/telltale/bmv2/spec"
)

// parser writes all states that can be reached from the first one.
func (l *lowerer) parser(ps *parser) error {
	type jump struct {
		at uint32
		to *state
	}
	var jumps []jump
	written, waiting := map[*state]bool{}, []*state{ps.init}
	for len(waiting) > 0 {
		st := waiting[len(waiting)-1]
		waiting = waiting[:len(waiting)-1]
		if st == nil || written[st] {
			continue
		}
		for st != nil && !written[st] {
			written[st], st.pc[l.version] = true, l.here()
			chosen, err := l.state(st, ps)
			if err != nil {
				return fmt.Errorf("state %q: %w", st.name, err)
			}
			for i, at := range chosen {
				if at != none {
					jumps = append(jumps, jump{at, st.cases[i].next})
				}
				waiting = append(waiting, st.cases[i].next)
			}
			st = st.next
		}
		if st == nil {
			l.emit(instr{op: opEnd})
		} else {
			l.emit(instr{op: opJump, d: st.pc[l.version]})
		}
	}
	end := l.emit(instr{op: opEnd})
	for _, j := range jumps {
		if l.ins[j.at].d = end; j.to != nil {
			l.ins[j.at].d = j.to.pc[l.version]
		}
	}
	return nil
}

// findStateLoops marks the states that the parser comes back to.
func findStateLoops(st *state, seen map[*state]int) {
	const open, done = 1, 2
	if st == nil || seen[st] == done {
		return
	}
	if seen[st] == open {
		st.loop = true
		return
	}
	seen[st] = open
	findStateLoops(st.next, seen)
	for i := range st.cases {
		findStateLoops(st.cases[i].next, seen)
	}
	seen[st] = done
}

// state writes a state up to where its default transition goes on. It returns the
// jumps of its cases; none if opSelect knows where they go.
func (l *lowerer) state(st *state, ps *parser) (jumps []uint32, err error) {
	l.land()
	if l.version == traced {
		l.step(func(p *packet) { p.says(EventState, st.name, 0, false) })
	}
	if st.loop {
		l.emit(instr{op: opVisit, k: uint64(ps.errors[parserTimeout])})
	}
	for i := range st.src.Ops {
		if err := l.parserOp(&st.src.Ops[i], ps); err != nil {
			return nil, fmt.Errorf("parser_ops[%d]: %w", i, err)
		}
	}
	if len(st.cases) == 0 && st.ahead == 0 {
		return nil, nil
	}
	depth := l.depth
	defer func() { l.depth = depth }()
	key, ok := l.key(st)
	if !ok {
		l.reads(st.src.Key...)
		l.selects = append(l.selects, st)
		l.emit(instr{op: opSelect, a: uint32(len(l.selects) - 1), k: uint64(ps.errors[packetTooShort])})
		for range st.cases {
			jumps = append(jumps, none)
		}
		return jumps, nil
	}
	masked := l.temp()
	for _, c := range st.cases {
		at := key
		if c.mask != nil {
			at = masked
			l.emit(instr{op: opMove, d: at, a: key, k: c.mask[0]})
		}
		jumps = append(jumps, l.emit(instr{op: opIfEq, a: at, k: c.value[0]}))
	}
	return jumps, nil
}

// key computes a transition key of one word; false if it is more than that, if it
// looks ahead, or if it is compared with a value set.
func (l *lowerer) key(st *state) (slot uint32, ok bool) {
	if st.words != 1 || st.ahead > 0 {
		return 0, false
	}
	for _, c := range st.cases {
		if c.set >= 0 {
			return 0, false
		}
	}
	if len(st.key) == 1 {
		return l.operand(st.src.Key[0], topMask(st.src.KeyWidths[0])), true
	}
	var key spec.Expr
	for i, e := range st.src.Key {
		part := spec.Expr(spec.Binary{Op: spec.OpBitAnd, X: e, Y: constOf(topMask(st.src.KeyWidths[i]))})
		if shift := st.key[i].shift; shift > 0 {
			part = spec.Binary{Op: spec.OpShl, X: part, Y: constOf(uint64(shift))}
		}
		if key != nil {
			part = spec.Binary{Op: spec.OpBitOr, X: key, Y: part}
		}
		key = part
	}
	return l.operand(key, ^uint64(0)), true
}

func (l *lowerer) parserOp(op *spec.ParserOp, ps *parser) error {
	switch op.Kind {
	case spec.OpExtract:
		if t, ok := op.Args[0].(spec.HeaderRef); ok {
			if h := &l.headers[t.Header]; h.varbit < 0 && h.union == none {
				l.emit(instr{op: opExtract, a: uint32(t.Header), k: uint64(ps.errors[packetTooShort])})
				return nil
			}
		}
	case spec.OpVerify:
		if c, ok := op.Args[1].(spec.Const); ok {
			holds := l.branch(op.Args[0], true)
			l.emit(instr{op: opFail, k: uint64(uint32(lowWord(c.Value)))})
			l.land(holds...)
			return nil
		}
	case spec.OpSet:
		_, varbit := op.Args[0].(spec.VarBitRef)
		_, ahead := op.Args[1].(spec.Lookahead)
		if !varbit && !ahead && l.assign(op.Args[0], op.Args[1]) {
			return nil
		}
	}
	do, err := l.compiler.parserOp(op, ps)
	if err != nil {
		return err
	}
	l.reads(op.Args...)
	if op.Primitive != nil {
		l.reads(op.Primitive.Args...)
	}
	l.parses = append(l.parses, do)
	l.emit(instr{op: opParse, a: uint32(len(l.parses) - 1)})
	return nil
}

func constOf(v uint64) spec.Const { return spec.Const{Value: new(big.Int).SetUint64(v)} }
