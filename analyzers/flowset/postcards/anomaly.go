package postcards

import (
	"slices"
	"strings"

	"github.com/telltale-net/telltale/analyzers"
)

const (
	leastBlackhole = 3           // packets of a flow that vanish in a row are more than bad luck
	streakAge      = int64(10e9) // ns without a packet after which a streak is forgotten
	maxStreaks     = 1 << 16     // beyond, black holes of further flows are not noticed
)

// streak is packets of a flow that were lost in a row on one link.
type streak struct {
	port    portKey
	packets uint64
	last    int64
}

// anomalies finds loops, and flows of which nothing arrives any more.
func (e *Epochs) anomalies(out *Epoch, x *epoch, torn bool) {
	e.loops(out, x)
	if torn {
		clear(e.streaks)
		return
	}
	gone := map[analyzers.TenantFlow]uint64{} // packets of this epoch, of flows in a streak
	for _, p := range x.packets {
		if !p.hasFlow {
			continue
		}
		if p.fate != lost {
			if len(e.streaks) > 0 {
				delete(e.streaks, p.flow)
				delete(gone, p.flow)
			}
			continue
		}
		h := &p.hops[p.end]
		k := portKey{h.at, h.out}
		s, ok := e.streaks[p.flow]
		if !ok && len(e.streaks) >= maxStreaks {
			e.forgetStreaks()
			if len(e.streaks) >= maxStreaks {
				continue
			}
		}
		if s.port != k || p.first-s.last > streakAge {
			s = streak{port: k}
			delete(gone, p.flow)
		}
		s.packets++
		s.last = p.first
		e.streaks[p.flow] = s
		gone[p.flow]++
	}
	from := len(out.Anomalies)
	for f, n := range gone {
		s := e.streaks[f]
		if s.packets < leastBlackhole {
			continue
		}
		nodes := []string{e.net.Name(s.port.at), e.net.PortAt(s.port.at, uint32(s.port.port)).PeerName}
		out.Anomalies = append(out.Anomalies, Anomaly{Kind: "blackhole", Flow: f, Nodes: nodes, Port: uint32(s.port.port), Packets: n, New: s.packets-n < leastBlackhole})
	}
	slices.SortFunc(out.Anomalies[from:], func(a, b Anomaly) int { return compareFlows(&a.Flow, &b.Flow) })
}

func (e *Epochs) forgetStreaks() {
	for f, s := range e.streaks {
		if e.now-s.last > streakAge {
			delete(e.streaks, f)
		}
	}
}

// loops lists the flows whose packets were twice at one node, by their circles.
func (e *Epochs) loops(out *Epoch, x *epoch) {
	var key strings.Builder
	for _, p := range x.packets {
		if !p.looped {
			continue
		}
		circle := p.circle()
		if len(circle) == 0 {
			continue
		}
		nodes := make([]string, len(circle))
		for i, at := range circle {
			nodes[i] = e.net.Name(at)
		}
		slices.Sort(nodes)
		nodes = slices.Compact(nodes)
		key.Reset()
		key.Write(p.flow.Flow.Src[:])
		key.Write(p.flow.Flow.Dst[:])
		for _, n := range []uint64{uint64(p.flow.VNI), uint64(p.flow.Flow.SrcPort)<<16 | uint64(p.flow.Flow.DstPort), uint64(p.flow.Flow.Proto)} {
			for ; n > 0; n >>= 8 {
				key.WriteByte(byte(n))
			}
			key.WriteByte(0)
		}
		key.WriteString(strings.Join(nodes, ","))
		i, ok := e.judging.loops[key.String()]
		if !ok {
			i = len(out.Anomalies)
			e.judging.loops[key.String()] = i
			out.Anomalies = append(out.Anomalies, Anomaly{Kind: "loop", Flow: p.flow, Nodes: nodes})
		}
		out.Anomalies[i].Packets++
	}
}
