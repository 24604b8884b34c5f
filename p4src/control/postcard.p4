// Whether a packet is reported, and what is noted of it then. No tables: the wishes
// are in telemetry, watch and queue_watch.
//
//                           ┌ dropped: drop_counter[reason], and if drops are reported
//     end of ingress ───────┤          or the packet is tracked: clone I2E ─┐
//                           └ else: on to the queue                        ├► Report
//     end of egress  ─ dropped, tracked or met a long queue: clone E2E ─────┘
//
// At most one report per packet and switch. An ingress clone shows the packet as it
// came in, an egress clone as it would leave, and `length` says the length of that
// packet. Clones, packet-outs and packet-ins never get here.

#ifndef TELLTALE_POSTCARD_P4
#define TELLTALE_POSTCARD_P4

control IngressDrop(inout metadata_t meta, inout standard_metadata_t std) {
    apply {
        drop_counter.count((bit<32>) meta.drop_reason);
        mark_to_drop(std);
        if (meta.telemetry_on == 1 && meta.ignored == 0
            && (meta.report_drops == 1 || meta.tracked == 1)) {
            meta.in_port = std.ingress_port;
            meta.length = (bit<16>) std.packet_length;
            meta.ingress_time = std.ingress_global_timestamp;
            meta.queue = (bit<8>) std.priority;
            meta.outer_is_new = 0;
            clone_preserving_field_list(CloneType.I2E, REPORT_SESSION, REPORT_FIELDS);
        }
    }
}

control EgressPostcard(inout metadata_t meta, inout standard_metadata_t std) {
    apply {
        bit<1> wanted = meta.tracked | meta.congested;
        if (meta.drop_reason != DROP_NONE) {
            drop_counter.count((bit<32>) meta.drop_reason);
            mark_to_drop(std);
            wanted = wanted | meta.report_drops;
        }
        if (wanted == 1 && meta.telemetry_on == 1 && meta.ignored == 0) {
            meta.in_port = std.ingress_port;
            meta.out_port = std.egress_port;
            meta.ingress_time = std.ingress_global_timestamp;
            meta.egress_time = std.egress_global_timestamp;
            meta.queue = (bit<8>) std.priority;
            meta.enqueue_depth = (bit<32>) std.enq_qdepth;
            meta.dequeue_depth = std.deq_qdepth;
            clone_preserving_field_list(CloneType.E2E, REPORT_SESSION, REPORT_FIELDS);
        }
    }
}

#endif
