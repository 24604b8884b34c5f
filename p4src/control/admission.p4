// What every packet must be before anything forwards it. No tables: one comparison
// per reason, in the order in which a later one would mean nothing.
//
//     parser error ─► PARSER_ERROR ┬ not IPv4 ─► NOT_IPV4 ┬ wrong checksum ─► IP_CHECKSUM
//
// The first control to give a reason decides: each of those after it looks only at
// packets that have none.

#ifndef TELLTALE_ADMISSION_P4
#define TELLTALE_ADMISSION_P4

control Admission(in headers_t hdr, inout metadata_t meta, in standard_metadata_t std) {
    apply {
        if (std.parser_error != error.NoError) {
            meta.drop_reason = DROP_PARSER_ERROR;
        } else if (!hdr.ipv4.isValid()) {
            meta.drop_reason = DROP_NOT_IPV4;
        } else if (std.checksum_error == 1) {
            meta.drop_reason = DROP_IP_CHECKSUM;
        }
    }
}

#endif
