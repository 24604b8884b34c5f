package p4rt_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/telltale-net/telltale/bmv2/device"
)

const routesEntry = `entities { table_entry { table_id: 0x02000001 match { field_id: 1 lpm { value: "\012\000\000\000" prefix_len: 8 } } action { action { action_id: 0x01000002 } } %s } }`

// What is written comes back canonical, and only what was asked for ("Read-Write
// Symmetry", "Direct Resources", "Bytestrings").
func TestReadWriteSymmetry(t *testing.T) {
	r := ready(t)
	r.must(upd(route("INSERT", `match { field_id: 1 lpm { value: "\000\012\000\000\000" prefix_len: 8 } } controller_metadata: 9 metadata: "tag" counter_data { packet_count: 4 byte_count: 400 } `+actDrop)))
	r.reads(`entities { table_entry { } }`, fmt.Sprintf(routesEntry, `controller_metadata: 9 metadata: "tag"`))
	r.reads(`entities { table_entry { counter_data {} meter_config {} } }`, fmt.Sprintf(routesEntry, `controller_metadata: 9 metadata: "tag" counter_data { packet_count: 4 byte_count: 400 }`))

	// MODIFY without counter_data leaves the counter, and replaces the metadata.
	r.must(upd(routeIn("MODIFY")))
	r.reads(`entities { table_entry { counter_data {} } }`, fmt.Sprintf(routesEntry, `counter_data { packet_count: 4 byte_count: 400 }`))

	// MODIFY without meter_config resets the meter.
	full := acl("INSERT", 3, `match { field_id: 2 ternary { value: "\000\012\000\000\000" mask: "\377\000\000\000" } } match { field_id: 3 range { low: "\000\001" high: "\001\000" } } match { field_id: 7 optional { value: "\000" } }`,
		actPunt+`idle_timeout_ns: 77 meter_config { cir: 1 cburst: 2 pir: 3 pburst: 4 }`)
	r.must(upd(full))
	back := `entities { table_entry { table_id: 0x02000002 priority: 3 match { field_id: 1 exact { value: "\005" } } match { field_id: 2 ternary { value: "\012\000\000\000" mask: "\377\000\000\000" } }
		match { field_id: 3 range { low: "\001" high: "\001\000" } } match { field_id: 7 optional { value: "\000" } } action { action { action_id: 0x01000003 } } idle_timeout_ns: 77 %s } }`
	r.reads(`entities { table_entry { table_id: 0x02000002 meter_config {} } }`, fmt.Sprintf(back, `meter_config { cir: 1 cburst: 2 pir: 3 pburst: 4 }`))
	r.dev.Touch("acl", 0, device.CounterValue{}, 0, 1234)
	r.reads(`entities { table_entry { table_id: 0x02000002 time_since_last_hit {} } }`, fmt.Sprintf(back, `time_since_last_hit { elapsed_ns: 1234 }`))
	r.must(upd(strings.NewReplacer("INSERT", "MODIFY", "meter_config { cir: 1 cburst: 2 pir: 3 pburst: 4 }", "").Replace(full)))
	r.reads(`entities { table_entry { table_id: 0x02000002 meter_config {} } }`, fmt.Sprintf(back, ""))
}

func TestReadFilters(t *testing.T) {
	r := ready(t)
	r.must(upd(
		route("INSERT", net10+actDrop+`metadata: "a"`),
		route("INSERT", `match { field_id: 1 lpm { value: "\013\000\000\000" prefix_len: 8 } } controller_metadata: 5 `+actPunt),
		acl("INSERT", 1, "", actPunt), acl("INSERT", 2, "", fwd(`\001`)),
	))
	const table = `entities { table_entry { table_id: 0x02000001 %s } }`
	for _, c := range []struct {
		filter string
		want   int
	}{
		{"", 2},
		{net10, 1},
		{`match { field_id: 1 lpm { value: "\014\000\000\000" prefix_len: 8 } }`, 0},
		{actDrop, 1},
		{`action { action { action_id: 0x01000001 } }`, 0},
		{`metadata: "a"`, 1},
		{`metadata: "b"`, 0},
		{`controller_metadata: 5`, 1},
		{`is_default_action: true`, 1},
		{`is_default_action: true ` + actPunt, 0},
	} {
		got, err := r.read(fmt.Sprintf(table, c.filter))
		if err != nil || len(got) != c.want {
			t.Errorf("filter %q: %d entries and error %v, want %d", c.filter, len(got), err, c.want)
		}
	}
	for filter, want := range map[string]int{"": 2, "priority: 2": 1, vni: 2, vni + "priority: 1": 1, vni + "priority: 9": 0} {
		got, err := r.read(`entities { table_entry { table_id: 0x02000002 ` + filter + ` } }`)
		if err != nil || len(got) != want {
			t.Errorf("filter %q: %d entries and error %v, want %d", filter, len(got), err, want)
		}
	}
	if all, err := r.read(`entities { table_entry { time_since_last_hit {} } }`); err != nil || len(all) != 4 {
		t.Errorf("all tables: %d entries and error %v, want 4", len(all), err)
	}
}

// readRules: clause, what, request, code.
var readRules = []struct {
	clause, what, request string
	want                  codes.Code
}{
	{"Wildcard Reads", "empty entity", `entities { }`, codes.InvalidArgument},
	{"Wildcard Reads of tables", "all tables with a filter", `entities { table_entry { priority: 1 } }`, codes.InvalidArgument},
	{"Wildcard Reads of tables", "unknown table", `entities { table_entry { table_id: 9 } }`, codes.NotFound},
	{"Wildcard Reads of tables", "match of another table", `entities { table_entry { table_id: 0x02000001 match { field_id: 2 exact { value: "\001" } } } }`, codes.InvalidArgument},
	{"Wildcard Reads of tables", "indirect table by action", `entities { table_entry { table_id: 0x02000003 action { action { action_id: 1 } } } }`, codes.InvalidArgument},
	{"Wildcard Reads of tables", "by member", `entities { table_entry { table_id: 0x02000003 action { action_profile_member_id: 1 } } }`, codes.InvalidArgument},
	{"Default Entry", "with match", `entities { table_entry { table_id: 0x02000001 is_default_action: true ` + net10 + ` } }`, codes.InvalidArgument},
	{"Idle-timeout", "time_since_last_hit without support", `entities { table_entry { table_id: 0x02000001 time_since_last_hit {} } }`, codes.InvalidArgument},
	{"Idle-timeout", "time_since_last_hit of a default", `entities { table_entry { table_id: 0x02000002 is_default_action: true time_since_last_hit {} } }`, codes.InvalidArgument},
	{"MeterCounterData", "in a table entry", `entities { table_entry { meter_counter_data {} } }`, codes.Unimplemented},
	{"Member Programming", "unknown profile", `entities { action_profile_member { action_profile_id: 1 } }`, codes.NotFound},
	{"Member Programming", "unknown member", `entities { action_profile_member { action_profile_id: 0x11000001 member_id: 1 } }`, codes.NotFound},
	{"Member Programming", "member of all profiles", `entities { action_profile_member { member_id: 1 } }`, codes.InvalidArgument},
	{"Group Programming", "unknown group", `entities { action_profile_group { action_profile_id: 0x11000001 group_id: 1 } }`, codes.NotFound},
	{"CounterEntry", "index beyond the array", `entities { counter_entry { counter_id: 0x12000001 index { index: 4 } } }`, codes.OutOfRange},
	{"CounterEntry", "negative index", `entities { counter_entry { counter_id: 0x12000001 index { index: -4 } } }`, codes.InvalidArgument},
	{"CounterEntry", "index of all counters", `entities { counter_entry { index { index: 1 } } }`, codes.InvalidArgument},
	{"CounterEntry", "unknown counter", `entities { counter_entry { counter_id: 1 } }`, codes.NotFound},
	{"DirectCounterEntry", "no table entry", `entities { direct_counter_entry { } }`, codes.InvalidArgument},
	{"DirectCounterEntry", "no such entry", `entities { direct_counter_entry { table_entry { table_id: 0x02000001 ` + net10 + ` } } }`, codes.NotFound},
	{"DirectCounterEntry", "table without a counter", `entities { direct_counter_entry { table_entry { table_id: 0x02000002 } } }`, codes.InvalidArgument},
	{"DirectMeterEntry", "table without a meter", `entities { direct_meter_entry { table_entry { table_id: 0x02000001 } } }`, codes.InvalidArgument},
	{"MeterEntry", "index beyond the array", `entities { meter_entry { meter_id: 0x14000001 index { index: 3 } } }`, codes.OutOfRange},
	{"MeterCounterData", "in a meter", `entities { meter_entry { counter_data {} } }`, codes.Unimplemented},
	{"RegisterEntry", "index beyond the array", `entities { register_entry { register_id: 0x16000001 index { index: 3 } } }`, codes.OutOfRange},
	{"MulticastGroupEntry", "unknown group", `entities { packet_replication_engine_entry { multicast_group_entry { multicast_group_id: 4 } } }`, codes.NotFound},
	{"CloneSessionEntry", "unknown session", `entities { packet_replication_engine_entry { clone_session_entry { session_id: 4 } } }`, codes.NotFound},
	{"PacketReplicationEngineEntry", "neither group nor session", `entities { packet_replication_engine_entry { } }`, codes.InvalidArgument},
	{"DigestEntry", "not enabled", `entities { digest_entry { digest_id: 0x17000001 } }`, codes.NotFound},
	{"ValueSetEntry", "unknown", `entities { value_set_entry { value_set_id: 1 } }`, codes.NotFound},
	{"ValueSetEntry", "by member", `entities { value_set_entry { members { } } }`, codes.InvalidArgument},
	{"ExternEntry", "unknown", `entities { extern_entry { extern_type_id: 129 } }`, codes.NotFound},
	{"ExternEntry", "all", `entities { extern_entry { } }`, codes.OK},
}

func TestReadRules(t *testing.T) {
	r := ready(t)
	for _, c := range readRules {
		t.Run(c.clause+"/"+c.what, func(t *testing.T) {
			r.readCode(t, c.request, c.want)
		})
	}
}

// A batch returns what succeeded and then one error per request, in order.
func TestReadBatch(t *testing.T) {
	r := ready(t)
	r.must(upd(routeIn("INSERT")))
	got, err := r.read(`entities { table_entry { } } entities { table_entry { table_id: 9 } } entities { counter_entry { counter_id: 0x12000002 } }`)
	if len(got) != 3 {
		t.Errorf("got %d entities, want the entry and two cells", len(got))
	}
	if cs := detailCodes(t, err); fmt.Sprint(cs) != "[OK NotFound OK]" {
		t.Errorf("got codes %v", cs)
	}
}

func TestReadArrays(t *testing.T) {
	r := ready(t)
	r.must(upd(
		`type: MODIFY entity { counter_entry { counter_id: 0x12000002 index { index: 1 } data { packet_count: 5 byte_count: 500 } } }`,
		`type: MODIFY entity { meter_entry { meter_id: 0x14000001 index { index: 2 } config { cir: 1 cburst: 2 pir: 3 pburst: 4 } } }`,
		reg("MODIFY", `index { index: 1 } data { bitstring: "\000\000\001\002" }`),
		`type: MODIFY entity { register_entry { register_id: 0x16000002 data { bitstring: "\377\375\035" } } }`,
	))
	r.reads(`entities { counter_entry { counter_id: 0x12000002 } }`,
		`entities { counter_entry { counter_id: 0x12000002 index { index: 0 } data { } } } entities { counter_entry { counter_id: 0x12000002 index { index: 1 } data { packet_count: 5 byte_count: 500 } } }`)
	if all, err := r.read(`entities { counter_entry { } }`); err != nil || len(all) != 6 {
		t.Errorf("all counters: %d cells, %v", len(all), err)
	}
	r.reads(`entities { meter_entry { meter_id: 0x14000001 index { index: 2 } } } entities { meter_entry { meter_id: 0x14000001 index { index: 0 } } }`,
		`entities { meter_entry { meter_id: 0x14000001 index { index: 2 } config { cir: 1 cburst: 2 pir: 3 pburst: 4 } } } entities { meter_entry { meter_id: 0x14000001 index { index: 0 } } }`)
	r.reads(`entities { register_entry { register_id: 0x16000001 index { index: 1 } } } entities { register_entry { register_id: 0x16000002 index { index: 0 } } }`,
		`entities { register_entry { register_id: 0x16000001 index { index: 1 } data { bitstring: "\001\002" } } } entities { register_entry { register_id: 0x16000002 index { index: 0 } data { bitstring: "\375\035" } } }`)
	if all, err := r.read(`entities { register_entry { } }`); err != nil || len(all) != 5 {
		t.Errorf("all registers: %d cells, %v", len(all), err)
	}
}

func TestReadDirect(t *testing.T) {
	r := ready(t)
	r.must(upd(routeIn("INSERT"), acl("INSERT", 1, "", actPunt+`meter_config { cir: 1 pir: 2 }`)))
	r.dev.Touch("routes", 0, device.CounterValue{Packets: 3, Bytes: 300}, 0, 0)
	want := `entities { direct_counter_entry { table_entry { table_id: 0x02000001 ` + net10 + ` } data { packet_count: 3 byte_count: 300 } } }`
	for _, q := range []string{"", "table_id: 0x02000001", "table_id: 0x02000001 " + net10} {
		r.reads(`entities { direct_counter_entry { table_entry { `+q+` } } }`, want)
	}
	r.reads(`entities { direct_meter_entry { table_entry { } } }`,
		`entities { direct_meter_entry { table_entry { table_id: 0x02000002 priority: 1 `+vni+` } config { cir: 1 pir: 2 } } }`)
	r.must(upd(`type: MODIFY entity { direct_meter_entry { table_entry { table_id: 0x02000002 priority: 1 ` + vni + ` } } }`))
	r.reads(`entities { direct_meter_entry { table_entry { table_id: 0x02000002 } } }`,
		`entities { direct_meter_entry { table_entry { table_id: 0x02000002 priority: 1 `+vni+` } } }`)
}

func TestReadProfilesAndReplication(t *testing.T) {
	r := ready(t)
	r.must(upd(mem("INSERT", 2, fwdAct), mem("INSERT", 1, fwdAct), mem2(7)))
	r.must(upd(grp("INSERT", 5, 3, in(1, 2)+`members { member_id: 2 weight: 1 watch_port: "\000\001\000" }`)))
	member := func(p string, id int) string {
		return fmt.Sprintf(`entities { action_profile_member { action_profile_id: %s member_id: %d %s } } `, p, id, fwdAct)
	}
	r.reads(`entities { action_profile_member { } }`, member("0x11000001", 1)+member("0x11000001", 2)+member("0x11000002", 7))
	r.reads(`entities { action_profile_member { action_profile_id: 0x11000001 member_id: 2 } }`, member("0x11000001", 2))
	r.reads(`entities { action_profile_group { } }`,
		`entities { action_profile_group { action_profile_id: 0x11000001 group_id: 5 max_size: 3 members { member_id: 1 weight: 2 } members { member_id: 2 weight: 1 watch_port: "\001\000" } } }`)

	r.must(upd(mc("INSERT", 2, `replicas { egress_port: 1 instance: 4 }`), mc("INSERT", 1, ""), clone("INSERT", 100, `replicas { egress_port: 3 } packet_length_bytes: 128`)))
	r.reads(`entities { packet_replication_engine_entry { multicast_group_entry { } } }`,
		`entities { packet_replication_engine_entry { multicast_group_entry { multicast_group_id: 1 } } } entities { packet_replication_engine_entry { multicast_group_entry { multicast_group_id: 2 replicas { egress_port: 1 instance: 4 } } } }`)
	r.reads(`entities { packet_replication_engine_entry { clone_session_entry { } } }`,
		`entities { packet_replication_engine_entry { clone_session_entry { session_id: 100 replicas { egress_port: 3 } packet_length_bytes: 128 } } }`)
}

// A one-shot is read back as it was written; what stands for it is not seen, and
// goes with it.
func TestOneShot(t *testing.T) {
	r := ready(t)
	r.must(upd(nexthop("INSERT", shot(1, 2)), nexthop2(shot(1))))
	back := func(key string, a string) string {
		return fmt.Sprintf(`entities { table_entry { table_id: 0x02000003 match { field_id: 1 exact { value: "%s" } } %s } } `, key, a)
	}
	r.reads(`entities { table_entry { } }`, back(`\001`, shot(1, 2))+back(`\002`, shot(1)))
	r.reads(`entities { action_profile_member { } } entities { action_profile_group { } }`, "")
	r.must(upd(nexthop("MODIFY", shot(2)+`metadata: "m"`)))
	r.must(upd(nexthop("MODIFY", ``))) // keeps the action
	r.reads(`entities { table_entry { } }`, back(`\001`, shot(2))+back(`\002`, shot(1)))
	if ms, _ := r.dev.Members("ecmp"); len(ms) != 2 {
		t.Errorf("%d members are left for two one-shots of one action each", len(ms))
	}
	r.must(upd(nexthop("DELETE", "")))
	ms, _ := r.dev.Members("ecmp")
	gs, _ := r.dev.Groups("ecmp")
	if len(ms) != 1 || len(gs) != 1 {
		t.Errorf("%d members and %d groups are left for one one-shot", len(ms), len(gs))
	}
}

// What a client pads is read without the padding, also inside a one-shot
// ("Bytestrings", "Read-Write Symmetry").
func TestOneShotCanonical(t *testing.T) {
	r := ready(t)
	padded := strings.NewReplacer(`value: "\001"`, `value: "\000\001"`, `watch_port: "\001"`, `watch_port: "\000\001"`).Replace(shot(1))
	r.must(upd(nexthop("INSERT", padded)))
	r.reads(`entities { table_entry { } }`, `entities { table_entry { table_id: 0x02000003 match { field_id: 1 exact { value: "\001" } } `+shot(1)+` } }`)
}

// The default of a table is always there; resetting it brings back the program's,
// without metadata.
func TestDefaultEntry(t *testing.T) {
	r := ready(t)
	const q = `entities { table_entry { table_id: 0x02000004 is_default_action: true } }`
	original := `entities { table_entry { table_id: 0x02000004 is_default_action: true ` + actDrop + ` } }`
	r.reads(q, original)
	r.must(upd(settled(0x02000004, fwd(`\001`)+`metadata: "x"`)))
	r.reads(q, `entities { table_entry { table_id: 0x02000004 is_default_action: true `+fwd(`\001`)+` metadata: "x" } }`)
	r.must(upd(settled(0x02000004, "")))
	r.reads(q, original)
}

// Entries that vanish from the device vanish from reads: the device is the truth.
func TestDeviceIsTheTruth(t *testing.T) {
	r := ready(t)
	r.must(upd(nexthop("INSERT", shot(1))))
	es, err := r.dev.Entries("nexthops")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.dev.Delete("nexthops", es[0]); err != nil {
		t.Fatal(err)
	}
	r.reads(`entities { table_entry { } }`, "")
	r.must(upd(nexthop("INSERT", shot(2))))
	if ms, _ := r.dev.Members("ecmp"); len(ms) != 1 {
		t.Errorf("%d members: those of the lost one-shot were not taken away", len(ms))
	}
}

func TestValueSets(t *testing.T) {
	r := ready(t)
	r.must(upd(vset(`"\010\000"`, `"\000\001"`)))
	want := `entities { value_set_entry { value_set_id: 0x03000001 members { match { field_id: 1 exact { value: "\010\000" } } } members { match { field_id: 1 exact { value: "\001" } } } } }`
	r.reads(`entities { value_set_entry { } }`, want)
	r.reads(`entities { value_set_entry { value_set_id: 0x03000001 } }`, want)
	r.must(upd(vset()))
	r.reads(`entities { value_set_entry { } }`, `entities { value_set_entry { value_set_id: 0x03000001 } }`)
}
