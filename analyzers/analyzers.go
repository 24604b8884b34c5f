// Package analyzers holds the words that all analyzers share: what a finding is
// and what it rests on. Each sub-folder answers one question and is a pure
// function of records and topology; none imports another, except incident, which
// reads the findings of the rest. No sockets, no clocks, no logging here or below.
package analyzers

import "github.com/telltale-net/telltale/collector/postcard"

// Kind is what is wrong. The set is closed: a new kind is a new constant here.
type Kind string

// The kinds of findings.
const (
	PolicyDeny      Kind = "policy-deny"      // a tenant rule denies traffic that used to pass
	RouteMissing    Kind = "route-missing"    // a switch has no route for an underlay prefix
	MappingMissing  Kind = "mapping-missing"  // a vswitch has no CA→PA mapping
	IsolationBreach Kind = "isolation"        // traffic of an unknown VNI, a spoofed source, a nested tunnel
	TTLExpired      Kind = "ttl-expired"      // a loop or a TTL too small
	MTUExceeded     Kind = "mtu-exceeded"     // a packet too large for a link
	SlowPort        Kind = "slow-port"        // a queue drains below its port's rate
	Congestion      Kind = "congestion"       // a queue fills although it drains at its port's rate
	LinkLoss        Kind = "link-loss"        // packets vanish between two hops, unreported by both
	Unexplained     Kind = "unexplained-drop" // drops whose reason names no cause
)

// Place is where: the fields that apply are set, the rest are zero.
type Place struct {
	Node   string `json:"node,omitempty"`
	Port   uint32 `json:"port,omitempty"`
	Queue  *uint8 `json:"queue,omitempty"`
	Peer   string `json:"peer,omitempty"`   // other end of the link at Port, or of the loss
	Prefix string `json:"prefix,omitempty"` // underlay prefix or address concerned
	VNET   string `json:"vnet,omitempty"`
	VNI    uint32 `json:"vni,omitempty"`
	Rule   uint32 `json:"rule,omitempty"`
}

// Evidence is one observation a finding rests on: a sentence, the measured
// figures in it by name, and the packets that show it.
type Evidence struct {
	Text    string             `json:"text"`
	Figures map[string]float64 `json:"figures,omitempty"`
	Packets []postcard.Record  `json:"-"` // a few examples, oldest first
}

// Finding is one conclusion. Times are nanoseconds of the collector's clock.
type Finding struct {
	Analyzer   string     `json:"analyzer"`
	Kind       Kind       `json:"kind"`
	Place      Place      `json:"place"`
	Since      int64      `json:"since_ns"`   // when the first packet suffered
	Until      int64      `json:"until_ns"`   // when the last one did
	Decided    int64      `json:"decided_ns"` // when the evidence sufficed
	Packets    uint64     `json:"packets"`    // packets that suffered
	Flows      int        `json:"flows"`      // tenant flows that suffered
	Confidence float64    `json:"confidence"` // 0…1, how far the evidence excludes other explanations
	Evidence   []Evidence `json:"evidence"`
	// ReportLoss is the share of reports of the nodes concerned that never arrived in
	// the window, from sequence numbers: what the finding could have missed.
	ReportLoss float64 `json:"report_loss"`
}
