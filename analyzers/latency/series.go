package latency

// Window is one closed time window of a series. Latency in ns, Depth in packets found
// in the queue at enqueue, or left behind at dequeue where the former is not reported.
type Window struct {
	Start   int64 // collector's clock, ns
	Count   uint64
	Latency Quantiles
	Depth   Quantiles
	Drain   Drain // of queues
}

// series is the samples of one hop, queue or path by time window.
type series struct {
	window     int64 // number of the open window
	lat, depth hist  // of the open window
	drain      drainSum
	lengths    *recent // of queues
	total      hist    // latency, all closed windows
	totalDepth hist

	ring   []Window // closed windows, ring
	closed int      // how many were closed, ever

	base     hist // latency history
	baseP99  uint64
	outliers int // windows in a row that did not look like the history
}

// roll closes the open window when at is later.
func (s *series) roll(m *Monitor, at int64) {
	if at <= s.window {
		return
	}
	if s.lat.n > 0 {
		s.close(m)
	}
	s.window = at
}

func (s *series) close(m *Monitor) {
	w := Window{
		Start:   s.window * int64(m.cfg.Window),
		Count:   s.lat.n,
		Latency: s.lat.quantiles(),
		Depth:   s.depth.quantiles(),
		Drain:   s.drain.drain(),
	}
	if len(s.ring) < m.cfg.Windows {
		s.ring = append(s.ring, w)
	} else {
		s.ring[s.closed%m.cfg.Windows] = w
	}
	s.closed++
	s.total.merge(&s.lat)
	s.totalDepth.merge(&s.depth)
	s.learn(m, &w)
	s.lat.reset()
	s.depth.reset()
	s.drain = drainSum{}
}

// historyEnough is how many samples a history needs before a window can differ from it.
const historyEnough = 50

// historyMax is where the history forgets its older half.
const historyMax = 1 << 16

func (s *series) learn(m *Monitor, w *Window) {
	if s.base.n >= historyEnough && float64(w.Latency.P99) > m.cfg.Outlier*float64(max(s.baseP99, 1)) {
		if s.outliers++; s.outliers < m.cfg.Relearn {
			return
		}
		s.base.reset()
	}
	s.outliers = 0
	s.base.merge(&s.lat)
	if s.base.n > historyMax {
		s.base.halve()
	}
	s.baseP99 = s.base.quantiles().P99
}

// last returns the window closed i windows ago, 0 = the latest, or nil.
func (s *series) last(i int) *Window {
	if i >= min(s.closed, len(s.ring)) {
		return nil
	}
	return &s.ring[(s.closed-1-i)%len(s.ring)]
}

// Stats of a series: how many samples, over which time and against which history.
type Stats struct {
	Count   uint64    // in closed windows
	Latency Quantiles // of all closed windows
	Depth   Quantiles
	Base    Quantiles // latency of the history
	BaseN   uint64    // samples in the history
}

func (s *series) stats() Stats {
	return Stats{Count: s.total.n, Latency: s.total.quantiles(), Depth: s.totalDepth.quantiles(), Base: s.base.quantiles(), BaseN: s.base.n}
}

// windows returns the closed windows that start at or after from, oldest first.
func (s *series) windows(from int64) []Window {
	var out []Window
	for i := min(s.closed, len(s.ring)) - 1; i >= 0; i-- {
		if w := s.last(i); w.Start >= from {
			out = append(out, *w)
		}
	}
	return out
}
