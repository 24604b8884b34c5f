package jsonlines

import (
	"bytes"
	"unicode/utf8"
)

// Object walks over the fields of an object on one line, without allocating:
//
//	o := jsonlines.Scan(line)
//	for o.Next() {
//		switch string(o.Name()) {
//		case "lost":
//			o.Once(lost)
//			f.lost = o.Int()
//		default:
//			o.Fail()
//		}
//	}
//	return f, o.Done(lost)
//
// Whatever is not as expected fails the whole walk: later calls return nothing, Done
// returns false, and the line must be read another way. Every field's value must be
// read, by one of Str, Strings, Int and Flat.
type Object struct {
	b    []byte
	name []byte
	at   int // of what comes next, -1 after a failure
	seen uint
	end  bool
}

// Scan begins a walk over the object that is the line.
func Scan(line []byte) Object {
	o := Object{b: line}
	if o.skip(); !o.byte('{') {
		return o
	}
	if o.peek() == '}' { // no fields
		o.close()
	}
	return o
}

// Fail ends the walk.
func (o *Object) Fail() { o.at = -1 }

// Next goes to the next field.
func (o *Object) Next() bool {
	if o.at < 0 || o.end {
		return false
	}
	if o.name != nil {
		switch o.peek() {
		case ',':
			o.at++
		case '}':
			o.close()
			return false
		default:
			o.Fail()
			return false
		}
	}
	o.skip()
	o.name = o.Str()
	o.skip()
	if !o.byte(':') {
		return false
	}
	o.skip()
	return true
}

// close takes the brace at the end, after which nothing may come.
func (o *Object) close() {
	o.at++
	if o.skip(); o.at != len(o.b) {
		o.Fail()
		return
	}
	o.end = true
}

// Name returns the field's name.
func (o *Object) Name() []byte { return o.name }

// Once notes a field by a bit of its own and fails where it was there before.
func (o *Object) Once(field uint) {
	if o.seen&field != 0 {
		o.Fail()
	}
	o.seen |= field
}

// Done reports whether the walk came to the end of the line without failing and met all
// of these fields.
func (o *Object) Done(fields uint) bool {
	return o.at >= 0 && o.end && o.seen&fields == fields
}

// Str reads a string without escapes, in UTF-8. It is a part of the line, never nil
// unless it fails.
func (o *Object) Str() []byte {
	if !o.byte('"') {
		return nil
	}
	from, high := o.at, byte(0)
	for i := from; i < len(o.b); i++ {
		c := o.b[i]
		if c == '"' {
			text := o.b[from:i:i]
			if high >= utf8.RuneSelf && !utf8.Valid(text) {
				break
			}
			o.at = i + 1
			return text
		}
		if c == '\\' || c < ' ' {
			break
		}
		high |= c
	}
	o.Fail()
	return nil
}

// Int reads a whole number of at most 18 digits, written without fraction and exponent.
func (o *Object) Int() (x int64) {
	if o.at < 0 {
		return 0
	}
	i := o.at
	negative := i < len(o.b) && o.b[i] == '-'
	if negative {
		i++
	}
	first := i
	for ; i < len(o.b) && o.b[i] >= '0' && o.b[i] <= '9'; i++ {
		if i-first == 18 {
			o.Fail()
			return 0
		}
		x = 10*x + int64(o.b[i]-'0')
	}
	if n := i - first; n == 0 || n > 1 && o.b[first] == '0' {
		o.Fail()
		return 0
	}
	o.at = i // a fraction that follows fails what comes next
	if negative {
		return -x
	}
	return x
}

// Strings reads a list of strings as Str does, and gives them to yield, which returns
// false where the walk shall fail.
func (o *Object) Strings(yield func(text []byte) bool) {
	if !o.byte('[') {
		return
	}
	if o.peek() == ']' {
		o.at++
		return
	}
	for {
		o.skip()
		text := o.Str()
		if o.at < 0 || !yield(text) {
			o.Fail()
			return
		}
		switch o.peek() {
		case ',':
			o.at++
		case ']':
			o.at++
			return
		default:
			o.Fail()
			return
		}
	}
}

// Flat returns the text up to the next closing brace, which is the whole object if that
// has neither objects nor braces in strings. It is not checked: look it up among texts
// that are known to be objects.
func (o *Object) Flat() []byte {
	from := o.at
	if !o.byte('{') {
		return nil
	}
	n := bytes.IndexByte(o.b[o.at:], '}')
	if n < 0 {
		o.Fail()
		return nil
	}
	o.at += n + 1
	return o.b[from:o.at:o.at]
}

// byte takes one byte, which must be c.
func (o *Object) byte(c byte) bool {
	if o.at < 0 || o.at >= len(o.b) || o.b[o.at] != c {
		o.Fail()
		return false
	}
	o.at++
	return true
}

// peek skips white space and returns the next byte, 0 where there is none.
func (o *Object) peek() byte {
	if o.skip(); o.at < 0 || o.at >= len(o.b) {
		return 0
	}
	return o.b[o.at]
}

func (o *Object) skip() {
	if o.at < 0 {
		return
	}
	for o.at < len(o.b) && (o.b[o.at] == ' ' || o.b[o.at] == '\t') {
		o.at++
	}
}
