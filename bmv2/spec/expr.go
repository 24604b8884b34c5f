package spec

import "math/big"

// Type is what an expression evaluates to.
type Type uint8

// The types of expressions and of primitive arguments.
const (
	TypeInt Type = iota // an integer of unbounded precision
	TypeBool
	TypeHeader
	TypeStack
	TypeUnion
	TypeUnionStack
	TypeString
	TypeCalculation
	TypeMeter
	TypeCounter
	TypeRegister
	TypeExtern
	TypeVector
	TypeVarBit // a field of variable length
)

var typeNames = [...]string{"integer", "boolean", "header", "header stack", "header union", "header union stack",
	"string", "calculation", "meter array", "counter array", "register array", "extern", "parameters vector", "varbit field"}

func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return "unknown type"
}

// Expr is a node of a typed expression. The concrete types are those of this
// file; indices are into the slices of the [Program].
type Expr interface{ Type() Type }

// ValidField stands in for a field index: the header's hidden field $valid$.
const ValidField = -1

type (
	// Const is an integer constant, of any sign and size.
	Const struct{ Value *big.Int }
	// Bool is a boolean constant.
	Bool struct{ Value bool }
	// String is a text argument.
	String struct{ Value string }
	// FieldRef is a field of a header instance; Field may be [ValidField].
	FieldRef struct{ Header, Field int }
	// VarBitRef is a varbit field of a header instance.
	VarBitRef struct{ Header, Field int }
	// StackField is a field of the last valid element of a stack.
	StackField struct{ Stack, Field int }
	// UnionStackField is a field of a member of the last valid element of a union stack.
	UnionStackField struct{ UnionStack, Member, Field int }
	// UnionStackMember is the place a union stack's next element is extracted to.
	UnionStackMember struct{ UnionStack, Member int }
	// ParamRef is a run-time argument of the enclosing action.
	ParamRef struct{ Index, Width int }
	// Lookahead is bits of the packet that are not extracted yet.
	Lookahead struct{ Offset, Width int }
	// HeaderRef is a header instance.
	HeaderRef struct{ Header int }
	// StackRef is a header stack.
	StackRef struct{ Stack int }
	// UnionRef is a header union.
	UnionRef struct{ Union int }
	// UnionStackRef is a stack of header unions.
	UnionStackRef struct{ UnionStack int }
	// RegisterCell is a cell of a register array.
	RegisterCell struct {
		Register int
		Index    Expr
	}
	// CalculationRef is a calculation.
	CalculationRef struct{ Calculation int }
	// MeterRef is a meter array.
	MeterRef struct{ Meter int }
	// CounterRef is a counter array.
	CounterRef struct{ Counter int }
	// RegisterRef is a register array.
	RegisterRef struct{ Register int }
	// ExternRef is an extern instance.
	ExternRef struct{ Extern int }
	// Vector is a list of arguments.
	Vector struct{ Elements []Expr }

	// Unary is an operation on X.
	Unary struct {
		Op Op
		X  Expr
	}
	// Binary is an operation on X and Y.
	Binary struct {
		Op   Op
		X, Y Expr
	}
	// Cond is If ? Then : Else.
	Cond struct{ If, Then, Else Expr }
	// AccessField is a field of a header chosen at run time.
	AccessField struct {
		Header     Expr
		HeaderType int
		Field      int
	}
	// Deref is an element of a header stack.
	Deref struct {
		Stack int
		Index Expr
	}
	// StackLast is the last valid element of a header stack.
	StackLast struct{ Stack int }
	// DerefUnion is an element of a union stack.
	DerefUnion struct {
		UnionStack int
		Index      Expr
	}
	// AccessUnion is a member header of a union chosen at run time.
	AccessUnion struct {
		Union     Expr
		UnionType int
		Member    int
	}
)

// Op is an operator.
type Op uint8

// The operators of BMv2 expressions.
const (
	OpAdd Op = iota
	OpSub
	OpMul
	OpDiv
	OpMod
	OpShl
	OpShr
	OpBitAnd
	OpBitOr
	OpBitXor
	OpBitNot
	OpEq // integers
	OpNe
	OpGt
	OpLt
	OpGe
	OpLe
	OpEqHeader // ==h: both valid and the fields are equal
	OpNeHeader
	OpEqUnion // ==u: the same member is valid in both, and equal
	OpNeUnion
	OpEqBool // ==b
	OpNeBool
	OpAnd
	OpOr
	OpNot
	OpValid          // of a header
	OpValidUnion     // of a union
	OpTwoCompMod     // X as a two's-complement number of Y bits
	OpUSatCast       // X clamped to [0, 2^Y-1]
	OpSatCast        // X clamped to [-2^(Y-1), 2^(Y-1)-1]
	OpDataToBool     // d2b
	OpBoolToData     // b2d
	OpLastStackIndex // of a header stack: OpSizeStack less one, modulo 2^64
	OpSizeStack      // of a header stack: the elements pushed or extracted

	OpEqVarBit // == of varbit fields: as integers, whatever their lengths
	OpNeVarBit
)

var opNames = [...]string{"+", "-", "*", "/", "%", "<<", ">>", "&", "|", "^", "~", "==", "!=", ">", "<", ">=", "<=",
	"==h", "!=h", "==u", "!=u", "==b", "!=b", "and", "or", "not", "valid", "valid_union", "two_comp_mod", "usat_cast",
	"sat_cast", "d2b", "b2d", "last_stack_index", "size_stack", "== of varbits", "!= of varbits"}

func (o Op) String() string {
	if int(o) < len(opNames) {
		return opNames[o]
	}
	return "unknown operator"
}

// What every kind of expression evaluates to.

func (Const) Type() Type            { return TypeInt }
func (Bool) Type() Type             { return TypeBool }
func (String) Type() Type           { return TypeString }
func (FieldRef) Type() Type         { return TypeInt }
func (VarBitRef) Type() Type        { return TypeVarBit }
func (StackField) Type() Type       { return TypeInt }
func (UnionStackField) Type() Type  { return TypeInt }
func (UnionStackMember) Type() Type { return TypeHeader }
func (ParamRef) Type() Type         { return TypeInt }
func (Lookahead) Type() Type        { return TypeInt }
func (HeaderRef) Type() Type        { return TypeHeader }
func (StackRef) Type() Type         { return TypeStack }
func (UnionRef) Type() Type         { return TypeUnion }
func (UnionStackRef) Type() Type    { return TypeUnionStack }
func (RegisterCell) Type() Type     { return TypeInt }
func (CalculationRef) Type() Type   { return TypeCalculation }
func (MeterRef) Type() Type         { return TypeMeter }
func (CounterRef) Type() Type       { return TypeCounter }
func (RegisterRef) Type() Type      { return TypeRegister }
func (ExternRef) Type() Type        { return TypeExtern }
func (Vector) Type() Type           { return TypeVector }
func (AccessField) Type() Type      { return TypeInt }
func (Deref) Type() Type            { return TypeHeader }
func (StackLast) Type() Type        { return TypeHeader }
func (DerefUnion) Type() Type       { return TypeUnion }
func (AccessUnion) Type() Type      { return TypeHeader }
func (c Cond) Type() Type           { return c.Then.Type() }
func (u Unary) Type() Type          { return opTypes[u.Op].result }
func (b Binary) Type() Type         { return opTypes[b.Op].result }

// signature of an operator: the types of its operands and of its result.
type signature struct {
	left, right Type
	unary       bool // only the right operand
	result      Type
}

var opTypes = [...]signature{
	OpAdd:            {left: TypeInt, right: TypeInt, result: TypeInt},
	OpSub:            {left: TypeInt, right: TypeInt, result: TypeInt},
	OpMul:            {left: TypeInt, right: TypeInt, result: TypeInt},
	OpDiv:            {left: TypeInt, right: TypeInt, result: TypeInt},
	OpMod:            {left: TypeInt, right: TypeInt, result: TypeInt},
	OpShl:            {left: TypeInt, right: TypeInt, result: TypeInt},
	OpShr:            {left: TypeInt, right: TypeInt, result: TypeInt},
	OpBitAnd:         {left: TypeInt, right: TypeInt, result: TypeInt},
	OpBitOr:          {left: TypeInt, right: TypeInt, result: TypeInt},
	OpBitXor:         {left: TypeInt, right: TypeInt, result: TypeInt},
	OpBitNot:         {unary: true, right: TypeInt, result: TypeInt},
	OpEq:             {left: TypeInt, right: TypeInt, result: TypeBool},
	OpNe:             {left: TypeInt, right: TypeInt, result: TypeBool},
	OpGt:             {left: TypeInt, right: TypeInt, result: TypeBool},
	OpLt:             {left: TypeInt, right: TypeInt, result: TypeBool},
	OpGe:             {left: TypeInt, right: TypeInt, result: TypeBool},
	OpLe:             {left: TypeInt, right: TypeInt, result: TypeBool},
	OpEqHeader:       {left: TypeHeader, right: TypeHeader, result: TypeBool},
	OpNeHeader:       {left: TypeHeader, right: TypeHeader, result: TypeBool},
	OpEqUnion:        {left: TypeUnion, right: TypeUnion, result: TypeBool},
	OpNeUnion:        {left: TypeUnion, right: TypeUnion, result: TypeBool},
	OpEqBool:         {left: TypeBool, right: TypeBool, result: TypeBool},
	OpNeBool:         {left: TypeBool, right: TypeBool, result: TypeBool},
	OpAnd:            {left: TypeBool, right: TypeBool, result: TypeBool},
	OpOr:             {left: TypeBool, right: TypeBool, result: TypeBool},
	OpNot:            {unary: true, right: TypeBool, result: TypeBool},
	OpValid:          {unary: true, right: TypeHeader, result: TypeBool},
	OpValidUnion:     {unary: true, right: TypeUnion, result: TypeBool},
	OpTwoCompMod:     {left: TypeInt, right: TypeInt, result: TypeInt},
	OpUSatCast:       {left: TypeInt, right: TypeInt, result: TypeInt},
	OpSatCast:        {left: TypeInt, right: TypeInt, result: TypeInt},
	OpDataToBool:     {unary: true, right: TypeInt, result: TypeBool},
	OpBoolToData:     {unary: true, right: TypeBool, result: TypeInt},
	OpLastStackIndex: {unary: true, right: TypeStack, result: TypeInt},
	OpSizeStack:      {unary: true, right: TypeStack, result: TypeInt},
	OpEqVarBit:       {left: TypeVarBit, right: TypeVarBit, result: TypeBool},
	OpNeVarBit:       {left: TypeVarBit, right: TypeVarBit, result: TypeBool},
}
