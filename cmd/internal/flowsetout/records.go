package flowsetout

import (
	"math"

	"github.com/telltale-net/telltale/analyzers/flowset/postcards"
	"github.com/telltale-net/telltale/collector/ipfix"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/topology"
)

// Records calls use with what an epoch says of flows, until it returns false: their
// losses, and how many packets of them each node saw, where the epoch has that. ix may be
// nil: nodes have names only then. Without announced, what a switch has reported itself to
// have dropped is left out.
func Records(e *postcards.Epoch, ix *topology.Index, announced bool, use func(*ipfix.EpochFlow) bool) {
	id := func(name string) postcard.NodeID {
		if ix == nil {
			return 0
		}
		n, _ := ix.Node(name)
		return postcard.NodeID(n.ID)
	}
	base := ipfix.EpochFlow{Epoch: e.Number, From: e.From, To: e.To, OneIn: uint32(min(e.OneIn, math.MaxUint32)), HasVNI: true}
	for i := range e.Counts {
		c, f := &e.Counts[i], base
		f.Node, f.Name, f.Flow, f.VNI, f.Packets = id(c.Node), c.Node, c.Flow.Flow, c.Flow.VNI, c.Packets
		f.HasVNI = c.Flow.VNI != 0
		if !use(&f) {
			return
		}
	}
	for i := range e.Flows {
		x, f := &e.Flows[i], base
		f.Node, f.Name, f.Flow, f.VNI, f.Packets = id(x.Node), x.Node, x.Flow.Flow, x.Flow.VNI, x.Sent
		f.HasVNI = x.Flow.VNI != 0
		f.Lost, f.Port, f.Next, f.NextName = x.Lost, x.Port, id(x.Peer), x.Peer
		switch x.Place {
		case postcards.Wire:
			f.Place = ipfix.OnWire
		case postcards.Queue:
			f.Place = ipfix.InQueue
		default:
			f.Place = ipfix.InSwitch
		}
		if (announced || f.Place == ipfix.OnWire) && !use(&f) {
			return
		}
	}
}
