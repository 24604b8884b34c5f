package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Limits of the input, so that a hostile program cannot exhaust memory.
const (
	MaxInput = 64 << 20 // bytes of JSON
	maxNodes = 4 << 20  // JSON values
	maxDepth = 400      // nesting
)

type kind uint8

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindString
	kindArray
	kindObject
)

var kindNames = [...]string{"null", "a boolean", "a number", "a string", "an array", "an object"}

// node is a JSON value that knows where it stands.
type node struct {
	kind   kind
	truth  bool
	text   string // of a string or number
	key    string // name in the parent object
	index  int    // position in the parent array
	offset int64  // in the input, behind the value's first token
	parent *node
	items  []*node // of an array, or the values of an object
}

// tree parses JSON.
func tree(data []byte) (*node, error) {
	if len(data) > MaxInput {
		return nil, fmt.Errorf("program of %d bytes: at most %d are accepted", len(data), MaxInput)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	count := 0
	var value func(parent *node, depth int) (*node, error)
	value = func(parent *node, depth int) (*node, error) {
		tok, err := dec.Token()
		if err != nil {
			return nil, err
		}
		if count++; count > maxNodes {
			return nil, fmt.Errorf("more than %d values", maxNodes)
		}
		if depth > maxDepth {
			return nil, fmt.Errorf("nested deeper than %d", maxDepth)
		}
		n := &node{parent: parent, offset: dec.InputOffset()}
		switch t := tok.(type) {
		case nil:
		case bool:
			n.kind, n.truth = kindBool, t
		case json.Number:
			n.kind, n.text = kindNumber, t.String()
		case string:
			n.kind, n.text = kindString, t
		case json.Delim:
			n.kind = kindArray
			if t == '{' {
				n.kind = kindObject
			}
			for dec.More() {
				key := ""
				if n.kind == kindObject {
					k, err := dec.Token()
					if err != nil {
						return nil, err
					}
					key = k.(string) // the decoder lets nothing else through
				}
				item, err := value(n, depth+1)
				if err != nil {
					return nil, err
				}
				item.key, item.index = key, len(n.items)
				n.items = append(n.items, item)
			}
			if _, err := dec.Token(); err != nil {
				return nil, err
			}
		}
		return n, nil
	}
	root, err := value(nil, 0)
	if err == nil {
		if _, err = dec.Token(); err == nil {
			err = errors.New("more after the program's end")
		} else if err == io.EOF {
			err = nil
		}
	}
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("%s: not JSON: %w", position(data, dec.InputOffset()), err)
	}
	return root, nil
}

// position says where an offset is.
func position(data []byte, offset int64) string {
	offset = min(max(offset, 0), int64(len(data)))
	head := data[:offset]
	return fmt.Sprintf("line %d, column %d", 1+bytes.Count(head, []byte("\n")), len(head)-(bytes.LastIndexByte(head, '\n')+1))
}

// path names a node as a reader of the program would: the members on the way,
// with the names of the named things passed.
func (n *node) path() string {
	var parts []string
	for ; n.parent != nil; n = n.parent {
		if n.parent.kind == kindObject {
			parts = append(parts, n.key)
			continue
		}
		part := fmt.Sprintf("[%d]", n.index)
		if name := n.lookup("name"); name != nil && name.kind == kindString {
			part += " " + strconv.Quote(name.text)
		}
		parts = append(parts, part)
	}
	var b strings.Builder
	for i := len(parts) - 1; i >= 0; i-- {
		if b.Len() > 0 && parts[i][0] != '[' {
			b.WriteString(": ")
		}
		b.WriteString(parts[i])
	}
	return b.String()
}

// refusal is how the loader leaves deeply nested constructs; [Load] turns it
// into an error. It never leaves the package.
type refusal struct {
	at  *node
	msg string
}

func (n *node) refuse(format string, args ...any) {
	panic(refusal{n, fmt.Sprintf(format, args...)})
}

// lookup returns a member of an object, nil if there is none. Of a repeated
// member the last one counts, as for simple_switch.
func (n *node) lookup(key string) *node {
	if n.kind != kindObject {
		return nil
	}
	for i := len(n.items) - 1; i >= 0; i-- {
		if n.items[i].key == key {
			return n.items[i]
		}
	}
	return nil
}

// opt returns a member that is there and not null, or nil.
func (n *node) opt(key string) *node {
	if m := n.lookup(key); m != nil && m.kind != kindNull {
		return m
	}
	return nil
}

func (n *node) want(k kind) *node {
	if n.kind != k {
		n.refuse("got %s, want %s", kindNames[n.kind], kindNames[k])
	}
	return n
}

// get returns a member that must be there; it may be null.
func (n *node) get(key string) *node {
	n.want(kindObject)
	m := n.lookup(key)
	if m == nil {
		n.refuse("no member %q", key)
	}
	return m
}

func (n *node) str() string { return n.want(kindString).text }
func (n *node) bool() bool  { return n.want(kindBool).truth }

// truthy is bool for places where p4c also writes 0 and 1.
func (n *node) truthy() bool {
	if n.kind == kindNumber {
		return n.number(0, 1) == 1
	}
	return n.bool()
}

// number returns an integer within [lo, hi].
func (n *node) number(lo, hi int) int {
	v, err := strconv.ParseInt(n.want(kindNumber).text, 10, 64)
	if err != nil {
		n.refuse("got %s, want an integer", n.text)
	}
	if v < int64(lo) || v > int64(hi) {
		n.refuse("got %d, want an integer from %d to %d", v, lo, hi)
	}
	return int(v)
}

func (n *node) id() int { return n.number(math.MinInt32, math.MaxInt32) }

// array returns the elements of an array.
func (n *node) array() []*node { return n.want(kindArray).items }

// tuple returns the elements of an array that must have size of them.
func (n *node) tuple(size int) []*node {
	a := n.array()
	if len(a) != size {
		n.refuse("got %d elements, want %d", len(a), size)
	}
	return a
}

// list returns the elements of an array member that may be missing.
func (n *node) list(key string) []*node {
	if m := n.opt(key); m != nil {
		return m.array()
	}
	return nil
}

// flag returns a boolean member that may be missing.
func (n *node) flag(key string, missing bool) bool {
	if m := n.opt(key); m != nil {
		return m.bool()
	}
	return missing
}
