// A program whose ports, addresses and queues have names of the controller's:
// every place where P4Info can have a translated type, and an action profile that no
// table uses.
#include <core.p4>
#include <v1model.p4>

@p4runtime_translation("telltale/port", bit<32>)
type bit<9> port_t;
@p4runtime_translation("telltale/mac", 32)
type bit<48> mac_t;
@p4runtime_translation("telltale/queue", string)
type bit<7> queue_t;

@controller_header("packet_out")
header out_t { bit<9> port; queue_t queue; mac_t source; }
@controller_header("packet_in")
header in_t { mac_t source; queue_t queue; bit<9> port; }
header ethernet_t { mac_t dst; mac_t src; bit<16> kind; }
struct headers_t { out_t po; in_t pi; ethernet_t eth; }
struct meta_t { port_t port; queue_t queue; }
struct seen_t { mac_t mac; bit<9> port; }

parser P(packet_in b, out headers_t h, inout meta_t m, inout standard_metadata_t s) {
    state start {
        transition select(s.ingress_port) {
            255: ordered;
            default: eth;
        }
    }
    state ordered { b.extract(h.po); transition eth; }
    state eth { b.extract(h.eth); transition accept; }
}
control V(inout headers_t h, inout meta_t m) { apply { } }
control I(inout headers_t h, inout meta_t m, inout standard_metadata_t s) {
    register<mac_t>(4) last;
    action_selector(HashAlgorithm.crc16, 16, 8) spare;
    action send(port_t port, queue_t queue, mac_t via) {
        s.egress_spec = (bit<9>) port;
        m.queue = queue;
        h.eth.src = via;
    }
    action punt() {
        s.egress_spec = 255;
        h.pi.setValid();
        h.pi.source = h.eth.src;
        h.pi.queue = m.queue;
        h.pi.port = s.ingress_port;
    }
    table stations {
        key = { h.eth.dst: exact; m.queue: optional; }
        actions = { send; punt; }
        const default_action = punt();
    }
    table prefixes {
        key = { h.eth.src: lpm; }
        actions = { send; NoAction; }
    }
    table masks {
        key = { h.eth.src: ternary; m.port: range; }
        actions = { send; NoAction; }
    }
    apply {
        digest<seen_t>(1, { h.eth.src, s.ingress_port });
        last.write(0, h.eth.src);
        if (h.po.isValid()) {
            s.egress_spec = h.po.port;
            h.eth.src = h.po.source;
            h.po.setInvalid();
        } else {
            prefixes.apply();
            masks.apply();
            stations.apply();
        }
    }
}
control E(inout headers_t h, inout meta_t m, inout standard_metadata_t s) { apply { } }
control C(inout headers_t h, inout meta_t m) { apply { } }
control D(packet_out b, in headers_t h) { apply { b.emit(h); } }
V1Switch(P(), V(), I(), E(), C(), D()) main;
