package p4rt_test

import (
	"fmt"
	"strings"

	"github.com/telltale-net/telltale/bmv2/device"
)

// Text of updates, for the tables of the tests. The ids are those of
// p4rttest/program.p4info.txtpb.
const (
	actDrop = `action { action { action_id: 0x01000002 } } `
	actPunt = `action { action { action_id: 0x01000003 } } `
	fwdAct  = `action { action_id: 0x01000001 params { param_id: 1 value: "\001" } params { param_id: 2 value: "\002" } } `
	net10   = `match { field_id: 1 lpm { value: "\012\000\000\000" prefix_len: 8 } } `
	vni     = `match { field_id: 1 exact { value: "\005" } } `
)

// upd makes one update per line.
func upd(us ...string) string {
	var b strings.Builder
	for _, u := range us {
		fmt.Fprintf(&b, "updates { %s }\n", u)
	}
	return b.String()
}

func fwd(port string) string {
	return `action { action { action_id: 0x01000001 params { param_id: 1 value: "` + port + `" } params { param_id: 2 value: "\002" } } } `
}

func entry(op string, table uint32, rest string) string {
	return fmt.Sprintf(`type: %s entity { table_entry { table_id: %d %s } }`, op, table, rest)
}

func route(op, rest string) string { return entry(op, 0x02000001, rest) }

func routeIn(op string) string { return route(op, net10+actDrop) }

func acl(op string, priority int, match, rest string) string {
	return entry(op, 0x02000002, fmt.Sprintf("priority: %d ", priority)+vni+match+rest)
}

func nexthop(op, rest string) string {
	return entry(op, 0x02000003, `match { field_id: 1 exact { value: "\001" } } `+rest)
}

func nexthop2(rest string) string {
	return entry("INSERT", 0x02000003, `match { field_id: 1 exact { value: "\002" } } `+rest)
}

func settled(table uint32, rest string) string {
	return entry("MODIFY", table, "is_default_action: true "+rest)
}

func fixed(op, rest string) string {
	return entry(op, 0x02000005, `match { field_id: 1 exact { value: "\011" } } `+rest)
}

// constEntry is an entry of fixed or tiny, as a program declares it.
func constEntry(key byte) device.Entry {
	return device.Entry{
		Matches: []device.Match{{Kind: device.Exact, Value: []byte{key}}},
		Target:  device.Target{Action: &device.Action{Name: "drop"}},
	}
}

func profiled(rest string) string {
	return entry("INSERT", 0x02000006, `match { field_id: 1 exact { value: "\001" } } `+rest)
}

func tiny(key int) string {
	return entry("INSERT", 0x02000007, fmt.Sprintf(`match { field_id: 1 exact { value: "\00%d" } } `, key)+actDrop)
}

func mem(op string, id int, rest string) string {
	return fmt.Sprintf(`type: %s entity { action_profile_member { action_profile_id: 0x11000001 member_id: %d %s } }`, op, id, rest)
}

func mem2(id int) string {
	return fmt.Sprintf(`type: INSERT entity { action_profile_member { action_profile_id: 0x11000002 member_id: %d %s } }`, id, fwdAct)
}

func grp(op string, id, size int, rest string) string {
	return fmt.Sprintf(`type: %s entity { action_profile_group { action_profile_id: 0x11000001 group_id: %d max_size: %d %s } }`, op, id, size, rest)
}

func in(id, weight int) string {
	return fmt.Sprintf(`members { member_id: %d weight: %d } `, id, weight)
}

func shot(weights ...int) string {
	var b strings.Builder
	b.WriteString("action { action_profile_action_set { ")
	for i, w := range weights {
		fmt.Fprintf(&b, `action_profile_actions { %s weight: %d watch_port: "\00%d" } `, fwdAct, w, i+1)
	}
	b.WriteString("} } ")
	return b.String()
}

func reg(op, rest string) string {
	return fmt.Sprintf(`type: %s entity { register_entry { register_id: 0x16000001 %s } }`, op, rest)
}

func mc(op string, id int, rest string) string {
	return fmt.Sprintf(`type: %s entity { packet_replication_engine_entry { multicast_group_entry { multicast_group_id: %d %s } } }`, op, id, rest)
}

func clone(op string, id int, rest string) string {
	return fmt.Sprintf(`type: %s entity { packet_replication_engine_entry { clone_session_entry { session_id: %d %s } } }`, op, id, rest)
}

func digest(op string) string {
	return fmt.Sprintf(`type: %s entity { digest_entry { digest_id: 0x17000001 config { max_timeout_ns: 1000 max_list_size: 2 ack_timeout_ns: 5000 } } }`, op)
}

func vset(values ...string) string {
	var b strings.Builder
	for _, v := range values {
		fmt.Fprintf(&b, "members { match { field_id: 1 exact { value: %s } } } ", v)
	}
	return "type: MODIFY entity { value_set_entry { value_set_id: 0x03000001 " + b.String() + "} }"
}
