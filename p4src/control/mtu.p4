// The MTU of the output port.
//
//     mtu  ─ egress_port ─►  set_mtu(bytes)
//
// Compared with the total length of the outermost IPv4 header as it leaves, so with
// VXLAN where the packet has it. A port without an entry has no limit. Nothing is
// fragmented: fabric headers say "don't fragment", and a tenant's packet that is too
// long is dropped with its reason like one that says so.

#ifndef TELLTALE_MTU_P4
#define TELLTALE_MTU_P4

control Mtu(in headers_t hdr, inout metadata_t meta, in standard_metadata_t std) {
    @name(".set_mtu") @id(ID_ACTION_SET_MTU)
    action set_mtu(bit<16> bytes) {
        meta.drop_reason = hdr.ipv4.total_len > bytes ? DROP_MTU : meta.drop_reason;
    }

    @name(".mtu") @id(ID_TABLE_MTU)
    table mtu {
        key = { std.egress_port: exact @name("egress_port"); }
        actions = { set_mtu; @defaultonly NoAction; }
        const default_action = NoAction();
        size = SIZE_PORTS;
    }

    apply {
        mtu.apply();
    }
}

#endif
