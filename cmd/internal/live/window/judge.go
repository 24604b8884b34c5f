package window

import "math"

// judge judges the oldest window that is not judged.
func (a *Analyzer) judge(loss ReportLoss) *Window {
	length := int64(a.cfg.Length)
	w := &Window{From: a.first * length, To: (a.first + 1) * length, Reports: []NodeLoss{}}
	t := a.tallies[a.first]
	w.Records, w.Taken, w.Shed, w.Late, w.Level = t.offered, t.taken, t.shed, t.late, t.level
	var received, lost float64
	share := make(map[string]float64, len(a.net.Nodes))
	for _, l := range a.reports(loss, w.From, w.To-1) {
		share[l.Node] = l.Share
		if l.Arrived > 0 || l.Lost > 0 {
			w.Reports = append(w.Reports, l.NodeLoss)
			received += float64(l.Arrived)
			lost += float64(l.Lost)
		}
	}
	if received+lost > 0 {
		w.ReportLoss = lost / (received + lost)
	}
	w.ReportLoss += (1 - w.ReportLoss) * a.shedShare(w.From, w.To-1)
	w.Links = a.links(share, w.Scale(), t.dropped)
	w.Flows, w.Blame, w.Packets = a.blame.epoch(w.From, w.To, a.torn >= w.From)
	delete(a.tallies, a.first)
	a.first++
	a.until = w.To + int64(settle)
	return w
}

// links returns what the links carried and lost since the window before, and adds it to
// the totals.
func (a *Analyzer) links(share map[string]float64, scale float64, dropped map[place]uint64) []Loss {
	out := []Loss{}
	for l := range a.incident.Latency().Links(0) { // those that were never sent on are not there
		key := place{l.Node, l.Port}
		was, known := a.judged[key]
		port := a.net.PortAt(l.Node, uint32(l.Port))
		x := Loss{Node: a.net.Name(l.Node), Port: uint32(l.Port), Peer: port.PeerName, Sent: l.Sent - was.sent, Lost: l.Missing - was.lost, Dropped: dropped[key], ReportLoss: share[port.PeerName]}
		if !known {
			was.total = len(a.totals)
			a.totals = append(a.totals, Loss{Node: x.Node, Port: x.Port, Peer: x.Peer})
		}
		a.judged[key] = counts{l.Sent, l.Missing, was.total}
		if x.Sent == 0 && x.Dropped == 0 {
			continue
		}
		total := &a.totals[was.total]
		total.Sent += uint64(math.Round(float64(x.Sent) * scale))
		total.Lost += uint64(math.Round(float64(x.Lost) * scale))
		total.Dropped += uint64(math.Round(float64(x.Dropped) * scale))
		total.ReportLoss = x.ReportLoss
		out = append(out, x)
	}
	return out
}
