// What one packet's controls tell each other.
//
// Fields marked with REPORT_FIELDS travel with a clone: the report is built in the
// clone's egress pass, from these fields and nothing else, because everything else
// of the original's metadata is gone by then (simple_switch resets it).

#ifndef TELLTALE_METADATA_P4
#define TELLTALE_METADATA_P4

#include "types.p4"

struct metadata_t {
    // This switch (table telemetry).
    @field_list(REPORT_FIELDS) bit<32> node_id;
    bit<16> hash_seed;
    bit<1>  telemetry_on;
    bit<1>  report_all_hops;
    bit<1>  report_drops;

    // The flow and the packet, the same at every hop (control Flow).
    @field_list(REPORT_FIELDS) vni_t   vni;         // 0 = belongs to no VNET
    @field_list(REPORT_FIELDS) bit<1>  flow_known;  // the packet is IPv4
    @field_list(REPORT_FIELDS) bit<32> flow_hash;
    @field_list(REPORT_FIELDS) bit<16> packet_id;
    @field_list(REPORT_FIELDS) bit<1>  epoch;
    @field_list(REPORT_FIELDS) bit<2>  colour;
    ipv4_t  src;
    ipv4_t  dst;
    bit<8>  proto;
    bit<16> sport;
    bit<16> dport;

    // Who wants to hear of it.
    @field_list(REPORT_FIELDS) bit<1> tracked;    // F: watched, coloured, or all are
    @field_list(REPORT_FIELDS) bit<1> congested;  // Q: found a queue above its threshold
    bit<1> ignored;                               // never report

    // What became of it.
    @field_list(REPORT_FIELDS) bit<8>  drop_reason;
    @field_list(REPORT_FIELDS) bit<32> rule;      // ACL rule that decided, 0 = none
    @field_list(REPORT_FIELDS) port_t  in_port;
    @field_list(REPORT_FIELDS) port_t  out_port;  // 0 until one is chosen
    @field_list(REPORT_FIELDS) bit<16> length;    // frame, bytes
    @field_list(REPORT_FIELDS) time_t  ingress_time;
    @field_list(REPORT_FIELDS) time_t  egress_time;
    @field_list(REPORT_FIELDS) bit<8>  queue;
    @field_list(REPORT_FIELDS) bit<32> enqueue_depth;
    @field_list(REPORT_FIELDS) depth_t dequeue_depth;
    @field_list(REPORT_FIELDS) bit<1>  outer_is_new;  // the outer IPv4 header was written here

    // On its way.
    nexthop_t nexthop_id;
    bit<16>   ecmp_hash;
    bit<1>    forwarded;      // a next hop was found
    bit<1>    injected;       // by the controller: leaves as it is
    bit<8>    cpu_reason;
    bit<16>   mtu;            // of the output port, 0 = no limit

    // vswitch only: where it came from, where it goes.
    bit<1>  from_tenant;
    ipv4_t  vtep;             // our own address in the underlay, 0 = not configured
    bit<1>  is_local;         // the destination CA lives here
    ipv4_t  remote;           // … or behind this PA
}

#endif
