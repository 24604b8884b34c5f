// stacks.p4: header stacks, unions and varbit fields together, for the engine's
// tests; compile with
//   p4c-bm2-ss -o stacks.json stacks.p4

#include <core.p4>
#include <v1model.p4>

header first_t {
    bit<4>  kind;
    bit<4>  index;
    bit<8>  count;
}

header item_t {
    bit<7>  value;
    bit<1>  more;
}

header opt_t {
    bit<8>      len;
    varbit<64>  data;
}

header a_t { bit<8>  tag; }
header b_t { bit<8>  tag; bit<16> more; }

header_union u_t {
    a_t a;
    b_t b;
}

struct headers_t {
    first_t   first;
    item_t[4] items;
    u_t       u;
    opt_t     opt;
    opt_t     copy;
}

struct meta_t {
    bit<100>  big;
    int<9>    small;
    bit<8>    sum;
}

parser P(packet_in pkt, out headers_t hdr, inout meta_t meta, inout standard_metadata_t std) {
    state start {
        pkt.extract(hdr.first);
        verify(hdr.first.count != 99, error.HeaderTooShort);
        transition select(hdr.first.kind, pkt.lookahead<bit<8>>()) {
            (0, _): items;
            (1, 0x00 &&& 0x80): ua;
            (1, _): ub;
            (2, _): options;
            (3, 1 .. 5): accept;
            (4, _): skip;
            default: accept;
        }
    }
    state items {
        pkt.extract(hdr.items.next);
        transition select(hdr.items.last.more) {
            1: items;
            default: accept;
        }
    }
    state ua {
        pkt.extract(hdr.u.a);
        transition accept;
    }
    state ub {
        pkt.extract(hdr.u.b);
        transition accept;
    }
    state options {
        bit<8> n = pkt.lookahead<bit<8>>();
        pkt.extract(hdr.opt, (bit<32>) n << 3);
        transition accept;
    }
    state skip {
        pkt.advance((bit<32>) hdr.first.count);
        transition accept;
    }
}

control V(inout headers_t hdr, inout meta_t meta) { apply {} }

control I(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t std) {
    action mark(bit<8> count) { hdr.first.count = count; }
    table chosen {
        key = { hdr.items[hdr.first.index].value: exact; }
        actions = { mark; NoAction; }
        const default_action = NoAction();
        const entries = { 7w5: mark(77); }
    }
    apply {
        std.egress_spec = 1;
        if (hdr.first.kind == 0) {
            if (hdr.first.count == 1) {
                hdr.items.push_front(1);
                hdr.items[0].setValid();
                hdr.items[0].value = 1;
            } else if (hdr.first.count == 2) {
                hdr.items.pop_front(2);
            } else if (hdr.first.count == 3) {
                hdr.items[hdr.first.index].value = 99;
            } else if (hdr.first.count == 4) {
                hdr.first.count = (bit<8>) hdr.items[hdr.first.index].value;
            } else if (hdr.first.count == 5) {
                log_msg("a key chosen at run time");
                chosen.apply();
            } else if (hdr.first.count == 6 && hdr.items[hdr.first.index].isValid()) {
                hdr.first.count = 66;
            }
        } else if (hdr.first.kind == 1) {
            if (hdr.u.a.isValid()) {
                hdr.u.b.setValid();
                hdr.u.b.tag = 7;
                hdr.u.b.more = 0x0102;
            }
        } else if (hdr.first.kind == 2) {
            hdr.copy = hdr.opt;
            if (hdr.copy == hdr.opt) {
                hdr.first.count = 1;
            }
        }
        meta.big = (bit<100>) hdr.first.count << 90;
        meta.small = (int<9>) (int<8>) hdr.first.count |-| 200;
        meta.sum = (bit<8>) (meta.big >> 90) |+| 250;
    }
}

control E(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t std) { apply {} }
control C(inout headers_t hdr, inout meta_t meta) { apply {} }

control D(packet_out pkt, in headers_t hdr) {
    apply {
        pkt.emit(hdr);
    }
}

V1Switch(P(), V(), I(), E(), C(), D()) main;
