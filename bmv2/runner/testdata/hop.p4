#include <core.p4>
#include <v1model.p4>
header hop_t { bit<8> kind; bit<8> count; }
header time_t { bit<48> at; }
struct headers { hop_t hop; time_t time; }
struct meta { }
parser P(packet_in b, out headers h, inout meta m, inout standard_metadata_t s) {
    state start { b.extract(h.hop); transition select(h.hop.kind) { 9: stamp; default: accept; } }
    state stamp { b.extract(h.time); transition accept; }
}
control V(inout headers h, inout meta m) { apply { } }
control I(inout headers h, inout meta m, inout standard_metadata_t s) {
    @name(".drop") action drop() { mark_to_drop(s); }
    @name(".send") action send(bit<9> port) { s.egress_spec = port; }
    @name(".forward") table forward {
        key = { h.hop.kind: exact @name("kind"); }
        actions = { send; drop; }
        default_action = drop();
        size = 64;
        support_timeout = true;
    }
    apply { forward.apply(); }
}
control E(inout headers h, inout meta m, inout standard_metadata_t s) {
    apply { h.hop.count = h.hop.count + 1; if (h.time.isValid()) { h.time.at = s.ingress_global_timestamp; } }
}
control C(inout headers h, inout meta m) { apply { } }
control D(packet_out b, in headers h) { apply { b.emit(h); } }
V1Switch(P(), V(), I(), E(), C(), D()) main;
