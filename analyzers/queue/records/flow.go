package records

import (
	"net/netip"

	"github.com/telltale-net/telltale/collector/postcard"
)

// Flow is a five-tuple. The zero Flow means "not seen".
type Flow = postcard.Flow

// FlowID names a flow of a [Trace].
type FlowID uint32

// NoFlow is the flow of records whose node does not see headers.
const NoFlow = FlowID(1<<32 - 1)

// NewFlow returns the five-tuple; an invalid address stands for none.
func NewFlow(src, dst netip.Addr, proto uint8, sport, dport uint16) Flow {
	return Flow{Src: postcard.AddrFrom(src), Dst: postcard.AddrFrom(dst), Proto: proto, SrcPort: sport, DstPort: dport}
}
