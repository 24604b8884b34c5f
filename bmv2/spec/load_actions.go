package spec

import "math/big"

// argKind is what a primitive accepts in one place.
type argKind uint8

const (
	argInt    argKind = iota // an integer
	argPlace                 // something an integer can be stored to
	argTruth                 // an integer or a boolean
	argHeader                // a header
	argUnion
	argStack
	argUnionStack
	argAnyStack // a header stack or a stack of unions
	argVarBit
	argCalculation
	argMeter
	argCounter
	argRegister
	argString
	argVector
	argTarget // a constant position in the enclosing action
)

// primitives are the primitive actions of BMv2's core and of simple_switch.
var primitives = map[string][]argKind{
	"assign":              {argPlace, argInt},
	"assign_VL":           {argVarBit, argVarBit},
	"assign_header":       {argHeader, argHeader},
	"assign_union":        {argUnion, argUnion},
	"assign_header_stack": {argStack, argStack},
	"assign_union_stack":  {argUnionStack, argUnionStack},
	"push":                {argAnyStack, argInt},
	"pop":                 {argAnyStack, argInt},
	"_jump":               {argTarget},
	"_jump_if_zero":       {argInt, argTarget},
	"exit":                {},
	"assume":              {argTruth},
	"assert":              {argTruth},
	"log_msg":             {argString, argVector},

	"modify_field":                        {argPlace, argInt},
	"modify_field_rng_uniform":            {argPlace, argInt, argInt},
	"add_to_field":                        {argPlace, argInt},
	"subtract_from_field":                 {argPlace, argInt},
	"add":                                 {argPlace, argInt, argInt},
	"subtract":                            {argPlace, argInt, argInt},
	"bit_xor":                             {argPlace, argInt, argInt},
	"bit_or":                              {argPlace, argInt, argInt},
	"bit_and":                             {argPlace, argInt, argInt},
	"shift_left":                          {argPlace, argInt, argInt},
	"shift_right":                         {argPlace, argInt, argInt},
	"drop":                                {},
	"mark_to_drop":                        {argHeader},
	"generate_digest":                     {argInt, argInt},
	"add_header":                          {argHeader},
	"add_header_fast":                     {argHeader},
	"remove_header":                       {argHeader},
	"copy_header":                         {argHeader, argHeader},
	"clone_ingress_pkt_to_egress":         {argInt, argInt},
	"clone_egress_pkt_to_egress":          {argInt, argInt},
	"resubmit":                            {argInt},
	"recirculate":                         {argInt},
	"modify_field_with_hash_based_offset": {argPlace, argInt, argCalculation, argInt},
	"no_op":                               {},
	"execute_meter":                       {argMeter, argInt, argPlace},
	"count":                               {argCounter, argInt},
	"register_read":                       {argPlace, argRegister, argInt},
	"register_write":                      {argRegister, argInt, argInt},
	"truncate":                            {argInt},
}

var argTypes = [...][]Type{
	argInt:         {TypeInt},
	argPlace:       {TypeInt},
	argTruth:       {TypeInt, TypeBool},
	argHeader:      {TypeHeader},
	argUnion:       {TypeUnion},
	argStack:       {TypeStack},
	argUnionStack:  {TypeUnionStack},
	argAnyStack:    {TypeStack, TypeUnionStack},
	argVarBit:      {TypeVarBit},
	argCalculation: {TypeCalculation},
	argMeter:       {TypeMeter},
	argCounter:     {TypeCounter},
	argRegister:    {TypeRegister},
	argString:      {TypeString},
	argVector:      {TypeVector},
	argTarget:      {TypeInt},
}

func (l *loader) actionBodies(root *node) {
	for _, n := range root.list("actions") {
		a := Action{Name: n.get("name").str(), ID: ids(&l.actionIDs, n, "action", len(l.p.Actions)), Source: source(n)}
		if l.actions == nil {
			l.actions = map[string]int{}
		}
		if _, dup := l.actions[a.Name]; dup {
			l.actions[a.Name] = -1 // p4c repeats names of actions that no table has, e.g. of NoAction
		} else {
			l.actions[a.Name] = len(l.p.Actions)
		}
		for _, m := range n.list("runtime_data") {
			a.Params = append(a.Params, Param{m.get("name").str(), m.get("bitwidth").number(1, maxWidth)})
		}
		l.action, l.params = a.Params, len(a.Params)
		body := n.list("primitives")
		for _, m := range body {
			a.Primitives = append(a.Primitives, l.primitive(m, len(body)))
		}
		l.action, l.params = nil, -1
		l.p.Actions = append(l.p.Actions, a)
	}
}

// primitive loads one call; size is that of the enclosing body.
func (l *loader) primitive(n *node, size int) Primitive {
	op := n.get("op")
	want, ok := primitives[op.str()]
	if !ok {
		op.refuse("unknown primitive %q", op.text)
	}
	args := n.list("parameters")
	if len(args) != len(want) {
		n.refuse("primitive %q with %d arguments, want %d", op.text, len(args), len(want))
	}
	p := Primitive{Op: op.text, Source: source(n)}
	for i, m := range args {
		p.Args = append(p.Args, l.argument(m, want[i], size))
	}
	switch p.Op {
	case "assign_header", "copy_header":
		if l.headerTypeOf(p.Args[0]) != l.headerTypeOf(p.Args[1]) {
			n.refuse("primitive %q between headers of different types", p.Op)
		}
	case "assign_union":
		if l.unionTypeOf(p.Args[0]) != l.unionTypeOf(p.Args[1]) {
			n.refuse("primitive %q between unions of different types", p.Op)
		}
	case "assign_header_stack":
		a, b := &l.p.Stacks[p.Args[0].(StackRef).Stack], &l.p.Stacks[p.Args[1].(StackRef).Stack]
		if a.Type != b.Type || len(a.Headers) != len(b.Headers) {
			n.refuse("primitive %q between stacks of different types or sizes", p.Op)
		}
	case "assign_union_stack":
		a, b := &l.p.UnionStacks[p.Args[0].(UnionStackRef).UnionStack], &l.p.UnionStacks[p.Args[1].(UnionStackRef).UnionStack]
		if a.Type != b.Type || len(a.Unions) != len(b.Unions) {
			n.refuse("primitive %q between stacks of different types or sizes", p.Op)
		}
	case "mark_to_drop":
		if l.p.HeaderTypes[l.headerTypeOf(p.Args[0])].Field("egress_spec") < 0 {
			n.refuse("primitive %q of a header without field egress_spec", p.Op)
		}
		if _, ok := p.Args[0].(HeaderRef); !ok {
			n.refuse("primitive %q of a header chosen at run time", p.Op)
		}
	}
	return p
}

func (l *loader) argument(n *node, kind argKind, size int) Expr {
	e := l.expr(n)
	fits := false
	for _, t := range argTypes[kind] {
		fits = fits || e.Type() == t
	}
	if !fits {
		n.refuse("got an argument of type %s, want %s", e.Type(), argTypes[kind][0])
	}
	switch kind {
	case argPlace:
		l.place(n, e)
	case argTarget:
		c, ok := e.(Const)
		if !ok || !c.Value.IsInt64() || c.Value.Int64() < 0 || c.Value.Int64() > int64(size) {
			n.refuse("jump target, want a constant from 0 to %d", size)
		}
	case argVarBit:
		if _, ok := e.(VarBitRef); !ok {
			n.refuse("varbit field chosen at run time")
		}
	}
	return e
}

// place refuses what cannot be stored to.
func (l *loader) place(n *node, e Expr) {
	field := 0
	switch e := e.(type) {
	case FieldRef:
		field = e.Field
	case StackField:
		field = e.Field
	case AccessField:
		field = e.Field
	case RegisterCell:
	default:
		n.refuse("got an argument that cannot be written to")
	}
	if field == ValidField {
		n.refuse("the hidden field $valid$ is read-only")
	}
}

// fieldLists loads field_lists and learn_lists.
func (l *loader) fieldLists(root *node) {
	load := func(key, what string) (lists []FieldList) {
		var seen map[int]int
		for i, n := range root.list(key) {
			f := FieldList{ID: ids(&seen, n, what, i), Source: source(n)}
			if f.ID < 0 || f.ID > 1<<16-1 {
				n.get("id").refuse("%s id %d, want 0 to 65535", what, f.ID)
			}
			if m := n.opt("name"); m != nil {
				f.Name = m.str()
			}
			for _, m := range n.list("elements") {
				f.Elements = append(f.Elements, l.sized(m, false))
			}
			lists = append(lists, f)
		}
		return lists
	}
	l.p.FieldLists = load("field_lists", "field list")
	l.p.LearnLists = load("learn_lists", "learn list")
}

// sized loads an element of a field list or, with calculation, of a
// calculation's input.
func (l *loader) sized(n *node, calculation bool) Sized {
	t := n.get("type")
	switch {
	case t.str() == "field":
		f := l.field(n.get("value"))
		return Sized{Kind: SizedField, Field: f, Width: l.p.Width(f)}
	case t.text == "hexstr":
		w := n.get("bitwidth").number(1, maxWidth)
		v := hexstr(n.get("value"))
		if v.Sign() < 0 {
			n.get("value").refuse("negative constant %s", n.get("value").text)
		}
		// BMv2 takes the low bits of a constant that is too wide.
		mask := new(big.Int).Lsh(big.NewInt(1), uint(w))
		v.And(v, mask.Sub(mask, big.NewInt(1)))
		return Sized{Kind: SizedConst, Const: v, Width: w}
	case t.text == "header" && calculation:
		return Sized{Kind: SizedHeader, Index: named(l.headers, n.get("value"), "header")}
	case t.text == "payload" && calculation:
		return Sized{Kind: SizedPayload}
	}
	t.refuse("unknown kind of element %q", t.text)
	return Sized{}
}

// calculations loads calculations.
func (l *loader) calculations(root *node) {
	for _, n := range root.list("calculations") {
		register(&l.calcs, n, "calculation", len(l.p.Calculations))
		c := Calculation{Name: n.get("name").str(), ID: n.get("id").id(), Algo: n.get("algo").str(), Source: source(n)}
		for _, m := range n.list("input") {
			c.Input = append(c.Input, l.sized(m, true))
		}
		l.p.Calculations = append(l.p.Calculations, c)
	}
}

// checksums loads checksums.
func (l *loader) checksums(root *node) {
	seen := map[string]int{}
	for i, n := range root.list("checksums") {
		register(&seen, n, "checksum", i)
		if t := n.get("type"); t.str() != "generic" {
			t.refuse("unknown type of checksum %q, want generic", t.text)
		}
		c := Checksum{Name: n.get("name").str(), ID: n.get("id").id(), Target: l.fixedField(n.get("target")),
			Calculation: named(l.calcs, n.get("calculation"), "calculation"),
			Update:      n.flag("update", true), Verify: n.flag("verify", true), Source: source(n)}
		if c.Target.Field == ValidField {
			n.get("target").refuse("the hidden field $valid$ is read-only")
		}
		if m := n.opt("if_cond"); m != nil {
			c.If = l.typed(m, TypeBool)
		}
		l.p.Checksums = append(l.p.Checksums, c)
	}
}
