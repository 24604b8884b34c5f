package pipeline

import (
	"sync"

	"github.com/telltale-net/telltale/collector/clocks"
	"github.com/telltale-net/telltale/collector/hops"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/topology"
)

// PathStats count what came of the records in paths.
type PathStats struct {
	Seen      uint64 // records that were handed over
	Chosen    uint64 // of those, ones that paths are made of
	Anonymous uint64 // of those, ones without packet id or inner flow, which can be in no path
	Sampling  uint   // one packet of 2^Sampling is chosen now
	Hops      hops.Stats
	Clocks    clocks.Stats
	Transits  [4]uint64 // between linked hops, by clocks.Verdict
	Negative  int64     // the worst Impossible transit, ns; 0 = there was none
}

// paths puts together the hops of some of the packets, and aligns the clocks by them.
type paths struct {
	rate  int
	links map[end]farEnd

	mu      sync.Mutex
	matcher *hops.Matcher
	aligner *clocks.Aligner
	aligned *clocks.Aligned // nil = not yet
	stats   PathStats

	second int64 // of Received, for which chosen counts
	chosen int   // records, in that second
}

type end struct {
	node postcard.NodeID
	port uint32
}

type farEnd struct {
	end
	delay int64 // ns
}

func newPaths(cfg *Config) *paths {
	p := &paths{rate: cfg.PathRate, links: links(cfg.Topology), aligner: clocks.New(clocks.Config{})}
	p.matcher = hops.New(hops.Config{Window: int64(cfg.PathWindow), Links: p.leads}, p.path)
	return p
}

// links returns what is at the other end of every port of a switch.
func links(ix *topology.Index) map[end]farEnd {
	out := map[end]farEnd{}
	if ix == nil {
		return out
	}
	f := ix.Fabric()
	ids := map[string]postcard.NodeID{}
	for i := range f.Nodes {
		ids[f.Nodes[i].Name] = postcard.NodeID(f.Nodes[i].ID)
	}
	for i := range f.Links {
		l := &f.Links[i]
		if l.Telemetry {
			continue
		}
		a := end{ids[l.A.Node], uint32(l.A.Port)}
		b := end{ids[l.B.Node], uint32(l.B.Port)}
		out[a], out[b] = farEnd{b, int64(l.Delay)}, farEnd{a, int64(l.Delay)}
	}
	return out
}

func (p *paths) leads(node postcard.NodeID, out uint32) (postcard.NodeID, uint32, bool) {
	far, ok := p.links[end{node, out}]
	return far.node, far.port, ok
}

// observe takes a batch of records.
func (p *paths) observe(batch []postcard.Record) {
	if p.rate == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	const named = postcard.HasPacketID | postcard.HasInner
	for i := range batch {
		r := &batch[i]
		p.stats.Seen++
		if r.Has&named != named {
			p.stats.Anonymous++
			continue
		}
		if p.choose(r) {
			p.stats.Chosen++
			p.matcher.Observe(r)
		}
	}
}

// choose reports whether the packet of r is one that a path is made of. As long as
// more are chosen than Config.PathRate, the choice becomes half as wide; it becomes
// twice as wide after a second that was not half full.
func (p *paths) choose(r *postcard.Record) bool {
	if second := r.Received / 1e9; second != p.second {
		if p.chosen < p.rate/2 && p.stats.Sampling > 0 {
			p.stats.Sampling--
		}
		p.second, p.chosen = second, 0
	}
	x := uint64(r.PacketID)<<32 ^ uint64(r.VNI)<<8 ^ uint64(r.Inner.SrcPort)<<16 ^ uint64(r.Inner.DstPort) ^ uint64(r.Inner.Src[15])<<56 ^ uint64(r.Inner.Dst[15])<<48
	x *= 0x9e3779b97f4a7c15
	if x>>32&(1<<p.stats.Sampling-1) != 0 {
		return false
	}
	if p.chosen++; p.chosen > p.rate && p.stats.Sampling < maxSampling {
		p.stats.Sampling++
		p.chosen = p.rate / 2 // what would have been chosen so far
	}
	return true
}

const maxSampling = 24

// path takes a path from the matcher; p.mu is held.
func (p *paths) path(path *hops.Path) {
	for i := range path.Hops {
		if i == 0 || !path.Hops[i].Linked {
			continue
		}
		a, b := &path.Hops[i-1], &path.Hops[i]
		if a.Node == b.Node || a.Has&postcard.HasEgress == 0 || b.Has&postcard.HasIngress == 0 {
			continue
		}
		p.aligner.Passage(a.Node, b.Node, a.Egress, b.Ingress, p.links[end{a.Node, a.OutPort}].delay)
		if p.aligned == nil {
			p.stats.Transits[clocks.Unaligned]++
			continue
		}
		t := p.aligned.Transit(a.Node, a.Egress, b.Node, b.Ingress)
		p.stats.Transits[t.Verdict]++
		if t.Verdict == clocks.Impossible {
			p.stats.Negative = min(p.stats.Negative, t.NS)
		}
	}
}

// align estimates the clocks anew.
func (p *paths) align() {
	p.mu.Lock()
	defer p.mu.Unlock()
	reference := postcard.NodeID(0)
	if p.aligned != nil {
		reference = p.aligned.Reference // so that times do not jump
	}
	p.aligned = p.aligner.Align(reference)
}

// finish ends the paths that wait for records.
func (p *paths) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.matcher.Flush()
}

// snapshot returns the counts and the clocks, nil before they are aligned.
func (p *paths) snapshot() (PathStats, *clocks.Aligned) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Hops, s.Clocks = p.matcher.Stats(), p.aligner.Stats()
	return s, p.aligned
}
