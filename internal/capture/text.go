package capture

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// nextLine reads the next datagram of a text.
func (c *Reader) nextLine(d *Datagram) error {
	for {
		at := Position{Offset: c.in.offset, Number: c.frame.position.Number + 1, Line: true}
		line, err := c.line()
		if err != nil && !errors.Is(err, io.EOF) {
			return &Error{Position: at, Fatal: true, Err: err}
		}
		c.frame.position.Number++
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			if err != nil {
				return io.EOF
			}
			continue
		}
		c.stats.Frames++
		payload, err := unhex(line)
		if err != nil {
			return &Error{Position: at, Err: err}
		}
		c.stats.Datagrams++
		*d = Datagram{Payload: payload, Position: at}
		return nil
	}
}

// line returns the next line, good until the next call, with io.EOF beside the last.
func (c *Reader) line() ([]byte, error) {
	line := c.in.buf[:0]
	for {
		part, err := c.in.r.ReadSlice('\n')
		c.in.offset += int64(len(part))
		if line = append(line, part...); len(line) > 2*maxFrame {
			return nil, fmt.Errorf("line: got more than %d bytes, want at most that", 2*maxFrame)
		}
		c.in.buf = line
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// unhex turns the hex digits of a line into bytes, in place. Blanks are passed over,
// and a leading 0x.
func unhex(line []byte) ([]byte, error) {
	digits := line
	if len(digits) > 1 && digits[0] == '0' && digits[1]|0x20 == 'x' {
		digits = digits[2:]
	}
	compact := digits[:0]
	for i, b := range digits {
		switch {
		case b == ' ' || b == '\t':
		case b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'f':
			compact = append(compact, b)
		default:
			return nil, fmt.Errorf("column %d: got %q, want a hex digit", len(line)-len(digits)+i+1, b)
		}
	}
	if len(compact)%2 != 0 {
		return nil, fmt.Errorf("got %d hex digits, want an even number", len(compact))
	}
	n, err := hex.Decode(compact, compact)
	if err != nil {
		return nil, err
	}
	return compact[:n], nil
}
