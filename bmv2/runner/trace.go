package runner

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/spec"
)

// Step is one thing that happened to a packet inside the switch. Which fields mean
// something depends on Event; the JSON names are part of the command's contract.
type Step struct {
	At    int64   `json:"at_ns"`
	Event string  `json:"event"` // as engine.EventKind says it
	Name  string  `json:"name,omitempty"`
	Port  *uint16 `json:"port,omitempty"`
	Value *uint64 `json:"value,omitempty"` // depth, session, bytes; as the event has it
	Hit   *bool   `json:"hit,omitempty"`   // of tables and conditions
	Key   []Named `json:"key,omitempty"`
	Args  []Named `json:"args,omitempty"`
	Entry string  `json:"entry,omitempty"` // that a table hit
	Text  string  `json:"text,omitempty"`  // of a message

	Changes []Changed `json:"changes,omitempty"` // of fields
	Packet  uint64    `json:"packet"`            // the engine's number of the packet, or of the copy
	Of      uint64    `json:"copy_of,omitempty"` // the packet that this one is a copy of
}

// Changed is a field before and after, in hexadecimal. Before is empty where the header
// has just become valid.
type Changed struct {
	Name   string `json:"name"`
	Before string `json:"before,omitempty"`
	After  string `json:"after"`
}

// Named is a named value in hexadecimal.
type Named struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func (s Step) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%12.3f µs  %-12s", float64(s.At)/1000, s.Event)
	list := func(in []Named) {
		for i, n := range in {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(n.Name + "=" + n.Value)
		}
	}
	if s.Name != "" {
		b.WriteString(" " + s.Name)
	}
	switch s.Event {
	case engine.EventTable.String():
		b.WriteString("(")
		list(s.Key)
		b.WriteString(")")
		if !*s.Hit {
			b.WriteString(": miss")
		} else if b.WriteString(": hit"); s.Entry != "" {
			b.WriteString(" " + s.Entry)
		}
	case engine.EventAction.String():
		b.WriteString("(")
		list(s.Args)
		b.WriteString(")")
	case engine.EventBranch.String():
		fmt.Fprintf(&b, ": %t", *s.Hit)
	case engine.EventReceive.String():
		fmt.Fprintf(&b, " on port %d", *s.Port)
	case engine.EventEnqueue.String():
		fmt.Fprintf(&b, " for port %d behind %d packets", *s.Port, *s.Value)
	case engine.EventDequeue.String():
		fmt.Fprintf(&b, " from port %d, %d packets left", *s.Port, *s.Value)
	case engine.EventTransmit.String():
		fmt.Fprintf(&b, " by port %d, %d bytes", *s.Port, *s.Value)
	case engine.EventClone.String():
		fmt.Fprintf(&b, " to session %d", *s.Value)
	case engine.EventMulticast.String():
		fmt.Fprintf(&b, " to group %d", *s.Value)
	case engine.EventDigest.String(), engine.EventChecksum.String():
		b.WriteString(" ")
		list(s.Args)
	case engine.EventLog.String():
		b.WriteString(": " + s.Text)
	case engine.EventChange.String():
		b.WriteString(":")
		for _, c := range s.Changes {
			b.WriteString(" " + c.Name)
			if c.Before != "" {
				b.WriteString(" " + c.Before + " →")
			} else {
				b.WriteString(" =")
			}
			b.WriteString(" " + c.After)
		}
	}
	return b.String()
}

// Recorder turns the engine's events into steps. Give its Event to
// engine.Switch.SetTrace.
type Recorder struct {
	tables  map[string]*spec.Table
	actions map[string]*spec.Action
	errors  []spec.Constant
	steps   []Step
}

// maxSteps bounds what is remembered of one packet, which may circle for long.
const maxSteps = 10_000

// NewRecorder returns a recorder for switches that run p.
func NewRecorder(p *spec.Program) *Recorder {
	r := &Recorder{tables: map[string]*spec.Table{}, actions: map[string]*spec.Action{}, errors: p.Errors}
	for i := range p.Tables {
		r.tables[p.Tables[i].Name] = &p.Tables[i]
	}
	for i := range p.Actions {
		r.actions[p.Actions[i].Name] = &p.Actions[i]
	}
	return r
}

// Take returns the steps since the last call.
func (r *Recorder) Take() []Step {
	out := r.steps
	r.steps = nil
	return out
}

// Event takes an event.
func (r *Recorder) Event(e engine.Event) {
	if len(r.steps) >= maxSteps {
		return
	}
	s := Step{At: int64(e.At), Event: e.Kind.String(), Name: e.Name, Text: e.Text, Packet: e.Packet, Of: e.Of}
	switch e.Kind {
	case engine.EventReceive:
		s.Port = &e.Port
	case engine.EventEnqueue, engine.EventDequeue, engine.EventTransmit:
		s.Port, s.Value = &e.Port, &e.Value
	case engine.EventClone, engine.EventMulticast:
		s.Value = &e.Value
	case engine.EventDigest, engine.EventChecksum:
		s.Args = values(e.Fields)
	case engine.EventChange:
		for _, c := range e.Changes {
			change := Changed{Name: c.Name, After: number(c.After)}
			if c.Before != nil {
				change.Before = number(c.Before)
			}
			s.Changes = append(s.Changes, change)
		}
	case engine.EventParserError:
		s.Name = r.errorName(e.Value)
	case engine.EventBranch:
		s.Hit = &e.Hit
	case engine.EventTable:
		s.Hit = &e.Hit
		s.Key = values(e.Fields)
		if e.Hit && e.Entry != nil {
			s.Entry = describe(r.tables[e.Name], e.Entry)
		}
	case engine.EventAction:
		s.Args = r.args(e)
	}
	r.steps = append(r.steps, s)
}

func (r *Recorder) errorName(value uint64) string {
	for _, e := range r.errors {
		if uint64(e.Value) == value {
			return e.Name
		}
	}
	return fmt.Sprintf("error %d", value)
}

func (r *Recorder) args(e engine.Event) (out []Named) {
	a := r.actions[e.Name]
	for i, v := range e.Args {
		name := fmt.Sprint(i)
		if a != nil && i < len(a.Params) {
			name = a.Params[i].Name
		}
		out = append(out, Named{name, number(v)})
	}
	return out
}

func number(v []byte) string { return "0x" + new(big.Int).SetBytes(v).Text(16) }

func values(in []engine.NamedValue) (out []Named) {
	for _, v := range in {
		out = append(out, Named{v.Name, number(v.Value)})
	}
	return out
}

// describe is an entry for people.
func describe(t *spec.Table, e *device.Entry) string {
	var parts []string
	for i := range e.Matches {
		m := &e.Matches[i]
		v := number(m.Value)
		switch m.Kind {
		case device.LPM:
			v += fmt.Sprintf("/%d", m.PrefixLen)
		case device.Ternary:
			v += " & " + number(m.Mask)
		case device.Range:
			v += " to " + number(m.High)
		}
		name := fmt.Sprint(i)
		if t != nil && i < len(t.Key) {
			name = t.Key[i].Name
		}
		parts = append(parts, name+": "+v)
	}
	out := "{" + strings.Join(parts, ", ") + "}"
	if e.Priority != 0 {
		out += fmt.Sprintf(" of priority %d", e.Priority)
	}
	return out
}

// Sent is a packet that left, in hexadecimal.
type Sent struct {
	At   int64  `json:"at_ns"`
	Port uint16 `json:"port"`
	Data string `json:"data"`
}

// Walk is what happened from the arrival of one packet to that of the next. Where
// queues hold packets back, steps of earlier packets are among them.
type Walk struct {
	Packet int    `json:"packet"` // from 1
	At     int64  `json:"at_ns"`  // of the arrival, after the first packet's
	Port   uint16 `json:"port"`
	Data   string `json:"data"`
	Steps  []Step `json:"steps"`
	Out    []Sent `json:"out"`
}

// Text is the walk for people: a line per step.
func (w *Walk) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "packet %d, port %d: %s\n", w.Packet, w.Port, w.Data)
	for i := range w.Steps {
		fmt.Fprintf(&b, "%v\n", w.Steps[i])
	}
	for _, o := range w.Out {
		fmt.Fprintf(&b, "%12.3f µs  left by port %d: %s\n", float64(o.At)/1000, o.Port, o.Data)
	}
	if len(w.Out) == 0 {
		b.WriteString("                 nothing left the switch\n")
	}
	return b.String()
}

// TraceConfig is a trace.
type TraceConfig struct {
	Setup
	Inputs []Input
}

// Trace feeds captures to a switch in virtual time, as Replay does, and tells the walk
// of every packet.
func Trace(ctx context.Context, cfg TraceConfig, tell func(*Walk) error) error {
	if err := trace(ctx, cfg, tell); err != nil {
		return fmt.Errorf("cannot trace: %w", err)
	}
	return nil
}

func trace(ctx context.Context, cfg TraceConfig, tell func(*Walk) error) error {
	t, err := cfg.start(ctx)
	if err != nil {
		return err
	}
	in, err := Merge(cfg.Inputs)
	if err != nil {
		return err
	}
	sw := t.Switch()
	rec := NewRecorder(cfg.Program.Engine.Spec())
	sw.SetTrace(rec.Event)
	var w *Walk
	var failed error
	flush := func() {
		if w == nil || failed != nil {
			return
		}
		w.Steps = rec.Take()
		failed = tell(w)
		w = nil
	}
	err = feed(ctx, sw, in, func(_ int64, tx engine.Tx) error {
		if w != nil {
			w.Out = append(w.Out, Sent{int64(tx.Done), tx.Port, hex.EncodeToString(tx.Data)})
		}
		return failed
	}, func(n int, p *Packet) {
		flush()
		w = &Walk{Packet: n + 1, At: p.At, Port: p.Port, Data: hex.EncodeToString(p.Data), Out: []Sent{}}
	})
	flush()
	if err == nil {
		err = failed
	}
	return err
}
