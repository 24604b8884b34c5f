package client

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/openconfig/gnmi/proto/gnmi"

	"github.com/telltale-net/telltale/collector/gnmi/tree"
)

const (
	origin   = "openconfig"
	maxElems = 32  // of a path
	maxDeep  = 4   // of them: "...", each of which multiplies what matching may cost
	maxText  = 255 // bytes of a key or a text
)

// decoder reads notifications of one device by the tree's schema.
type decoder struct {
	schema  *tree.Schema
	unknown uint64 // values of leaves that are not in the schema, or of another type
}

// change is what a notification says: the leaves it sets and the paths it deletes.
type change struct {
	time    int64
	sets    []leaf
	deletes [][]tree.Elem
	whole   []tree.Elem // nil, or all of what is below is in sets (atomic)
	atomic  bool
}

type leaf struct {
	elems []tree.Elem
	value tree.Value
}

// read reads a notification; what it cannot use is counted.
func (d *decoder) read(n *gnmi.Notification) change {
	c := change{time: n.GetTimestamp(), atomic: n.GetAtomic()}
	prefix, ok := elems(n.GetPrefix())
	if !ok {
		d.unknown += uint64(len(n.GetUpdate()) + len(n.GetDelete()))
		return change{}
	}
	c.whole = prefix
	for _, p := range n.GetDelete() {
		if e, ok := elems(p); ok {
			c.deletes = append(c.deletes, slices.Concat(prefix, e))
		} else {
			d.unknown++
		}
	}
	for _, u := range n.GetUpdate() {
		e, ok := elems(u.GetPath())
		if !ok {
			d.unknown++
			continue
		}
		d.update(&c, slices.Concat(prefix, e), u.GetVal())
	}
	return c
}

func (d *decoder) update(c *change, at []tree.Elem, v *gnmi.TypedValue) {
	var text []byte
	switch v := v.GetValue().(type) {
	case *gnmi.TypedValue_JsonIetfVal:
		text = v.JsonIetfVal
	case *gnmi.TypedValue_JsonVal:
		text = v.JsonVal
	case *gnmi.TypedValue_UintVal:
		d.set(c, at, v.UintVal)
		return
	case *gnmi.TypedValue_IntVal:
		d.set(c, at, v.IntVal)
		return
	case *gnmi.TypedValue_StringVal:
		d.set(c, at, v.StringVal)
		return
	case *gnmi.TypedValue_AsciiVal:
		d.set(c, at, v.AsciiVal)
		return
	default:
		d.unknown++
		return
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil || dec.More() {
		d.unknown++
		return
	}
	d.flatten(c, at, tree)
}

// flatten sets the leaves of a JSON value (RFC 7951) at a path.
func (d *decoder) flatten(c *change, at []tree.Elem, v any) {
	switch v := v.(type) {
	case map[string]any:
		if len(at) >= maxElems {
			d.unknown++
			return
		}
		for name, child := range v {
			name = bare(name)
			if list, ok := child.([]any); ok {
				d.list(c, at, name, list)
				continue
			}
			d.flatten(c, append(slices.Clip(at), tree.Elem{Name: name}), child)
		}
	case json.Number:
		if n, err := strconv.ParseUint(v.String(), 10, 64); err == nil {
			d.set(c, at, n)
			return
		}
		d.unknown++
	case string:
		d.set(c, at, v)
	default:
		d.unknown++
	}
}

// list sets the leaves of the entries of a list.
func (d *decoder) list(c *change, at []tree.Elem, name string, entries []any) {
	keys := d.schema.Keys(origin, at, name)
	for _, entry := range entries {
		object, ok := entry.(map[string]any)
		if !ok || len(keys) == 0 {
			d.unknown++
			continue
		}
		e := tree.Elem{Name: name}
		for _, k := range keys {
			if v, ok := key(object, k); ok {
				e.Keys = append(e.Keys, tree.Key{Name: k, Value: v})
			}
		}
		if len(e.Keys) != len(keys) {
			d.unknown++
			continue
		}
		for _, k := range keys {
			delete(object, k) // the state repeats it
		}
		d.flatten(c, append(slices.Clip(at), e), object)
	}
}

// key returns the value of a list's key, which stands in the entry or in its state.
func key(entry map[string]any, name string) (string, bool) {
	for _, in := range []any{entry, entry["state"]} {
		object, _ := in.(map[string]any)
		for k, v := range object {
			if bare(k) != name {
				continue
			}
			switch v := v.(type) {
			case string:
				return v, true
			case json.Number:
				return v.String(), true
			}
		}
	}
	return "", false
}

// set sets a leaf to a value of the type that the schema wants.
func (d *decoder) set(c *change, at []tree.Elem, v any) {
	for i := range at {
		for _, k := range at[i].Keys {
			if k.Value == tree.Any || len(k.Value) > maxText {
				d.unknown++
				return
			}
		}
	}
	if value, ok := convert(d.schema.Leaf(origin, at), v); ok {
		c.sets = append(c.sets, leaf{at, value})
		return
	}
	d.unknown++
}

// convert makes a value of a kind out of a uint64, an int64 or a text.
func convert(kind tree.Kind, v any) (tree.Value, bool) {
	if kind == tree.String {
		if s, ok := v.(string); ok && len(s) <= maxText {
			return tree.Text(s), true
		}
		return tree.Value{}, false
	}
	var n uint64
	switch v := v.(type) {
	case uint64:
		n = v
	case int64:
		if v < 0 {
			return tree.Value{}, false
		}
		n = uint64(v)
	case string: // as JSON_IETF has numbers of 64 bits
		var err error
		if n, err = strconv.ParseUint(v, 10, 64); err != nil {
			return tree.Value{}, false
		}
	default:
		panic(fmt.Sprintf("BUG: a value of type %T", v))
	}
	switch {
	case kind == tree.Counter64:
		return tree.Count(n), true
	case kind == tree.Uint64:
		return tree.Uint(n), true
	case kind == tree.Uint32 && n <= math.MaxUint32:
		return tree.Number(uint32(n)), true
	}
	return tree.Value{}, false
}

// elems returns the elements of a path of origin openconfig, without names of modules.
func elems(p *gnmi.Path) ([]tree.Elem, bool) {
	if o := p.GetOrigin(); o != "" && o != origin || len(p.GetElem()) > maxElems {
		return nil, false
	}
	//lint:ignore SA1019 the old form alone is refused
	if len(p.GetElem()) == 0 && len(p.GetElement()) > 0 {
		return nil, false
	}
	out := make([]tree.Elem, 0, len(p.GetElem()))
	deep := 0
	for _, e := range p.GetElem() {
		if e.GetName() == tree.Deep {
			if deep++; deep > maxDeep {
				return nil, false
			}
		}
		pairs := make([]string, 0, 2*len(e.GetKey()))
		for k, v := range e.GetKey() {
			pairs = append(pairs, bare(k), v)
		}
		out = append(out, tree.E(bare(e.GetName()), pairs...))
	}
	return out, true
}

// bare returns a name without its module.
func bare(name string) string {
	if _, after, ok := strings.Cut(name, ":"); ok {
		return after
	}
	return name
}
