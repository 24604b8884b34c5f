package jsonlines

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Lines reads a file line by line. It is for one goroutine.
type Lines struct {
	s    *bufio.Scanner
	file string
	line []byte
	n    int
	max  int
}

// New returns the lines of a file, of at most max bytes each. The name is for errors.
func New(file string, in io.Reader, max int) *Lines {
	s := bufio.NewScanner(in)
	s.Buffer(make([]byte, min(1<<16, max)), max)
	return &Lines{s: s, file: file, max: max}
}

// byteOrderMark is what some programs put before UTF-8.
var byteOrderMark = []byte("\xef\xbb\xbf")

// Next goes to the next line that is not blank. It returns false at the end, and where
// reading failed: see Err.
func (l *Lines) Next() bool {
	for l.s.Scan() {
		l.n++
		l.line = l.s.Bytes()
		if l.n == 1 {
			l.line = bytes.TrimPrefix(l.line, byteOrderMark)
		}
		if l.line = bytes.TrimSpace(l.line); len(l.line) > 0 {
			return true
		}
	}
	return false
}

// Bytes returns the line without white space around it. It is good until Next.
func (l *Lines) Bytes() []byte { return l.line }

// Err returns why reading failed, nil where the file was read to its end.
func (l *Lines) Err() error {
	err := l.s.Err()
	if err == nil {
		return nil
	}
	if errors.Is(err, bufio.ErrTooLong) {
		err = fmt.Errorf("got a line of more than %d bytes", l.max)
	}
	return fmt.Errorf("cannot read data set %s: line %d: %w", l.file, l.n+1, err)
}

// Fail returns the error of a reader that cannot go on because of the line.
func (l *Lines) Fail(err error) error {
	return fmt.Errorf("cannot read data set %s: line %d: %w", l.file, l.n, err)
}

// Problem returns what is wrong with the line; field is "" where that is the line as a
// whole.
func (l *Lines) Problem(field, text string) Problem {
	return Problem{File: l.file, Line: l.n, Field: field, Text: text}
}
