package engine

import (
	"fmt"

	"github.com/telltale-net/telltale/bmv2/spec"
)

// primitive compiles one call of an action's body.
func (k *compiler) primitive(c *spec.Primitive) (stepFn, jump, error) {
	switch c.Op {
	case "_jump":
		return nil, jump{ok: true, to: target(c.Args[0])}, nil
	case "_jump_if_zero":
		return nil, jump{ok: true, unless: k.compare(spec.OpNe, c.Args[0], spec.Const{Value: bigZero}, 0), to: target(c.Args[1])}, nil
	}
	step, err := k.step(c.Op, c.Args)
	return step, jump{}, err
}

func target(e spec.Expr) int { return int(e.(spec.Const).Value.Int64()) }

var arithmetic = map[string]spec.Op{
	"add": spec.OpAdd, "subtract": spec.OpSub, "bit_xor": spec.OpBitXor, "bit_or": spec.OpBitOr, "bit_and": spec.OpBitAnd,
	"shift_left": spec.OpShl, "shift_right": spec.OpShr,
}

// step compiles the primitives that are no jumps.
func (k *compiler) step(op string, args []spec.Expr) (stepFn, error) {
	if o, ok := arithmetic[op]; ok {
		return k.store(args[0], spec.Binary{Op: o, X: args[1], Y: args[2]}), nil
	}
	switch op {
	case "assign", "modify_field":
		return k.store(args[0], args[1]), nil
	case "add_to_field":
		return k.store(args[0], spec.Binary{Op: spec.OpAdd, X: args[0], Y: args[1]}), nil
	case "subtract_from_field":
		return k.store(args[0], spec.Binary{Op: spec.OpSub, X: args[0], Y: args[1]}), nil
	case "no_op":
		return func(*packet) {}, nil
	case "exit":
		return func(p *packet) { p.exit = true }, nil
	case "assert", "assume":
		return k.assertion(args[0]), nil
	case "log_msg":
		return k.logMessage(args), nil

	case "assign_VL":
		return k.assignVarBit(args[0].(spec.VarBitRef), args[1].(spec.VarBitRef))
	case "assign_header", "copy_header":
		return k.assignHeader(args[0], args[1]), nil
	case "assign_union":
		return k.assignUnion(args[0], args[1]), nil
	case "assign_header_stack":
		return k.assignStack(args[0].(spec.StackRef), args[1].(spec.StackRef)), nil
	case "assign_union_stack":
		return k.assignUnionStack(args[0].(spec.UnionStackRef), args[1].(spec.UnionStackRef)), nil
	case "push", "pop":
		return k.shiftStack(args[0], args[1], op == "push"), nil
	case "add_header", "add_header_fast", "remove_header":
		return k.validity(op, args[0]), nil

	case "drop", "mark_to_drop":
		return k.markToDrop(op, args)
	case "generate_digest":
		list := k.int(args[1], 0)
		return func(p *packet) { p.learnList = uint16(list(p)) }, nil
	case "clone_ingress_pkt_to_egress", "clone_egress_pkt_to_egress":
		session, list := k.int(args[0], 0), k.int(args[1], 0)
		return func(p *packet) {
			p.cloning, p.session, p.cloneList = true, uint16(session(p))&0x7fff, uint16(list(p))
		}, nil
	case "resubmit":
		list := k.int(args[0], 0)
		return func(p *packet) { p.resubmit = uint16(list(p)) }, nil
	case "recirculate":
		list := k.int(args[0], 0)
		return func(p *packet) { p.recirc = uint16(list(p)) }, nil
	case "truncate":
		n := k.index(args[0], 0)
		return func(p *packet) { p.truncated = min(p.truncated, int(min(n(p), uint64(noTruncation)))) }, nil

	case "modify_field_rng_uniform":
		return k.random(args), nil
	case "modify_field_with_hash_based_offset":
		return k.hashed(args), nil
	case "count":
		return k.count(args[0].(spec.CounterRef).Counter, args[1])
	case "execute_meter":
		return k.executeMeter(args[0].(spec.MeterRef).Meter, args[1], args[2])
	case "register_read":
		return k.registerRead(args[0], args[1].(spec.RegisterRef).Register, args[2]), nil
	case "register_write":
		return k.registerWrite(args[0].(spec.RegisterRef).Register, args[1], args[2]), nil
	}
	return nil, fmt.Errorf("the engine does not know this primitive")
}

func (k *compiler) assertion(e spec.Expr) stepFn {
	var holds boolFn
	if e.Type() == spec.TypeBool {
		holds = k.bool(e, 0)
	} else {
		holds = k.compare(spec.OpNe, e, spec.Const{Value: bigZero}, 0)
	}
	return func(p *packet) {
		// simple_switch aborts; we count.
		if !holds(p) {
			p.sw.stats.Assertions++
		}
	}
}

func (k *compiler) assignVarBit(dst, src spec.VarBitRef) (stepFn, error) {
	d, s := k.field(spec.FieldRef(dst)), k.field(spec.FieldRef(src))
	if d.width != s.width {
		return nil, fmt.Errorf("assignment between varbit fields of at most %d and %d bits", d.width, s.width)
	}
	return func(p *packet) { copy(p.phv[d.slot:d.slot+1+d.words], p.phv[s.slot:s.slot+1+s.words]) }, nil
}

func (k *compiler) assignHeader(dst, src spec.Expr) stepFn {
	if d, ok := dst.(spec.HeaderRef); ok {
		if s, ok := src.(spec.HeaderRef); ok {
			to, from := &k.headers[d.Header], &k.headers[s.Header]
			return func(p *packet) { copyHeader(p.phv, to, from) }
		}
	}
	to, from := k.headerOf(dst, 0), k.headerOf(src, 0)
	return func(p *packet) { copyHeader(p.phv, to(p), from(p)) }
}

func (k *compiler) assignUnion(dst, src spec.Expr) stepFn {
	to, from, headers := k.unionOf(dst, 0), k.unionOf(src, 0), k.headers
	return func(p *packet) {
		if d, s := to(p), from(p); d != nil && s != nil {
			copyUnion(p.phv, headers, d, s)
		}
	}
}

// copyUnion assigns member by member, as simple_switch does.
func copyUnion(phv []uint64, headers []header, dst, src *union) {
	for i := range dst.members {
		copyHeader(phv, &headers[dst.members[i]], &headers[src.members[i]])
	}
}

func (k *compiler) assignStack(dst, src spec.StackRef) stepFn {
	d, s, headers := &k.stacks[dst.Stack], &k.stacks[src.Stack], k.headers
	return func(p *packet) {
		p.phv[d.next] = p.phv[s.next]
		for i := range d.elems {
			copyHeader(p.phv, &headers[d.elems[i]], &headers[s.elems[i]])
		}
	}
}

func (k *compiler) assignUnionStack(dst, src spec.UnionStackRef) stepFn {
	d, s, headers, unions := &k.ustacks[dst.UnionStack], &k.ustacks[src.UnionStack], k.headers, k.unions
	return func(p *packet) {
		p.phv[d.next] = p.phv[s.next]
		for i := range d.elems {
			copyUnion(p.phv, headers, &unions[d.elems[i]], &unions[s.elems[i]])
		}
	}
}

// shiftStack compiles push_front and pop_front.
func (k *compiler) shiftStack(e, by spec.Expr, push bool) stepFn {
	s, n := k.stackOf(e), k.index(by, 0)
	headers, unions := k.headers, k.unions
	swap := func(phv []uint64, i, j int) { swapHeaders(phv, &headers[s.elems[i]], &headers[s.elems[j]]) }
	void := func(phv []uint64, i int) { headers[s.elems[i]].setInvalid(phv) }
	if e.Type() == spec.TypeUnionStack {
		swap = func(phv []uint64, i, j int) {
			a, b := &unions[s.elems[i]], &unions[s.elems[j]]
			phv[a.slot], phv[b.slot] = phv[b.slot], phv[a.slot]
			for m := range a.members {
				swapHeaders(phv, &headers[a.members[m]], &headers[b.members[m]])
			}
		}
		void = func([]uint64, int) {} // simple_switch leaves the unions that come in as they are
	}
	size := len(s.elems)
	if push {
		return func(p *packet) {
			by := int(min(n(p), uint64(size)))
			p.phv[s.next] = min(uint64(size), p.phv[s.next]+uint64(by))
			for i := size - 1; i >= by && by > 0; i-- {
				swap(p.phv, i, i-by)
			}
			for i := range by {
				void(p.phv, i)
			}
		}
	}
	return func(p *packet) {
		by := int(min(n(p), uint64(size)))
		p.phv[s.next] -= min(p.phv[s.next], uint64(by))
		for i := 0; i < size-by && by > 0; i++ {
			swap(p.phv, i, i+by)
		}
		for i := size - by; i < size; i++ {
			void(p.phv, i)
		}
	}
}

// validity compiles setValid and setInvalid, which keep count of the packet's length.
func (k *compiler) validity(op string, e spec.Expr) stepFn {
	var to headFn
	if r, ok := e.(spec.HeaderRef); ok {
		h := &k.headers[r.Header]
		to = func(*packet) *header { return h }
	} else {
		to = k.headerOf(e, 0)
	}
	switch op {
	case "add_header":
		return func(p *packet) {
			h := to(p)
			if p.phv[h.valid] != 0 {
				return
			}
			clear(p.phv[h.first : h.first+h.n])
			h.setValid(p.phv)
			p.pktLength += h.bytes(p.phv)
		}
	case "add_header_fast":
		return func(p *packet) { to(p).setValid(p.phv) }
	default:
		return func(p *packet) {
			h := to(p)
			if p.phv[h.valid] != 0 {
				p.pktLength -= h.bytes(p.phv)
				h.setInvalid(p.phv)
			}
		}
	}
}

func (k *compiler) markToDrop(op string, args []spec.Expr) (stepFn, error) {
	egress, group := k.std.egressSpec, k.std.mcastGroup
	if op == "mark_to_drop" {
		h := &k.headers[args[0].(spec.HeaderRef).Header]
		t := &k.prog.HeaderTypes[h.typ]
		egress, group = h.fields[t.Field("egress_spec")], field{slot: -1}
		if i := t.Field("mcast_grp"); i >= 0 {
			group = h.fields[i]
		}
	}
	if egress.words != 1 || egress.varbit || group.slot >= 0 && (group.words != 1 || group.varbit) {
		return nil, fmt.Errorf("egress_spec and mcast_grp must be of fixed width and at most 64 bits")
	}
	slot, mask, grp := egress.slot, egress.mask, group.slot
	if grp < 0 {
		return func(p *packet) { p.phv[slot] = p.sw.dropPort & mask }, nil
	}
	return func(p *packet) {
		p.phv[slot] = p.sw.dropPort & mask
		p.phv[grp] = 0
	}, nil
}

// put compiles a store of a word computed by the primitive itself.
func (k *compiler) put(dst spec.Expr) func(p *packet, v uint64) {
	if f, ok := k.staticField(dst); ok && f.words == 1 {
		slot, mask := f.slot, f.mask
		return func(p *packet, v uint64) { p.phv[slot] = v & mask }
	}
	width, words := k.width(dst)
	mask := topMask(width)
	if words > 1 {
		mask = ^uint64(0)
	}
	step := k.storeWords(dst, words, func(p *packet, to []uint64) {
		clear(to)
		to[0] = p.result & mask
	})
	return func(p *packet, v uint64) {
		p.result = v
		step(p)
	}
}

// random compiles random(): inclusive bounds, nothing is written when they are
// the wrong way round.
func (k *compiler) random(args []spec.Expr) stepFn {
	put, lo, hi := k.put(args[0]), k.int(args[1], 0), k.int(args[2], 0)
	return func(p *packet) {
		a, b := lo(p), hi(p)
		if a > b {
			return
		}
		n := p.sw.rng.Uint64()
		if span := b - a + 1; span != 0 {
			n = p.sw.rng.Uint64N(span)
		}
		put(p, a+n)
	}
}

// hashed compiles hash(): base + H mod max, in 64 bits.
func (k *compiler) hashed(args []spec.Expr) stepFn {
	put, base, max := k.put(args[0]), k.int(args[1], 0), k.int(args[3], 0)
	calc := args[2].(spec.CalculationRef).Calculation
	return func(p *packet) {
		h, m := p.sw.calculate(calc, p), max(p)
		if m == 0 {
			m = 1
		}
		put(p, h%m+base(p))
	}
}

func (k *compiler) count(c int, index spec.Expr) (stepFn, error) {
	if k.prog.Counters[c].Direct {
		return nil, fmt.Errorf("count of the direct counter %q", k.prog.Counters[c].Name)
	}
	i := k.index(index, 0)
	return func(p *packet) {
		cells := p.sw.counters[c]
		if i := i(p); i < uint64(len(cells)) {
			cells[i].Packets++
			cells[i].Bytes += uint64(p.length)
			return
		}
		p.sw.stats.IndexErrors++
	}, nil
}

func (k *compiler) executeMeter(m int, index, dst spec.Expr) (stepFn, error) {
	if k.prog.Meters[m].Direct {
		return nil, fmt.Errorf("execution of the direct meter %q", k.prog.Meters[m].Name)
	}
	i, put, unit := k.index(index, 0), k.put(dst), k.prog.Meters[m].Unit
	return func(p *packet) {
		cells := p.sw.meters[m]
		if i := i(p); i < uint64(len(cells)) {
			put(p, cells[i].execute(p.now, tokens(unit, p)))
			return
		}
		p.sw.stats.IndexErrors++
	}, nil
}

func (k *compiler) registerRead(dst spec.Expr, r int, index spec.Expr) stepFn {
	words := (k.prog.Registers[r].Width + 63) / 64
	width, _ := k.width(dst)
	if words == 1 {
		i, put := k.index(index, 0), k.put(dst)
		return func(p *packet) {
			cells := p.sw.registers[r].cells
			if i := i(p); i < uint64(len(cells)) {
				put(p, cells[i])
				return
			}
			p.sw.stats.IndexErrors++
		}
	}
	i, top := k.index(index, 0), topMask(width)
	n := (width + 63) / 64
	step := k.storeWords(dst, n, func(p *packet, to []uint64) {
		at := int(p.result) * words
		loadWords(to, p.sw.registers[r].cells[at:at+words])
		to[n-1] &= top
	})
	return func(p *packet) {
		if i := i(p); i < uint64(len(p.sw.registers[r].cells)/words) {
			p.result = i
			step(p)
			return
		}
		p.sw.stats.IndexErrors++
	}
}

func (k *compiler) registerWrite(r int, index, src spec.Expr) stepFn {
	return k.store(spec.RegisterCell{Register: r, Index: index}, src)
}

// logMessage gives messages to the trace, if there is one.
func (k *compiler) logMessage(args []spec.Expr) stepFn {
	format := args[0].(spec.String).Value
	var values []intFn
	for _, e := range args[1].(spec.Vector).Elements {
		values = append(values, k.int(e, 0))
	}
	return func(p *packet) {
		if p.sw.trace != nil {
			v := make([]uint64, len(values))
			for i, f := range values {
				v[i] = f(p)
			}
			p.note(Event{Kind: EventLog, Name: format, Values: v})
		}
	}
}
