package latency

import (
	"time"

	"github.com/telltale-net/telltale/analyzers"
)

// linkSum counts the packets of one direction of a link, by window of judgement.
type linkSum struct {
	sent, missing uint64 // all time
	ring          [linkWindows]linkWindow
}

const linkWindows = 32

type linkWindow struct {
	at            int64
	sent, missing uint32
	first         int64 // first report of the first missing packet, collector's clock
	last          int64
}

func (l *linkSum) add(at int64, p *packet, missing bool) {
	w := &l.ring[uint64(at)%linkWindows]
	if w.at != at {
		*w = linkWindow{at: at}
	}
	l.sent++
	w.sent++
	if missing {
		l.missing++
		if w.missing == 0 {
			w.first = p.first
		}
		w.missing++
		w.last = p.first
	}
}

// judge settles a packet that no more reports are awaited of: which links it crossed,
// after which it was never seen again, and, if it was seen at every hop, its path.
func (m *Monitor) judge(p *packet) {
	m.stats.Joined++
	at := m.now / int64(m.cfg.Window)
	for i := range p.hops[:p.n] {
		h := &p.hops[i]
		out := m.net.PortAt(h.node, uint32(h.out))
		if h.lost || !h.tracked || out.Kind != analyzers.ToSwitch {
			continue
		}
		if next := &m.nodes[out.Peer]; next.first < 0 || next.first > p.first || !next.reported(p.first/int64(m.cfg.Window)) {
			continue // not reporting at the time: nothing follows from its silence
		}
		arrived := p.at(out.Peer) != nil || p.forwarded(m.net, out.Peer)
		link := &m.ports[h.node][h.out].link
		if *link == nil {
			*link = new(linkSum)
		}
		(*link).add(at, p, !arrived)
	}
	m.path(p, at)
}

// path adds a packet seen at every hop to the series of its path.
func (m *Monitor) path(p *packet, at int64) {
	var h *hop
	for i := range p.hops[:p.n] {
		if m.net.PortAt(p.hops[i].node, uint32(p.hops[i].in)).Kind == analyzers.ToHost {
			h = &p.hops[i]
			break
		}
	}
	var path Path
	var inside uint64
	for h != nil && int(path.N) < maxHops && !h.lost {
		path.Nodes[path.N], path.Ports[path.N] = h.node, h.out
		path.N++
		inside += uint64(h.latency)
		if h.delivered {
			m.stats.Complete++
			if s := m.paths.get(m, path); s != nil {
				s.roll(m, at)
				s.lat.add(inside)
			}
			return
		}
		out := m.net.PortAt(h.node, uint32(h.out))
		if out.Kind != analyzers.ToSwitch {
			return
		}
		h = p.at(out.Peer)
	}
}

// Path is the switches a packet went through from tenant's port to tenant's port, and
// the ports it left them by. Comparable.
type Path struct {
	Nodes [maxHops]int32
	Ports [maxHops]uint16
	N     uint8
}

// Wire returns what the links of the path add to the time in switches for a packet of
// that many bytes: configured delays and serialisation at configured rates, the last
// line to the tenant's machine included. Configured, not measured.
func (p *Path) Wire(net *analyzers.Network, bytes int) time.Duration {
	var d time.Duration
	for i := range int(p.N) {
		port := net.PortAt(p.Nodes[i], uint32(p.Ports[i]))
		d += time.Duration(port.DelayNS)
		if port.RateBps > 0 {
			d += time.Duration(int64(bytes) * 8 * int64(time.Second) / port.RateBps)
		}
	}
	return d
}
