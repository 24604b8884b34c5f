package spec

import (
	"math/big"

	"github.com/telltale-net/telltale/bmv2/device"
)

// Parser is a parse graph.
type Parser struct {
	Name   string
	ID     int
	Init   int // index into States, -1 when the parser is empty
	States []State
}

// State is a parser state.
type State struct {
	Name        string
	ID          int
	Ops         []ParserOp
	Key         []Expr // FieldRef, StackField, UnionStackField or Lookahead
	KeyWidths   []int  // bits of each element of Key
	Transitions []Transition
}

// ParserOpKind is the kind of a parser operation.
type ParserOpKind uint8

// The parser operations of BMv2 JSON.
const (
	OpExtract   ParserOpKind = iota // Args: HeaderRef, StackRef or UnionStackMember
	OpExtractVL                     // Args: as OpExtract, then the varbit's length in bits
	OpSet                           // Args: the field, the value
	OpVerify                        // Args: the condition, the error
	OpShift                         // Args: a constant number of bytes
	OpAdvance                       // Args: a number of bits
	OpPrimitive
)

// ParserOp is one step of a parser state.
type ParserOp struct {
	Kind      ParserOpKind
	Args      []Expr
	Primitive *Primitive // of OpPrimitive
}

// Transition is one outgoing edge of a parser state; the first that fits is taken.
type Transition struct {
	Kind     TransitionKind
	Value    []byte // concatenation of the byte-padded key fields
	Mask     []byte // nil = all ones
	ValueSet int    // index into ValueSets
	Next     int    // index into States, -1 = accept
}

// TransitionKind is the kind of a parser transition.
type TransitionKind uint8

// The transitions of BMv2 JSON.
const (
	TransitionDefault TransitionKind = iota
	TransitionValue
	TransitionSet
)

// Deparser says in which order headers are emitted.
type Deparser struct {
	Name       string
	ID         int
	Primitives []Primitive // run before the headers are emitted
	Order      []int       // indices into Headers
}

// Param is a run-time argument of an action.
type Param struct {
	Name  string
	Width int
}

// Action is an action's body.
type Action struct {
	Name       string
	ID         int
	Params     []Param
	Primitives []Primitive
	Source     SourceInfo
}

// Primitive is one call in an action's body.
type Primitive struct {
	Op     string
	Args   []Expr
	Source SourceInfo
}

// NodeKind is the kind of a control-flow node.
type NodeKind uint8

// The nodes of a pipeline.
const (
	NodeNone NodeKind = iota // the pipeline's end
	NodeTable
	NodeConditional
	NodeActionCall
)

// Node names a control-flow node: an index into the slice its kind says.
type Node struct {
	Kind  NodeKind
	Index int
}

// Pipeline is a top-level control: "ingress" or "egress".
type Pipeline struct {
	Name string
	ID   int
	Init Node
}

// Conditional is a branch of the control flow.
type Conditional struct {
	Name     string
	ID       int
	Pipeline int
	If       Expr
	True     Node
	False    Node
	Source   SourceInfo
}

// ActionCall is an action called without a table.
type ActionCall struct {
	Name     string
	ID       int
	Pipeline int
	Action   int
	Next     Node
	Source   SourceInfo
}

// TableKind says where a table's actions come from.
type TableKind uint8

// The kinds of tables.
const (
	Simple     TableKind = iota // entries name actions
	Indirect                    // entries name members of an action profile
	IndirectWS                  // entries name members or groups of an action selector
)

// Table is a match-action table.
type Table struct {
	Name           string
	ID             int
	Pipeline       int
	Kind           TableKind
	Match          device.MatchKind // of the table as a whole
	Key            []KeyField
	Actions        []int // indices into Program.Actions
	Next           []Node
	Hit, Miss      *Node // __HIT__, __MISS__; nil when the next node goes by action
	BaseDefault    Node  // base_default_next
	MaxSize        int
	WithCounters   bool
	SupportTimeout bool
	DirectMeter    int // index into Meters, -1 = none
	Profile        int // index into Profiles, -1 for simple tables
	Default        *DefaultEntry
	Entries        []ConstEntry
	Immutable      bool // the program gave entries: none may be added or changed
	Source         SourceInfo
}

// KeyField is one element of a table's key.
type KeyField struct {
	Name  string // the P4 name; "header.field" where the compiler gave none
	Kind  device.MatchKind
	Field FieldRef // of a Valid key: the header's validity
	Expr  Expr     // the field when it is chosen at run time, else nil
	Width int      // bits
	Mask  []byte   // ⌈Width/8⌉ bytes ANDed to the field before the lookup, nil = none
}

// DefaultEntry is what a simple table does on a miss.
type DefaultEntry struct {
	Action      int
	Args        []*big.Int
	ConstAction bool // the control plane may change only the arguments
	ConstEntry  bool // the control plane may change nothing
}

// ConstEntry is an entry declared in the program. Priority is BMv2's: the
// lower number wins.
type ConstEntry struct {
	Matches  []device.Match
	Priority int
	Action   int
	Args     []*big.Int
	Source   SourceInfo
}

// Profile is an action profile, with Selector an action selector.
type Profile struct {
	Name     string
	ID       int
	MaxSize  int
	Selector *Selector
}

// Selector says how a group's member is chosen.
type Selector struct {
	Algo  string
	Input []Sized
}
