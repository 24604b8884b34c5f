package engine

import (
	"fmt"
	"math/big"

	"github.com/telltale-net/telltale/bmv2/spec"
)

// stepFn is one primitive of an action.
type stepFn func(p *packet)

// action is a compiled action.
type action struct {
	steps  []stepFn // first: what runs for every packet should share cache lines
	jumps  []jump   // parallel to steps; nil in an action without jumps
	name   string
	index  int
	params []spec.Param
	argAt  []int    // where each argument's words start
	words  int      // of all arguments
	traced []stepFn // steps, telling the trace about the cells they use
}

// jump is a conditional goto among an action's steps.
type jump struct {
	ok     bool
	unless boolFn // stay if it holds; nil = always jump
	to     int
}

// maxSteps bounds the backward jumps and control-flow nodes a packet takes in one
// pipeline; one that takes more is dropped.
const maxSteps = 1 << 16

// run executes the action with run-time arguments.
func (a *action) run(p *packet, args []uint64) {
	p.args = args
	if a.jumps == nil {
		for _, step := range a.steps {
			step(p)
		}
		return
	}
	a.jump(p, a.steps)
}

// jump executes an action that has jumps.
func (a *action) jump(p *packet, steps []stepFn) {
	for i := 0; i < len(steps); {
		j := &a.jumps[i]
		if !j.ok {
			steps[i](p)
			i++
			continue
		}
		if j.unless != nil && j.unless(p) {
			i++
			continue
		}
		if j.to <= i {
			if p.steps++; p.steps > maxSteps {
				return
			}
		}
		i = j.to
	}
}

func (k *compiler) action(i int) (*action, error) {
	src := &k.prog.Actions[i]
	a := &action{name: src.Name, index: i, params: src.Params}
	for _, prm := range src.Params {
		a.argAt = append(a.argAt, a.words)
		a.words += (prm.Width + 63) / 64
	}
	k.argAt = a.argAt
	defer func() { k.argAt = nil }()
	targets := jumpTargets(src)
	at := make([]int, len(src.Primitives)+1) // where each primitive went
	var batch []move
	flush := func() {
		if len(batch) > 0 {
			all := moveAll(batch)
			a.steps, a.traced, batch = append(a.steps, all), append(a.traced, all), nil
		}
	}
	for j := range src.Primitives {
		prim := &src.Primitives[j]
		if targets[j] {
			flush()
		}
		at[j] = len(a.steps)
		if m, ok := k.move(prim); ok {
			batch = append(batch, m)
			continue
		}
		flush()
		at[j] = len(a.steps)
		step, jmp, err := k.primitive(prim)
		if err != nil {
			return nil, fmt.Errorf("action %q: primitives[%d] %q: %w", src.Name, j, prim.Op, err)
		}
		a.steps, a.traced = append(a.steps, step), append(a.traced, step)
		if k.touch != nil {
			a.traced[len(a.traced)-1], k.touch = k.touch, nil
		}
		if jmp.ok {
			a.jumps = append(a.jumps, make([]jump, len(a.steps)-len(a.jumps))...)
			a.jumps[len(a.steps)-1] = jmp
		}
	}
	flush()
	at[len(src.Primitives)] = len(a.steps)
	if a.jumps != nil {
		a.jumps = append(a.jumps, make([]jump, len(a.steps)-len(a.jumps))...)
		for i := range a.jumps {
			a.jumps[i].to = at[a.jumps[i].to]
		}
	}
	return a, nil
}

// jumpTargets marks the primitives that an action jumps to.
func jumpTargets(a *spec.Action) []bool {
	t := make([]bool, len(a.Primitives)+1)
	for i := range a.Primitives {
		switch c := &a.Primitives[i]; c.Op {
		case "_jump":
			t[target(c.Args[0])] = true
		case "_jump_if_zero":
			t[target(c.Args[1])] = true
		}
	}
	return t
}

// move is the assignment of a constant, field or argument of one word to a field
// of one word. Actions consist of little else, so neighbours are done in one step.
type move struct {
	kind     moveKind
	dst, src int32
	mask     uint64 // or the constant
}

type moveKind uint8

const (
	moveConst moveKind = iota
	moveField
	moveArg
)

func moveAll(batch []move) stepFn {
	if len(batch) == 1 {
		m := batch[0]
		switch m.kind {
		case moveConst:
			return func(p *packet) { p.phv[m.dst] = m.mask }
		case moveField:
			return func(p *packet) { p.phv[m.dst] = p.phv[m.src] & m.mask }
		}
		return func(p *packet) { p.phv[m.dst] = p.args[m.src] & m.mask }
	}
	return func(p *packet) {
		phv := p.phv
		for i := range batch {
			switch m := &batch[i]; m.kind {
			case moveConst:
				phv[m.dst] = m.mask
			case moveField:
				phv[m.dst] = phv[m.src] & m.mask
			default:
				phv[m.dst] = p.args[m.src] & m.mask
			}
		}
	}
}

// move recognises such an assignment.
func (k *compiler) move(c *spec.Primitive) (move, bool) {
	if c.Op != "assign" && c.Op != "modify_field" {
		return move{}, false
	}
	f, ok := k.staticField(c.Args[0])
	if !ok || f.words != 1 || f.sat {
		return move{}, false
	}
	return k.moveTo(f, c.Args[1])
}

// moveTo is a move of src to a field of one word, if it is as simple as that.
func (k *compiler) moveTo(f field, src spec.Expr) (move, bool) {
	switch e := k.unmask(src, f.mask).(type) {
	case spec.Const:
		return move{kind: moveConst, dst: f.slot, mask: lowWord(e.Value) & f.mask}, true
	case spec.FieldRef:
		// A signed source that is narrower would have to be extended.
		if g := k.field(e); !g.signed || f.width <= g.width {
			return move{kind: moveField, dst: f.slot, src: g.slot, mask: f.mask}, true
		}
	case spec.ParamRef:
		if !k.self {
			return move{kind: moveArg, dst: f.slot, src: int32(k.argAt[e.Index]), mask: f.mask}, true
		}
	}
	return move{}, false
}

// store compiles dst = src, truncated to the width of dst or saturated.
func (k *compiler) store(dst, src spec.Expr) stepFn {
	if f, ok := k.fieldLike(dst); ok && f.sat {
		op := spec.OpUSatCast
		if f.signed {
			op = spec.OpSatCast
		}
		src = spec.Binary{Op: op, X: src, Y: spec.Const{Value: big.NewInt(int64(f.width))}}
	}
	if f, ok := k.staticField(dst); ok && f.words == 1 {
		return k.storeField(f, src)
	}
	width, words := k.width(dst)
	if words == 1 {
		mask, x := topMask(width), k.int(k.unmask(src, topMask(width)), 0)
		return k.storeWord(dst, func(p *packet, to *uint64) { *to = x(p) & mask })
	}
	lo, hi := k.tmp(0, words)
	x, top := k.wide(src, words, hi), topMask(width)
	return k.storeWords(dst, words, func(p *packet, to []uint64) {
		t := p.sw.scratch[lo:hi]
		x(p, t)
		copy(to, t)
		to[len(to)-1] &= top
	})
}

func (k *compiler) staticField(e spec.Expr) (field, bool) {
	if f, ok := e.(spec.FieldRef); ok {
		return k.field(f), true
	}
	return field{}, false
}

// fieldLike returns the field, or one like that which is chosen at run time.
func (k *compiler) fieldLike(e spec.Expr) (field, bool) {
	switch e := e.(type) {
	case spec.FieldRef:
		return k.field(e), true
	case spec.StackField:
		return k.typeField(k.prog.Stacks[e.Stack].Type, e.Field), true
	case spec.AccessField:
		return k.typeField(e.HeaderType, e.Field), true
	}
	return field{}, false
}

// width returns the bits and words of something that can be stored to.
func (k *compiler) width(e spec.Expr) (width, words int) {
	if f, ok := k.fieldLike(e); ok {
		return int(f.width), int(f.words)
	}
	if r, ok := e.(spec.RegisterCell); ok {
		w := k.prog.Registers[r.Register].Width
		return w, (w + 63) / 64
	}
	panic("BUG: not something that can be stored to")
}

// unmask takes away a mask that the store makes anyway.
func (k *compiler) unmask(e spec.Expr, mask uint64) spec.Expr {
	if b, ok := e.(spec.Binary); ok && b.Op == spec.OpBitAnd {
		if c, ok := b.Y.(spec.Const); ok && lowWord(c.Value)&mask == mask {
			return k.unmask(b.X, mask)
		}
	}
	return e
}

// storeField compiles a store to a field of one word.
func (k *compiler) storeField(f field, src spec.Expr) stepFn {
	if m, ok := k.moveTo(f, src); ok && !f.sat {
		return moveAll([]move{m})
	}
	slot, mask := f.slot, f.mask
	src = k.unmask(src, mask)
	x := k.int(src, 0)
	if k.interval(src).within(unsigned(int(f.width))) {
		return func(p *packet) { p.phv[slot] = x(p) }
	}
	return func(p *packet) { p.phv[slot] = x(p) & mask }
}

// storeWord calls put with the place of one word.
func (k *compiler) storeWord(dst spec.Expr, put func(p *packet, to *uint64)) stepFn {
	return k.storeWords(dst, 1, func(p *packet, to []uint64) { put(p, &to[0]) })
}

// storeWords calls put with the words of dst; never, when dst is a register cell
// out of range.
func (k *compiler) storeWords(dst spec.Expr, words int, put func(p *packet, to []uint64)) stepFn {
	switch e := dst.(type) {
	case spec.FieldRef:
		f := k.field(e)
		return func(p *packet) { put(p, p.phv[f.slot:f.slot+f.words]) }
	case spec.StackField, spec.AccessField:
		h, i := k.memberOf(e, 0) // found before the source is computed
		return func(p *packet) {
			f := &h(p).fields[i]
			put(p, p.phv[f.slot:f.slot+f.words])
		}
	case spec.RegisterCell:
		r, index := e.Register, k.cell(e.Index)
		return func(p *packet) {
			cells := p.sw.registers[r].cells
			if i := index(p); i < uint64(len(cells)/words) {
				put(p, cells[int(i)*words:(int(i)+1)*words])
				return
			}
			p.sw.stats.IndexErrors++
		}
	}
	panic("BUG: not something that can be stored to")
}
