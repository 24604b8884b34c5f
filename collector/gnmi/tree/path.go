package tree

import (
	"slices"
	"strings"
)

// Key is a key of a list and its value; the value "*" in a query stands for any.
type Key struct{ Name, Value string }

// Elem is a path element. Keys are sorted by name. In a query the name "*" stands for
// any one element, "..." for any number of elements, and a missing key for any value.
type Elem struct {
	Name string
	Keys []Key
}

// Path names a node of the tree: the target whose data it is, the schema tree
// (origin), and the elements from the root.
type Path struct {
	Target, Origin string
	Elems          []Elem
}

// Any is the wildcard for a target, an element or the value of a key, Deep the one for
// any number of elements.
const (
	Any  = "*"
	Deep = "..."
)

// E makes an element of a name and pairs of key and value.
func E(name string, keys ...string) Elem {
	if len(keys)%2 != 0 {
		panic("BUG: key without a value in element " + name)
	}
	e := Elem{Name: name}
	for i := 0; i < len(keys); i += 2 {
		e.Keys = append(e.Keys, Key{keys[i], keys[i+1]})
	}
	slices.SortFunc(e.Keys, func(a, b Key) int { return strings.Compare(a.Name, b.Name) })
	return e
}

// Join returns the path with further elements; it shares nothing with p.
func (p Path) Join(elems ...Elem) Path {
	p.Elems = slices.Concat(p.Elems, elems)
	return p
}

// String returns the path as gNMI's path conventions write it.
func (p Path) String() string {
	var b []byte
	if p.Target != "" {
		b = append(append(b, p.Target...), ' ')
	}
	if p.Origin != "" {
		b = append(append(b, p.Origin...), ':')
	}
	for _, e := range p.Elems {
		b = e.append(append(b, '/'))
	}
	if len(p.Elems) == 0 {
		b = append(b, '/')
	}
	return string(b)
}

// append writes the element in the one form that all equal elements have.
func (e *Elem) append(b []byte) []byte {
	b = escape(b, e.Name, '/', '[')
	for _, k := range e.Keys {
		b = append(append(append(b, '['), k.Name...), '=')
		b = append(escape(b, k.Value, ']', ']'), ']')
	}
	return b
}

func escape(b []byte, s string, c, d byte) []byte {
	for i := range len(s) {
		if s[i] == c || s[i] == d || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return b
}

// accepts reports whether an element of a query, not [Deep], stands for e.
func (e *Elem) accepts(o *Elem) bool {
	if e.Name != Any && e.Name != o.Name {
		return false
	}
	for _, k := range e.Keys {
		i := slices.IndexFunc(o.Keys, func(c Key) bool { return c.Name == k.Name })
		if i < 0 || k.Value != Any && k.Value != o.Keys[i].Value {
			return false
		}
	}
	return true
}

// Match returns the length of the shortest beginning of path that query names; false
// where it names none. The node it names, and all below, is what a query selects.
func Match(query, path []Elem) (int, bool) {
	if len(query) == 0 {
		return 0, true
	}
	if query[0].Name == Deep {
		rest := query[1:]
		for len(rest) > 0 && rest[0].Name == Deep {
			rest = rest[1:]
		}
		for i := 0; i <= len(path); i++ {
			if n, ok := Match(rest, path[i:]); ok {
				return i + n, true
			}
		}
		return 0, false
	}
	if len(path) == 0 || !query[0].accepts(&path[0]) {
		return 0, false
	}
	n, ok := Match(query[1:], path[1:])
	return n + 1, ok
}

// reaches reports whether query selects something at or below path, or may select
// something below it once it exists.
func reaches(query, path []Elem) bool {
	for i := range path {
		if len(query) == i || query[i].Name == Deep {
			return true
		}
		if !query[i].accepts(&path[i]) {
			return false
		}
	}
	return true
}
