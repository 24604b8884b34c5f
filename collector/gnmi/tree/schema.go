package tree

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Schema is the set of leaves that a tree may hold. It is immutable.
type Schema struct{ origins map[string]*schemaNode }

type schemaNode struct {
	module   string // that defines the node
	keys     []string
	kind     Kind // of a leaf, else 0
	children map[string]*schemaNode
}

// The ways in which a query can be at odds with a schema.
var (
	ErrUnknown = errors.New("no such path in the schema")
	ErrKey     = errors.New("no such key")
)

// ParseSchema reads a schema for one origin after the other: of each a table with one
// leaf a line, type and path,
//
//	counter64 /openconfig-interfaces:interfaces/interface[name]/state/counters/in-pkts
//
// where an element names its module where it is not its parent's, and a list its keys.
// Types are counter64, uint64, uint32 (and shorter), int64, boolean, string, decimal64
// and strings, which is a leaf-list of them. Empty lines are skipped.
func ParseSchema(origins map[string]string) (*Schema, error) {
	s := &Schema{origins: map[string]*schemaNode{}}
	for origin, table := range origins {
		root := &schemaNode{}
		s.origins[origin] = root
		for i, line := range strings.Split(table, "\n") {
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			if err := root.add(line); err != nil {
				return nil, fmt.Errorf("schema of origin %s, line %d: %w", origin, i+1, err)
			}
		}
	}
	return s, nil
}

func (n *schemaNode) add(line string) error {
	typ, path, ok := strings.Cut(line, " /")
	kind := kinds[typ]
	if !ok || kind == 0 {
		return fmt.Errorf("want a type and a path, got %q", line)
	}
	for part := range strings.SplitSeq(path, "/") {
		name, keys, list := strings.Cut(part, "[")
		module := n.module
		if m, bare, ok := strings.Cut(name, ":"); ok {
			module, name = m, bare
		}
		child := n.children[name]
		if child == nil {
			child = &schemaNode{module: module}
			if list {
				child.keys = strings.Split(strings.TrimSuffix(keys, "]"), "][")
				slices.Sort(child.keys)
			}
			if n.children == nil {
				n.children = map[string]*schemaNode{}
			}
			n.children[name] = child
		}
		n = child
	}
	n.kind = kind
	return nil
}

// Leaf returns the kind of the leaf at elems, 0 where there is none. Every list must
// have all its keys.
func (s *Schema) Leaf(origin string, elems []Elem) Kind {
	n := s.node(origin, elems)
	if n == nil {
		return 0
	}
	return n.kind
}

// Keys returns the names of the keys, sorted, of the list below elems by that name; nil
// where there is none.
func (s *Schema) Keys(origin string, elems []Elem, list string) []string {
	n := s.node(origin, elems)
	if n == nil || n.children[list] == nil {
		return nil
	}
	return slices.Clone(n.children[list].keys)
}

// node returns the node at elems, nil where there is none or the keys are not its own.
func (s *Schema) node(origin string, elems []Elem) *schemaNode {
	n := s.origins[origin]
	for i := range elems {
		if n == nil {
			return nil
		}
		if n = n.children[elems[i].Name]; n == nil || len(n.keys) != len(elems[i].Keys) {
			return nil
		}
		for j, k := range elems[i].Keys {
			if k.Name != n.keys[j] {
				return nil
			}
		}
	}
	return n
}

// Module returns the YANG module that defines the node at elems, a beginning of a path
// in the tree.
func (s *Schema) Module(origin string, elems []Elem) string {
	if n := s.node(origin, elems); n != nil {
		return n.module
	}
	return ""
}

// KeyKind returns the kind of a key of the list entry at elems: it is that of the leaf
// of the same name in its state; without one, a String.
func (s *Schema) KeyKind(origin string, elems []Elem, key string) Kind {
	if n := s.node(origin, elems); n != nil {
		if n = n.children["state"]; n != nil && n.children[key] != nil {
			return n.children[key].kind
		}
	}
	return String
}

// Check returns nil where a query can select something, [ErrUnknown] where the schema
// holds nothing of the kind, and [ErrKey] where only the keys are wrong.
func (s *Schema) Check(query Path) error {
	root := s.origins[query.Origin]
	if root == nil {
		return fmt.Errorf("origin %q: %w", query.Origin, ErrUnknown)
	}
	if root.selects(query.Elems, true) {
		return nil
	}
	if root.selects(query.Elems, false) {
		return fmt.Errorf("%s: %w", query, ErrKey)
	}
	return fmt.Errorf("%s: %w", query, ErrUnknown)
}

func (n *schemaNode) selects(query []Elem, keys bool) bool {
	if len(query) == 0 {
		return true
	}
	e := &query[0]
	if e.Name == Deep && n.selects(query[1:], keys) {
		return true
	}
	for name, child := range n.children {
		switch {
		case e.Name == Deep:
			if child.selects(query, keys) {
				return true
			}
		case e.Name == Any || e.Name == name:
			if keys && slices.ContainsFunc(e.Keys, func(k Key) bool { return !slices.Contains(child.keys, k.Name) }) {
				continue
			}
			if child.selects(query[1:], keys) {
				return true
			}
		}
	}
	return false
}

// Leaves returns the paths of all leaves of an origin, without modules, a list's keys
// in brackets, and their kinds.
func (s *Schema) Leaves(origin string) map[string]Kind {
	all := map[string]Kind{}
	var walk func(n *schemaNode, path string)
	walk = func(n *schemaNode, path string) {
		if n.kind != 0 {
			all[path] = n.kind
		}
		for name, child := range n.children {
			p := path + "/" + name
			for _, k := range child.keys {
				p += "[" + k + "]"
			}
			walk(child, p)
		}
	}
	if n := s.origins[origin]; n != nil {
		walk(n, "")
	}
	return all
}
