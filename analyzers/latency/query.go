package latency

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

// Links calls yield for every direction of a link that a packet was sent on and judged
// within the last windows windows (at most 32; 0 = of all time, without times).
func (m *Monitor) Links(windows int, yield func(Link) bool) {
	at := m.now / int64(m.cfg.Window)
	for n := range m.ports {
		for p := range m.ports[n] {
			l := &m.ports[n][p].link
			out := Link{Node: int32(n), Port: uint16(p), Sent: l.sent, Missing: l.missing}
			if windows > 0 {
				out.Sent, out.Missing = 0, 0
				for i := range l.ring {
					w := &l.ring[i]
					if w.sent == 0 || w.at <= at-int64(windows) {
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
			if out.Sent > 0 && !yield(out) {
				return
			}
		}
	}
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
