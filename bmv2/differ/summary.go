package differ

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"

	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/runner"
)

// Difference is something that the two switches do not do alike.
type Difference struct {
	// Update is the write that one of them refused; nil if it is about something else.
	Update             *p4v1.Update
	Model, JudgeAnswer error // of the write: nil = accepted

	// State is what is not the same in the end; empty if it is about something else.
	State string

	Packet int // from 1
	Port   uint16
	Data   []byte
	// What left by one switch and has no equal at the other.
	OnlyModel, OnlyJudge []Output
	Died                 error         // the judge did, of this packet; no difference
	Steps                []runner.Step // the packet's walk through the model
}

// Output is a packet that left by a port.
type Output struct {
	Port  uint16
	Data  []byte
	Undef []byte // of a model's: ones where bits are undefined; nil = none
}

// Class names the way in which a packet differs, for counting: what the model did to
// it, step by step, and which side has more.
func (d *Difference) Class() string {
	if d.Update != nil {
		return fmt.Sprintf("write: model says %v; judge says %v", d.Model, d.JudgeAnswer)
	}
	if d.State != "" {
		return "state: " + d.State
	}
	var b strings.Builder
	switch {
	case d.Died != nil:
		b.WriteString("the judge died")
	case len(d.OnlyModel) > len(d.OnlyJudge):
		b.WriteString("missing at the judge")
	case len(d.OnlyModel) < len(d.OnlyJudge):
		b.WriteString("missing at the model")
	default:
		b.WriteString("other bytes")
	}
	for i := range d.Steps {
		switch s := &d.Steps[i]; s.Event {
		case engine.EventAction.String(), engine.EventParserError.String(), engine.EventDrop.String(), engine.EventClone.String():
			b.WriteString(" > " + s.Name)
		case engine.EventState.String():
			b.WriteString(" ." + s.Name)
		}
	}
	return b.String()
}

// Summary is what came of a comparison. Packets = Compared + Undefined + the sum of
// Excluded + Different.
type Summary struct {
	Updates     int            `json:"updates"`     // entries that both took
	Refused     int            `json:"refused"`     // … that both refused
	Unsupported int            `json:"unsupported"` // … that the judge has no support for, and the model then does without
	Packets     int            `json:"packets"`     // made
	Compared    int            `json:"compared"`    // did the same in every defined bit
	Undefined   int            `json:"undefined"`   // whose fate depends on time, chance or what earlier packets left
	Misfits     int            `json:"misfits"`     // … which the judge treated as none of the models did
	Strays      int            `json:"strays"`      // … which the judge treats as the models do when it has seen no other packet
	Different   int            `json:"different"`   // not the same
	Died        int            `json:"died"`        // times the judge died
	Unexplained int            `json:"unexplained"` // … but not when it was given the same packets one by one
	Excluded    map[string]int `json:"excluded"`    // not compared, by reason

	Out           uint64 `json:"out"`            // packets that left the judge
	Bits          uint64 `json:"bits"`           // of packets compared, undefined ones included
	UndefinedBits uint64 `json:"undefined_bits"` // … in which the models differ among themselves

	Digests        int      `json:"digests"`         // that both sent
	Entities       int      `json:"entities"`        // of P4Runtime read from both in the end and the same
	Cells          int      `json:"cells"`           // of counters and registers, likewise
	UndefinedCells int      `json:"undefined_cells"` // … that differ among the models
	Unread         []string `json:"unread"`          // what could not be read from the judge

	Differences int `json:"differences"` // of writes, packets and state

	Looked  int      `json:"looked"` // packets that Covered is about
	Covered Coverage `json:"covered"`
}

// sortedKeys are a map's keys in order.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
