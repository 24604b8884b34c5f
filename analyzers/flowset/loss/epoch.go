package loss

import (
	"cmp"
	"slices"

	"github.com/telltale-net/telltale/analyzers/flowset"
)

// Link is the packets that left one node for another, and of them those that did not
// arrive. From and To are equal for a device that counts at both ends: lost in its queue.
// Where the node between could not tell, To is several links on: Gap.
type Link struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Sent  uint64 `json:"sent"`
	Lost  uint64 `json:"lost"`
	Flows int    `json:"flows"` // that lost packets there
	Gap   bool   `json:"gap,omitempty"`
}

// Flow is one flow's loss between two nodes.
type Flow struct {
	Key      flowset.Key
	KeyBytes int
	Order    flowset.Order
	From, To string
	Sent     uint64
	Lost     uint64
}

// Device is what was lost at a node or on the links that leave it.
type Device struct {
	Node  string `json:"node"`
	Sent  uint64 `json:"sent"`            // packets for nodes that count
	Queue uint64 `json:"queue,omitempty"` // lost inside, where it counts at both ends
	Wire  uint64 `json:"wire,omitempty"`  // lost between it and the next node that counts
}

// Anomaly is a flow that went round in circles, or whose way ended.
type Anomaly struct {
	Kind     string // "loop" or "blackhole"
	Key      flowset.Key
	KeyBytes int
	Order    flowset.Order
	Nodes    []string // loop: those of the circle; blackhole: the last one that saw the flow, and the next one if its way is known
	Packets  uint64   // loop: more than entered it; blackhole: those that vanished
}

// Epoch is the loss map of an epoch.
type Epoch struct {
	Epoch     uint64
	Links     []Link   // that carried packets, most losses first
	Devices   []Device // by name
	Flows     []Flow   // that lost packets
	Anomalies []Anomaly
	Rerouted  int // flows that used several ways in the epoch: compared from end to end
	Undecided int // flows left out for want of counts
	Shed      int // flows that could not be remembered
}

// maxFlowLosses bounds the lists of an epoch; the links count all.
const maxFlowLosses = 1_000_000

// result sums up what links lost.
func (e *epochMap) result() Epoch {
	devices := map[string]*Device{}
	device := func(node string) *Device {
		d := devices[node]
		if d == nil {
			d = &Device{Node: node}
			devices[node] = d
		}
		return d
	}
	merged := map[[2]string]*Link{}
	add := func(l *Link) {
		m := merged[[2]string{l.From, l.To}]
		if m == nil {
			c := *l
			merged[[2]string{l.From, l.To}] = &c
			return
		}
		m.Sent += l.Sent
		m.Lost += l.Lost
		m.Flows += l.Flows
	}
	for _, l := range e.links {
		add(l)
	}
	for _, l := range e.gaps {
		add(l)
	}
	for _, l := range merged {
		e.out.Links = append(e.out.Links, *l)
		d := device(l.From)
		if l.From == l.To {
			d.Queue += l.Lost
		} else {
			d.Wire += l.Lost
			d.Sent += l.Sent
		}
	}
	slices.SortFunc(e.out.Links, func(a, b Link) int {
		return cmp.Or(cmp.Compare(b.Lost, a.Lost), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	for _, d := range devices {
		e.out.Devices = append(e.out.Devices, *d)
	}
	slices.SortFunc(e.out.Devices, func(a, b Device) int { return cmp.Compare(a.Node, b.Node) })
	return e.out
}
