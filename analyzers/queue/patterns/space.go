package patterns

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"math/bits"
	"net/netip"
	"slices"
	"strconv"

	"github.com/telltale-net/telltale/analyzers/queue/records"
	"github.com/telltale-net/telltale/collector/postcard"
)

// The dimensions.
const (
	dimNode = iota
	dimSrc
	dimDst
	dimSport
	dimDport
	dimProto
	dims
)

// width is the number of bits of a place in each dimension: the node is its type and
// then itself.
var width = [dims]int{32, 128, 128, 16, 16, 8}

// key is a place in a dimension, from the highest bit of hi.
type key struct{ hi, lo uint64 }

// common returns how many leading bits two places share.
func (k key) common(o key) int {
	if x := k.hi ^ o.hi; x != 0 {
		return bits.LeadingZeros64(x)
	}
	return 64 + bits.LeadingZeros64(k.lo^o.lo)
}

// first returns the place with all but the first n bits cleared.
func (k key) first(n int) key {
	switch {
	case n <= 0:
		return key{}
	case n < 64:
		return key{k.hi &^ (math.MaxUint64 >> n), 0}
	case n < 128:
		return key{k.hi, k.lo &^ (math.MaxUint64 >> (n - 64))}
	}
	return k
}

// space says where flows at nodes are in the dimensions.
type space struct {
	net   *records.Network
	flows []records.Flow
	types []string // of nodes, sorted
	typed []int    // nodes of each type
	of    []uint32 // type of each node
}

func newSpace(net *records.Network, flows []records.Flow) *space {
	s := &space{net: net, flows: flows, of: make([]uint32, len(net.Nodes))}
	for i := range net.Nodes {
		s.types = append(s.types, net.Nodes[i].Type)
	}
	slices.Sort(s.types)
	s.types = slices.Compact(s.types)
	s.typed = make([]int, len(s.types))
	for i := range net.Nodes {
		t, _ := slices.BinarySearch(s.types, net.Nodes[i].Type)
		s.of[i] = uint32(t)
		s.typed[t]++
	}
	return s
}

// key returns the place of a side in dimension d and how many of its bits are known:
// all, or none where there is no flow or no address.
func (s *space) key(x Side, d int) (k key, known int) {
	if d == dimNode {
		return key{hi: uint64(s.of[x.Node])<<48 | uint64(x.Node)<<32}, 32
	}
	if x.Flow == records.NoFlow {
		return key{}, 0
	}
	f := &s.flows[x.Flow]
	switch d {
	case dimSrc:
		return addrKey(f.Src)
	case dimDst:
		return addrKey(f.Dst)
	case dimSport:
		return key{hi: uint64(f.SrcPort) << 48}, 16
	case dimDport:
		return key{hi: uint64(f.DstPort) << 48}, 16
	}
	return key{hi: uint64(f.Proto) << 56}, 8
}

func addrKey(a postcard.Addr) (key, int) {
	if a == (postcard.Addr{}) {
		return key{}, 0
	}
	return key{binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:])}, 128
}

// compareSides orders sides by place.
func (s *space) compareSides(x, y Side) int {
	if x.Node != y.Node {
		return cmp.Or(cmp.Compare(s.of[x.Node], s.of[y.Node]), cmp.Compare(x.Node, y.Node))
	}
	if x.Flow == y.Flow || x.Flow == records.NoFlow || y.Flow == records.NoFlow {
		return cmp.Compare(x.Flow, y.Flow)
	}
	f, g := &s.flows[x.Flow], &s.flows[y.Flow]
	if c := cmp.Or(bytes.Compare(f.Src[:], g.Src[:]), bytes.Compare(f.Dst[:], g.Dst[:])); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(f.SrcPort, g.SrcPort), cmp.Compare(f.DstPort, g.DstPort), cmp.Compare(f.Proto, g.Proto))
}

// Ports is a range, ends included; 0 to 65535 is any.
type Ports struct{ Lo, Hi uint16 }

// Any reports whether the range says nothing.
func (p Ports) Any() bool { return p == Ports{0, math.MaxUint16} }

// Contains reports whether the range holds a port.
func (p Ports) Contains(port uint16) bool { return p.Lo <= port && port <= p.Hi }

// String returns "*", "53" or "2000-2007".
func (p Ports) String() string {
	switch {
	case p.Any():
		return "*"
	case p.Lo == p.Hi:
		return strconv.Itoa(int(p.Lo))
	}
	return strconv.Itoa(int(p.Lo)) + "-" + strconv.Itoa(int(p.Hi))
}

// Aggregate is a set of flows at nodes.
type Aggregate struct {
	Node     int32        // -1 = several
	Type     string       // of the node, or of all the nodes
	AnyType  bool         // nodes of several types
	Src, Dst netip.Prefix // not valid = any
	SrcPort  Ports
	DstPort  Ports
	Proto    uint8
	AnyProto bool
}

// Contains reports whether the aggregate holds a flow at a node of net.
func (g *Aggregate) Contains(net *records.Network, node int32, f records.Flow) bool {
	in := func(p netip.Prefix, a postcard.Addr) bool { return !p.IsValid() || p.Contains(a.Netip()) }
	return (g.Node < 0 || g.Node == node) && (g.AnyType || g.Type == net.Nodes[node].Type) &&
		in(g.Src, f.Src) && in(g.Dst, f.Dst) && g.SrcPort.Contains(f.SrcPort) && g.DstPort.Contains(f.DstPort) &&
		(g.AnyProto || g.Proto == f.Proto)
}
