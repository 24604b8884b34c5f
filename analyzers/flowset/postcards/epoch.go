package postcards

import (
	"strings"

	"github.com/telltale-net/telltale/analyzers"
)

// Place is where on its way a packet was lost.
type Place string

// The places.
const (
	Wire   Place = "wire"   // behind a switch that sent it, before the next one reported it
	Queue  Place = "queue"  // a switch had no room for it, as it reported
	Switch Place = "switch" // a switch dropped it for another reason, as it reported
)

// Causes is a set of reasons why an epoch may not say all.
type Causes uint8

// The reasons.
const (
	Reports  Causes = 1 << iota // reports are missing by their numbers
	Silent                      // a switch did not report, or does not report every packet
	Shed                        // the caller gave records up
	Late                        // records came after their epoch was judged
	Room                        // there was no room for packets
	Sampling                    // not all packets were looked at, or their choice changed meanwhile
	Decoding                    // flow sets could not be decoded as a whole
)

// causes are the names, by bit.
var causes = [...]string{"reports", "silent", "shed", "late", "room", "sampling", "decoding"}

// AllCauses returns the names of all reasons, in the order of their bits.
func AllCauses() []string { return causes[:] }

// Has reports whether the reason with that place in AllCauses is in the set.
func (c Causes) Has(i int) bool { return c>>i&1 != 0 }

func (c Causes) String() string {
	var names []string
	for i, s := range causes {
		if c.Has(i) {
			names = append(names, s)
		}
	}
	return strings.Join(names, ", ")
}

// Link is the packets that left a node by a port, of those that were looked at.
type Link struct {
	Node       string `json:"node"`
	Peer       string `json:"peer,omitempty"` // what is behind the port; "" where nothing is, or no port was chosen
	Port       uint32 `json:"port"`
	Sent       uint64 `json:"sent"`       // to a switch, as the node reported
	Lost       uint64 `json:"lost"`       // of them, on the wire
	Doubt      uint64 `json:"doubt"`      // of them, lost or not reported by Peer
	Unreported uint64 `json:"unreported"` // of them, not reported by Peer, but further on: reports lost, not packets
	Dropped    uint64 `json:"dropped"`    // by the node instead of being sent, as it reported
	Queue      uint64 `json:"queue"`      // of Dropped, because there was no room
	Flows      Flows  `json:"flows"`      // that lost packets here, by place
}

// Flows counts flows by the place where they lost packets.
type Flows struct {
	Wire   uint64 `json:"wire,omitempty"`
	Queue  uint64 `json:"queue,omitempty"`
	Switch uint64 `json:"switch,omitempty"`
}

// FlowLoss is what a flow lost at one place of one link.
type FlowLoss struct {
	Flow  analyzers.TenantFlow
	Node  string
	Peer  string
	Port  uint32
	Place Place
	Sent  uint64 // its packets for this link that the node reported, dropped ones included
	Lost  uint64 // of them
}

// Anomaly is a flow that went round in circles, or whose way ended.
type Anomaly struct {
	Kind    string // "loop" or "blackhole"
	Flow    analyzers.TenantFlow
	Nodes   []string // loop: those of the circle; blackhole: the last one that saw the flow, and the next one
	Port    uint32   // blackhole: of the first of Nodes
	Packets uint64   // of the epoch
	New     bool     // blackhole: it was none in the epoch before
}

// Count is how many packets of a flow a node saw in an epoch. A hop that did not report a
// packet which hops behind it saw is counted as having seen it.
type Count struct {
	Node    string
	Flow    analyzers.TenantFlow
	Packets uint64
}

// Epoch is what became of the packets of one epoch.
type Epoch struct {
	Number   uint64 // of the period, by the source vswitches' clocks
	From, To int64  // when the first postcards of its packets were received, the collector's clock, ns
	OneIn    uint64 // one packet in so many was looked at; all counts are of those

	Packets   uint64
	Delivered uint64
	Lost      uint64 // on a wire
	Dropped   uint64 // with a postcard
	Doubt     uint64 // lost, or not reported
	Unknown   uint64 // went where nobody reports

	Missing   Causes
	Links     []Link     // that carried or lost packets, by node and port
	Flows     []FlowLoss // by node, port and flow
	Anomalies []Anomaly
	Counts    []Count // with Config.Counts: by node and flow
}

// Complete reports whether nothing is missing: what is said of each link is exact.
func (e *Epoch) Complete() bool { return e.Missing == 0 && e.OneIn == 1 }

// Known is how many of the packets' fates are known.
func (e *Epoch) Known() uint64 { return e.Delivered + e.Lost + e.Dropped }
