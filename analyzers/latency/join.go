package latency

import (
	"math/bits"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/collector/postcard"
)

// maxHops is the most hops of one packet that are joined; more is a loop, counted.
const maxHops = 8

// packetKey names a packet on its way through the fabric.
type packetKey struct {
	vni, hash uint32
	id        uint16
}

func (k packetKey) index(mask uint32) uint32 {
	h := (uint64(k.vni)<<32 | uint64(k.hash)) * 0x9e3779b97f4a7c15
	h = (h ^ h>>32 ^ uint64(k.id)) * 0xa0761d6478bd642f
	return uint32(bits.RotateLeft64(h, 32)) & mask
}

// hop is one report of a packet.
type hop struct {
	node      int32
	in, out   uint16
	latency   uint32
	lost      bool
	tracked   bool // reported because the flow is watched, or all are: its next hop must report too
	delivered bool
}

// packet is a packet in the join.
type packet struct {
	key   packetKey
	first int64 // Received of the first report
	n     int8
	hops  [maxHops]hop
}

// joiner gathers the reports of one packet. Packets are kept in a ring in the order of
// their first report, which is the order they are judged in; an open-addressed index
// finds them. Nothing is allocated after newJoiner.
type joiner struct {
	ring       []packet
	head, tail uint64 // packets [tail, head) are in the ring, modulo its length
	index      []uint32
	mask       uint32
}

func newJoiner(capacity int) *joiner {
	size := 16
	for size < 2*capacity {
		size *= 2
	}
	return &joiner{ring: make([]packet, capacity), index: make([]uint32, size), mask: uint32(size - 1)}
}

// find returns the packet with that key, or nil.
func (j *joiner) find(key packetKey) *packet {
	for i := key.index(j.mask); j.index[i] != 0; i = (i + 1) & j.mask {
		if p := &j.ring[j.index[i]-1]; p.key == key {
			return p
		}
	}
	return nil
}

func (j *joiner) full() bool { return j.head-j.tail == uint64(len(j.ring)) }

// push adds a packet that is not there. REQUIRES: !j.full().
func (j *joiner) push(key packetKey, now int64) *packet {
	slot := uint32(j.head % uint64(len(j.ring)))
	j.head++
	p := &j.ring[slot]
	*p = packet{key: key, first: now}
	i := key.index(j.mask)
	for j.index[i] != 0 {
		i = (i + 1) & j.mask
	}
	j.index[i] = slot + 1
	return p
}

// oldest returns the packet whose first report came first, or nil.
func (j *joiner) oldest() *packet {
	if j.head == j.tail {
		return nil
	}
	return &j.ring[j.tail%uint64(len(j.ring))]
}

// pop removes the oldest packet, closing the gap it leaves in the index.
func (j *joiner) pop() {
	key := j.oldest().key
	slot := uint32(j.tail%uint64(len(j.ring))) + 1
	j.tail++
	i := key.index(j.mask)
	for j.index[i] != slot {
		if j.index[i] == 0 {
			panic("BUG: a packet in the join is not in its index")
		}
		i = (i + 1) & j.mask
	}
	for next := (i + 1) & j.mask; j.index[next] != 0; next = (next + 1) & j.mask {
		home := j.ring[j.index[next]-1].key.index(j.mask)
		if (next-home)&j.mask >= (next-i)&j.mask {
			j.index[i] = j.index[next]
			i = next
		}
	}
	j.index[i] = 0
}

// add joins one report. It reports false for a hop that was there already.
func (p *packet) add(r *postcard.Record, node int32, delivered bool) (fresh, room bool) {
	for i := range p.hops[:p.n] {
		if h := &p.hops[i]; h.node == node && h.in == uint16(r.InPort) && h.lost == r.Lost() {
			return false, true
		}
	}
	if int(p.n) == len(p.hops) {
		return true, false
	}
	p.hops[p.n] = hop{
		node: node, in: uint16(r.InPort), out: uint16(r.OutPort), latency: r.Latency,
		lost: r.Lost(), tracked: r.Flags&postcard.Tracked != 0, delivered: delivered,
	}
	p.n++
	return true, true
}

// at returns the packet's hop at a node, or nil.
func (p *packet) at(node int32) *hop {
	for i := range p.hops[:p.n] {
		if p.hops[i].node == node {
			return &p.hops[i]
		}
	}
	return nil
}

// forwarded reports whether a later hop shows that the packet left node: it came in
// at a port whose link starts there.
func (p *packet) forwarded(net *analyzers.Network, node int32) bool {
	for i := range p.hops[:p.n] {
		if port := net.PortAt(p.hops[i].node, uint32(p.hops[i].in)); port.Kind == analyzers.ToSwitch && port.Peer == node {
			return true
		}
	}
	return false
}
