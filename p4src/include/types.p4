// What the numbers of the two programs are called: types, well-known values and
// the shape of this target. Values that a controller may want to change are not
// here but in table entries.

#ifndef TELLTALE_TYPES_P4
#define TELLTALE_TYPES_P4

typedef bit<9>  port_t;
typedef bit<48> mac_t;
typedef bit<32> ipv4_t;
typedef bit<24> vni_t;
typedef bit<16> nexthop_t;
typedef bit<19> depth_t;  // packets in a queue, as the traffic manager counts them
typedef bit<48> time_t;   // µs since the switch started, as v1model counts them

// Ports of the target that are no cables.
const port_t CPU_PORT  = 510;
const port_t DROP_PORT = 511;

// standard_metadata.instance_type of simple_switch.
const bit<32> INSTANCE_INGRESS_CLONE = 1;
const bit<32> INSTANCE_EGRESS_CLONE  = 2;

// The clone session that leads to the collector. The controller creates it.
const bit<32> REPORT_SESSION = 100;

// The list of metadata that a clone carries into its egress pass.
#define REPORT_FIELDS 1

const bit<16> ETHERTYPE_IPV4 = 0x0800;
const bit<8>  PROTO_TCP      = 6;
const bit<8>  PROTO_UDP      = 17;
const bit<16> PORT_VXLAN     = 4789;
const bit<8>  VXLAN_FLAG_VNI = 0x08;  // the I flag: the VNI is valid (RFC 7348 §5)
const bit<8>  DEFAULT_TTL    = 64;
const bit<3>  IPV4_DF        = 0b010;

// Bytes that VXLAN puts in front of a tenant's frame, beside the outer Ethernet.
const bit<16> UDP_BYTES      = 8;
const bit<16> VXLAN_BYTES    = 8;
const bit<16> IPV4_BYTES     = 20;
const bit<16> ETHERNET_BYTES = 14;

// Where an ACL entry stands in a tenant packet's way.
const bit<1> FROM_TENANT = 0;
const bit<1> TO_TENANT   = 1;

// Why a packet went to the controller (packet_in.reason).
const bit<8> CPU_REASON_ROUTE = 1;  // a route says so

#endif
