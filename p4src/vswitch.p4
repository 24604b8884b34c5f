// vswitch.p4: the virtual switch of a host. Takes tenants' packets in and out of the
// overlay, keeps tenants apart, reports what happens to packets.

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
#include "control/ports.p4"
#include "control/flow.p4"
#include "control/stamp.p4"
#include "control/watch.p4"
#include "control/admission.p4"
#include "control/source_guard.p4"
#include "control/acl.p4"
#include "control/overlay.p4"
#include "control/forwarding.p4"
#include "control/egress.p4"

control VSwitchIngress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    PacketOut() from_controller;
    Telemetry() telemetry;
    Ports() ports;
    Vtep() vtep;
    Flow() flow;
    Stamp() stamp;
    Watch() watch;
    Admission() admission;
    SourceGuard() source_guard;
    OursCheck() ours_check;
    Acl() acl;
    Overlay() overlay;
    Forwarding() forwarding;
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
            ports.apply(meta, std);
            vtep.apply(meta);
            flow.apply(hdr, meta);
            if (meta.from_tenant == 1) {
                stamp.apply(meta, std);
            }
            watch.apply(meta);
            if (meta.drop_reason == DROP_NONE) {
                admission.apply(hdr, meta, std);
            }
            if (meta.drop_reason == DROP_NONE) {
                if (meta.from_tenant == 1) {
                    source_guard.apply(hdr, meta, std);
                } else {
                    ours_check.apply(hdr, meta);
                }
            }
            if (meta.drop_reason == DROP_NONE) {
                acl.apply(meta);
            }
            if (meta.drop_reason == DROP_NONE) {
                overlay.apply(hdr, meta, std);
            }
            if (meta.drop_reason == DROP_NONE && meta.is_local == 0) {
                forwarding.apply(hdr, meta, std);
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

V1Switch(PacketParser(), VerifyOuterAndInner(), VSwitchIngress(), PacketEgress(), UpdateReportAndOuter(),
         PacketDeparser()) main;
