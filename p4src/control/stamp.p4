// What the source vswitch writes on a tenant's packet before anything can drop it, so
// that a postcard of its loss names it too. No tables.
//
// packet_id  one cell: the next outer IPv4 identification. (Outer source, packet id,
//            flow hash) names a packet along its path for 65536 packets of a source.
// epoch      bit 13 of this switch's clock in µs: it flips every 8.192 ms, and all hops
//            account a packet to the epoch in which it started.
//
// Reading and advancing packet_id is one action, hence atomic.

#ifndef TELLTALE_STAMP_P4
#define TELLTALE_STAMP_P4

control Stamp(inout metadata_t meta, in standard_metadata_t std) {
    @name(".packet_id") @id(ID_REGISTER_PACKET_ID)
    register<bit<16>>(1) packet_id;

    @hidden action take_packet_id() {
        packet_id.read(meta.packet_id, 0);
        packet_id.write(0, meta.packet_id + 1);
        meta.epoch = std.ingress_global_timestamp[13:13];
    }

    apply {
        take_packet_id();
    }
}

#endif
