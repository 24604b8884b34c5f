package jsonl

import (
	"errors"
	"io"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

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

// name reads a string, or a number as one.
func (s *stream) name() (string, error) {
	c, err := s.next()
	if err != nil {
		return "", unexpected(err)
	}
	if c == '"' {
		b, err := s.text(maxText)
		return string(b), err
	}
	b, err := s.word()
	return string(b), err
}

// hexText reads a string of hex digits, or a null or 0 for none.
func (s *stream) hexText() ([]byte, error) {
	c, err := s.next()
	if err != nil {
		return nil, unexpected(err)
	}
	if c == '"' {
		return s.text(256)
	}
	b, err := s.word()
	if err == nil && (string(b) == "null" || string(b) == "0") {
		return nil, nil
	}
	if err == nil {
		err = malformed("got %s, want a string of hex digits", b)
	}
	return nil, err
}

// flat reads any value as one line of its names, strings and numbers.
func (s *stream) flat(b []byte, depth int) ([]byte, error) {
	if depth > maxDepth || len(b) > maxText {
		return nil, malformed("got a value that is too big")
	}
	c, err := s.next()
	if err != nil {
		return nil, unexpected(err)
	}
	switch c {
	case '{':
		err = s.object(func(name string) (err error) {
			b, err = s.flat(append(append(b, name...), ' '), depth+1)
			return err
		})
		return b, err
	case '[':
		err = s.array(func() (err error) {
			b, err = s.flat(b, depth+1)
			return err
		})
		return b, err
	}
	text, err := s.name()
	return append(append(b, text...), ' '), err
}
