package blame

// Config sets the model's few constants; the zero value is filled with defaults.
type Config struct {
	MinLoss    float64 // least loss rate of a fault; 0 = 1e-5
	MaxFaults  int     // faults found at most; 0 = 1000
	NoDevices  bool    // do not consider devices
	Decay      float64 // weight of an epoch's evidence one epoch later, below 1; 0 = 0.9 (Tracker only)
	MaxCarried int     // losing flows carried from earlier epochs at most; 0 = 1 << 20
}

func (c Config) filled() Config {
	if !(c.MinLoss > 0) {
		c.MinLoss = 1e-5
	}
	if c.MaxFaults <= 0 {
		c.MaxFaults = 1000
	}
	if !(c.Decay > 0 && c.Decay < 1) {
		c.Decay = 0.9
	}
	if c.MaxCarried <= 0 {
		c.MaxCarried = 1 << 20
	}
	return c
}

// What is thought of noise before.
const (
	noiseLost      = 0.01 // hardly any opinion: 0.01 packets lost …
	noiseWeight    = 1e4  // … in this many hops
	usualNoise     = 1e-6 // up to here any noise is as probable as any other,
	noSurprise     = 0.3  // … nor is one by which so many packets are lost in all,
	noiseDecline   = 1.5  // … beyond, x times as much is x^1.5 times less so
	faultOverNoise = 10   // a fault loses at least this many times what a healthy link does
)

// Likelihood blames the links (or devices) of a set; see the package comment.
func Likelihood(s *Set, cfg Config) Result { return NewTracker(s.links, cfg).judge(s) }

// Tracker blames epoch after epoch and carries the evidence of earlier ones, the weight
// of which decays: a link that loses one packet an epoch is found in time. It is for one
// goroutine.
type Tracker struct {
	cfg         Config
	links       *Links
	survivors   []float64 // by link, of earlier epochs, decayed
	nodes       []float64 // by device
	hopped      float64
	flows       float64
	parts       float64 // weight of the last epoch the rows of which were no whole flows
	carried     []carried
	paths       []int32
	doubtful    []doubtful
	shed        int
	independent bool // losses of the last epoch were
}

// doubtful is flows of earlier epochs whose path is uncertain: as many as weight says,
// which lost packets in k stretches of scale packets, and arrived of which got through.
type doubtful struct {
	bundle                    *bundle
	path                      []int32
	weight, k, scale, arrived float64
}

// carried is a losing flow of an earlier epoch.
type carried struct {
	end    int // of its links in paths
	weight float64
	lost   float64
	scale  float64
}

// leastWeight is the weight below which a flow's losses are forgotten, however many they were.
const leastWeight = 0.05

// NewTracker returns a tracker of sets over a table of links.
func NewTracker(links *Links, cfg Config) *Tracker { return &Tracker{cfg: cfg.filled(), links: links} }

// Next takes the set of the next epoch and blames its links, given the earlier ones.
func (t *Tracker) Next(s *Set) Result {
	res := t.judge(s)
	t.carry(s)
	return res
}

func (t *Tracker) judge(s *Set) Result {
	if s.links != t.links {
		panic("BUG: a set over another table of links")
	}
	s.complete()
	m := t.model(s, false)
	m.search()
	if t.independent = m.oneLossEach(t, s); t.independent {
		first := m
		m = t.model(s, true)
		m.searchFrom(first)
	}
	return t.answer(s, m)
}

// model adds up a set and what is carried.
func (t *Tracker) model(s *Set, independent bool) *fit {
	links, nodes := t.links.Len(), len(t.links.nodes)
	if t.cfg.NoDevices {
		nodes = 0
	}
	t.survivors = append(t.survivors, make([]float64, links-len(t.survivors))...)
	t.nodes = append(t.nodes, make([]float64, len(t.links.nodes)-len(t.nodes))...)
	m := &fit{survivors: make([]float64, links+nodes), theta: make([]float64, links+nodes), sent: make([]float64, links+nodes), gone: make([]float64, links+nodes), links: links, ends: t.links.ends, cfg: t.cfg}
	copy(m.survivors, t.survivors)
	if nodes > 0 {
		copy(m.survivors[links:], t.nodes)
	}
	m.hopped, m.flows = t.hopped, t.flows
	var buf []crossing
	from, normal := 0, s.normal()
	for _, c := range t.carried {
		buf = t.columns(buf[:0], t.paths[from:c.end])
		m.append(buf, c.lost, c.scale, c.end-from)
		from = c.end
	}
	for i := range t.doubtful {
		c := &t.doubtful[i]
		t.addMix(m, c.bundle, t.columns(buf[:0], c.path), float64(len(c.path)), c.weight, c.k, c.scale, c.arrived)
	}
	doubt := s.uncertain.walk()
	for i := range s.Len() {
		path, x := s.Path(i), doubt(i)
		if len(path) == 0 && x == nil || s.lost[i] > 0 && s.doubted[int32(i)] {
			continue // who knows where it lost them
		}
		buf = t.columns(buf[:0], path)
		k, scale, arrived := s.stretches(i, normal, independent, x != nil)
		m.flows += s.kept(i, k, scale)
		if x != nil {
			t.addMix(m, x, buf, float64(len(path)), 1, k, scale, arrived)
			b := &m.mix.bundles[t.bundleOf(m, x)]
			for j, c := range b.cols {
				m.sent[c] += (b.share[j] - b.halves[j]/2) * float64(s.packets[i])
				if partOf(buf, c) == 0 {
					m.gone[c] += b.share[j] * float64(s.lost[i])
				}
			}
			m.hopped += arrived * x.hops
			k = 0
		}
		for _, x := range buf {
			c, part := x.of()
			m.survivors[c] += part * arrived
			m.sent[c] += part * float64(s.packets[i])
			m.gone[c] += float64(s.lost[i])
		}
		m.hopped += arrived * float64(len(path))
		if k > 0 {
			m.append(buf, k, scale, len(path))
		}
	}
	if len(s.bursts) > 0 || normal > 0 || t.parts >= leastWeight {
		m.flows = 0 // rows are runs of losses, or parts of flows, most of which lose some
	}
	if onlyLosing(s) {
		m.equalTraffic()
	}
	m.classes = classify(t.links.ends, len(t.links.nodes), len(m.theta))
	m.sharing = shared(t.links.ends, len(t.links.nodes))
	m.index()
	m.countFew()
	return m
}

func (m *fit) append(cols []crossing, lost, scale float64, hops int) {
	m.scale = append(m.scale, scale)
	m.cols = append(m.cols, cols...)
	m.end = append(m.end, int32(len(m.cols)))
	m.lost = append(m.lost, lost)
	m.hops = append(m.hops, float64(hops))
}

// carry adds the set to what earlier epochs gave, decayed.
func (t *Tracker) carry(s *Set) {
	d := t.cfg.Decay
	for i := range t.survivors {
		t.survivors[i] *= d
	}
	for i := range t.nodes {
		t.nodes[i] *= d
	}
	t.hopped *= d
	t.flows *= d
	t.parts *= d
	rows, paths, from := t.carried[:0], t.paths[:0], 0
	for _, c := range t.carried {
		if c.weight*d >= leastWeight {
			paths = append(paths, t.paths[from:c.end]...) // moves down only
			rows = append(rows, carried{len(paths), c.weight * d, c.lost * d, c.scale})
		}
		from = c.end
	}
	t.carried, t.paths = rows, paths
	var buf []crossing
	links, normal := t.links.Len(), s.normal()
	if len(s.bursts) > 0 || normal > 0 {
		t.parts = d
	}
	old, kept := t.doubtful[:0], map[keptKey]int{}
	for _, c := range t.doubtful {
		if c.weight *= d; c.weight < leastWeight {
			continue
		}
		if c.k == 0 {
			kept[keptKey{c.bundle, magnitude(c.arrived)}] = len(old)
		}
		old = append(old, c)
	}
	clear(t.doubtful[len(old):])
	t.doubtful = old
	doubt := s.uncertain.walk()
	for i := range s.Len() {
		path, x := s.Path(i), doubt(i)
		if s.lost[i] > 0 && s.doubted[int32(i)] {
			continue
		}
		buf = t.columns(buf[:0], path)
		k, scale, arrived := s.stretches(i, normal, t.independent, x != nil)
		if len(s.bursts) == 0 && normal == 0 && (len(path) > 0 || x != nil) {
			t.flows += d * s.kept(i, k, scale)
		}
		if x != nil {
			t.carryMix(x, path, k, scale, arrived, kept)
			t.hopped += d * arrived * x.hops
			k = 0
		}
		arrived *= d
		for _, x := range buf {
			if c, part := x.of(); int(c) < links {
				t.survivors[c] += part * arrived
			} else {
				t.nodes[int(c)-links] += part * arrived
			}
		}
		t.hopped += arrived * float64(len(path))
		if k == 0 || len(path) == 0 {
			continue
		}
		if len(t.carried) >= t.cfg.MaxCarried {
			t.shed++
			continue
		}
		t.paths = append(t.paths, path...)
		t.carried = append(t.carried, carried{len(t.paths), d, d * k, scale})
	}
}
