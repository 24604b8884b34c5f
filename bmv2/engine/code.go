package engine

// A program's control flow and actions are compiled to code: instructions over the
// slots of a PHV, which also holds constants and intermediate results. What is no
// instruction (numbers wider than 64 bits, header stacks and unions, the rarer
// primitives) is a closure that an instruction calls.
//
// A pipeline starts at its first [node] and runs to opEnd. Tables and actions that
// run-time entries choose are joined up as the packet passes:
//
//	node ─► opIfEq ─► opMove ─► opTable ┐        ┌─► next node ─► … ─► opEnd
//	                                    ▼        │
//	                        action: opMove ─► opReturn
//
// An action's arguments are copied to slots of their own before it runs. Most
// instructions are moves, of which as many as follow one another are one step.
//
// There are two versions of all code: as fast as possible, and one that tells the
// trace about every step (by opStep; see trace_code.go). Which one runs is
// decided per pipeline.
type code struct {
	ins []instr

	// What instructions refer to by number.
	evals   []intFn
	tests   []boolFn
	steps   []stepFn
	args    [][]uint64
	calcs   []*calculation
	parses  []parseOp
	selects []*state
}

// instr is an instruction.
type instr struct {
	op      op
	d, a, b uint32
	k       uint64
}

// op says what an instruction does. Values are 64 bits; d, a and b name slots of
// the PHV unless something else is said.
type op uint8

const (
	opEnd    op = iota // the pipeline is done
	opReturn           // the action that a table chose is done
	opExit             // the pipeline is done if the packet exits
	opLoop             // something here repeats: count
	opTable            // apply table a: go to the action it chooses, or on

	opMove  // d = a & k
	opMoves // likewise, and the next b instructions are moves, too
	opAdd   // d = (a + b) & k
	opSub
	opMul
	opAnd
	opOr
	opXor
	opShl
	opShr
	opNot  // d = ^a & k
	opEval // d = evals[a] & k

	opJump   // to d
	opIf     // to d if a != 0
	opUnless // to d if a == 0
	opIfEq   // to d if a == k
	opIfNe
	opIfLt
	opIfGe
	opIfSame // to d if a == b
	opIfDiff
	opIfLess
	opIfNotLess
	opIfTest    // to d if tests[a]
	opIfNotTest // to d unless tests[a]

	opCount   // counter array a, cell number in slot b
	opRead    // d = cell b of register array a & k
	opWrite   // cell b of register array a = d & k
	opHash    // d = calculation a & k, of the input calcs[b]
	opValid   // make header a valid
	opInvalid // make header a invalid
	opCopy    // assign header a to header d
	opArgs    // the arguments of the code that follows are args[a]
	opStep    // steps[a]

	opExtract // header a; error k if the packet is too short
	opParse   // parses[a]
	opFail    // the parser is done, with error k
	opVisit   // count a visit; error k if they are too many
	opSelect  // selects[a] chooses the next state, or goes on; error k if the packet is too short
)

// end is where all code ends.
const end = 0

// Both versions of the code.
const (
	plain  = 0
	traced = 1
)
