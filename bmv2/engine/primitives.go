package engine

import (
	"fmt"

	"github.com/telltale-net/telltale/bmv2/spec"
)

// primitive compiles one call outside of an action.
func (k *compiler) primitive(c *spec.Primitive) (stepFn, error) {
	step, err := k.step(c.Op, c.Args)
	k.touch = nil
	return step, err
}

var arithmetic = map[string]spec.Op{
	"add": spec.OpAdd, "subtract": spec.OpSub, "bit_xor": spec.OpBitXor, "bit_or": spec.OpBitOr, "bit_and": spec.OpBitAnd,
	"shift_left": spec.OpShl, "shift_right": spec.OpShr,
}

// step compiles the primitives that are no jumps to closures.
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
		c := args[0].(spec.CounterRef).Counter
		step, err := k.count(c, args[1])
		return k.touching(step, k.prog.Counters[c].Name, k.prog.Counters[c].Size, args[1], func(s *Switch, i uint64) []NamedValue {
			v := s.counters[c][i]
			return []NamedValue{{"packets", bytesOf(v.Packets)}, {"bytes", bytesOf(v.Bytes)}}
		}), err
	case "execute_meter":
		m := args[0].(spec.MeterRef).Meter
		step, err := k.executeMeter(m, args[1], args[2])
		return k.touching(step, k.prog.Meters[m].Name, k.prog.Meters[m].Size, args[1], func(s *Switch, i uint64) []NamedValue {
			v := &s.meters[m][i]
			return []NamedValue{{"committed tokens", bytesOf(v.base.tokens)}, {"peak tokens", bytesOf(v.peak.tokens)}}
		}), err
	case "register_read":
		r := args[1].(spec.RegisterRef).Register
		step, err := k.registerRead(args[0], r, args[2])
		return k.touchingRegister(step, r, args[2]), err
	case "register_write":
		r := args[0].(spec.RegisterRef).Register
		return k.touchingRegister(k.registerWrite(r, args[1], args[2]), r, args[1]), nil
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
