// The overlay: from a tenant's address (CA) to where it lives (PA), in and out of VXLAN.
//
//     vtep     ─ (no key) ─►  set_vtep(address)     our own PA
//                             no_vtep()
//
//     overlay  ─ vni, dst ─►  local(port, smac, dmac)   a VM here: deliver
//                             remote(address)           behind that PA: encapsulate, route
//                             no_mapping()
//
//     from a tenant ─► local  ─► delivered as it is, new MACs
//                    ─► remote ─► Encapsulate ─► Forwarding
//                    ─► none   ─► MAPPING_MISS
//     from uplink  ─ VXLAN to our PA? no ─► NOT_OURS
//                    ─► local  ─► Decapsulate, new MACs
//                    ─► other  ─► VNI_UNKNOWN: never back into the fabric
//
// Isolation rests on two things: a VNI is given by a port or by a VTEP, never by a
// tenant, and every lookup has it in its key. Before the controller has set our PA
// nothing from the underlay is ours, and nothing can be sent there (MAPPING_MISS).
// Source port of VXLAN = 0xC000 | flow hash, the dynamic range (RFC 7348 §5).

#ifndef TELLTALE_OVERLAY_P4
#define TELLTALE_OVERLAY_P4

control Vtep(inout metadata_t meta) {
    @name(".set_vtep") @id(ID_ACTION_SET_VTEP)
    action set_vtep(ipv4_t address) {
        meta.vtep = address;
    }

    @name(".no_vtep") @id(ID_ACTION_NO_VTEP)
    action no_vtep() {
        meta.vtep = 0;
    }

    @name(".vtep") @id(ID_TABLE_VTEP)
    table vtep {
        key = { }
        actions = { set_vtep; no_vtep; }
        default_action = no_vtep();
        size = 1;
    }

    apply {
        vtep.apply();
    }
}

// Which underlay packets may be opened.
control OursCheck(in headers_t hdr, inout metadata_t meta) {
    apply {
        if (!hdr.vxlan.isValid() || meta.vtep == 0 || hdr.ipv4.dst_addr != meta.vtep) {
            meta.drop_reason = DROP_NOT_OURS;
        } else if ((hdr.vxlan.flags & VXLAN_FLAG_VNI) == 0) {
            meta.drop_reason = DROP_VNI_UNKNOWN;
        } else if (!hdr.inner_ipv4.isValid()) {
            meta.drop_reason = DROP_NOT_IPV4;
        }
    }
}

// The tenant's frame becomes the inside; around it come our headers, except for the
// MAC addresses, which the next hop has. DSCP and ECN are copied to the outside.
control Encapsulate(inout headers_t hdr, inout metadata_t meta) {
    apply {
        hdr.inner_ethernet = hdr.ethernet;
        hdr.inner_ipv4 = hdr.ipv4;
        hdr.inner_ipv4_options = hdr.ipv4_options;
        hdr.inner_ports = hdr.ports;

        hdr.ipv4_options.setInvalid();
        hdr.ipv4.version = 4;
        hdr.ipv4.ihl = 5;
        hdr.ipv4.total_len = meta.length + (IPV4_BYTES + UDP_BYTES + VXLAN_BYTES);
        hdr.ipv4.identification = meta.packet_id;
        hdr.ipv4.flags = IPV4_DF;
        hdr.ipv4.frag_offset = 0;
        hdr.ipv4.ttl = DEFAULT_TTL;
        hdr.ipv4.protocol = PROTO_UDP;
        hdr.ipv4.src_addr = meta.vtep;
        hdr.ipv4.dst_addr = meta.remote;
        meta.outer_is_new = 1;

        hdr.ports.setValid();
        hdr.ports.src_port = 0xC000 | meta.flow_hash[15:0];
        hdr.ports.dst_port = PORT_VXLAN;
        hdr.udp_tail.setValid();
        hdr.udp_tail.length = meta.length + (UDP_BYTES + VXLAN_BYTES);
        hdr.udp_tail.checksum = 0;

        hdr.vxlan.setValid();
        hdr.vxlan.flags = VXLAN_FLAG_VNI;
        hdr.vxlan.reserved = 0;
        hdr.vxlan.vni = meta.vni;
        hdr.vxlan.epoch = meta.epoch;
        hdr.vxlan.colour = meta.colour;
        hdr.vxlan.reserved2 = 0;

        meta.length = meta.length + (ETHERNET_BYTES + IPV4_BYTES + UDP_BYTES + VXLAN_BYTES);
    }
}

control Decapsulate(inout headers_t hdr, inout metadata_t meta) {
    apply {
        meta.length = meta.length
            - (ETHERNET_BYTES + ((bit<16>) hdr.ipv4.ihl << 2) + UDP_BYTES + VXLAN_BYTES);
        hdr.ethernet.ether_type = hdr.inner_ethernet.ether_type;
        hdr.ipv4 = hdr.inner_ipv4;
        hdr.ipv4_options = hdr.inner_ipv4_options;
        hdr.ports = hdr.inner_ports;
        hdr.udp_tail.setInvalid();
        hdr.vxlan.setInvalid();
        hdr.inner_ethernet.setInvalid();
        hdr.inner_ipv4.setInvalid();
        hdr.inner_ipv4_options.setInvalid();
        hdr.inner_ports.setInvalid();
    }
}

control Overlay(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    Encapsulate() encapsulate;
    Decapsulate() decapsulate;
    mac_t from_mac = 0;
    mac_t to_mac = 0;

    @name(".overlay_counter") @id(ID_COUNTER_OVERLAY)
    direct_counter(CounterType.packets_and_bytes) overlay_counter;

    @name(".local") @id(ID_ACTION_LOCAL)
    action local(port_t port, mac_t smac, mac_t dmac) {
        meta.is_local = 1;
        meta.out_port = port;
        std.egress_spec = port;
        from_mac = smac;
        to_mac = dmac;
    }

    @name(".remote") @id(ID_ACTION_REMOTE)
    action remote(ipv4_t address) {
        meta.remote = address;
    }

    @name(".no_mapping") @id(ID_ACTION_NO_MAPPING)
    action no_mapping() {
        meta.remote = 0;
    }

    @name(".overlay") @id(ID_TABLE_OVERLAY)
    table overlay {
        key = {
            meta.vni: exact @name("vni");
            meta.dst: exact @name("dst");
        }
        actions = { local; remote; no_mapping; }
        default_action = no_mapping();
        counters = overlay_counter;
        size = SIZE_OVERLAY;
    }

    apply {
        overlay.apply();
        if (meta.is_local == 1) {
            if (meta.from_tenant == 0) {
                decapsulate.apply(hdr, meta);
            }
            hdr.ethernet.src_addr = from_mac;
            hdr.ethernet.dst_addr = to_mac;
        } else if (meta.from_tenant == 0) {
            meta.drop_reason = DROP_VNI_UNKNOWN;
        } else if (meta.remote == 0 || meta.vtep == 0) {
            meta.drop_reason = DROP_MAPPING_MISS;
        } else {
            encapsulate.apply(hdr, meta);
        }
    }
}

#endif
