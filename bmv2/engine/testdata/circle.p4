// circle.p4: packets that never end, in three ways, for the engine's tests; compile with
//   p4c-bm2-ss -o circle.json circle.p4

#include <core.p4>
#include <v1model.p4>

header h_t { bit<8> op; }

struct headers_t { h_t h; }
struct meta_t {}

parser P(packet_in pkt, out headers_t hdr, inout meta_t meta, inout standard_metadata_t std) {
    state start {
        pkt.extract(hdr.h);
        transition accept;
    }
}

control V(inout headers_t hdr, inout meta_t meta) { apply {} }

control I(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t std) {
    apply {
        std.egress_spec = 1;
        if (hdr.h.op == 1) {
            resubmit_preserving_field_list(0);
        }
    }
}

control E(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t std) {
    apply {
        if (hdr.h.op == 2) {
            recirculate_preserving_field_list(0);
        } else if (hdr.h.op == 3) {
            clone(CloneType.E2E, 7);
        }
    }
}

control C(inout headers_t hdr, inout meta_t meta) { apply {} }
control D(packet_out pkt, in headers_t hdr) { apply { pkt.emit(hdr); } }

V1Switch(P(), V(), I(), E(), C(), D()) main;
