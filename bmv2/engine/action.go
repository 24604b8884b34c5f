package engine

import (
	"fmt"

	"github.com/telltale-net/telltale/bmv2/spec"
)

// action is a compiled action.
type action struct {
	pc     [2]uint32 // where its code starts, by version
	idle   bool      // there is none in the plain version
	name   string
	index  int
	params []spec.Param
	argAt  []int // where each argument's words start
	words  int   // of all arguments
	src    *spec.Action
}

// maxSteps bounds how often the code that repeats is entered by a packet in one
// pipeline; a packet that does so more often is dropped.
const maxSteps = 1 << 16

// action is the outside of an action, without its code.
func (k *compiler) action(i int) *action {
	src := &k.prog.Actions[i]
	a := &action{name: src.Name, index: i, params: src.Params, src: src}
	for _, prm := range src.Params {
		a.argAt = append(a.argAt, a.words)
		a.words += (prm.Width + 63) / 64
	}
	return a
}

// inline writes an action that no table chooses, with its arguments.
func (l *lowerer) inline(c *call) error {
	if l.version == traced {
		l.step(tellCall(c))
	}
	if len(c.args) > 0 {
		l.args = append(l.args, c.args)
		l.emit(instr{op: opArgs, a: uint32(len(l.args) - 1)})
	}
	return l.body(c.act)
}

// body writes what an action does.
func (l *lowerer) body(a *action) error {
	l.argAt = a.argAt
	defer func() { l.argAt = nil }()
	prims := a.src.Primitives
	target, again := jumpTargets(a.src)
	at := make([]uint32, len(prims)+1) // where each primitive went
	type jump struct {
		from []uint32
		to   int
	}
	var jumps []jump
	exits := false
	l.land()
	for i := range prims {
		if at[i] = l.here(); target[i] {
			l.land()
		}
		if again[i] {
			l.emit(instr{op: opLoop})
		}
		c := &prims[i]
		switch c.Op {
		case "_jump":
			jumps = append(jumps, jump{[]uint32{l.emit(instr{op: opJump})}, targetOf(c.Args[0])})
			continue
		case "_jump_if_zero":
			jumps = append(jumps, jump{l.branch(spec.Unary{Op: spec.OpDataToBool, X: c.Args[0]}, false), targetOf(c.Args[1])})
			continue
		case "exit":
			exits = true
		}
		if err := l.primitive(c); err != nil {
			return fmt.Errorf("action %q: primitives[%d] %q: %w", a.name, i, c.Op, err)
		}
	}
	at[len(prims)] = l.here()
	for _, j := range jumps {
		for _, from := range j.from {
			l.ins[from].d = at[j.to]
		}
	}
	l.land()
	if l.version == traced {
		l.step(tellChanges(a.name))
	}
	if exits {
		l.emit(instr{op: opExit})
	}
	return nil
}

func targetOf(e spec.Expr) int { return int(e.(spec.Const).Value.Int64()) }

// jumpTargets marks the primitives that an action jumps to, and to which back.
func jumpTargets(a *spec.Action) (target, again []bool) {
	target, again = make([]bool, len(a.Primitives)+1), make([]bool, len(a.Primitives)+1)
	for i := range a.Primitives {
		c := &a.Primitives[i]
		to := 0
		switch c.Op {
		case "_jump":
			to = targetOf(c.Args[0])
		case "_jump_if_zero":
			to = targetOf(c.Args[1])
		default:
			continue
		}
		target[to] = true
		again[to] = again[to] || to <= i
	}
	return target, again
}

// primitive writes one call of an action's body.
func (l *lowerer) primitive(c *spec.Primitive) error {
	l.changing(c)
	if l.fast(c) {
		return nil
	}
	step, err := l.compiler.step(c.Op, c.Args)
	if err != nil {
		return err
	}
	if l.touch != nil && l.version == traced {
		step = l.touch
	}
	l.touch = nil
	l.reads(c.Args...)
	l.step(step)
	return nil
}

// changing notes that a header that was parsed is no longer what it was in the
// packet.
func (l *lowerer) changing(c *spec.Primitive) {
	for _, e := range places(c) {
		f, ok := e.(spec.FieldRef)
		if !ok || !l.headers[f.Header].tracked {
			continue
		}
		if o := l.headers[f.Header].origin; !l.dirty[o] {
			if l.dirty == nil {
				l.dirty = map[uint32]bool{}
			}
			l.dirty[o] = true
			l.set(o+1, 1)
		}
	}
}

// fast writes a primitive as instructions, if it is one of those that programs
// are full of.
func (l *lowerer) fast(c *spec.Primitive) bool {
	if o, ok := arithmetic[c.Op]; ok {
		return l.assign(c.Args[0], spec.Binary{Op: o, X: c.Args[1], Y: c.Args[2]})
	}
	switch c.Op {
	case "assign", "modify_field":
		return l.assign(c.Args[0], c.Args[1])
	case "add_to_field":
		return l.assign(c.Args[0], spec.Binary{Op: spec.OpAdd, X: c.Args[0], Y: c.Args[1]})
	case "subtract_from_field":
		return l.assign(c.Args[0], spec.Binary{Op: spec.OpSub, X: c.Args[0], Y: c.Args[1]})
	case "no_op":
		return true
	case "add_header", "remove_header":
		h, ok := c.Args[0].(spec.HeaderRef)
		if !ok {
			return false
		}
		op := opValid
		if c.Op == "remove_header" {
			op = opInvalid
		} else {
			delete(l.dirty, l.headers[h.Header].origin)
		}
		l.emit(instr{op: op, a: uint32(h.Header)})
		return true
	case "assign_header", "copy_header":
		d, ok := c.Args[0].(spec.HeaderRef)
		s, ok2 := c.Args[1].(spec.HeaderRef)
		if !ok || !ok2 {
			return false
		}
		delete(l.dirty, l.headers[d.Header].origin)
		l.reads(s)
		l.emit(instr{op: opCopy, d: uint32(d.Header), a: uint32(s.Header)})
		return true
	}
	if l.version == traced {
		return false // the trace wants to hear of cells
	}
	switch c.Op {
	case "count":
		n := c.Args[0].(spec.CounterRef).Counter
		return !l.prog.spec.Counters[n].Direct && l.withCell(c.Args[1], func(i uint32) {
			l.emit(instr{op: opCount, a: uint32(n), b: i})
		})
	case "register_read":
		r, f, ok := c.Args[1].(spec.RegisterRef).Register, field{}, false
		if f, ok = l.staticField(c.Args[0]); !ok || f.sat || f.words != 1 || l.prog.spec.Registers[r].Width > 64 {
			return false
		}
		return l.withCell(c.Args[2], func(i uint32) {
			l.emit(instr{op: opRead, d: f.slot, a: uint32(r), b: i, k: f.mask})
			l.reads(c.Args[0]) // it keeps what it was if there is no such cell
			l.forget(f.slot)
		})
	case "register_write":
		r := c.Args[0].(spec.RegisterRef).Register
		w := l.prog.spec.Registers[r].Width
		if w > 64 {
			return false
		}
		return l.withCell(c.Args[1], func(i uint32) {
			l.emit(instr{op: opWrite, d: l.operand(c.Args[2], topMask(w)), a: uint32(r), b: i, k: topMask(w)})
		})
	case "modify_field_with_hash_based_offset":
		return l.hash(c.Args)
	}
	return false
}

// withCell gives the slot of an array index, if it is one that needs no care.
func (l *lowerer) withCell(index spec.Expr, do func(slot uint32)) bool {
	if v := l.interval(index); v.lo.Sign() < 0 || v.hi.BitLen() > 32 {
		return false
	}
	depth := l.depth
	do(l.operand(index, ^uint64(0)))
	l.depth = depth
	return true
}

// hash writes hash() with base 0 and a power of two as its maximum.
func (l *lowerer) hash(args []spec.Expr) bool {
	f, ok := l.staticField(args[0])
	base, ok1 := args[1].(spec.Const)
	most, ok2 := args[3].(spec.Const)
	if !ok || !ok1 || !ok2 || f.sat || f.words != 1 || base.Value.Sign() != 0 {
		return false
	}
	m := lowWord(most.Value)
	if m&(m-1) != 0 || most.Value.Cmp(bigZero) > 0 && !most.Value.IsUint64() {
		return false
	}
	if m == 0 {
		m = 1
	}
	n := args[2].(spec.CalculationRef).Calculation
	src := &l.prog.spec.Calculations[n]
	calc, err := l.calculation(src.Algo, src.Input, l.same)
	if err != nil {
		panic("BUG: a calculation that compiled before: " + err.Error())
	}
	l.readsOf(calc)
	l.calcs = append(l.calcs, calc)
	l.emit(instr{op: opHash, d: f.slot, a: uint32(n), b: uint32(len(l.calcs) - 1), k: (m - 1) & f.mask})
	l.forget(f.slot)
	return true
}
