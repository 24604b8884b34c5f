// How many entries each table must hold at least, and why that many.

#ifndef TELLTALE_SIZES_P4
#define TELLTALE_SIZES_P4

#define SIZE_PORTS         512    // every value of a 9-bit port
#define SIZE_DROP_REASONS  256    // every value of an 8-bit reason
#define SIZE_ROUTES        4096   // a prefix per rack and per VTEP of a fabric
#define SIZE_NEXTHOPS      1024   // neighbours and groups of neighbours
#define SIZE_ECMP          4096   // members of all groups together
#define SIZE_ECMP_GROUP    64     // members of one group
#define SIZE_WATCH         1024   // flows under observation
#define SIZE_SOURCE_GUARD  4096   // tenant addresses behind one vswitch
#define SIZE_ACL           8192   // rules of all tenants behind one vswitch
#define SIZE_OVERLAY       65536  // (VNI, CA) pairs that one vswitch talks to

#endif
