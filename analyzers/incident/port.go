package incident

import (
	"fmt"
	"time"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/drops"
	"github.com/telltale-net/telltale/analyzers/latency"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/p4src"
)

// maxWatchedFlows bounds the flows that one open finding counts.
const maxWatchedFlows = 4096

// watch counts what passes a port while a finding about it is open.
type watch struct {
	before  uint64 // packets in the windows before the watch began
	packets uint64
	flows   map[uint64]struct{}
}

func (w *watch) observe(r *postcard.Record) {
	w.packets++
	if flow, ok := analyzers.FlowOf(r); ok && len(w.flows) < maxWatchedFlows {
		w.flows[flow.Hash()] = struct{}{}
	}
}

// watchPort begins to watch a port, or goes on.
func (a *Analyzer) watchPort(node int32, port uint32, before uint64) *watch {
	w := a.watched[node][port]
	if w == nil {
		w = &watch{before: before, flows: make(map[uint64]struct{})}
		a.watched[node][port] = w
	}
	return w
}

// queueSpan is what a queue did over its latest windows.
type queueSpan struct {
	drain   latency.Drain
	windows int // with observations of the drain
	packets uint64
	p50     uint64 // largest of the windows'
	p99     uint64
	depth   uint64 // largest p99
	until   int64  // end of the latest window with a slow departure, 0 = none
}

// span joins the windows of the last d; with until, only as many of the latest as
// make until true, leaving out those since, if any, that were not slow: a port that
// recovers must not look faster in what is said of the time before.
func (a *Analyzer) span(v latency.View, d time.Duration, rate int64, until func(queueSpan) bool) (s queueSpan, ok bool) {
	from := a.ago(d) - int64(a.cfg.Latency.Window)
	joined := 0
	for i := 0; ; i++ {
		w, more := v.Last(i)
		if !more || w.Start < from {
			return s, until == nil
		}
		if until != nil && joined == 0 && w.Drain.Observations() > 0 && !a.slow(w.Drain, rate) {
			continue
		}
		if w.Drain.FirstSlow != 0 && s.until == 0 {
			s.until = min(w.Start+int64(a.cfg.Latency.Window), a.now)
		}
		if joined++; joined == 1 {
			s.drain = w.Drain
		} else {
			s.drain = w.Drain.Plus(s.drain)
		}
		if w.Drain.Observations() > 0 {
			s.windows++
		}
		s.packets += w.Count
		s.p50, s.p99, s.depth = max(s.p50, w.Latency.P50), max(s.p99, w.Latency.P99), max(s.depth, w.Depth.P99)
		if until != nil && until(s) {
			return s, true
		}
	}
}

// slow reports whether the drain is clearly below the port's rate.
func (a *Analyzer) slow(d latency.Drain, rate int64) bool {
	bps, _ := d.Bps()
	share, coverage := a.cfg.SlowShare, d.Coverage
	if a.sampling > 0 {
		share /= 2                                   // the sizes of the packets ahead are not known, only those of others
		coverage *= float64(uint64(1) << a.sampling) // of the packets that are to be observed
	}
	return bps < share*float64(rate) && d.Slow() >= a.cfg.SlowSamples && coverage >= a.cfg.SlowCoverage
}

// slowPorts finds ports that drain below their rate.
func (a *Analyzer) slowPorts(out []candidate) []candidate {
	for k, v := range a.lat.Queues {
		port := a.net.PortAt(k.Node, uint32(k.Port))
		if port.RateBps == 0 {
			continue
		}
		s, ok := a.span(v, a.cfg.DrainSpan, port.RateBps, func(s queueSpan) bool {
			_, n := s.drain.Bps()
			return n >= a.cfg.DrainSamples && s.windows >= 2 && a.slow(s.drain, port.RateBps)
		})
		if !ok {
			continue
		}
		sk := key{kind: analyzers.SlowPort, node: k.Node, port: uint32(k.Port)}
		if at := find(out, sk); at != nil {
			continue // another queue of the same port
		}
		out = append(out, candidate{key: sk, fresh: s.until, finding: a.slowFinding(k, v, s, port)})
	}
	for n := range a.watched {
		for p, w := range a.watched[n] {
			k := key{kind: analyzers.SlowPort, node: int32(n), port: uint32(p)}
			if w != nil && a.story(k) == nil && find(out, k) == nil {
				a.watched[n][p] = nil
			}
		}
	}
	return out
}

func find(cands []candidate, k key) *candidate {
	for i := range cands {
		if cands[i].key == k {
			return &cands[i]
		}
	}
	return nil
}

// slowSince walks back from the latest slow window through windows that were slow, or
// had nothing to measure, to the first slow departure, and counts the packets since.
func (a *Analyzer) slowSince(v latency.View, rate int64) (since int64, packets uint64) {
	var between uint64 // in windows that said nothing
	for i := 0; ; i++ {
		w, ok := v.Last(i)
		switch {
		case !ok, since != 0 && w.Drain.Observations() > 0 && !a.slow(w.Drain, rate):
			return since, packets
		case w.Drain.FirstSlow != 0 && a.slow(w.Drain, rate):
			since = w.Drain.FirstSlow
			packets += between + w.Count
			between = 0
		case since != 0:
			between += w.Count
		}
	}
}

func (a *Analyzer) slowFinding(k latency.QueueKey, v latency.View, s queueSpan, port analyzers.Port) analyzers.Finding {
	since, packets := a.slowSince(v, port.RateBps)
	if since == 0 {
		since = s.drain.FirstSlow // slow over the span, in no window by itself
	}
	w := a.watchPort(k.Node, uint32(k.Port), packets)
	bps, n := s.drain.Bps()
	base, baseN := v.BaseP99()
	lost := a.queueDrops(k.Node, uint32(k.Port))
	loss := a.reportLoss(k.Node)

	strengths := []float64{enough(uint64(n), 6), 0.8 * (1 - bps/float64(port.RateBps))}
	queue := k.Queue
	f := analyzers.Finding{
		Kind:  analyzers.SlowPort,
		Place: analyzers.Place{Node: a.net.Name(k.Node), Port: uint32(k.Port), Queue: &queue, Peer: port.PeerName},
		Since: since, Until: s.until,
		Packets:    w.before + w.packets + lost.episode.Packets,
		Flows:      max(len(w.flows), lost.flows.Count().N),
		ReportLoss: loss,
	}
	f.Evidence = []analyzers.Evidence{{
		Text: fmt.Sprintf("%s port %d (to %s), queue %d, drains at %s; its port's rate is %s (%d measurements, %.0f %% of them below half of it)",
			f.Place.Node, k.Port, port.PeerName, k.Queue, rateText(bps), rateText(float64(port.RateBps)), n, 100*s.drain.Slow()),
		Figures: map[string]float64{
			"drain_bps": bps, "port_bps": float64(port.RateBps), "pairs": float64(s.drain.Pairs),
			"slow_pairs": float64(s.drain.SlowPairs), "waits": float64(s.drain.Waits), "slow_waits": float64(s.drain.SlowWaits),
			"short_waits": float64(s.drain.Shorts), "slow_short_waits": float64(s.drain.SlowShorts),
		},
	}}
	if baseN > 0 && s.p99 > 2*base {
		strengths = append(strengths, 0.5)
		f.Evidence = append(f.Evidence, analyzers.Evidence{
			Text:    fmt.Sprintf("packets wait there for %s (p50) to %s (p99); before, p99 was %s", nsText(s.p50), nsText(s.p99), nsText(base)),
			Figures: map[string]float64{"p50_ns": float64(s.p50), "p99_ns": float64(s.p99), "p99_before_ns": float64(base), "depth_p99": float64(s.depth)},
		})
	}
	if lost.episode.Packets > 0 {
		strengths = append(strengths, 0.5)
		f.Evidence = append(f.Evidence, analyzers.Evidence{
			Text:    fmt.Sprintf("its full queue dropped %d packets of %s", lost.episode.Packets, count(lost.flows.Count(), "flow")),
			Figures: map[string]float64{"queue_drops": float64(lost.episode.Packets)},
			Packets: lost.examples(),
		})
	}
	f.Confidence = confidence(loss, strengths...)
	return f
}

// queueDrops joins the going episodes of queue drops at one port.
func (a *Analyzer) queueDrops(node int32, port uint32) *group {
	want := key{node: node, port: port}
	groups := a.groups(func(c *drops.Cell) (key, *drops.Episode) {
		if c.Reason() != p4src.DropTrafficManager || c.NodeIndex != node || c.OutPort() != port {
			return key{}, nil
		}
		return want, &c.All
	})
	if len(groups) == 0 {
		return &group{key: want}
	}
	return groups[0]
}
