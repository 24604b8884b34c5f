package drops

import (
	"fmt"

	"github.com/telltale-net/telltale/p4src"
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
	Reason uint8 // numbering of p4src/include/drop_reasons.p4; its name is p4src.DropReasonName
	Class  Class
	Words  string // completes "the packet was dropped because …"
}

// causes is the root-cause table, by reason.
var causes = [...]Cause{
	{p4src.DropNone, Unknown, "the switch gave no reason"},
	{p4src.DropIPTTLZero, Route, "its TTL ran out: a routing loop, or too small a TTL"},
	{p4src.DropIPMiss, Route, "the switch has no route for its destination"},
	{p4src.DropIPChecksum, Malformed, "its IP header checksum is wrong: corrupted on the way or by its sender"},
	{p4src.DropPortUnknown, TenantConfig, "it came in at a port that belongs to no tenant and is no uplink"},
	{p4src.DropMTU, TenantConfig, "it is larger than the link's MTU and must not be fragmented"},
	{p4src.DropTrafficManager, Capacity, "the queue of its output port was full"},
	{p4src.DropACLDeny, TenantPolicy, "a rule of the tenant's policy denies it"},
	{p4src.DropMappingMiss, TenantConfig, "the vswitch knows no place for its tenant address"},
	{p4src.DropVNIUnknown, Isolation, "the vswitch hosts no such address in that virtual network"},
	{p4src.DropSourceSpoofed, Isolation, "its source address is not the sender's"},
	{p4src.DropNestedOverlay, Isolation, "a tenant sent an overlay packet of its own"},
	{p4src.DropNexthopMiss, Route, "its route points to a next hop that does not exist"},
	{p4src.DropParserError, Malformed, "the parser could not make sense of its headers"},
	{p4src.DropNotIPv4, Malformed, "it is not IPv4"},
	{p4src.DropNotOurs, Isolation, "it was tunnelled to another vswitch than this one"},
}

// Causes returns the root-cause table, by reason.
func Causes() []Cause { return append([]Cause(nil), causes[:]...) }

// CauseOf returns the root cause of a drop reason; a reason the table does not have
// is of class Unknown.
func CauseOf(reason uint8) Cause {
	for _, c := range causes {
		if c.Reason == reason {
			return c
		}
	}
	return Cause{reason, Unknown, fmt.Sprintf("the switch gave reason %d, which has no name", reason)}
}
