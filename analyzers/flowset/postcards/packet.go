package postcards

import (
	"slices"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/p4src"
	"github.com/telltale-net/telltale/topology"
)

// name names a packet for a while.
type name struct {
	vni, hash uint32
	id        uint16
}

// hop is one postcard of a packet.
type hop struct {
	at      int32 // node of the network
	seq     uint32
	in, out uint16
	after   uint32 // µs since the packet's first postcard
	place   Place  // where the packet was dropped; "" = it went on
}

const maxHops = 12 // more are not looked at: the packet goes round

// packet is the postcards of one packet.
type packet struct {
	name    name
	first   int64 // collector's clock
	flow    analyzers.TenantFlow
	hasFlow bool
	looped  bool
	fate    fate
	end     int8 // of hops: where it was lost or dropped, -1 = nowhere
	n       uint8
	hops    [maxHops]hop
}

// fate is what became of a packet.
type fate uint8

const (
	unknown   fate = iota // it left for where nobody reports
	delivered             // it left for a tenant's machine
	dropped               // with a drop postcard
	vanished              // nobody says anything behind a hop: lost, or in doubt
	lost                  // vanished, and the next switch vouches for that
)

// add adds a postcard; false = it was there already.
func (p *packet) add(r *postcard.Record, at int32) bool {
	for i := range p.hops[:p.n] {
		if h := &p.hops[i]; h.at == at {
			if h.seq == r.Seq {
				return false
			}
			p.looped = true
		}
	}
	if !p.hasFlow {
		p.flow, p.hasFlow = analyzers.FlowOf(r)
	}
	if int(p.n) == maxHops {
		p.looped = true
		return true
	}
	h := hop{at: at, seq: r.Seq, in: uint16(r.InPort), out: uint16(r.OutPort), after: uint32(max(r.Received-p.first, 0) / 1000)}
	if r.Lost() {
		h.place = Switch
		if r.Has&postcard.HasDropReason != 0 && r.DropReason == p4src.DropTrafficManager {
			h.place = Queue
		}
	}
	p.hops[p.n] = h
	p.n++
	return true
}

// time returns when a hop's postcard was received.
func (p *packet) time(h *hop) int64 { return p.first + int64(h.after)*1000 }

// was reports whether a node reported the packet.
func (p *packet) was(at int32) bool {
	return slices.ContainsFunc(p.hops[:p.n], func(h hop) bool { return h.at == at })
}

// silent calls f with every node that the packet must have crossed, as the hop behind it
// says, and that did not report it.
func (p *packet) silent(net *analyzers.Network, f func(at int32, h *hop)) {
	for i := range p.hops[:p.n] {
		h := &p.hops[i]
		if from := net.PortAt(h.at, uint32(h.in)); from.Kind == analyzers.ToSwitch && !p.was(from.Peer) {
			f(from.Peer, h)
		}
	}
}

// judge draws the conclusions from a packet's postcards; open calls back for every hop
// whose next hop did not report.
func (p *packet) judge(net *analyzers.Network, open func(h *hop)) {
	p.fate, p.end = unknown, -1
	var silent [maxHops]int
	ends := silent[:0]
	over := false
	for i := range p.hops[:p.n] {
		h := &p.hops[i]
		if h.place != "" {
			p.fate, p.end = dropped, int8(i)
			continue
		}
		switch port := net.PortAt(h.at, uint32(h.out)); {
		case port.Kind == analyzers.ToHost:
			over = true
		case port.Kind == analyzers.ToSwitch && !p.was(port.Peer):
			ends = append(ends, i)
			open(h)
		}
	}
	switch at := p.lostAt(net, ends); {
	case p.fate == dropped:
	case over:
		p.fate = delivered
	case at >= 0:
		p.fate, p.end = vanished, int8(at)
	}
}

// lostAt returns the hop behind which a packet was lost, -1 if it was not: of the hops
// whose next one did not report, the one that no later hop was reached from. A hop that was
// reached from a silent one accounts for one of them, unless the silent one was the
// packet's source.
func (p *packet) lostAt(net *analyzers.Network, ends []int) int {
	for i := range p.hops[:p.n] {
		from := net.PortAt(p.hops[i].at, uint32(p.hops[i].in))
		if len(ends) == 0 {
			return -1
		}
		if from.Kind != analyzers.ToSwitch || net.Nodes[from.Peer].Role == topology.VSwitch || p.was(from.Peer) {
			continue
		}
		at := slices.IndexFunc(ends, func(i int) bool { return net.PortAt(p.hops[i].at, uint32(p.hops[i].out)).Peer == from.Peer })
		ends = slices.Delete(ends, max(0, at), max(0, at)+1) // or another, if several hops in a row are silent
	}
	if len(ends) == 0 {
		return -1
	}
	return ends[len(ends)-1]
}

// circle returns the nodes between two visits of one node, by the order of the postcards.
func (p *packet) circle() []int32 {
	for j := range p.hops[:p.n] {
		for i := range p.hops[:j] {
			if p.hops[i].at == p.hops[j].at {
				var nodes []int32
				for _, h := range p.hops[i:j] {
					nodes = append(nodes, h.at)
				}
				return nodes
			}
		}
	}
	return nil
}
