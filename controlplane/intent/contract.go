package intent

// This file is what we expect of the programs. p4src/include/ids.p4 has the ids.

// format is how people read a value.
type format uint8

const (
	number format = iota
	ipv4
	mac
)

type kind uint8

const (
	exact kind = iota
	lpm
	ternary
)

func (k kind) String() string { return [...]string{"EXACT", "LPM", "TERNARY"}[k] }

type wantKey struct {
	name string
	kind kind
	bits int32
	as   format
}

type wantParam struct {
	name string
	bits int32
	as   format
}

type wantAction struct {
	name   string
	params []wantParam
}

type wantTable struct {
	name    string
	vswitch bool   // not in fabric.p4
	profile string // action selector, or empty
	keys    []wantKey
	actions []wantAction
}

var egressPort = []wantKey{{"egress_port", exact, 9, number}}

var contract = []wantTable{
	{
		name:    "routes",
		keys:    []wantKey{{"ipv4_dst", lpm, 32, ipv4}},
		actions: []wantAction{{"set_nexthop", []wantParam{{"nexthop_id", 16, number}}}, {"to_cpu", nil}},
	},
	{
		name:    "nexthops",
		profile: "ecmp",
		keys:    []wantKey{{"nexthop_id", exact, 16, number}},
		actions: []wantAction{{"forward", []wantParam{{"port", 9, number}, {"smac", 48, mac}, {"dmac", 48, mac}}}},
	},
	{
		name: "telemetry",
		actions: []wantAction{{"telemetry_config", []wantParam{
			{"node_id", 32, number}, {"hash_seed", 16, number}, {"all_hops", 1, number}, {"drops", 1, number},
		}}},
	},
	{
		name: "watch",
		keys: []wantKey{
			{"vni", ternary, 24, number},
			{"src", ternary, 32, ipv4},
			{"dst", ternary, 32, ipv4},
			{"proto", ternary, 8, number},
			{"sport", ternary, 16, number},
			{"dport", ternary, 16, number},
		},
		actions: []wantAction{{"watch_flow", []wantParam{{"colour", 2, number}}}},
	},
	{name: "queue_limit", keys: egressPort, actions: []wantAction{{"limit_queue", []wantParam{{"depth", 19, number}}}}},
	{name: "queue_watch", keys: egressPort, actions: []wantAction{{"watch_queue", []wantParam{{"depth", 19, number}}}}},
	{name: "mtu", keys: egressPort, actions: []wantAction{{"set_mtu", []wantParam{{"bytes", 16, number}}}}},
	{
		name: "report_target",
		actions: []wantAction{{"set_report_target", []wantParam{
			{"smac", 48, mac}, {"dmac", 48, mac}, {"src_ip", 32, ipv4}, {"dst_ip", 32, ipv4}, {"udp_dport", 16, number}, {"hw_id", 6, number},
		}}},
	},
	{
		name:    "ports",
		vswitch: true,
		keys:    []wantKey{{"ingress_port", exact, 9, number}},
		actions: []wantAction{{"tenant_port", []wantParam{{"vni", 24, number}}}, {"uplink_port", nil}},
	},
	{
		name:    "vtep",
		vswitch: true,
		actions: []wantAction{{"set_vtep", []wantParam{{"address", 32, ipv4}}}},
	},
	{
		name:    "source_guard",
		vswitch: true,
		keys:    []wantKey{{"ingress_port", exact, 9, number}, {"src", exact, 32, ipv4}},
		actions: []wantAction{{"source_ok", nil}},
	},
	{
		name:    "acl",
		vswitch: true,
		keys: []wantKey{
			{"vni", exact, 24, number},
			{"direction", exact, 1, number},
			{"src", ternary, 32, ipv4},
			{"dst", ternary, 32, ipv4},
			{"proto", ternary, 8, number},
			{"dport", ternary, 16, number},
		},
		actions: []wantAction{{"permit", []wantParam{{"rule", 32, number}}}, {"deny", []wantParam{{"rule", 32, number}}}},
	},
	{
		name:    "overlay",
		vswitch: true,
		keys:    []wantKey{{"vni", exact, 24, number}, {"dst", exact, 32, ipv4}},
		actions: []wantAction{
			{"local", []wantParam{{"port", 9, number}, {"smac", 48, mac}, {"dmac", 48, mac}}},
			{"remote", []wantParam{{"address", 32, ipv4}}},
		},
	},
}
