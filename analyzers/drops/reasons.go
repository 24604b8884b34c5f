package drops

import "fmt"

// The drop reasons: p4src/include/drop_reasons.p4 is the one table (a test compares).
const (
	None           uint8 = 0
	IPTTLZero      uint8 = 26
	IPMiss         uint8 = 29
	IPChecksum     uint8 = 31
	PortUnknown    uint8 = 40
	MTU            uint8 = 50
	TrafficManager uint8 = 51
	ACLDeny        uint8 = 60
	MappingMiss    uint8 = 128
	VNIUnknown     uint8 = 129
	SourceSpoofed  uint8 = 130
	NestedOverlay  uint8 = 131
	NexthopMiss    uint8 = 132
	ParserError    uint8 = 133
	NotIPv4        uint8 = 134
	NotOurs        uint8 = 135
)

// Class is whose business a drop is: the first column of VTrace's table 4.
type Class string

// The classes of root causes.
const (
	TenantPolicy Class = "tenant policy"
	TenantConfig Class = "tenant configuration"
	Route        Class = "route"
	Capacity     Class = "capacity"
	Malformed    Class = "malformed packet"
	Isolation    Class = "isolation"
	Unknown      Class = "unknown"
)

// Cause is what a drop reason means.
type Cause struct {
	Reason uint8
	Name   string // as in p4src/include/drop_reasons.p4
	Class  Class
	Words  string // completes "the packet was dropped because …"
}

// causes is the root-cause table, by reason.
var causes = [...]Cause{
	{None, "NONE", Unknown, "the switch gave no reason"},
	{IPTTLZero, "IP_TTL_ZERO", Route, "its TTL ran out: a routing loop, or too small a TTL"},
	{IPMiss, "IP_MISS", Route, "the switch has no route for its destination"},
	{IPChecksum, "IP_CHECKSUM", Malformed, "its IP header checksum is wrong: corrupted on the way or by its sender"},
	{PortUnknown, "PORT_UNKNOWN", TenantConfig, "it came in at a port that belongs to no tenant and is no uplink"},
	{MTU, "MTU", TenantConfig, "it is larger than the link's MTU and must not be fragmented"},
	{TrafficManager, "TRAFFIC_MANAGER", Capacity, "the queue of its output port was full"},
	{ACLDeny, "ACL_DENY", TenantPolicy, "a rule of the tenant's policy denies it"},
	{MappingMiss, "MAPPING_MISS", TenantConfig, "the vswitch knows no place for its tenant address"},
	{VNIUnknown, "VNI_UNKNOWN", Isolation, "the vswitch hosts no such address in that virtual network"},
	{SourceSpoofed, "SOURCE_SPOOFED", Isolation, "its source address is not the sender's"},
	{NestedOverlay, "NESTED_OVERLAY", Isolation, "a tenant sent an overlay packet of its own"},
	{NexthopMiss, "NEXTHOP_MISS", Route, "its route points to a next hop that does not exist"},
	{ParserError, "PARSER_ERROR", Malformed, "the parser could not make sense of its headers"},
	{NotIPv4, "NOT_IPV4", Malformed, "it is not IPv4"},
	{NotOurs, "NOT_OURS", Isolation, "it was tunnelled to another vswitch than this one"},
}

// Causes returns the root-cause table, by reason.
func Causes() []Cause { return append([]Cause(nil), causes[:]...) }

// CauseOf returns the root cause of a drop reason; a reason the table does not have
// is of class Unknown and named by its number.
func CauseOf(reason uint8) Cause {
	for _, c := range causes {
		if c.Reason == reason {
			return c
		}
	}
	return Cause{reason, fmt.Sprintf("REASON_%d", reason), Unknown, fmt.Sprintf("the switch gave reason %d, which has no name", reason)}
}
