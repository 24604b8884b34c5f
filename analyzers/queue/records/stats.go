package records

// Stats counts what was read and what was wrong with it.
type Stats struct {
	Records   uint64 `json:"records"`                  // taken
	Bad       uint64 `json:"bad,omitempty"`            // not taken: malformed or contradictory
	Duplicate uint64 `json:"duplicate,omitempty"`      // not taken: the same record again
	Reordered uint64 `json:"reordered,omitempty"`      // came after a later arrival at its queue …
	MaxLate   int64  `json:"max_reorder_ns,omitempty"` // … and by how much at most, ns
	NoPacket  uint64 `json:"no_packet,omitempty"`      // taken without a packet id
	NoFlow    uint64 `json:"no_flow,omitempty"`        // taken without a flow
	NoStart   uint64 `json:"no_start,omitempty"`       // taken without the start of service, sources and lost packets apart
	Lost      uint64 `json:"lost,omitempty"`           // packets lost at the node
	FirstAt   int64  `json:"first_ns"`                 // time of the first arrival
	LastAt    int64  `json:"last_ns"`                  // time of the last arrival or departure
}

// add adds the counts of one queue.
func (s *Stats) add(o *Stats) {
	s.Records += o.Records
	s.Duplicate += o.Duplicate
	s.Reordered += o.Reordered
	s.MaxLate = max(s.MaxLate, o.MaxLate)
	s.NoPacket += o.NoPacket
	s.NoFlow += o.NoFlow
	s.NoStart += o.NoStart
	s.Lost += o.Lost
}
