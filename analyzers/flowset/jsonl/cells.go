package jsonl

import (
	"fmt"
	"math"

	"github.com/telltale-net/telltale/analyzers/flowset"
)

// readTable reads cells: objects, or arrays of objects, one array per subtable.
func (o *object) readTable(s *stream, room int) error {
	var one func(depth int) error
	one = func(depth int) error {
		c, err := s.next()
		if err != nil {
			return unexpected(err)
		}
		if c == '[' && depth == 0 {
			err := s.array(func() error { return one(1) })
			o.nested = append(o.nested, len(o.rows))
			return err
		}
		if len(o.rows) >= room {
			return fmt.Errorf("as many cells as there may be are held already: raise the limit")
		}
		if c == 'n' { // null: an empty cell
			o.rows = append(o.rows, row{at: -1, subtable: -1})
			return s.skip(0)
		}
		w := row{at: -1, subtable: -1}
		if err := o.readCell(s, &w); err != nil {
			return err
		}
		o.rows = append(o.rows, w)
		return nil
	}
	return s.array(func() error { return one(0) })
}

func (o *object) readCell(s *stream, w *row) error {
	return s.object(func(name string) error {
		where := func() string { return fmt.Sprintf("table[%d].%s", len(o.rows), name) }
		var n int64
		var err error
		switch name {
		case "xor":
			b, err := s.hexText()
			if err != nil {
				return err
			}
			var raw [flowset.MaxKey]byte
			size, ok := unhex(raw[:], b)
			if !ok {
				o.wrong(where(), "got %.90q, want at most %d bytes in hex", b, flowset.MaxKey)
			}
			w.key, w.keyLen = flowset.MakeKey(raw[:]), uint8(size)
		case "check":
			c, err := s.next()
			if err != nil {
				return unexpected(err)
			}
			if c != '"' {
				n, err = s.whole()
				w.check = uint64(n)
				for v := w.check; v != 0; v >>= 8 {
					w.chkLen++
				}
				return err
			}
			b, err := s.hexText()
			if err != nil {
				return err
			}
			var raw [flowset.MaxCheck]byte
			size, ok := unhex(raw[:], b)
			if !ok {
				o.wrong(where(), "got %.90q, want at most %d bytes in hex", b, flowset.MaxCheck)
			}
			for _, c := range raw {
				w.check = w.check<<8 | uint64(c)
			}
			w.chkLen = uint8(size)
		case "flows":
			if n, err = s.whole(); err == nil && (n < math.MinInt32 || n > math.MaxInt32) {
				o.wrong(where(), "got %d, want a number of flows", n)
			}
			w.flows = int32(n)
		case "packets":
			w.packets, err = s.whole()
		case "cell", "index", "i":
			if w.at, err = s.whole(); err == nil && w.at < 0 {
				o.wrong(where(), "got %d, want a cell's number from 0", w.at)
			}
		case "subtable":
			if n, err = s.whole(); err == nil && (n < 0 || n >= flowset.MaxSubtables) {
				o.wrong(where(), "got %d, want a subtable's number from 0", n)
			}
			w.subtable = int32(n)
		default:
			err = s.skip(0)
		}
		return err
	})
}

// unhex sets the last bytes of to from hex digits, upper or lower case, with or without
// 0x, and returns how many bytes were written down.
func unhex(to []byte, b []byte) (size int, ok bool) {
	if len(b) >= 2 && b[0] == '0' && (b[1] == 'x' || b[1] == 'X') {
		b = b[2:]
	}
	size = (len(b) + 1) / 2
	for i := range b {
		c := b[len(b)-1-i]
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return size, false
		}
		n := len(to) - 1 - i/2
		if n < 0 {
			if c != 0 {
				return size, false
			}
			continue
		}
		if i%2 == 1 {
			c <<= 4
		}
		to[n] |= c
	}
	return min(size, len(to)), true
}
