package window

import (
	"github.com/telltale-net/telltale/analyzers/blame"
	"github.com/telltale-net/telltale/analyzers/blame/postcards"
	"github.com/telltale-net/telltale/analyzers/incident"
)

// Results are what a step brought.
type Results struct {
	Events  []incident.Event // what became of findings, in order
	Windows []*Window        // that were judged, in order; not changed any more
}

// Window is what is known of the packets whose first record was received in a span of
// the collector's time. Counts of packets and records are of those taken.
type Window struct {
	From int64 `json:"from_ns"` // received from
	To   int64 `json:"to_ns"`   // to before

	Records uint64 `json:"records"`        // that there were, about
	Taken   uint64 `json:"taken"`          // of those, analysed
	Shed    uint64 `json:"shed,omitempty"` // of those, chosen and not analysed: the analysis was too slow
	Late    uint64 `json:"late,omitempty"` // of Taken, came after the window of their packets was judged
	Level   uint   `json:"level"`          // at the end, one packet in 2^level was taken

	// ReportLoss is the share of the reports of all nodes that never arrived, or were
	// shed: what the window could have missed. Reports says it by node, for those that
	// reported.
	ReportLoss float64    `json:"report_loss"`
	Reports    []NodeLoss `json:"reports"`

	Links []Loss `json:"links"` // crossed by packets, by node and port

	// Packets is what became of the packets between two vswitches, Blame which links or devices lose packets, given this window and the ones
	// before; both nil where packets were torn because records were
	// shed or came late, and nobody is blamed.
	Packets *postcards.Account `json:"packets,omitempty"`
	Blame   *blame.Result      `json:"blame,omitempty"`
	Flows   int                `json:"flows"` // rows that blame rests on
}

// Scale is how many records each record taken stands for.
func (w *Window) Scale() float64 {
	if w.Taken == 0 {
		return 1
	}
	return float64(w.Records) / float64(w.Taken)
}

// NodeLoss is the loss of a node's reports.
type NodeLoss struct {
	Node    string  `json:"node"`
	Arrived int64   `json:"arrived"` // datagrams
	Lost    int64   `json:"lost"`    // datagrams, by sequence number
	Share   float64 `json:"share"`   // of its reports that were lost or shed, 0…1
	Partial bool    `json:"partial,omitempty"`
}

// Loss is the packets that one end of a link says it sent over it, and those of them
// that neither the other end nor anybody behind it ever saw, nor reported as dropped.
type Loss struct {
	Node string `json:"node"`
	Port uint32 `json:"port"`
	Peer string `json:"peer"`
	Sent uint64 `json:"sent"`
	Lost uint64 `json:"lost"`
	// Dropped is the packets that the sending end reports to have dropped instead: on its
	// queue, where Lost is on the wire, or behind it before the other end's pipeline.
	Dropped uint64 `json:"dropped"`
	// ReportLoss is the share of the peer's reports that never arrived: that many of Lost
	// may have arrived.
	ReportLoss float64 `json:"report_loss"`
}
