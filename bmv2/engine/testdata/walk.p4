// walk.p4: every way a packet can take through v1model, chosen by its first byte.
// Made for the engine's tests; compile with
//   p4c-bm2-ss -o walk.json walk.p4

#include <core.p4>
#include <v1model.p4>

header op_t {
    bit<8>  op;
    bit<8>  arg;
    bit<16> value;
}

// What the tests look at: filled in at the end of egress.
header seen_t {
    bit<32> instance;
    bit<16> ingress_port;
    bit<16> egress_port;
    bit<16> rid;
    bit<16> kept;
    bit<16> lost;
    bit<32> length;
    bit<32> enq_time;
    bit<32> enq_depth;
    bit<32> deq_delta;
    bit<32> deq_depth;
    bit<16> result;
}

header tag_t { bit<8> tag; }

struct headers_t {
    op_t   op;
    seen_t seen;
    tag_t  tag;
}

struct meta_t {
    @field_list(1, 2) bit<16> kept;
    bit<16> lost;
    bit<16> result;
    @field_list(2) bit<8> round;
}

struct digest_t {
    bit<9>  port;
    bit<16> value;
    bit<16> result;
}

parser P(packet_in pkt, out headers_t hdr, inout meta_t meta, inout standard_metadata_t std) {
    value_set<bit<8>>(4) tagged;

    state start {
        pkt.extract(hdr.op);
        transition select(hdr.op.arg) {
            tagged: parse_tag;
            default: accept;
        }
    }
    state parse_tag {
        pkt.extract(hdr.tag);
        transition accept;
    }
}

control V(inout headers_t hdr, inout meta_t meta) { apply {} }

control I(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t std) {
    register<bit<16>>(8) cells;
    register<bit<128>>(2) wide;
    counter(4, CounterType.packets_and_bytes) counts;
    meter(4, MeterType.packets) meters;
    direct_meter<bit<16>>(MeterType.bytes) direct;
    direct_counter(CounterType.packets_and_bytes) hits;

    action send(bit<9> port) { std.egress_spec = port; }
    action drop() { mark_to_drop(std); }
    action member(bit<9> port, bit<16> result) {
        std.egress_spec = port;
        meta.result = result;
    }
    action metered(bit<9> port) {
        direct.read(meta.result);
        std.egress_spec = port;
    }

    table spread {
        key = { hdr.op.op: exact; hdr.op.value: selector; }
        actions = { member; NoAction; }
        implementation = action_selector(HashAlgorithm.identity, 16, 16);
        size = 4;
    }
    table metering {
        key = { hdr.op.arg: exact; }
        actions = { metered; NoAction; }
        meters = direct;
        default_action = NoAction();
        size = 4;
    }
    table ranges {
        key = { hdr.op.value: range; std.ingress_port: optional; }
        actions = { send; NoAction; }
        counters = hits;
        default_action = NoAction();
        size = 4;
    }
    table ageing {
        key = { hdr.op.arg: exact; }
        actions = { send; NoAction; }
        support_timeout = true;
        default_action = NoAction();
        size = 2;
    }
    table fixed {
        key = { hdr.op.arg: ternary; }
        actions = { send; drop; }
        const default_action = drop();
        const entries = {
            0x01 &&& 0x0f: send(1);
            0x02 &&& 0x0f: send(2);
        }
    }

    apply {
        std.egress_spec = (bit<9>) hdr.op.arg;
        meta.kept = hdr.op.value;
        meta.lost = hdr.op.value;
        if (hdr.op.op == 1) {
            if (std.instance_type == 0) {
                clone_preserving_field_list(CloneType.I2E, 7, 1);
            }
            hdr.op.value = 0xffff; // the clone must not see this
            meta.kept = meta.kept + 1; // but must see this
        } else if (hdr.op.op == 3) {
            if (std.instance_type == 0) {
                meta.kept = 0x1234;
                hdr.op.value = 0xffff; // lost: the packet enters as it was
                resubmit_preserving_field_list(1);
            } else {
                std.egress_spec = 3;
            }
        } else if (hdr.op.op == 5) {
            std.mcast_grp = hdr.op.value;
        } else if (hdr.op.op == 6) {
            meta.result = 0xbeef;
            digest<digest_t>(1, { std.ingress_port, hdr.op.value, meta.result });
            hdr.op.value = hdr.op.value + 1; // p4c has copied the digest by now
        } else if (hdr.op.op == 8) {
            spread.apply();
        } else if (hdr.op.op == 9) {
            metering.apply();
        } else if (hdr.op.op == 10) {
            meters.execute_meter((bit<32>) hdr.op.value, meta.result);
            counts.count((bit<32>) hdr.op.value);
        } else if (hdr.op.op == 11) {
            bit<16> old;
            bit<128> w;
            cells.read(old, (bit<32>) hdr.op.value);
            cells.write((bit<32>) hdr.op.value, old + 3);
            meta.result = old;
            wide.read(w, 1);
            w = (w << 16) + (bit<128>) hdr.op.value;
            wide.write(1, w);
        } else if (hdr.op.op == 12) {
            if (ranges.apply().hit) {
                meta.result = 1;
            }
        } else if (hdr.op.op == 13) {
            ageing.apply();
        } else if (hdr.op.op == 14) {
            fixed.apply();
        } else if (hdr.op.op == 15) {
            std.priority = (bit<3>) hdr.op.value;
        } else if (hdr.op.op == 16) {
            random(meta.result, 16w10, 16w19);
        }
    }
}

control E(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t std) {
    apply {
        bool again = false;
        if (hdr.op.op == 2 && std.instance_type == 0) {
            meta.kept = meta.kept + 2;
            hdr.op.value = 0xe2e2; // an egress clone sees it
            clone_preserving_field_list(CloneType.E2E, 7, 1);
        } else if (hdr.op.op == 4 && meta.round < 3) {
            meta.round = meta.round + 1;
            again = true;
            recirculate_preserving_field_list(2);
        } else if (hdr.op.op == 7) {
            truncate((bit<32>) hdr.op.value);
        } else if (hdr.op.op == 17) {
            mark_to_drop(std);
        }
        hdr.seen.setValid();
        hdr.seen = {
            std.instance_type, (bit<16>) std.ingress_port, (bit<16>) std.egress_port, std.egress_rid,
            meta.kept, meta.lost, std.packet_length, std.enq_timestamp, (bit<32>) std.enq_qdepth,
            std.deq_timedelta, (bit<32>) std.deq_qdepth, meta.result
        };
        if (again) {
            hdr.seen.setInvalid();
        }
    }
}

control C(inout headers_t hdr, inout meta_t meta) { apply {} }

control D(packet_out pkt, in headers_t hdr) {
    apply {
        pkt.emit(hdr.op);
        pkt.emit(hdr.seen);
        pkt.emit(hdr.tag);
    }
}

V1Switch(P(), V(), I(), E(), C(), D()) main;
