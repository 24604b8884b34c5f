package engine

import (
	"fmt"

	"github.com/telltale-net/telltale/bmv2/spec"
)

// lowerer writes one version of a program's code.
type lowerer struct {
	*compiler
	*code
	prog    *Program
	version int
	depth   int             // intermediate results in use
	dirty   map[uint32]bool // headers already noted as changed since the last label
	written map[*node]bool

	known map[uint32]spec.Expr // what fields are equal to since the last label
	live  map[uint32]bool      // slots that are read
	dead  map[uint32]bool      // slots of metadata that are not
}

// compileCode lowers all actions, and all that can be reached from the pipelines.
func (p *Program) compileCode(k *compiler) error {
	for _, root := range []*node{p.ingress, p.egress} {
		findLoops(p, root, map[*node]int{})
	}
	findStateLoops(p.parser.init, map[*state]int{})
	if _, err := p.writeCode(k, traced, nil); err != nil {
		return err
	}
	dead, needed := map[uint32]bool{}, map[uint32]bool{}
	for {
		l, err := p.writeCode(k, plain, dead)
		if err != nil {
			return err
		}
		again := false
		for slot := range dead {
			if l.live[slot] { // now, in place of another one
				delete(dead, slot)
				needed[slot], again = true, true
			}
		}
		if again {
			continue
		}
		for slot := range l.unread() {
			if !dead[slot] && !needed[slot] {
				dead[slot], again = true, true
			}
		}
		if !again {
			return nil
		}
	}
}

// writeCode writes one version, without what only writes dead slots.
func (p *Program) writeCode(k *compiler, version int, dead map[uint32]bool) (*lowerer, error) {
	p.code[version] = code{}
	l := &lowerer{compiler: k, code: &p.code[version], prog: p, version: version,
		written: map[*node]bool{}, live: map[uint32]bool{}, dead: dead}
	l.readsElsewhere()
	l.emit(instr{op: opEnd}) // at end
	for _, a := range p.actions {
		a.pc[version] = l.here()
		if err := l.body(a); err != nil {
			return nil, err
		}
		if version == plain {
			a.idle = a.pc[version] == l.here()
		}
		l.emit(instr{op: opReturn})
	}
	if err := l.parser(p.parser); err != nil {
		return nil, fmt.Errorf("parser %q: %w", "parser", err)
	}
	for _, root := range []*node{p.ingress, p.egress} {
		if err := l.flow(root); err != nil {
			return nil, err
		}
	}
	l.fuse()
	return l, nil
}

// fuse makes runs of moves, so that those that follow need not be told apart from
// other instructions. Who jumps into a run finds the rest of it.
func (l *lowerer) fuse() {
	for i := len(l.ins) - 2; i >= 0; i-- {
		in, next := &l.ins[i], &l.ins[i+1]
		if in.op != opMove {
			continue
		}
		switch next.op {
		case opMove:
			in.op, in.b = opMoves, 1
		case opMoves:
			in.op, in.b = opMoves, next.b+1
		}
	}
}

// findLoops marks the nodes that a pipeline comes back to.
func findLoops(p *Program, n *node, seen map[*node]int) {
	const open, done = 1, 2
	if n == nil || seen[n] == done {
		return
	}
	if seen[n] == open {
		n.loop = true
		return
	}
	seen[n] = open
	for _, next := range p.successors(n) {
		findLoops(p, next, seen)
	}
	seen[n] = done
}

// successors are the nodes that may follow a node.
func (p *Program) successors(n *node) []*node {
	switch n.kind {
	case spec.NodeTable:
		t := p.tables[n.table]
		return append([]*node{t.hit, t.miss, t.base}, t.next...)
	case spec.NodeConditional:
		return []*node{n.yes, n.no}
	}
	return []*node{n.no}
}

func (l *lowerer) here() uint32 { return uint32(len(l.ins)) }

func (l *lowerer) emit(in instr) uint32 {
	if in.op >= opValid || in.op == opTable {
		l.known = nil
	}
	l.ins = append(l.ins, in)
	return l.here() - 1
}

// land makes jumps end here.
func (l *lowerer) land(jumps ...uint32) {
	for _, j := range jumps {
		l.ins[j].d = l.here()
	}
	l.dirty, l.known = nil, nil
}

func (l *lowerer) step(f stepFn) {
	l.steps = append(l.steps, f)
	l.emit(instr{op: opStep, a: uint32(len(l.steps) - 1)})
}

// edge is a way through the control flow that is still to be written.
type edge struct {
	jumps []uint32 // that go this way
	to    *node
	from  *node // a conditional that did not hold, for the trace
}

// flow writes all nodes that follow from the first one and are not written yet.
func (l *lowerer) flow(first *node) error {
	waiting := []edge{{to: first}}
	for len(waiting) > 0 {
		e := waiting[len(waiting)-1]
		waiting = waiting[:len(waiting)-1]
		if n := e.to; e.from == nil && (n == nil || l.written[n]) {
			switch {
			case n != nil:
				for _, j := range e.jumps {
					l.ins[j].d = n.pc[l.version]
				}
			case len(e.jumps) > 0:
				l.land(e.jumps...)
				l.emit(instr{op: opEnd})
			}
			continue
		}
		l.land(e.jumps...)
		if e.from != nil {
			l.step(tellBranch(e.from, false))
		}
		more, err := l.chain(e.to)
		if err != nil {
			return err
		}
		waiting = append(waiting, more...)
	}
	return nil
}

// chain writes nodes that follow one another, and returns the other ways out.
func (l *lowerer) chain(n *node) (others []edge, err error) {
	for n != nil {
		if l.written[n] {
			l.emit(instr{op: opJump, d: n.pc[l.version]})
			return others, nil
		}
		l.land()
		l.written[n], n.pc[l.version] = true, l.here()
		if n.loop {
			l.emit(instr{op: opLoop})
		}
		switch n.kind {
		case spec.NodeTable:
			l.emit(instr{op: opTable, a: uint32(n.table)})
			for _, next := range l.prog.successors(n) {
				others = append(others, edge{to: next})
			}
			return others, nil
		case spec.NodeConditional:
			no := edge{jumps: l.branch(n.cond, false), to: n.no}
			if l.version == traced {
				no.from = n
				l.step(tellBranch(n, true))
			}
			others = append(others, no)
			n = n.yes
		default:
			if err := l.inline(&n.call); err != nil {
				return nil, err
			}
			n = n.no
		}
	}
	l.emit(instr{op: opEnd})
	return others, nil
}
