package p4rttest

import (
	_ "embed"
	"encoding/json"
	"fmt"

	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	"google.golang.org/protobuf/encoding/prototext"
)

//go:embed program.p4info.txtpb
var programText []byte

// Text is the P4Info of the test program as p4c would write it: with a field that
// the stubs do not know.
func Text() []byte { return append([]byte(nil), programText...) }

// Info is the P4Info of the test program: one object of every kind.
func Info() *p4configv1.P4Info {
	info := &p4configv1.P4Info{}
	if err := (prototext.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(programText, info); err != nil {
		panic(fmt.Sprintf("BUG: the test program's P4Info: %v", err))
	}
	return info
}

type object = map[string]any

// standardMetadata is what v1model asks every program for.
var standardMetadata = [][]any{
	{"ingress_port", 9, false}, {"egress_spec", 9, false}, {"egress_port", 9, false}, {"instance_type", 32, false}, {"packet_length", 32, false},
	{"enq_timestamp", 32, false}, {"enq_qdepth", 19, false}, {"deq_timedelta", 32, false}, {"deq_qdepth", 19, false},
	{"ingress_global_timestamp", 48, false}, {"egress_global_timestamp", 48, false}, {"mcast_grp", 16, false}, {"egress_rid", 16, false},
	{"checksum_error", 1, false}, {"parser_error", 32, false}, {"priority", 3, false}, {"_padding", 3, false},
}

// JSON writes BMv2 JSON that fits a P4Info: tables with keys and actions, profiles,
// arrays and learn lists. It loads and runs; packets
// find tables that nobody applies.
func JSON(info *p4configv1.P4Info) []byte {
	var fields []any
	var tables []object
	actionIndex, profiles := map[uint32]int{}, map[uint32]*p4configv1.ActionProfile{}
	actions := []object{}
	for i, a := range info.GetActions() {
		params := []object{}
		for _, p := range a.GetParams() {
			params = append(params, object{"name": p.GetName(), "bitwidth": p.GetBitwidth()})
		}
		actions = append(actions, object{"name": a.GetPreamble().GetName(), "id": i, "runtime_data": params, "primitives": []any{}})
		actionIndex[a.GetPreamble().GetId()] = i
	}
	var aps []object
	for i, p := range info.GetActionProfiles() {
		profiles[p.GetPreamble().GetId()] = p
		o := object{"name": p.GetPreamble().GetName(), "id": i, "max_size": p.GetSize()}
		if p.GetWithSelector() {
			o["selector"] = object{"algo": "crc16", "input": []any{}}
		}
		aps = append(aps, o)
	}
	direct := map[uint32]string{}
	var counters, meters, registers, learn, sets []object
	for _, m := range info.GetDirectMeters() {
		direct[m.GetDirectTableId()] = m.GetPreamble().GetName()
		meters = append(meters, object{
			"name": m.GetPreamble().GetName(), "id": len(meters), "is_direct": true, "rate_count": 2, "type": "bytes", "size": 0,
			"result_target": []string{"h", "colour"},
		})
	}
	counted := map[uint32]bool{}
	for _, c := range info.GetDirectCounters() {
		counted[c.GetDirectTableId()] = true
	}
	for i, t := range info.GetTables() {
		id := t.GetPreamble().GetId()
		key := []object{}
		match := "exact"
		for j, f := range t.GetMatchFields() {
			name := fmt.Sprintf("f%d_%d", i, j)
			fields = append(fields, []any{name, f.GetBitwidth(), false})
			kind := map[p4configv1.MatchField_MatchType]string{
				p4configv1.MatchField_EXACT: "exact", p4configv1.MatchField_LPM: "lpm", p4configv1.MatchField_RANGE: "range",
			}[f.GetMatchType()]
			switch {
			case kind == "":
				kind, match = "ternary", "ternary"
			case kind == "range":
				match = "ternary"
			case kind == "lpm" && match == "exact":
				match = "lpm"
			}
			key = append(key, object{"match_type": kind, "name": f.GetName(), "target": []string{"h", name}})
		}
		ids, next := []int{}, object{}
		for _, r := range t.GetActionRefs() {
			i := actionIndex[r.GetId()]
			ids = append(ids, i)
			if i < len(actions) {
				next[actions[i]["name"].(string)] = nil
			}
		}
		o := object{
			"name": t.GetPreamble().GetName(), "id": i, "key": key, "match_type": match, "action_ids": ids, "next_tables": next,
			"type": "simple", "with_counters": counted[id], "max_size": t.GetSize(),
			"support_timeout": t.GetIdleTimeoutBehavior() == p4configv1.Table_NOTIFY_CONTROL,
		}
		if p := profiles[t.GetImplementationId()]; p != nil {
			o["action_profile"], o["type"] = p.GetPreamble().GetName(), "indirect"
			if p.GetWithSelector() {
				o["type"] = "indirect_ws"
			}
		}
		if m := direct[id]; m != "" {
			o["direct_meters"] = m
		}
		for _, r := range t.GetActionRefs() {
			i := actionIndex[r.GetId()]
			if r.GetScope() == p4configv1.ActionRef_TABLE_ONLY || i >= len(actions) || len(actions[i]["runtime_data"].([]object)) > 0 {
				continue
			}
			o["default_entry"] = object{"action_id": i, "action_const": false, "action_data": []any{}, "action_entry_const": t.GetConstDefaultActionId() != 0}
			break
		}
		tables = append(tables, o)
	}
	for i, c := range info.GetCounters() {
		counters = append(counters, object{"name": c.GetPreamble().GetName(), "id": i, "size": c.GetSize(), "is_direct": false})
	}
	for _, m := range info.GetMeters() {
		meters = append(meters, object{
			"name": m.GetPreamble().GetName(), "id": len(meters), "size": m.GetSize(), "is_direct": false, "rate_count": 2, "type": "bytes",
		})
	}
	for i, r := range info.GetRegisters() {
		b := r.GetTypeSpec().GetBitstring()
		registers = append(registers, object{"name": r.GetPreamble().GetName(), "id": i, "size": r.GetSize(), "bitwidth": b.GetBit().GetBitwidth() + b.GetInt().GetBitwidth()})
	}
	for i, d := range info.GetDigests() {
		learn = append(learn, object{"name": d.GetPreamble().GetName(), "id": i + 1, "elements": []any{}})
	}
	for i, v := range info.GetValueSets() {
		var width int32
		for _, f := range v.GetMatch() {
			width += f.GetBitwidth()
		}
		sets = append(sets, object{"name": v.GetPreamble().GetName(), "id": i, "compressed_bitwidth": width})
	}
	fields = append(fields, []any{"colour", 8, false})
	out, err := json.Marshal(object{
		"header_types":   []object{{"name": "h_t", "id": 0, "fields": fields}, {"name": "standard_metadata_t", "id": 1, "fields": standardMetadata}},
		"headers":        []object{{"name": "h", "id": 0, "header_type": "h_t", "metadata": true}, {"name": "standard_metadata", "id": 1, "header_type": "standard_metadata_t", "metadata": true}},
		"parsers":        []object{{"name": "parser", "id": 0, "init_state": "start", "parse_states": []object{{"name": "start", "id": 0, "parser_ops": []any{}, "transition_key": []any{}, "transitions": []object{{"type": "default", "value": nil, "mask": nil, "next_state": nil}}}}}},
		"deparsers":      []object{{"name": "deparser", "id": 0, "order": []any{}}},
		"actions":        actions,
		"pipelines":      []object{{"name": "ingress", "id": 0, "init_table": nil, "tables": tables, "action_profiles": aps}, {"name": "egress", "id": 1, "init_table": nil}},
		"counter_arrays": counters, "meter_arrays": meters, "register_arrays": registers, "learn_lists": learn, "parse_vsets": sets,
	})
	if err != nil {
		panic(fmt.Sprintf("BUG: JSON of the test program: %v", err))
	}
	return out
}
