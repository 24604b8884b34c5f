package stf

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// maxDigits bounds a number, maxPacket a packet in bytes.
const (
	maxDigits = 4096
	maxPacket = 1 << 16
)

func (p *parser) action() (Action, error) {
	at := p.peek().pos
	name, err := p.name()
	if err != nil {
		return Action{}, err
	}
	return p.call(at, name)
}

// call reads the arguments of an action whose name has been read.
func (p *parser) call(at Pos, name string) (Action, error) {
	a := Action{Pos: at, Name: name}
	if err := p.expect("("); err != nil {
		return a, err
	}
	for !p.accept(")") {
		if len(a.Args) > 0 {
			if err := p.expect(","); err != nil {
				return a, err
			}
		}
		at := p.peek().pos
		name, err := p.name()
		if err != nil {
			return a, err
		}
		if err := p.expect(":"); err != nil {
			return a, err
		}
		v, err := p.value(false)
		if err != nil {
			return a, err
		}
		a.Args = append(a.Args, Arg{at, name, v})
	}
	return a, nil
}

// name reads a qualified name, with indices of stacks.
func (p *parser) name() (string, error) {
	var b strings.Builder
	for {
		t := p.peek()
		if t.kind != tokenName {
			return "", p.unexpected("a name")
		}
		b.WriteString(p.next().text)
		if p.accept("[") {
			t := p.peek()
			if t.kind != tokenNumber || strings.Trim(t.text, "0123456789") != "" {
				return "", p.unexpected("an index in decimal")
			}
			b.WriteString("[" + p.next().text + "]")
			if err := p.expect("]"); err != nil {
				return "", err
			}
		}
		if !p.accept(".") {
			return b.String(), nil
		}
		b.WriteByte('.')
	}
}

func (p *parser) rate() (Rate, error) {
	t := p.peek()
	if t.kind != tokenNumber {
		return Rate{}, p.unexpected("RATE:BURST")
	}
	text := p.next().text
	if p.accept(".") {
		text += "." + p.peek().text
		p.next()
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || strings.Trim(text, "0123456789.") != "" || f > 1e12 {
		return Rate{}, &Error{t.pos, fmt.Sprintf("%s: got rate %q; want tokens per microsecond in decimal", p.line.verb.text, text)}
	}
	if err := p.expect(":"); err != nil {
		return Rate{}, err
	}
	b, err := p.number()
	if err != nil || b > 1<<62 {
		return Rate{}, &Error{t.pos, fmt.Sprintf("%s: want a burst after the rate", p.line.verb.text)}
	}
	return Rate{f, int64(b)}, nil
}

// number reads a number without wild digits of at most 64 bits.
func (p *parser) number() (uint64, error) {
	v, err := p.value(false)
	if err != nil {
		return 0, err
	}
	if !v.Number.IsUint64() {
		return 0, &Error{v.Pos, fmt.Sprintf("%s: %s does not fit in 64 bits", p.line.verb.text, v.Text)}
	}
	return v.Number.Uint64(), nil
}

// value reads a number; as the value of a key it may have wild digits and a
// prefix length.
func (p *parser) value(key bool) (Value, error) {
	t := p.peek()
	if t.kind != tokenNumber {
		return Value{}, p.unexpected("a number")
	}
	p.next()
	v := Value{Pos: t.pos, Text: t.text, Length: -1}
	digits, base := t.text, 10
	if len(digits) > 1 {
		switch digits[:2] {
		case "0x", "0X":
			digits, base, v.Base = digits[2:], 16, 4
		case "0b", "0B":
			digits, base, v.Base = digits[2:], 2, 1
		}
	}
	fail := func(format string, args ...any) (Value, error) {
		return Value{}, &Error{t.pos, fmt.Sprintf("%s: ", p.line.verb.text) + fmt.Sprintf(format, args...)}
	}
	if digits == "" || len(digits) > maxDigits {
		return fail("got a number of %d digits; want 1 to %d", len(digits), maxDigits)
	}
	var ok bool
	if v.Number, ok = new(big.Int).SetString(strings.ReplaceAll(digits, "*", "0"), base); !ok {
		return fail("got %s; want a number to base %d", t.text, base)
	}
	if v.Base > 0 {
		v.Digits, v.Stars = len(digits), strings.Count(digits, "*")
		ones := string("0123456789abcdef"[base-1])
		mask := strings.Map(func(r rune) rune {
			if r == '*' {
				return '0'
			}
			return rune(ones[0])
		}, digits)
		v.Mask, _ = new(big.Int).SetString(mask, base)
	}
	if v.Stars > 0 && !key {
		return fail("got %s; want a number without '*' here", t.text)
	}
	if key && p.accept("/") {
		n, err := p.number()
		if err != nil || n > maxDigits*4 {
			return fail("want a prefix length after %s/", t.text)
		}
		v.Length = int(n)
	}
	return v, nil
}
