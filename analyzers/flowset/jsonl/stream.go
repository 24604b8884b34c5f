package jsonl

import (
	"bufio"
	"errors"
	"fmt"
	"io"
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
