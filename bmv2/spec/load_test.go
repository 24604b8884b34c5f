package spec

import (
	"os"
	"strings"
	"testing"
)

// small is a program that loads; the tests break it.
const small = `{
  "__meta__": {"version": [2, 23], "compiler": "by hand"},
  "program": "small.p4",
  "header_types": [
    {"name": "meta_t", "id": 0, "fields": [["a", 8, false], ["b", 16, 0]]},
    {"name": "h_t", "id": 1, "fields": [["x", 8], ["y", 8, true]]},
    {"name": "v_t", "id": 2, "fields": [["n", 8], ["v", "*"]], "max_length": 9}
  ],
  "headers": [
    {"name": "meta", "id": 0, "header_type": "meta_t", "metadata": true},
    {"name": "h", "id": 1, "header_type": "h_t", "metadata": false},
    {"name": "s[0]", "id": 2, "header_type": "h_t", "metadata": false},
    {"name": "s[1]", "id": 3, "header_type": "h_t", "metadata": false},
    {"name": "v", "id": 4, "header_type": "v_t", "metadata": false}
  ],
  "header_stacks": [{"name": "s", "id": 0, "header_type": "h_t", "header_ids": [2, 3]}],
  "errors": [["NoError", 0], ["Mine", 9]],
  "register_arrays": [{"name": "r", "id": 0, "size": 4, "bitwidth": 32}],
  "parsers": [{"name": "parser", "id": 0, "init_state": "start", "parse_states": [
    {"name": "start", "id": 0,
     "parser_ops": [{"op": "extract", "parameters": [{"type": "regular", "value": "h"}]}],
     "transition_key": [{"type": "field", "value": ["h", "x"]}],
     "transitions": [
       {"type": "hexstr", "value": "0x01", "mask": null, "next_state": "start"},
       {"type": "default", "value": null, "mask": null, "next_state": null}]}]}],
  "deparsers": [{"name": "deparser", "id": 0, "order": ["h"]}],
  "actions": [
    {"name": "act", "id": 0, "runtime_data": [{"name": "p", "bitwidth": 8}], "primitives": [
      {"op": "assign", "parameters": [{"type": "field", "value": ["meta", "a"]}, {"type": "runtime_data", "value": 0}]}]},
    {"name": "none", "id": 1, "runtime_data": [], "primitives": []}],
  "pipelines": [
    {"name": "ingress", "id": 0, "init_table": "t",
     "tables": [{"name": "t", "id": 0, "match_type": "exact", "type": "simple", "max_size": 4,
       "key": [{"match_type": "exact", "name": "meta.a", "target": ["meta", "a"], "mask": null}],
       "action_ids": [0, 1], "actions": ["act", "none"], "next_tables": {"act": "c", "none": null},
       "base_default_next": null,
       "default_entry": {"action_id": 1, "action_const": false, "action_data": [], "action_entry_const": false}}],
     "conditionals": [{"name": "c", "id": 0, "expression": {"type": "expression", "value": {
       "op": ">", "left": {"type": "field", "value": ["meta", "b"]}, "right": {"type": "hexstr", "value": "-0x05"}}},
       "true_next": null, "false_next": null}]},
    {"name": "egress", "id": 1, "init_table": null, "tables": [], "conditionals": []}]
}`

func TestLoad(t *testing.T) {
	p, err := Load([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "small.p4" || p.Version != [2]int{2, 23} || p.Compiler != "by hand" {
		t.Errorf("got %q, version %v, by %q", p.Name, p.Version, p.Compiler)
	}
	tbl := p.Tables[0]
	if tbl.Next[0] != (Node{NodeConditional, 0}) || tbl.Next[1] != (Node{}) || tbl.Default.Action != 1 {
		t.Errorf("table %+v", tbl)
	}
	if f, ok := p.FieldByName("h.y"); !ok || f != (FieldRef{1, 1}) || p.Width(f) != 8 || p.FieldName(f) != "h.y" {
		t.Errorf("h.y is %v, %v", f, ok)
	}
	if w := p.HeaderTypes[2].Fields[1].Width; w != 64 {
		t.Errorf("the varbit field holds %d bits; want 64", w)
	}
	// core.p4's errors that the program does not number get the lowest free numbers.
	if e := p.Errors[2]; e != (Constant{"PacketTooShort", 1}) {
		t.Errorf("third error %v", e)
	}
}

func TestRefusals(t *testing.T) {
	// f replaces one piece of the program and wants the error to say where and what.
	f := func(old, with string, want ...string) {
		t.Helper()
		broken := strings.Replace(small, old, with, 1)
		if broken == small {
			t.Fatalf("%q is not in the program", old)
		}
		p, err := Load([]byte(broken))
		if err == nil || p != nil {
			t.Errorf("%s instead of %s: got %v, %v; want an error alone", with, old, p, err)
			return
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s instead of %s: error %q does not say %q", with, old, err, w)
			}
		}
	}
	f(`"op": "assign"`, `"op": "frobnicate"`, `line 29, column 25`, `actions[0] "act": primitives[0]: op: unknown primitive "frobnicate"`)
	f(`[2, 23]`, `[2, 25]`, `__meta__: version`, `2.25`)
	f(`[2, 23]`, `[3, 0]`, `3.0`)
	f(`[2, 23]`, `[2]`, `got 1 elements, want 2`)
	f(`"h_t", "metadata": false},`, `"g_t", "metadata": false},`, `headers[1] "h": header_type: unknown header type "g_t"`)
	f(`["x", 8]`, `["x", 7]`, `headers[1] "h": header of 15 bits`)
	f(`["x", 8]`, `["x", 0]`, `header_types[1] "h_t": fields[0][1]: got 0`)
	f(`["x", 8]`, `["x", 1.5]`, `got 1.5, want an integer`)
	f(`["x", 8]`, `["x", 9999999]`, `fields[0][1]`)
	f(`["y", 8, true]`, `["y", 1, true]`, `signed field of one bit`)
	f(`["y", 8, true]`, `["x", 8, true]`, `second field "x"`)
	f(`["n", 8], ["v", "*"]`, `["n", "*"], ["v", "*"]`, `second varbit`)
	f(`"id": 3, "header_type"`, `"id": 2, "header_type"`, `second header with id 2`)
	f(`"name": "h", "id": 1`, `"name": "meta", "id": 1`, `second header "meta"`)
	f(`[2, 3]`, `[2, 7]`, `header_stacks[0] "s": header_ids[1]: unknown header id 7`)
	f(`[2, 3]`, `[2, 2]`, `in another stack`)
	f(`[2, 3]`, `[2, 4]`, `want "h_t"`)
	f(`[2, 3]`, `[]`, `empty header stack`)
	f(`["Mine", 9]`, `["Mine", 0]`, `second error`)
	f(`"size": 4, "bitwidth": 32`, `"size": 2000000000, "bitwidth": 32`, `register_arrays[0] "r": size: got 2000000000`)
	f(`"size": 4, "bitwidth": 32`, `"size": 16000000, "bitwidth": 128`, `register_arrays[0] "r": more than`)
	f(`"init_state": "start"`, `"init_state": "end"`, `unknown parser state "end"`)
	f(`"op": "extract"`, `"op": "emit"`, `parse_states[0] "start": parser_ops[0]: op: unknown parser operation "emit"`)
	f(`{"type": "regular", "value": "h"}`, `{"type": "regular", "value": "v"}`, `want extract_VL`)
	f(`{"type": "regular", "value": "h"}`, `{"type": "regular", "value": "meta"}`, `extract to metadata`)
	f(`"value": "0x01"`, `"value": "0x0001"`, `got 2 bytes, want 1`)
	f(`"value": "0x01"`, `"value": "zz"`, `hexadecimal`)
	f(`"order": ["h"]`, `"order": ["meta"]`, `in the order of a deparser`)
	f(`{"type": "runtime_data", "value": 0}`, `{"type": "runtime_data", "value": 1}`, `from 0 to 0`)
	f(`{"type": "runtime_data", "value": 0}`, `{"type": "header", "value": "h"}`, `parameters[1]: got an argument of type header, want integer`)
	f(`{"type": "runtime_data", "value": 0}`, `{"type": "lookahead", "value": [0, 8]}`, `a lookahead must be`)
	f(`{"type": "runtime_data", "value": 0}`, `{"type": "magic", "value": 0}`, `unknown type of value "magic"`)
	f(`{"type": "field", "value": ["meta", "a"]}, {`, `{"type": "hexstr", "value": "0x1"}, {`, `cannot be written to`)
	f(`{"type": "field", "value": ["meta", "a"]}, {`, `{"type": "field", "value": ["h", "$valid$"]}, {`, `read-only`)
	f(`"op": ">"`, `"op": "+"`, `expression of type integer, want boolean`)
	f(`"op": ">"`, `"op": "=>"`, `unknown operator "=>"`)
	f(`"-0x05"`, `"-"`, `hexadecimal number`)
	f(`"next_tables": {"act": "c"`, `"next_tables": {"act": "d"`, `tables[0] "t": next_tables: act: unknown control-flow node "d"`)
	f(`"next_tables": {"act": "c", "none": null}`, `"next_tables": {"act": "c"}`, `no member for action "none"`)
	f(`"next_tables": {"act": "c", "none": null}`, `"next_tables": {"__HIT__": "c"}`, `__MISS__`)
	f(`"init_table": null`, `"init_table": "t"`, `another pipeline`)
	f(`"match_type": "exact", "type"`, `"match_type": "lpm", "type"`, `does not suit`)
	f(`"action_data": []`, `"action_data": ["0x1"]`, `1 arguments for action "none", want 0`)
	f(`"default_entry": {"action_id": 1`, `"default_entry": {"action_id": 5`, `unknown action id 5`)
	f(`"type": "simple"`, `"type": "indirect", "action_profile": "p"`, `unknown action profile "p"`)
	f(`"type": "simple"`, `"type": "complicated"`, `unknown type of table "complicated"`)
	f(`"id": 0, "size": 4`, `"size": 4`, `no member "id"`)
	f(`"program": "small.p4"`, `"program": 7`, `program: got a number, want a string`)
}

func TestNotJSON(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if _, err := Load([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: got %v; want an error with %q", in, err, want)
		}
	}
	f("", "unexpected EOF")
	f("{\n \"a\": }", "line 2")
	f("[]", "got an array, want an object")
	f("{} {}", "after the program's end")
	f(strings.Repeat("[", 100000), "nested deeper")
	f(`{"a":`, "unexpected EOF")
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(small))
	for _, s := range []string{`"op": "access_field"`, `"op": "?"`, `{"type": "header_stack", "value": "s"}`} {
		f.Add([]byte(strings.Replace(small, `"op": ">"`, s, 1)))
	}
	// Everything v1model has, as p4c writes it.
	walk, err := os.ReadFile("../engine/testdata/walk.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(walk)
	f.Fuzz(func(t *testing.T, data []byte) {
		if p, err := Load(data); (p == nil) != (err != nil) {
			t.Errorf("got %v and %v", p, err)
		}
	})
}
