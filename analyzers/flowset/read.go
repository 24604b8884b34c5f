package flowset

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/telltale-net/telltale/internal/jsonlines"
)

// DefaultMaxCells is how many cells a reader holds if it is not told otherwise: some 40
// bytes each while they are read, 32 after.
const DefaultMaxCells = 20_000_000

// Stats counts what was read.
type Stats struct {
	Tables  uint64 `json:"tables"`            // taken
	Digests uint64 `json:"digests,omitempty"` // taken
	Bad     uint64 `json:"bad,omitempty"`     // objects not taken
	Cells   uint64 `json:"cells"`
	Flows   uint64 `json:"flows"` // that the tables count
}

// Reader reads flow sets, one JSON object per node and epoch (docs/datasets.md). It is for
// one goroutine.
type Reader struct {
	Tables   []*Table
	Digests  []*Table           // of segments, for Subtract
	Links    [][2]string        // between nodes: {"links":["s1>s2"]}
	Problems jsonlines.Problems // the first objects that were not taken; all are in Stats.Bad
	Notes    []string           // what was read otherwise than the page says, once each
	Stats    Stats

	limit int
	seen  map[nodeEpoch]bool
	fits  map[string]fit // by the hash's text
}

type nodeEpoch struct {
	node, stage string
	epoch       uint64
}

// NewReader returns a reader that holds at most maxCells cells in all; 0 = DefaultMaxCells.
func NewReader(maxCells int) *Reader {
	if maxCells <= 0 {
		maxCells = DefaultMaxCells
	}
	return &Reader{limit: maxCells, seen: map[nodeEpoch]bool{}, fits: map[string]fit{}}
}

// Read appends the flow sets of a file. Objects that cannot be taken become Problems; the
// error is about the file as a whole.
func (r *Reader) Read(file string, in io.Reader) error {
	s := newStream(in)
	for {
		_, err := s.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		line := s.line
		var o *object
		if err == nil {
			o, err = r.object(s)
		}
		var bad *syntax
		switch {
		case errors.As(err, &bad):
			r.bad(file, s.line, "", bad.text)
			if err := s.nextLine(); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return fmt.Errorf("cannot read data set %s: line %d: %w", file, s.line, err)
			}
			continue
		case err != nil:
			return fmt.Errorf("cannot read data set %s: line %d: %w", file, s.line, err)
		}
		if o.lastLine() {
			continue
		}
		if field, text := r.take(o); text != "" {
			r.bad(file, line, field, text)
		}
	}
}

func (r *Reader) bad(file string, line int, field, text string) {
	r.Stats.Bad++
	r.Problems.Add(jsonlines.Problem{File: file, Line: line, Field: field, Text: text})
}

func (r *Reader) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	for _, n := range r.Notes {
		if n == text {
			return
		}
	}
	r.Notes = append(r.Notes, text)
}

// object is one line as it stands, before anything is made of it.
type object struct {
	node                                 string
	hash                                 string
	epoch                                uint64
	subtables, cells                     int64
	keyBytes, checkBytes                 int
	order                                Order
	ordered                              bool
	neighbours                           []string
	stage                                string
	seeds                                []int64 // beside the text of the hash
	hasNode, hasHash, hasTable, hasEpoch bool
	segment                              bool // a digest
	end                                  string

	rows                  []row
	nested                []int // where the arrays of a table of arrays end
	filter                *rawFilter
	problem, problemField string
}

// row is a cell. Its key is a number of 320 bits: how long keys are is known at the end.
type row struct {
	key      Key // the lowest bytes are the last
	at       int64
	subtable int32
	flows    int32
	packets  int64
	check    uint64
	keyLen   uint8 // bytes written
	chkLen   uint8
}

type rawFilter struct {
	bits, hashes int64
	hash         string
	data         []byte
}

// lastLine reports whether the object is none of the tables: an empty one.
func (o *object) lastLine() bool {
	return !o.hasNode && !o.hasTable && !o.hasEpoch && !o.hasHash && o.problem == ""
}

// wrong notes the first thing that is wrong with an object and reads on.
func (o *object) wrong(field, format string, args ...any) {
	if o.problem == "" {
		o.problemField, o.problem = field, fmt.Sprintf(format, args...)
	}
}

func (r *Reader) object(s *stream) (*object, error) {
	o := &object{subtables: -1, cells: -1}
	room := r.limit - int(r.Stats.Cells)
	err := s.object(func(name string) (err error) {
		switch name {
		case "node":
			o.hasNode = true
			o.node, err = s.name()
		case "segment":
			o.hasNode, o.segment = true, true
			o.node, err = s.name()
			if from, to, ok := strings.Cut(o.node, ">"); err == nil && (!ok || from == "" || to == "") {
				o.wrong(name, "got %q, want from>to", o.node)
			}
		case "end":
			if o.end, err = s.name(); err == nil && o.end != EndUp && o.end != EndDown {
				o.wrong(name, "got %q, want %s or %s", o.end, EndUp, EndDown)
			}
		case "stage":
			if o.stage, err = s.name(); err == nil && o.stage != StageIngress && o.stage != StageEgress {
				o.wrong(name, "got %q, want %s or %s", o.stage, StageIngress, StageEgress)
			}
		case "epoch":
			var n int64
			o.hasEpoch = true
			if n, err = s.whole(); err == nil && n < 0 {
				o.wrong(name, "got %d, want an epoch's number", n)
			}
			o.epoch = uint64(n)
		case "subtables":
			o.subtables, err = s.whole()
		case "cells":
			o.cells, err = s.whole()
		case "key_bytes":
			var n int64
			if n, err = s.whole(); err == nil && (n < 1 || n > MaxKey) {
				o.wrong(name, "got %d, want 1 to %d", n, MaxKey)
				n = 0
			}
			o.keyBytes = int(n)
		case "check_bytes":
			var n int64
			if n, err = s.whole(); err == nil && (n < 0 || n > MaxCheck) {
				o.wrong(name, "got %d, want at most %d", n, MaxCheck)
				n = 0
			}
			o.checkBytes = int(n)
		case "hash":
			o.hasHash = true
			o.hash, err = s.name()
		case "links":
			err = s.array(func() error {
				n, err := s.name()
				a, b, ok := strings.Cut(n, ">")
				if ok && a != "" && b != "" {
					r.Links = append(r.Links, [2]string{a, b})
				} else if err == nil {
					o.wrong(name, "got %q, want from>to", n)
				}
				return err
			})
		case "seed":
			var n int64
			n, err = s.whole()
			o.seeds = []int64{n}
		case "seeds":
			err = s.array(func() error {
				n, err := s.whole()
				o.seeds = append(o.seeds, n)
				return err
			})
		case "key":
			err = o.readOrder(s)
		case "neighbours", "neighbors":
			o.neighbours = []string{}
			err = s.array(func() error {
				n, err := s.name()
				o.neighbours = append(o.neighbours, n)
				return err
			})
		case "filter":
			err = o.readFilter(s)
		case "table":
			o.hasTable = true
			err = o.readTable(s, room)
		default:
			err = s.skip(0)
		}
		return err
	})
	return o, err
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

// readOrder reads the order of the key's fields: a list of names or one string of them.
func (o *object) readOrder(s *stream) error {
	var names []string
	c, err := s.next()
	if err != nil {
		return unexpected(err)
	}
	if c == '[' {
		err = s.array(func() error {
			n, err := s.name()
			names = append(names, n)
			return err
		})
	} else {
		var all string
		all, err = s.name()
		names = strings.FieldsFunc(all, func(r rune) bool { return r == ',' || r == ' ' })
	}
	if err != nil {
		return err
	}
	switch strings.Join(names, ",") {
	case "src,dst,proto,sport,dport":
		o.order = ProtoThird
	case "src,dst,sport,dport,proto":
		o.order = ProtoLast
	default:
		o.wrong("key", "got %q, want src,dst,proto,sport,dport or src,dst,sport,dport,proto", strings.Join(names, ","))
	}
	o.ordered = true
	return nil
}

func (o *object) readFilter(s *stream) error {
	if c, err := s.next(); err == nil && c == 'n' { // null
		return s.skip(0)
	}
	f := &rawFilter{}
	o.filter = f
	return s.object(func(name string) (err error) {
		switch name {
		case "bits":
			f.bits, err = s.whole()
		case "hashes":
			f.hashes, err = s.whole()
		case "hash":
			f.hash, err = s.name()
		case "data":
			var b []byte
			if b, err = s.text(MaxFilterBits / 4 / 8); err == nil {
				if f.data, err = hex.DecodeString(strings.TrimPrefix(strings.ToLower(string(b)), "0x")); err != nil {
					o.wrong("filter.data", "got no bytes in hex: %v", err)
					err = nil
				}
			}
		default:
			err = s.skip(0)
		}
		return err
	})
}

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
			var raw [MaxKey]byte
			size, ok := unhex(raw[:], b)
			if !ok {
				o.wrong(where(), "got %.90q, want at most %d bytes in hex", b, MaxKey)
			}
			w.key, w.keyLen = MakeKey(raw[:]), uint8(size)
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
			var raw [MaxCheck]byte
			size, ok := unhex(raw[:], b)
			if !ok {
				o.wrong(where(), "got %.90q, want at most %d bytes in hex", b, MaxCheck)
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
			if n, err = s.whole(); err == nil && (n < 0 || n >= MaxSubtables) {
				o.wrong(where(), "got %d, want a subtable's number from 0", n)
			}
			w.subtable = int32(n)
		default:
			err = s.skip(0)
		}
		return err
	})
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
