package latency

import (
	"cmp"
	"iter"
	"slices"

	"github.com/telltale-net/telltale/analyzers"
)

// HopKey is a way through a switch: node index, port in, port out.
type HopKey struct {
	Node    int32
	In, Out uint16
}

// QueueKey is a queue: node index, port, queue id.
type QueueKey struct {
	Node  int32
	Port  uint16
	Queue uint8
}

// View reads one series. It is valid until the next call of Observe or Advance.
type View struct{ s *series }

// Stats returns the summary over all closed windows and the history.
func (v View) Stats() Stats { return v.s.stats() }

// Windows returns the closed windows that start at or after from, oldest first.
func (v View) Windows(from int64) []Window { return v.s.windows(from) }

// Last returns the window closed i windows ago, 0 = the latest; false where none is
// kept. Windows without samples are not kept.
func (v View) Last(i int) (Window, bool) {
	if w := v.s.last(i); w != nil {
		return *w, true
	}
	return Window{}, false
}

// BaseP99 returns the p99 of the latency history in ns and its samples.
func (v View) BaseP99() (ns uint64, samples uint64) { return v.s.baseP99, v.s.base.n }

func (t *table[K]) each(yield func(K, View) bool) {
	for i, k := range t.keys {
		if !yield(k, View{t.all[i]}) {
			return
		}
	}
}

// Hops calls yield for every way through a switch, in the order first seen.
func (m *Monitor) Hops(yield func(HopKey, View) bool) { m.hops.each(yield) }

// Queues calls yield for every queue, in the order first seen.
func (m *Monitor) Queues(yield func(QueueKey, View) bool) { m.queues.each(yield) }

// Paths calls yield for every path; latency is the time in its switches together, ns;
// paths have no depth.
func (m *Monitor) Paths(yield func(Path, View) bool) { m.paths.each(yield) }

// Queue returns one queue's series.
func (m *Monitor) Queue(k QueueKey) (View, bool) {
	if i, ok := m.queues.index[k]; ok {
		return View{m.queues.all[i]}, true
	}
	return View{}, false
}

// Link is one direction of a link: packets that a node said it sent there, and those
// of them that the peer, which reports, never reported, nor anybody behind it.
type Link struct {
	Node          int32 // index of the sender
	Port          uint16
	Sent, Missing uint64
	First, Last   int64 // first reports of the first and last missing packet; 0 = none
}

// LinkWindow is what was judged of one direction of a link within one window.
type LinkWindow struct {
	Start         int64 // of the window of judgement: Config.JoinWindow after the packets
	Sent, Missing uint32
	First, Last   int64 // first reports of the first and last missing packet
}

// Links returns every direction of a link that a packet was sent on and judged in the
// windows that begin at or after from, at most the last 32; all counts and times
// are of these windows. With from 0 the counts are of all time, without times.
func (m *Monitor) Links(from int64) iter.Seq[Link] {
	return func(yield func(Link) bool) { m.links(from, yield) }
}

func (m *Monitor) links(from int64, yield func(Link) bool) {
	first := (from + int64(m.cfg.Window) - 1) / int64(m.cfg.Window)
	for n := range m.ports {
		for p := range m.ports[n] {
			l := m.ports[n][p].link
			if l == nil {
				continue
			}
			out := Link{Node: int32(n), Port: uint16(p)}
			if from == 0 {
				out.Sent, out.Missing = l.sent, l.missing
			} else {
				out.add(l, first)
			}
			if out.Sent > 0 && !yield(out) {
				return
			}
		}
	}
}

// add counts the windows from the given one.
func (out *Link) add(l *linkSum, from int64) {
	for i := range l.ring {
		w := &l.ring[i]
		if w.sent == 0 || w.at < from {
			continue
		}
		out.Sent += uint64(w.sent)
		out.Missing += uint64(w.missing)
		if w.missing > 0 {
			if out.First == 0 || w.first < out.First {
				out.First = w.first
			}
			out.Last = max(out.Last, w.last)
		}
	}
}

// LinkWindows returns the windows kept of one direction of a link, at most 32, oldest first.
func (m *Monitor) LinkWindows(node int32, port uint16) []LinkWindow {
	if m.net.PortAt(node, uint32(port)).Kind != analyzers.ToSwitch || m.ports[node][port].link == nil {
		return nil
	}
	var out []LinkWindow
	for _, w := range m.ports[node][port].link.ring {
		if w.sent > 0 {
			out = append(out, LinkWindow{w.at * int64(m.cfg.Window), w.sent, w.missing, w.first, w.last})
		}
	}
	slices.SortFunc(out, func(a, b LinkWindow) int { return cmp.Compare(a.Start, b.Start) })
	return out
}

// Reporting returns when the node's latest report of a tracked packet was received, 0
// = never, and the share of its reports that never came, by its sequence numbers, over
// its last few thousand reports.
func (m *Monitor) Reporting(node int32) (latest int64, loss float64) {
	n := &m.nodes[node]
	if n.reports+n.missing > 0 {
		loss = float64(n.missing) / float64(n.reports+n.missing)
	}
	return n.latest, loss
}
