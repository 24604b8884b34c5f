package spec

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strings"
)

// What the parts of a program may need of memory once it runs.
const (
	maxWidth      = 1 << 16 // bits of a field
	maxSlots      = 1 << 20 // fields of all headers together
	maxHeaderBits = 1 << 23 // bits of all headers together
	maxCells      = 1 << 24 // words of all registers, counters and meters together
	maxHex        = 1 << 14 // digits of a number
)

// loader holds what is needed while a program is built.
type loader struct {
	p *Program

	headerTypes map[string]int
	headers     map[string]int
	headerIDs   map[int]int
	stacks      map[string]int
	unionTypes  map[string]int
	unions      map[string]int
	unionIDs    map[int]int
	unionStacks map[string]int
	vsets       map[string]int
	calcs       map[string]int
	meters      map[string]int
	counters    map[string]int
	registers   map[string]int
	externs     map[string]int
	actionIDs   map[int]int
	actions     map[string]int
	profiles    map[string]int
	nodes       map[string]Node

	params int  // of the action being loaded, -1 outside of actions
	ahead  bool // a lookahead may stand here
	action []Param
}

// Load reads a BMv2 JSON program.
func Load(data []byte) (p *Program, err error) {
	root, err := tree(data)
	if err != nil {
		return nil, fmt.Errorf("bmv2 program: %w", err)
	}
	defer func() {
		if r := recover(); r != nil {
			ref, ok := r.(refusal)
			if !ok {
				panic(r)
			}
			where := position(data, ref.at.offset)
			if path := ref.at.path(); path != "" {
				where += ", " + path
			}
			p, err = nil, fmt.Errorf("bmv2 program: %s: %s", where, ref.msg)
		}
	}()
	l := &loader{p: &Program{}, params: -1}
	l.load(root)
	return l.p, nil
}

func (l *loader) load(root *node) {
	root.want(kindObject)
	l.version(root)
	if n := root.opt("program"); n != nil {
		l.p.Name = n.str()
	}
	l.types(root)
	l.instances(root)
	l.sizes(root)
	l.aliases(root)
	for _, n := range root.list("extern_instances") {
		register(&l.externs, n, "extern instance", len(l.p.Externs))
		l.p.Externs = append(l.p.Externs, Extern{Name: n.get("name").str(), ID: n.get("id").id(), Type: n.get("type").str()})
	}
	l.constants(root)
	l.arrays(root)
	l.calculations(root)
	for _, n := range root.list("parse_vsets") {
		register(&l.vsets, n, "value set", len(l.p.ValueSets))
		v := ValueSet{Name: n.get("name").str(), ID: n.get("id").id(), Width: n.get("compressed_bitwidth").number(1, maxWidth)}
		if m := n.opt("max_size"); m != nil {
			v.Size = m.number(0, math.MaxInt32)
		}
		l.p.ValueSets = append(l.p.ValueSets, v)
	}
	l.fieldLists(root)
	l.parsers(root)
	l.deparsers(root)
	l.actionBodies(root)
	l.pipelines(root)
	l.checksums(root)
	for _, n := range root.list("force_arith") {
		l.p.ForceArith = append(l.p.ForceArith, l.field(n))
	}
}

func (l *loader) version(root *node) {
	meta := root.opt("__meta__")
	if meta == nil {
		return
	}
	if c := meta.opt("compiler"); c != nil {
		l.p.Compiler = c.str()
	}
	v := meta.opt("version")
	if v == nil {
		return
	}
	t := v.tuple(2)
	l.p.Version = [2]int{t[0].id(), t[1].id()}
	if l.p.Version[0] != 2 || l.p.Version[1] < 0 || l.p.Version[1] > 24 {
		v.refuse("version %d.%d of the format, want 2.0 to 2.24", l.p.Version[0], l.p.Version[1])
	}
}

// register enters a named thing and refuses a second one of that name.
func register(m *map[string]int, n *node, what string, index int) {
	name := n.get("name")
	if *m == nil {
		*m = map[string]int{}
	}
	if _, dup := (*m)[name.str()]; dup {
		n.refuse("second %s %q", what, name.text)
	}
	(*m)[name.text] = index
}

// ids refuses a number that was used before.
func ids(m *map[int]int, n *node, what string, index int) int {
	id := n.get("id").id()
	if *m == nil {
		*m = map[int]int{}
	}
	if _, dup := (*m)[id]; dup {
		n.get("id").refuse("second %s with id %d", what, id)
	}
	(*m)[id] = index
	return id
}

// named resolves a reference by name.
func named(m map[string]int, n *node, what string) int {
	i, ok := m[n.str()]
	if !ok {
		n.refuse("unknown %s %q", what, n.text)
	}
	return i
}

// hexstr reads a hexadecimal number, which may be negative.
func hexstr(n *node) *big.Int {
	s := n.str()
	digits, neg := strings.CutPrefix(s, "-")
	digits = strings.TrimPrefix(digits, "0x")
	if len(digits) > maxHex {
		n.refuse("a number of %d digits, want at most %d", len(digits), maxHex)
	}
	if digits == "" || strings.Trim(digits, "0123456789abcdefABCDEF") != "" {
		n.refuse("got %q, want a hexadecimal number", s)
	}
	v, ok := new(big.Int).SetString(digits, 16)
	if !ok {
		n.refuse("got %q, want a hexadecimal number", s)
	}
	if neg {
		v.Neg(v)
	}
	return v
}

// hexbytes reads a hexadecimal byte string of a given length.
func hexbytes(n *node, size int) []byte {
	digits := strings.TrimPrefix(n.str(), "0x")
	if len(digits)%2 != 0 {
		digits = "0" + digits
	}
	b, err := hex.DecodeString(digits)
	if err != nil {
		n.refuse("got %q, want a hexadecimal byte string", n.text)
	}
	if len(b) != size {
		n.refuse("got %d bytes, want %d", len(b), size)
	}
	return b
}

// hexfit reads a hexadecimal number and pads it to size bytes, whose bits over
// width must be zero.
func hexfit(n *node, width int) []byte {
	v := hexstr(n)
	if v.Sign() < 0 || v.BitLen() > width {
		n.refuse("%s does not fit in %d bits", n.text, width)
	}
	return v.FillBytes(make([]byte, (width+7)/8))
}

func source(n *node) SourceInfo {
	s := n.opt("source_info")
	if s == nil {
		return SourceInfo{}
	}
	var i SourceInfo
	if m := s.opt("filename"); m != nil {
		i.File = m.str()
	}
	if m := s.opt("line"); m != nil {
		i.Line = m.number(0, math.MaxInt32)
	}
	if m := s.opt("column"); m != nil {
		i.Column = m.number(0, math.MaxInt32)
	}
	if m := s.opt("source_fragment"); m != nil {
		i.Fragment = m.str()
	}
	return i
}

// Width returns the bits of a field; 1 for [ValidField].
func (p *Program) Width(f FieldRef) int {
	if f.Field == ValidField {
		return 1
	}
	return p.HeaderTypes[p.Headers[f.Header].Type].Fields[f.Field].Width
}

// FieldName returns "header.field".
func (p *Program) FieldName(f FieldRef) string {
	h := p.Headers[f.Header]
	if f.Field == ValidField {
		return h.Name + ".$valid$"
	}
	return h.Name + "." + p.HeaderTypes[h.Type].Fields[f.Field].Name
}

// FieldByName finds a field by the name the target knows it by: an alias first,
// then "header.field".
func (p *Program) FieldByName(name string) (FieldRef, bool) {
	for _, a := range p.Aliases {
		if a.Name == name {
			return a.Field, true
		}
	}
	for h := range p.Headers {
		field, ok := strings.CutPrefix(name, p.Headers[h].Name+".")
		if !ok {
			continue
		}
		if f := p.HeaderTypes[p.Headers[h].Type].Field(field); f >= 0 {
			return FieldRef{h, f}, true
		}
	}
	return FieldRef{}, false
}

func bigInt(v int) *big.Int { return big.NewInt(int64(v)) }
