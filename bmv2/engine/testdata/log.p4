// log.p4: messages with values of any width, for the engine's tests; compile with
//   p4c-bm2-ss -o log.json log.p4

#include <core.p4>
#include <v1model.p4>

header h_t {
    bit<128> wide;
    int<8>   small;
}

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
        log_msg("wide {}, signed {}, sum {}", { hdr.h.wide, hdr.h.small, hdr.h.wide + (bit<128>)(int<128>) hdr.h.small });
        log_msg("nothing to say");
    }
}

control E(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t std) { apply {} }
control C(inout headers_t hdr, inout meta_t meta) { apply {} }
control D(packet_out pkt, in headers_t hdr) { apply { pkt.emit(hdr); } }

V1Switch(P(), V(), I(), E(), C(), D()) main;
