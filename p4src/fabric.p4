// fabric.p4: leaf and spine. Routes the underlay, reports what happens to packets.

#include <core.p4>
#include <v1model.p4>

#include "include/drop_reasons.p4"
#include "include/headers.p4"
#include "include/ids.p4"
#include "include/metadata.p4"
#include "include/sizes.p4"
#include "include/types.p4"
#include "include/state.p4"
#include "include/parser.p4"
#include "include/checksum.p4"

#include "control/telemetry.p4"
#include "control/flow.p4"
#include "control/watch.p4"
#include "control/admission.p4"
#include "control/ttl.p4"
#include "control/forwarding.p4"
#include "control/egress.p4"

control FabricIngress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    PacketOut() from_controller;
    Telemetry() telemetry;
    Flow() flow;
    Watch() watch;
    Admission() admission;
    TtlCheck() ttl_check;
    Forwarding() forwarding;
    TtlDecrement() ttl_decrement;
    QueueLimit() queue_limit;
    IngressDrop() drop;

    @name(".port_in") @id(ID_COUNTER_PORT_IN)
    counter(SIZE_PORTS, CounterType.packets_and_bytes) port_in;

    apply {
        port_in.count((bit<32>) std.ingress_port);
        if (hdr.packet_out.isValid()) {
            from_controller.apply(hdr, meta, std);
        } else {
            meta.length = (bit<16>) std.packet_length;
            telemetry.apply(meta);
            flow.apply(hdr, meta);
            watch.apply(meta);
            admission.apply(hdr, meta, std);
            if (meta.drop_reason == DROP_NONE) {
                ttl_check.apply(hdr, meta);
            }
            if (meta.drop_reason == DROP_NONE) {
                forwarding.apply(hdr, meta, std);
            }
            if (meta.forwarded == 1) {
                ttl_decrement.apply(hdr);
            }
            if (meta.drop_reason == DROP_NONE) {
                queue_limit.apply(meta);
            }
            if (meta.drop_reason != DROP_NONE) {
                drop.apply(meta, std);
            }
        }
    }
}

V1Switch(PacketParser(), VerifyOuter(), FabricIngress(), PacketEgress(), UpdateReport(),
         PacketDeparser()) main;
