package p4rt_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
)

// writeRules is the list of what a Write of one update must answer: clause of the
// specification, what is done, the state before, the update, the code.
var writeRules = []struct {
	clause, what string
	before       string // updates that succeed
	update       string // fields of one update
	want         codes.Code
}{
	// TableEntry
	{"TableEntry", "insert", "", routeIn("INSERT"), codes.OK},
	{"Write RPC", "insert twice", upd(routeIn("INSERT")), routeIn("INSERT"), codes.AlreadyExists},
	{"Write RPC", "modify what is not there", "", routeIn("MODIFY"), codes.NotFound},
	{"Write RPC", "modify", upd(routeIn("INSERT")), routeIn("MODIFY"), codes.OK},
	{"Write RPC", "delete what is not there", "", routeIn("DELETE"), codes.NotFound},
	{"Write RPC", "delete", upd(routeIn("INSERT")), routeIn("DELETE"), codes.OK},
	{"Write RPC", "unspecified type", "", routeIn("UNSPECIFIED"), codes.InvalidArgument},
	{"Write RPC", "no entity", "", `type: INSERT`, codes.InvalidArgument},
	{"Write RPC", "empty entity", "", `type: INSERT entity {}`, codes.InvalidArgument},
	{"Default-valued Fields", "table id 0", "", `type: INSERT entity { table_entry { } }`, codes.InvalidArgument},
	{"Write RPC", "unknown table", "", `type: INSERT entity { table_entry { table_id: 33554531 } }`, codes.NotFound},
	{"TableEntry", "table is full", upd(tiny(1), tiny(2)), tiny(3), codes.ResourceExhausted},
	{"TableEntry", "insert into a keyless table", "", `type: INSERT entity { table_entry { table_id: 0x02000004 ` + actDrop + ` } }`, codes.InvalidArgument},
	{"TableEntry", "priority 0 with ternary fields", "", acl("INSERT", 0, "", actPunt), codes.InvalidArgument},
	{"TableEntry", "negative priority", "", acl("INSERT", -1, "", actPunt), codes.InvalidArgument},
	{"TableEntry", "priority with exact and lpm fields only", "", route("INSERT", "priority: 1 "+net10+actDrop), codes.InvalidArgument},
	{"TableEntry", "same key, other priority", upd(acl("INSERT", 1, "", actPunt)), acl("INSERT", 2, "", actPunt), codes.OK},
	{"TableEntry", "same priority, other key", upd(acl("INSERT", 1, "", actPunt)), acl("INSERT", 1, `match { field_id: 7 optional { value: "\006" } }`, actPunt), codes.OK},
	{"TableEntry", "modify without the priority", upd(acl("INSERT", 1, "", actPunt)), acl("MODIFY", 0, "", actPunt), codes.InvalidArgument},
	{"TableEntry", "modify with another priority", upd(acl("INSERT", 1, "", actPunt)), acl("MODIFY", 2, "", actPunt), codes.NotFound},
	{"TableEntry", "delete ignores a senseless action", upd(routeIn("INSERT")), route("DELETE", net10+`action { action { action_id: 99 } } idle_timeout_ns: -1`), codes.OK},

	// Match Format
	{"Match Format", "padded value", "", route("INSERT", `match { field_id: 1 lpm { value: "\000\000\012\000\000\000" prefix_len: 8 } }`+actDrop), codes.OK},
	{"Match Format", "value wider than the field", "", route("INSERT", `match { field_id: 1 lpm { value: "\001\012\000\000\000" prefix_len: 8 } }`+actDrop), codes.InvalidArgument},
	{"Match Format", "empty value", "", route("INSERT", `match { field_id: 1 lpm { prefix_len: 8 } }`+actDrop), codes.InvalidArgument},
	{"Match Format", "bits after the prefix", "", route("INSERT", `match { field_id: 1 lpm { value: "\012\000\000\001" prefix_len: 8 } }`+actDrop), codes.InvalidArgument},
	{"Match Format", "prefix length 0 is left out", "", route("INSERT", `match { field_id: 1 lpm { value: "\000" prefix_len: 0 } }`+actDrop), codes.InvalidArgument},
	{"Match Format", "prefix length beyond the field", "", route("INSERT", `match { field_id: 1 lpm { value: "\000" prefix_len: 33 } }`+actDrop), codes.InvalidArgument},
	{"Match Format", "don't care lpm", "", route("INSERT", actDrop), codes.OK},
	{"Match Format", "unknown field", "", route("INSERT", `match { field_id: 9 exact { value: "\001" } }`+actDrop), codes.InvalidArgument},
	{"Match Format", "field twice", "", route("INSERT", net10+net10+actDrop), codes.InvalidArgument},
	{"Match Format", "wrong kind of match", "", route("INSERT", `match { field_id: 1 exact { value: "\001" } }`+actDrop), codes.InvalidArgument},
	{"Match Format", "no kind of match", "", route("INSERT", `match { field_id: 1 }`+actDrop), codes.InvalidArgument},
	{"Match Format", "exact field left out", "", `type: INSERT entity { table_entry { table_id: 0x02000002 priority: 1 ` + actPunt + ` } }`, codes.InvalidArgument},
	{"Match Format", "ternary", "", acl("INSERT", 1, `match { field_id: 2 ternary { value: "\012\000\000\000" mask: "\377\000\000\000" } }`, actPunt), codes.OK},
	{"Match Format", "ternary mask 0", "", acl("INSERT", 1, `match { field_id: 2 ternary { value: "\000" mask: "\000" } }`, actPunt), codes.InvalidArgument},
	{"Match Format", "ternary value outside its mask", "", acl("INSERT", 1, `match { field_id: 2 ternary { value: "\002" mask: "\001" } }`, actPunt), codes.InvalidArgument},
	{"Match Format", "ternary without a value", "", acl("INSERT", 1, `match { field_id: 2 ternary { mask: "\001" } }`, actPunt), codes.InvalidArgument},
	{"Match Format", "range", "", acl("INSERT", 1, `match { field_id: 3 range { low: "\001" high: "\002" } }`, actPunt), codes.OK},
	{"Match Format", "range upside down", "", acl("INSERT", 1, `match { field_id: 3 range { low: "\002" high: "\001" } }`, actPunt), codes.InvalidArgument},
	{"Match Format", "whole range is left out", "", acl("INSERT", 1, `match { field_id: 3 range { low: "\000" high: "\001\377" } }`, actPunt), codes.InvalidArgument},
	{"Match Format", "range beyond the field", "", acl("INSERT", 1, `match { field_id: 3 range { low: "\000" high: "\002\000" } }`, actPunt), codes.InvalidArgument},
	{"Match Format", "optional", "", acl("INSERT", 1, `match { field_id: 7 optional { value: "\006" } }`, actPunt), codes.OK},
	{"Match Format", "optional beyond the field", "", acl("INSERT", 1, `match { field_id: 7 optional { value: "\001\006" } }`, actPunt), codes.InvalidArgument},
	{"Match Format", "optional without a value", "", acl("INSERT", 1, `match { field_id: 7 optional { } }`, actPunt), codes.InvalidArgument},
	{"Match Format", "ternary without a mask", "", acl("INSERT", 1, `match { field_id: 2 ternary { value: "\001" } }`, actPunt), codes.InvalidArgument},
	{"Match Format", "ternary mask beyond the field", "", acl("INSERT", 1, `match { field_id: 2 ternary { value: "\001" mask: "\001\000\000\000\001" } }`, actPunt), codes.InvalidArgument},
	{"Match Format", "range without a bound", "", acl("INSERT", 1, `match { field_id: 3 range { low: "\001" } }`, actPunt), codes.InvalidArgument},
	{"Match Format", "range of one value", "", acl("INSERT", 1, `match { field_id: 3 range { low: "\001" high: "\001" } }`, actPunt), codes.OK},
	{"Match Format", "ternary, range and optional left out", "", acl("INSERT", 1, "", actPunt), codes.OK},

	// Action Specification
	{"Action Specification", "insert without an action", "", route("INSERT", net10), codes.InvalidArgument},
	{"Action Specification", "modify without an action", upd(routeIn("INSERT")), route("MODIFY", net10), codes.OK},
	{"Action Specification", "empty action", "", route("INSERT", net10+`action {}`), codes.InvalidArgument},
	{"Action Specification", "action of another table", "", route("INSERT", net10+`action { action { action_id: 0x01000004 } }`), codes.InvalidArgument},
	{"Action Specification", "unknown action", "", route("INSERT", net10+`action { action { action_id: 5 } }`), codes.InvalidArgument},
	{"Action Specification", "default-only action in an entry", "", acl("INSERT", 1, "", actDrop), codes.PermissionDenied},
	{"Action Specification", "table-only action as default", "", settled(0x02000001, actPunt), codes.PermissionDenied},
	{"Action Specification", "parameters in any order", "", route("INSERT", net10+`action { action { action_id: 0x01000001 params { param_id: 2 value: "\001" } params { param_id: 1 value: "\001" } } }`), codes.OK},
	{"Action Specification", "parameter missing", "", route("INSERT", net10+`action { action { action_id: 0x01000001 params { param_id: 1 value: "\001" } } }`), codes.InvalidArgument},
	{"Action Specification", "parameter too many", "", route("INSERT", net10+`action { action { action_id: 0x01000002 params { param_id: 1 value: "\001" } } }`), codes.InvalidArgument},
	{"Action Specification", "parameter twice", "", route("INSERT", net10+`action { action { action_id: 0x01000001 params { param_id: 1 value: "\001" } params { param_id: 1 value: "\001" } } }`), codes.InvalidArgument},
	{"Action Specification", "parameter wider than its type", "", route("INSERT", net10+fwd(`\002\000`)), codes.InvalidArgument},
	{"Action Specification", "parameter empty", "", route("INSERT", net10+fwd(``)), codes.InvalidArgument},
	{"Action Specification", "parameter padded", "", route("INSERT", net10+fwd(`\000\000\001`)), codes.OK},
	{"Action Specification", "modify to an action of another table", upd(routeIn("INSERT")), route("MODIFY", net10+`action { action { action_id: 0x01000004 } }`), codes.InvalidArgument},
	{"Action Specification", "member in a direct table", "", route("INSERT", net10+`action { action_profile_member_id: 1 }`), codes.InvalidArgument},
	{"Action Specification", "group in a direct table", "", route("INSERT", net10+`action { action_profile_group_id: 1 }`), codes.InvalidArgument},
	{"Action Specification", "action set in a direct table", "", route("INSERT", net10+`action { action_profile_action_set {} }`), codes.InvalidArgument},
	{"Action Specification", "action in an indirect table", "", nexthop("INSERT", fwd(`\001`)), codes.InvalidArgument},
	{"Action Specification", "group where there is no selector", "", profiled(`action { action_profile_group_id: 1 }`), codes.InvalidArgument},
	{"Action Specification", "member that is not there", "", nexthop("INSERT", `action { action_profile_member_id: 1 }`), codes.NotFound},
	{"Action Specification", "group that is not there", "", nexthop("INSERT", `action { action_profile_group_id: 1 }`), codes.NotFound},

	// Default Entry
	{"Default Entry", "modify", "", settled(0x02000004, actDrop), codes.OK},
	{"Default Entry", "reset", "", settled(0x02000004, ""), codes.OK},
	{"Default Entry", "insert", "", strings.Replace(settled(0x02000004, actDrop), "MODIFY", "INSERT", 1), codes.InvalidArgument},
	{"Default Entry", "delete", "", strings.Replace(settled(0x02000004, actDrop), "MODIFY", "DELETE", 1), codes.InvalidArgument},
	{"Default Entry", "with match", "", settled(0x02000001, net10+actDrop), codes.InvalidArgument},
	{"Default Entry", "with priority", "", settled(0x02000004, "priority: 1 "+actDrop), codes.InvalidArgument},
	{"Default Entry", "const", "", settled(0x02000005, actDrop), codes.PermissionDenied},
	{"Default Entry", "of an indirect table", "", settled(0x02000003, `action { action_profile_member_id: 1 }`), codes.PermissionDenied},
	{"Idle-timeout", "default with a timeout", "", settled(0x02000004, "idle_timeout_ns: 1 "+actDrop), codes.InvalidArgument},

	// Constant Tables
	{"Constant Tables", "insert", "", fixed("INSERT", fwd(`\001`)), codes.PermissionDenied},
	{"Constant Tables", "delete", "", fixed("DELETE", ""), codes.PermissionDenied},
	{"Constant Tables", "modify with an action", "", fixed("MODIFY", fwd(`\001`)), codes.PermissionDenied},
	{"Constant Tables", "modify the counter", "", fixed("MODIFY", "counter_data { packet_count: 1 }"), codes.OK},
	{"Constant Tables", "modify the metadata", "", fixed("MODIFY", `metadata: "m"`), codes.PermissionDenied},
	{"Constant Tables", "modify what is not there", "", entry("MODIFY", 0x02000005, `match { field_id: 1 exact { value: "\010" } } `), codes.NotFound},
	{"Constant Tables", "direct counter", "", `type: MODIFY entity { direct_counter_entry { table_entry { table_id: 0x02000005 match { field_id: 1 exact { value: "\011" } } } data { packet_count: 2 } } }`, codes.OK},
	{"Preinitialized tables", "insert beside its entries", "", tiny(1), codes.OK},
	{"Preinitialized tables", "insert a const entry again", "", tiny(3), codes.AlreadyExists},
	{"Preinitialized tables", "delete a const entry", "", strings.Replace(tiny(3), "INSERT", "DELETE", 1), codes.PermissionDenied},
	{"Preinitialized tables", "modify a const entry", "", strings.Replace(tiny(3), "INSERT", "MODIFY", 1), codes.PermissionDenied},

	// Direct Resources
	{"Direct Resources", "counter_data", "", route("INSERT", net10+actDrop+`counter_data { packet_count: 3 }`), codes.OK},
	{"Direct Resources", "counter_data without a counter", "", acl("INSERT", 1, "", actPunt+`counter_data {}`), codes.InvalidArgument},
	{"Direct Resources", "meter_config", "", acl("INSERT", 1, "", actPunt+`meter_config { cir: 1 cburst: 1 pir: 2 pburst: 1 }`), codes.OK},
	{"Direct Resources", "meter_config without a meter", "", route("INSERT", net10+actDrop+`meter_config {}`), codes.InvalidArgument},
	{"Direct Resources", "negative meter", "", acl("INSERT", 1, "", actPunt+`meter_config { cir: -1 }`), codes.InvalidArgument},
	{"Direct Resources", "negative counter", "", route("INSERT", net10+actDrop+`counter_data { byte_count: -1 }`), codes.InvalidArgument},
	{"Direct Resources", "counter_data of the default", "", settled(0x02000001, actDrop+`counter_data {}`), codes.Unimplemented},
	{"MeterCounterData", "colour counters", "", acl("INSERT", 1, "", actPunt+`meter_counter_data {}`), codes.Unimplemented},
	{"Idle-timeout", "supported", "", acl("INSERT", 1, "", actPunt+`idle_timeout_ns: 5`), codes.OK},
	{"Idle-timeout", "negative", "", acl("INSERT", 1, "", actPunt+`idle_timeout_ns: -5`), codes.InvalidArgument},
	{"Idle-timeout", "not supported by the table", "", route("INSERT", net10+actDrop+`idle_timeout_ns: 5`), codes.InvalidArgument},
	{"Idle-timeout", "time_since_last_hit in a write", "", acl("INSERT", 1, "", actPunt+`time_since_last_hit {}`), codes.InvalidArgument},

	// Members
	{"Member Programming", "insert", "", mem("INSERT", 1, fwdAct), codes.OK},
	{"Member Programming", "insert twice", upd(mem("INSERT", 1, fwdAct)), mem("INSERT", 1, fwdAct), codes.AlreadyExists},
	{"Member Programming", "insert without an action", "", mem("INSERT", 1, ""), codes.InvalidArgument},
	{"Member Programming", "member id 0", "", mem("INSERT", 0, fwdAct), codes.InvalidArgument},
	{"Member Programming", "profile id 0", "", `type: INSERT entity { action_profile_member { member_id: 1 } }`, codes.InvalidArgument},
	{"Member Programming", "unknown profile", "", `type: INSERT entity { action_profile_member { action_profile_id: 5 member_id: 1 } }`, codes.NotFound},
	{"Member Programming", "action of no table of the profile", "", mem("INSERT", 1, `action { action_id: 0x01000003 }`), codes.InvalidArgument},
	{"Member Programming", "profile is full", upd(mem2(1), mem2(2)), mem2(3), codes.ResourceExhausted},
	{"Member Programming", "modify what is not there", "", mem("MODIFY", 1, fwdAct), codes.NotFound},
	{"Member Programming", "modify without an action", upd(mem("INSERT", 1, fwdAct)), mem("MODIFY", 1, ""), codes.InvalidArgument},
	{"Member Programming", "modify", upd(mem("INSERT", 1, fwdAct)), mem("MODIFY", 1, fwdAct), codes.OK},
	{"Member Programming", "delete what is not there", "", mem("DELETE", 1, ""), codes.NotFound},
	{"Member Programming", "delete", upd(mem("INSERT", 1, fwdAct)), mem("DELETE", 1, ""), codes.OK},
	{"Member Programming", "delete ignores a senseless action", upd(mem("INSERT", 1, fwdAct)), mem("DELETE", 1, `action { action_id: 99 }`), codes.OK},
	{"Member Programming", "delete from under a group", upd(mem("INSERT", 1, fwdAct), grp("INSERT", 1, 0, in(1, 1))), mem("DELETE", 1, ""), codes.FailedPrecondition},
	{"Member Programming", "delete from under an entry", upd(mem("INSERT", 1, fwdAct), nexthop("INSERT", `action { action_profile_member_id: 1 }`)), mem("DELETE", 1, ""), codes.FailedPrecondition},

	// Groups
	{"Group Programming", "insert empty", "", grp("INSERT", 1, 0, ""), codes.OK},
	{"Group Programming", "insert twice", upd(grp("INSERT", 1, 0, "")), grp("INSERT", 1, 0, ""), codes.AlreadyExists},
	{"Group Programming", "group id 0", "", grp("INSERT", 0, 0, ""), codes.InvalidArgument},
	{"Group Programming", "group where there is no selector", "", `type: INSERT entity { action_profile_group { action_profile_id: 0x11000002 group_id: 1 } }`, codes.InvalidArgument},
	{"Group Programming", "member that is not there", "", grp("INSERT", 1, 0, in(1, 1)), codes.NotFound},
	{"Group Programming", "weight 0", upd(mem("INSERT", 1, fwdAct)), grp("INSERT", 1, 0, in(1, 0)), codes.InvalidArgument},
	{"Group Programming", "negative weight", upd(mem("INSERT", 1, fwdAct)), grp("INSERT", 1, 0, in(1, -1)), codes.InvalidArgument},
	{"Group Programming", "member twice", upd(mem("INSERT", 1, fwdAct)), grp("INSERT", 1, 0, in(1, 1)+in(1, 1)), codes.InvalidArgument},
	{"Group Programming", "watch port out of range", upd(mem("INSERT", 1, fwdAct)), grp("INSERT", 1, 0, `members { member_id: 1 weight: 1 watch_port: "\002\000" }`), codes.InvalidArgument},
	{"Group Programming", "modify what is not there", "", grp("MODIFY", 1, 0, ""), codes.NotFound},
	{"Group Programming", "modify to a member that is not there", upd(grp("INSERT", 1, 0, "")), grp("MODIFY", 1, 0, in(9, 1)), codes.NotFound},
	{"Group Programming", "modify max_size", upd(grp("INSERT", 1, 2, "")), grp("MODIFY", 1, 3, ""), codes.InvalidArgument},
	{"Group Programming", "delete what is not there", "", grp("DELETE", 1, 0, ""), codes.NotFound},
	{"Group Programming", "delete from under an entry", upd(grp("INSERT", 1, 0, ""), nexthop("INSERT", `action { action_profile_group_id: 1 }`)), grp("DELETE", 1, 0, ""), codes.FailedPrecondition},
	{"Group Programming", "delete ignores senseless members", upd(grp("INSERT", 1, 0, "")), grp("DELETE", 1, 99, in(9, -1)), codes.OK},
	{"Group Programming", "member of two groups", upd(mem("INSERT", 1, fwdAct), grp("INSERT", 1, 0, in(1, 1))), grp("INSERT", 2, 0, in(1, 1)), codes.OK},
	{"Group Programming", "no watch port", upd(mem("INSERT", 1, fwdAct)), grp("INSERT", 1, 0, `members { member_id: 1 weight: 1 watch_port: "" }`), codes.OK},
	{"Group Programming", "members of different actions", upd(mem("INSERT", 1, fwdAct), mem("INSERT", 2, fwdAct)), grp("INSERT", 1, 0, in(1, 1)+in(2, 1)), codes.OK},
	{"Rules on Setting max_size", "above max_group_size", "", grp("INSERT", 1, 5, ""), codes.InvalidArgument},
	{"Rules on Setting max_size", "negative", "", grp("INSERT", 1, -1, ""), codes.InvalidArgument},
	{"Rules on Setting max_size", "weights beyond max_size", upd(mem("INSERT", 1, fwdAct)), grp("INSERT", 1, 2, in(1, 3)), codes.ResourceExhausted},
	{"Rules on Setting max_size", "weights beyond max_group_size", upd(mem("INSERT", 1, fwdAct)), grp("INSERT", 1, 0, in(1, 5)), codes.ResourceExhausted},

	// One shots
	{"One Shot Action Selector Programming", "insert", "", nexthop("INSERT", shot(1, 2)), codes.OK},
	{"One Shot Action Selector Programming", "weight 0", "", nexthop("INSERT", shot(0)), codes.InvalidArgument},
	{"One Shot Action Selector Programming", "negative weight", "", nexthop("INSERT", shot(-1)), codes.InvalidArgument},
	{"One Shot Action Selector Programming", "without actions", "", nexthop("INSERT", shot()), codes.OK},
	{"One Shot Action Selector Programming", "same action twice", "", nexthop("INSERT", shot(1, 1)), codes.OK},
	{"One Shot Action Selector Programming", "action of another table", "", nexthop("INSERT", `action { action_profile_action_set { action_profile_actions { action { action_id: 0x01000004 } weight: 1 } } }`), codes.InvalidArgument},
	{"One Shot Action Selector Programming", "watch port out of range", "", nexthop("INSERT", `action { action_profile_action_set { action_profile_actions { `+fwdAct+` weight: 1 watch_port: "\002\000" } } }`), codes.InvalidArgument},
	{"One Shot Action Selector Programming", "twice", upd(nexthop("INSERT", shot(1))), nexthop("INSERT", shot(1)), codes.AlreadyExists},
	{"One Shot Action Selector Programming", "weights beyond max_group_size", "", nexthop("INSERT", shot(3, 2)), codes.InvalidArgument},
	{"One Shot Action Selector Programming", "beside members", upd(mem("INSERT", 1, fwdAct)), nexthop("INSERT", shot(1)), codes.InvalidArgument},
	{"One Shot Action Selector Programming", "member beside it", upd(nexthop("INSERT", shot(1))), mem("INSERT", 100, fwdAct), codes.InvalidArgument},
	{"One Shot Action Selector Programming", "group beside it", upd(nexthop("INSERT", shot(1))), grp("INSERT", 100, 0, ""), codes.InvalidArgument},
	{"One Shot Action Selector Programming", "its own group by id", upd(nexthop("INSERT", shot(1))), nexthop("MODIFY", `action { action_profile_group_id: 1 }`), codes.InvalidArgument},
	{"One Shot Action Selector Programming", "members again when it is gone", upd(nexthop("INSERT", shot(1)), nexthop("DELETE", "")), mem("INSERT", 1, fwdAct), codes.OK},
	{"One Shot Action Selector Programming", "more members than the selector holds", upd(nexthop("INSERT", shot(1, 1, 1, 1)), nexthop2(shot(1, 1, 1, 1))), nexthop("MODIFY", shot(1)), codes.ResourceExhausted},

	// Counters, meters, registers
	{"CounterEntry", "modify", "", `type: MODIFY entity { counter_entry { counter_id: 0x12000001 index { index: 1 } data { packet_count: 5 } } }`, codes.OK},
	{"CounterEntry", "all cells", "", `type: MODIFY entity { counter_entry { counter_id: 0x12000001 data { packet_count: 5 } } }`, codes.OK},
	{"CounterEntry", "insert", "", `type: INSERT entity { counter_entry { counter_id: 0x12000001 index { index: 1 } } }`, codes.InvalidArgument},
	{"CounterEntry", "delete", "", `type: DELETE entity { counter_entry { counter_id: 0x12000001 index { index: 1 } } }`, codes.InvalidArgument},
	{"CounterEntry", "negative index", "", `type: MODIFY entity { counter_entry { counter_id: 0x12000001 index { index: -1 } } }`, codes.InvalidArgument},
	{"CounterEntry", "index beyond the array", "", `type: MODIFY entity { counter_entry { counter_id: 0x12000001 index { index: 4 } } }`, codes.OutOfRange},
	{"CounterEntry", "unknown counter", "", `type: MODIFY entity { counter_entry { counter_id: 3 } }`, codes.NotFound},
	{"CounterEntry", "negative value", "", `type: MODIFY entity { counter_entry { counter_id: 0x12000001 data { packet_count: -5 } } }`, codes.InvalidArgument},
	{"CounterEntry", "no data", "", `type: MODIFY entity { counter_entry { counter_id: 0x12000001 } }`, codes.OK},
	{"DirectCounterEntry", "modify", upd(routeIn("INSERT")), `type: MODIFY entity { direct_counter_entry { table_entry { table_id: 0x02000001 ` + net10 + `} data { packet_count: 1 } } }`, codes.OK},
	{"DirectCounterEntry", "insert", upd(routeIn("INSERT")), `type: INSERT entity { direct_counter_entry { table_entry { table_id: 0x02000001 ` + net10 + `} } }`, codes.InvalidArgument},
	{"DirectCounterEntry", "delete", upd(routeIn("INSERT")), `type: DELETE entity { direct_counter_entry { table_entry { table_id: 0x02000001 ` + net10 + `} } }`, codes.InvalidArgument},
	{"DirectCounterEntry", "unknown table", "", `type: MODIFY entity { direct_counter_entry { table_entry { table_id: 5 } } }`, codes.NotFound},
	{"DirectCounterEntry", "no such entry", "", `type: MODIFY entity { direct_counter_entry { table_entry { table_id: 0x02000001 ` + net10 + `} data { } } }`, codes.NotFound},
	{"DirectCounterEntry", "no such entry and no data", "", `type: MODIFY entity { direct_counter_entry { table_entry { table_id: 0x02000001 ` + net10 + `} } }`, codes.NotFound},
	{"DirectCounterEntry", "no table entry", "", `type: MODIFY entity { direct_counter_entry { } }`, codes.InvalidArgument},
	{"DirectCounterEntry", "table without a counter", "", `type: MODIFY entity { direct_counter_entry { table_entry { table_id: 0x02000004 is_default_action: true } } }`, codes.Unimplemented},
	{"MeterEntry", "modify", "", `type: MODIFY entity { meter_entry { meter_id: 0x14000001 index { index: 0 } config { cir: 1 cburst: 1 pir: 1 pburst: 1 } } }`, codes.OK},
	{"MeterEntry", "insert", "", `type: INSERT entity { meter_entry { meter_id: 0x14000001 } }`, codes.InvalidArgument},
	{"MeterEntry", "delete", "", `type: DELETE entity { meter_entry { meter_id: 0x14000001 } }`, codes.InvalidArgument},
	{"MeterEntry", "all cells back to green", "", `type: MODIFY entity { meter_entry { meter_id: 0x14000001 } }`, codes.OK},
	{"MeterEntry", "unknown meter", "", `type: MODIFY entity { meter_entry { meter_id: 3 } }`, codes.NotFound},
	{"MeterEntry", "index beyond the array", "", `type: MODIFY entity { meter_entry { meter_id: 0x14000001 index { index: 3 } } }`, codes.OutOfRange},
	{"MeterEntry", "negative index", "", `type: MODIFY entity { meter_entry { meter_id: 0x14000001 index { index: -3 } } }`, codes.InvalidArgument},
	{"MeterEntry", "peak below committed", "", `type: MODIFY entity { meter_entry { meter_id: 0x14000001 config { cir: 2 pir: 1 } } }`, codes.InvalidArgument},
	{"MeterCounterData", "in a meter", "", `type: MODIFY entity { meter_entry { meter_id: 0x14000001 counter_data {} } }`, codes.Unimplemented},
	{"DirectMeterEntry", "modify", upd(acl("INSERT", 1, "", actPunt)), `type: MODIFY entity { direct_meter_entry { table_entry { table_id: 0x02000002 priority: 1 ` + vni + ` } config { cir: 1 pir: 1 } } }`, codes.OK},
	{"DirectMeterEntry", "no such entry", "", `type: MODIFY entity { direct_meter_entry { table_entry { table_id: 0x02000002 priority: 1 ` + vni + ` } } }`, codes.NotFound},
	{"DirectMeterEntry", "delete", "", `type: DELETE entity { direct_meter_entry { } }`, codes.InvalidArgument},
	{"DirectMeterEntry", "insert", "", `type: INSERT entity { direct_meter_entry { } }`, codes.InvalidArgument},
	{"DirectMeterEntry", "no table entry", "", `type: MODIFY entity { direct_meter_entry { } }`, codes.InvalidArgument},
	{"DirectMeterEntry", "table without a meter", upd(routeIn("INSERT")), `type: MODIFY entity { direct_meter_entry { table_entry { table_id: 0x02000001 ` + net10 + `} } }`, codes.InvalidArgument},
	{"MeterCounterData", "in a direct meter", upd(acl("INSERT", 1, "", actPunt)), `type: MODIFY entity { direct_meter_entry { table_entry { table_id: 0x02000002 priority: 1 ` + vni + ` } counter_data {} } }`, codes.Unimplemented},
	{"RegisterEntry", "modify", "", reg("MODIFY", `index { index: 2 } data { bitstring: "\007\377\377" }`), codes.OK},
	{"RegisterEntry", "all cells", "", reg("MODIFY", `data { bitstring: "\001" }`), codes.OK},
	{"RegisterEntry", "value wider than its type", "", reg("MODIFY", `index { index: 0 } data { bitstring: "\010\000\000" }`), codes.InvalidArgument},
	{"RegisterEntry", "wrong type", "", reg("MODIFY", `index { index: 0 } data { bool: true }`), codes.InvalidArgument},
	{"RegisterEntry", "no data", "", reg("MODIFY", `index { index: 0 }`), codes.InvalidArgument},
	{"RegisterEntry", "index beyond the array", "", reg("MODIFY", `index { index: 3 } data { bitstring: "\001" }`), codes.OutOfRange},
	{"RegisterEntry", "negative index", "", reg("MODIFY", `index { index: -1 } data { bitstring: "\001" }`), codes.InvalidArgument},
	{"RegisterEntry", "insert", "", reg("INSERT", `data { bitstring: "\001" }`), codes.InvalidArgument},
	{"RegisterEntry", "delete", "", reg("DELETE", `data { bitstring: "\001" }`), codes.InvalidArgument},
	{"RegisterEntry", "unknown register", "", `type: MODIFY entity { register_entry { register_id: 3 data { bitstring: "\001" } } }`, codes.NotFound},
	{"Bytestrings", "int<12> −739", "", `type: MODIFY entity { register_entry { register_id: 0x16000002 data { bitstring: "\375\035" } } }`, codes.OK},
	{"Bytestrings", "int<12> too wide", "", `type: MODIFY entity { register_entry { register_id: 0x16000002 data { bitstring: "\215\035" } } }`, codes.InvalidArgument},

	// Packet replication
	{"MulticastGroupEntry", "insert", "", mc("INSERT", 1, `replicas { egress_port: 1 instance: 1 }`), codes.OK},
	{"MulticastGroupEntry", "insert twice", upd(mc("INSERT", 1, "")), mc("INSERT", 1, ""), codes.AlreadyExists},
	{"MulticastGroupEntry", "group id 0", "", mc("INSERT", 0, ""), codes.InvalidArgument},
	{"MulticastGroupEntry", "port and instance twice", "", mc("INSERT", 1, `replicas { egress_port: 1 } replicas { egress_port: 1 }`), codes.InvalidArgument},
	{"MulticastGroupEntry", "port twice, other instance", "", mc("INSERT", 1, `replicas { egress_port: 1 } replicas { egress_port: 1 instance: 2 }`), codes.OK},
	{"MulticastGroupEntry", "instance beyond its type", "", mc("INSERT", 1, `replicas { egress_port: 1 instance: 65536 }`), codes.InvalidArgument},
	{"MulticastGroupEntry", "port beyond its type", "", mc("INSERT", 1, `replicas { egress_port: 512 }`), codes.InvalidArgument},
	{"MulticastGroupEntry", "modify what is not there", "", mc("MODIFY", 1, ""), codes.NotFound},
	{"MulticastGroupEntry", "delete what is not there", "", mc("DELETE", 1, ""), codes.NotFound},
	{"MulticastGroupEntry", "delete", upd(mc("INSERT", 1, "")), mc("DELETE", 1, ""), codes.OK},
	{"MulticastGroupEntry", "replica without a port", "", mc("INSERT", 1, `replicas { instance: 1 }`), codes.InvalidArgument},
	{"MulticastGroupEntry", "modify", upd(mc("INSERT", 1, "")), mc("MODIFY", 1, `replicas { egress_port: 1 }`), codes.OK},
	{"MulticastGroupEntry", "delete ignores senseless replicas", upd(mc("INSERT", 1, "")), mc("DELETE", 1, `replicas { egress_port: 5000 }`), codes.OK},
	{"CloneSessionEntry", "insert", "", clone("INSERT", 100, `replicas { egress_port: 1 } class_of_service: 2 packet_length_bytes: 128`), codes.OK},
	{"CloneSessionEntry", "insert twice", upd(clone("INSERT", 100, "")), clone("INSERT", 100, ""), codes.AlreadyExists},
	{"CloneSessionEntry", "session id 0", "", clone("INSERT", 0, ""), codes.InvalidArgument},
	{"CloneSessionEntry", "class of service beyond its type", "", clone("INSERT", 1, `class_of_service: 8`), codes.InvalidArgument},
	{"CloneSessionEntry", "negative length", "", clone("INSERT", 1, `packet_length_bytes: -1`), codes.InvalidArgument},
	{"CloneSessionEntry", "modify what is not there", "", clone("MODIFY", 1, ""), codes.NotFound},
	{"CloneSessionEntry", "delete what is not there", "", clone("DELETE", 1, ""), codes.NotFound},
	{"CloneSessionEntry", "replica without a port", "", clone("INSERT", 1, `replicas { instance: 1 }`), codes.InvalidArgument},
	{"CloneSessionEntry", "modify", upd(clone("INSERT", 1, "")), clone("MODIFY", 1, `replicas { egress_port: 1 }`), codes.OK},
	{"CloneSessionEntry", "delete", upd(clone("INSERT", 1, "")), clone("DELETE", 1, ""), codes.OK},
	{"CloneSessionEntry", "instance beyond its type", "", clone("INSERT", 1, `replicas { egress_port: 1 instance: 65536 }`), codes.InvalidArgument},
	{"CloneSessionEntry", "port beyond its type", "", clone("INSERT", 1, `replicas { egress_port: 512 }`), codes.InvalidArgument},
	{"PacketReplicationEngineEntry", "neither group nor session", "", `type: INSERT entity { packet_replication_engine_entry {} }`, codes.InvalidArgument},

	// Digests, value sets, externs
	{"DigestEntry", "enable", "", digest("INSERT"), codes.OK},
	{"DigestEntry", "enable twice", upd(digest("INSERT")), digest("INSERT"), codes.AlreadyExists},
	{"DigestEntry", "modify what is not enabled", "", digest("MODIFY"), codes.NotFound},
	{"DigestEntry", "disable", upd(digest("INSERT")), digest("DELETE"), codes.OK},
	{"DigestEntry", "disable what is not enabled", "", digest("DELETE"), codes.NotFound},
	{"DigestEntry", "modify", upd(digest("INSERT")), digest("MODIFY"), codes.OK},
	{"DigestEntry", "without a config", "", `type: INSERT entity { digest_entry { digest_id: 0x17000001 } }`, codes.OK},
	{"DigestEntry", "unknown digest", "", `type: INSERT entity { digest_entry { digest_id: 5 } }`, codes.NotFound},
	{"DigestEntry", "negative timeout", "", `type: INSERT entity { digest_entry { digest_id: 0x17000001 config { max_timeout_ns: -1 } } }`, codes.InvalidArgument},
	{"ValueSetEntry", "modify", "", vset(`"\010\000"`, `"\001"`), codes.OK},
	{"ValueSetEntry", "empty", "", vset(), codes.OK},
	{"ValueSetEntry", "too many members", "", vset(`"\001"`, `"\002"`, `"\003"`, `"\004"`, `"\005"`), codes.ResourceExhausted},
	{"ValueSetEntry", "member twice", "", vset(`"\001"`, `"\000\001"`), codes.AlreadyExists},
	{"ValueSetEntry", "member wider than its type", "", vset(`"\001\000\000"`), codes.InvalidArgument},
	{"ValueSetEntry", "member without a match", "", `type: MODIFY entity { value_set_entry { value_set_id: 0x03000001 members { } } }`, codes.InvalidArgument},
	{"ValueSetEntry", "insert", "", `type: INSERT entity { value_set_entry { value_set_id: 0x03000001 } }`, codes.InvalidArgument},
	{"ValueSetEntry", "delete", "", `type: DELETE entity { value_set_entry { value_set_id: 0x03000001 } }`, codes.InvalidArgument},
	{"ValueSetEntry", "unknown value set", "", `type: MODIFY entity { value_set_entry { value_set_id: 1 } }`, codes.NotFound},
	{"ExternEntry", "any", "", `type: INSERT entity { extern_entry { extern_type_id: 129 } }`, codes.Unimplemented},
}

func TestWriteRules(t *testing.T) {
	for _, c := range writeRules {
		t.Run(c.clause+"/"+c.what, func(t *testing.T) {
			t.Parallel()
			r := ready(t)
			switch c.clause {
			case "Constant Tables":
				r.dev.Declare("fixed", constEntry(9))
			case "Preinitialized tables":
				r.dev.Declare("tiny", constEntry(3))
			}
			for _, u := range strings.Split(c.before, "\n") {
				if u != "" {
					r.must(u)
				}
			}
			got, says := r.writeAs("updates { "+c.update+" }", 0)
			if got[0] != c.want {
				t.Errorf("got %v (%s), want %v", got[0], says[0], c.want)
			}
			if c.want != codes.OK && says[0] == "" {
				t.Error("an error without a message")
			}
		})
	}
}
