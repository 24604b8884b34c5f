// meters.p4 exercises what p4c's own scripts leave out: a meter, a range key, an
// optional key, and a clone to a multicast group. Remade by hand:
// p4c-bm2-ss meters.p4 -o meters.json
#include <core.p4>
#include <v1model.p4>

header byte_h { bit<8> value; bit<8> colour; }
struct headers_t { byte_h b; }
struct metadata_t { }

parser P(packet_in pkt, out headers_t h, inout metadata_t m, inout standard_metadata_t sm) {
    state start { pkt.extract(h.b); transition accept; }
}
control V(inout headers_t h, inout metadata_t m) { apply { } }
control I(inout headers_t h, inout metadata_t m, inout standard_metadata_t sm) {
    meter(4, MeterType.packets) flow_meter;
    action send(bit<9> port) { sm.egress_spec = port; }
    action copy(bit<9> port) { sm.egress_spec = port; clone(CloneType.I2E, 32w7); }
    table choose {
        key = { h.b.value: range @name("value"); sm.ingress_port: optional @name("port"); }
        actions = { send; copy; NoAction; }
    }
    apply {
        bit<2> colour;
        flow_meter.execute_meter(1, colour);
        h.b.colour = (bit<8>) colour;
        choose.apply();
    }
}
control E(inout headers_t h, inout metadata_t m, inout standard_metadata_t sm) { apply { } }
control C(inout headers_t h, inout metadata_t m) { apply { } }
control D(packet_out pkt, in headers_t h) { apply { pkt.emit(h.b); } }
V1Switch(P(), V(), I(), E(), C(), D()) main;
