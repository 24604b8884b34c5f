// What a tenant may send at all, before its own policy is asked.
//
//     source_guard  ─ ingress_port, src ─►  source_ok()
//                                           source_spoofed()
//
// Each port has the tenant addresses (CA) that live behind it. A tenant that sends
// VXLAN would choose its own VNI, were its packet ever opened in the underlay: it is
// refused here. A packet that starts with TTL 0 is dropped; the vswitch takes nothing
// off a TTL itself.

#ifndef TELLTALE_SOURCE_GUARD_P4
#define TELLTALE_SOURCE_GUARD_P4

control SourceGuard(in headers_t hdr, inout metadata_t meta, in standard_metadata_t std) {
    @name(".source_ok") @id(ID_ACTION_SOURCE_OK)
    action source_ok() { }

    @name(".source_spoofed") @id(ID_ACTION_SOURCE_SPOOFED)
    action source_spoofed() {
        meta.drop_reason = DROP_SOURCE_SPOOFED;
    }

    @name(".source_guard") @id(ID_TABLE_SOURCE_GUARD)
    table source_guard {
        key = {
            std.ingress_port:  exact @name("ingress_port");
            hdr.ipv4.src_addr: exact @name("src");
        }
        actions = { source_ok; source_spoofed; }
        default_action = source_spoofed();
        size = SIZE_SOURCE_GUARD;
    }

    apply {
        if (hdr.ipv4.ttl == 0) {
            meta.drop_reason = DROP_IP_TTL_ZERO;
        } else if (hdr.vxlan.isValid()) {
            meta.drop_reason = DROP_NESTED_OVERLAY;
        } else {
            source_guard.apply();
        }
    }
}

#endif
