// The egress pipeline of both programs: what is done between queue and wire.
//
//     QueueDepth ┬ clone ───────────────► Report
//                ├ injected by controller ─ (as it is)
//                ├ to the CPU port ─────► PacketIn
//                └ else ─► Mtu ─► QueueWatch ─► EgressPostcard
//
// port_out counts, per port, what really leaves. (Bytes are those of the packet as it
// came in: simple_switch counts so.)

#ifndef TELLTALE_EGRESS_P4
#define TELLTALE_EGRESS_P4

#include "mtu.p4"
#include "packet_io.p4"
#include "postcard.p4"
#include "queue.p4"
#include "report.p4"

control PacketEgress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    QueueDepth() queue_seen;
    Report() report;
    PacketIn() to_controller;
    Mtu() mtu;
    QueueWatch() queue_watch;
    EgressPostcard() postcard;

    @name(".port_out") @id(ID_COUNTER_PORT_OUT)
    counter(SIZE_PORTS, CounterType.packets_and_bytes) port_out;

    apply {
        queue_seen.apply(std);
        if (std.instance_type == INSTANCE_INGRESS_CLONE
            || std.instance_type == INSTANCE_EGRESS_CLONE) {
            report.apply(hdr, meta, std);
        } else if (meta.injected == 1) {
            // As it is.
        } else if (std.egress_port == CPU_PORT) {
            to_controller.apply(hdr, meta, std);
        } else {
            mtu.apply(hdr, meta, std);
            queue_watch.apply(meta, std);
            postcard.apply(meta, std);
        }
        if (std.egress_spec != DROP_PORT) {
            port_out.count((bit<32>) std.egress_port);
        }
    }
}

#endif
