package incident

import (
	"fmt"
	"math"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/latency"
)

// lossyLinks finds links between two switches that packets vanish on: sent by one, never
// seen by the other nor anybody behind it, while it reports and its reports arrive.
func (a *Analyzer) lossyLinks(out []candidate) []candidate {
	from := max(a.ago(a.cfg.LinkSpan), a.start+int64(a.cfg.Settle+a.cfg.Latency.JoinWindow))
	for l := range a.lat.Links(from) {
		port := a.net.PortAt(l.Node, uint32(l.Port))
		if l.Missing < a.cfg.LinkPackets {
			continue
		}
		latest, _ := a.lat.Reporting(port.Peer)
		if latest < a.ago(a.cfg.Latency.JoinWindow) {
			continue // the switch fell silent: nothing is known about the link
		}
		loss := a.reportLoss(port.Peer)
		share := float64(l.Missing) / float64(l.Sent)
		chance := 2 * loss * float64(l.Sent)
		if share <= 2*loss+a.cfg.LinkShare || float64(l.Missing) <= chance+4*math.Sqrt(chance) {
			continue
		}
		if a.overloaded(out, port.Peer) {
			continue // its queues lose packets before the pipeline can say so
		}
		out = append(out, candidate{
			key:     key{kind: analyzers.LinkLoss, node: l.Node, port: uint32(l.Port)},
			fresh:   l.Last + int64(a.cfg.Latency.JoinWindow), // when that could be known
			finding: a.linkFinding(l, port, from, loss, share),
		})
	}
	return out
}

// overloaded reports whether a port of the node is known to be slow or congested.
func (a *Analyzer) overloaded(cands []candidate, node int32) bool {
	bad := func(k key) bool {
		return k.node == node && (k.kind == analyzers.SlowPort || k.kind == analyzers.Congestion)
	}
	for i := range cands {
		if bad(cands[i].key) {
			return true
		}
	}
	for _, s := range a.stories {
		if bad(s.key) {
			return true
		}
	}
	return false
}

func (a *Analyzer) linkFinding(l latency.Link, port analyzers.Port, from int64, loss, share float64) analyzers.Finding {
	since := a.lossSince(l, from, loss, share)
	f := analyzers.Finding{
		Kind:  analyzers.LinkLoss,
		Place: analyzers.Place{Node: a.net.Name(l.Node), Port: uint32(l.Port), Peer: port.PeerName},
		Since: since, Until: l.Last,
		Packets:    l.Missing,
		ReportLoss: loss,
		Confidence: confidence(loss, 0.5, enough(l.Missing, 10), 0.5*math.Min(1, share/(2*loss+a.cfg.LinkShare)/4)),
	}
	f.Evidence = []analyzers.Evidence{
		{
			Text: fmt.Sprintf("%s sent %d packets out of port %d to %s; %d of them (%.1f %%) were never seen there, nor by anyone behind it, and nobody reported to have dropped them",
				f.Place.Node, l.Sent, l.Port, port.PeerName, l.Missing, 100*share),
			Figures: map[string]float64{"sent": float64(l.Sent), "missing": float64(l.Missing), "share": share},
		},
		{
			Text:    fmt.Sprintf("%s reports other packets; %.1f %% of its reports are lost", port.PeerName, 100*loss),
			Figures: map[string]float64{"report_loss": loss},
		},
	}
	return f
}

// lossSince dates the loss: of all ends of the windows, the one over which a loss of
// share is the most likely against that of reports alone (the maximum of a CUSUM of
// log-likelihood ratios), the first packet that is missing in it.
func (a *Analyzer) lossSince(l latency.Link, from int64, loss, share float64) int64 {
	p0 := math.Min(math.Max(loss, 1e-3), share/2)
	hit, miss := math.Log(share/p0), math.Log((1-share+1e-9)/(1-p0))
	since := l.First
	sum, best := 0.0, 0.0
	windows := a.lat.LinkWindows(l.Node, l.Port)
	for i := len(windows) - 1; i >= 0 && windows[i].Start >= from; i-- {
		w := &windows[i]
		sum += float64(w.Missing)*hit + float64(w.Sent-w.Missing)*miss
		if sum > best && w.Missing > 0 {
			best, since = sum, w.First
		}
	}
	return since
}
