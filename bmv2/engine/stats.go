package engine

// Stats counts what a switch did since it was made, and above all every packet
// that ended inside it.
type Stats struct {
	Received    uint64 // packets given to Receive
	Transmitted uint64
	Enqueued    uint64

	IngressDrops   uint64 // egress_spec was the drop port after ingress
	EgressDrops    uint64 // … after egress
	TailDrops      uint64 // the queue was full
	BadPriority    uint64 // standard_metadata.priority names no queue
	NoReplicas     uint64 // multicast to a group that is unknown or empty
	UnknownClones  uint64 // clone to a session that is not configured; the original goes on
	UnknownLists   uint64 // clone, resubmit, recirculate or digest with an unknown field list
	TooManyPasses  uint64 // recirculated, resubmitted or cloned without end
	Runaways       uint64 // an action or control flow had no end
	ParserErrors   uint64 // the packet goes on with parser_error set
	ChecksumErrors uint64 // checksums found wrong
	IndexErrors    uint64 // register, counter, meter or stack accesses out of range, which do nothing
	EmptyGroups    uint64 // hits on a selector group without active members, treated as misses
	Assertions     uint64 // assert or assume did not hold

	// ControlWaits counts packets that found the control plane at something they
	// change too: a counter, meter, register, queue or these statistics.
	ControlWaits uint64

	Cloned, Replicated, Resubmitted, Recirculated, Digests uint64
}

// Stats returns the switch's counters.
func (s *Switch) Stats() (now Stats) {
	s.visit(func() { now = s.stats })
	return now
}
