package flowset

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// stream reads JSON values as they come: a table of a million cells is one line, too long
// to be held as text. Every error is a *syntax or the reader's.
type stream struct {
	r    *bufio.Reader
	line int // from 1
	buf  []byte
}

// syntax is what is wrong with the text.
type syntax struct{ text string }

func (e *syntax) Error() string { return e.text }

func malformed(format string, args ...any) error { return &syntax{fmt.Sprintf(format, args...)} }

const (
	maxText  = 1 << 16 // bytes of a string that is no filter
	maxDepth = 64      // of values that are skipped
)

func newStream(r io.Reader) *stream {
	return &stream{r: bufio.NewReaderSize(r, 1<<16), line: 1}
}

// next returns the next byte that is no white space, without taking it.
func (s *stream) next() (byte, error) {
	for {
		c, err := s.r.ReadByte()
		if err != nil {
			return 0, err
		}
		switch c {
		case '\n':
			s.line++
		case ' ', '\t', '\r':
		default:
			return c, s.r.UnreadByte()
		}
	}
}

func (s *stream) expect(want byte) error {
	c, err := s.next()
	if err != nil {
		return unexpected(err)
	}
	if c != want {
		return malformed("malformed JSON: got %q, want %q", c, want)
	}
	_, err = s.r.Discard(1)
	return err
}

// take takes the next byte if it is c.
func (s *stream) take(c byte) (bool, error) {
	got, err := s.next()
	if err != nil {
		return false, unexpected(err)
	}
	if got != c {
		return false, nil
	}
	_, err = s.r.Discard(1)
	return true, err
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return malformed("malformed JSON: it ends in the middle")
	}
	return err
}

// object calls field with the name of every field; it must read the value.
func (s *stream) object(field func(name string) error) error {
	if err := s.expect('{'); err != nil {
		return err
	}
	if done, err := s.take('}'); done || err != nil {
		return err
	}
	for {
		raw, err := s.text(maxText)
		if err != nil {
			return err
		}
		name := fieldName(raw)
		if err := s.expect(':'); err != nil {
			return err
		}
		if err := field(name); err != nil {
			return err
		}
		more, err := s.take(',')
		if err != nil {
			return err
		}
		if !more {
			return s.expect('}')
		}
	}
}

// fieldName returns a name without allocating the usual ones.
func fieldName(b []byte) string {
	switch string(b) {
	case "xor":
		return "xor"
	case "flows":
		return "flows"
	case "packets":
		return "packets"
	case "check":
		return "check"
	}
	return string(b)
}

// array calls element for every element; it must read it.
func (s *stream) array(element func() error) error {
	if err := s.expect('['); err != nil {
		return err
	}
	if done, err := s.take(']'); done || err != nil {
		return err
	}
	for {
		if err := element(); err != nil {
			return err
		}
		more, err := s.take(',')
		if err != nil {
			return err
		}
		if !more {
			return s.expect(']')
		}
	}
}

// text reads a string of at most max bytes; it is good until the next call.
func (s *stream) text(max int) ([]byte, error) {
	if err := s.expect('"'); err != nil {
		return nil, err
	}
	s.buf = s.buf[:0]
	for {
		c, err := s.r.ReadByte()
		if err != nil {
			return nil, unexpected(err)
		}
		switch {
		case c == '"':
			return s.buf, nil
		case c == '\\':
			if err := s.escape(); err != nil {
				return nil, err
			}
		case c < ' ':
			if c == '\n' {
				s.line++
			}
			return nil, malformed("malformed JSON: control character %#02x in a string", c)
		default:
			s.buf = append(s.buf, c)
		}
		if len(s.buf) > max {
			return nil, malformed("got a string of more than %d bytes", max)
		}
	}
}

func (s *stream) escape() error {
	c, err := s.r.ReadByte()
	if err != nil {
		return unexpected(err)
	}
	switch c {
	case '"', '\\', '/':
		s.buf = append(s.buf, c)
	case 'b':
		s.buf = append(s.buf, '\b')
	case 'f':
		s.buf = append(s.buf, '\f')
	case 'n':
		s.buf = append(s.buf, '\n')
	case 'r':
		s.buf = append(s.buf, '\r')
	case 't':
		s.buf = append(s.buf, '\t')
	case 'u':
		r, err := s.hex4()
		if err != nil {
			return err
		}
		if utf16.IsSurrogate(r) {
			if b, err := s.r.Peek(2); err == nil && b[0] == '\\' && b[1] == 'u' {
				_, _ = s.r.Discard(2) // was peeked at
				low, err := s.hex4()
				if err != nil {
					return err
				}
				r = utf16.DecodeRune(r, low)
			}
		}
		s.buf = utf8.AppendRune(s.buf, r)
	default:
		return malformed("malformed JSON: got escape \\%c", c)
	}
	return nil
}

func (s *stream) hex4() (rune, error) {
	var b [4]byte
	if _, err := io.ReadFull(s.r, b[:]); err != nil {
		return 0, unexpected(err)
	}
	v, err := strconv.ParseUint(string(b[:]), 16, 16)
	if err != nil {
		return 0, malformed("malformed JSON: got escape \\u%q", b)
	}
	return rune(v), nil
}

// word reads a number or a literal; it is good until the next call.
func (s *stream) word() ([]byte, error) {
	if _, err := s.next(); err != nil {
		return nil, unexpected(err)
	}
	s.buf = s.buf[:0]
	for {
		c, err := s.r.ReadByte()
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if err != nil || !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == 'E' || c == '-' || c == '+' || c == '.') {
			if err == nil {
				if err := s.r.UnreadByte(); err != nil {
					return nil, err
				}
			}
			if len(s.buf) == 0 {
				return nil, malformed("malformed JSON: got %q, want a value", c)
			}
			return s.buf, nil
		}
		if s.buf = append(s.buf, c); len(s.buf) > 64 {
			return nil, malformed("got a number of more than 64 digits")
		}
	}
}

// whole reads a whole number, also one written as 1e3, 5.0 or "5".
func (s *stream) whole() (int64, error) {
	c, err := s.next()
	if err != nil {
		return 0, unexpected(err)
	}
	var b []byte
	if c == '"' {
		b, err = s.text(64)
	} else {
		b, err = s.word()
	}
	if err != nil {
		return 0, err
	}
	if n, err := strconv.ParseInt(string(b), 10, 64); err == nil {
		return n, nil
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil || f != float64(int64(f)) || f > 1<<53 || f < -1<<53 {
		return 0, malformed("got %q, want a whole number", b)
	}
	return int64(f), nil
}

// skip reads a value that nobody asked for.
func (s *stream) skip(depth int) error {
	if depth > maxDepth {
		return malformed("got values nested more than %d deep", maxDepth)
	}
	c, err := s.next()
	if err != nil {
		return unexpected(err)
	}
	switch c {
	case '{':
		return s.object(func(string) error { return s.skip(depth + 1) })
	case '[':
		return s.array(func() error { return s.skip(depth + 1) })
	case '"':
		_, err := s.text(1 << 26)
		return err
	}
	_, err = s.word()
	return err
}

// nextLine goes on behind the end of the line.
func (s *stream) nextLine() error {
	for {
		_, err := s.r.ReadSlice('\n')
		switch {
		case err == nil:
			s.line++
			return nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}
