// Turns a clone into a Telemetry Report v2.0 datagram. Runs in the clone's egress pass.
//
//     report_target  ─ (no key) ─►  set_report_target(smac, dmac, src_ip, dst_ip,
//                                                     udp_dport, hw_id)
//                                   no_report_target()   the clone is dropped
//
//     Ethernet │ IPv4 │ UDP │ group 8 │ report 12 │ metadata 4·md │ the packet's start
//
//     metadata  hop          ports latency queue times       RepMdBits 0x7C00   7 words
//               ingress drop ports ingress-time drop         RepMdBits 0x4801   4 words
//               egress drop  all of these                    RepMdBits 0x7C01   8 words
//               + our domain 0x7474: packet, length always; flow hash if it is IPv4, VNI
//                 if it is a tenant's, enqueue depth if a queue was met, rule if one
//                 decided. What is not known has its bit clear (never a made-up zero).
//
// The packet is cut to whole words, at most REPORT_BYTES. UDP source port = flow hash,
// so that one flow's reports stay together behind SO_REUSEPORT or RSS; no checksum.
//
// report_seq has one cell: the sequence number of (this node, hw_id, the collector).
// It is advanced in the action that starts a report, so a clone that has no target
// leaves no gap. The numbers count reports made, and a gap at the collector means
// reports lost on the way, which every conclusion must own up to.

#ifndef TELLTALE_REPORT_P4
#define TELLTALE_REPORT_P4

const bit<16> REPORT_BYTES   = 128;     // of the reported packet
const bit<16> REPORT_DOMAIN  = 0x7474;  // Domain Specific ID
const bit<4>  REPORT_VERSION = 2;
const bit<4>  REP_TYPE_INT   = 1;
const bit<4>  IN_TYPE_ETH    = 3;
const bit<8>  REPORT_FIXED_WORDS = 2;   // of the main contents, before metadata

const bit<16> MD_HOP          = 0x7C00;
const bit<16> MD_INGRESS_DROP = 0x4801;
const bit<16> MD_EGRESS_DROP  = 0x7C01;
const bit<16> DS_PACKET       = 0x8000;
const bit<16> DS_FLOW_HASH    = 0x4000;
const bit<16> DS_VNI          = 0x2000;
const bit<16> DS_LENGTH       = 0x1000;
const bit<16> DS_ENQUEUE      = 0x0800;
const bit<16> DS_RULE         = 0x0400;

const bit<48> LATENCY_MAX_US = 4294967; // what 32 bits of ns can say
const bit<32> LATENCY_TOO_LONG = 0xFFFFFFFF;

control Report(inout headers_t hdr, in metadata_t meta, inout standard_metadata_t std) {
    bit<1>  at_ingress = 0;
    bit<8>  md_words = 0;
    bit<16> ds_bits = 0;
    bit<16> captured = 0;
    bit<16> udp_bytes = 0;

    @name(".report_seq") @id(ID_REGISTER_REPORT_SEQ)
    register<bit<22>>(1) report_seq;

    @name(".set_report_target") @id(ID_ACTION_SET_REPORT_TARGET)
    action set_report_target(mac_t smac, mac_t dmac, ipv4_t src_ip, ipv4_t dst_ip,
                             bit<16> udp_dport, bit<6> hw_id) {
        hdr.report_ethernet.setValid();
        hdr.report_ethernet.src_addr = smac;
        hdr.report_ethernet.dst_addr = dmac;
        hdr.report_ethernet.ether_type = ETHERTYPE_IPV4;

        hdr.report_ipv4.setValid();
        hdr.report_ipv4.version = 4;
        hdr.report_ipv4.ihl = 5;
        hdr.report_ipv4.tos = 0;
        hdr.report_ipv4.identification = 0;
        hdr.report_ipv4.flags = IPV4_DF;
        hdr.report_ipv4.frag_offset = 0;
        hdr.report_ipv4.ttl = DEFAULT_TTL;
        hdr.report_ipv4.protocol = PROTO_UDP;
        hdr.report_ipv4.src_addr = src_ip;
        hdr.report_ipv4.dst_addr = dst_ip;

        hdr.report_udp.setValid();
        hdr.report_udp.src_port = meta.flow_hash[15:0];
        hdr.report_udp.dst_port = udp_dport;
        hdr.report_udp.checksum = 0;

        bit<22> sequence;
        report_seq.read(sequence, 0);
        report_seq.write(0, sequence + 1);
        hdr.report_group.setValid();
        hdr.report_group.version = REPORT_VERSION;
        hdr.report_group.hw_id = hw_id;
        hdr.report_group.sequence = sequence;
        hdr.report_group.node_id = meta.node_id;

        hdr.report.setValid();
        hdr.report.rep_type = REP_TYPE_INT;
        hdr.report.in_type = IN_TYPE_ETH;
        hdr.report.dropped = meta.drop_reason == DROP_NONE ? 1w0 : 1w1;
        hdr.report.congested = meta.congested;
        hdr.report.tracked = meta.tracked;
        hdr.report.intermediate = 0;
        hdr.report.reserved = 0;
        hdr.report.domain_id = REPORT_DOMAIN;
        hdr.report.ds_md_status = 0;
    }

    @name(".no_report_target") @id(ID_ACTION_NO_REPORT_TARGET)
    action no_report_target() {
        mark_to_drop(std);
    }

    @name(".report_target") @id(ID_TABLE_REPORT_TARGET)
    table report_target {
        key = { }
        actions = { set_report_target; no_report_target; }
        default_action = no_report_target();
        size = 1;
    }

    @hidden action add_ports() {
        hdr.md_ports.setValid();
        hdr.md_ports.ingress = (bit<16>) meta.in_port;
        hdr.md_ports.egress = (bit<16>) meta.out_port;
    }

    @hidden action add_ingress_time() {
        hdr.md_ingress_time.setValid();
        hdr.md_ingress_time.ns = (bit<64>) meta.ingress_time * 1000;
    }

    @hidden action add_queueing() {
        hdr.md_latency.setValid();
        hdr.md_latency.ns =
            meta.egress_time - meta.ingress_time > LATENCY_MAX_US
            ? LATENCY_TOO_LONG
            : (bit<32>) (meta.egress_time - meta.ingress_time) * 1000;
        hdr.md_queue.setValid();
        hdr.md_queue.queue = meta.queue;
        hdr.md_queue.occupancy = (bit<24>) meta.dequeue_depth;
        hdr.md_egress_time.setValid();
        hdr.md_egress_time.ns = (bit<64>) meta.egress_time * 1000;
    }

    @hidden action add_drop() {
        hdr.md_drop.setValid();
        hdr.md_drop.queue = meta.queue;
        hdr.md_drop.reason = meta.drop_reason;
        hdr.md_drop.pad = 0;
    }

    @hidden action add_packet() {
        hdr.ds_packet.setValid();
        hdr.ds_packet.packet_id = meta.packet_id;
        hdr.ds_packet.epoch = meta.epoch;
        hdr.ds_packet.colour = meta.colour;
        hdr.ds_packet.reserved = 0;
        hdr.ds_packet.stage = at_ingress == 1 ? 8w0 : 8w1;
        hdr.ds_length.setValid();
        hdr.ds_length.length = meta.length;
        hdr.ds_length.reserved = 0;
    }

    @hidden action add_flow_hash() {
        hdr.ds_flow_hash.setValid();
        hdr.ds_flow_hash.hash = meta.flow_hash;
        ds_bits = ds_bits | DS_FLOW_HASH;
        md_words = md_words + 1;
    }

    @hidden action add_vni() {
        hdr.ds_vni.setValid();
        hdr.ds_vni.vni = meta.vni;
        hdr.ds_vni.reserved = 0;
        ds_bits = ds_bits | DS_VNI;
        md_words = md_words + 1;
    }

    @hidden action add_enqueue_depth() {
        hdr.ds_enqueue.setValid();
        hdr.ds_enqueue.depth = meta.enqueue_depth;
        ds_bits = ds_bits | DS_ENQUEUE;
        md_words = md_words + 1;
    }

    @hidden action add_rule() {
        hdr.ds_rule.setValid();
        hdr.ds_rule.rule = meta.rule;
        ds_bits = ds_bits | DS_RULE;
        md_words = md_words + 1;
    }

    // Lengths, once the number of metadata words is known.
    @hidden action finish() {
        captured = (meta.length > REPORT_BYTES ? REPORT_BYTES : meta.length) & 0xFFFC;
        hdr.report.ds_md_bits = ds_bits;
        hdr.report.md_length = md_words;
        hdr.report.report_length = REPORT_FIXED_WORDS + md_words + (bit<8>) (captured >> 2);
        udp_bytes = UDP_BYTES + 8 + 12 + ((bit<16>) md_words << 2) + captured;
        hdr.report_udp.length = udp_bytes;
        hdr.report_ipv4.total_len = IPV4_BYTES + udp_bytes;
        truncate((bit<32>) (ETHERNET_BYTES + IPV4_BYTES + udp_bytes));
    }

    apply {
        if (std.instance_type == INSTANCE_INGRESS_CLONE) {
            at_ingress = 1;
        }
        switch (report_target.apply().action_run) {
            set_report_target: {
                add_ports();
                add_ingress_time();
                if (at_ingress == 1) {
                    add_drop();
                    hdr.report.rep_md_bits = MD_INGRESS_DROP;
                    md_words = 6;  // with the two of add_packet
                } else {
                    add_queueing();
                    if (meta.drop_reason == DROP_NONE) {
                        hdr.report.rep_md_bits = MD_HOP;
                        md_words = 9;
                    } else {
                        add_drop();
                        hdr.report.rep_md_bits = MD_EGRESS_DROP;
                        md_words = 10;
                    }
                }
                ds_bits = DS_PACKET | DS_LENGTH;
                add_packet();
                if (meta.flow_known == 1) {
                    add_flow_hash();
                }
                if (meta.vni != 0) {
                    add_vni();
                }
                if (at_ingress == 0 || meta.drop_reason == DROP_TRAFFIC_MANAGER) {
                    add_enqueue_depth();
                }
                if (meta.rule != 0) {
                    add_rule();
                }
                finish();
            }
        }
    }
}

#endif
