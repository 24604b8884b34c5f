package latency

import (
	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/collector/postcard"
)

// Monitor measures latency. It is not safe for concurrent use.
type Monitor struct {
	net *analyzers.Network
	cfg Config

	hops   table[HopKey]
	queues table[QueueKey]
	paths  table[Path]

	ports [][]port // by node index, port number
	nodes []node
	join  *joiner
	now   int64
	stats MonitorStats

	sampling uint
}

// port is the state of one switch port.
type port struct {
	last departure
	link *linkSum // nil until a packet was judged
}

// node is the state of one switch.
type node struct {
	next    [64]uint32 // expected report sequence number, by HwID
	started [64]bool
	gaps    uint32
	first   int64 // Received of its first report of a tracked packet, -1 = none
	latest  int64 // of its latest one
	reports uint64
	missing uint64  // reports, by sequence number; halved together with reports
	active  []int64 // ring: the latest window with a report of a tracked packet, by window
}

// reported reports whether the node reported tracked packets in the window or the next.
func (n *node) reported(window int64) bool {
	size := uint64(len(n.active))
	return n.active[uint64(window)%size] == window || n.active[uint64(window+1)%size] == window+1
}

// MonitorStats counts what went in and what did not fit.
type MonitorStats struct {
	Records     uint64 // observed
	UnknownNode uint64 // records of a node or port the fabric does not have
	Unmeasured  uint64 // hop records without a latency
	Unjoinable  uint64 // records without packet id, flow hash or ports
	Duplicates  uint64 // reports of a hop that was reported already
	LongPaths   uint64 // reports beyond the eighth hop of a packet: a loop
	ShedPackets uint64 // judged early because the join was full; not counted in links
	ShedSeries  uint64 // samples of hops, queues and paths beyond Config.MaxSeries
	Joined      uint64 // packets judged
	Complete    uint64 // of them, seen at every hop from a tenant's port to a tenant's port
}

// New returns an empty monitor for the network.
func New(net *analyzers.Network, cfg Config) *Monitor {
	m := &Monitor{net: net, cfg: cfg.withDefaults(), ports: make([][]port, len(net.Nodes)), nodes: make([]node, len(net.Nodes))}
	for i := range m.ports {
		m.ports[i] = make([]port, len(net.Nodes[i].Ports))
		m.nodes[i].first = -1
		m.nodes[i].active = make([]int64, m.cfg.JoinWindow/m.cfg.Window+4)
	}
	m.join = newJoiner(m.cfg.MaxPackets)
	return m
}

// Observe adds one record.
func (m *Monitor) Observe(r *postcard.Record) {
	m.stats.Records++
	m.now = max(m.now, r.Received)
	n := m.net.ByID(r.Node)
	if n < 0 {
		m.stats.UnknownNode++
		return
	}
	m.nodes[n].observe(r, m.now/int64(m.cfg.Window), m.sampling > 0)
	m.expire(m.now)
	if r.Has&postcard.HasPorts == 0 {
		m.stats.Unjoinable++
		return
	}
	if !r.Lost() {
		m.measure(r, n)
	}
	m.joins(r, n)
}

// SetSampling says that from now on the records are those of one packet in 2^level,
// all hops of it; 0 = of every packet. What the sequence numbers leave out then is no
// lost report, and a packet that is left out may have left between any two.
func (m *Monitor) SetSampling(level uint) { m.sampling = level }

func (n *node) observe(r *postcard.Record, window int64, sampled bool) {
	if r.Flags&postcard.Tracked != 0 {
		if n.first < 0 {
			n.first = r.Received
		}
		n.latest = max(n.latest, r.Received)
		n.active[uint64(window)%uint64(len(n.active))] = window
	}
	if n.reports++; n.reports >= 4096 {
		n.reports /= 2
		n.missing /= 2
	}
	h := r.HwID % 64
	ahead := (r.Seq - n.next[h]) & seqMask
	switch {
	case sampled:
		n.gaps++
	case !n.started[h] || ahead == 0:
	case ahead < seqMask/2:
		n.gaps++
		if ahead <= maxHole {
			n.missing += uint64(ahead)
		}
	default: // late: it had been taken for missing
		n.gaps++
		n.missing -= min(n.missing, 1)
		return
	}
	n.started[h] = true
	n.next[h] = (r.Seq + 1) & seqMask
}

// maxHole is the most missing reports one jump of the sequence stands for; a longer one
// is a switch that started again.
const maxHole = 4096

// seqMask is the width of a report's sequence number, 22 bits.
const seqMask = 1<<22 - 1

func (m *Monitor) measure(r *postcard.Record, n int32) {
	if int(r.OutPort) >= len(m.ports[n]) {
		m.stats.UnknownNode++
		return
	}
	if r.Has&postcard.HasLatency == 0 {
		m.stats.Unmeasured++
		return
	}
	at := m.now / int64(m.cfg.Window)
	depth := r.QueueDepth
	if r.Has&postcard.HasEnqDepth != 0 {
		depth = r.EnqDepth
	}
	if s := m.hops.get(m, HopKey{n, uint16(r.InPort), uint16(r.OutPort)}); s != nil {
		s.roll(m, at)
		s.lat.add(uint64(r.Latency))
		s.depth.add(uint64(depth))
	}
	if s := m.queues.get(m, QueueKey{n, uint16(r.OutPort), r.Queue}); s != nil {
		s.roll(m, at)
		s.lat.add(uint64(r.Latency))
		s.depth.add(uint64(depth))
		if s.lengths == nil {
			s.lengths = new(recent)
		}
		s.drain.departs(r, &m.ports[n][r.OutPort].last, s.lengths, m.nodes[n].gaps, m.net.Nodes[n].Ports[r.OutPort].RateBps)
	}
}

// joins adds the report to its packet.
func (m *Monitor) joins(r *postcard.Record, n int32) {
	const need = postcard.HasPacketID | postcard.HasFlowHash
	if r.Has&need != need {
		m.stats.Unjoinable++
		return
	}
	key := packetKey{r.VNI, r.FlowHash, r.PacketID}
	p := m.join.find(key)
	if p == nil {
		if m.join.full() {
			m.stats.ShedPackets++
			m.join.pop()
		}
		p = m.join.push(key, m.now)
	}
	fresh, room := p.add(r, n, !r.Lost() && m.net.PortAt(n, r.OutPort).Kind == analyzers.ToHost)
	if !fresh {
		m.stats.Duplicates++
	}
	if !room {
		m.stats.LongPaths++
	}
}

// Advance moves time forward without a record: windows close, packets are judged.
func (m *Monitor) Advance(now int64) {
	m.now = max(m.now, now)
	at := m.now / int64(m.cfg.Window)
	m.hops.roll(m, at)
	m.queues.roll(m, at)
	m.paths.roll(m, at)
	m.expire(m.now)
}

// expire judges every packet that has been waited for long enough.
func (m *Monitor) expire(now int64) {
	for p := m.join.oldest(); p != nil && now-p.first >= int64(m.cfg.JoinWindow); p = m.join.oldest() {
		m.judge(p)
		m.join.pop()
	}
}

// Stats returns the counters.
func (m *Monitor) Stats() MonitorStats { return m.stats }

// table is the series of one dimension, in the order they were first seen.
type table[K comparable] struct {
	index map[K]int
	keys  []K
	all   []*series
}

// get returns the series of k, nil where it would be one too many.
func (t *table[K]) get(m *Monitor, k K) *series {
	if i, ok := t.index[k]; ok {
		return t.all[i]
	}
	if len(t.all) >= m.cfg.MaxSeries {
		m.stats.ShedSeries++
		return nil
	}
	if t.index == nil {
		t.index = make(map[K]int)
	}
	t.index[k] = len(t.all)
	t.keys = append(t.keys, k)
	s := &series{window: m.now / int64(m.cfg.Window)}
	t.all = append(t.all, s)
	return s
}

func (t *table[K]) roll(m *Monitor, at int64) {
	for _, s := range t.all {
		s.roll(m, at)
	}
}
