// Every header that the two programs read or write.
//
// `ethernet`, `ipv4`, `ports` are always the outermost headers of the packet, be it
// a tenant's bare frame or the underlay's; what VXLAN carries is `inner_*`. Reports
// go in front of all that, in the order of the struct.

#ifndef TELLTALE_HEADERS_P4
#define TELLTALE_HEADERS_P4

#include "ids.p4"
#include "types.p4"

// ---- to and from the controller ---------------------------------------------

@controller_header("packet_in") @id(ID_HEADER_PACKET_IN)
header packet_in_t {
    @id(1) port_t ingress_port;
    @id(2) @padding bit<7> pad;
    @id(3) bit<8> reason;
}

@controller_header("packet_out") @id(ID_HEADER_PACKET_OUT)
header packet_out_t {
    @id(1) port_t egress_port;
    @id(2) @padding bit<7> pad;
}

// ---- network ------------------------------------------------------------------

header ethernet_t {
    mac_t   dst_addr;
    mac_t   src_addr;
    bit<16> ether_type;
}

header ipv4_header_t {
    bit<4>  version;
    bit<4>  ihl;
    bit<8>  tos;
    bit<16> total_len;
    bit<16> identification;
    bit<3>  flags;
    bit<13> frag_offset;
    bit<8>  ttl;
    bit<8>  protocol;
    bit<16> hdr_checksum;
    ipv4_t  src_addr;
    ipv4_t  dst_addr;
}

header ipv4_options_t {
    varbit<320> data;
}

// The first four bytes of TCP and of UDP: all that a flow key needs of either.
header l4_ports_t {
    bit<16> src_port;
    bit<16> dst_port;
}

// The rest of a UDP header; read only in front of VXLAN.
header udp_tail_t {
    bit<16> length;
    bit<16> checksum;
}

// RFC 7348, with the last reserved byte put to use (receivers must ignore it):
//
//     0                   8                                           31
//    +-------------------+----------------------------------------------+
//    | flags    R R R R I R R R |               reserved                |
//    +---------------------------------------+---+-------+--------------+
//    |                  VNI                  | E | colour|   reserved   |
//    +---------------------------------------+---+-------+--------------+
//
// E, the epoch bit, tells two neighbouring epochs of the source's clock apart; the
// colour says that the source watches the flow. Tenants can set neither.
header vxlan_t {
    bit<8>  flags;
    bit<24> reserved;
    vni_t   vni;
    bit<1>  epoch;
    bit<2>  colour;
    bit<5>  reserved2;
}

// ---- Telemetry Report v2.0 ----------------------------------------------------

header udp_t {
    bit<16> src_port;
    bit<16> dst_port;
    bit<16> length;
    bit<16> checksum;
}

header report_group_t {
    bit<4>  version;
    bit<6>  hw_id;
    bit<22> sequence;
    bit<32> node_id;
}

// The individual report header and the fixed part of its main contents (RepType 1).
header report_t {
    bit<4>  rep_type;
    bit<4>  in_type;
    bit<8>  report_length;  // words after this first one
    bit<8>  md_length;      // words of metadata: baseline and domain specific
    bit<1>  dropped;        // D
    bit<1>  congested;      // Q
    bit<1>  tracked;        // F
    bit<1>  intermediate;   // I
    bit<4>  reserved;
    bit<16> rep_md_bits;
    bit<16> domain_id;
    bit<16> ds_md_bits;
    bit<16> ds_md_status;
}

// Baseline metadata, each valid if its RepMdBit is set.
header md_ports_t {         // 0x4000
    bit<16> ingress;
    bit<16> egress;
}
header md_latency_t {       // 0x2000
    bit<32> ns;
}
header md_queue_t {         // 0x1000
    bit<8>  queue;
    bit<24> occupancy;
}
header md_time_t {          // 0x0800 ingress, 0x0400 egress
    bit<64> ns;
}
header md_drop_t {          // 0x0001
    bit<8>  queue;
    bit<8>  reason;
    bit<16> pad;
}

// Metadata of our domain, each valid if its DSMdBit is set.
header ds_packet_t {        // 0x8000
    bit<16> packet_id;
    bit<1>  epoch;
    bit<2>  colour;
    bit<5>  reserved;
    bit<8>  stage;          // 0 ingress, 1 egress
}
header ds_flow_hash_t {     // 0x4000
    bit<32> hash;
}
header ds_vni_t {           // 0x2000
    vni_t   vni;
    bit<8>  reserved;
}
header ds_length_t {        // 0x1000
    bit<16> length;
    bit<16> reserved;
}
header ds_enqueue_t {       // 0x0800
    bit<32> depth;
}
header ds_rule_t {          // 0x0400
    bit<32> rule;
}

// ---- all of them ----------------------------------------------------------------

struct headers_t {
    ethernet_t     report_ethernet;
    ipv4_header_t  report_ipv4;
    udp_t          report_udp;
    report_group_t report_group;
    report_t       report;
    md_ports_t     md_ports;
    md_latency_t   md_latency;
    md_queue_t     md_queue;
    md_time_t      md_ingress_time;
    md_time_t      md_egress_time;
    md_drop_t      md_drop;
    ds_packet_t    ds_packet;
    ds_flow_hash_t ds_flow_hash;
    ds_vni_t       ds_vni;
    ds_length_t    ds_length;
    ds_enqueue_t   ds_enqueue;
    ds_rule_t      ds_rule;

    packet_in_t    packet_in;
    packet_out_t   packet_out;

    ethernet_t     ethernet;
    ipv4_header_t  ipv4;
    ipv4_options_t ipv4_options;
    l4_ports_t     ports;
    udp_tail_t     udp_tail;
    vxlan_t        vxlan;

    ethernet_t     inner_ethernet;
    ipv4_header_t  inner_ipv4;
    ipv4_options_t inner_ipv4_options;
    l4_ports_t     inner_ports;
}

#endif
