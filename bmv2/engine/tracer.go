package engine

import (
	"bytes"
	"encoding/binary"
	"math/big"
	"strings"

	"github.com/telltale-net/telltale/bmv2/spec"
)

// tracer gives events to whoever looks.
type tracer struct {
	sw     *Switch
	tell   func(Event)
	before []uint64 // the PHV when it was last marked
}

// note reports an event if somebody looks.
func (p *packet) note(e Event) {
	if t := p.sw.trace; t != nil {
		e.At, e.Packet, e.Of, e.Tag = p.now, p.id, p.of, p.tag
		t.tell(e)
	}
}

// says is note for events about the program. It keeps the size of an Event out of
// the functions that packets run through.
//
//go:noinline
func (p *packet) says(kind EventKind, name string, value uint64, hit bool) {
	p.note(Event{Kind: kind, Name: name, Value: value, Hit: hit})
}

// moves is note for events about ports, likewise.
//
//go:noinline
func (p *packet) moves(kind EventKind, port uint16, queue, value int) {
	p.note(Event{Kind: kind, Port: port, Queue: queue, Value: uint64(value)})
}

// mark remembers the fields as they are.
func (t *tracer) mark(p *packet) { copy(t.before, p.phv) }

// table reports a lookup.
func (t *tracer) table(tb *table, p *packet, entry int32, hit bool) {
	e := Event{Kind: EventTable, Name: tb.prog.spec.Name, Hit: hit}
	e.Key = p.sw.key[:tb.prog.words]
	tb.prog.load(p, e.Key)
	for i := range tb.prog.key {
		k, f := &tb.prog.key[i], &tb.prog.spec.Key[i]
		slot, valid := k.slot, k.valid
		if k.place != nil {
			slot, valid = k.place(p)
		}
		value := fieldBytes(p.phv, &field{slot: slot, width: uint32(f.Width)})
		if p.phv[valid] == 0 {
			clear(value)
		}
		e.Fields = append(e.Fields, NamedValue{f.Name, value})
	}
	if e.Hit {
		view := t.sw.front & 1
		found := entryAt(tb.views[view].blocks, entry)
		dev := t.sw.shown(tb, found, found.does[view].deed, t.sw.clockedAt(t.sw.seen))
		e.Entry, e.Handle = &dev, found.does[view].deed.order
	}
	p.note(e)
	t.mark(p)
}

// chosen announces what a table chose.
func (t *tracer) chosen(p *packet, c *call, from *table, hit bool, m *member, g *group) {
	e := Event{Table: from.prog.spec.Name, Hit: hit}
	if m != nil {
		e.Member = &m.id
	}
	if g != nil {
		e.Group = &g.id
	}
	t.announce(p, c, e)
}

// announce reports a call, of which e knows where it comes from.
func (t *tracer) announce(p *packet, c *call, e Event) {
	e.Kind, e.Name, e.Args = EventAction, c.act.name, c.raw
	p.note(e)
}

// changes reports what is not as it was when it was marked.
func (t *tracer) changes(p *packet, by string) {
	var all []Change
	for i := range t.sw.prog.headers {
		h := &t.sw.prog.headers[i]
		was, is := t.before[h.valid] != 0, p.phv[h.valid] != 0
		if was != is {
			all = append(all, Change{h.name + "." + ValidField, []byte{byte(b2u(was))}, []byte{byte(b2u(is))}})
		}
		if !is {
			continue
		}
		typ := &t.sw.prog.spec.HeaderTypes[h.typ]
		for j := range typ.Fields {
			c := Change{Name: h.name + "." + typ.Fields[j].Name, After: fieldBytes(p.phv, &h.fields[j])}
			if was {
				if c.Before = fieldBytes(t.before, &h.fields[j]); bytes.Equal(c.Before, c.After) {
					continue
				}
			}
			all = append(all, c)
		}
	}
	if len(all) > 0 {
		p.note(Event{Kind: EventChange, Name: by, Changes: all})
	}
}

// wrong reports a checksum that is not what the packet says.
func (t *tracer) wrong(p *packet, c *checksum, want uint64) {
	src := &t.sw.prog.spec.Checksums[c.index]
	name := t.sw.prog.spec.FieldName(src.Target)
	words := make([]uint64, c.field.words)
	words[0] = want
	right := c.field
	right.slot = 0
	p.note(Event{Kind: EventChecksum, Name: src.Name, Fields: []NamedValue{
		{name, fieldBytes(p.phv, &c.field)}, {name + " as computed", fieldBytes(words, &right)}}})
}

// touching notes how the trace wants a step that uses a cell of an array: telling
// which cell, and what it says afterwards.
func (k *compiler) touching(step stepFn, name string, size int, index spec.Expr, now func(s *Switch, i uint64) []NamedValue) stepFn {
	at := k.cell(index)
	k.touch = func(p *packet) {
		errors := p.sw.stats.IndexErrors
		i := at(p) // before the step may change what it is computed from
		p.sw.stats.IndexErrors = errors
		step(p)
		e := Event{Kind: EventCell, Name: name, Value: i, Hit: i < uint64(size)}
		if e.Hit {
			e.Fields = now(p.sw, i)
		}
		p.note(e)
	}
	return step
}

func (k *compiler) touchingRegister(step stepFn, r int, index spec.Expr) stepFn {
	src := &k.prog.Registers[r]
	words := uint64(src.Width+63) / 64
	return k.touching(step, src.Name, src.Size, index, func(s *Switch, i uint64) []NamedValue {
		return []NamedValue{{"value", fieldBytes(s.registers[r].cells[i*words:], &field{width: uint32(src.Width)})}}
	})
}

func bytesOf(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }

// logMessage gives messages to the trace, if there is one.
func (k *compiler) logMessage(args []spec.Expr) stepFn {
	format := args[0].(spec.String).Value
	var values []wideFn
	var words []int
	for _, e := range args[1].(spec.Vector).Elements {
		n := k.interval(e).words()
		values, words = append(values, k.wide(e, n, 0)), append(words, n)
	}
	return func(p *packet) {
		if p.sw.trace == nil {
			return
		}
		e := Event{Kind: EventLog, Name: format}
		for i, f := range values {
			v := make([]uint64, words[i])
			f(p, v)
			e.Values = append(e.Values, wideBig(v))
		}
		e.Text = message(format, e.Values)
		p.note(e)
	}
}

// message puts values where a format has {…}. As in simple_switch, a brace behind
// a backslash or at the very beginning is a brace.
func message(format string, values []*big.Int) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '{' || i == 0 || format[i-1] == '\\' || len(values) == 0 {
			b.WriteByte(format[i])
			continue
		}
		end := i + 1
		for end < len(format) && (format[end] != '}' || format[end-1] == '\\') {
			end++
		}
		if end == len(format) {
			return b.String() + format[i:]
		}
		b.WriteString(values[0].String())
		values, i = values[1:], end
	}
	return b.String()
}
