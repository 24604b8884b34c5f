package perhop

import (
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/report/profile"
)

// clocks is how many nodes' clocks are remembered, a power of two.
const clocks = 1 << 12

// Clocks remember where the clocks of nodes are whose timestamps wrap, of as many
// nodes as there is room for; a node that finds its place taken begins anew, near the
// time of reception. The zero Clocks remember none. They are not safe for concurrent
// use: two converters that share a source should share them under one lock, or each
// may take another period for the right one where a clock is half a period off.
type Clocks struct {
	slots [clocks]struct {
		node  postcard.NodeID
		width uint8
		clock profile.Clock
	}
}

func (k *Clocks) of(node postcard.NodeID, width uint8) *profile.Clock {
	s := &k.slots[uint32(node)*0x9e3779b1>>20%clocks]
	if s.node != node || s.width != width {
		s.node, s.width, s.clock = node, width, profile.Clock{}
	}
	return &s.clock
}
