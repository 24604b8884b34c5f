// P4Runtime ids of everything a controller can name. An id is never reused and
// never changes: a controller and a switch of different releases must agree. The
// first byte is the kind (P4Runtime's P4Ids), the rest is ours: 0x0100… shared by
// both programs, 0x0200… vswitch only.

#ifndef TELLTALE_IDS_P4
#define TELLTALE_IDS_P4

// Tables. Next free: shared 0x02000109, vswitch 0x02000206.
#define ID_TABLE_ROUTES         0x02000101
#define ID_TABLE_NEXTHOPS       0x02000102
#define ID_TABLE_TELEMETRY      0x02000103
#define ID_TABLE_WATCH          0x02000104
#define ID_TABLE_QUEUE_LIMIT    0x02000105
#define ID_TABLE_QUEUE_WATCH    0x02000106
#define ID_TABLE_MTU            0x02000107
#define ID_TABLE_REPORT_TARGET  0x02000108
#define ID_TABLE_PORTS          0x02000201
#define ID_TABLE_VTEP           0x02000202
#define ID_TABLE_SOURCE_GUARD   0x02000203
#define ID_TABLE_ACL            0x02000204
#define ID_TABLE_OVERLAY        0x02000205

// Actions. Next free: shared 0x0100010E, vswitch 0x0100020D.
#define ID_ACTION_SET_NEXTHOP       0x01000101
#define ID_ACTION_TO_CPU            0x01000102
#define ID_ACTION_ROUTE_MISS        0x01000103
#define ID_ACTION_FORWARD           0x01000104
#define ID_ACTION_TELEMETRY_CONFIG  0x01000105
#define ID_ACTION_TELEMETRY_OFF     0x01000106
#define ID_ACTION_WATCH_FLOW        0x01000107
#define ID_ACTION_IGNORE_FLOW       0x01000108
#define ID_ACTION_LIMIT_QUEUE       0x01000109
#define ID_ACTION_WATCH_QUEUE       0x0100010A
#define ID_ACTION_SET_MTU           0x0100010B
#define ID_ACTION_SET_REPORT_TARGET 0x0100010C
#define ID_ACTION_NO_REPORT_TARGET  0x0100010D
#define ID_ACTION_TENANT_PORT       0x01000201
#define ID_ACTION_UPLINK_PORT       0x01000202
#define ID_ACTION_PORT_UNKNOWN      0x01000203
#define ID_ACTION_SET_VTEP          0x01000204
#define ID_ACTION_SOURCE_OK         0x01000205
#define ID_ACTION_SOURCE_SPOOFED    0x01000206
#define ID_ACTION_PERMIT            0x01000207
#define ID_ACTION_DENY              0x01000208
#define ID_ACTION_LOCAL             0x01000209
#define ID_ACTION_REMOTE            0x0100020A
#define ID_ACTION_NO_MAPPING        0x0100020B
#define ID_ACTION_NO_VTEP           0x0100020C

#define ID_PROFILE_ECMP 0x11000101

#define ID_COUNTER_DROP     0x12000101
#define ID_COUNTER_PORT_IN  0x12000102
#define ID_COUNTER_PORT_OUT 0x12000103

#define ID_COUNTER_ROUTES  0x13000101
#define ID_COUNTER_ACL     0x13000201
#define ID_COUNTER_OVERLAY 0x13000202

#define ID_REGISTER_REPORT_SEQ  0x16000101
#define ID_REGISTER_QUEUE_DEPTH 0x16000102
#define ID_REGISTER_PACKET_ID   0x16000201

#define ID_HEADER_PACKET_IN  0x04000101
#define ID_HEADER_PACKET_OUT 0x04000102

#endif
