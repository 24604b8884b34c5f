// The underlay: longest prefix, then one of the equal next hops.
//
//     routes    ─ ipv4_dst (lpm) ─►  set_nexthop(nexthop_id) ──┐
//                                    to_cpu()                  │
//                                    route_miss()              │
//                                                              ▼
//     nexthops  ─ nexthop_id ─► selector ecmp ─►  forward(port, smac, dmac)
//
// Members of a group are chosen by a hash over the outer five-tuple, so a flow keeps
// its path. The hash is a crc, which is linear: xor-ing a seed into its input would
// make neighbours choose either always alike or always opposite. The seed therefore
// goes through a multiplication (Fibonacci hashing, twice), and the selector takes
// the result as it is.
//
// A next hop that does not exist and a group in which no member is usable look the
// same to simple_switch (no action runs), and get the same reason.
//
// REQUIRES: the outermost IPv4 header is the underlay's.

#ifndef TELLTALE_FORWARDING_P4
#define TELLTALE_FORWARDING_P4

control Forwarding(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    bit<32> mixed = 0;
    bit<16> sport = 0;
    bit<16> dport = 0;

    @name(".ecmp") @id(ID_PROFILE_ECMP) @max_group_size(SIZE_ECMP_GROUP)
    action_selector(HashAlgorithm.identity, SIZE_ECMP, 16) ecmp;

    @name(".routes_counter") @id(ID_COUNTER_ROUTES)
    direct_counter(CounterType.packets_and_bytes) routes_counter;

    @name(".set_nexthop") @id(ID_ACTION_SET_NEXTHOP)
    action set_nexthop(nexthop_t nexthop_id) {
        meta.nexthop_id = nexthop_id;
    }

    // The packet goes to the controller as it stands, TTL untouched.
    @name(".to_cpu") @id(ID_ACTION_TO_CPU)
    action to_cpu() {
        meta.cpu_reason = CPU_REASON_ROUTE;
        meta.out_port = CPU_PORT;
        std.egress_spec = CPU_PORT;
    }

    @name(".route_miss") @id(ID_ACTION_ROUTE_MISS)
    action route_miss() {
        meta.drop_reason = DROP_IP_MISS;
    }

    @name(".forward") @id(ID_ACTION_FORWARD)
    action forward(port_t port, mac_t smac, mac_t dmac) {
        meta.forwarded = 1;
        meta.out_port = port;
        std.egress_spec = port;
        hdr.ethernet.src_addr = smac;
        hdr.ethernet.dst_addr = dmac;
    }

    @name(".routes") @id(ID_TABLE_ROUTES)
    table routes {
        key = { hdr.ipv4.dst_addr: lpm @name("ipv4_dst"); }
        actions = { set_nexthop; to_cpu; route_miss; }
        default_action = route_miss();
        counters = routes_counter;
        size = SIZE_ROUTES;
    }

    @name(".nexthops") @id(ID_TABLE_NEXTHOPS)
    table nexthops {
        key = {
            meta.nexthop_id: exact @name("nexthop_id");
            meta.ecmp_hash:  selector;
        }
        actions = { forward; }
        implementation = ecmp;
        size = SIZE_NEXTHOPS;
    }

    apply {
        switch (routes.apply().action_run) {
            set_nexthop: {
                if (hdr.ports.isValid()) {
                    sport = hdr.ports.src_port;
                    dport = hdr.ports.dst_port;
                }
                hash(mixed, HashAlgorithm.crc32, 32w0,
                     { hdr.ipv4.src_addr, hdr.ipv4.dst_addr, hdr.ipv4.protocol, sport, dport },
                     64w0x100000000);
                mixed = (mixed ^ (meta.hash_seed ++ meta.hash_seed)) * 0x9E3779B1;
                mixed = (mixed ^ (mixed >> 15)) * 0x85EBCA6B;
                meta.ecmp_hash = mixed[31:16];
                nexthops.apply();
                if (meta.forwarded == 0) {
                    meta.drop_reason = DROP_NEXTHOP_MISS;
                }
            }
        }
    }
}

#endif
