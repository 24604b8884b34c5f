// Packets from and to the controller. No tables.
//
// A packet-out leaves through the port that it names, as it is: no lookup, no TTL, no
// report, no queue limit. A packet-in gets its header when it leaves through the CPU
// port, and is not reported either: the controller has the packet itself.

#ifndef TELLTALE_PACKET_IO_P4
#define TELLTALE_PACKET_IO_P4

control PacketOut(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    apply {
        meta.injected = 1;
        std.egress_spec = hdr.packet_out.egress_port;
        hdr.packet_out.setInvalid();
    }
}

control PacketIn(inout headers_t hdr, in metadata_t meta, in standard_metadata_t std) {
    apply {
        hdr.packet_in.setValid();
        hdr.packet_in.ingress_port = std.ingress_port;
        hdr.packet_in.pad = 0;
        hdr.packet_in.reason = meta.cpu_reason;
    }
}

#endif
