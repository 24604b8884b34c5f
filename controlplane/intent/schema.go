package intent

import (
	"errors"
	"fmt"

	p4config "github.com/p4lang/p4runtime/go/p4/config/v1"
	"google.golang.org/protobuf/encoding/prototext"
)

// Schema is a program's P4Info as far as the entities need it: every table,
// key, action and parameter of the contract with its id. It is immutable and safe
// for concurrent use.
type Schema struct {
	program string
	info    *p4config.P4Info
	tables  map[string]*table
	byID    map[uint32]*table
	actions map[uint32]*action
}

type table struct {
	want     wantTable
	id       uint32
	profile  uint32
	maxGroup int32 // members, 0 = no limit
	size     int64
	keys     map[string]uint32 // field ids
	actions  map[string]*action
}

type action struct {
	want   wantAction
	id     uint32
	params []uint32 // ids, in the contract's order
}

// ParseSchema reads a P4Info in protobuf text format, as p4c writes it, for program
// "fabric" or "vswitch". Fields of the P4Info that are newer than our stubs are
// passed over. The errors are those of [NewSchema] and of the text.
func ParseSchema(program string, p4info []byte) (*Schema, error) {
	info := new(p4config.P4Info)
	if err := (prototext.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(p4info, info); err != nil {
		return nil, fmt.Errorf("program %s: cannot read its P4Info: %w", program, err)
	}
	return NewSchema(program, info)
}

// NewSchema checks the P4Info of program "fabric" or "vswitch" against what
// entities need, and returns all that is missing or of another kind or width, each
// with its place. Tables, actions and annotations that no entity needs do not
// matter; a further key or parameter of one that does is an error, because every
// entry would be refused.
func NewSchema(program string, info *p4config.P4Info) (*Schema, error) {
	if program != "fabric" && program != "vswitch" {
		return nil, fmt.Errorf("unknown program %q, want fabric or vswitch", program)
	}
	c := checker{program: program, info: info}
	s := &Schema{
		program: program,
		info:    info,
		tables:  make(map[string]*table),
		byID:    make(map[uint32]*table),
		actions: make(map[uint32]*action),
	}
	for _, want := range contract {
		if want.vswitch && program != "vswitch" {
			continue
		}
		t := c.table(want)
		if t == nil {
			continue
		}
		s.tables[want.name], s.byID[t.id] = t, t
		for _, a := range t.actions {
			if a != nil {
				s.actions[a.id] = a
			}
		}
	}
	if err := errors.Join(c.errs...); err != nil {
		return nil, err
	}
	return s, nil
}

// Program is "fabric" or "vswitch".
func (s *Schema) Program() string { return s.program }

// P4Info is what the schema was made from. It is shared: read it only.
func (s *Schema) P4Info() *p4config.P4Info { return s.info }

// checker compares the contract with a P4Info. REQUIRES: nothing of the P4Info;
// protobuf's getters answer for what is nil.
type checker struct {
	program string
	info    *p4config.P4Info
	errs    []error
}

func (c *checker) fail(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf("program %s: "+format, append([]any{c.program}, args...)...))
}

func named(p *p4config.Preamble, name string) bool {
	return p.GetName() == name || p.GetAlias() == name
}

func (c *checker) table(want wantTable) *table {
	for _, t := range c.info.GetTables() {
		if !named(t.GetPreamble(), want.name) {
			continue
		}
		out := &table{
			want: want, id: t.GetPreamble().GetId(), size: t.GetSize(),
			keys: make(map[string]uint32), actions: make(map[string]*action),
		}
		c.keys(want, t, out)
		for _, a := range want.actions {
			out.actions[a.name] = c.action(want.name, a, t)
		}
		c.profile(want, t, out)
		return out
	}
	c.fail("table %s: it is not in the P4Info", want.name)
	return nil
}

var matchTypes = map[kind]p4config.MatchField_MatchType{
	exact: p4config.MatchField_EXACT, lpm: p4config.MatchField_LPM, ternary: p4config.MatchField_TERNARY,
}

func (c *checker) keys(want wantTable, t *p4config.Table, out *table) {
	for _, k := range want.keys {
		var field *p4config.MatchField
		for _, f := range t.GetMatchFields() {
			if f.GetName() == k.name {
				field = f
			}
		}
		switch {
		case field == nil:
			c.fail("table %s: key %s: it is not in the P4Info", want.name, k.name)
		case field.GetMatchType() != matchTypes[k.kind]:
			c.fail("table %s: key %s: got match type %v, want %v", want.name, k.name, field.GetMatchType(), k.kind)
		case field.GetBitwidth() != k.bits:
			c.fail("table %s: key %s: got %d bits, want %d", want.name, k.name, field.GetBitwidth(), k.bits)
		default:
			out.keys[k.name] = field.GetId()
		}
	}
	for _, f := range t.GetMatchFields() {
		known := false
		for _, k := range want.keys {
			known = known || k.name == f.GetName()
		}
		if !known {
			c.fail("table %s: key %q: the P4Info has it, and no entry would set it", want.name, f.GetName())
		}
	}
}

func (c *checker) action(tableName string, want wantAction, t *p4config.Table) *action {
	var found *p4config.Action
	for _, a := range c.info.GetActions() {
		if named(a.GetPreamble(), want.name) {
			found = a
		}
	}
	if found == nil {
		c.fail("table %s: action %s: it is not in the P4Info", tableName, want.name)
		return nil
	}
	id, refers := found.GetPreamble().GetId(), false
	for _, r := range t.GetActionRefs() {
		refers = refers || r.GetId() == id
	}
	if !refers {
		c.fail("table %s: action %s: the table does not have it", tableName, want.name)
	}
	out := &action{want: want, id: id}
	for _, p := range want.params {
		var param *p4config.Action_Param
		for _, q := range found.GetParams() {
			if q.GetName() == p.name {
				param = q
			}
		}
		switch {
		case param == nil:
			c.fail("action %s: parameter %s: it is not in the P4Info", want.name, p.name)
		case param.GetBitwidth() != p.bits:
			c.fail("action %s: parameter %s: got %d bits, want %d", want.name, p.name, param.GetBitwidth(), p.bits)
		}
		out.params = append(out.params, param.GetId())
	}
	if got := len(found.GetParams()); got > len(want.params) {
		c.fail("action %s: got %d parameters, want %d", want.name, got, len(want.params))
	}
	return out
}

func (c *checker) profile(want wantTable, t *p4config.Table, out *table) {
	if want.profile == "" {
		if id := t.GetImplementationId(); id != 0 {
			c.fail("table %s: got implementation %#x, want none", want.name, id)
		}
		return
	}
	for _, p := range c.info.GetActionProfiles() {
		if !named(p.GetPreamble(), want.profile) {
			continue
		}
		out.profile, out.maxGroup = p.GetPreamble().GetId(), p.GetMaxGroupSize()
		if t.GetImplementationId() != out.profile {
			c.fail("table %s: got implementation %#x, want action profile %s (%#x)", want.name, t.GetImplementationId(), want.profile, out.profile)
		}
		if !p.GetWithSelector() {
			c.fail("action profile %s: it has no selector", want.profile)
		}
		return
	}
	c.fail("action profile %s: it is not in the P4Info", want.profile)
}
