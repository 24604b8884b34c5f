package spec

import "math"

// defaultVarBit is the capacity in bits of a varbit field whose header type has
// no max_length.
const defaultVarBit = 2048

// types loads header_types and header_union_types.
func (l *loader) types(root *node) {
	for _, n := range root.list("header_types") {
		register(&l.headerTypes, n, "header type", len(l.p.HeaderTypes))
		t := HeaderType{Name: n.get("name").str(), ID: n.get("id").id(), VarBit: -1}
		if m := n.opt("max_length"); m != nil {
			t.MaxLength = m.number(0, maxWidth/8)
		}
		seen := map[string]bool{}
		for i, f := range n.get("fields").array() {
			t.Fields = append(t.Fields, l.fieldOf(f, &t, i))
			if name := t.Fields[i].Name; seen[name] {
				f.refuse("second field %q", name)
			} else {
				seen[name] = true
			}
			if !t.Fields[i].VarBit {
				t.Bits += t.Fields[i].Width
			}
		}
		if t.Bits > maxWidth*8 {
			n.refuse("header type of %d bits, want at most %d", t.Bits, maxWidth*8)
		}
		if t.VarBit >= 0 {
			// The varbit field may take what the other fields leave of max_length.
			t.Fields[t.VarBit].Width = max(t.MaxLength*8-t.Bits, 0)
			if t.MaxLength == 0 {
				t.Fields[t.VarBit].Width = defaultVarBit
			}
		}
		l.p.HeaderTypes = append(l.p.HeaderTypes, t)
	}
	for _, n := range root.list("header_union_types") {
		register(&l.unionTypes, n, "header union type", len(l.p.UnionTypes))
		t := UnionType{Name: n.get("name").str(), ID: n.get("id").id()}
		for _, m := range n.get("headers").array() {
			pair := m.tuple(2)
			t.Members = append(t.Members, UnionMember{pair[0].str(), named(l.headerTypes, pair[1], "header type")})
		}
		l.p.UnionTypes = append(l.p.UnionTypes, t)
	}
}

// fieldOf loads the field [name, width(, signed(, saturating))].
func (l *loader) fieldOf(n *node, t *HeaderType, index int) Field {
	a := n.array()
	if len(a) < 2 || len(a) > 4 {
		n.refuse("got %d elements, want name, width and at most two flags", len(a))
	}
	f := Field{Name: a[0].str()}
	if len(a) > 2 {
		f.Signed = a[2].truthy()
	}
	if len(a) > 3 {
		f.Saturating = a[3].truthy()
	}
	if a[1].kind == kindString {
		if a[1].text != "*" {
			a[1].refuse("got width %q, want a number of bits or \"*\"", a[1].text)
		}
		if t.VarBit >= 0 {
			n.refuse("second varbit field in a header type")
		}
		f.VarBit, t.VarBit = true, index
		return f
	}
	f.Width = a[1].number(1, maxWidth)
	if f.Signed && f.Width < 2 {
		a[1].refuse("a signed field of one bit, want at least 2")
	}
	return f
}

// instances loads headers, header_stacks, header_unions and header_union_stacks.
func (l *loader) instances(root *node) {
	slots, bits := 0, 0
	for _, n := range root.list("headers") {
		register(&l.headers, n, "header", len(l.p.Headers))
		h := Header{Name: n.get("name").str(), ID: ids(&l.headerIDs, n, "header", len(l.p.Headers)),
			Type: named(l.headerTypes, n.get("header_type"), "header type"), Metadata: n.flag("metadata", false), Stack: -1, Union: -1}
		t := &l.p.HeaderTypes[h.Type]
		if slots += 1 + len(t.Fields); slots > maxSlots {
			n.refuse("more than %d fields in all headers", maxSlots)
		}
		if bits += max(t.Bits, 8*t.MaxLength, defaultVarBit/8); bits > maxHeaderBits {
			n.refuse("more than %d bits in all headers", maxHeaderBits)
		}
		if !h.Metadata && t.Bits%8 != 0 {
			n.refuse("header of %d bits, want a multiple of 8", t.Bits)
		}
		l.p.Headers = append(l.p.Headers, h)
	}
	for _, n := range root.list("header_stacks") {
		register(&l.stacks, n, "header stack", len(l.p.Stacks))
		s := Stack{Name: n.get("name").str(), ID: n.get("id").id(), Type: named(l.headerTypes, n.get("header_type"), "header type")}
		for i, m := range n.get("header_ids").array() {
			h := l.elem(m, l.headerIDs, "header")
			inst := &l.p.Headers[h]
			if inst.Stack >= 0 || inst.Metadata {
				m.refuse("header %q is metadata or in another stack", inst.Name)
			}
			if inst.Type != s.Type {
				m.refuse("header %q has type %q, want %q", inst.Name, l.p.HeaderTypes[inst.Type].Name, l.p.HeaderTypes[s.Type].Name)
			}
			inst.Stack, inst.Index = len(l.p.Stacks), i
			s.Headers = append(s.Headers, h)
		}
		if len(s.Headers) == 0 {
			n.refuse("empty header stack")
		}
		l.p.Stacks = append(l.p.Stacks, s)
	}
	for _, n := range root.list("header_unions") {
		l.union(n)
	}
	for _, n := range root.list("header_union_stacks") {
		register(&l.unionStacks, n, "header union stack", len(l.p.UnionStacks))
		s := UnionStack{Name: n.get("name").str(), ID: n.get("id").id(), Type: named(l.unionTypes, n.get("union_type"), "header union type")}
		for _, m := range n.get("header_union_ids").array() {
			u := l.elem(m, l.unionIDs, "header union")
			inst := &l.p.Unions[u]
			if inst.Stack >= 0 {
				m.refuse("header union %q is in another stack", inst.Name)
			}
			if inst.Type != s.Type {
				m.refuse("header union %q has another type than the stack", inst.Name)
			}
			inst.Stack = len(l.p.UnionStacks)
			s.Unions = append(s.Unions, u)
		}
		if len(s.Unions) == 0 {
			n.refuse("empty header union stack")
		}
		l.p.UnionStacks = append(l.p.UnionStacks, s)
	}
}

func (l *loader) union(n *node) {
	register(&l.unions, n, "header union", len(l.p.Unions))
	u := Union{Name: n.get("name").str(), ID: ids(&l.unionIDs, n, "header union", len(l.p.Unions)),
		Type: named(l.unionTypes, n.get("union_type"), "header union type"), Stack: -1}
	t := &l.p.UnionTypes[u.Type]
	for i, m := range n.get("header_ids").tuple(len(t.Members)) {
		h := l.elem(m, l.headerIDs, "header")
		inst := &l.p.Headers[h]
		if inst.Union >= 0 || inst.Stack >= 0 || inst.Metadata {
			m.refuse("header %q is metadata, in a stack or in another union", inst.Name)
		}
		if inst.Type != t.Members[i].Type {
			m.refuse("header %q has another type than member %q", inst.Name, t.Members[i].Name)
		}
		inst.Union, inst.Index = len(l.p.Unions), i
		u.Headers = append(u.Headers, h)
	}
	l.p.Unions = append(l.p.Unions, u)
}

func (l *loader) elem(n *node, m map[int]int, what string) int {
	i, ok := m[n.id()]
	if !ok {
		n.refuse("unknown %s id %s", what, n.text)
	}
	return i
}

// sizes loads the length expressions of varbit headers, which name fields.
func (l *loader) sizes(root *node) {
	for i, n := range root.list("header_types") {
		if m := n.opt("length_exp"); m != nil {
			l.p.HeaderTypes[i].LengthExp = l.lengthExpr(m, i)
		}
	}
}

// lengthExpr loads a length_exp. Its "local" values are fields of the header
// itself, by index; they become [ParamRef]s, resolved when the header is known.
func (l *loader) lengthExpr(n *node, headerType int) Expr {
	l.action, l.params = nil, len(l.p.HeaderTypes[headerType].Fields)
	for _, f := range l.p.HeaderTypes[headerType].Fields {
		l.action = append(l.action, Param{f.Name, f.Width})
	}
	e := l.typed(n, TypeInt)
	l.action, l.params = nil, -1
	return e
}

// field resolves [header, field].
func (l *loader) field(n *node) FieldRef {
	pair := n.tuple(2)
	h := named(l.headers, pair[0], "header")
	if pair[1].str() == "$valid$" {
		return FieldRef{h, ValidField}
	}
	return FieldRef{h, l.memberIndex(pair[1], l.p.Headers[h].Type)}
}

// fixedField resolves [header, field] of a field that has a fixed width.
func (l *loader) fixedField(n *node) FieldRef {
	f := l.field(n)
	if f.Field != ValidField && l.p.HeaderTypes[l.p.Headers[f.Header].Type].Fields[f.Field].VarBit {
		n.refuse("varbit field %q, want one of fixed width", l.p.FieldName(f))
	}
	return f
}

func (l *loader) memberIndex(n *node, headerType int) int {
	t := &l.p.HeaderTypes[headerType]
	f := t.Field(n.str())
	if f < 0 {
		n.refuse("no field %q in header type %q", n.text, t.Name)
	}
	return f
}

func (l *loader) aliases(root *node) {
	for _, n := range root.list("field_aliases") {
		pair := n.tuple(2)
		l.p.Aliases = append(l.p.Aliases, Alias{pair[0].str(), l.field(pair[1])})
	}
}

// constants loads errors and enums.
func (l *loader) constants(root *node) {
	constant := func(n *node) Constant {
		pair := n.tuple(2)
		return Constant{pair[0].str(), pair[1].number(0, math.MaxInt32-1)}
	}
	names, values := map[string]bool{}, map[int]bool{}
	for _, n := range root.list("errors") {
		c := constant(n)
		if names[c.Name] || values[c.Value] {
			n.refuse("second error %q or value %d", c.Name, c.Value)
		}
		names[c.Name], values[c.Value] = true, true
		l.p.Errors = append(l.p.Errors, c)
	}
	next := 0
	for _, name := range CoreErrors {
		if names[name] {
			continue
		}
		for values[next] {
			next++
		}
		values[next] = true
		l.p.Errors = append(l.p.Errors, Constant{name, next})
	}
	for _, n := range root.list("enums") {
		e := Enum{Name: n.get("name").str()}
		for _, m := range n.get("entries").array() {
			e.Entries = append(e.Entries, constant(m))
		}
		l.p.Enums = append(l.p.Enums, e)
	}
}

// CoreErrors are the errors of core.p4. A program that does not number them
// gets the lowest free numbers in this order.
var CoreErrors = [...]string{"NoError", "PacketTooShort", "NoMatch", "StackOutOfBounds", "HeaderTooShort", "ParserTimeout", "ParserInvalidArgument"}

// arrays loads meter_arrays, counter_arrays and register_arrays.
func (l *loader) arrays(root *node) {
	cells := 0
	size := func(n *node, words int) int {
		s := n.get("size").number(0, maxCells)
		if cells += s * words; cells > maxCells {
			n.refuse("more than %d words of registers, counters and meters", maxCells)
		}
		return s
	}
	for _, n := range root.list("meter_arrays") {
		register(&l.meters, n, "meter array", len(l.p.Meters))
		m := Meter{Name: n.get("name").str(), ID: n.get("id").id(), Rates: n.get("rate_count").number(1, 8),
			Direct: n.flag("is_direct", false), Source: source(n)}
		switch t := n.get("type"); t.str() {
		case "packets":
		case "bytes":
			m.Unit = Bytes
		default:
			t.refuse("unknown type of meter %q", t.text)
		}
		if m.Direct {
			m.Size = n.get("size").number(0, math.MaxInt32)
			if b := n.opt("binding"); b != nil {
				m.Table = b.str()
			}
			m.Result = l.fixedField(n.get("result_target"))
		} else {
			m.Size = size(n, 16)
		}
		l.p.Meters = append(l.p.Meters, m)
	}
	for _, n := range root.list("counter_arrays") {
		register(&l.counters, n, "counter array", len(l.p.Counters))
		c := Counter{Name: n.get("name").str(), ID: n.get("id").id(), Direct: n.flag("is_direct", false), Source: source(n)}
		if c.Direct {
			if b := n.opt("binding"); b != nil {
				c.Table = b.str()
			}
		} else {
			c.Size = size(n, 2)
		}
		l.p.Counters = append(l.p.Counters, c)
	}
	for _, n := range root.list("register_arrays") {
		register(&l.registers, n, "register array", len(l.p.Registers))
		r := Register{Name: n.get("name").str(), ID: n.get("id").id(), Width: n.get("bitwidth").number(1, maxWidth), Source: source(n)}
		r.Size = size(n, (r.Width+63)/64)
		l.p.Registers = append(l.p.Registers, r)
	}
}
