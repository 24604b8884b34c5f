// Parser and deparser of both programs.
//
//    start ─ CPU port ─► packet_out (the rest is payload, sent as it is)
//      │
//      ▼
//    ethernet ─► ipv4 ─► [options] ─► ports ─► [udp_tail ─► vxlan ─►
//                     inner_ethernet ─► inner_ipv4 ─► [options] ─► inner_ports ]
//
// Ports are read of TCP and UDP, and only of a first or only fragment; without them
// a flow key has zeros. A packet that ends inside a header, or whose IPv4 version or
// header length is impossible, has parser_error set: Admission drops it. Whether
// VXLAN found here may be opened is for the controls to decide.

#ifndef TELLTALE_PARSER_P4
#define TELLTALE_PARSER_P4

#include "headers.p4"
#include "metadata.p4"

error {
    BadIpv4Version,
    BadIpv4HeaderLength
}

parser PacketParser(packet_in pkt, out headers_t hdr, inout metadata_t meta,
                    inout standard_metadata_t std) {
    state start {
        transition select(std.ingress_port) {
            CPU_PORT: parse_packet_out;
            default: parse_ethernet;
        }
    }

    state parse_packet_out {
        pkt.extract(hdr.packet_out);
        transition accept;
    }

    state parse_ethernet {
        pkt.extract(hdr.ethernet);
        transition select(hdr.ethernet.ether_type) {
            ETHERTYPE_IPV4: parse_ipv4;
            default: accept;
        }
    }

    state parse_ipv4 {
        pkt.extract(hdr.ipv4);
        verify(hdr.ipv4.version == 4, error.BadIpv4Version);
        verify(hdr.ipv4.ihl >= 5, error.BadIpv4HeaderLength);
        transition select(hdr.ipv4.ihl) {
            5: parse_l4;
            default: parse_ipv4_options;
        }
    }

    state parse_ipv4_options {
        pkt.extract(hdr.ipv4_options, ((bit<32>) hdr.ipv4.ihl - 5) * 32);
        transition parse_l4;
    }

    state parse_l4 {
        transition select(hdr.ipv4.frag_offset, hdr.ipv4.protocol) {
            (0, PROTO_TCP): parse_tcp;
            (0, PROTO_UDP): parse_udp;
            default: accept;
        }
    }

    state parse_tcp {
        pkt.extract(hdr.ports);
        transition accept;
    }

    state parse_udp {
        pkt.extract(hdr.ports);
        transition select(hdr.ports.dst_port) {
            PORT_VXLAN: parse_vxlan;
            default: accept;
        }
    }

    state parse_vxlan {
        pkt.extract(hdr.udp_tail);
        pkt.extract(hdr.vxlan);
        pkt.extract(hdr.inner_ethernet);
        transition select(hdr.inner_ethernet.ether_type) {
            ETHERTYPE_IPV4: parse_inner_ipv4;
            default: accept;
        }
    }

    state parse_inner_ipv4 {
        pkt.extract(hdr.inner_ipv4);
        verify(hdr.inner_ipv4.version == 4, error.BadIpv4Version);
        verify(hdr.inner_ipv4.ihl >= 5, error.BadIpv4HeaderLength);
        transition select(hdr.inner_ipv4.ihl) {
            5: parse_inner_l4;
            default: parse_inner_ipv4_options;
        }
    }

    state parse_inner_ipv4_options {
        pkt.extract(hdr.inner_ipv4_options, ((bit<32>) hdr.inner_ipv4.ihl - 5) * 32);
        transition parse_inner_l4;
    }

    state parse_inner_l4 {
        transition select(hdr.inner_ipv4.frag_offset, hdr.inner_ipv4.protocol) {
            (0, PROTO_TCP): parse_inner_ports;
            (0, PROTO_UDP): parse_inner_ports;
            default: accept;
        }
    }

    state parse_inner_ports {
        pkt.extract(hdr.inner_ports);
        transition accept;
    }
}

control PacketDeparser(packet_out pkt, in headers_t hdr) {
    apply {
        pkt.emit(hdr.report_ethernet);
        pkt.emit(hdr.report_ipv4);
        pkt.emit(hdr.report_udp);
        pkt.emit(hdr.report_group);
        pkt.emit(hdr.report);
        pkt.emit(hdr.md_ports);
        pkt.emit(hdr.md_latency);
        pkt.emit(hdr.md_queue);
        pkt.emit(hdr.md_ingress_time);
        pkt.emit(hdr.md_egress_time);
        pkt.emit(hdr.md_drop);
        pkt.emit(hdr.ds_packet);
        pkt.emit(hdr.ds_flow_hash);
        pkt.emit(hdr.ds_vni);
        pkt.emit(hdr.ds_length);
        pkt.emit(hdr.ds_enqueue);
        pkt.emit(hdr.ds_rule);
        pkt.emit(hdr.packet_in);
        pkt.emit(hdr.ethernet);
        pkt.emit(hdr.ipv4);
        pkt.emit(hdr.ipv4_options);
        pkt.emit(hdr.ports);
        pkt.emit(hdr.udp_tail);
        pkt.emit(hdr.vxlan);
        pkt.emit(hdr.inner_ethernet);
        pkt.emit(hdr.inner_ipv4);
        pkt.emit(hdr.inner_ipv4_options);
        pkt.emit(hdr.inner_ports);
    }
}

#endif
