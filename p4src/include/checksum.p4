// IPv4 header checksums.
//
// Verified: the outermost header everywhere, what VXLAN carries only in the vswitch
// that opens it (a transit hop has no business with it; the source vswitch checked
// it when it was outermost). A wrong one is dropped with IP_CHECKSUM by Admission.
//
// Written in full: the headers made here, which are those of VXLAN and of reports.
// A TTL is decremented with an incremental update in Forwarding, and every other
// header leaves with the checksum it came with: a report on a broken packet shows
// the broken checksum.

#ifndef TELLTALE_CHECKSUM_P4
#define TELLTALE_CHECKSUM_P4

#include "headers.p4"
#include "metadata.p4"

#define IPV4_FIELDS(ip) \
    ip.version, ip.ihl, ip.tos, ip.total_len, ip.identification, ip.flags, \
    ip.frag_offset, ip.ttl, ip.protocol, ip.src_addr, ip.dst_addr

control VerifyOuter(inout headers_t hdr, inout metadata_t meta) {
    apply {
        verify_checksum(hdr.ipv4.isValid(), { IPV4_FIELDS(hdr.ipv4), hdr.ipv4_options.data },
                        hdr.ipv4.hdr_checksum, HashAlgorithm.csum16);
    }
}

control VerifyOuterAndInner(inout headers_t hdr, inout metadata_t meta) {
    apply {
        verify_checksum(hdr.ipv4.isValid(), { IPV4_FIELDS(hdr.ipv4), hdr.ipv4_options.data },
                        hdr.ipv4.hdr_checksum, HashAlgorithm.csum16);
        verify_checksum(hdr.inner_ipv4.isValid(),
                        { IPV4_FIELDS(hdr.inner_ipv4), hdr.inner_ipv4_options.data },
                        hdr.inner_ipv4.hdr_checksum, HashAlgorithm.csum16);
    }
}

control UpdateReport(inout headers_t hdr, inout metadata_t meta) {
    apply {
        update_checksum(hdr.report_ipv4.isValid(), { IPV4_FIELDS(hdr.report_ipv4) },
                        hdr.report_ipv4.hdr_checksum, HashAlgorithm.csum16);
    }
}

control UpdateReportAndOuter(inout headers_t hdr, inout metadata_t meta) {
    apply {
        update_checksum(hdr.report_ipv4.isValid(), { IPV4_FIELDS(hdr.report_ipv4) },
                        hdr.report_ipv4.hdr_checksum, HashAlgorithm.csum16);
        update_checksum(meta.outer_is_new == 1, { IPV4_FIELDS(hdr.ipv4) },
                        hdr.ipv4.hdr_checksum, HashAlgorithm.csum16);
    }
}

#endif
