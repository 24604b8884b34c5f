package stf

import (
	"fmt"
	"math/big"
)

// Pos is a place in a script, counted from 1.
type Pos struct {
	File      string
	Line, Col int
}

func (p Pos) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col) }

// At returns p itself. It makes every type that embeds a Pos a [Statement].
func (p Pos) At() Pos { return p }

// Script is a parsed script.
type Script struct {
	Name       string
	Statements []Statement
}

// Statement is one of [Packet], [Expect], [NoPacket], [Add], [SetDefault],
// [RemoveAll], [CheckCounter], [Wait] and [Command].
type Statement interface{ At() Pos }

type (
	// Packet sends Data into Port.
	Packet struct {
		Pos
		Port uint16
		Data []byte
	}

	// Expect wants a packet out of Port. Data are hexadecimal digits in lower
	// case and '*' for any; empty for any packet. Exact: nothing may follow.
	Expect struct {
		Pos
		Port  uint16
		Data  string
		Any   bool
		Exact bool
	}

	// NoPacket wants no packet that no Expect announces, out of any port.
	NoPacket struct{ Pos }

	// Wait lets time pass.
	Wait struct{ Pos }

	// Add inserts an entry. Priority is -1 if the script gives none.
	Add struct {
		Pos
		Table    string
		Priority int
		Keys     []Key
		Action   Action
		Label    string
	}

	// SetDefault sets what a table does on a miss.
	SetDefault struct {
		Pos
		Table  string
		Action Action
	}

	// RemoveAll deletes all entries.
	RemoveAll struct{ Pos }

	// CheckCounter compares a cell of a counter, or of the direct counter of the
	// entry Label if that is not empty. Op is empty if it only names the counter.
	CheckCounter struct {
		Pos
		Name  string
		Index int
		Label string
		Bytes bool
		Op    string
		Value uint64
	}

	// Command is one of simple_switch's command line, as mc_mgrp_create.
	Command struct {
		Pos
		Verb    string
		Object  string // of a counter, register or meter
		Numbers []uint64
		Rates   []Rate
	}
)

// Key is the match of one key field.
type Key struct {
	Pos
	Name  string
	Value Value
}

// Action is the call of an action.
type Action struct {
	Pos
	Name string
	Args []Arg
}

// Arg is a named argument of an action.
type Arg struct {
	Pos
	Name  string
	Value Value
}

// Value is a number as written.
type Value struct {
	Pos
	Text   string
	Number *big.Int // wild digits are 0
	Mask   *big.Int // ones for every digit written that is not wild; nil for decimal numbers
	Stars  int      // wild digits
	Digits int      // digits written; 0 for decimal numbers
	Base   int      // bits of a digit; 0 for decimal numbers
	Length int      // of VALUE/LENGTH, -1 = none
}

// Rate is a meter rate in tokens per microsecond with its burst in tokens.
type Rate struct {
	PerMicrosecond float64
	Burst          int64
}

// Error is a script that does not parse.
type Error struct {
	Pos Pos
	Msg string
}

func (e *Error) Error() string { return e.Pos.String() + ": " + e.Msg }
