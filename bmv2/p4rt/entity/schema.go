package entity

import (
	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	"google.golang.org/grpc/codes"

	"github.com/telltale-net/telltale/bmv2/device"
)

// Schema is one P4Info, indexed. It never changes after [New].
type Schema struct {
	info *p4configv1.P4Info

	Tables    []*Table // in the order of the P4Info, as are the others
	Profiles  []*Profile
	Counters  []*Array
	Meters    []*Array
	Registers []*Array
	Digests   []*Digest
	ValueSets []*ValueSet
	PacketIn  *Header // nil when the program has none
	PacketOut *Header

	tables    map[uint32]*Table
	actions   map[uint32]*Action
	byName    map[string]*Action
	profiles  map[uint32]*Profile
	counters  map[uint32]*Array
	meters    map[uint32]*Array
	registers map[uint32]*Array
	digests   map[uint32]*Digest
	valueSets map[uint32]*ValueSet
}

// Field is one key field of a table.
type Field struct {
	ID    uint32
	Name  string
	Width int // bits on the device
	Match p4configv1.MatchField_MatchType
	kind  device.MatchKind
	sdn   int // of a translated type, see checkType
}

// Table is a table of the program.
type Table struct {
	ID            uint32
	Name          string
	Fields        []Field
	Profile       *Profile // nil for a direct table
	Const         bool     // entries declared const
	ConstDefault  bool
	DirectCounter bool
	DirectMeter   bool
	MeterKind     MeterKind // of the direct meter
	IdleTimeout   bool

	actions  map[uint32]p4configv1.ActionRef_Scope
	order    []uint32 // action ids as declared
	priority bool     // some field is ternary, range or optional
}

// Action is an action of the program.
type Action struct {
	ID     uint32
	Name   string
	Params []Param
}

// Param is one run-time argument of an action.
type Param struct {
	ID    uint32
	Name  string
	Width int // bits on the device
	sdn   int // of a translated type, see checkType
}

// Profile is an action profile or, with Selector, an action selector.
type Profile struct {
	ID       uint32
	Name     string
	Selector bool
	MaxGroup int32 // greatest sum of weights of one group, 0 = no limit of the program's
	Size     int   // members, 0 = no limit of the program's
	Unused   bool  // by any table, so that the device does not have it

	actions map[uint32]p4configv1.ActionRef_Scope // of the tables it implements
}

// Array is an indirect counter, meter or register.
type Array struct {
	ID     uint32
	Name   string
	Size   int
	Width  int  // of a register's cell, on the device
	sdn    int  // of a translated type, see checkType
	Signed bool // the cell is int<Width>
	Bool   bool // the cell is bool
	Kind   MeterKind
}

// MeterKind is what a meter's configuration may be (MeterSpec.type of P4Runtime
// 1.5). The third, single rate three color, is not offered.
type MeterKind uint8

// The kinds of meters.
const (
	TwoRates   MeterKind = iota // RFC 2698
	TwoColours                  // single rate two color: a TwoRates whose two rates are one
)

// ValueSet is a parser value set.
type ValueSet struct {
	ID     uint32
	Name   string
	Fields []Field
	Size   int
}

// Info returns the P4Info the schema was made of.
func (s *Schema) Info() *p4configv1.P4Info { return s.info }

// lookup finds a non-zero id in one of the maps of a schema.
func lookup[T any](m map[uint32]*T, id uint32, kind string) (*T, error) {
	if id == 0 {
		return nil, invalid("%s id is 0", kind)
	}
	v, ok := m[id]
	if !ok {
		return nil, Errorf(codes.NotFound, "no %s with id %d (0x%08x) in the P4Info", kind, id, id)
	}
	return v, nil
}

// Table finds a table by id.
func (s *Schema) Table(id uint32) (*Table, error) { return lookup(s.tables, id, "table") }

// Profile finds an action profile by id.
func (s *Schema) Profile(id uint32) (*Profile, error) {
	return lookup(s.profiles, id, "action profile")
}

// Counter finds an indirect counter by id.
func (s *Schema) Counter(id uint32) (*Array, error) { return lookup(s.counters, id, "counter") }

// Meter finds an indirect meter by id.
func (s *Schema) Meter(id uint32) (*Array, error) { return lookup(s.meters, id, "meter") }

// Register finds a register by id.
func (s *Schema) Register(id uint32) (*Array, error) { return lookup(s.registers, id, "register") }

// Digest finds a digest by id.
func (s *Schema) Digest(id uint32) (*Digest, error) { return lookup(s.digests, id, "digest") }

// ValueSet finds a value set by id.
func (s *Schema) ValueSet(id uint32) (*ValueSet, error) {
	return lookup(s.valueSets, id, "value set")
}

// Index checks an index into an array: negative is INVALID_ARGUMENT, too great
// OUT_OF_RANGE (specification, "CounterEntry", "MeterEntry", "RegisterEntry").
func (a *Array) Index(i int64) (int, error) {
	if i < 0 {
		return 0, invalid("index %d of %s is negative", i, a.Name)
	}
	if i >= int64(a.Size) {
		return 0, Errorf(codes.OutOfRange, "index %d of %s: it has %d cells", i, a.Name, a.Size)
	}
	return int(i), nil
}
