package postcards

import (
	"fmt"
	"slices"
	"strings"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/topology"
)

// way is a path through the network: nodes, and the ports by which it leaves all but
// the last.
type way struct {
	nodes, ports []int32
}

// peer returns the switch that a packet went to from a hop, -1 where it went to none.
func (b *builder) peer(h seen) int32 {
	if h.dropped {
		return -1
	}
	if p := b.net.PortAt(h.node, uint32(h.port)); p.Kind == analyzers.ToSwitch {
		return p.Peer
	}
	return -1
}

// link returns the link behind a port, named after its ends, and after its ports, too,
// where it is not the only one between the two.
func (b *builder) link(node, port int32) int32 {
	k := [2]int32{node, port}
	if l, ok := b.ports[k]; ok {
		return l
	}
	peer := b.net.PortAt(node, uint32(port)).Peer
	from, to, parallel := b.net.Name(node), b.net.Name(peer), 0
	for _, p := range b.net.Nodes[node].Ports {
		if p.Kind == analyzers.ToSwitch && p.Peer == peer {
			parallel++
		}
	}
	name := from + ">" + to
	if parallel > 1 {
		far, _ := b.net.Peer(topology.Endpoint{Node: from, Port: topology.Port(port)})
		name = fmt.Sprintf("%s:%d>%s", from, port, far)
	}
	l := b.links.Between(name, from, to)
	b.ports[k] = l
	return l
}

// links returns the links of a way from one of its nodes to another.
func (b *builder) linksOf(w *way, from, to int) []int32 {
	out := make([]int32, 0, to-from)
	for i := from; i < to; i++ {
		out = append(out, b.link(w.nodes[i], w.ports[i]))
	}
	return out
}

// shortest returns the shortest ways between two vswitches, all together one more than
// may be where there are too many.
func (b *builder) shortest(src, dst int32) []way {
	k := [2]int32{src, dst}
	if ws, ok := b.ways[k]; ok {
		return ws
	}
	var ws []way
	for path := range b.net.Paths(b.net.Name(src), b.net.Name(dst)) {
		w := way{nodes: []int32{src}}
		at := src
		for _, h := range path {
			port := int32(h.Out.Port)
			at = b.net.PortAt(at, uint32(port)).Peer
			w.nodes, w.ports = append(w.nodes, at), append(w.ports, port)
		}
		if ws = append(ws, w); len(ws) > waysKept {
			break
		}
	}
	b.ways[k] = ws
	return ws
}

// waysKept bounds the paths that are looked at between two vswitches.
const waysKept = 4096

// takes reports whether a packet that was seen at a hop may be on the way.
func (w *way) takes(h seen) bool {
	i := slices.Index(w.nodes, h.node)
	return i >= 0 && (h.dropped || i == len(w.ports) || w.ports[i] == h.port)
}

// through returns the ways that pass all hops.
func through(ws []way, hops []seen) []way {
	var out []way
	for _, w := range ws {
		if !slices.ContainsFunc(hops, func(h seen) bool { return !w.takes(h) }) {
			out = append(out, w)
		}
	}
	return out
}

// chain returns the way that the hops themselves tell from src on, which need not be
// a shortest one: from each hop over the link it left by. ok is false where it does not
// lead to dst, or goes round.
func (b *builder) chain(p *packet) (w way, ok bool) {
	w.nodes = []int32{p.src}
	for at := p.src; at != p.dst; {
		i := slices.IndexFunc(p.hops, func(h seen) bool { return h.node == at })
		if i < 0 {
			return w, false
		}
		next := b.peer(p.hops[i])
		if next < 0 || slices.Contains(w.nodes, next) {
			return w, false
		}
		w.nodes, w.ports = append(w.nodes, next), append(w.ports, p.hops[i].port)
		at = next
	}
	return w, true
}

// waysOf returns the ways that a packet may have taken, where those of its flow are
// known, of them: these pass all hops of the flow but those where a packet was dropped.
func (b *builder) waysOf(p *packet, flow []way) []way {
	if len(flow) > 0 && slices.ContainsFunc(p.hops, func(h seen) bool { return h.dropped }) {
		flow = through(flow, p.hops)
	}
	if len(flow) > 0 {
		return flow
	}
	if ws := through(b.shortest(p.src, p.dst), p.hops); len(ws) > 0 {
		return ws
	}
	if w, ok := b.chain(p); ok {
		return []way{w}
	}
	return nil
}

// describe is for keys: the links of alternatives.
func describe(paths [][]int32) string {
	var s strings.Builder
	for _, p := range paths {
		for _, l := range p {
			s.Write([]byte{byte(l), byte(l >> 8), byte(l >> 16), byte(l >> 24)})
		}
		s.Write([]byte{0xff, 0xff, 0xff, 0xff}) // no link
	}
	return s.String()
}
