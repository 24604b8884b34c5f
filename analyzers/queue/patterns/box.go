package patterns

import (
	"math"
	"net/netip"

	"github.com/telltale-net/telltale/collector/postcard"
)

// box is a set of places: the first bits of each dimension, and for ports the exact
// range. Comparable.
type box struct {
	at   [dims]key // for ports the lower end
	bits [dims]int // known bits of at; for ports 0 = any, else 16
	hi   [dims]uint16
}

func isPort(d int) bool { return d == dimSport || d == dimDport }

func (k key) port() uint16 { return uint16(k.hi >> 48) }

// point returns the box that holds one side.
func (s *space) point(x Side) (b box) {
	for d := range dims {
		b.at[d], b.bits[d] = s.key(x, d)
		if isPort(d) {
			b.hi[d] = b.at[d].port()
			if b.bits[d] == 0 {
				b.hi[d] = math.MaxUint16
			}
		}
	}
	return b
}

// hull returns the least box that holds both.
func (s *space) hull(a, b box) box {
	for d := range dims {
		a.widen(&b, d)
	}
	return a
}

// widen makes dimension d of a hold that of b.
func (a *box) widen(b *box, d int) {
	if isPort(d) {
		if b.at[d].hi < a.at[d].hi {
			a.at[d] = b.at[d]
		}
		a.hi[d] = max(a.hi[d], b.hi[d])
		a.bits[d] = min(a.bits[d], b.bits[d])
		return
	}
	n := min(a.bits[d], b.bits[d], a.at[d].common(b.at[d]))
	switch d {
	case dimNode:
		n &^= 15
	case dimProto:
		n &^= 7
	}
	a.bits[d], a.at[d] = n, a.at[d].first(n)
}

func (s *space) hullOf(p points) (b box) {
	for i, x := range p.side {
		if i == 0 {
			b = s.point(x)
		}
		b = s.hull(b, s.point(x))
	}
	return b
}

// holds reports whether dimension d of the box holds that of b.
func (a *box) holds(b *box, d int) bool {
	if isPort(d) {
		return a.bits[d] == 0 || b.bits[d] != 0 && a.at[d].hi <= b.at[d].hi && b.hi[d] <= a.hi[d]
	}
	return a.bits[d] <= b.bits[d] && b.at[d].first(a.bits[d]) == a.at[d]
}

func (a *box) holdsAll(b *box) bool {
	for d := range dims {
		if !a.holds(b, d) {
			return false
		}
	}
	return true
}

// volume returns the logarithm of the number of places in the box, base 2, nodes counting
// more.
func (s *space) volume(b *box) float64 {
	v := float64(128-b.bits[dimSrc]) + float64(128-b.bits[dimDst]) + float64(8-b.bits[dimProto])
	for d := dimSport; d <= dimDport; d++ {
		v += math.Log2(b.ports(d))
	}
	switch b.bits[dimNode] {
	case 0:
		v += nodeWeight * math.Log2(float64(len(s.net.Nodes)))
	case 16:
		v += nodeWeight * math.Log2(float64(s.typed[b.at[dimNode].hi>>48]))
	}
	return v
}

// nodeWeight is how many bits a bit of "which node" is worth: where the trouble is, is
// the first thing to know. Flows that harm at one node and are seen at another are not
// made flows that harm anywhere.
const nodeWeight = 4

// ports returns how many ports the box has in dimension d.
func (b *box) ports(d int) float64 {
	if b.bits[d] == 0 {
		return 1 << 16
	}
	return float64(b.hi[d]-b.at[d].port()) + 1
}

// aggregate says in words what the box is.
func (s *space) aggregate(b box) Aggregate {
	g := Aggregate{Node: -1, AnyType: b.bits[dimNode] == 0, AnyProto: b.bits[dimProto] == 0,
		Src: prefix(&b, dimSrc), Dst: prefix(&b, dimDst), Proto: uint8(b.at[dimProto].hi >> 56)}
	if !g.AnyType {
		g.Type = s.types[b.at[dimNode].hi>>48]
	}
	if b.bits[dimNode] == 32 {
		g.Node = int32(b.at[dimNode].hi >> 32 & 0xffff)
	}
	ports := func(d int) Ports {
		if b.bits[d] == 0 {
			return Ports{0, math.MaxUint16}
		}
		return Ports{b.at[d].port(), b.hi[d]}
	}
	g.SrcPort, g.DstPort = ports(dimSport), ports(dimDport)
	return g
}

// mapped is the IPv4 part of the IPv6 addresses.
var mapped = key{0, 0xffff << 32}

func prefix(b *box, d int) netip.Prefix {
	var a postcard.Addr
	for i := range 8 {
		a[i], a[8+i] = byte(b.at[d].hi>>(56-8*i)), byte(b.at[d].lo>>(56-8*i))
	}
	switch n := b.bits[d]; {
	case n >= 96 && b.at[d].first(96) == mapped:
		return netip.PrefixFrom(netip.AddrFrom16(a).Unmap(), n-96)
	case mapped.first(n) == b.at[d]: // holds all of IPv4 and more
		return netip.Prefix{}
	default:
		return netip.PrefixFrom(netip.AddrFrom16(a), n)
	}
}

// unexpected returns the share of the box over the product of its shares in each
// dimension alone.
func (s *space) unexpected(p points, b box) float64 {
	var in [dims]int64
	var all, total int64
	for i, x := range p.side {
		total += p.mass[i]
		inside := true
		for d := range dims {
			k, known := s.key(x, d)
			ok := b.bits[d] == 0
			if !ok && isPort(d) {
				ok = known != 0 && b.at[d].hi <= k.hi && k.port() <= b.hi[d]
			} else if !ok {
				ok = known >= b.bits[d] && k.first(b.bits[d]) == b.at[d]
			}
			if ok {
				in[d] += p.mass[i]
			}
			inside = inside && ok
		}
		if inside {
			all += p.mass[i]
		}
	}
	u := float64(all) / float64(total)
	for d := range dims {
		u /= float64(in[d]) / float64(total)
	}
	return u
}
