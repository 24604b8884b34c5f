// The TTL of a transit hop. No tables.
//
// TtlCheck drops what may not travel on, before a route is looked up. TtlDecrement
// takes one off and corrects the checksum by RFC 1624 (equation 3): with the TTL in
// the high byte of its 16-bit word, HC' = ~(~HC + ~0x0100), end-around carry. It never
// yields 0xffff, which no full computation yields either; simple_switch compares.
//
// The vswitch uses neither: it is the tenant's next hop on the wire, not in IP. What
// it encapsulates starts with a fresh outer TTL, the inner one stays as it was.

#ifndef TELLTALE_TTL_P4
#define TELLTALE_TTL_P4

control TtlCheck(in headers_t hdr, inout metadata_t meta) {
    apply {
        if (hdr.ipv4.ttl <= 1) {
            meta.drop_reason = DROP_IP_TTL_ZERO;
        }
    }
}

control TtlDecrement(inout headers_t hdr) {
    apply {
        bit<32> sum = (bit<32>) (~hdr.ipv4.hdr_checksum) + 0xFEFF;
        sum = (sum & 0xFFFF) + (sum >> 16);
        hdr.ipv4.hdr_checksum = ~sum[15:0];
        hdr.ipv4.ttl = hdr.ipv4.ttl - 1;
    }
}

#endif
