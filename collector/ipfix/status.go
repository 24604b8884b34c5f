package ipfix

// The values of forwardingStatus (RFC 7270, 4.12) that are used: two bits of status and
// six of reason.
const (
	statusForwarded      = 64
	statusDropped        = 128 // for a reason that has no code
	statusACLDeny        = 129
	statusUnroutable     = 131
	statusAdjacency      = 132
	statusFragmentation  = 133
	statusHeaderChecksum = 134
	statusTTL            = 137
	statusRPF            = 140
)

// Status returns the forwardingStatus of a dropped packet by its drop reason (the
// numbering of p4src/include/drop_reasons.p4).
func Status(reason uint8) uint8 {
	switch reason {
	case 26: // TTL ran out
		return statusTTL
	case 29, 128, 129: // no route, no mapping, no such VNI
		return statusUnroutable
	case 31:
		return statusHeaderChecksum
	case 50: // longer than the MTU
		return statusFragmentation
	case 60:
		return statusACLDeny
	case 130: // not the tenant's own source address
		return statusRPF
	case 132: // no next hop
		return statusAdjacency
	}
	return statusDropped
}

// EndReason is why a flow was exported (RFC 5102, flowEndReason).
type EndReason uint8

// The reasons.
const (
	Idle   EndReason = 1
	Active EndReason = 2 // it went on for long
	Forced EndReason = 4 // the exporter ends
	NoRoom EndReason = 5 // others needed its place
)
