package stf

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// verbs are the words a statement begins with.
var verbs = map[string]bool{
	"packet": true, "expect": true, "no_packet": true, "wait": true,
	"add": true, "setdefault": true, "remove": true, "check_counter": true,
	"mirroring_add": true, "mirroring_add_mc": true, "mirroring_delete": true, "mirroring_get": true,
	"mc_mgrp_create": true, "mc_node_create": true, "mc_node_update": true, "mc_node_associate": true,
	"counter_read": true, "counter_write": true,
	"register_read": true, "register_write": true, "register_reset": true,
	"meter_get_rates": true, "meter_set_rates": true, "meter_array_set_rates": true,
}

// shapes of the commands of simple_switch's command line: whether they name an
// object, how many numbers follow (at least, if more), whether rates do.
var shapes = map[string]struct {
	object  bool
	numbers int
	more    bool
	rates   bool
}{
	"mirroring_add":         {numbers: 2},
	"mirroring_add_mc":      {numbers: 2},
	"mirroring_delete":      {numbers: 1},
	"mirroring_get":         {numbers: 1},
	"mc_mgrp_create":        {numbers: 1},
	"mc_node_create":        {numbers: 1, more: true},
	"mc_node_update":        {numbers: 1, more: true},
	"mc_node_associate":     {numbers: 2},
	"counter_read":          {object: true, numbers: 1},
	"counter_write":         {object: true, numbers: 3},
	"register_read":         {object: true, numbers: 1},
	"register_write":        {object: true, numbers: 2},
	"register_reset":        {object: true},
	"meter_get_rates":       {object: true, numbers: 1},
	"meter_set_rates":       {object: true, numbers: 1, rates: true},
	"meter_array_set_rates": {object: true, rates: true},
}

// Parse reads a script. The name is for positions. The error is an [*Error]; a
// script is read whole or not at all.
func Parse(name, src string) (*Script, error) {
	lines, err := split(name, src)
	if err != nil {
		return nil, err
	}
	s := &Script{Name: name}
	for _, l := range lines {
		p := &parser{line: l}
		st, err := p.statement()
		if err == nil && len(p.line.tokens) > 0 {
			err = p.unexpected("nothing more")
		}
		if err != nil {
			return nil, err
		}
		s.Statements = append(s.Statements, st)
	}
	return s, nil
}

type parser struct{ line line }

func (p *parser) peek() token {
	if len(p.line.tokens) == 0 {
		return token{pos: p.line.end}
	}
	return p.line.tokens[0]
}

func (p *parser) next() token {
	t := p.peek()
	if t.kind != tokenEnd {
		p.line.tokens = p.line.tokens[1:]
	}
	return t
}

func (p *parser) unexpected(want string) error {
	return &Error{p.peek().pos, fmt.Sprintf("%s: got %s; want %s", p.line.verb.text, p.peek(), want)}
}

// accept takes a punctuation mark if it is there.
func (p *parser) accept(punct string) bool {
	if t := p.peek(); t.kind == tokenPunct && t.text == punct {
		p.next()
		return true
	}
	return false
}

func (p *parser) expect(punct string) error {
	if !p.accept(punct) {
		return p.unexpected(strconv.Quote(punct))
	}
	return nil
}

func (p *parser) statement() (Statement, error) {
	pos := p.line.verb.pos
	switch p.line.verb.text {
	case "packet":
		return p.packet(pos)
	case "expect":
		return p.expectation(pos)
	case "no_packet":
		return &NoPacket{pos}, nil
	case "wait":
		return &Wait{pos}, nil
	case "add":
		return p.add(pos)
	case "setdefault":
		table, err := p.name()
		if err != nil {
			return nil, err
		}
		action, err := p.action()
		return &SetDefault{pos, table, action}, err
	case "remove":
		if t := p.peek(); t.kind != tokenName || strings.ToLower(t.text) != "all" {
			return nil, p.unexpected("all")
		}
		p.next()
		return &RemoveAll{pos}, nil
	case "check_counter":
		return p.checkCounter(pos)
	}
	return p.command(pos)
}

func (p *parser) port() (uint16, error) {
	n, err := strconv.ParseUint(p.peek().text, 10, 16)
	if err != nil {
		return 0, p.unexpected("a port, 0 to 65535")
	}
	p.next()
	return uint16(n), nil
}

func (p *parser) packet(pos Pos) (Statement, error) {
	port, err := p.port()
	if err != nil {
		return nil, err
	}
	data, err := p.data("0123456789abcdef", "hexadecimal digits")
	if err != nil {
		return nil, err
	}
	b, err := hex.DecodeString(data)
	if err != nil || len(b) == 0 || len(b) > maxPacket {
		return nil, &Error{pos, fmt.Sprintf("packet: got %d hexadecimal digits; want two per byte, for 1 to %d bytes", len(data), maxPacket)}
	}
	return &Packet{pos, port, b}, nil
}

// data joins the words that follow.
func (p *parser) data(allowed, want string) (string, error) {
	var b strings.Builder
	for p.peek().kind == tokenData {
		text := strings.ToLower(p.peek().text)
		if strings.Trim(text, allowed) != "" {
			return "", p.unexpected(want)
		}
		b.WriteString(text)
		p.next()
	}
	return b.String(), nil
}

func (p *parser) expectation(pos Pos) (Statement, error) {
	port, err := p.port()
	if err != nil {
		return nil, err
	}
	data, err := p.data("0123456789abcdef*$", "hexadecimal digits, '*' or '$'")
	if err != nil {
		return nil, err
	}
	data, exact := strings.CutSuffix(data, "$")
	if strings.Contains(data, "$") {
		return nil, &Error{pos, "expect: '$' is not at the end"}
	}
	if len(data) > 2*maxPacket {
		return nil, &Error{pos, fmt.Sprintf("expect: got %d digits; want at most %d", len(data), 2*maxPacket)}
	}
	return &Expect{pos, port, data, data == "" && !exact, exact}, nil
}

func (p *parser) add(pos Pos) (Statement, error) {
	table, err := p.name()
	if err != nil {
		return nil, err
	}
	a := &Add{Pos: pos, Table: table, Priority: -1}
	if t := p.peek(); t.kind == tokenNumber {
		n, err := strconv.ParseInt(t.text, 10, 31)
		if err != nil {
			return nil, p.unexpected("a priority in decimal")
		}
		a.Priority = int(n)
		p.next()
	}
	for {
		at := p.peek().pos
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		if !p.accept(":") { // it was the action's
			if a.Action, err = p.call(at, name); err != nil {
				return nil, err
			}
			break
		}
		v, err := p.value(true)
		if err != nil {
			return nil, err
		}
		a.Keys = append(a.Keys, Key{at, name, v})
	}
	if p.accept("=") {
		if a.Label, err = p.name(); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func (p *parser) checkCounter(pos Pos) (Statement, error) {
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	c := &CheckCounter{Pos: pos, Name: name}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind == tokenName {
		c.Label = strings.TrimPrefix(p.next().text, "$")
	} else {
		n, err := p.number()
		if err != nil || n > 1<<31-1 {
			return nil, &Error{t.pos, fmt.Sprintf("check_counter: got %s; want an index or the label of an entry", t)}
		}
		c.Index = int(n)
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	if p.peek().kind == tokenEnd {
		return c, nil
	}
	switch t := p.peek(); strings.ToLower(t.text) {
	case "packets":
	case "bytes":
		c.Bytes = true
	default:
		return nil, p.unexpected("packets or bytes")
	}
	p.next()
	switch t := p.peek(); t.text {
	case "==", "!=", "<", "<=", ">", ">=":
		c.Op = p.next().text
	default:
		return nil, p.unexpected("a comparison")
	}
	c.Value, err = p.number()
	return c, err
}

func (p *parser) command(pos Pos) (Statement, error) {
	shape := shapes[p.line.verb.text]
	c := &Command{Pos: pos, Verb: p.line.verb.text}
	var err error
	if shape.object {
		if c.Object, err = p.name(); err != nil {
			return nil, err
		}
	}
	for len(c.Numbers) < shape.numbers || shape.more && p.peek().kind != tokenEnd {
		n, err := p.number()
		if err != nil {
			return nil, err
		}
		c.Numbers = append(c.Numbers, n)
	}
	for shape.rates && p.peek().kind != tokenEnd {
		r, err := p.rate()
		if err != nil {
			return nil, err
		}
		c.Rates = append(c.Rates, r)
	}
	if shape.rates && len(c.Rates) != 2 {
		return nil, &Error{pos, fmt.Sprintf("%s: got %d rates; want 2, committed and peak", c.Verb, len(c.Rates))}
	}
	return c, nil
}
