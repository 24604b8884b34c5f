package gnmi

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/openconfig/gnmi/proto/gnmi"

	"github.com/telltale-net/telltale/collector/gnmi/tree"
)

// elems converts path elements.
func elems(from []tree.Elem) []*gnmi.PathElem {
	to := make([]*gnmi.PathElem, len(from))
	for i, e := range from {
		to[i] = &gnmi.PathElem{Name: e.Name}
		for _, k := range e.Keys {
			if to[i].Key == nil {
				to[i].Key = make(map[string]string, len(e.Keys))
			}
			to[i].Key[k.Name] = k.Value
		}
	}
	return to
}

// pathOf returns the unit's path, made once.
func pathOf(u *tree.Unit) *gnmi.Path {
	return u.Memo(func(u *tree.Unit) any { return &gnmi.Path{Elem: elems(u.Path.Elems)} }).(*gnmi.Path)
}

// updatesOf returns an update for every leaf of the state, made once for all
// subscribers; paths of an atomic container's are relative to it.
func updatesOf(s *tree.State, slot int) []*gnmi.Update {
	return s.Memo(slot, builders[slot]).([]*gnmi.Update)
}

var builders = [tree.Memos]func(*tree.State) any{
	func(s *tree.State) any { return build(s, 0) },
	func(s *tree.State) any { return build(s, 1) },
	func(s *tree.State) any { return build(s, 2) },
}

func build(s *tree.State, slot int) []*gnmi.Update {
	all := make([]*gnmi.Update, len(s.Leaves))
	for i := range s.Leaves {
		l := &s.Leaves[i]
		path := pathOf(s.Unit)
		if s.Unit.Atomic {
			path = &gnmi.Path{Elem: elems(l.Path)}
		}
		all[i] = &gnmi.Update{Path: path, Val: typed(&l.Value, slot)}
	}
	return all
}

// typed encodes the value of a leaf.
func typed(v *tree.Value, slot int) *gnmi.TypedValue {
	switch encodings[slot] {
	case gnmi.Encoding_JSON_IETF:
		return &gnmi.TypedValue{Value: &gnmi.TypedValue_JsonIetfVal{JsonIetfVal: scalar(v, true)}}
	case gnmi.Encoding_JSON:
		return &gnmi.TypedValue{Value: &gnmi.TypedValue_JsonVal{JsonVal: scalar(v, false)}}
	}
	switch v.Kind() {
	case tree.Int64:
		return &gnmi.TypedValue{Value: &gnmi.TypedValue_IntVal{IntVal: int64(v.Bits())}}
	case tree.Bool:
		return &gnmi.TypedValue{Value: &gnmi.TypedValue_BoolVal{BoolVal: v.Bits() != 0}}
	case tree.String:
		return text(v.Text())
	case tree.Decimal:
		return &gnmi.TypedValue{Value: &gnmi.TypedValue_DoubleVal{DoubleVal: float64(int64(v.Bits())) / 1e6}}
	case tree.Strings:
		list := &gnmi.ScalarArray{}
		for _, t := range v.List() {
			list.Element = append(list.Element, text(t))
		}
		return &gnmi.TypedValue{Value: &gnmi.TypedValue_LeaflistVal{LeaflistVal: list}}
	}
	return &gnmi.TypedValue{Value: &gnmi.TypedValue_UintVal{UintVal: v.Bits()}}
}

func text(s string) *gnmi.TypedValue {
	return &gnmi.TypedValue{Value: &gnmi.TypedValue_StringVal{StringVal: s}}
}

// scalar encodes a leaf in JSON. In JSON_IETF (RFC 7951, 6.1) numbers of 64 bits and
// decimals are strings.
func scalar(v *tree.Value, ietf bool) json.RawMessage {
	switch v.Kind() {
	case tree.Uint32, tree.Bool:
		return json.RawMessage(v.String())
	case tree.Counter64, tree.Uint64, tree.Int64, tree.Decimal:
		if ietf {
			return json.RawMessage(strconv.Quote(v.String()))
		}
		return json.RawMessage(v.String())
	case tree.Strings:
		return marshal(append([]string{}, v.List()...))
	}
	return marshal(v.Text())
}

func marshal(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("BUG: a value of a leaf is no JSON: " + err.Error())
	}
	return b
}

// leaf is a leaf with its whole path.
type leaf struct {
	path  []tree.Elem
	value *tree.Value
}

// object builds the JSON of a subtree from its leaves, sorted, which begin with the
// same depth elements, the subtree's root at top; of a leaf itself its value.
func object(schema *tree.Schema, origin string, leaves []leaf, top, depth int, ietf bool) json.RawMessage {
	if len(leaves) == 1 && len(leaves[0].path) == depth {
		return scalar(leaves[0].value, ietf)
	}
	// Members are qualified at the top and where the module changes (RFC 7951, 4).
	member := func(name, module string, parent []tree.Elem) string {
		if !ietf || depth != top && module == schema.Module(origin, parent) {
			return name
		}
		return module + ":" + name
	}
	members := map[string]any{}
	here := leaves[0].path[:depth]
	if depth > 0 {
		for _, k := range here[depth-1].Keys {
			members[member(k.Name, schema.Module(origin, here), here)] = keyValue(schema.KeyKind(origin, here, k.Name), k.Value, ietf)
		}
	}
	for len(leaves) > 0 {
		at := leaves[0].path[:depth+1]
		n := 1
		for n < len(leaves) && compareElems(leaves[n].path[depth:depth+1], at[depth:]) == 0 {
			n++
		}
		name := member(at[depth].Name, schema.Module(origin, at), here)
		value := object(schema, origin, leaves[:n], top, depth+1, ietf)
		leaves = leaves[n:]
		if len(at[depth].Keys) > 0 {
			list, _ := members[name].([]json.RawMessage)
			members[name] = append(list, value)
		} else {
			members[name] = value
		}
	}
	return marshal(members)
}

// keyValue encodes the value of a list's key.
func keyValue(kind tree.Kind, value string, ietf bool) json.RawMessage {
	if kind == tree.Uint32 || !ietf && (kind == tree.Uint64 || kind == tree.Int64) {
		return json.RawMessage(value)
	}
	return marshal(value)
}

// compareElems orders paths so that the leaves of a node are neighbours.
func compareElems(a, b []tree.Elem) int {
	return slices.CompareFunc(a, b, func(x, y tree.Elem) int {
		return cmp.Or(strings.Compare(x.Name, y.Name), slices.CompareFunc(x.Keys, y.Keys, func(j, k tree.Key) int {
			return cmp.Or(strings.Compare(j.Name, k.Name), strings.Compare(j.Value, k.Value))
		}))
	})
}
