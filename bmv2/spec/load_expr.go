package spec

import (
	"math/big"
	"slices"
)

var opByName = func() map[string]Op {
	m := make(map[string]Op, len(opNames))
	for i, name := range opNames[:OpEqVarBit] { // the others have no name of their own in the JSON
		m[name] = Op(i)
	}
	return m
}()

// typed loads an expression of a given type.
func (l *loader) typed(n *node, want Type) Expr {
	e := l.expr(n)
	if got := e.Type(); got != want {
		n.refuse("got an expression of type %s, want %s", got, want)
	}
	return e
}

// expr loads a type-value object.
func (l *loader) expr(n *node) Expr {
	v := n.get("value")
	switch t := n.get("type"); t.str() {
	case "expression":
		if v.opt("op") == nil {
			return l.expr(v) // an expression around a plain value
		}
		return l.operation(v)
	case "field":
		if pair := v.tuple(2); pair[0].kind == kindObject {
			// A field of a stack's element that is chosen at run time.
			h := l.operation(pair[0])
			if h.Type() != TypeHeader {
				pair[0].refuse("got an expression of type %s, want %s", h.Type(), TypeHeader)
			}
			return l.member(h, l.fixedMember(pair[1], l.headerTypeOf(h)))
		}
		f := l.field(v)
		if f.Field != ValidField && l.p.HeaderTypes[l.p.Headers[f.Header].Type].Fields[f.Field].VarBit {
			return VarBitRef(f)
		}
		return f
	case "hexstr":
		return Const{hexstr(v)}
	case "bool":
		return Bool{v.bool()}
	case "string":
		return String{v.str()}
	case "local", "runtime_data":
		if l.params < 0 {
			t.refuse("%q outside of an action", t.text)
		}
		if l.params == 0 {
			v.refuse("argument %s of an action that has none", v.want(kindNumber).text)
		}
		i := v.number(0, l.params-1)
		return ParamRef{i, l.action[i].Width}
	case "header":
		return HeaderRef{named(l.headers, v, "header")}
	case "header_stack":
		if i, ok := l.unionStacks[v.str()]; ok {
			return UnionStackRef{i}
		}
		return StackRef{named(l.stacks, v, "header stack")}
	case "header_union":
		return UnionRef{named(l.unions, v, "header union")}
	case "header_union_stack":
		return UnionStackRef{named(l.unionStacks, v, "header union stack")}
	case "stack_field":
		pair := v.tuple(2)
		s := named(l.stacks, pair[0], "header stack")
		if pair[1].str() == "last" && l.p.HeaderTypes[l.p.Stacks[s].Type].Field("last") < 0 {
			return StackLast{s}
		}
		return StackField{s, l.fixedMember(pair[1], l.p.Stacks[s].Type)}
	case "union_stack_field":
		a := v.tuple(3)
		s := named(l.unionStacks, a[0], "header union stack")
		m := l.unionMember(a[1], l.p.UnionStacks[s].Type)
		return UnionStackField{s, m, l.fixedMember(a[2], l.p.UnionTypes[l.p.UnionStacks[s].Type].Members[m].Type)}
	case "register":
		pair := v.tuple(2)
		return RegisterCell{named(l.registers, pair[0], "register array"), l.typed(pair[1], TypeInt)}
	case "calculation":
		return CalculationRef{named(l.calcs, v, "calculation")}
	case "meter_array":
		return MeterRef{named(l.meters, v, "meter array")}
	case "counter_array":
		return CounterRef{named(l.counters, v, "counter array")}
	case "register_array":
		return RegisterRef{named(l.registers, v, "register array")}
	case "extern":
		return ExternRef{named(l.externs, v, "extern instance")}
	case "lookahead":
		if !l.ahead {
			t.refuse("a lookahead must be the source of a parser's set or part of a transition key")
		}
		pair := v.tuple(2)
		return Lookahead{pair[0].number(0, maxWidth), pair[1].number(1, maxWidth)}
	case "parameters_vector":
		var vec Vector
		if v.kind == kindObject && len(v.items) == 0 {
			return vec // what p4c writes for no arguments
		}
		for _, m := range v.array() {
			vec.Elements = append(vec.Elements, l.typed(m, TypeInt))
		}
		return vec
	default:
		t.refuse("unknown type of value %q", t.text)
		return nil
	}
}

// operation loads {op, left, right(, cond)}.
func (l *loader) operation(n *node) Expr {
	left, right := n.opt("left"), n.get("right")
	need := func() *node {
		if left == nil {
			n.refuse("operator %q has no left operand", n.get("op").text)
		}
		return left
	}
	switch op := n.get("op"); op.str() {
	case "?":
		e := Cond{l.typed(n.get("cond"), TypeBool), l.expr(need()), l.expr(right)}
		if t, o := e.Then.Type(), e.Else.Type(); t != o || (t != TypeInt && t != TypeBool) {
			n.refuse("branches of type %s and %s, want two integers or two booleans", t, o)
		}
		return e
	case "access_field":
		h := l.typed(need(), TypeHeader)
		t := l.headerTypeOf(h)
		f := right.number(0, len(l.p.HeaderTypes[t].Fields))
		switch {
		case f == len(l.p.HeaderTypes[t].Fields):
			f = ValidField // BMv2 keeps the hidden field last
		case l.p.HeaderTypes[t].Fields[f].VarBit:
			right.refuse("varbit field %q of a header chosen at run time", l.p.HeaderTypes[t].Fields[f].Name)
		}
		return l.member(h, f)
	case "access_union_header":
		u := l.typed(need(), TypeUnion)
		t := l.unionTypeOf(u)
		m := right.number(0, len(l.p.UnionTypes[t].Members)-1)
		if ref, ok := u.(UnionRef); ok {
			return HeaderRef{l.p.Unions[ref.Union].Headers[m]}
		}
		return AccessUnion{u, t, m}
	case "dereference_header_stack", "dereference_stack":
		s := l.typed(need(), TypeStack).(StackRef)
		i := l.typed(right, TypeInt)
		if c, ok := i.(Const); ok {
			return HeaderRef{l.p.Stacks[s.Stack].Headers[l.constIndex(right, c, len(l.p.Stacks[s.Stack].Headers))]}
		}
		return Deref{s.Stack, i}
	case "dereference_union_stack":
		s := l.typed(need(), TypeUnionStack).(UnionStackRef)
		i := l.typed(right, TypeInt)
		if c, ok := i.(Const); ok {
			return UnionRef{l.p.UnionStacks[s.UnionStack].Unions[l.constIndex(right, c, len(l.p.UnionStacks[s.UnionStack].Unions))]}
		}
		return DerefUnion{s.UnionStack, i}
	case "last_stack_index", "size_stack":
		x := l.expr(right)
		if t := x.Type(); t != TypeStack && t != TypeUnionStack {
			right.refuse("got an expression of type %s, want %s", t, TypeStack)
		}
		return Unary{opByName[op.text], x}
	case "==", "!=":
		x, y := l.expr(need()), l.expr(right)
		if x.Type() != y.Type() {
			n.refuse("comparison of %s with %s", x.Type(), y.Type())
		}
		by := [...]Op{OpEq, OpEqBool, OpEqHeader, OpEqUnion, OpEqVarBit}
		at := slices.Index([]Type{TypeInt, TypeBool, TypeHeader, TypeUnion, TypeVarBit}, x.Type())
		if at < 0 {
			n.refuse("comparison of %s", x.Type())
		}
		o := by[at]
		if op.text == "!=" {
			o++
		}
		return Binary{o, x, y}
	default:
		o, ok := opByName[op.text]
		if !ok {
			op.refuse("unknown operator %q", op.text)
		}
		sig := opTypes[o]
		y := l.typed(right, sig.right)
		if sig.unary {
			if left != nil {
				left.refuse("left operand of the unary operator %q", op.text)
			}
			return Unary{o, y}
		}
		if left == nil && (o == OpAdd || o == OpSub) {
			return Binary{o, Const{new(big.Int)}, y}
		}
		x := l.typed(need(), sig.left)
		if o == OpTwoCompMod || o == OpUSatCast || o == OpSatCast {
			w, ok := y.(Const)
			if !ok || !w.Value.IsInt64() || w.Value.Int64() < 1 || w.Value.Int64() > maxWidth {
				right.refuse("width of %q, want a constant from 1 to %d", op.text, maxWidth)
			}
		}
		return Binary{o, x, y}
	}
}

// member is a field of a header.
func (l *loader) member(h Expr, f int) Expr {
	if ref, ok := h.(HeaderRef); ok {
		return FieldRef{ref.Header, f}
	}
	return AccessField{h, l.headerTypeOf(h), f}
}

func (l *loader) constIndex(n *node, c Const, size int) int {
	if !c.Value.IsInt64() || c.Value.Int64() < 0 || c.Value.Int64() >= int64(size) {
		n.refuse("index %v, want 0 to %d", c.Value, size-1)
	}
	return int(c.Value.Int64())
}

// headerTypeOf returns the type of what a header expression evaluates to.
func (l *loader) headerTypeOf(e Expr) int {
	switch e := e.(type) {
	case HeaderRef:
		return l.p.Headers[e.Header].Type
	case Deref:
		return l.p.Stacks[e.Stack].Type
	case StackLast:
		return l.p.Stacks[e.Stack].Type
	case AccessUnion:
		return l.p.UnionTypes[e.UnionType].Members[e.Member].Type
	case UnionStackMember:
		return l.p.UnionTypes[l.p.UnionStacks[e.UnionStack].Type].Members[e.Member].Type
	}
	panic("BUG: a header expression of another kind")
}

// unionTypeOf returns the type of what a union expression evaluates to.
func (l *loader) unionTypeOf(e Expr) int {
	switch e := e.(type) {
	case UnionRef:
		return l.p.Unions[e.Union].Type
	case DerefUnion:
		return l.p.UnionStacks[e.UnionStack].Type
	}
	panic("BUG: a union expression of another kind")
}

func (l *loader) fixedMember(n *node, headerType int) int {
	if n.str() == "$valid$" {
		return ValidField
	}
	f := l.memberIndex(n, headerType)
	if l.p.HeaderTypes[headerType].Fields[f].VarBit {
		n.refuse("varbit field %q, want one of fixed width", n.text)
	}
	return f
}

func (l *loader) unionMember(n *node, unionType int) int {
	for i, m := range l.p.UnionTypes[unionType].Members {
		if m.Name == n.str() {
			return i
		}
	}
	n.refuse("no member %q in header union type %q", n.str(), l.p.UnionTypes[unionType].Name)
	return 0
}
