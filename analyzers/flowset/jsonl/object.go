package jsonl

import (
	"fmt"
	"strings"

	"github.com/telltale-net/telltale/analyzers/flowset"
)

// object is one line as it stands, before anything is made of it.
type object struct {
	node                                 string
	hash                                 string
	epoch                                uint64
	subtables, cells                     int64
	keyBytes, checkBytes                 int
	order                                flowset.Order
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
	key      flowset.Key // the lowest bytes are the last
	at       int64
	subtable int32
	flows    int32
	packets  int64
	check    uint64
	keyLen   uint8 // bytes written
	chkLen   uint8
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
			if o.end, err = s.name(); err == nil && o.end != flowset.EndUp && o.end != flowset.EndDown {
				o.wrong(name, "got %q, want %s or %s", o.end, flowset.EndUp, flowset.EndDown)
			}
		case "stage":
			if o.stage, err = s.name(); err == nil && o.stage != flowset.StageIngress && o.stage != flowset.StageEgress {
				o.wrong(name, "got %q, want %s or %s", o.stage, flowset.StageIngress, flowset.StageEgress)
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
			if n, err = s.whole(); err == nil && (n < 1 || n > flowset.MaxKey) {
				o.wrong(name, "got %d, want 1 to %d", n, flowset.MaxKey)
				n = 0
			}
			o.keyBytes = int(n)
		case "check_bytes":
			var n int64
			if n, err = s.whole(); err == nil && (n < 0 || n > flowset.MaxCheck) {
				o.wrong(name, "got %d, want at most %d", n, flowset.MaxCheck)
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
		o.order = flowset.ProtoThird
	case "src,dst,sport,dport,proto":
		o.order = flowset.ProtoLast
	default:
		o.wrong("key", "got %q, want src,dst,proto,sport,dport or src,dst,sport,dport,proto", strings.Join(names, ","))
	}
	o.ordered = true
	return nil
}
