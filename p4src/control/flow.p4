// Which flow a packet belongs to: one key and one hash that every hop agrees on.
//
// The flow is the tenant's wherever there is one: at a tenant's port the packet
// itself, in the underlay what VXLAN carries. Other underlay packets are their own
// flow in VNI 0. Ports are zero without TCP or UDP and in fragments after the first;
// a packet that is not IPv4 has no flow (flow_known = 0).
//
//     flow_hash = crc32(vni 24, src 32, dst 32, proto 8, sport 16, dport 16)
//
// The packet id is the identification of the outermost IPv4 header; with VXLAN come
// colour and epoch. A tenant's packet has none of them yet: Stamp gives it its own.
//
// REQUIRES: meta.from_tenant and, for a tenant's packet, meta.vni.

#ifndef TELLTALE_FLOW_P4
#define TELLTALE_FLOW_P4

control Flow(in headers_t hdr, inout metadata_t meta) {
    apply {
        if (meta.from_tenant == 0 && hdr.vxlan.isValid()) {
            meta.vni = hdr.vxlan.vni;
            meta.epoch = hdr.vxlan.epoch;
            meta.colour = hdr.vxlan.colour;
            meta.packet_id = hdr.ipv4.identification;
            if (hdr.inner_ipv4.isValid()) {
                meta.flow_known = 1;
                meta.src = hdr.inner_ipv4.src_addr;
                meta.dst = hdr.inner_ipv4.dst_addr;
                meta.proto = hdr.inner_ipv4.protocol;
                if (hdr.inner_ports.isValid()) {
                    meta.sport = hdr.inner_ports.src_port;
                    meta.dport = hdr.inner_ports.dst_port;
                }
            }
        } else if (hdr.ipv4.isValid()) {
            meta.flow_known = 1;
            meta.packet_id = hdr.ipv4.identification;
            meta.src = hdr.ipv4.src_addr;
            meta.dst = hdr.ipv4.dst_addr;
            meta.proto = hdr.ipv4.protocol;
            if (hdr.ports.isValid()) {
                meta.sport = hdr.ports.src_port;
                meta.dport = hdr.ports.dst_port;
            }
        }
        if (meta.flow_known == 1) {
            hash(meta.flow_hash, HashAlgorithm.crc32, 32w0,
                 { meta.vni, meta.src, meta.dst, meta.proto, meta.sport, meta.dport },
                 64w0x100000000);
        }
    }
}

#endif
