package postcards

import (
	"cmp"
	"slices"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/topology"
)

// portKey is a port of a node.
type portKey struct {
	at   int32
	port uint16
}

// lossKey is a flow that loses packets at a place of a port.
type lossKey struct {
	flow  analyzers.TenantFlow
	port  portKey
	place Place
}

// judging is what is needed while an epoch is judged, kept for its memory.
type judging struct {
	links  map[portKey]int // index into the epoch's links
	losses map[lossKey]int // index into its flows
	loops  map[string]int  // index into its anomalies
}

func newJudging() judging {
	return judging{links: map[portKey]int{}, losses: map[lossKey]int{}, loops: map[string]int{}}
}

// judge tells what became of an epoch's packets.
func (e *Epochs) judge(x *epoch) *Epoch {
	out := &Epoch{Number: x.number, From: x.from, To: x.to, OneIn: 1 << x.level, Packets: uint64(len(x.packets))}
	j := &e.judging
	clear(j.links)
	clear(j.losses)
	clear(j.loops)
	margin := e.margin()
	torn := e.missing(x, out, margin)
	for _, p := range x.packets {
		p.judge(e.net, func(h *hop) { e.link(out, h).Unreported++ })
		if !torn {
			p.silent(e.net, func(at int32, h *hop) { e.muteness(at, p.time(h), margin) })
		}
		for i := range p.hops[:p.n] {
			if h := &p.hops[i]; h.place == "" && e.net.PortAt(h.at, uint32(h.out)).Kind == analyzers.ToSwitch {
				e.link(out, h).Sent++
			}
		}
	}
	for _, p := range x.packets {
		if p.fate == vanished {
			e.claim(out, p, torn, margin)
		}
		e.fate(out, p)
	}
	e.flows(out, x)
	e.anomalies(out, x, torn)
	if e.cfg.Counts {
		e.counts(out, x)
	}
	slices.SortFunc(out.Links, func(a, b Link) int { return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Port, b.Port)) })
	return out
}

// missing says why an epoch may not say all; torn = nothing may be said to be lost.
func (e *Epochs) missing(x *epoch, out *Epoch, margin int64) (torn bool) {
	way := min(int64(maxHops)*margin, int64(e.cfg.Settle)) // of a packet's postcards
	for _, s := range e.torn {
		if s.from <= x.to+way && s.to >= x.from {
			out.Missing |= s.cause
			torn = true
		}
	}
	if x.changed {
		out.Missing |= Sampling
	}
	for i := range e.nodes {
		if e.nodes[i].holed(x.from-margin, x.to+margin) {
			out.Missing |= Reports
		}
	}
	return torn
}

// muteness notes that a node was silent of a packet that it must have seen, unless a report
// of it may be missing.
func (e *Epochs) muteness(at int32, t, margin int64) {
	n := &e.nodes[at]
	if n.first == 0 || n.first >= t-margin || n.last <= t+margin || n.blind >= t-margin || n.holed(t-margin, t+margin) {
		return
	}
	n.mute = max(n.mute, t)
}

// claim decides whether a packet that vanished was lost, or is in doubt.
func (e *Epochs) claim(out *Epoch, p *packet, torn bool, margin int64) {
	h := &p.hops[p.end]
	at := p.time(h)
	peer := e.net.PortAt(h.at, uint32(h.out)).Peer
	n := &e.nodes[peer]
	switch {
	case torn:
	case n.vouches(at, margin, e.net.Nodes[peer].Role == topology.VSwitch):
		p.fate = lost
	case !n.holed(at-margin, at+margin):
		out.Missing |= Silent
	}
}

// fate adds a packet to the sums and the links.
func (e *Epochs) fate(out *Epoch, p *packet) {
	var l *Link
	if p.end >= 0 {
		l = e.link(out, &p.hops[p.end])
	}
	switch p.fate {
	case delivered:
		out.Delivered++
	case unknown:
		out.Unknown++
	case dropped:
		out.Dropped++
		l.Dropped++
		if p.hops[p.end].place == Queue {
			l.Queue++
		}
	case vanished:
		out.Doubt++
		l.Doubt++
		l.Unreported--
	case lost:
		out.Lost++
		l.Lost++
		l.Unreported--
	}
}

// link returns the sums of the link that a hop left by.
func (e *Epochs) link(out *Epoch, h *hop) *Link {
	k := portKey{h.at, h.out}
	i, ok := e.judging.links[k]
	if !ok {
		i = len(out.Links)
		e.judging.links[k] = i
		out.Links = append(out.Links, Link{Node: e.net.Name(h.at), Port: uint32(h.out), Peer: e.net.PortAt(h.at, uint32(h.out)).PeerName})
	}
	return &out.Links[i]
}

// flows lists the flows that lost packets. Links are not sorted yet.
func (e *Epochs) flows(out *Epoch, x *epoch) {
	for _, p := range x.packets {
		if !p.hasFlow || p.fate != lost && p.fate != dropped {
			continue
		}
		h := &p.hops[p.end]
		place := h.place
		if p.fate == lost {
			place = Wire
		}
		k := lossKey{p.flow, portKey{h.at, h.out}, place}
		i, ok := e.judging.losses[k]
		if !ok {
			i = len(out.Flows)
			e.judging.losses[k] = i
			l := e.link(out, h)
			out.Flows = append(out.Flows, FlowLoss{Flow: p.flow, Node: l.Node, Peer: l.Peer, Port: l.Port, Place: place})
			switch place {
			case Wire:
				l.Flows.Wire++
			case Queue:
				l.Flows.Queue++
			default:
				l.Flows.Switch++
			}
		}
		out.Flows[i].Lost++
	}
	if len(out.Flows) == 0 {
		return
	}
	for _, p := range x.packets {
		if !p.hasFlow {
			continue
		}
		for i := range p.hops[:p.n] {
			h := &p.hops[i]
			for _, place := range []Place{Wire, Queue, Switch} {
				if i, ok := e.judging.losses[lossKey{p.flow, portKey{h.at, h.out}, place}]; ok {
					out.Flows[i].Sent++
				}
			}
		}
	}
	slices.SortFunc(out.Flows, func(a, b FlowLoss) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Port, b.Port), cmp.Compare(a.Place, b.Place), compareFlows(&a.Flow, &b.Flow))
	})
}

func compareFlows(a, b *analyzers.TenantFlow) int {
	return cmp.Or(cmp.Compare(a.VNI, b.VNI), slices.Compare(a.Flow.Src[:], b.Flow.Src[:]), slices.Compare(a.Flow.Dst[:], b.Flow.Dst[:]),
		cmp.Compare(a.Flow.Proto, b.Flow.Proto), cmp.Compare(a.Flow.SrcPort, b.Flow.SrcPort), cmp.Compare(a.Flow.DstPort, b.Flow.DstPort))
}
