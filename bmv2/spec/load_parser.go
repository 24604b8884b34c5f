package spec

func (l *loader) parsers(root *node) {
	seen := map[string]int{}
	for i, n := range root.list("parsers") {
		register(&seen, n, "parser", i)
		p := Parser{Name: n.get("name").str(), ID: n.get("id").id(), Init: -1}
		states := map[string]int{}
		list := n.get("parse_states").array()
		for j, m := range list {
			register(&states, m, "parser state", j)
		}
		for _, m := range list {
			p.States = append(p.States, l.state(m, states))
		}
		if m := n.opt("init_state"); m != nil {
			p.Init = named(states, m, "parser state")
		}
		l.p.Parsers = append(l.p.Parsers, p)
	}
}

func (l *loader) state(n *node, states map[string]int) State {
	s := State{Name: n.get("name").str(), ID: n.get("id").id()}
	for _, m := range n.list("parser_ops") {
		s.Ops = append(s.Ops, l.parserOp(m))
	}
	bytes := 0
	for _, m := range n.list("transition_key") {
		e := l.peek(m)
		w := 0
		switch e := e.(type) {
		case FieldRef:
			w = l.p.Width(e)
		case StackField:
			w = l.width(l.p.Stacks[e.Stack].Type, e.Field)
		case UnionStackField:
			w = l.width(l.p.UnionTypes[l.p.UnionStacks[e.UnionStack].Type].Members[e.Member].Type, e.Field)
		case Lookahead:
			w = e.Width
		default:
			m.refuse("a transition key must be a field or lookahead")
		}
		s.Key = append(s.Key, e)
		s.KeyWidths = append(s.KeyWidths, w)
		bytes += (w + 7) / 8
	}
	for _, m := range n.list("transitions") {
		s.Transitions = append(s.Transitions, l.transition(m, &s, states, bytes))
	}
	return s
}

func (l *loader) width(headerType, field int) int {
	if field == ValidField {
		return 1
	}
	return l.p.HeaderTypes[headerType].Fields[field].Width
}

func (l *loader) transition(n *node, s *State, states map[string]int, bytes int) Transition {
	t := Transition{Next: -1, ValueSet: -1}
	if m := n.opt("next_state"); m != nil {
		t.Next = named(states, m, "parser state")
	}
	value := n.opt("value")
	kind := "hexstr" // before 2.8 there was no type
	if m := n.opt("type"); m != nil {
		kind = m.str()
	} else if value == nil || (value.kind == kindString && value.text == "default") {
		kind = "default"
	}
	switch kind {
	case "default":
	case "hexstr":
		t.Kind = TransitionValue
		t.Value = hexbytes(n.get("value"), bytes)
		if m := n.opt("mask"); m != nil {
			t.Mask = hexbytes(m, bytes)
		}
	case "parse_vset":
		t.Kind = TransitionSet
		t.ValueSet = named(l.vsets, n.get("value"), "value set")
		width := 0
		for _, w := range s.KeyWidths {
			width += w
		}
		if set := &l.p.ValueSets[t.ValueSet]; set.Width != width {
			n.get("value").refuse("value set %q of %d bits, want %d as the transition key", set.Name, set.Width, width)
		}
		if m := n.opt("mask"); m != nil {
			t.Mask = hexbytes(m, bytes)
		}
	default:
		n.get("type").refuse("unknown type of transition %q", kind)
	}
	return t
}

func (l *loader) parserOp(n *node) ParserOp {
	op := n.get("op")
	params := n.get("parameters")
	switch op.str() {
	case "extract":
		e, t := l.extractTarget(params.tuple(1)[0])
		if ht := &l.p.HeaderTypes[t]; ht.VarBit >= 0 && ht.LengthExp == nil {
			n.refuse("extract of header type %q, whose varbit field has no length expression: want extract_VL", ht.Name)
		}
		return ParserOp{Kind: OpExtract, Args: []Expr{e}}
	case "extract_VL":
		a := params.tuple(2)
		e, t := l.extractTarget(a[0])
		if l.p.HeaderTypes[t].VarBit < 0 {
			n.refuse("extract_VL of header type %q, which has no varbit field", l.p.HeaderTypes[t].Name)
		}
		return ParserOp{Kind: OpExtractVL, Args: []Expr{e, l.typed(a[1], TypeInt)}}
	case "set":
		a := params.tuple(2)
		dst, src := l.expr(a[0]), l.peek(a[1])
		if dst.Type() == TypeVarBit && src.Type() == TypeVarBit {
			return ParserOp{Kind: OpSet, Args: []Expr{dst, src}}
		}
		if _, ok := dst.(FieldRef); !ok || src.Type() != TypeInt {
			n.refuse("set of %s to %s, want a field and an integer", dst.Type(), src.Type())
		}
		l.place(a[0], dst)
		return ParserOp{Kind: OpSet, Args: []Expr{dst, src}}
	case "verify":
		a := params.tuple(2)
		code := Expr(nil)
		if a[1].kind == kindNumber { // before 2.21
			code = Const{bigInt(a[1].number(0, 1<<31-1))}
		} else {
			code = l.typed(a[1], TypeInt)
		}
		return ParserOp{Kind: OpVerify, Args: []Expr{l.typed(a[0], TypeBool), code}}
	case "shift":
		return ParserOp{Kind: OpShift, Args: []Expr{Const{bigInt(params.tuple(1)[0].number(0, maxWidth))}}}
	case "advance":
		return ParserOp{Kind: OpAdvance, Args: []Expr{l.typed(params.tuple(1)[0], TypeInt)}}
	case "primitive":
		p := l.primitive(params.tuple(1)[0], 0)
		return ParserOp{Kind: OpPrimitive, Primitive: &p}
	}
	op.refuse("unknown parser operation %q", op.text)
	return ParserOp{}
}

// peek loads a value that may be a lookahead, but not one around a lookahead.
func (l *loader) peek(n *node) Expr {
	l.ahead = n.get("type").str() == "lookahead"
	e := l.expr(n)
	l.ahead = false
	return e
}

// extractTarget returns where a header is extracted to, and its type.
func (l *loader) extractTarget(n *node) (Expr, int) {
	v := n.get("value")
	switch t := n.get("type"); t.str() {
	case "regular":
		h := named(l.headers, v, "header")
		if l.p.Headers[h].Metadata {
			v.refuse("extract to metadata %q", v.text)
		}
		return HeaderRef{h}, l.p.Headers[h].Type
	case "stack":
		s := named(l.stacks, v, "header stack")
		return StackRef{s}, l.p.Stacks[s].Type
	case "union_stack":
		pair := v.tuple(2)
		s := named(l.unionStacks, pair[0], "header union stack")
		e := UnionStackMember{s, l.unionMember(pair[1], l.p.UnionStacks[s].Type)}
		return e, l.headerTypeOf(e)
	default:
		t.refuse("unknown target of extract %q", t.text)
		return nil, 0
	}
}

func (l *loader) deparsers(root *node) {
	seen := map[string]int{}
	for i, n := range root.list("deparsers") {
		register(&seen, n, "deparser", i)
		d := Deparser{Name: n.get("name").str(), ID: n.get("id").id()}
		for _, m := range n.list("primitives") {
			d.Primitives = append(d.Primitives, l.primitive(m, 0))
		}
		for _, m := range n.get("order").array() {
			h := named(l.headers, m, "header")
			if l.p.Headers[h].Metadata {
				m.refuse("metadata %q in the order of a deparser", m.text)
			}
			d.Order = append(d.Order, h)
		}
		l.p.Deparsers = append(l.p.Deparsers, d)
	}
}
