package spec

import "math/big"

// Program is a loaded BMv2 program. References between its parts are indices
// into its slices. It is never modified after [Load] and may be shared.
type Program struct {
	Name     string // the P4 file, as the compiler noted it
	Version  [2]int // of the JSON format; zero where the input has no __meta__
	Compiler string

	HeaderTypes []HeaderType
	Headers     []Header
	Stacks      []Stack
	UnionTypes  []UnionType
	Unions      []Union
	UnionStacks []UnionStack

	FieldLists []FieldList // of clone, resubmit and recirculate
	LearnLists []FieldList // of digests
	Errors     []Constant
	Enums      []Enum

	Parsers   []Parser
	ValueSets []ValueSet
	Deparsers []Deparser

	Meters       []Meter
	Counters     []Counter
	Registers    []Register
	Calculations []Calculation
	Checksums    []Checksum

	Actions      []Action
	Pipelines    []Pipeline
	Tables       []Table // of all pipelines
	Profiles     []Profile
	Conditionals []Conditional
	ActionCalls  []ActionCall

	ForceArith []FieldRef
	Externs    []Extern
	Aliases    []Alias
}

// SourceInfo is where in the P4 source a construct comes from; zero when the
// compiler did not say.
type SourceInfo struct {
	File     string
	Line     int
	Column   int
	Fragment string
}

// HeaderType is the layout of a header or of a metadata struct.
type HeaderType struct {
	Name      string
	ID        int
	Fields    []Field
	Bits      int  // sum of the widths; a varbit field counts 0
	VarBit    int  // index of the varbit field, -1 if there is none
	LengthExp Expr // length of the varbit field in bits (P4_14), nil if given by extract_VL
	MaxLength int  // bytes of the header at most; 0 if not given
}

// Field is one member of a header type.
type Field struct {
	Name   string
	Width  int // bits; for a varbit field the most it may hold
	Signed bool
	VarBit bool
	// Saturating fields take the nearest value they can hold instead of the low bits.
	Saturating bool
}

// Field returns the index of the named field, or -1.
func (t *HeaderType) Field(name string) int {
	for i := range t.Fields {
		if t.Fields[i].Name == name {
			return i
		}
	}
	return -1
}

// Header is an instance of a header type.
type Header struct {
	Name     string
	ID       int
	Type     int // index into HeaderTypes
	Metadata bool
	Stack    int // index into Stacks of the stack it is an element of, or -1
	Union    int // index into Unions of the union it is a member of, or -1
	Index    int // position in that stack or union
}

// Stack is a header stack.
type Stack struct {
	Name    string
	ID      int
	Type    int   // index into HeaderTypes
	Headers []int // element 0 first
}

// UnionType is the declaration of a header union.
type UnionType struct {
	Name    string
	ID      int
	Members []UnionMember
}

// UnionMember is one header of a union type.
type UnionMember struct {
	Name string
	Type int // index into HeaderTypes
}

// Union is an instance of a header union.
type Union struct {
	Name    string
	ID      int
	Type    int   // index into UnionTypes
	Headers []int // in the order of the type's members
	Stack   int   // index into UnionStacks of the stack it is an element of, or -1
}

// UnionStack is a stack of header unions.
type UnionStack struct {
	Name   string
	ID     int
	Type   int   // index into UnionTypes
	Unions []int // element 0 first
}

// FieldList is a list of fields and constants: what a clone keeps, what a
// digest carries.
type FieldList struct {
	Name     string
	ID       int
	Elements []Sized
	Source   SourceInfo
}

// Sized is an element of a field list or of a calculation's input.
type Sized struct {
	Kind  SizedKind
	Field FieldRef // SizedField
	Const *big.Int // SizedConst
	Width int      // bits, of fields and constants
	Index int      // SizedHeader: index into Headers
}

// SizedKind says what a [Sized] is.
type SizedKind uint8

// The kinds of elements.
const (
	SizedField SizedKind = iota
	SizedConst
	SizedHeader
	SizedPayload // everything behind the last field or header of the list
)

// Constant is a named number: an error or a member of an enum.
type Constant struct {
	Name  string
	Value int
}

// Enum is a P4 enum.
type Enum struct {
	Name    string
	Entries []Constant
}

// ValueSet is a parser value set.
type ValueSet struct {
	Name  string
	ID    int
	Width int // bits of one value, without padding
	Size  int // most values; 0 when the compiler did not say
}

// MeterUnit is what a meter counts.
type MeterUnit uint8

// The units of meters.
const (
	Packets MeterUnit = iota
	Bytes
)

// Meter is an array of meters, or the direct meter of a table.
type Meter struct {
	Name   string
	ID     int
	Unit   MeterUnit
	Rates  int
	Size   int
	Direct bool
	Table  string   // of a direct meter
	Result FieldRef // of a direct meter: where the colour goes
	Source SourceInfo
}

// Counter is an array of counters, or the direct counter of a table.
type Counter struct {
	Name   string
	ID     int
	Size   int
	Direct bool
	Table  string // of a direct counter
	Source SourceInfo
}

// Register is an array of registers.
type Register struct {
	Name   string
	ID     int
	Size   int
	Width  int // bits of a cell
	Source SourceInfo
}

// Calculation is a named hash over a list of inputs.
type Calculation struct {
	Name   string
	ID     int
	Algo   string
	Input  []Sized
	Source SourceInfo
}

// Checksum binds a calculation to a field.
type Checksum struct {
	Name        string
	ID          int
	Target      FieldRef
	Calculation int
	Update      bool
	Verify      bool
	If          Expr // nil = always
	Source      SourceInfo
}

// Extern is an extern instance. v1model programs have none; they are kept so
// that what runs the program can refuse them by name.
type Extern struct {
	Name string
	ID   int
	Type string
}

// Alias maps the name the target knows a field by to the program's field.
type Alias struct {
	Name  string // "header.field"
	Field FieldRef
}
