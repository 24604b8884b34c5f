package flowset

import (
	"encoding/hex"
	"fmt"
	"strings"
)

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
			var text []byte
			o.hasHash = true
			text, err = s.flat(nil, 0)
			o.hash = strings.TrimSuffix(string(text), " ")
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
