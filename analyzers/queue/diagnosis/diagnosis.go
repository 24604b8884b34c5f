// Package diagnosis holds what the queue analyzers conclude, whatever their method:
// victims, the ranked causes of each, and how far the answer may be trusted; and how
// that is written as JSON Lines:
//
//	{"victim":{"pkt":17,"node":"vpn1","queue":0,"flow":{…},"arrive":…,"wait_ns":…,"depth":…},
//	 "causes":[{"node":"nat1","kind":"processing","score":0.93,"low":0.9,"high":0.95,"flows":[…],"flow_scores":[…],
//	            "from":…,"to":…,"packets":…,"steps":[{"node":"vpn1","packets":1912,"span_ns":300000}]}],
//	 "uncertainty":{"unexplained":0.02,"record_loss":0,"clock_ns":0,"rate":0.01,"ambiguous":false}}
//
// Values only, no analysis.
package diagnosis

import "github.com/telltale-net/telltale/analyzers/queue/records"

// Kind is what a cause did wrong.
type Kind uint8

// The kinds of causes.
const (
	Processing Kind = iota + 1 // the node served more slowly than it can
	Traffic                    // the node sent, or was sent, more than the queue could serve
)

func (k Kind) String() string {
	switch k {
	case Processing:
		return "processing"
	case Traffic:
		return "traffic"
	}
	return "?"
}

// Victim is a packet that suffered at a node.
type Victim struct {
	Packet uint64 // records.NoPacket = has no id
	Flow   records.FlowID
	Node   int32
	Queue  uint16
	Arrive int64 // ns
	Wait   int64 // ns from arrival to start of service, or to departure where the start is not known
	Depth  int32 // packets in the queue on arrival
	Lost   bool  // there; Wait is then what it would have waited at least, or 0
}

// FlowScore is one flow's part of a cause.
type FlowScore struct {
	Flow  records.FlowID
	Score float64 // in the unit of Cause.Score
}

// Step is how trouble travelled: that many packets reached the node's queue, or a
// node's server held them, in that time.
type Step struct {
	Node    int32
	Packets int32
	Span    int64 // ns
}

// Cause is one culprit of one victim. Several at one node and of one kind are told apart
// by their flows and times.
type Cause struct {
	Node int32 // where it went wrong: the source of a burst, the node that stalled
	Kind Kind
	// Score is the share of the victim's wait that this cause accounts for, 0…1; Low
	// and High bound it, given what the data leaves open.
	Score, Low, High float64
	// Flows took part, the largest score first; empty where the cause concerns all
	// flows alike, as when a node stalls.
	Flows   []FlowScore
	More    int32 // flows beyond those listed
	From    int64 // when it acted, ns
	To      int64
	Packets int32  // in the burst, or served slowly, or held up
	Steps   []Step // from the culprit to the victim's queue
}

// Uncertainty is what an answer rests on.
type Uncertainty struct {
	Unexplained float64 // share of the wait that no cause accounts for
	RecordLoss  float64 // share of the records it rests on that are missing, estimated
	Clock       int64   // ns by which clocks of the nodes concerned disagree, estimated
	Rate        float64 // relative uncertainty of the peak rate
	// Ambiguous: the bounds of the second cause reach those of the first.
	Ambiguous bool
}

// Diagnosis is one victim's causes, the largest score first.
type Diagnosis struct {
	Victim      Victim
	Causes      []Cause
	Uncertainty Uncertainty
}
