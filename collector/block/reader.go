package block

import (
	"encoding/binary"
	"fmt"
)

// reader reads one part of a block. The first error sticks; afterwards everything is
// zero.
type reader struct {
	b    []byte
	at   int
	part string
	err  error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = &Error{Part: r.part, Offset: r.at, What: fmt.Sprintf(format, args...)}
		r.at = len(r.b)
	}
}

func (r *reader) uvarint() uint64 {
	if r.at < len(r.b) && r.b[r.at] < 0x80 { // most of them
		v := uint64(r.b[r.at])
		r.at++
		return v
	}
	return r.long()
}

func (r *reader) long() uint64 {
	v, n := binary.Uvarint(r.b[r.at:])
	if n <= 0 {
		r.fail("no number is here")
		return 0
	}
	r.at += n
	return v
}

// zigzag reads a signed number: 0, -1, 1, -2 … as 0, 1, 2, 3 …
func (r *reader) zigzag() uint64 {
	v := r.uvarint()
	return v>>1 ^ -(v & 1)
}

// max reads a number that may not be larger than limit.
func (r *reader) max(limit uint64) uint64 {
	v := r.uvarint()
	if v > limit {
		r.fail("got %d, want at most %d", v, limit)
		return 0
	}
	return v
}

// index reads a number below n.
func (r *reader) index(n int) int {
	v := r.uvarint()
	if v >= uint64(n) {
		r.fail("got index %d of %d", v, n)
		return 0
	}
	return int(v)
}

func (r *reader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

// bytes returns the next n bytes, or nil.
func (r *reader) bytes(n int) []byte {
	if n > len(r.b)-r.at {
		r.fail("got %d bytes, want %d", len(r.b)-r.at, n)
		return nil
	}
	r.at += n
	return r.b[r.at-n : r.at]
}

// end returns the first error, one if something is left over.
func (r *reader) end() error {
	if r.at != len(r.b) {
		r.fail("%d bytes too many", len(r.b)-r.at)
	}
	return r.err
}

// zigzag is the inverse of reader.zigzag.
func zigzag(v uint64) uint64 { return v<<1 ^ uint64(int64(v)>>63) }
