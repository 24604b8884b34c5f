// Why a packet was dropped: one table for both programs, the reports, the drop
// counter and, through generated constants, everything written in Go.
//
// Numbers below 128 are those of p4lang/switch's drop_reason_codes.h, which the
// Telemetry Report specification names as its example; from 128 on they are ours.
// A number is never reused. The generator reads this file: one constant per line,
// its comment is its documentation.

#ifndef TELLTALE_DROP_REASONS_P4
#define TELLTALE_DROP_REASONS_P4

const bit<8> DROP_NONE            = 0;    // not dropped
const bit<8> DROP_IP_TTL_ZERO     = 26;   // the TTL ran out at this hop, or was zero when a tenant sent the packet
const bit<8> DROP_IP_MISS         = 29;   // no route to the destination
const bit<8> DROP_IP_CHECKSUM     = 31;   // an IPv4 header checksum is wrong
const bit<8> DROP_PORT_UNKNOWN    = 40;   // the ingress port is neither a tenant's nor an uplink
const bit<8> DROP_MTU             = 50;   // longer than the MTU of the output port
const bit<8> DROP_TRAFFIC_MANAGER = 51;   // the queue of the output port is at its limit
const bit<8> DROP_ACL_DENY        = 60;   // a rule of the tenant's policy denies it
const bit<8> DROP_MAPPING_MISS    = 128;  // nobody knows where the destination (VNI, CA) lives
const bit<8> DROP_VNI_UNKNOWN     = 129;  // came for a (VNI, CA) that this vswitch does not host
const bit<8> DROP_SOURCE_SPOOFED  = 130;  // the tenant sent from an address that is not its own
const bit<8> DROP_NESTED_OVERLAY  = 131;  // the tenant sent VXLAN itself
const bit<8> DROP_NEXTHOP_MISS    = 132;  // the route's next hop does not exist or has no usable member
const bit<8> DROP_PARSER_ERROR    = 133;  // the packet is shorter than its headers say, or they are malformed
const bit<8> DROP_NOT_IPV4        = 134;  // a protocol that this pipeline does not carry
const bit<8> DROP_NOT_OURS        = 135;  // underlay packet that is not VXLAN to this vswitch

#endif
